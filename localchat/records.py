"""The nouns, as frozen records. What they mean: docs/words.md."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from localchat.errors import Remedy

Kind = Literal["embedded", "echo", "replay", "openai", "anthropic", "google"]
Role = Literal["system", "user", "assistant"]
Status = Literal["complete", "streaming", "stopped", "interrupted", "failed"]
KeySource = Literal["none", "env", "keyring"]
Reason = Literal["removed", "disabled"]

ROLES: tuple[Role, ...] = get_args(Role)
STATUSES: tuple[Status, ...] = get_args(Status)
KEY_SOURCES: tuple[KeySource, ...] = get_args(KeySource)
REASONS: tuple[Reason, ...] = get_args(Reason)
KINDS: tuple[Kind, ...] = ("embedded", "echo", "replay", "openai", "anthropic", "google")
# 8,192 would fit the model, but reading so much takes this tiny engine half a minute, and 90 MB more.
BUILT_IN_CONTEXT = 4096
BUILT_IN_PROVIDER = "local"  # its name in a new store
BUILT_IN_MODEL = "smollm2"  # the model in the box, of a provider of kind `embedded`
# Where a kind answers whose provider names no address.
VENDOR_HOSTS = {"anthropic": "api.anthropic.com", "google": "generativelanguage.googleapis.com"}
LOCAL_KINDS = ("embedded", "echo", "replay")


def utc_now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """``YYYY-MM-DDTHH:MM:SS.mmmZ``, as the store writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


NO_TIME = datetime.fromtimestamp(0, UTC)  # stands for a time that nobody can read; no chat is as old


def moment(stamped: str) -> datetime:
    """The other way: a store's time as an aware datetime; one without a zone is UTC. Any program may write the file:
    what is no time, or none that a clock of this machine could show, is ``NO_TIME``."""
    try:
        found = datetime.fromisoformat(stamped.strip())
    except ValueError:
        return NO_TIME
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found if 1970 < found.year < 9999 else NO_TIME


def is_loopback(host: str | None) -> bool:
    """``localhost``, 127/8 or ``::1``. Any other name is elsewhere, whatever it may resolve to."""
    if host is None:
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Pythons differ on whether ::ffff:127.0.0.1 and ::1%eth0 are loopback; here they are not.
    return str(address) == "::1" or (address.version == 4 and address.is_loopback)


def is_local(kind: str, base_url: str | None) -> bool:
    """Whether a provider of this kind and address runs on this machine."""
    if kind in LOCAL_KINDS:
        return True
    try:
        return is_loopback(urlsplit(base_url or "").hostname)
    except ValueError:
        return False


def host_of(base_url: str | None) -> str:
    """The host of an address in lower case, with ``:port`` where one is given; empty where there is none."""
    try:
        return urlsplit(base_url or "").netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


