"""A conversation of llm while it is put together from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localchat.records import Attachment, Role, Usage
from localchat.transfer.importers.reading import EMPTY, LOOSE, model_of, span, text_of, whole
from localchat.transfer.portable import Found, NamedModel, Note, Unreadable, WholeChat, WholeMessage


@dataclass
class Said:
    """One message; what its source does not tell is None."""

    role: Role
    content: str
    reasoning: str = ""
    time: str | None = None
    model: NamedModel | None = None
    usage: Usage | None = None
    duration_ms: int | None = None
    parent: int | None = None
    images: tuple[Attachment, ...] = ()

    @classmethod
    def by_model(cls, content: str, row: Mapping[str, Any] | None, time: str | None) -> Said:
        """A reply, with what the row of its call tells of it."""
        if row is None:
            return cls("assistant", content, time=time)
        tokens = whole(row.get("input_tokens")), whole(row.get("output_tokens"))
        return cls(
            "assistant",
            content,
            time=time,
            model=model_of(text_of(row.get("model")), "llm"),
            usage=None if tokens == (None, None) else Usage(tokens[0] or 0, tokens[1] or 0),
            duration_ms=whole(row.get("duration_ms")),
        )


@dataclass(frozen=True)
class Place:
    """Below which message one stands, and what happened since that belongs to the next reply: reasoning and tools."""

    parent: int | None = None
    waiting: tuple[str, ...] = ()

    def aside(self, texts: Iterable[str]) -> Place:
        return Place(self.parent, (*self.waiting, *(text for text in texts if text)))


class Tree:
    """``places``: where each message of the message store left off, by its hash. ``gap``: a message was not there."""

    root = Place()

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._known: dict[tuple[int | None, Role, str], int] = {}
        self._system: str | None = None
        self._leaf: int | None = None
        self._kept = False
        self.gap = False
        self.places: dict[str | None, Place] = {}

    def system(self, at: Place, text: str) -> Place:
        """The first system prompt is that of the chat; another one later stands where it began."""
        if not text or text == self._system:
            return at
        if self._system is None:
            self._system = text
            return at
        return self._put(at, Said("system", text))

    def say(self, at: Place, said: Said) -> Place:
        if said.role == "assistant":
            said.reasoning = "\n\n".join(at.waiting)
            return self._put(at, said)
        return self._put(self._settled(at), said)

    def end(self, at: Place) -> None:
        """The end of a line; the newest one is the one read last."""
        at = self._settled(at)
        if not self._kept and at.parent is not None:
            self._leaf = at.parent

    def keep_leaf(self) -> None:
        """The line that ended last stays the one read last."""
        self._kept = True

    def _settled(self, at: Place) -> Place:
        """What waits for a reply that never came is a reply without words."""
        return self._put(at, Said("assistant", "", reasoning="\n\n".join(at.waiting))) if at.waiting else at

    def _put(self, at: Place, said: Said) -> Place:
        """Where the same was said there already, that is the one, and learns what was not known of it."""
        said.parent = at.parent
        key = said.parent, said.role, said.content
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self._said)
            self._said.append(said)
        there = self._said[number]
        there.reasoning = there.reasoning or said.reasoning
        there.time = there.time or said.time
        there.model = there.model or said.model
        there.usage = there.usage or said.usage
        there.duration_ms = there.duration_ms or said.duration_ms
        there.images = there.images or said.images
        return Place(number)

    def chat(self, source: str, chat_id: str, name: str, time: str, notes: Iterable[Note]) -> Found:
        """``time`` stands where no message has one."""
        if not self._said:
            return Unreadable(name or f"conversation {chat_id}", "its messages are gone") if self.gap else EMPTY
        when = next((said.time for said in self._said if said.time), time)
        messages = []
        for key, said in enumerate(self._said):
            when = said.time or when
            messages.append(
                WholeMessage(
                    key=str(key),
                    parent=str(said.parent) if said.parent is not None else None,
                    role=said.role,
                    content=said.content,
                    created_at=when,
                    reasoning=said.reasoning,
                    model=said.model,
                    usage=said.usage,
                    duration_ms=said.duration_ms,
                    attachments=said.images,
                )
            )
        first, last = span(messages, None, None, time)
        return WholeChat(
            source=source,
            source_id=chat_id,
            title=name,
            messages=tuple(messages),
            created_at=first,
            updated_at=last,
            leaf=str(self._leaf) if self._leaf is not None else None,
            system=self._system or "",
            notes=(*notes, LOOSE) if self.gap else tuple(notes),
        )
