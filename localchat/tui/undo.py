"""What f8 takes back: changes of the catalog, of any window, from its log, and this window's changes of chats; the
newest first over both."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localchat.errors import DiskFull, LocalChatError, NotFound, StoreBusy
from localchat.records import CatalogEvent, Provider
from localchat.text import clean, one_line
from localchat.tui.textual_private import take_toast_away
from localchat.tui.toasts import Severity, tell, tell_error
from localchat.wording import default_words, taken_back, takes_back

if TYPE_CHECKING:
    from localchat.tui.shell import Shell


@dataclass(frozen=True)
class ChatUndo:
    """A change of chats in this window. ``run`` takes it back and returns what to tell; ``after``: the newest line of
    the catalog's log when it was made; ``chats``: those that it needs."""

    label: str
    run: Callable[[], Awaitable[str]]
    after: int
    chats: frozenset[int]


class ForgottenKeys:
    """Keys that were taken out of the keyring with their provider, kept in memory so that an undo brings them back.
    One after the other for each entry: a keyring may take its time, and an undo may come meanwhile."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def forget(self, provider: Provider) -> None:
        """Raises LocalChatError where the keyring refuses; the key is kept all the same."""
        from localchat.providers import keys

        entry = provider.key_name or ""
        async with self._locks[entry]:
            try:
                key = await asyncio.to_thread(keys.key_of, provider)
            except LocalChatError:  # there is none, or it cannot be read: nothing to bring back
                key = None
            if key:
                self._kept[entry] = key
            await asyncio.to_thread(keys.forget_key, provider)

    async def give_back(self, provider: Provider) -> str:
        """What to tell of it; nothing where the key is in its place. Raises LocalChatError where the keyring refuses:
        the key stays in memory then."""
        from localchat.providers import keys

        entry = provider.key_name or ""
        async with self._locks[entry]:
            if key := self._kept.get(entry):
                await asyncio.to_thread(keys.save_key, provider, key)
                del self._kept[entry]
                return ""
            there = await asyncio.to_thread(keys.has_key, provider)
        return "" if there else f"Its key is not in the keyring any more: edit {provider.name} to enter it."


class Undos:
    """The one list of what can be taken back."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._chats: list[ChatUndo] = []
        self._known: tuple[int, CatalogEvent | None] | None = None  # the newest of the log, as of a catalog_version
        self._offered: tuple[str, str] | None = None  # the toast that offers f8, and what f8 took back then
        self.keys = ForgottenKeys()
        self.since = 0  # lines of the log up to this one are not taken back: they made the store what it is

    def push(self, label: str, run: Callable[[], Awaitable[str]], chats: Iterable[int] = ()) -> None:
        """``label`` completes "f8 undoes": ``moving Rain into the trash``. ``chats``: ids that the undo needs."""
        events = self._shell.store.catalog.events(1)
        self._chats.append(ChatUndo(label, run, events[0].id if events else 0, frozenset(chats)))
        self._shell.undo_changed()

    def forget_deleted(self) -> None:
        """Chats were deleted for good: what needs one of them cannot be undone any more, everything else can."""
        self._chats = [each for each in self._chats if all(self._is_there(chat) for chat in each.chats)]
        self._shell.undo_changed()

    def _is_there(self, chat_id: int) -> bool:
        try:
            self._shell.store.chats.get(chat_id)
        except NotFound:
            return False
        return True

    @property
    def label(self) -> str:
        """What f8 would take back now: ``the removal of zeta``. Empty where there is nothing."""
        found = self._newest()
        return found.label if isinstance(found, ChatUndo) else takes_back(found) if found is not None else ""

    @property
    def words(self) -> str:
        """How the key and the command are named: ``Undo the removal of zeta``."""
        return f"Undo {one_line(self.label, 60)}" if self.label else "Undo"

    def tell(self, message: str, severity: Severity = "information") -> None:
        """What was just done, with the key that takes it back. The toast goes as soon as f8 would take back something
        else."""
        message = clean(f"{message}   f8 undo")
        self._offered = (message, self.label)
        tell(self._shell, message, severity=severity)

    def follow(self) -> None:
        """What f8 takes back may be something else now: no toast offers what it would not do."""
        if self._offered is not None and self._offered[1] != self.label:
            take_toast_away(self._shell, self._offered[0])
            self._offered = None

    def takes_back_removal_of(self, model_id: int) -> bool:
        """Whether f8 would bring this very model back, now."""
        found = self._newest()
        if not isinstance(found, CatalogEvent) or not found.action.endswith("-removed"):
            return False
        models = found.detail.get("models")
        return isinstance(models, list) and any(isinstance(m, dict) and m.get("id") == model_id for m in models)

    def _newest(self) -> ChatUndo | CatalogEvent | None:
        event = self._newest_event()
        if self._chats and (event is None or self._chats[-1].after >= event.id):
            return self._chats[-1]
        return event

    def _newest_event(self) -> CatalogEvent | None:
        version = self._shell.catalog_version
        if self._known is None or self._known[0] != version:
            newest = next(iter(self._shell.store.catalog.undoable(1)), None)
            self._known = (version, newest if newest is not None and newest.id > self.since else None)
        return self._known[1]

    async def undo_newest(self) -> None:
        """In a worker. What is refused stays possible, except where it can never be again."""
        found = self._newest()
        if found is None:
            tell(self._shell, "Nothing to undo.")
            return
        try:
            told = await (self._chat(found) if isinstance(found, ChatUndo) else self._event(found))
        except LocalChatError as error:
            tell_error(self._shell, error)
        else:
            self._shell.undo_changed()  # the toast that offered it goes
            tell(self._shell, told)
            return
        self._shell.undo_changed()

    async def _chat(self, found: ChatUndo) -> str:
        self._chats.remove(found)  # at once: a second press is for the one before
        try:
            return await found.run()
        except (StoreBusy, DiskFull):
            self._chats.append(found)
            raise

    async def _event(self, event: CatalogEvent) -> str:
        shell = self._shell
        try:
            if "chats_moved" in event.detail:  # any number of chats
                done = await shell.written_apart("undo", lambda store: store.catalog.undo_event(event.id))
            else:
                done = await shell.written("undo", lambda: shell.store.catalog.undo_event(event.id))
        except NotFound:
            shell.catalog_changed()  # another window was first: look again
            raise
        shell.catalog_changed()
        shell.chats_changed()
        told = [taken_back(done), default_words(done.change)]
        if done.provider is not None and done.provider.key_source == "keyring":
            try:
                told.append(await self.keys.give_back(done.provider))
            except LocalChatError as error:
                tell_error(shell, error)
        return " ".join(filter(None, told))
