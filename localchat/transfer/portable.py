"""A chat whole, as it travels to files, from other programs and between stores: names in place of ids, plain data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from localchat.records import Attachment, ErrorNote, Reason, Recording, Role, Status, Usage

OWN = "localchat"  # the source of chats that were begun here
# Programs that number their chats from 1 in each of their files: two files have the same numbers, and people begin
# chats with the same words. Such a chat is known by its number and all of its words.
BY_WORDS = frozenset({"elia", "oterm"})


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model by name. ``local``: it ran on the machine where the chat was written; None: nobody knows."""

    provider: str
    model: str
    local: bool | None = None
    removed: bool = False

    @property
    def ref(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class WholeMessage:
    """``key`` is unique in its chat; ``parent`` is the key of the message that it follows."""

    key: str
    parent: str | None
    role: Role
    content: str
    created_at: str
    reasoning: str = ""
    status: Status = "complete"
    model: NamedModel | None = None
    fallback_from: NamedModel | None = None
    fallback_reason: Reason | None = None
    error: ErrorNote | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    duration_ms: int | None = None
    left_out: int = 0
    attachments: tuple[Attachment, ...] = ()
    recording: Recording | None = None


class Note(NamedTuple):
    """Something that an import tells about, once for all chats: ``many`` holds ``{n}``."""

    one: str
    many: str

    def times(self, number: int) -> str:
        return self.one if number == 1 else self.many.format(n=f"{number:,}")


@dataclass(frozen=True, slots=True)
class WholeChat:
    """``source`` and ``source_id`` name it for ever, wherever it goes; ``also``: its other names of that kind.

    ``messages``: all of its tree, no message before its parent. ``leaf``: the end of the line that was read last.
    ``summary`` is sent in place of all up to and with the message ``summary_of``.
    """

    source: str
    source_id: str
    title: str
    messages: tuple[WholeMessage, ...]
    created_at: str
    updated_at: str
    leaf: str | None = None
    model: NamedModel | None = None
    system: str = ""
    draft: str = ""
    summary: str = ""
    summary_of: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    archived_at: str | None = None
    pinned_at: str | None = None
    deleted_at: str | None = None
    also: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A chat, or a part of a file, that could not be taken over, and why."""

    title: str
    reason: str


Found = WholeChat | Unreadable | Note
"""What reading a file comes upon; a note where there is something to tell and no chat."""


def line_of(chat: WholeChat) -> list[WholeMessage]:
    """The messages of the line that was read last, oldest first."""
    by_key = {message.key: message for message in chat.messages}
    at = by_key.get(chat.leaf) if chat.leaf is not None else None
    if at is None and chat.messages:
        at = chat.messages[-1]
    line: dict[str, WholeMessage] = {}
    while at is not None and at.key not in line:  # a chat that nobody has put in order may go in a circle
        line[at.key] = at
        at = by_key.get(at.parent) if at.parent is not None else None
    return list(line.values())[::-1]


_LASTING = re.compile(r"(?P<base>.*)@(?P<number>\d{1,9})-(?P<digest>[0-9a-f]{16})", re.DOTALL)


class ByWords(NamedTuple):
    """The lasting name of a chat of ``BY_WORDS``: what its source calls it, and its words when it came."""

    base: str
    number: int | None = None  # of messages; None in a name of before these were in it
    digest: str = ""

    @classmethod
    def of(cls, base: str, line: Sequence[WholeMessage]) -> ByWords:
        return cls(base, len(line), _digest(line))

    @classmethod
    def parse(cls, name: str) -> ByWords:
        found = _LASTING.fullmatch(name)
        return cls(name) if found is None else cls(found["base"], int(found["number"]), found["digest"])

    def __str__(self) -> str:
        return self.base if self.number is None else f"{self.base}@{self.number}-{self.digest}"

    def begins(self, line: Sequence[WholeMessage]) -> bool | None:
        """Whether this chat, as it came, is the beginning of ``line``. None where its words are needed to know."""
        if self.number is None or self.number > len(line):
            return None
        return _digest(line[: self.number]) == self.digest


def _digest(line: Sequence[WholeMessage]) -> str:
    words = hashlib.sha256()
    for message in line:
        said = message.content.encode("utf-8", "replace")
        words.update(f"{message.role} {len(said)} ".encode() + said)
    return words.hexdigest()[:16]


def versions_of(chat: WholeChat) -> dict[str, tuple[int, int]]:
    """By key: which version among how many each message is."""
    siblings: dict[str | None, list[str]] = {}
    for message in chat.messages:
        siblings.setdefault(message.parent, []).append(message.key)
    return {key: (number, len(keys)) for keys in siblings.values() for number, key in enumerate(keys, 1)}


def in_order(messages: Sequence[WholeMessage]) -> tuple[list[WholeMessage], int]:
    """No message before its parent, else as they came; and how many hung on nothing, or in a circle.

    Those begin a line of their own. Raises ValueError where two have the same key.
    """
    by_key = {message.key: message for message in messages}
    if len(by_key) != len(messages):
        raise ValueError("two messages have the same id")
    done: dict[str, WholeMessage] = {}
    loose = 0
    for message in messages:
        waiting: dict[str, WholeMessage] = {}
        at: WholeMessage | None = message
        while at is not None and at.key not in done and at.key not in waiting:
            waiting[at.key] = at
            at = by_key.get(at.parent) if at.parent is not None else None
        for key, above in reversed(waiting.items()):
            if above.parent is not None and above.parent not in done:
                loose += 1
                above = replace(above, parent=None)
            done[key] = above
    return list(done.values()), loose
