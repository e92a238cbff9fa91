"""Asking again after the wait that an endpoint asked for: counted down where the person sees it, theirs to cancel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from textual.timer import Timer

from localchat import turns
from localchat.errors import LocalChatError

LONGEST = 600.0  # seconds that are counted down; a longer wait is told, and nothing more
TIMES = 3  # how often in a row it asks by itself


def wait_in(error: LocalChatError | None) -> float | None:
    """The seconds to count down after this error, or None."""
    seconds = getattr(error, "retry_after", None)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST else None


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be asked again, and when (``time.monotonic``). ``reply_id``: the reply that failed."""

    reply_id: int
    model_id: int | None
    due: float


class AskingAgain:
    """At most one plan: that of the chat that is open. A turn that begins, another chat and escape end it."""

    def __init__(self, tell: Callable[[], None], ask: Callable[[Planned], None]) -> None:
        """``tell`` is called each second, ``ask`` when the time has come."""
        self._tell = tell
        self._ask = ask
        self._timer: Timer | None = None
        self._planned: Planned | None = None
        self._times = 0

    @property
    def seconds(self) -> int | None:
        """How long it still takes, rounded up; None where nothing is planned."""
        return None if self._planned is None else max(1, math.ceil(self._planned.due - time.monotonic()))

    def mind(self, timer: Timer) -> None:
        """Use this timer, which calls ``step`` while it runs."""
        self._timer = timer

    def plan(self, ended: turns.Ended, model_id: int | None) -> None:
        """After a turn that ended with a wait."""
        wait = wait_in(ended.error)
        if wait is None or self._times >= TIMES:
            self._times = 0
            return
        self._planned = Planned(ended.message.id, model_id, time.monotonic() + wait)
        if self._timer is not None:
            self._timer.resume()

    def cancel(self) -> bool:
        """Whether anything was planned. What the person does begins the count of tries anew."""
        self._times = 0
        return self._end() is not None

    def step(self) -> None:
        if self._planned is None:
            return
        if time.monotonic() < self._planned.due:
            self._tell()
            return
        planned, times = self._end(), self._times
        if planned is not None:
            self._ask(planned)
            self._times = times + 1

    def _end(self) -> Planned | None:
        planned, self._planned = self._planned, None
        if self._timer is not None:
            self._timer.pause()
        return planned
