"""A copy of the store while others write it: SQLite's online backup, checked before it takes its place."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localchat.errors import DiskFull, InvalidInput, Remedy, StoreUnreadable, Way
from localchat.store.connection import snapshot, translated
from localchat.store.file import named
from localchat.store.pairing import number_anew
from localchat.text import one_line
from localchat.transfer.atomic_files import replacing, sweep, target, writing

if TYPE_CHECKING:
    from localchat.store import Store

_PAGES = 2048  # copied between two looks at whether to go on; 8 MB
_LEFT = 3600.0  # seconds; what was not written for so long, a killed backup left
_SPARE = 10_000_000  # bytes that stay free on the disk

COUNTS = "select (select count(*) from chats), (select count(*) from messages)"


@dataclass(frozen=True, slots=True)
class Backup:
    """What lies in the file. ``bytes``: its size."""

    file: Path
    bytes: int
    chats: int
    messages: int


def back_up(
    store: Store,
    name: str,
    *,
    force: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Backup:
    """Copy the store as it is at one moment to a file of its own, readable by its owner alone.

    The copy is made beside the file and checked (integrity, foreign keys, counts) before it takes its place.
    ``progress`` is called with bytes copied and in all, and may raise to stop: then nothing is left.
    Raises InvalidInput, AlreadyExists (without ``force``), DiskFull, StoreUnreadable where the copy is not whole.
    """
    path = target(name, force=force)
    sweep(path.parent, f".{glob.escape(path.name[:100])}.*.part", older=_LEFT)
    return copy_to(store.connection, store.path, path, progress)


def copy_to(
    connection: sqlite3.Connection, store: Path, path: Path, progress: Callable[[int, int], object] = lambda *_: None
) -> Backup:
    """The same to a path that was looked at. ``connection``: any to the store that is in no transaction."""
    _refuse_the_store(path, store)
    page, pages = (int(connection.execute(f"pragma {what}").fetchone()[0]) for what in ("page_size", "page_count"))
    free = shutil.disk_usage(path.parent).free
    if free < page * pages + _SPARE:
        raise DiskFull(
            f"{named(path.parent)} has {free / 1e6:,.0f} MB free; the backup takes {page * pages / 1e6:,.0f} MB.",
            "Free some space, or give another folder.",
        )
    with replacing(path) as beside:
        # The read transaction holds the moment still: whatever others write meanwhile, nothing begins anew.
        with snapshot(connection):
            counts = tuple(connection.execute(COUNTS).fetchone())
            _copy(connection, beside, lambda left, total: progress((total - left) * page, total * page))
        _check(beside, counts)
        with writing(path):
            size = beside.stat().st_size
    return Backup(path, size, *counts)


def _refuse_the_store(path: Path, store: Path) -> None:
    here = store.resolve()
    with contextlib.suppress(OSError):
        if path in (here, Path(f"{here}-wal"), Path(f"{here}-shm")) or (path.exists() and path.samefile(here)):
            raise InvalidInput(f"{named(path)} is the store itself.", "Give another file.")
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:  # it would be taken for the log of the new file
        raise InvalidInput(f"{named(path)} is open in another program.", "Close it there, or give another file.")


def _copy(connection: sqlite3.Connection, beside: Path, progress: Callable[[int, int], object]) -> None:
    with translated(beside), contextlib.closing(sqlite3.connect(beside, isolation_level=None)) as copy:
        connection.backup(copy, pages=_PAGES, progress=lambda _status, left, total: progress(left, total))
        copy.execute("pragma journal_mode=delete").fetchall()  # one file, complete in itself
        number_anew(copy)


def _check(beside: Path, counts: tuple[int, ...]) -> None:
    """Raises StoreUnreadable: nothing is kept that could not be used."""
    with translated(beside), contextlib.closing(sqlite3.connect(beside, isolation_level=None)) as copy:
        damage = [str(row[0]) for row in copy.execute("pragma integrity_check(5)").fetchall()]
        loose = copy.execute("pragma foreign_key_check").fetchall()
        there = tuple(copy.execute(COUNTS).fetchone())
    if damage != ["ok"] or loose or there != counts:
        said = "; ".join(damage) if damage != ["ok"] else "rows point at nothing" if loose else "rows are missing"
        raise StoreUnreadable(
            f"The copy is not whole ({one_line(said, 300)}); no backup was made.",
            remedy=Remedy(Way.CHECK_STORE),
        )
    for ending in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            os.unlink(f"{beside}{ending}")  # noqa: PTH108 (a name, not a path of ours)
