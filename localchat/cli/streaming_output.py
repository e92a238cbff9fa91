"""What is said while a reply comes: its words on standard output, and one line about the rest on standard error."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable

from localchat.cli.markdown import Markdown
from localchat.cli.output import notice, size
from localchat.records import Progress
from localchat.text import clean, one_line

STEP = 10  # per cent between two lines of progress where standard error is no terminal


class Outlet:
    """Standard output while a reply comes.

    Into a pipe or a file the text goes as it is, in UTF-8. To a terminal it goes cleaned, and ends with a newline.
    ``markdown``: what makes of it what is shown.
    A thread writes, so that a slow reader (``| less``) stops neither the reply nor its saving. ``gone`` is called from
    that thread when nobody reads any more or nothing can be written; ``error`` then says why, and is None for a reader
    that just went away.
    """

    def __init__(self, gone: Callable[[], None], markdown: Markdown | None = None) -> None:
        self.terminal = sys.stdout.isatty()
        self._markdown = markdown
        self.reader_left = False
        self.error: OSError | None = None
        self._gone = gone
        self._held = ""
        self._last = "\n"
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        if self.terminal:
            text = self._held + text
            # A \r\n that arrives in two pieces is one line end.
            self._held = "\r" if text.endswith("\r") else ""
            text = clean(text.removesuffix("\r") if self._held else text)
        self._put(self._markdown.feed(text) if self._markdown is not None else text)

    def _put(self, text: str) -> None:
        if text:
            self._last = text[-1]
            self._texts.put(text)

    def end(self, patience: float | None = None) -> None:
        """Wait until all is written, at most ``patience`` seconds where given."""
        if self._markdown is not None:
            self._put(self._markdown.end())
        if self.terminal and self._last != "\n":
            self._texts.put("\n")
        self._texts.put(None)
        self._thread.join(patience)

    def _write_all(self) -> None:
        encoding = sys.stdout.encoding if self.terminal else "utf-8"
        try:
            while (text := self._texts.get()) is not None:
                _write(text.encode(encoding or "utf-8", "replace"))
        except BrokenPipeError:
            self.reader_left = True
            self._gone()
        except OSError as error:
            self.error = error
            self._gone()


def _write(data: bytes) -> None:
    """All of it, now. Past Python's buffer: a thread that waits inside it could not be left behind at the end."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a test's stream
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    while data:
        data = data[os.write(descriptor, data) :]


class StatusLine:
    """One line on standard error about what takes time: rewritten in place on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = ""
        self._told: tuple[str, int] = ("", -1)

    def progress(self, progress: Progress) -> None:
        line = one_line(progress.what)
        percent = 0
        if progress.done is not None and progress.total:
            percent = min(100, progress.done * 100 // progress.total)
            line += f" {size(progress.done)} of {size(progress.total)} ({percent} %)"
        if self._terminal:
            self.show(line)
        elif (progress.what, percent // STEP) != self._told:
            self._told = (progress.what, percent // STEP)
            notice(line)

    def show(self, line: str) -> None:
        """On a terminal only: what happens at this moment."""
        if self._terminal and line != self._shown:
            self._shown = line
            with contextlib.suppress(OSError):
                sys.stderr.write(f"\r\x1b[K{one_line(line)}")
                sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            self._shown = ""
            with contextlib.suppress(OSError):
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
