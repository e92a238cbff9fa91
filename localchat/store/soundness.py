"""Whether a store may be written: it is looked through before the first write of each connection, and where damage is
found nothing is written any more. Nothing here happens before a first write."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from localchat.errors import LocalChatError, StoreBusy, StoreDamaged, StoreUnreadable
from localchat.text import one_line

WHOLE_UP_TO = 64_000_000  # bytes; above that only where there is a reason: it would take longer than a moment
AT_ONCE = 4_000_000  # bytes that an event loop can wait for, some 5 ms
WAYS_OUT = (
    "Nothing is written to it any more. `localchat restore` lists the backups; `localchat doctor --rescue FILE` writes"
    " what can be read into a new store."
)
CHECKING = "The store is being looked through."
# SQLite from 3.44 on tells of the search index here, too. It is made of the messages, and mended by itself.
_INDEX_ONLY = re.compile(r"fts5|inverted index|(message|chat)_words", re.IGNORECASE)
_INDEXES = ("message_words", "chat_words")


def damage_in(connection: sqlite3.Connection) -> str:
    """What ``quick_check`` says of the store, the search index aside; empty where it is whole."""
    said = [str(row[0]) for row in connection.execute("pragma quick_check(5)").fetchall()]
    return one_line("; ".join(line for line in said if line != "ok" and not _INDEX_ONLY.search(line)), 300)


def damaged(path: object, said: str) -> StoreDamaged:
    return StoreDamaged(f"The store {one_line(str(path), 300)} is damaged ({said}).", WAYS_OUT)


class Guard:
    """Of one connection. ``suspect``: something gave a reason to look, however large the file is."""

    def __init__(self, path: Path, *, suspect: bool = False) -> None:
        self.path = path
        self.suspect = suspect
        self.readonly: LocalChatError | None = None  # why nothing can be written to it, where it was opened so
        self._damage = ""
        self._looked = False
        self._working = False
        self._files: dict[str, tuple[int, int] | None] = {}

    @property
    def why_not(self) -> LocalChatError | None:
        """Why nothing is written any more, as far as that is known."""
        return damaged(self.path, self._damage) if self._damage else self.readonly

    def know_files(self) -> None:
        """The store, its log and the log's index, as they are now that SQLite has opened them."""
        self._files = {ending: _identity(f"{self.path}{ending}") for ending in ("", "-wal", "-shm")}

    def check_files(self, connection: sqlite3.Connection) -> None:
        """SQLite goes on writing into a file that was deleted or replaced, and nobody would ever read that again.

        Where only the log or its index went (a program that synchronises or cleans up), what stands in them is brought
        into the store at once, as long as nobody has begun others. Raises StoreUnreadable.
        """
        gone = [ending for ending, was in self._files.items() if was and _identity(f"{self.path}{ending}") != was]
        if not gone:
            return
        if "" in gone:
            raise StoreUnreadable(
                f"The store {one_line(str(self.path), 300)} was moved or deleted while it was in use.",
                "Put it back where it was, or copy what you need and start localchat again.",
            )
        if self.readonly is None:
            self.readonly = StoreUnreadable(
                f"{one_line(str(self.path), 300)}{gone[0]}, a part of the store, was deleted while it was in use.",
                "Nothing more is written. Start localchat again, and leave out that file where files are cleaned up.",
            )
            if _identity(f"{self.path}-wal") in (None, self._files["-wal"]):
                with contextlib.suppress(sqlite3.Error, LocalChatError):
                    connection.execute("pragma wal_checkpoint(passive)").fetchall()

    def take_log_away(self) -> None:
        """After closing: SQLite leaves the log where it is if another file has taken the store's place; the next who
        opens that one would write the log into it, and destroy it. The log is kept, under another name."""
        was = self._files.get("")
        if not was or _identity(str(self.path)) in (None, was):
            return
        day = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        for ending in ("-shm", "-wal"):
            if self._files[ending] and _identity(f"{self.path}{ending}") == self._files[ending]:
                with contextlib.suppress(OSError):
                    os.rename(f"{self.path}{ending}", f"{self.path}-replaced-{day}{ending}")  # noqa: PTH104 (names)

    def before_write(self, connection: sqlite3.Connection) -> None:
        """Raises StoreDamaged, StoreReadonly, DiskFull; on an event loop StoreBusy while it is looked through."""
        self.check_files(connection)
        if self.readonly is not None:
            raise type(self.readonly)(self.readonly.message, self.readonly.hint)
        if self._damage:
            raise damaged(self.path, self._damage)
        if self._looked:
            return
        if self._working:
            raise StoreBusy(CHECKING, "Try again in a moment.")
        size = self._size()
        if size > WHOLE_UP_TO and not self.suspect:
            return
        self._apart(connection, size, self._look)
        if self._damage:
            raise damaged(self.path, self._damage)

    def met_corruption(self) -> None:
        """A read found a damaged page: the next write looks first."""
        self.suspect, self._looked = True, False

    def mend_index(self, connection: sqlite3.Connection) -> None:
        """Make the search index anew from what is there; on an event loop in a thread, if that takes longer."""
        if not self._working and not self._damage and self.readonly is None:
            self._apart(connection, self._size(), rebuild_index)

    def _look(self, connection: sqlite3.Connection) -> None:
        try:
            self._damage = damage_in(connection)
        except sqlite3.DatabaseError as error:
            self._damage = one_line(str(error), 200)
        except StoreDamaged as error:
            self._damage = one_line(str(error.__cause__ or error), 200)
        self._looked = True

    def _apart(self, connection: sqlite3.Connection, size: int, work: Callable[[sqlite3.Connection], None]) -> None:
        """In a thread where an event loop would wait too long; then StoreBusy tells whoever writes to try again."""
        on_a_loop = connection.execute("pragma busy_timeout").fetchone()[0] == 0
        if not on_a_loop or size <= AT_ONCE:
            work(connection)
            return
        self._working = True

        def run() -> None:
            try:
                address = f"{self.path.as_uri()}?mode=rw"
                with contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=5)) as own:
                    work(own)
            except sqlite3.Error as error:
                self._damage = self._damage or one_line(str(error), 200)
            finally:
                self._working = False

        threading.Thread(target=run, daemon=True, name="look through the store").start()
        raise StoreBusy(CHECKING, "Try again in a moment.")

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (a name, before each write)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def rebuild_index(connection: sqlite3.Connection) -> None:
    """The search index, written anew in one transaction of its own."""
    connection.execute("begin immediate")
    try:
        for table in _INDEXES:
            connection.execute(f"insert into {table} ({table}) values ('rebuild')")
        connection.execute("commit")
    except BaseException:
        connection.rollback()
        raise


def index_is_sound(connection: sqlite3.Connection) -> bool:
    """Whether the search index says what the messages and titles say. Reads all of them; changes nothing."""
    connection.execute("begin immediate")
    try:
        for table in _INDEXES:
            connection.execute(f"insert into {table} ({table}, rank) values ('integrity-check', 1)")
    except (sqlite3.DatabaseError, LocalChatError):
        return False
    finally:
        connection.rollback()
    return True
