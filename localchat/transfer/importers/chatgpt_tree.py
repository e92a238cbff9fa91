"""One conversation of ChatGPT: a tree of nodes, of which many are no words of anybody.

Tool calls, their outputs and thoughts belong to the reply that follows them: they become its reasoning, which is shown
folded and sent to nobody. A reply that comes in several pieces is one message here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from localchat.records import Attachment, Role, Status
from localchat.transfer.importers.chatgpt_parts import Files, Parts, instructions
from localchat.transfer.importers.reading import EMPTY, LOOSE, model_named, span, stamped, text_of
from localchat.transfer.portable import Found, NamedModel, Note, Unreadable, WholeChat, WholeMessage

_HIDDEN = "is_visually_hidden_from_conversation"
_STATUSES: dict[str, Status] = {"in_progress": "interrupted", "finished_partial_completion": "stopped"}


def conversation(given: object, title: str, files: Files, time: str) -> Found:
    """``files``: what lies beside it; ``time`` stands where it has none."""
    if not isinstance(given, dict):
        return Unreadable(title, "it is no conversation")
    title = text_of(given.get("title")) or title
    if not isinstance(given.get("mapping"), dict):
        return Unreadable(title, "it has no messages (no mapping)")
    try:
        return _Conversation(given, files, time).chat()
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # of a shape that nobody has seen
        return Unreadable(title, f"it cannot be understood ({type(error).__name__}: {error})")


@dataclass
class _Said:
    key: str
    parent: str | None
    role: Role
    time: str | None
    texts: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    model: NamedModel | None = None
    status: Status = "complete"
    finish_reason: str | None = None
    images: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """Where on the way down: the message above, and what waits for the next reply."""

    above: str | None = None
    aside: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()  # images that a tool made: they are shown
    time: str | None = None
    images: tuple[Attachment, ...] = ()


class _Conversation:
    def __init__(self, given: dict[str, Any], files: Files, time: str) -> None:
        self._given = given
        self._nodes = {str(key): node for key, node in given["mapping"].items() if isinstance(node, dict)}
        self._parts = Parts(files)
        self._time = stamped(given.get("create_time")) or stamped(given.get("update_time")) or time
        self._said: dict[str, _Said] = {}
        self._ends: dict[str, str | None] = {}  # by node: the message that it is, or that stands above it
        self._system = ""
        self._loose = 0

    def chat(self) -> Found:
        children, roots = self._family()
        stack = [(root, _Place()) for root in reversed(roots)]
        while stack:
            key, place = stack.pop()
            below = self._place(key, place)
            if not children[key]:
                below = self._settle(key, below)
            self._ends[key] = below.above
            stack += [(child, below) for child in reversed(children[key])]
        leaf = self._join(self._leaf(children))
        return self._whole(leaf) if self._said else EMPTY

    # The tree

    def _family(self) -> tuple[dict[str, list[str]], list[str]]:
        """Children by node, and the roots. What hangs on nothing is a root, and so is one of every circle."""
        parents = {key: self._parent(key, node) for key, node in self._nodes.items()}
        children: dict[str, list[str]] = {key: [] for key in self._nodes}
        for key, node in self._nodes.items():
            listed = node.get("children")
            for child in listed if isinstance(listed, list) else ():
                if not isinstance(child, str) or child not in self._nodes or child in children[key]:
                    continue
                if "parent" not in self._nodes[child] and parents[child] is None and child != key:
                    parents[child] = key
                if parents[child] == key:
                    children[key].append(child)
        for key, parent in parents.items():
            if parent is not None and key not in children[parent]:
                children[parent].append(key)
        roots = [key for key, parent in parents.items() if parent is None]
        reached = self._reached(roots, children)
        for key in sorted(self._nodes, key=self._born):
            if key not in reached:
                above = parents[key]
                if above is not None:
                    children[above].remove(key)
                self._loose += 1
                roots.append(key)
                reached |= self._reached([key], children)
        return children, roots

    def _parent(self, key: str, node: dict[str, Any]) -> str | None:
        parent = node.get("parent")
        if parent is None:
            return None
        if isinstance(parent, str) and parent in self._nodes and parent != key:
            return parent
        self._loose += 1
        return None

    @staticmethod
    def _reached(roots: Iterable[str], children: dict[str, list[str]]) -> set[str]:
        seen, stack = set(), list(roots)
        while stack:
            key = stack.pop()
            if key not in seen:
                seen.add(key)
                stack += children[key]
        return seen

    def _born(self, key: str) -> str:
        message = self._nodes[key].get("message")
        return (stamped(message.get("create_time")) if isinstance(message, dict) else None) or self._time

    def _leaf(self, children: dict[str, list[str]]) -> str | None:
        """The message that the conversation was left at; where that is not told, the newest one at an end."""
        current = self._given.get("current_node")
        if isinstance(current, str) and self._ends.get(current) is not None:
            return self._ends[current]
        ends = [key for key, below in children.items() if not below and self._ends.get(key) is not None]
        newest = max(ends, key=self._born, default=None)
        return self._ends[newest] if newest is not None else None

    # One node

    def _place(self, key: str, place: _Place) -> _Place:
        message = self._nodes[key].get("message")
        if not isinstance(message, dict):
            return place
        author = message.get("author")
        role = author.get("role") if isinstance(author, dict) else None
        metadata = message.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        content = message.get("content")
        content = content if isinstance(content, dict) else {"content_type": "text", "parts": [content or ""]}
        if found := instructions(metadata, content):
            self._system = self._system or found
            return place
        if metadata.get(_HIDDEN) or role == "system":
            return place
        time = stamped(message.get("create_time")) or place.time
        if role == "user":
            return self._user(key, place, content, metadata, time)
        if role == "tool":
            name = text_of(author.get("name")) if isinstance(author, dict) else ""
            aside, shown = self._parts.of_tool(name, content)
            images = (*place.images, *self._parts.taken_images())
            return _Place(place.above, (*place.aside, *aside), (*place.texts, *shown), time, images)
        recipient = message.get("recipient")
        if recipient not in (None, "", "all"):
            called = self._parts.of_call(text_of(recipient), content)
            images = (*place.images, *self._parts.taken_images())
            return _Place(place.above, (*place.aside, *called), place.texts, time, images)
        return self._reply(key, place, message, content, metadata, time)

    def _user(
        self, key: str, place: _Place, content: dict[str, Any], metadata: dict[str, Any], time: str | None
    ) -> _Place:
        place = self._settle(key, place)
        texts = self._parts.of(content, metadata)
        images = self._parts.taken_images()
        if not texts and not images:
            return place
        self._said[key] = _Said(key, place.above, "user", time, texts, images=list(images))
        return _Place(key, time=time)

    def _reply(
        self,
        key: str,
        place: _Place,
        message: dict[str, Any],
        content: dict[str, Any],
        metadata: dict[str, Any],
        time: str | None,
    ) -> _Place:
        thoughts = self._parts.thoughts(content)
        if thoughts is not None:
            return _Place(place.above, (*place.aside, *thoughts), place.texts, time, place.images)
        texts = [*place.texts, *self._parts.of(content, metadata)]
        own = self._parts.taken_images()
        texts += [f"[image: {each.name}]" for each in own]  # a reply is never without words
        if not texts:
            return place
        said = _Said(key, place.above, "assistant", time, texts, list(place.aside), self._model(metadata))
        said.images = [*place.images, *own]
        said.status = _STATUSES.get(text_of(message.get("status")), "complete")
        details = metadata.get("finish_details")
        ended = details.get("type") if isinstance(details, dict) else None
        if ended == "max_tokens":
            said.finish_reason = "length"
        elif ended == "interrupted":
            said.status = "stopped"
        elif said.status == "complete":
            said.finish_reason = "stop"
        self._said[key] = said
        return _Place(key, time=time)

    def _settle(self, key: str, place: _Place) -> _Place:
        """What waits for a reply that does not come is a reply of its own."""
        if not place.aside and not place.texts:
            return place
        made = f"{key} before"
        self._said[made] = said = _Said(made, place.above, "assistant", place.time, list(place.texts))
        said.aside, said.images, said.model = list(place.aside), list(place.images), self._model({})
        return _Place(made, time=place.time)

    def _model(self, metadata: dict[str, Any]) -> NamedModel:
        slug = text_of(metadata.get("model_slug")) or text_of(self._given.get("default_model_slug")) or "chatgpt"
        return model_named("openai", slug, local=False)

    # The whole

    def _join(self, leaf: str | None) -> str | None:
        """A reply whose only successor is a reply goes on in it; the leaf, which may have moved up."""
        below: dict[str | None, list[str]] = {}
        for said in self._said.values():
            below.setdefault(said.parent, []).append(said.key)
        alone = {keys[0] for keys in below.values() if len(keys) == 1}
        moved: dict[str, str] = {}
        for key, said in list(self._said.items()):  # parents come first
            if said.parent in moved:
                said.parent = moved[said.parent]
            above = self._said.get(said.parent) if said.parent is not None else None
            if (
                above is None
                or {said.role, above.role} != {"assistant"}
                or said.model != above.model
                or above.status != "complete"
                or key not in alone
            ):
                continue
            above.texts += said.texts
            above.aside += said.aside
            above.images += said.images
            above.status, above.finish_reason = said.status, said.finish_reason
            moved[key] = above.key
            del self._said[key]
        return moved.get(leaf, leaf) if leaf is not None else None

    def _whole(self, leaf: str | None) -> WholeChat:
        messages, when = [], self._time
        for said in self._said.values():
            when = said.time or when
            messages.append(
                WholeMessage(
                    key=said.key,
                    parent=said.parent,
                    role=said.role,
                    content="\n\n".join(said.texts),
                    created_at=when,
                    reasoning="\n\n".join(said.aside),
                    status=said.status,
                    model=said.model,
                    finish_reason=said.finish_reason,
                    attachments=tuple(said.images),
                )
            )
        given = self._given
        first, last = span(messages, stamped(given.get("create_time")), stamped(given.get("update_time")), self._time)
        return WholeChat(
            source="chatgpt",
            source_id=self._id(),
            title=text_of(given.get("title")),
            messages=tuple(messages),
            created_at=first,
            updated_at=last,
            leaf=leaf,
            system=self._system,
            archived_at=last if given.get("is_archived") is True else None,
            pinned_at=last if given.get("is_starred") is True else None,
            notes=tuple(self._notes()),
        )

    def _id(self) -> str:
        """Old exports have none: then what stays as it is when a conversation goes on."""
        for name in ("conversation_id", "id"):
            found = self._given.get(name)
            if isinstance(found, str) and found:
                return found
        asked = next(("\n".join(said.texts) for said in self._said.values() if said.role == "user"), "")
        lasting = [text_of(self._given.get("create_time")), next(iter(self._nodes), ""), asked]
        return hashlib.sha256("\0".join(lasting).encode("utf-8", "replace")).hexdigest()[:32]

    def _notes(self) -> Iterator[Note]:
        yield from self._parts.notes
        yield from (LOOSE,) * self._loose
