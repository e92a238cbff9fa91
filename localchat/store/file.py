"""Whose file this is: a store of ours, of which version; nobody's yet; or another program's, which is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from localchat.errors import StoreDamaged, StoreNewer, StoreUnreadable
from localchat.store.schema.core import CURRENT, STEPS
from localchat.store.soundness import damaged
from localchat.text import one_line

TABLES = frozenset(
    [
        "providers",
        "model_configs",
        "chats",
        "messages",
        "attachments",
        "catalog_events",
        "chat_sources",
        "state",
        "personas",
        "message_words",
        "chat_words",
        "recordings",
    ]
)
"""Those of this version, without which a file is no whole store."""
HISTORY = "localchat"  # the name of our set of steps in sqlite_utils' table


def version_of(connection: sqlite3.Connection, path: object) -> int:
    """The store's version, 0 where the file is still empty. Only reads.

    Raises StoreNewer for a store that a newer localchat wrote, StoreUnreadable for a file that is no store of ours.
    """
    version = int(connection.execute("pragma user_version").fetchone()[0])
    tables = {
        str(row[0])
        for row in connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        if not str(row[0]).startswith("sqlite_")
    }
    if not tables and version == 0:
        return 0
    steps = _steps(connection) if "_sqlite_migrations" in tables else set()
    unknown = steps - {name for name, _ in STEPS}
    if unknown or (version > CURRENT and (steps or not tables)):
        raise StoreNewer(
            f"{named(path)} was written by a newer localchat (store version {max(version, CURRENT + len(unknown))},"
            f" this one knows {CURRENT}).",
            "Update localchat, or give another file with --db. The file was not changed.",
        )
    if not steps:
        raise StoreUnreadable(
            f"{named(path)} is an SQLite file of another program.", "Give another file with --db. It was not changed."
        )
    if version == CURRENT and (missing := TABLES - tables):
        lacks = f"the table {min(missing)} is" if len(missing) == 1 else f"the tables {', '.join(sorted(missing))} are"
        raise damaged(path, f"{lacks} missing")
    return version


def refuse_emptied(path: Path) -> None:
    """A file without a byte is a new store, but not where there was one: then a person decides. Raises StoreDamaged."""
    if not path.exists() or path.stat().st_size > 0:
        return
    folder = path.with_name(f"{path.name}-backups")
    log = Path(f"{path}-wal")
    if (folder.is_dir() and any(folder.glob("*.db"))) or (log.exists() and log.stat().st_size > 0):
        raise StoreDamaged(
            f"{named(path)} is empty, and there was a store.",
            "`localchat restore` lists its backups. To begin a new one, remove the empty file.",
        )


def _steps(connection: sqlite3.Connection) -> set[str]:
    try:
        rows = connection.execute("select name from _sqlite_migrations where migration_set = ?", (HISTORY,)).fetchall()
    except sqlite3.OperationalError:  # a table of that name and of another shape
        return set()
    return {str(row[0]) for row in rows}


def named(path: object) -> str:
    """A path as an error shows it."""
    return one_line(str(path), 300)
