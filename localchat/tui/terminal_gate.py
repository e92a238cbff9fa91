"""The last gate before the terminal: of what the app writes, only what the app itself makes goes through.

``text.clean`` is the first gate, where a text is about to be drawn. This one is for the day when a text comes round it,
through a widget of ours or of Textual's: it takes out every control character that is no part of a sequence known here,
so that the rest is read as text, and counts it. What it stops is a bug of ours: the suite fails then.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from localchat.text import UNSAFE

if TYPE_CHECKING:
    from textual.driver import Driver

REPORT = "LOCALCHAT_STOPPED"
"""The environment variable that names a file: what was stopped first in each write, a line each. For tests."""

# In a frame: text, colours, and where the cursor goes; a line ends only before the cursor is placed; a tab is drawn as
# spaces. Foreign is whatever the first does not match: two patterns, because to say yes is much quicker than to search.
_FRAME = re.compile(rf"(?:[^\x1b\n\t{UNSAFE}]++|\x1b\[[\d;]*+[mH]|\n(?=\x1b\[))*+")
_FOREIGN = re.compile(rf"\x1b(?!\[[\d;]*[mH])|\n(?!\x1b\[)|\t|(?!\x1b)[{UNSAFE}]")
# Beside frames, each written alone: modes of the screen, the mouse, pasting and resizing, and their queries (DECSET,
# DECRQM); kitty's keyboard protocol; the bell; the clipboard (OSC 52, always base64); the pointer's shape (OSC 22).
_MODES = "7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048"
_ALONE = re.compile(
    rf"(?:\x1b\[\?(?:{_MODES})(?:[hl]|\$p))+|\x1b\[(?:>\d+|<)u|\x07|\x1b\]52;c;[A-Za-z0-9+/=]*\x07|\x1b\]22;[a-z-]*\x07"
)
# Where Windows gets a frame in parts, one may end within a sequence.
_BEGUN = re.compile(r"(?:\n|\n?\x1b(?:\[[\d;]*)?)\Z")


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
            self._report(data, found.start())
        kept, stopped = _FOREIGN.subn("", data)
        self.stopped += stopped
        return kept

    def _report(self, data: str, place: int) -> None:
        if name := os.environ.get(REPORT):
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(ascii(data[max(0, place - 20) : place + 60]) + "\n")


@cache
def gated(driver: type[Driver]) -> type[Driver]:
    """The same driver of a terminal, with the gate before what it writes: ``driver.gate``."""

    def write(self: Driver, data: str) -> None:
        if "gate" not in vars(self):
            vars(self)["gate"] = Gate()
        driver.write(self, vars(self)["gate"].passed(data))

    return type(f"Gated{driver.__name__}", (driver,), {"write": write, "__doc__": gated.__doc__})
