"""What a GGUF file says about itself, and whether all of it is there, without loading it.

llama.cpp says only "failed to load" for most of what can be wrong with a file; here each fault gets its name. The
format: a header (magic, version, counts), the metadata, the list of tensors, and behind it their data.
"""

from __future__ import annotations

import contextlib
import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localchat.errors import InvalidInput, ModelMissing
from localchat.text import one_line

_MAGIC = b"GGUF"
_OLDEST, _NEWEST = 2, 3
_ANOTHER = "Choose another file, or fetch it again."
_HEADER = 32 * 1024**2  # bytes read at most; the largest vocabularies of today take 12 MB
_MOST_PAIRS, _MOST_TENSORS, _LONGEST_STRING = 65_536, 1_000_000, 8 * 1024**2
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
# Elements and bytes of one block, by ggml's number of the type; of a type not listed only the beginning is checked.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """``size`` in bytes, all parts of a split file together; ``context``: what the model was made for, in tokens."""

    size: int
    name: str
    architecture: str
    context: int | None
    cache_bytes_per_token: int

    def memory(self, context: int) -> int:
        """Bytes that the model needs with a context of so many tokens: weights, cache, and room to compute."""
        return self.size + self.cache_bytes_per_token * context + 64 * 1024**2


class _Cut(Exception):
    """The file ends inside its header."""


def check_gguf(path: Path | str) -> Facts:
    """The facts, where the file is a whole GGUF model. Reads the header only (10 to 300 ms): call it in a thread.

    Raises ModelMissing where there is no file, InvalidInput for a folder, a file that cannot be read, is empty, is no
    GGUF, is cut, or is no model for chats.
    """
    file = Path(path)
    with contextlib.suppress(RuntimeError):  # "~someone" who does not exist: a strange name then
        file = file.expanduser()
    size = _size_of(file)
    try:
        with file.open("rb") as opened:
            header = opened.read(_HEADER)  # not mapped: a file that shrinks meanwhile would kill the process
        return _read(file, header, size)
    except OSError as error:
        raise InvalidInput(f"{_shown(file)} cannot be read ({error.strerror}).", "Check its permissions.") from error


def context_of(path: Path | str) -> int | None:
    """How many tokens the model was made for, where its file says so. Raises like ``check_gguf``."""
    return check_gguf(path).context


def _shown(file: Path) -> str:
    return one_line(str(file), 300)


def _size_of(file: Path) -> int:
    shown = _shown(file)
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelMissing(f"There is no file {shown}.", "Check the path, or choose another file.") from error
    except (OSError, ValueError) as error:  # a NUL in the path, a name that is too long, a loop of links
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"{shown} cannot be read ({reason}).", "Check the path.") from error
    if stat.S_ISDIR(status.st_mode):
        raise InvalidInput(f"{shown} is a folder, not a GGUF file.", "Give the path of the file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(f"{shown} is not a regular file.", "Give the path of a GGUF file.")
    if status.st_size == 0:
        raise InvalidInput(f"{shown} is empty.", _ANOTHER)
    return status.st_size


def _read(file: Path, data: bytes, size: int) -> Facts:
    shown = _shown(file)
    if data[:4] != _MAGIC:
        raise InvalidInput(f"{shown} is no GGUF file.", "localchat runs models in the GGUF format of llama.cpp.")
    try:
        reader = _Reader(data)
        version, tensors, pairs = reader.numbers("<IQQ")
        if not _OLDEST <= version <= _NEWEST:
            raise InvalidInput(f"{shown} is GGUF of version {version}, which cannot be read here.", _ANOTHER)
        if pairs > _MOST_PAIRS or tensors > _MOST_TENSORS:
            raise ValueError(pairs, tensors)
        facts = {reader.string(): reader.value() for _ in range(pairs)}
        end = reader.end_of_tensors(tensors, facts.get("general.alignment"))
    except _Cut as error:
        if size > len(data):
            raise InvalidInput(f"{shown} is damaged: its header has no end.", "Fetch it again.") from error
        raise InvalidInput(f"{shown} is cut off: it ends inside its own header.", "Fetch it again.") from error
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"{shown} is damaged: its header makes no sense.", "Fetch it again.") from error
    if end > size:
        raise InvalidInput(f"{shown} is cut off: it has {size:,} bytes and needs {end:,}.", "Fetch it again.")
    kind, architecture = facts.get("general.type", "model"), facts.get("general.architecture")
    if not isinstance(architecture, str) or kind != "model" or architecture == "clip" or tensors == 0:
        raise InvalidInput(f"{shown} holds no language model of its own.", _ANOTHER)
    return _facts(file, size, architecture, facts)


