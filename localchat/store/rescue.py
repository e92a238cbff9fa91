"""What can be read of a damaged store, in a new one. The damaged one is copied first, and only the copy is opened.

The engine is SQLite's own: ``sqlite3 .recover``, where that program is there and can. Some systems build that program
without what it needs for this. Then each table is read row by row, past the pages that cannot be read, which finds
less where the damage is in the upper levels of a table.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localchat.errors import NotFound, StoreUnreadable
from localchat.store import Store
from localchat.store.backup import COUNTS
from localchat.store.connection import translated
from localchat.store.fields import decoded
from localchat.store.file import named
from localchat.store.mending import mend_index, mend_tree
from localchat.store.pairing import number_anew
from localchat.text import count, one_line
from localchat.transfer.atomic_files import replacing, target, writing

PROGRAM = "sqlite3"
# In this order no row comes before what it points at. What is made of these is made anew.
_TABLES = {
    "providers": "provider",
    "model_configs": "model",
    "chats": "chat",
    "messages": "message",
    "attachments": "attachment",
    "chat_sources": "name of a chat",
    "catalog_events": "line of the log",
    "recordings": "recording",
    "personas": "persona",
    "state": "setting",
}
_PLURALS = {"name of a chat": "names of chats", "line of the log": "lines of the log"}
_SECONDS = 600.0  # for ``.recover`` of one file


@dataclass(frozen=True, slots=True)
class Rescued:
    """``missing``: what could not be read or kept, a line each. ``whole``: whether SQLite's own program read it."""

    file: Path
    chats: int
    messages: int
    missing: tuple[str, ...]
    mended: tuple[str, ...]
    whole: bool


def rescue(store: Path, name: str) -> Rescued:
    """Write every row that can be read into a new store. Nothing is written to the damaged one.

    Raises NotFound, InvalidInput, AlreadyExists, DiskFull, StoreUnreadable where there is not one chat to be read.
    """
    if not store.is_file():
        raise NotFound(f"There is no store {named(store)}.", "Give its path with --db.")
    path = target(name)
    with writing(path), tempfile.TemporaryDirectory(prefix=".localchat-rescue-", dir=path.parent) as folder:
        damaged = Path(folder) / "damaged.db"
        for ending in ("", "-wal"):
            source = Path(f"{store.resolve()}{ending}")
            if source.is_file():
                shutil.copyfile(source, f"{damaged}{ending}")
        counted = _counted(damaged)
        rows = Path(folder) / "rows.db"
        whole = _recovered(damaged, rows)
        with replacing(path) as beside:
            beside.unlink()
            with contextlib.closing(_opened(rows if whole else damaged)) as source_rows:
                missing = _moved(source_rows, beside, counted)
            mended, chats, messages = _finished(beside)
            if not chats and not messages:
                raise StoreUnreadable(
                    f"Nothing could be read of {named(store)}.", "`localchat restore` lists the backups."
                )
    return Rescued(path, chats, messages, tuple(missing), tuple(mended), whole)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = decoded
    return connection


def _counted(damaged: Path) -> dict[str, int]:
    """How many rows each table says it has, where that can still be counted (by an index that is whole)."""
    found = {}
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_opened(damaged)) as connection:
        for table in _TABLES:
            with contextlib.suppress(sqlite3.Error):
                found[table] = int(connection.execute(f"select count(*) from {table}").fetchone()[0])
    return found


