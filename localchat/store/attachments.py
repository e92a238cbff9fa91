"""Attachments as rows: written with their message, listed without their content, copied with a fork."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from localchat.records import Attachment, AttachmentInfo
from localchat.store.fields import content, number, text
from localchat.text import storable

_INSERT = "insert into attachments (message_id, position, name, media_type, content) values (?, ?, ?, ?, ?)"


def insert(tx: sqlite3.Connection, message_id: int, attachments: Sequence[Attachment]) -> None:
    tx.executemany(
        _INSERT,
        [
            (message_id, position, storable(each.name), each.media_type, each.content)
            for position, each in enumerate(attachments)
        ],
    )


def infos(connection: sqlite3.Connection, message_ids: Sequence[int]) -> dict[int, tuple[AttachmentInfo, ...]]:
    """By message. SQLite knows the length of a content without reading it."""
    found: dict[int, tuple[AttachmentInfo, ...]] = {}
    for row in connection.execute(
        "select message_id, id, name, media_type, length(content) as size from attachments"
        " where message_id in (select value from json_each(?)) order by message_id, position, id",
        (json.dumps(message_ids),),
    ).fetchall():
        info = AttachmentInfo(row["id"], text(row["name"]), text(row["media_type"]), number(row["size"]))
        found[row["message_id"]] = (*found.get(row["message_id"], ()), info)
    return found


def read(connection: sqlite3.Connection, message_id: int) -> list[Attachment]:
    rows = connection.execute(
        "select name, media_type, content from attachments where message_id = ? order by position, id", (message_id,)
    ).fetchall()
    return [Attachment(text(row["name"]), text(row["media_type"]), content(row["content"])) for row in rows]


def copy(tx: sqlite3.Connection, from_ids: Sequence[int], first: int) -> None:
    """What goes with these messages, also with their copies, whose ids count up from ``first`` in the same order."""
    tx.execute(
        "insert into attachments (message_id, position, name, media_type, content)"
        " select ? + line.key, position, name, media_type, content"
        " from json_each(?) line join attachments a on a.message_id = line.value order by line.key, position, a.id",
        (first, json.dumps(from_ids)),
    )
