"""What the store has not taken yet: writes in their order, tried again until another program gives the lock back.

One list for everything that could be lost: what it still holds at the end of the program is rescued (``Lost``).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from localchat.errors import DiskFull, LocalChatError, StoreBusy, StoreUnreadable
from localchat.log import LOG
from localchat.store.connection import PATIENCE

T = TypeVar("T")
Start = Callable[[Coroutine[Any, Any, None], str], object]  # who owns the task that tries again

NOTICED = 0.5  # seconds after which a person is told what is waited for
KEEP_TRYING = 1.0  # seconds between tries of what the store refused and nobody may lose


@dataclass(frozen=True, slots=True)
class Lost:
    """Words that the store did not take: what they are, the words, and what stood in the way."""

    what: str
    words: str
    why: LocalChatError


@dataclass(eq=False)
class PendingWrite(Generic[T]):
    """A write on its way. ``outcome``: what it returns or raises; a write with ``words`` stays in the list even after
    it was refused. ``what`` completes "Waiting to"."""

    what: str
    do: Callable[[], T]
    words: Callable[[], str] | None
    patience: float
    outcome: asyncio.Future[T]
    since: float = field(default_factory=time.monotonic)
    again: float = 0.0  # when to try next, where it was refused
    refused: bool = False


class PendingWrites:
    """For stores opened with ``busy_timeout=0`` on an event loop: waiting inside SQLite would freeze the screen."""

    def __init__(self, start: Start, waiting: Callable[[str], None] = lambda what: None) -> None:
        """``start`` runs the coroutine that tries again. ``waiting`` is told what is waited for, and "" after it."""
        self._start = start
        self._waiting = waiting
        self.told = ""  # what was said to be waited for
        self._queue: list[PendingWrite[Any]] = []
        self._running = False
        self._empty = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def put(
        self, what: str, do: Callable[[], T], *, words: Callable[[], str] | None = None, patience: float = PATIENCE
    ) -> PendingWrite[T]:
        """Write at once where the store is free and nothing waits before it, else as soon as it is.

        ``words``: what would be lost with it; such a write is tried until it succeeds. Any other gives up after
        ``patience`` seconds. Raises nothing: ``outcome`` does.
        """
        write = PendingWrite(what, do, words, patience, asyncio.get_running_loop().create_future())
        first = all(other.refused for other in self._queue)
        self._queue.append(write)
        if first:
            self._try(write)
        if self._queue and not self._running:
            self._running = True
            self._start(self._try_again(), "writes that wait for the store")
        return write

    async def written(self, what: str, do: Callable[[], T], *, patience: float = PATIENCE) -> T:
        """The same, awaited; cancelling takes it back. Raises what ``do`` raises, and StoreBusy."""
        write = self.put(what, do, patience=patience)
        try:
            return await write.outcome
        except asyncio.CancelledError:
            self.withdraw(write)
            raise

    def withdraw(self, write: PendingWrite[Any]) -> None:
        """Take back a write that was not done yet."""
        if write in self._queue:
            self._queue.remove(write)
        write.outcome.cancel()

    async def close(self, seconds: float) -> None:
        """Try for so long; then nobody waits any more. What is left: ``lost``."""
        if self._queue:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._empty.wait()
        self._give_up()

    def lost(self) -> list[Lost]:
        """Words that are still not stored, after one last try. Needs no event loop."""
        found = []
        for write in self._queue:
            if write.words is None or not (words := write.words()).strip():
                continue
            try:
                write.do()
            except LocalChatError as error:
                found.append(Lost(write.what, words, error))
        return found

    async def _try_again(self) -> None:
        try:
            while self._queue:
                await asyncio.sleep(random.uniform(0.005, 0.05))
                now = time.monotonic()
                for write in list(self._queue):
                    if write not in self._queue or (write.refused and now < write.again):
                        continue
                    if not self._try(write):
                        break  # those behind would find it busy too
                self._tell(now)
        finally:
            self._running = False
            self._empty.set()
            self._say("")
            self._give_up()

    def _try(self, write: PendingWrite[Any]) -> bool:
        """Whether the store was free."""
        try:
            result = write.do()
        except StoreBusy as busy:
            if write.refused or time.monotonic() > write.since + write.patience:
                self._refuse(write, busy)
            return False
        except (DiskFull, StoreUnreadable) as error:
            self._refuse(write, error)
        except Exception as error:
            self._queue.remove(write)
            self._raise(write, error)
        else:
            self._queue.remove(write)
            if not write.outcome.done():
                write.outcome.set_result(result)
        return True

    def _refuse(self, write: PendingWrite[Any], error: LocalChatError) -> None:
        """What holds nobody's words is given up; the rest is tried again: the disk may get room."""
        if write.words is None:
            self._queue.remove(write)
        LOG.info("the store refused a write: %s", error.code)
        write.refused, write.again = True, time.monotonic() + KEEP_TRYING
        self._raise(write, error)

    @staticmethod
    def _raise(write: PendingWrite[Any], error: Exception) -> None:
        if not write.outcome.done():
            write.outcome.set_exception(error)
            write.outcome.exception()  # nobody needs to ask for it

    def _give_up(self) -> None:
        for write in self._queue:
            self._raise(write, StoreBusy("Another program keeps the store locked.", "Try again in a moment."))

    def _tell(self, now: float) -> None:
        late = [write for write in self._queue if not write.refused and now - write.since > NOTICED]
        self._say(late[0].what if late else "")

    def _say(self, what: str) -> None:
        if what != self.told:
            self.told = what
            self._waiting(what)
