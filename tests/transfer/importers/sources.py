"""Files as other programs write them, with what they are known to trip importers with."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + b"an image by its first bytes"


@contextlib.contextmanager
def written(path: Path, schema: str = "") -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
        yield connection
        connection.commit()


# llm, since 0.32

LLM = """
create table threads (id text primary key, name text, tip_message_hash text, forked_from text, datetime_utc text);
create table turns (id text primary key, thread_id text, parent_message_hash text, tip_message_hash text, model text,
  resolved_model text, options_json text, schema_id text, input_tokens integer, output_tokens integer,
  token_details text, duration_ms integer, datetime_utc text, response_json text);
create index idx_turns_thread_id on turns (thread_id);
create table messages (hash text primary key, parent_hash text, role text, provider_metadata text);
create table parts (id integer primary key, message_hash text, position integer, type text, tool_name text, text text,
  payload text);
create unique index parts_at on parts (message_hash, position);
create table part_attachments (part_id integer, attachment_id text, "order" integer);
create table part_fragments (part_id integer, fragment_id integer, "order" integer);
create table fragments (id integer primary key, hash text, content text, datetime_utc text, source text);
create table attachments (id text primary key, type text, path text, url text, content blob);
"""
# llm, from 0.5 to 0.31
LLM_BEFORE = """
create table conversations (id text primary key, name text, model text);
create table responses (id text primary key, model text, prompt text, system text, prompt_json text, options_json text,
  response text, response_json text, conversation_id text, duration_ms integer, datetime_utc text,
  input_tokens integer, output_tokens integer, token_details text, schema_id text, resolved_model text, reasoning text);
create table if not exists attachments (id text primary key, type text, path text, url text, content blob);
create table prompt_attachments (response_id text, attachment_id text, "order" integer);
create table if not exists fragments (id integer primary key, hash text, content text, datetime_utc text, source text);
create table prompt_fragments (response_id text, fragment_id integer, "order" integer);
create table system_fragments (response_id text, fragment_id integer, "order" integer);
create table tool_calls (id integer primary key, response_id text, tool_id integer, name text, arguments text,
  tool_call_id text);
create table tool_results (id integer primary key, response_id text, tool_id integer, name text, output text,
  tool_call_id text);
"""
# llm before 0.5, as it stays in files of that age
LLM_FIRST = """
create table logs (id integer primary key, model text, prompt text, system text, prompt_json text, options_json text,
  response text, response_json text, reply_to_id integer, chat_id integer, duration_ms integer, datetime_utc text);
"""


class Thread:
    """Writes one thread of the message store, message by message."""

    def __init__(self, connection: sqlite3.Connection, thread_id: str, name: str = "") -> None:
        self.connection = connection
        self.id = thread_id
        connection.execute("insert into threads (id, name) values (?, ?)", (thread_id, name))

    def say(self, name: str, above: str | None, role: str, *parts: tuple[str, Any]) -> str:
        """``parts``: type and text, or a payload. The hash is the name here."""
        self.connection.execute("insert into messages values (?, ?, ?, null)", (name, above, role))
        for position, (kind, value) in enumerate(parts):
            plain = isinstance(value, str)
            self.connection.execute(
                "insert into parts (message_hash, position, type, text, payload) values (?, ?, ?, ?, ?)",
                (name, position, kind, value if plain else None, None if plain else json.dumps(value)),
            )
        return name

    def turn(self, asked: str, answered: str, model: str, second: int, **more: Any) -> None:
        values = {
            "id": f"{self.id}-{second:02}",
            "thread_id": self.id,
            "parent_message_hash": asked,
            "tip_message_hash": answered,
            "model": model,
            "datetime_utc": f"2026-03-02T10:00:{second:02}.500000+00:00",
            **more,
        }
        marks = ", ".join("?" * len(values))
        self.connection.execute(f"insert into turns ({', '.join(values)}) values ({marks})", list(values.values()))
        self.connection.execute("update threads set tip_message_hash = ? where id = ?", (answered, self.id))


def response(connection: sqlite3.Connection, response_id: str, conversation: str | None, **columns: Any) -> None:
    values = {"id": response_id, "conversation_id": conversation, "model": "gpt-4o", **columns}
    marks = ", ".join("?" * len(values))
    connection.execute(f"insert into responses ({', '.join(values)}) values ({marks})", list(values.values()))


# elia

ELIA = """
create table chat (id integer not null primary key, model varchar not null, title varchar, started_at datetime
  default current_timestamp, archived boolean not null);