class Ref(NamedTuple):
    """How people name a model: ``PROVIDER/MODEL``, split at the first slash."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Raises ValueError where there is no slash, or nothing on one side of it."""
        provider, slash, model = text.partition("/")
        if not slash or not provider or not model:
            raise ValueError(text)
        return cls(provider, model)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Provider:
    """A saved place that answers. ``key_name`` is the environment variable or the keyring entry; never the key.
    ``limits``: what its server may cost, by name, where that is not what localchat allows by itself."""

    id: int
    name: str
    kind: str
    base_url: str | None
    key_source: KeySource
    key_name: str | None
    enabled: bool
    created_at: str
    updated_at: str
    limits: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def local(self) -> bool:
        return is_local(self.kind, self.base_url)

    @property
    def host(self) -> str:
        """Who reads what is sent there, as a person agrees to it; empty for what runs inside this program."""
        return "" if self.kind in LOCAL_KINDS else host_of(self.base_url) or VENDOR_HOSTS.get(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Model:
    """A configured model. ``usable``: live, switched on, and so is its provider. ``context`` is in tokens.

    ``provider_id``: the provider itself, whatever it is called by now; None where it belongs to none (an import).
    ``is_local``: None where nobody knows where it ran. ``delisted_at``: when its endpoint was seen not to offer it.
    """

    id: int
    provider: str
    model: str
    path: str | None
    context: int | None
    parameters: dict[str, Any]
    enabled: bool
    is_default: bool
    is_local: bool | None
    created_at: str
    updated_at: str
    deleted_at: str | None
    usable: bool
    provider_id: int | None = None
    delisted_at: str | None = None

    @property
    def ref(self) -> str:
        return f"{self.provider}/{self.model}"

    @property
    def removed(self) -> bool:
        return self.deleted_at is not None


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model as a message names it: enough to show, live or removed."""

    id: int
    provider: str
    model: str
    removed: bool

    @property
    def ref(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What a removal would do. ``provider`` is None where a single model is removed.

    ``successors``: every model that could take over, best first; empty where the default is not among the removed, or
    nobody can. ``default_after`` is the first of them, or the one that was asked for.
    """

    provider: Provider | None
    models: tuple[Model, ...]
    chats_affected: int
    newest_titles: tuple[str, ...]
    default_before: Model | None
    default_after: Model | None
    successors: tuple[Model, ...]

    @property
    def removes_default(self) -> bool:
        return self.default_before is not None and any(m.id == self.default_before.id for m in self.models)


@dataclass(frozen=True, slots=True)
class MovePreview:
    """What giving every chat of ``models`` another one would do. ``chats``: each with the id of the model it has, by
    id; those ``in_trash`` (how many) are among them."""

    models: tuple[Model, ...]
    chats: tuple[tuple[int, int], ...]
    in_trash: int
    newest_titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoveTarget:
    """The model that chats are to get, as it was shown. ``host``: who reads them then, as ``Provider.host``."""

    model: Model
    host: str


@dataclass(frozen=True, slots=True)
class ChatsMoved:
    """Chats that were given the model ``to`` (an id). ``before``: each with the id of the model it had, by id.
    ``hosts``: those whose words a person had let go to other machines, with these hosts as the store has them."""

    before: tuple[tuple[int, int], ...]
    to: int
    hosts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """What a removal did; all that an undo needs. ``event_id`` is its line in the catalog's log. ``moved``: the chats
    that were given another model in the same step."""

    event_id: int
    provider: Provider | None
    models: tuple[Model, ...]
    default_before: Model | None
    default_after: Model | None
    at: str
    moved: ChatsMoved | None = None


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """What bringing back something that was removed would do. ``provider`` comes back with its models; None where
    models come back under ``place``, which is there.

    ``stays``: what was removed with them and does not come back: it lives elsewhere by now, or is gone for good.
    """

    removal: Removal
    provider: Provider | None
    place: Provider
    models: tuple[Model, ...]
    stays: tuple[Model, ...]
    chats_affected: int
    default_before: Model | None
    default_after: Model | None


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, as it is now. ``provider``: to which the models belong; ``whole``: it came back itself."""

    change: DefaultChange
    provider: Provider
    models: tuple[Model, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Removed models under the name of a provider that belong to none that is there: of an import, or of an earlier
    provider of that name. ``chats_affected``: how many (not in the trash) point at them."""

    name: str
    models: tuple[Model, ...]
    chats_affected: int


@dataclass(frozen=True, slots=True)
class DefaultChange:
    """What a change of the catalog did to the default. ``promoted``: not chosen by a person but by the rule."""

    before: Model | None
    after: Model | None
    promoted: bool

    @property
    def changed(self) -> bool:
        return (self.before.id if self.before else None) != (self.after.id if self.after else None)


@dataclass(frozen=True, slots=True)
class Offers:
    """What a provider's list of models told: ``gone`` are not offered any more, ``back`` are again."""

    gone: tuple[Model, ...]
    back: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class CatalogEvent:
    """One line of the append-only log of the catalog. ``by``: ``person`` or ``promotion``."""

    id: int
    at: str
    action: str
    subject: str
    default_before: str | None
    default_after: str | None
    by: str
    detail: dict[str, Any]
    format: int = 1
    provider_id: int | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """A change of the catalog that was taken back: its line, what that did to the default, and what came back.
    ``chats``: how many have their old model again."""

    event: CatalogEvent
    change: DefaultChange
    provider: Provider | None
    models: tuple[Model, ...]
    chats: int


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation. ``model`` is its own model, live or not; ``length`` counts the messages of its current line.

    ``summary`` is sent in place of all up to and with the message ``summary_of``, where that is on the current line.
    ``remote_hosts``: where the person agreed that a chat of this machine may go.
    """

    id: int
    title: str
    model: ModelName | None
    leaf_id: int | None
    length: int
    system: str
    draft: str
    parameters: dict[str, Any]
    remote_hosts: tuple[str, ...]
    created_at: str
    updated_at: str
    archived_at: str | None
    pinned_at: str | None
    deleted_at: str | None
    summary: str = ""
    summary_of: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorNote:
    """A failure as it is stored beside a message: never part of its content, never sent to a model."""

    code: str
    message: str
    hint: str = ""
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the endpoint counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message: text (``text/plain``, UTF-8) or an image. ``name`` as people are shown it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recording:
    """How a reply came: each delta with milliseconds since it was asked, ``text`` or ``reasoning``, and its words.
    ``ended_ms``: when the stream ended."""

    deltas: tuple[tuple[int, str, str], ...]
    ended_ms: int

    @classmethod
    def parse(cls, deltas: Any, ended_ms: Any) -> Recording:
        """From what a JSON text holds. Raises ValueError where that is no recording."""
        found = []
        for at, kind, words in deltas:
            if not isinstance(at, int) or at < 0 or kind not in ("text", "reasoning") or not isinstance(words, str):
                raise ValueError("no delta")
            found.append((at, kind, words))
        if not isinstance(ended_ms, int) or ended_ms < 0:
            raise ValueError("no end")
        return cls(tuple(found), ended_ms)


@dataclass(frozen=True, slots=True)
class AttachmentInfo:
    """An attachment without its content. ``size`` is in bytes."""

    id: int
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """One role's text. ``depth`` counts from 0 along its line; ``version`` of ``versions`` among its siblings.

    ``left_out``: how many earlier messages did not fit the model's context and were not sent with this turn.
    ``duration_ms``: from the request to the end of the reply. ``model_ref`` and ``fallback_from_ref`` are the refs as
    they were when the message was written: a rename never changes who said what.
    """

    id: int
    chat_id: int
    parent_id: int | None
    depth: int
    role: Role
    content: str
    reasoning: str
    status: Status
    model: ModelName | None
    fallback_from: ModelName | None
    fallback_reason: Reason | None
    error: ErrorNote | None
    finish_reason: str | None
    usage: Usage | None
    duration_ms: int | None
    left_out: int
    created_at: str
    version: int = 1
    versions: int = 1
    attachments: tuple[AttachmentInfo, ...] = ()
    model_ref: str | None = None
    fallback_from_ref: str | None = None


class Persona(NamedTuple):
    """A saved system prompt."""

    name: str
    system: str


@dataclass(frozen=True, slots=True)
class Fallback:
    """A turn answered by the default: the model wanted, the model used, and why."""

    wanted: Model
    used: Model
    reason: Reason


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who answers a turn. ``own`` is what the chat keeps as its model.

    ``agreed``: the host to which the person agreed with this turn that a chat of this machine may go.
    """

    used: Model
    own: Model
    fallback: Fallback | None = None
    agreed: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `localchat doctor` looked at. ``code``: the error that not ``ok`` stands for."""

    name: str
    ok: bool
    detail: str
    code: str = "internal"


# What is sent to a model, and what comes back: the words between turns and the clients.


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it is sent. ``images`` go with it; text files stand in ``content`` already."""

    role: Role
    content: str
    images: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One turn as a client gets it. ``parameters``: temperature, top_p, seed, max_tokens, where set.

    ``turn``: which turn of its chat this is, from 1; 0 for what is no turn (a title, a summary). ``version``: which
    reply to the same prompt, from 1.
    """

    model: str
    lines: tuple[Line, ...]
    system: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    path: str | None = None
    context: int | None = None
    turn: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Something that takes time before the first word: ``what`` is for people; bytes, or None where unknown."""

    what: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called. ``arguments`` as it wrote them: JSON, where it wrote well."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last piece of a stream. ``reason``: ``stop``, ``length``, … or None where the stream ended without one."""

    reason: str | None
    usage: Usage | None = None
    tool_calls: tuple[ToolCall, ...] = ()


Piece = TextPiece | ReasoningPiece | Progress | Finished


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model as an endpoint lists it. ``context`` in tokens, where it says so; ``times``: how often it is listed."""

    name: str
    context: int | None = None
    times: int = 1
