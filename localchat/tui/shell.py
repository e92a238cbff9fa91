"""What crosses screens: the shell that every screen can rely on, and the undo stack of the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import App
from textual.reactive import reactive

from localchat.errors import DiskFull, LocalChatError, StoreBusy
from localchat.records import Model, Provider
from localchat.store import Store
from localchat.tui.toasts import tell, tell_error

if TYPE_CHECKING:
    from localchat.providers import Client

Connect = Callable[[Provider], "Client"]


@dataclass(frozen=True)
class Undo:
    """One removal that can be undone. ``run`` does it and returns what to tell; it raises LocalChatError where it
    cannot be done any more."""

    label: str
    run: Callable[[], Awaitable[str]]


class Shell(App[None]):
    """What a screen may rely on without knowing the app: the store, the clients, the default, the undo stack.

    ``catalog_version`` and ``chats_version`` grow with every change, made here or in another window: screens watch
    them and read anew.
    """

    catalog_version: reactive[int] = reactive(0)
    chats_version: reactive[int] = reactive(0)
    default_model: reactive[Model | None] = reactive(None)

    def __init__(self, store: Store, connect: Connect) -> None:
        super().__init__()
        self.store = store
        self.connect = connect
        self.undos: list[Undo] = []
        self.forgotten_keys: dict[str, str] = {}  # by entry: out of the keyring, but an undo brings them back
        self.still = False  # nothing blinks, nothing on this machine is looked for: for tests with snapshots

    def catalog_changed(self) -> None:
        """To be called after every write to the catalog."""
        self.default_model = self.store.catalog.default()
        self.catalog_version += 1

    def chats_changed(self) -> None:
        """To be called after every write to a chat that a list shows."""
        self.chats_version += 1

    async def action_undo(self) -> None:
        """Undo the newest removal. One that cannot be undone any more is told and forgotten, so that it does not stand
        in the way of older ones; where only the moment was bad (store busy, disk full) it is kept for another try."""
        if not self.undos:
            tell(self, "Nothing to undo.")
            return
        undo = self.undos.pop()
        try:
            done = await undo.run()
        except LocalChatError as error:
            if isinstance(error, StoreBusy | DiskFull):
                self.undos.append(undo)
            tell_error(self, error)
        else:
            tell(self, done)
