"""elia's ``elia.sqlite``: straight lines, the first message of a chat is its system prompt."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localchat.records import Role
from localchat.transfer.importers.reading import (
    EMPTY,
    ByChat,
    at_once,
    file_time,
    has,
    model_named,
    model_of,
    opened,
    salvaged,
    span,
    stamped,
    text_of,
)
from localchat.transfer.importers.servers import located, of_elia
from localchat.transfer.portable import Found, NamedModel, Unreadable, WholeChat, WholeMessage

KIND = "elia"
LABEL = "elia"


def sniff(path: Path) -> bool:
    return has(path, chat="id model title started_at", message="id chat_id role content timestamp")


def chats(path: Path) -> Iterator[Found]:
    time = file_time(path)
    servers = {_model(name).ref: here for name, here in of_elia(path)}
    with opened(path) as connection:
        with at_once(connection):
            messages = ByChat(connection, "message")
            there = salvaged(connection, "select * from chat order by id")
        for chat in there:
            try:
                yield located(_chat(messages.of(chat["id"]), chat, time), servers)
            except (sqlite3.Error, ValueError) as error:
                yield Unreadable(text_of(chat.get("title")) or f"chat {chat['id']}", str(error))
        if messages.damaged:
            yield Unreadable("the rest of the messages", messages.damaged)


def _chat(listed: list[dict[str, Any]], chat: dict[str, Any], time: str) -> Found:
    listed = [row for row in listed if text_of(row["content"]) or row["role"] == "user"]
    if not any(row["role"] != "system" for row in listed):
        return EMPTY
    # What elia took over from ChatGPT has times of this machine's zone, and tells by what ChatGPT said of it.
    foreign = any(_meta(row) or text_of(row["timestamp"]).startswith("1970-01-01") for row in listed)
    begun = stamped(chat["started_at"], local=foreign)
    system, messages, above, when = "", list[WholeMessage](), None, begun or time
    for number, row in enumerate(listed):
        content = text_of(row["content"])
        if row["role"] == "system" and number == 0:
            system = content
            continue
        when = stamped(row["timestamp"], local=foreign) or when
        role = _role(row["role"])
        messages.append(
            WholeMessage(
                key=str(number),
                parent=above,
                role=role,
                content=content,
                created_at=when,
                model=_model(text_of(row.get("model")) or text_of(chat["model"])) if role == "assistant" else None,
            )
        )
        above = messages[-1].key
    first, last = span(messages, begun, None, time)
    return WholeChat(
        source=KIND,
        # Numbers are those of one file; the time tells two files apart, and their words (``portable.BY_WORDS``).
        source_id=f"{chat['id']}-{text_of(chat['started_at'])}",
        title=text_of(chat["title"]),
        messages=tuple(messages),
        created_at=first,
        updated_at=last,
        leaf=above,
        model=_model(text_of(chat["model"])),
        system=system,
        archived_at=last if chat.get("archived") else None,
    )


def _role(name: object) -> Role:
    """What a tool said (only in what elia took over from ChatGPT) stands as part of the replies."""
    return "user" if name == "user" else "system" if name == "system" else "assistant"


def _meta(row: dict[str, Any]) -> bool:
    try:
        meta = json.loads(text_of(row.get("meta")) or "{}")
    except (ValueError, RecursionError):
        return False
    return isinstance(meta, dict) and bool(meta.keys() & {"model_slug", "message_type", "timestamp_", "request_id"})


def _model(name: str) -> NamedModel:
    """elia's own ids begin with ``elia-``; what its configuration forgot is called ``unknown``."""
    if name in ("", "unknown"):
        return model_named(KIND, "unknown")
    return model_of(name.removeprefix("elia-"), KIND)
