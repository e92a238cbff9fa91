"""The only room that knows SQLite. A ``Store`` is one connection, used by the thread that opened it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from localchat.errors import DiskFull, LocalChatError, StoreDamaged, StoreReadonly, StoreUnreadable
from localchat.records import DefaultChange, stamp, utc_now
from localchat.store.catalog.catalog import Catalog
from localchat.store.chats import Chats
from localchat.store.connection import PATIENCE, connect, patiently, persistently
from localchat.store.messages import Messages
from localchat.store.migrations import migrate
from localchat.store.personas import Personas
from localchat.store.recordings import Recordings
from localchat.store.settings import State

if TYPE_CHECKING:
    from localchat.store.pending import NOTICED, PendingWrites
    from localchat.store.search.search import Search

__all__ = ["NOTICED", "PendingWrites", "Store", "patiently", "persistently"]


def __getattr__(name: str) -> Any:
    """What needs asyncio is imported by those who ask for it: the command line does not."""
    if name in ("NOTICED", "PendingWrites"):
        from localchat.store import pending

        return getattr(pending, name)
    raise AttributeError(name)


class Store:
    """The file, opened and migrated: ``catalog`` (providers and models), ``chats``, ``messages``, ``personas``,
    ``search``, ``state``, ``recordings`` (how replies came, where asked for).

    Opening marks as ``interrupted`` every reply that a process now dead left ``streaming``.
    ``busy_timeout`` is in seconds: leave it on the command line; 0 on an event loop, with writes through ``patiently``.
    Raises StoreNewer, StoreUnreadable, StoreBusy, InvalidInput, DiskFull.
    """

    def __init__(self, path: Path, *, busy_timeout: float = PATIENCE, clock: Callable[[], datetime] = utc_now) -> None:
        self.path = path
        # Opening waits for others even where later writes do not: there is no screen yet that could freeze.
        self.connection = connect(path)
        try:
            self.not_backed_up = migrate(self.connection, path)  # why there is none from before a migration
            self._clock = clock
            self.catalog = Catalog(self.connection, self.now)
            self.chats = Chats(self.connection, self.now)
            self.messages = Messages(self.connection, self.now)
            self.personas = Personas(self.connection)
            self.state = State(self.connection)
            self.recordings = Recordings(self.connection, self.state)
            with contextlib.suppress(StoreDamaged, StoreReadonly, DiskFull):  # then it can still be read
                self.messages.mark_interrupted()
            self.connection.execute(f"pragma busy_timeout={round(busy_timeout * 1000)}")
            self._seen = self._data_version()
        except BaseException:
            self.connection.close()
            raise

    def beside(self) -> Store:
        """The same file and clock through another connection, for a thread; its writes do not wait."""
        return Store(self.path, busy_timeout=0, clock=self._clock)

    @cached_property
    def search(self) -> Search:
        from localchat.store.search.search import Search  # on first use: no start needs it

        return Search(self.connection)

    def now(self) -> str:
        """The clock's time as the store writes it."""
        return stamp(self._clock())

    @property
    def readonly(self) -> LocalChatError | None:
        """Why nothing is written, where the store can only be read: as it was opened, or since damage was found."""
        return self.connection.guard.why_not if self.connection.guard is not None else None

    def check_files(self) -> None:
        """Raises StoreUnreadable where the store, its log or the log's index is not the file it was any more."""
        if self.connection.guard is not None:
            self.connection.guard.check_files(self.connection)

    def changed_elsewhere(self) -> bool:
        """Whether another connection has written since this was last asked. Costs ten microseconds."""
        with contextlib.suppress(StoreUnreadable):  # the next write says so
            self.check_files()
        version = self._data_version()
        changed = version != self._seen
        self._seen = version
        return changed

    def heal(self) -> DefaultChange | None:
        """Hold the rule of the default where another program broke it; what that changed. Never waits and never raises
        what a person could do something about: a store that cannot be written now shows the truth as it is."""
        before = self._connection_waits(0)
        try:
            return self.catalog.heal()
        except LocalChatError:
            return None
        finally:
            self._connection_waits(before)

    def _connection_waits(self, milliseconds: int) -> int:
        """Set how long SQLite waits for a lock; how long that was before."""
        before = int(self.connection.execute("pragma busy_timeout").fetchone()[0])
        if before != milliseconds:
            self.connection.execute(f"pragma busy_timeout={milliseconds}")
        return before

    def _data_version(self) -> int:
        return int(self.connection.execute("pragma data_version").fetchone()[0])

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
