"""oterm's ``store.db``, of every version: it keeps no times, and messages may outlive their chat."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from localchat.attachments.reading import MOST
from localchat.records import Attachment
from localchat.transfer.importers.reading import (
    EMPTY,
    IMAGE,
    NO_TIMES,
    ORPHANS,
    ByChat,
    at_once,
    file_time,
    has,
    image,
    model_named,
    opened,
    salvaged,
    settings,
    text_of,
)
from localchat.transfer.importers.servers import of_oterm
from localchat.transfer.portable import Found, NamedModel, Note, Unreadable, WholeChat, WholeMessage

KIND = "oterm"
LABEL = "oterm"

_IMAGE = re.compile(r"\[Image #(\d{1,4})\]")
_COMPATIBLE = "openai-compat/"
_PROVIDERS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "google-gla": "google",
    "google-vertex": "google",
    "google-cloud": "google",
}


def sniff(path: Path) -> bool:
    return has(path, chat="id name model", message="id chat_id author text")


def chats(path: Path) -> Iterator[Found]:
    time = file_time(path)
    servers = dict(of_oterm(path))
    with opened(path) as connection:
        with at_once(connection):
            messages = ByChat(connection, "message")
            there = salvaged(connection, "select * from chat order by id")
        for chat in there:
            yield _guarded(messages, chat, time, servers)
        known = {chat["id"] for chat in there}
        for orphan in messages:
            if orphan not in known:
                yield _guarded(messages, {"id": orphan}, time, servers)
        if messages.damaged:
            yield Unreadable("the rest of the messages", messages.damaged)


def _guarded(messages: ByChat, chat: dict[str, Any], time: str, servers: dict[str, bool]) -> Found:
    try:
        return _chat(messages.of(chat["id"]), chat, time, servers)
    except (sqlite3.Error, ValueError) as error:
        return Unreadable(text_of(chat.get("name")) or f"chat {chat['id']}", str(error))


def _chat(listed: list[dict[str, Any]], chat: dict[str, Any], time: str, servers: dict[str, bool]) -> WholeChat | Note:
    orphan = "model" not in chat
    if not listed:
        return EMPTY
    model = None if orphan else _model(chat, servers)
    notes = [NO_TIMES, ORPHANS] if orphan else [NO_TIMES]
    messages: list[WholeMessage] = []
    above = None
    for number, row in enumerate(listed):
        content, images, lost = _with_images(text_of(row["text"]), row.get("images"))
        notes += [IMAGE] * lost
        user = row["author"] == "user"
        messages.append(
            WholeMessage(
                key=str(number),
                parent=above,
                role="user" if user else "assistant",
                content=content,
                created_at=time,
                model=None if user else model,
                attachments=tuple(images),
            )
        )
        above = messages[-1].key
    first = hashlib.sha256(text_of(listed[0]["text"]).encode("utf-8", "replace")).hexdigest()[:16]
    return WholeChat(
        source=KIND,
        # Numbers are those of one file; the words tell two files apart (``portable.BY_WORDS``).
        source_id=f"{'orphan-' if orphan else ''}{chat['id']}-{first}",
        title="Recovered chat" if orphan else text_of(chat.get("name")),
        messages=tuple(messages),
        created_at=time,
        updated_at=time,
        leaf=above,
        model=model,
        system=text_of(chat.get("system")),
        parameters=settings(chat.get("parameters")),
        notes=tuple(notes),
    )


def _model(chat: dict[str, Any], servers: dict[str, bool]) -> NamedModel:
    provider = text_of(chat.get("provider")) or "ollama"  # there was no other one before 0.15
    named = _PROVIDERS.get(provider, provider.removeprefix(_COMPATIBLE))
    model = model_named(named, text_of(chat["model"]), other=KIND)
    here = servers.get(provider.removeprefix(_COMPATIBLE)) if provider.startswith(_COMPATIBLE) else None
    return model if here is None else replace(model, local=here)


def _with_images(text: str, given: object) -> tuple[str, list[Attachment], int]:
    """The text, its images, and how many could not be read: a line stands for each of those, at its mark
    ``[Image #N]`` or at the end. An image that came along keeps its mark."""
    try:
        listed = json.loads(text_of(given)) if given else []
    except (ValueError, RecursionError):
        listed = []
    kept: dict[int, Attachment] = {}
    listed = listed if isinstance(listed, list) else []
    for which, encoded in enumerate(listed, 1):
        found = image(f"image-{which}.png", _decoded(encoded))
        if found is not None and len(kept) < MOST:
            kept[which] = found
    lost = [which for which in range(1, len(listed) + 1) if which not in kept]
    placed: set[int] = set()

    def place(found: re.Match[str]) -> str:
        which = int(found[1])
        if which not in lost:
            return found[0]  # it came along, or these are the person's own words
        placed.add(which)
        return _note(which)

    text = _IMAGE.sub(place, text)
    rest = [_note(which) for which in lost if which not in placed]
    return "\n".join([part for part in (text, *rest) if part]), list(kept.values()), len(lost)


def _decoded(encoded: object) -> bytes | None:
    try:
        return base64.b64decode(text_of(encoded), validate=True)
    except ValueError:
        return None


def _note(which: int) -> str:
    return f"[image: {which}.png, not imported]"
