"""A real terminal around the real program: a pty, the bytes that came out of it, and the screen they make."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pexpect
import pyte

# Sequences that pyte does not know and would print: kitty's keyboard protocol, mode queries.
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "end": "\x1b[F",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "alt+r": "\x1br",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f4": "\x1bOS",
    "f9": "\x1b[20~",
    "f8": "\x1b[19~",
}


class Terminal:
    """``localchat`` with these words in a pty of this size. ``raw`` is every byte that the program wrote."""

    def __init__(
        self,
        store: Path,
        *words: str,
        columns: int = 110,
        lines: int = 32,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.raw = b""
        self.gone = False  # hung up, and the program has ended
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        environment = {
            name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        environment |= {"TERM": "xterm-256color", "LOCALCHAT_DB": str(store), "TZ": "UTC"}
        environment |= environ or {}
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "localchat", *words],
            env=environment,
            dimensions=(lines, columns),
            timeout=20,
            cwd=folder,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.gone:
            self.process.close(force=True)

    @property
    def text(self) -> str:
        """The screen as a person sees it."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def read(self, seconds: float = 0.05) -> None:
        """Take what the program writes within this time."""
        try:
            chunk = self.process.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        self.raw += chunk
        self._stream.feed(_UNKNOWN.sub(b"", chunk))

    def settle(self, quiet: float = 0.25, seconds: float = 5) -> None:
        """Read until nothing has come for ``quiet`` seconds: the program has drawn what the last key did."""
        until = time.monotonic() + seconds
        before = -1
        while len(self.raw) != before and time.monotonic() < until:
            before = len(self.raw)
            self.read(quiet)

    def forget(self) -> None:
        """As if another program had taken the screen meanwhile."""
        self._screen.reset()

    def wait_for(self, *texts: str, gone: str = "", seconds: float = 30) -> str:
        """Wait until all of these are on the screen (and ``gone`` is not). Raises AssertionError with the screen."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self.read()
            except pexpect.EOF:
                break
            if all(text in self.text for text in texts) and not (gone and gone in self.text):
                return self.text
        raise AssertionError(f"waited for {texts!r}{f' without {gone!r}' if gone else ''}; the screen is:\n{self.text}")

    def type(self, text: str) -> None:
        self.process.send(text)

    def press(self, *keys: str) -> None:
        """``enter``, ``f2``, ``ctrl+q``, or a character."""
        for key in keys:
            if key.startswith("ctrl+"):
                self.process.send(chr(ord(key[-1]) - 96))
            else:
                self.process.send(KEYS.get(key, key))
            self.read()

    def confirm(self, key: str, *, gone: str, seconds: float = 30) -> None:
        """Press the key until the question is gone: one whose facts have just changed takes none yet, since nobody can
        have read it."""
        until = time.monotonic() + seconds
        while gone in self.text:
            assert time.monotonic() < until, f"it still asks:\n{self.text}"
            self.press(key)
            self.settle()

    def say(self, text: str) -> None:
        self.type(text)
        self.wait_for(text.split()[0])
        self.press("enter")

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self.process.kill(signal.SIGKILL)
        self.process.wait()

    def hang_up(self, seconds: float = 20) -> None:
        """The terminal goes: its window was closed, or the line to it. Waits until the program has ended."""
        os.close(self.process.child_fd)
        self.gone = True
        until = time.monotonic() + seconds
        while os.waitpid(self.process.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > until:
                os.kill(self.process.pid, signal.SIGKILL)
                raise AssertionError("it did not end without its terminal")
            time.sleep(0.02)

    def wait_until_it_ends(self, seconds: float = 20) -> int | None:
        """The exit status; None where a signal ended it."""
        until = time.monotonic() + seconds
        while self.process.isalive():
            if time.monotonic() > until:
                raise AssertionError(f"it did not end; the screen is:\n{self.text}")
            try:
                self.read()
            except pexpect.EOF:
                self.process.wait()
        self.process.close()
        return self.process.exitstatus
