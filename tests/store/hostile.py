"""Rows as nobody's program should write them, written with plain SQLite into a store of ours."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from localchat.records import Attachment, ErrorNote, Usage
from localchat.store import Store
from localchat.transfer.portable import NamedModel, WholeChat, WholeMessage

# Each is an SQL expression: some of them Python could not hand over.
VALUES = (
    "null",
    "''",
    "'x'",
    "cast(x'41ff42' as text)",  # no UTF-8
    "cast(x'eda080' as text)",  # half a surrogate pair
    "x'00ff'",
    "'a' || char(0) || 'b'",
    "char(27) || '[2J' || char(27) || ']52;c;aGk=' || char(7) || char(155) || '2J'",
    "char(10) || char(13) || char(8238) || 'txt'",
    "0",
    "1",
    "-1",
    "3.5",
    "9223372036854775807",
    "-9223372036854775808",
    "1180591620717411303424",  # 2**70, which SQLite takes as a floating-point number
    "9e999",
    "'2026-13-45T99:99:99.999Z'",
    "'9999-12-31T23:59:59.999Z'",
    "'0001-01-01T00:00:00.000Z'",
    "'2026-03-02 14:00:00'",
    "'2026-03-02T14:00:00+14:00'",
    "'[1'",
    "'[]'",
    "'null'",
    "'\"words\"'",
    '\'{"temperature": NaN, "seed": 1e999}\'',
    '\'{"a": "\\ud800"}\'',
    '\'{"models": 7, "provider": [], "temperature": "hot"}\'',
    "replace(hex(zeroblob(3000)), '0', '[')",
    "'robot'",
    "'a/b'",
    "replace(hex(zeroblob(500)), '0', 'long ')",
)

AT = "2026-03-02T14:00:00.000Z"


def fill(store: Store) -> None:
    """Something in every table, and no two rows alike."""
    from localchat.store.transfer import Exchange

    store.catalog.add_provider("play", "echo")
    store.catalog.add_provider("cloud", "openai", "https://api.example.org/v1", "env", "CLOUD_KEY")
    for ref in ("one", "two"):
        store.catalog.add_model("play", ref)
    store.catalog.add_model("cloud", "gone", parameters={"temperature": 0.5})
    store.catalog.remove_provider("cloud")
    one, gone = NamedModel("play", "one", local=True), NamedModel("cloud", "gone", local=False)
    for number in range(1, 6):
        question = WholeMessage("1", None, "user", f"Zebra {number}?", AT, attachments=(_note(),))
        messages = (
            question,
            WholeMessage(
                "2", "1", "assistant", f"Zebra, yes, {number}.", AT, reasoning="thinking", model=one,
                fallback_from=gone, fallback_reason="removed", finish_reason="stop", usage=Usage(3, 4),
                duration_ms=1200, left_out=2,
            ),
            WholeMessage("3", "1", "assistant", "", AT, status="failed", model=one,
                         error=ErrorNote("provider_unavailable", "It does not answer.", "Try again.")),
            WholeMessage("4", "2", "user", "And then?", AT),
            WholeMessage("5", "4", "assistant", "Then nothing.", AT, model=one),
        )  # fmt: skip
        shelf = {3: {"archived_at": AT}, 4: {"deleted_at": AT}, 5: {"pinned_at": AT}}.get(number, {})
        Exchange(store).take(
            WholeChat(
                "llm", str(number), f"Chat {number}", messages, AT, f"2026-03-0{number}T14:00:00.000Z", leaf="5",
                model=one, system="Be brief.", draft="typed", summary="so far", summary_of="2",
                parameters={"temperature": 0.5}, **shelf,
            )
        )  # fmt: skip
    store.connection.execute(
        'insert into recordings select id, \'[[3, "text", "Zebra"], [9, "reasoning", "so"]]\', 12 from messages'
        " where role = 'assistant'"
    )
    store.personas.save("Translator", "Translate.")
    store.personas.save("Poet", "Rhyme.")
    store.state.put("theme", "nord")
    store.state.put("draft", "words")


def _note() -> Attachment:
    return Attachment("notes.txt", "text/plain", b"words")


def columns(path: Path) -> list[tuple[str, str]]:
    """Every column of every table that is ours, but the keys of rows."""
    with contextlib.closing(sqlite3.connect(path)) as plain:
        tables = [
            row[0]
            for row in plain.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
            if not row[0].startswith(("message_words", "chat_words", "_sqlite"))
        ]
        return [
            (table, row[1])
            for table in sorted(tables)
            for row in plain.execute(f"pragma table_info({table})")
            if not (row[1] == "id" and row[5])
        ]


def unchecked(path: Path) -> None:
    """Take away what the schema refuses: types, checks, references, uniqueness of values, and null."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("pragma writable_schema=on")
        # But for one column: lists are ordered by it, and read on from it.
        for old, new in ((") strict", ")"), ("not null", ""), ("updated_at text", "updated_at text not null")):
            plain.execute(f"update sqlite_master set sql = replace(sql, '{old}', '{new}') where type = 'table'")
        version = plain.execute("pragma schema_version").fetchone()[0]
        plain.execute(f"pragma schema_version={version + 1}")


def write(path: Path, table: str, column: str, expression: str, row: int, *, quietly: bool) -> bool:
    """Set one column of the ``row``-th row; False where SQLite itself refused. ``quietly``: past every trigger."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute("pragma ignore_check_constraints=on")
        plain.execute("pragma foreign_keys=off")
        triggers = plain.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
        plain.execute("begin immediate")
        try:
            for name, _ in triggers if quietly else ():
                plain.execute(f"drop trigger {name}")
            keys = [each[5] and each[1] for each in plain.execute(f"pragma table_info({table})")]
            key = next(name for name in keys if name)
            there = plain.execute(f"select {key} from {table} order by 1").fetchall()
            if not there:
                plain.execute("rollback")
                return False
            plain.execute(f"update {table} set {column} = {expression} where {key} = ?", (there[row % len(there)][0],))
            for _, sql in triggers if quietly else ():
                plain.execute(sql)
        except (sqlite3.IntegrityError, sqlite3.OperationalError):
            plain.execute("rollback")
            return False
        plain.execute("commit")
        return True
