"""Members of a zip one after the other, also of one that was cut off: its list of contents stands at its end."""

from __future__ import annotations

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from localchat.transfer.importers.json_stream import CHUNK, Bytes, Damaged

_BEGINS = b"PK\x03\x04"
_HEADER = struct.Struct("<4s5H3L2H")


def is_zip(path: Path) -> bool:
    """By its first bytes: one that was cut off is one too."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _BEGINS
    except OSError:
        return False


def names(path: Path) -> list[str]:
    """Of what is in it; of a zip that was cut off, of those that come one after the other from its beginning."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        with path.open("rb") as file:
            return [member.name for member in _members(file)]


def members(path: Path, wanted: list[str]) -> Generator[tuple[str, Bytes]]:
    """Name and content; whoever asks reads each before the next. Reading raises Damaged where it cannot go on."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        with path.open("rb") as file:
            for member in _members(file):
                if member.name in wanted:
                    yield member.name, member
        return
    with archive:
        for name in wanted:
            try:
                with archive.open(name) as content:
                    yield name, _Checked(content)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError) as error:
                yield name, _Checked(None, _reason(error))


def _reason(error: Exception) -> str:
    return "it is encrypted" if "encrypted" in str(error) else f"the zip is damaged there ({error})"


class Contents:
    """Small members, whole and in any order; none of a zip that was cut off."""

    def __init__(self, path: Path) -> None:
        self._archive: zipfile.ZipFile | None = None
        with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, ValueError):
            self._archive = zipfile.ZipFile(path)

    def read(self, name: str, most: int) -> bytes | None:
        """At most so many bytes; None where it cannot be read."""
        if self._archive is None:
            return None
        try:
            with self._archive.open(name) as member:
                return member.read(most)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, KeyError):
            return None

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive is not None:
            self._archive.close()


class _Checked:
    """A member of a whole zip, with its errors as ours."""

    def __init__(self, content: Bytes | None, reason: str = "") -> None:
        self._content = content
        self._reason = reason

    def read(self, size: int, /) -> bytes:
        if self._content is None:
            raise Damaged(self._reason)
        try:
            return self._content.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise Damaged(_reason(error)) from error


class _Member:
    """A member read from its own header on. At its end ``rest`` holds the bytes read too far."""

    def __init__(self, file: BinaryIO, name: str, method: int, size: int | None) -> None:
        self.name = name
        self.whole = False
        self.rest = b""
        self._file = file
        self._left = size  # None: only the stream itself tells its end
        self._inflate = zlib.decompressobj(-15) if method == 8 else None
        self._supported = method == 8 or (method == 0 and size is not None)

    def read(self, size: int, /) -> bytes:
        if self.whole:
            return b""
        if not self._supported:
            raise Damaged("the zip is damaged")
        if self._inflate is None:
            return self._stored(size)
        while True:
            pending = self._inflate.unconsumed_tail
            data = pending or self._file.read(CHUNK)
            try:
                text = self._inflate.decompress(data, max(size, CHUNK))
            except zlib.error as error:
                raise Damaged(f"the zip is damaged there ({error})") from error
            if self._inflate.eof:
                self.whole = True
                self.rest = self._inflate.unused_data
            if text or self.whole or not data:
                return text

    def _stored(self, size: int) -> bytes:
        assert self._left is not None
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        self.whole = self._left == 0
        return data

    def skip(self) -> bool:
        """Read on to the end. False where the file ends, or is damaged, before that."""
        try:
            while not self.whole:
                if not self.read(CHUNK) and not self.whole:
                    return False
        except Damaged:
            return False
        return True


def _members(file: BinaryIO) -> Iterator[_Member]:
    """From header to header."""
    while True:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        mark, _, flags, method, _, _, _, packed, _, name_length, extra_length = _HEADER.unpack(header)
        if mark != _BEGINS:
            return
        name = file.read(name_length).decode("utf-8" if flags & 0x800 else "cp437", "replace")
        file.seek(extra_length, 1)
        unknown = bool(flags & 0x8) or packed == 0xFFFFFFFF  # its size stands behind it, or in a wider field
        start = file.tell()
        member = _Member(file, name, method, None if unknown else packed)
        yield member
        if not unknown:
            file.seek(start + packed)
        elif not member.skip() or not _to_next(file, len(member.rest)):
            return


def _to_next(file: BinaryIO, too_far: int) -> bool:
    """Past the sizes that stand behind a member, to the next header."""
    file.seek(-too_far, 1)
    near = file.read(64)
    found = near.find(_BEGINS)
    if found < 0:
        return False
    file.seek(found - len(near), 1)
    return True
