"""The last gates before the terminal: of what the app writes, only what the app itself makes goes through.

``text.clean`` is the first gate, where a text is about to be drawn. These are for the day when a text comes round it,
through a widget of ours or of Textual's. ``TextGate`` sees every line of every widget before colours and places of the
cursor are put around its text: no control character in there is ours. ``Gate`` sees what is then written: only
sequences that are known here. Both take out what is foreign, so that the rest is read as text, and count it. What they
stop is a bug of ours: the suite fails then.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.filter import LineFilter

from localchat.text import UNSAFE, report_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.color import Color
    from textual.driver import Driver

# In a frame: text, colours, and where the cursor goes; a line ends only before the cursor is placed; a tab is drawn as
# spaces. Foreign is whatever the first does not match: two patterns, because to say yes is much quicker than to search.
_FRAME = re.compile(rf"(?:[^\x1b\n\t{UNSAFE}]++|\x1b\[[\d;]*+[mH]|\n(?=\x1b\[))*+")
_FOREIGN = re.compile(rf"\x1b(?!\[[\d;]*[mH])|\n(?!\x1b\[)|\t|(?!\x1b)[{UNSAFE}]")
_FOREIGN_IN_TEXT = re.compile(rf"[\n\t{UNSAFE}]")
# Beside frames, each written alone: modes of the screen, the mouse, pasting and resizing, and their queries (DECSET,
# DECRQM); kitty's keyboard protocol; the bell; the clipboard (OSC 52, always base64); the pointer's shape (OSC 22).
_MODES = "7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048"
_ALONE = re.compile(
    rf"(?:\x1b\[\?(?:{_MODES})(?:[hl]|\$p))+|\x1b\[(?:>\d+|<)u|\x07|\x1b\]52;c;[A-Za-z0-9+/=]*\x07|\x1b\]22;[a-z-]*\x07"
)
# Where Windows gets a frame in parts, one may end within a sequence.
_BEGUN = re.compile(r"(?:\n|\n?\x1b(?:\[[\d;]*)?)\Z")


class TextGate(LineFilter):
    """The text of a line, before it is painted. A link of Textual's own is stopped too: it would be written with its
    address (OSC 8), and ours are clicked, not followed by the terminal. ``stopped``: how many characters and links.

    It hands on to ``filters``, Textual's own: Textual keeps one more copy of every line for each filter it knows of.
    """

    def __init__(self, filters: Sequence[LineFilter] = ()) -> None:
        super().__init__()
        self.filters = filters
        self.stopped = 0

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        passed = self._passed(segments)
        for each in self.filters:
            passed = each.apply(passed, background)
        return passed

    def _passed(self, segments: list[Segment]) -> list[Segment]:
        text = "".join([segment.text for segment in segments])
        if _FOREIGN_IN_TEXT.search(text) is None and not any(style and style.link for _, style, _ in segments):
            return segments
        return [self._cleaned(segment) for segment in segments]

    def _cleaned(self, segment: Segment) -> Segment:
        text, style, control = segment
        if found := _FOREIGN_IN_TEXT.search(text):
            report_stopped(text, found.start())
            kept = _FOREIGN_IN_TEXT.sub("", text)
            self.stopped += len(text) - len(kept)
            text = kept
        if style and style.link:
            report_stopped(style.link, 0)
            self.stopped += 1
            style = style.update_link(None)
        return Segment(text, style, control)


class Gate:
    """What goes through, of a stream of writes. ``stopped``: how many characters did not."""

    def __init__(self) -> None:
        self.stopped = 0
        self._begun = ""

    def passed(self, data: str) -> str:
        """What may be written of it now; the begin of a sequence waits for its end."""
        if _ALONE.fullmatch(data):
            before, self._begun = self._begun, ""
            return self._cleaned(before) + data if before else data
        if self._begun:
            data, self._begun = self._begun + data, ""
        if begun := _BEGUN.search(data, max(0, len(data) - 40)):
            self._begun = begun[0]
            data = data[: begun.start()]
        return data if _FRAME.fullmatch(data) else self._cleaned(data)

    def _cleaned(self, data: str) -> str:
        if found := _FOREIGN.search(data):
            report_stopped(data, found.start())
        kept, stopped = _FOREIGN.subn("", data)
        self.stopped += stopped
        return kept


@cache
def gated(driver: type[Driver]) -> type[Driver]:
    """The same driver of a terminal, with the gate before what it writes: ``driver.gate``."""

    def write(self: Driver, data: str) -> None:
        if "gate" not in vars(self):
            vars(self)["gate"] = Gate()
        driver.write(self, vars(self)["gate"].passed(data))

    return type(f"Gated{driver.__name__}", (driver,), {"write": write, "__doc__": gated.__doc__})
