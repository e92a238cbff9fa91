"""Importing 10,000 chats of ten messages from elia and oterm, beside the same chats as ChatGPT exports them.

Neither program has an index by chat, so that a question for each chat would make it quadratic. Each may take at most 3
times what ChatGPT's take, the first time and again when all of them are here. Run: python benchmarks/importing.py
[--chats N] [--rounds N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Row, by_turns, report
from localchat.store import Store
from localchat.store.importing import import_file

TIMES = 3.0  # what ChatGPT's chats take
CHATS = 10_000
PER_CHAT = 10
ROUNDS = 1


def words(chat: int, number: int) -> str:
    return f"chat {chat} message {number} " + "some words of no great weight " * 10


def chatgpt(path: Path, chats: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for chat in range(chats):
            mapping = {
                f"n{number}": {
                    "id": f"n{number}",
                    "parent": f"n{number - 1}" if number else None,
                    "children": [f"n{number + 1}"] if number + 1 < PER_CHAT else [],
                    "message": {
                        "id": f"n{number}",
                        "author": {"role": "assistant" if number % 2 else "user"},
                        "create_time": 1_700_000_000.0 + chat * 100 + number,
                        "content": {"content_type": "text", "parts": [words(chat, number)]},
                        "metadata": {"model_slug": "gpt-4o"},
                    },
                }
                for number in range(PER_CHAT)
            }
            talk = {"id": f"c{chat}", "title": f"Chat {chat}", "mapping": mapping, "current_node": f"n{PER_CHAT - 1}"}
            file.write(("," if chat else "") + json.dumps(talk))
        file.write("]")


def sqlite(path: Path, chats: int, schema: str, chat_sql: str, message_sql: str) -> None:
    """Messages of all chats by turns, as people write them: those of one chat lie far from each other."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(schema)
        db.executemany(chat_sql, ((chat + 1, f"Chat {chat}") for chat in range(chats)))
        said = (
            (chat + 1, "assistant" if number % 2 else "user", words(chat, number))
            for number in range(PER_CHAT)
            for chat in range(chats)
        )
        db.executemany(message_sql, said)
        db.commit()


def elia(path: Path, chats: int) -> None:
    sqlite(
        path,
        chats,
        "create table chat (id integer primary key, model text, title text, started_at text, archived boolean);"
        "create table message (id integer primary key, chat_id integer, role text, content text, timestamp text,"
        " meta json, parent_id integer, model text);",
        "insert into chat values (?1, 'gpt-4o', ?2, '2026-01-01 00:00:00.' || ?1, 0)",
        "insert into message (chat_id, role, content, timestamp) values (?, ?, ?, '2026-01-01 00:00:00')",
    )


def oterm(path: Path, chats: int) -> None:
    sqlite(
        path,
        chats,
        "create table chat (id integer primary key, name text, model text, system text, provider text);"
        "create table message (id integer primary key, chat_id integer, author text, text text, images text);",
        "insert into chat (id, name, model) values (?, ?, 'm')",
        "insert into message (chat_id, author, text) values (?, ?, ?)",
    )


def timed(store: Path, source: Path, chats: int, *, again: bool) -> float:
    """Seconds."""
    with Store(store) as opened:
        begun = time.perf_counter()
        done = import_file(opened, str(source))
        took = time.perf_counter() - begun
    assert (done.chats_skipped if again else done.chats_imported) == chats
    return took


def measure(chats: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {"chatgpt": chatgpt, "elia": elia, "oterm": oterm}
        for program, make in made.items():
            make(folder / f"{program}.source", chats)
        stores = iter(range(10**6))
        last: dict[str, Path] = {}

        def first(program: str) -> Callable[[], float]:
            def run() -> float:
                last[program] = folder / f"{program}-{next(stores)}.db"
                return timed(last[program], folder / f"{program}.source", chats, again=False)

            return run

        def again(program: str) -> Callable[[], float]:
            return lambda: timed(last[program], folder / f"{program}.source", chats, again=True)

        times = {
            "imported": by_turns(rounds, **{program: first(program) for program in made}),
            "imported again": by_turns(rounds, **{program: again(program) for program in made}),
        }
    rows = []
    for what, took in times.items():
        floor = statistics.median(took["chatgpt"])
        rows.append(Row(f"ChatGPT's chats {what}", floor, "s"))
        for program in ("elia", "oterm"):
            mine = statistics.median(took[program])
            rows += [Row(f"{program}'s chats {what}", mine, "s"), Row("   to ChatGPT's", mine / floor, "x", TIMES)]
    return report(f"{chats:,} chats of {PER_CHAT} messages, medians of {rounds} rounds", rows)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--chats", type=int, default=CHATS)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    given = asked.parse_args()
    sys.exit(measure(given.chats, given.rounds))
