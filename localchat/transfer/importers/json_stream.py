"""JSON read value by value: a file may hold gigabytes, and may end in the middle.

Not with ijson: its parser in C ends the file at a number beyond 64 bits, at a byte that is no UTF-8 and at a control
character, where here only the value is odd; and 100 kB of nothing but brackets took all memory, since it keeps the way
down to each.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

CHUNK = 1 << 20  # bytes read at once
MOST = 128 << 20  # characters of one value; in memory it takes several times that

_SPACE = re.compile(r"[ \t\n\r]*")
_TITLE = re.compile(r'"title"\s*:\s*("(?:[^"\\]|\\.){0,400}")')
_NEAR_END = 16  # an error this near to what has been read may only mean that the rest has not been read yet


class Bytes(Protocol):
    """What can be read from: a file, a member of a zip."""

    def read(self, size: int, /) -> bytes: ...


class Damaged(Exception):
    """The file cannot be read on. ``title``: of the chat it happened in, where that much was there; ``cut``: it ends
    in the middle."""

    def __init__(self, reason: str, title: str = "", *, cut: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.title = title
        self.cut = cut


def _whole_number(digits: str) -> int | float:
    """Python refuses to read endless digits."""
    return int(digits) if len(digits) < 1000 else float(digits)


_DECODER = json.JSONDecoder(strict=False, parse_int=_whole_number)


class JsonStream:
    """A JSON text. Bytes that are no text become U+FFFD; UTF-16 is read where the file says so."""

    def __init__(self, file: Bytes) -> None:
        self._file = file
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._decoder: codecs.IncrementalDecoder | None = None

    def _more(self) -> bool:
        """Read on, and drop what is through. False at the end of the file."""
        if self._ended:
            return False
        data = self._file.read(CHUNK)
        if self._decoder is None:
            utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            self._decoder = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8-sig")("replace")
        self._ended = not data
        self._buffer = self._buffer[self._at :] + self._decoder.decode(data, self._ended)
        self._at = 0
        return True

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def skip(self, mark: str) -> None:
        """Raises Damaged where something else stands here."""
        there = self.peek()
        if there != mark:
            raise Damaged("the file ends in the middle" if not there else "it is no JSON", cut=not there)
        self._at += 1

    def value(self) -> Any:
        """Raises Damaged."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                self._grow(error)
            except RecursionError:
                raise Damaged("it is nested too deeply", self._title()) from None
            else:
                if end == len(self._buffer) and self._more():  # a number may go on
                    continue
                self._at = end
                return value

    def _grow(self, error: json.JSONDecodeError) -> None:
        unfinished = error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - _NEAR_END
        if not unfinished:
            raise Damaged("it is damaged in the middle, and what follows cannot be read", self._title()) from error
        size = len(self._buffer) - self._at
        grown = False
        while len(self._buffer) - self._at < 2 * size + 1 and self._more():
            grown = True
        if not grown:
            raise Damaged("the file ends in the middle of it", self._title(), cut=True) from error
        if len(self._buffer) - self._at > MOST:
            raise Damaged(f"it is larger than {MOST >> 20} MB", self._title()) from error

    def _title(self) -> str:
        found = _TITLE.search(self._buffer, self._at, self._at + 4000)
        if found is None:
            return ""
        try:
            return str(json.loads(found[1], strict=False))
        except ValueError:
            return ""

    def items(self) -> Iterator[Any]:
        """The values of the array that stands here. Raises Damaged."""
        self.skip("[")
        if self.peek() == "]":
            self.skip("]")
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self.skip("]")
                return
            self.skip(",")

    def members(self) -> Iterator[str]:
        """The names in the object that stands here; whoever asks reads each value before the next name."""
        self.skip("{")
        if self.peek() == "}":
            self.skip("}")
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise Damaged("it is no JSON")
            self.skip(":")
            yield name
            if self.peek() == "}":
                self.skip("}")
                return
            self.skip(",")