def _facts(file: Path, size: int, architecture: str, facts: dict[str, Any]) -> Facts:
    def number(key: str, otherwise: int = 0) -> int:
        value = facts.get(f"{architecture}.{key}")
        if isinstance(value, _Skipped):
            return value.largest or otherwise
        return value if isinstance(value, int) and value > 0 else otherwise

    heads = number("attention.head_count", 1)
    width = number("embedding_length") // heads
    kept = number("attention.head_count_kv", heads)
    per_layer = kept * (number("attention.key_length", width) + number("attention.value_length", width))
    name = facts.get("general.name")
    return Facts(
        size=sum(part.stat().st_size for part in _parts(file)) or size,
        name=one_line(name, 80) if isinstance(name, str) else file.stem,
        architecture=one_line(architecture, 40),
        context=number("context_length") or None,
        cache_bytes_per_token=2 * number("block_count") * per_layer,
    )


def _parts(file: Path) -> list[Path]:
    """All parts of a file that was split (``…-00001-of-00003.gguf``), else the file alone."""
    split = re.fullmatch(r"(.*-)\d{5}(-of-(\d{5})\.gguf)", file.name)
    if split is None:
        return [file]
    parts = [file.with_name(f"{split[1]}{number:05d}{split[2]}") for number in range(1, int(split[3]) + 1)]
    for part in parts:
        if not part.is_file():
            there = f"{_shown(file)} is one of {len(parts)} parts"
            raise ModelMissing(f"{one_line(part.name, 300)} is missing; {there}.", "Put them in one folder.")
    return parts


@dataclass(frozen=True, slots=True)
class _Skipped:
    """An array of which only the largest whole number was kept (heads differ by layer in some models)."""

    largest: int


class _Reader:
    """Walks over the header; raises _Cut at the end of the file, ValueError and KeyError for nonsense."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = len(_MAGIC)

    def numbers(self, form: str) -> tuple[Any, ...]:
        end = self.at + struct.calcsize(form)
        if end > len(self.data):
            raise _Cut
        found = struct.unpack_from(form, self.data, self.at)
        self.at = end
        return found

    def skip(self, count: int) -> None:
        if self.at + count > len(self.data):
            raise _Cut
        self.at += count

    def string(self) -> str:
        (length,) = self.numbers("<Q")
        if length > _LONGEST_STRING:
            raise ValueError(length)
        start = self.at
        self.skip(length)
        return self.data[start : self.at].decode("utf-8", "replace")

    def value(self) -> Any:
        (kind,) = self.numbers("<I")
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.array()
        return self.numbers(_SCALARS[kind])[0]

    def array(self) -> _Skipped:
        kind, count = self.numbers("<IQ")
        if kind == _STRING:  # a vocabulary: a few hundred thousand of them
            data, at, most = self.data, self.at, len(self.data)
            unpack = struct.Struct("<Q").unpack_from
            for _ in range(count):
                if at + 8 > most:
                    raise _Cut
                at += 8 + unpack(data, at)[0]
            self.at = at
            self.skip(0)
            return _Skipped(0)
        if kind == _ARRAY:
            for _ in range(count):
                self.array()
            return _Skipped(0)
        form = _SCALARS[kind]
        if 0 < count <= 1024 and form not in ("<f", "<d"):
            return _Skipped(max(self.numbers("<" + form[1] * count)))
        self.skip(count * struct.calcsize(form))
        return _Skipped(0)

    def end_of_tensors(self, count: int, alignment: Any) -> int:
        """Where the last byte of the last tensor must be."""
        ends = [0]
        for _ in range(count):
            self.string()
            (dimensions,) = self.numbers("<I")
            if dimensions > 8:
                raise ValueError(dimensions)
            shape = self.numbers("<" + "Q" * dimensions)
            kind, offset = self.numbers("<IQ")
            elements, size = _BLOCKS.get(kind, (0, 0))
            total = 1
            for side in shape:
                total *= side
            ends.append(offset + (total // elements * size if elements else 1))
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        start = (self.at + step - 1) // step * step
        return start + max(ends)
