"""What comes of the live reply, gathered until the next paint."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

from localchat.tui.transcript.item import Item

PAINTS_PER_SECOND = 12
UNSEEN_PER_SECOND = 2  # where the reply is scrolled out of the window
SHARE = 8  # a paint is followed by a rest this many times as long: the keys come first


class Feed:
    """Gathers chunks and calls ``paint`` for all of them together. With nothing new it does nothing at all."""

    def __init__(self, owner: Widget, paint: Callable[[], None]) -> None:
        self._owner = owner
        self._paint = paint
        self._pending: list[tuple[str, str]] = []
        self._timer: Timer | None = None
        self._next_paint = 0.0

    @property
    def waiting(self) -> bool:
        """Whether something has come that is not painted yet."""
        return self._timer is not None

    def add(self, text: str, reasoning: str) -> None:
        self._pending.append((text, reasoning))
        if self._timer is None:
            self._timer = self._owner.set_timer(max(0.001, self._next_paint - time.monotonic()), self._paint)

    def pour(self, live: Item | None) -> int | None:
        """Lay out what has come; the first line of the reply that is another now, None where nothing came."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        pending, self._pending = self._pending, []
        if not pending or live is None:
            return None
        return live.append("".join(text for text, _ in pending), "".join(thought for _, thought in pending))

    def rest(self, spent: float, *, seen: bool) -> None:
        """Set the time of the next paint, after one that took so many seconds."""
        rate = PAINTS_PER_SECOND if seen else UNSEEN_PER_SECOND
        self._next_paint = time.monotonic() + max(1 / rate, SHARE * spent)
