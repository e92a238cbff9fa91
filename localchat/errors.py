"""Everything that can go wrong and that a person can do something about.

One root, ``LocalChatError``, with a ``code`` that scripts read, a ``message`` that says what happened, a ``hint`` that
says what to do next, and a ``remedy`` where the program itself can do it. A hint names no key and no command: the
remedy does, in each interface with its own words. Errors are made at the borders (socket, file, key, form) and shown in
one place per interface. Any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What the program can do about an error. The values are stored with failed replies: they keep their names."""

    ASK_AGAIN = "ask_again"
    PICK_MODEL = "pick_model"
    ADD_MODEL = "add_model"  # or switch one on
    ADD_PROVIDER = "add_provider"
    EDIT_PROVIDER = "edit_provider"
    DISCOVER = "discover"  # ask the provider which models it has
    RESTORE_PROVIDER = "restore_provider"
    RESTORE_MODEL = "restore_model"
    RESTORE_CHAT = "restore_chat"
    FETCH_WEIGHTS = "fetch_weights"
    LIST_PROVIDERS = "list_providers"
    LIST_MODELS = "list_models"
    LIST_ALL_MODELS = "list_all_models"  # removed ones too
    LIST_CHATS = "list_chats"
    SHOW_LOG = "show_log"
    CHECK_STORE = "check_store"
    FIX_STORE = "fix_store"
    LIST_BACKUPS = "list_backups"
    OTHER_STORE = "other_store"  # or a backup in its place
    OPEN_AS_STORE = "open_as_store"  # that file
    EXPORT_CHAT = "export_chat"
    KEY_IN_VARIABLE = "key_in_variable"
    KEY_IN_KEYRING = "key_in_keyring"
    SWITCH_ON_MODEL = "switch_on_model"
    SWITCH_ON_PROVIDER = "switch_on_provider"
    RENAME_PROVIDER = "rename_provider"  # to ``other``, which is free
    RENAME_MODEL = "rename_model"
    MAKE_ROOM = "make_room"  # another provider has the name: it gets ``other``, then the removed one comes back
    TAKE_OVER = "take_over"  # a provider of that name takes over what came without one, such as the model ``other``
    MOVE_CHATS = "move_chats"  # to the model ``other``, where one is meant
    ALLOW_REMOTE = "allow_remote"  # that host, for this chat
    ALLOW_FALLBACK = "allow_fallback"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way out, and of what: the name of the provider, the ref of the model, the number of the chat. ``other``: what
    the way leads to, where it names two things."""

    way: Way
    subject: str = ""
    other: str = ""

    def __str__(self) -> str:
        return f"{self.way} {self.subject}".strip()  # failed replies have no remedy that names two

    @classmethod
    def read(cls, text: str | None) -> Remedy | None:
        """What ``str`` wrote; None for what this version does not know."""
        way, _, subject = (text or "").partition(" ")
        try:
            return cls(Way(way), subject)
        except ValueError:
            return None


ASK_AGAIN = Remedy(Way.ASK_AGAIN)


class LocalChatError(Exception):
    """The root. ``code`` is public behaviour (see docs/command-line.md); ``title`` heads a toast."""

    code = "internal"
    title = "Something went wrong"

    def __init__(self, message: str, hint: str = "", *, remedy: Remedy | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message


class ProviderNotConfigured(LocalChatError):
    """A model names a provider that does not exist."""

    code = "provider_not_configured"
    title = "No such provider"

    def __init__(self, hint: str = "", *, remedy: Remedy | None = Remedy(Way.ADD_PROVIDER)) -> None:
        super().__init__("Chat provider is not configured.", hint, remedy=remedy)


class NoDefaultModel(LocalChatError):
    """There is no usable model to answer a turn."""

    code = "no_default_model"
    title = "No default model"

    def __init__(self, hint: str = "") -> None:
        super().__init__("no default chat model config is available", hint, remedy=Remedy(Way.ADD_MODEL))


class NotFound(LocalChatError):
    """The row that was to be read or changed is gone (removed here or in another window)."""

    code = "not_found"
    title = "Not found"

    def __init__(
        self,
        message: str = "Resource not found or you do not have access to this resource",
        hint: str = "It was removed, perhaps in another window.",
        *,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message, hint, remedy=remedy)


class Changed(LocalChatError):
    """What a person was shown and confirmed is not what is there any more; nothing was changed.

    ``now``: by field, what stands there now, where an edit met the edit of somebody else.
    """

    code = "changed"
    title = "Changed meanwhile"

    def __init__(
        self,
        message: str,
        hint: str = "Look at what it is now, and confirm that.",
        *,
        now: Mapping[str, object] | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message, hint, remedy=remedy)
        self.now = dict(now or {})


class AlreadyExists(LocalChatError):
    code = "already_exists"
    title = "Already there"


class InvalidInput(LocalChatError):
    code = "invalid_input"
    title = "That cannot be used"


class ConfirmRemote(LocalChatError):
    """The chat's own model is local, or nobody knows where it ran; the model that would answer is not; and the person
    has not agreed to its host yet."""

    code = "confirm_remote"
    title = "Send to another machine?"

    def __init__(self, wanted: str, used: str, host: str, *, known: bool = True) -> None:
        """``known``: it is known that the chat's own model is local. ``host`` is where ``used`` answers."""
        was = f"{wanted} answered on this machine" if known else f"Nobody knows where {wanted} answered"
        super().__init__(
            f"{was}; {used} answers at {host}. Nothing was sent.",
            "It would see the whole chat.",
            remedy=Remedy(Way.ALLOW_REMOTE, host),
        )
        self.wanted = wanted
        self.used = used
        self.host = host
        self.known = known

    @property
    def facts(self) -> tuple[str, str, str]:
        """What a person agrees to: where these differ from what was shown, it is another question."""
        return self.wanted, self.used, self.host


