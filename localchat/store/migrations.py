"""Bringing a store to this version's schema. The steps themselves: ``schema``.

Steps are recorded by ``sqlite_utils.Migrations`` (table ``_sqlite_migrations``). ``pragma user_version`` repeats how
many there are, so that a start on a current store costs one pragma and does not import sqlite_utils.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from localchat.errors import Internal, LocalChatError
from localchat.store.connection import Connection, immediate
from localchat.store.file import HISTORY, version_of
from localchat.store.schema.core import CURRENT, STEPS

if TYPE_CHECKING:
    from sqlite_utils import Database


def migrate(connection: sqlite3.Connection, path: Path) -> LocalChatError | None:
    """Bring the store to this version's schema; any number of processes may try at once.

    A store that holds something is backed up first, see ``backups``; what kept that from being done is returned.
    Raises StoreNewer and StoreUnreadable (an SQLite file of some other program).
    """
    if connection.execute("pragma user_version").fetchone()[0] == CURRENT:
        return None
    failed = None
    copied = isinstance(connection, Connection) and connection.guard is not None and bool(connection.guard.readonly)
    # Foreign keys cannot be switched inside a transaction, and a step that rebuilds a table must not cascade.
    connection.execute("pragma foreign_keys=off")
    try:
        with _writing_the_copy(connection) if copied else immediate(connection):
            version = version_of(connection, path)
            if version < CURRENT:  # else another process was first
                if version > 0 and not copied:
                    from localchat.store.backups import before_migration

                    failed = before_migration(path)
                _apply(connection)
    finally:
        connection.execute("pragma foreign_keys=on")
    return failed


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one.

    ``executescript`` of sqlite3 commits what stands open first; that of sqlite_utils does not, but asks SQLite after
    each letter whether a statement is whole, which was two thirds of the time of a new store.
    """
    start = end = 0
    while end := script.find(";", end) + 1:
        if sqlite3.complete_statement(script[start:end]):
            yield script[start:end]
            start = end
    if script[start:].strip():
        yield script[start:]


@contextlib.contextmanager
def _writing_the_copy(connection: sqlite3.Connection) -> Iterator[None]:
    """Of a store that cannot be written, an old one is read from a copy, which is ours to write."""
    assert isinstance(connection, Connection)
    guard, connection.guard = connection.guard, None
    try:
        with immediate(connection):
            yield
    finally:
        connection.guard = guard


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations

    history = Migrations(HISTORY)
    for name, sql in STEPS:

        @history(name=name)
        def _step(db: Database, sql: str = sql) -> None:
            for statement in _statements(sql):
                db.execute(statement)

    history.apply(Database(connection, execute_plugins=False))
    if connection.execute("pragma foreign_key_check").fetchall():
        raise Internal("The store could not be brought to this version: rows point at nothing.", "Nothing was changed.")
    connection.execute(f"pragma user_version = {CURRENT}")