create table message (id integer not null primary key, chat_id integer references chat (id), role varchar not null,
  content varchar not null, timestamp datetime default current_timestamp, meta json, parent_id integer, model varchar);
create table system_prompt (id integer not null primary key, title varchar, prompt varchar, created_at datetime);
"""


def elia_chat(
    connection: sqlite3.Connection,
    chat_id: int,
    said: list[tuple[str, str]],
    *,
    model: str = "elia-gpt-4o",
    title: str | None = "",
    started: str = "2026-03-02 10:00:00.250000",
    archived: bool = False,
    meta: str = "{}",
    times: list[str] | None = None,
    spoke: str | None = None,
) -> None:
    connection.execute("insert into chat values (?, ?, ?, ?, ?)", (chat_id, model, title, started, archived))
    for number, (role, content) in enumerate(said):
        connection.execute(
            "insert into message (chat_id, role, content, timestamp, meta, model) values (?, ?, ?, ?, ?, ?)",
            (chat_id, role, content, times[number] if times else f"2026-03-02 10:00:{number:02}", meta, spoke or model),
        )


# oterm 0.26

OTERM = """
create table "chat" ("id" integer, "name" text, "model" text not null, "system" text, "provider" text default "ollama",
  "parameters" text default "{}", "tools" text default "[]", "thinking" boolean default 0,
  primary key ("id" autoincrement));
create table "message" ("id" integer, "chat_id" integer not null, "author" text not null, "text" text not null,
  "images" text default "[]", primary key ("id" autoincrement),
  foreign key ("chat_id") references "chat"("id") on delete cascade);
pragma user_version = 6657;
"""


def oterm_message(connection: sqlite3.Connection, chat_id: int, author: str, text: str, images: str = "[]") -> None:
    connection.execute(
        "insert into message (chat_id, author, text, images) values (?, ?, ?, ?)", (chat_id, author, text, images)
    )


# ChatGPT


def node(
    key: str, parent: str | None, children: list[str], message: dict[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    return {key: {"id": key, "message": message, "parent": parent, "children": children}}


def said(role: str, *parts: Any, at: float | None = 1772445600.0, **more: Any) -> dict[str, Any]:
    """A message of text; ``content``, ``metadata`` and the rest as given. The time is 2026-03-02T10:00:00Z."""
    name = more.pop("name", None)
    return {
        "id": "m",
        "author": {"role": role, "name": name, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": list(parts)},
        "status": "finished_successfully",
        "end_turn": None,
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
        "recipient": "all",
        "channel": None,
        **more,
    }


def talk(chat_id: str = "c1", title: str = "Rain in Lisbon", *lines: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A straight conversation; without lines a question and an answer."""
    spoken = lines or (("user", "Does it rain?"), ("assistant", "In winter."))
    mapping = node("root", None, ["n0"])
    for number, (role, text) in enumerate(spoken):
        below = [f"n{number + 1}"] if number + 1 < len(spoken) else []
        above = f"n{number - 1}" if number else "root"
        mapping |= node(f"n{number}", above, below, said(role, text, at=1772445600.0 + number))
    return {
        "title": title,
        "create_time": 1772445600.0,
        "update_time": 1772445660.5,
        "mapping": mapping,
        "current_node": f"n{len(spoken) - 1}",
        "conversation_id": chat_id,
        "id": chat_id,
        "is_archived": False,
        "default_model_slug": "gpt-4o",
        **more,
    }


def chatgpt_zip(path: Path, *chats: dict[str, Any], split: int = 0, **files: bytes) -> Path:
    """``split``: chats in each of several files, as newer exports have them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if split:
            for number, start in enumerate(range(0, len(chats), split)):
                archive.writestr(f"conversations-{number:03}.json", json.dumps(chats[start : start + split]))
        else:
            archive.writestr("conversations.json", json.dumps(list(chats)))
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("chat.html", "<html></html>")
    return path


def chatgpt_json(path: Path, *chats: Any) -> Path:
    path.write_text(json.dumps(list(chats)), encoding="utf-8")
    return path