class FallbackRefused(LocalChatError):
    """The chat's own model is gone or off, the default would answer, and whoever asked wants that model or none."""

    code = "fallback_refused"
    title = "Not that model"

    def __init__(self, wanted: str, used: str, why: str) -> None:
        super().__init__(
            f"{wanted} {why}; {used} would answer, and no other model may. Nothing was sent.",
            remedy=Remedy(Way.ALLOW_FALLBACK),
        )


class ModelMissing(LocalChatError):
    """The weights file of an embedded model is not there."""

    code = "model_missing"
    title = "Model file missing"


class ProviderUnavailable(LocalChatError):
    """Refused, unresolved, timeout, 408, 5xx, a budget exceeded, or a break before the first word."""

    code = "provider_unavailable"
    title = "No answer"

    def __init__(
        self, message: str, hint: str = "", retry_after: float | None = None, *, remedy: Remedy | None = None
    ) -> None:
        """``retry_after``: seconds the endpoint asks to wait, where it said so."""
        super().__init__(message, hint, remedy=remedy)
        self.retry_after = retry_after


class ProviderRejected(LocalChatError):
    """401, 403, 404 and other 4xx: the endpoint understood and refused."""

    code = "provider_rejected"
    title = "Refused"

    def __init__(self, message: str, hint: str = "", *, model_gone: bool = False, remedy: Remedy | None = None) -> None:
        """``model_gone``: it answered with 404 or 410 for the model, so it does not offer it (any more)."""
        super().__init__(message, hint, remedy=remedy)
        self.model_gone = model_gone


class RateLimited(LocalChatError):
    code = "rate_limited"
    title = "Rate limited"

    def __init__(
        self, message: str, hint: str = "", retry_after: float | None = None, *, remedy: Remedy | None = None
    ) -> None:
        """``retry_after``: seconds the endpoint asks to wait, where it said so."""
        super().__init__(message, hint, remedy=remedy)
        self.retry_after = retry_after


class ContextTooLong(LocalChatError):
    """The endpoint says that what was sent does not fit. ``limit`` and ``tokens`` where it told them."""

    code = "context_too_long"
    title = "Too long for this model"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        limit: int | None = None,
        tokens: int | None = None,
        remedy: Remedy | None = None,
    ) -> None:
        super().__init__(message, hint, remedy=remedy)
        self.limit = limit
        self.tokens = tokens


class ReplyCut(LocalChatError):
    """The stream broke after the first word, or ended without a finish reason."""

    code = "reply_cut"
    title = "The reply was cut off"


class NotInstalled(LocalChatError):
    """What only some kinds of providers need is not there."""

    code = "not_installed"
    title = "Not installed"


class ReplyEmpty(LocalChatError):
    """The endpoint ended its reply, and there is not a word in it."""

    code = "reply_empty"
    title = "An empty reply"


class StoreBusy(LocalChatError):
    """Another process kept the write lock for longer than we wait."""

    code = "store_busy"
    title = "The store is busy"


class StoreUnreadable(LocalChatError):
    code = "store_unreadable"
    title = "The store cannot be read"


class StoreDamaged(StoreUnreadable):
    """The file is not whole: what can be read of it is shown, and nothing is written to it."""

    code = "store_damaged"
    title = "The store is damaged"


class SearchIndexDamaged(StoreUnreadable):
    """The words are all there, and the index of them is not: it can be made anew."""


class StoreReadonly(StoreUnreadable):
    """The file can be read, and not written."""

    code = "store_readonly"
    title = "The store cannot be written"


class StoreNewer(LocalChatError):
    code = "store_newer"
    title = "The store is newer than this program"


class DiskFull(LocalChatError):
    code = "disk_full"
    title = "The disk is full"


class Internal(LocalChatError):
    """A promise of our own was broken inside a transaction; nothing was changed."""

    code = "internal"
    title = "Internal error"


BY_CODE: dict[str, type[LocalChatError]] = {
    kind.code: kind
    for kind in (
        ProviderNotConfigured, NoDefaultModel, NotFound, Changed, AlreadyExists, InvalidInput, ConfirmRemote,
        FallbackRefused, ModelMissing, ProviderUnavailable, ProviderRejected, RateLimited, ContextTooLong, ReplyCut,
        ReplyEmpty, NotInstalled, StoreBusy, StoreUnreadable, StoreDamaged, StoreReadonly, StoreNewer, DiskFull,
        Internal,
    )
}  # fmt: skip
