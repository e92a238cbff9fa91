"""The last gate before the terminal of a command: like the app's own (tui/terminal_gate.py), for what comes round
``text.clean``, as the text of an exception that a thread or Python itself prints."""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

from localchat.text import UNSAFE, report_stopped

# The line of progress is written anew in place; what was found is bold and underlined.
_OURS = r"\r\x1b\[K|\x1b\[[014]m"
_FOREIGN = re.compile(rf"(?:{_OURS})|([{UNSAFE}])")


class GatedStream:
    """A stream that ends in a terminal. ``stopped``: how many characters did not go through."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.stopped = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._stream.write(self._passed(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def _passed(self, text: str) -> str:
        first = next((found.start() for found in _FOREIGN.finditer(text) if found[1]), None)
        if first is None:
            return text
        report_stopped(text, first)
        before = len(text)
        kept = _FOREIGN.sub(lambda found: "" if found[1] else found[0], text)
        self.stopped += before - len(kept)
        return kept


def gate_terminals() -> None:
    """From now on, what is written to standard output or standard error passes the gate where that is a terminal.
    ``sys.__stderr__``, which the app's driver writes to, stays as it is: that has a gate of its own."""
    if sys.stdout.isatty() and not isinstance(sys.stdout, GatedStream):
        sys.stdout = GatedStream(sys.stdout)
    if sys.stderr.isatty() and not isinstance(sys.stderr, GatedStream):
        sys.stderr = GatedStream(sys.stderr)
