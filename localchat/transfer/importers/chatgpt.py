"""ChatGPT's export: the zip, the unpacked folder, or a ``conversations.json`` of it, in one piece or in many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from localchat.attachments.reading import IMAGE_LIMIT
from localchat.errors import InvalidInput
from localchat.transfer.importers import zips
from localchat.transfer.importers.chatgpt_parts import Files
from localchat.transfer.importers.chatgpt_tree import conversation
from localchat.transfer.importers.json_stream import Bytes, Damaged, JsonStream
from localchat.transfer.importers.reading import file_time
from localchat.transfer.importers.services import whose
from localchat.transfer.portable import Found, Unreadable

KIND = "chatgpt"
LABEL = "ChatGPT"

_NAME = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json", re.IGNORECASE)
_HEAD = 1 << 18  # bytes: what stands before the messages of the first chat is short


def sniff(path: Path) -> bool:
    text = beginning(path)
    if text is None or whose(text) is not None:
        return False
    if path.is_dir() or zips.is_zip(path):
        return True  # by its name; what is wrong inside is told chat by chat
    return text[:1] in ("[", "{") and re.search(r'"mapping"\s*:', text) is not None


def beginning(path: Path) -> str | None:
    """Of the first conversations of a zip or folder, or of the file itself; None where there are none."""
    try:
        if path.is_dir():
            head = next((_head(place) for place in _in_folder(path)), None)
        elif zips.is_zip(path):
            wanted = sorted(name for name in zips.names(path) if _NAME.fullmatch(name))
            with closing(zips.members(path, wanted[:1])) as found:
                head = next((_start(member) for _, member in found), None)
        else:
            head = _head(path)
    except OSError:
        return None
    if head is None:
        return None
    codec = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return head.decode(codec, "ignore").lstrip()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _start(member: Bytes) -> bytes:
    try:
        return member.read(_HEAD)
    except Damaged:
        return b""


def chats(path: Path) -> Iterator[Found]:
    time = file_time(path)
    if path.is_dir():
        there = _FolderFiles(path)
        for place in _in_folder(path):
            with place.open("rb") as content:
                yield from _conversations(place.name, content, there, time)
    elif zips.is_zip(path):
        names = zips.names(path)
        wanted = sorted(name for name in names if _NAME.fullmatch(name))
        with closing(zips.members(path, wanted)) as found, zips.Contents(path) as contents:
            for name, member in found:
                yield from _conversations(name, member, _ZipFiles(names, contents), time)
    else:
        with path.open("rb") as content:
            yield from _conversations(path.name, content, Files(()), time)


class _FolderFiles(Files):
    """What was unpacked beside the conversations."""

    def __init__(self, folder: Path) -> None:
        super().__init__(file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")) if file.is_file())
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(IMAGE_LIMIT + 1)
        except OSError:
            return None


class _ZipFiles(Files):
    """What lies in the same zip; of one that was cut off only the names are known."""

    def __init__(self, names: Iterable[str], contents: zips.Contents) -> None:
        super().__init__(names)
        self._contents = contents

    def read(self, name: str) -> bytes | None:
        return self._contents.read(name, IMAGE_LIMIT + 1)


def _in_folder(folder: Path) -> list[Path]:
    """There, or one folder below."""
    return sorted(file for depth in ("*", "*/*") for file in folder.glob(depth) if _NAME.fullmatch(file.name))


def _conversations(name: str, content: Bytes, files: Files, time: str) -> Iterator[Found]:
    stream = JsonStream(content)
    number = 0
    try:
        if stream.peek() == "{":  # a single one
            yield conversation(stream.value(), f"chat of {name}", files, time)
            return
        for given in stream.items():
            number += 1
            yield conversation(given, f"chat {number} of {name}", files, time)
    except Damaged as error:
        if number == 0 and not error.cut and not error.title and error.reason == "it is no JSON":
            raise InvalidInput(f"{name} is no list of conversations.", "Give the file as ChatGPT sent it.") from error
        yield Unreadable(error.title or f"chat {number + 1} of {name}", error.reason)
