"""Who owns the work beside the screen: tasks of the app, and threads that wait for a disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

ENDING = 1.0  # seconds that tasks have to end in, once the app ends


class Tasks:
    """Every task of the app: it ends with the app at the latest, and what it raises is as loud as a crash in a key.

    An ``asyncio.TaskGroup`` would keep an error until its block ends; the app's own handling of bugs ends everything at
    once, and the report names the first one.
    """

    def __init__(self, bug: Callable[[Exception], None]) -> None:
        """``bug`` gets what a task raises."""
        self._bug = bug
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._bug(error)

    async def end(self, seconds: float = ENDING) -> None:
        """Cancel what still runs, and wait for it: so long, no longer."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


async def apart(work: Callable[[], T], seconds: float) -> T:
    """What ``work`` returns or raises; TimeoutError after so long. A folder on a dead server hangs in a thread that
    nobody waits for, also not the end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except Exception as raised:
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True, name="apart").start()
    async with asyncio.timeout(seconds):
        return await done
