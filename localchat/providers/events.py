"""Server-sent events, as the HTML standard has them (9.2.6, "Interpreting an event stream").

One thing is read more kindly than it is written there: what stands before the end of the stream counts as an event also
without the empty line after it. Several servers leave it out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

_BOM = b"\xef\xbb\xbf"


async def beginning(parts: AsyncIterator[bytes]) -> bytes:
    """The beginning of a body, with something in it beside white space where there is any."""
    start: list[bytes] = []
    async for part in parts:
        start.append(part)
        if part.strip():
            break
    return b"".join(start)


def is_document(start: bytes) -> bool:
    """Whether a body that begins so is JSON in one piece: no line of an event stream begins like that."""
    return start.lstrip()[:1] in (b"{", b"[")


async def with_beginning(start: bytes, parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The body again, with what was taken from it."""
    yield start
    async for part in parts:
        yield part


async def events(body: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The data of each event. Lines may end with LF, CR or CRLF, and be cut anywhere. Their length is the transport's
    to bound; an event of many lines is bounded with the stream."""
    lines = _Lines()
    data: list[bytes] = []
    async for part in body:
        for line in lines.cut(part):
            if line:
                _take(line, data)
            elif data:
                yield _text(data)
                data.clear()
    for line in lines.rest():
        _take(line, data)
    if data:
        yield _text(data)


class _Lines:
    """Cuts bytes into lines without their ends."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._after_cr = False
        self._first = True

    def cut(self, part: bytes) -> Iterator[bytes]:
        if not part:
            return
        if self._after_cr and part.startswith(b"\n"):
            part = part[1:]  # the other half of a CRLF
        self._after_cr = part.endswith(b"\r") if part else False
        *whole, rest = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            self._parts.append(line)
            yield self._joined()
        if rest:
            self._parts.append(rest)

    def rest(self) -> Iterator[bytes]:
        if self._parts:
            yield self._joined()

    def _joined(self) -> bytes:
        line = b"".join(self._parts)
        self._parts.clear()
        if self._first:
            self._first, line = False, line.removeprefix(_BOM)
        return line


def _take(line: bytes, data: list[bytes]) -> None:
    """Fields other than ``data`` (names of events, ids, comments) say nothing that a reply needs."""
    name, _, value = line.partition(b":")
    if name == b"data":
        data.append(value.removeprefix(b" "))


def _text(data: list[bytes]) -> str:
    return b"\n".join(data).decode("utf-8", "replace")
