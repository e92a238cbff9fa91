"""What llm's messages are made of: text, fragments shared by several, reasoning, tools, attachments."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from localchat.attachments.reading import MOST
from localchat.records import Attachment
from localchat.text import one_line
from localchat.transfer.importers.reading import (
    FILE,
    IMAGE,
    UNKNOWN,
    columns,
    fenced,
    image,
    kept_raw,
    rows,
    text_of,
)
from localchat.transfer.portable import Note


@dataclass
class Told:
    """One message: what was said, and aside from it (reasoning, tools) what led to it."""

    content: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    images: list[Attachment] = field(default_factory=list)


@dataclass
class Around:
    """What stood around the words of one ``responses`` row."""

    fragments: list[str]
    system_fragments: list[str]
    attachments: list[str]
    images: list[Attachment]
    calls: list[str]
    results: list[str]

    def with_fragments(self, text: str, *, system: bool = False) -> str:
        before = self.system_fragments if system else self.fragments
        after = [] if system else self.attachments
        return "\n".join([part for part in (*before, text, *after) if part])


class Parts:
    """Reads them. ``notes`` gathers what could not be taken over."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._notes: list[Note] = []
        self._tables = {
            name
            for name in ("prompt_attachments", "prompt_fragments", "system_fragments", "fragments", "attachments")
            if columns(connection, name)
        }
        # Neither has an index by response.
        self._calls = self._grouped("tool_calls")
        self._results = self._grouped("tool_results")

    def taken_notes(self) -> list[Note]:
        """Those since this was last asked."""
        notes, self._notes = self._notes, []
        return notes

    def _grouped(self, table: str) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        if {"id", "response_id"} <= columns(self._connection, table):
            for row in rows(self._connection, f"select id, response_id from {table} order by id"):
                groups.setdefault(text_of(row["response_id"]), []).append(row["id"])
        return groups

    # The tables before the message store

    def of_response(self, response_id: str) -> Around:
        lines, images = self._attachments(response_id)
        return Around(
            fragments=self._fragments("prompt_fragments", response_id),
            system_fragments=self._fragments("system_fragments", response_id),
            attachments=lines,
            images=images,
            calls=[
                _call(text_of(row["name"]), text_of(row["arguments"]))
                for row in self._rows("tool_calls", self._calls.get(response_id, []))
            ],
            results=[
                _result(text_of(row["name"]), text_of(row["output"]), row.get("exception"))
                for row in self._rows("tool_results", self._results.get(response_id, []))
            ],
        )

    def _rows(self, table: str, ids: list[int]) -> list[dict[str, Any]]:
        return [row for one in ids for row in rows(self._connection, f"select * from {table} where id = ?", one)]

    def _fragments(self, table: str, response_id: str) -> list[str]:
        if not {table, "fragments"} <= self._tables:
            return []
        found = rows(
            self._connection,
            f"select f.content from {table} t join fragments f on f.id = t.fragment_id where t.response_id = ?"
            ' order by t."order"',
            response_id,
        )
        return [text_of(row["content"]) for row in found]

    def _attachments(self, response_id: str) -> tuple[list[str], list[Attachment]]:
        if not {"prompt_attachments", "attachments"} <= self._tables:
            return [], []
        found = rows(
            self._connection,
            "select a.* from prompt_attachments p join attachments a on a.id = p.attachment_id"
            ' where p.response_id = ? order by p."order"',
            response_id,
        )
        images: list[Attachment] = []
        return [line for row in found if (line := self._attachment(row, images))], images

    # The message store

    def of_message(self, message_hash: str) -> Told:
        told = Told()
        for row in rows(
            self._connection,
            "select type, text, payload from parts where message_hash = ? order by position",
            message_hash,
        ):
            payload = _payload(row["payload"])
            match row["type"]:
                case "text":
                    told.content.append(self._text(row["text"], payload))
                case "reasoning":
                    told.aside.append(self._text(row["text"], payload))
                case "tool_call":
                    told.aside.append(_call(text_of(payload.get("name")), payload.get("arguments")))
                case "tool_result":
                    output, failed = text_of(payload.get("output")), payload.get("exception")
                    told.aside.append(_result(text_of(payload.get("name")), output, failed))
                    told.content += [self._by_id(one, None) for one in _listed(payload.get("attachments"))]
                case "attachment":
                    told.content.append(self._by_id(payload.get("attachment"), told.images))
                case kind:
                    self._notes.append(UNKNOWN)
                    raw = {**payload, "text": row["text"]} if row["text"] is not None else payload
                    told.content.append(kept_raw(raw, text_of(kind)))
        told.content = [text for text in told.content if text]
        return told

    def _text(self, text: object, payload: dict[str, Any]) -> str:
        """In its column, or put together from literals and fragments that others share."""
        if text is not None:
            return text_of(text)
        pieces = []
        for piece in _listed(payload.get("text_ref")):
            if isinstance(piece, dict) and "fragment" in piece:
                found = rows(self._connection, "select content from fragments where id = ?", piece["fragment"])
                pieces.append(text_of(found[0]["content"]) if found else "[a fragment that is gone]")
            elif isinstance(piece, dict):
                pieces.append(text_of(piece.get("literal")))
        return "".join(pieces) or text_of(payload.get("text"))

    def _by_id(self, given: object, images: list[Attachment] | None) -> str:
        wanted = given if isinstance(given, dict) else {}
        found = rows(self._connection, "select * from attachments where id = ?", text_of(wanted.get("id")))
        return self._attachment(found[0] if found else wanted, images)

    def _attachment(self, row: dict[str, Any], images: list[Attachment] | None) -> str:
        """Nothing where it is an image that the file holds, which then is one of ``images`` (None: there can be none);
        else a line. What lies elsewhere on the disk or the network is not fetched."""
        kind = text_of(row.get("type"))
        where = text_of(row.get("path")) or text_of(row.get("url"))
        name = PurePath(where).name if where else ""
        if not name and row.get("id"):
            name = f"{text_of(row['id'])[:12]}.{kind.partition('/')[2] or 'bin'}"
        content = row.get("content")
        found = image(name, content) if isinstance(content, bytes) else None
        if found is not None and images is not None and len(images) < MOST:
            images.append(found)
            return ""
        pictured = kind.startswith("image/")
        self._notes.append(IMAGE if pictured else FILE)
        return f"[{'image' if pictured else 'file'}: {one_line(name, 100) or 'no name'}, not imported]"


def _payload(given: object) -> dict[str, Any]:
    try:
        found = json.loads(text_of(given)) if given is not None else {}
    except (ValueError, RecursionError):
        return {"damaged": text_of(given)}
    return found if isinstance(found, dict) else {"value": found}


def _listed(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def _call(name: str, arguments: object) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    return f"Tool {one_line(name, 100)} was called:\n{fenced(text, 'json')}"


def _result(name: str, output: str, failed: object) -> str:
    ended = f" failed ({one_line(text_of(failed), 200)})" if failed else ""
    return f"Tool {one_line(name, 100)}{ended} answered:\n{fenced(output)}"