def _recovered(damaged: Path, rows: Path) -> bool:
    """Whether SQLite's own program read it."""
    program = shutil.which(PROGRAM)
    if program is None:
        return False
    try:
        with (
            subprocess.Popen(
                [program, "-batch", str(damaged), ".recover --ignore-freelist"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            ) as reading,
            subprocess.Popen(
                [program, "-batch", str(rows)],
                stdin=reading.stdout,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as writing_rows,
        ):
            writing_rows.wait(_SECONDS)
            if reading.stdout is not None:
                reading.stdout.close()
            reading.wait(_SECONDS)
        with contextlib.closing(_opened(rows)) as found:
            return bool(found.execute("select count(*) from chats").fetchone())
    except (OSError, subprocess.SubprocessError, sqlite3.Error):
        return False


def _moved(source: sqlite3.Connection, beside: Path, counted: dict[str, int]) -> list[str]:
    """Every row into a new store; what is missing."""
    missing = []
    with Store(beside) as store, translated(beside):
        new = store.connection
        new.execute("pragma foreign_keys=off")
        new.execute("begin immediate")
        new.execute("delete from model_configs")
        new.execute("delete from providers")
        for table, noun in _TABLES.items():
            kept, refused = _rows(source, new, table)
            lost = max(counted.get(table, kept + refused) - kept, refused)
            if table not in counted and kept == 0 and table in ("chats", "messages"):
                missing.append(f"no {noun} could be read")
            elif lost:
                missing.append(f"{count(lost, noun, _PLURALS.get(noun, ''))} could not be read")
        new.execute("commit")
    with contextlib.suppress(sqlite3.Error):
        pieces = int(source.execute("select count(*) from lost_and_found").fetchone()[0])
        if pieces:
            missing.append(f"of {count(pieces, 'piece')} nobody can tell where it belongs")
    return missing


def _rows(source: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, int]:
    """How many rows of the table were kept, and how many the new store refused."""
    there = {str(row[1]) for row in _safely(source, f"pragma table_info({table})")}
    ours = [str(row[1]) for row in new.execute(f"pragma table_info({table})").fetchall()]
    columns = [name for name in ours if name in there]
    if not columns:
        return 0, 0
    names = ", ".join(columns)
    places = ", ".join("?" * len(columns))
    kept = refused = 0
    if "without rowid" in _made(source, table):
        found = _safely(source, f"select {names} from {table}")
    else:
        found = _by_number(source, table, names)
    for row in found:
        try:
            kept += new.execute(f"insert or ignore into {table} ({names}) values ({places})", row).rowcount
        except sqlite3.Error:
            refused += 1
    return kept, refused


def _by_number(source: sqlite3.Connection, table: str, names: str) -> Iterator[tuple[Any, ...]]:
    """The rows in the order of their numbers; where a page is damaged, on from the next number that can be found."""
    last: int | None = -(2**63)
    while last is not None:
        try:
            for number, *row in source.execute(
                f"select rowid, {names} from {table} where rowid > ? order by rowid", (last,)
            ):
                last = number
                yield tuple(row)
            return
        except (sqlite3.Error, UnicodeDecodeError):
            last = _beyond(source, table, names, max(last, 0))


def _beyond(source: sqlite3.Connection, table: str, names: str, last: int) -> int | None:
    """The number after which rows can be read again; None where there are none."""

    def reads(after: int) -> bool | None:
        """None: nothing stands behind it."""
        try:
            sql = f"select rowid, {names} from {table} where rowid > ? order by rowid limit 1"
            return True if source.execute(sql, (after,)).fetchone() else None
        except (sqlite3.Error, UnicodeDecodeError):
            return False

    step = 1
    while (found := reads(last + step)) is False:
        step *= 2
        if step > 2**40:
            return None
    if found is None and step == 1:
        return None
    low, high = last + step // 2, last + step  # the first cannot be read, or is where this began
    while high - low > 1:
        middle = (low + high) // 2
        if reads(middle) is False:
            low = middle
        else:
            high = middle
    return high if reads(high) else None


def _made(source: sqlite3.Connection, table: str) -> str:
    rows = list(_safely(source, f"select lower(sql) from sqlite_master where name = '{table}'"))
    return str(rows[0][0]) if rows else ""


def _safely(source: sqlite3.Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """Rows up to the first damage."""
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        yield from source.execute(sql)


def _finished(beside: Path) -> tuple[list[str], int, int]:
    """The new store in order, and in one file; how many chats and messages it holds."""
    with Store(beside) as store:
        with translated(beside):
            store.connection.execute(
                "update model_configs set provider_id = (select id from providers where name = provider)"
                " where provider_id is null and deleted_at is null"
            )
        mended = [one_line(line, 200) for line in mend_tree(store.connection)]
        mended += mend_index(store.connection)
        store.catalog.bury_orphans()
        store.catalog.heal()
        chats, messages = store.connection.execute(COUNTS).fetchone()
        store.connection.execute("pragma journal_mode=delete").fetchall()
        number_anew(store.connection)
    return mended, int(chats), int(messages)
