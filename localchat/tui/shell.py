"""What crosses screens: the shell that every screen can rely on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from textual import work
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.events import Event, Key, Paste
from textual.reactive import reactive
from textual.widgets import Input

from localchat.errors import LocalChatError, StoreBusy
from localchat.records import Model
from localchat.store import NOTICED, PendingWrites, Store, persistently
from localchat.text import clean
from localchat.tui import textual_private
from localchat.tui.tasks import Tasks, apart
from localchat.tui.textual_private import forget_closed
from localchat.tui.toasts import tell_error
from localchat.tui.undo import Undos
from localchat.turns import Connect

T = TypeVar("T")

LONGEST = 3600.0  # seconds; what is written apart may be a large trash on a slow disk


class Shell(App[None]):
    """What a screen may rely on without knowing the app: the store, the clients, the default, the undo stack.

    ``catalog_version`` and ``chats_version`` grow with every change, made here or in another window: screens watch
    them and read anew.
    """

    catalog_version: reactive[int] = reactive(0)
    chats_version: reactive[int] = reactive(0)
    default_model: reactive[Model | None] = reactive(None)
    undo_version: reactive[int] = reactive(0)
    waiting: reactive[str] = reactive("")  # what is waited for, where another program keeps the store locked

    def __init__(self, store: Store, connect: Connect) -> None:
        super().__init__()
        self.catalog_changed_elsewhere = False  # whether the newest change of the catalog was made by another program
        self.store = store
        self.connect = connect
        self.tasks = Tasks(self.crash)
        self.pending = PendingWrites(self.tasks.start, self._tell_waiting)
        self.working_apart = 0  # threads that write for a person now
        self.undos = Undos(self)
        self.still = False  # nothing blinks, nothing on this machine is looked for: for tests with snapshots

    @property
    def looks_around(self) -> bool:
        """Whether servers and keys are looked for on this machine."""
        return not self.still

    def pop_screen(self) -> AwaitComplete:
        popped = super().pop_screen()
        self.call_later(forget_closed, self)
        return popped

    async def on_event(self, event: Event) -> None:
        """What a terminal would obey is not what a person means to paste, wherever: Textual's own lines take it all."""
        if isinstance(event, Paste):
            event.text = clean(event.text)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """A letter that no widget took, while a line has the focus, was sent before the line had it, in one burst with
        the key that opened it: it belongs into the line, and is no command. Textual looks for commands after this."""
        line = self.focused
        if isinstance(line, Input) and event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            line.insert_text_at_cursor(event.character)

    def catalog_changed(self, *, elsewhere: bool = False) -> None:
        """To be called after every write to the catalog. ``elsewhere``: another program made it."""
        self.catalog_changed_elsewhere = elsewhere
        self.default_model = self.store.catalog.default()
        self.catalog_version += 1
        if self.is_running:
            self.undos.follow()
            self.screen.refresh_bindings()  # keys that apply, and what f8 takes back, may be others now

    def chats_changed(self) -> None:
        """To be called after every write to a chat that a list shows."""
        self.chats_version += 1

    # Writing. No key waits for the store: a handler of keys, messages or timers never awaits it.

    def write(self, what: str, do: Callable[[], T], then: Callable[[T], object] | None = None) -> None:
        """Write in its turn: at once, or as soon as another program gives the lock back. ``then`` gets what ``do``
        returns; what ``do`` raises is told. ``what`` completes "Waiting to"."""
        outcome = self.pending.put(what, do).outcome

        def settle(outcome: asyncio.Future[T]) -> None:
            if outcome.cancelled():
                return
            try:
                result = outcome.result()
                if then is not None:
                    then(result)
            except LocalChatError as error:
                tell_error(self, error)
            except Exception as bug:
                self.crash(bug)

        if outcome.done():
            settle(outcome)
        else:
            outcome.add_done_callback(settle)

    async def written(self, what: str, do: Callable[[], T]) -> T:
        """The same in a worker, which may wait. Raises what ``do`` raises, and StoreBusy."""
        return await self.pending.written(what, do)

    async def written_apart(self, what: str, do: Callable[[Store], T]) -> T:
        """What may take longer than a frame, in a worker: done in a thread through a connection of its own, after what
        waits for the store already, so that keys and replies go on meanwhile. ``do`` runs again where the store was
        busy, unless it was cancelled by then. Raises what it raises, and StoreBusy. Nobody waits for it at the end of
        the program: one transaction is all or nothing."""
        await self.pending.written(what, _nothing)
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()

        def check() -> None:
            if cancelled.is_set():
                raise StoreBusy("Nobody waits for it any more.")

        def attempt(own: Store) -> T:
            check()
            return do(own)

        def tell(waited: float) -> None:
            check()
            if waited > NOTICED:
                loop.call_soon_threadsafe(self._tell_waiting, what)

        def work() -> T:
            with self.store.beside() as own:
                return persistently(lambda: attempt(own), tell)

        self.working_apart += 1
        try:
            return await apart(work, LONGEST)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        finally:
            self.working_apart -= 1
            self._tell_waiting(self.pending.told)

    def _tell_waiting(self, what: str) -> None:
        self.waiting = what

    def crash(self, bug: Exception) -> None:
        """A bug outside of any key: as loud as one in a key."""
        textual_private.crash(self, bug)

    async def on_unmount(self) -> None:
        await self.tasks.end()

    # Taking back.

    @work(group="undo")
    async def action_undo(self) -> None:
        await self.undos.undo_newest()

    def undo_changed(self) -> None:
        """What f8 would take back is something else now."""
        self.undo_version += 1
        self.undos.follow()
        self.screen.refresh_bindings()


def _nothing() -> None:
    pass
