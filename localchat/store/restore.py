"""A backup in the store's place. Nothing is deleted: what was there lies beside it, whole, under another name."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localchat.errors import InvalidInput, LocalChatError, NotFound, Remedy, StoreBusy, StoreUnreadable, Way
from localchat.store.backup import COUNTS
from localchat.store.connection import translated
from localchat.store.file import named, version_of
from localchat.store.pairing import number_anew
from localchat.text import one_line
from localchat.transfer.atomic_files import replacing, writing

# The log is SQLite's truth about its file: beside another file it would be replayed onto that, and destroy it.
_BESIDE = ("-wal", "-shm", "-journal")
_IN_USE = 128  # byte of -shm on which every open connection holds a shared lock (SQLite, os_unix.c: UNIX_SHM_DMS)


@dataclass(frozen=True, slots=True)
class Restored:
    """``kept``: where the files are that were the store, the store itself first."""

    store: Path
    chats: int
    messages: int
    kept: tuple[Path, ...]


def look(file: Path, store: Path) -> tuple[int, int]:
    """How many chats and messages the backup holds. It is read whole, and not changed.

    Raises NotFound, InvalidInput (it is the store itself), StoreUnreadable, StoreNewer.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {named(file)}.", remedy=Remedy(Way.LIST_BACKUPS))
    here = store.resolve()
    if file.resolve() in (here, *_sidecars(here)) or (here.exists() and file.samefile(here)):
        raise InvalidInput(f"{named(file)} is the store itself.", remedy=Remedy(Way.LIST_BACKUPS))
    with _opened(file) as backup:
        return _verified(backup, file)


def restore(file: Path, store: Path) -> Restored:
    """Put a copy of the backup in the store's place; the backup itself stays where it is.

    The copy is made beside the store and checked. Then log, index of the log and store take another name, in this
    order: whatever moment ends it, no log of one file stands beside another. The store may be damaged, or not there.
    Raises like ``look``; StoreBusy where another process has the store open; DiskFull.
    """
    look(file, store)
    here = store.resolve()
    with writing(here.parent):
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(here), replacing(here) as beside:
        with _opened(file) as backup, translated(here), contextlib.closing(sqlite3.connect(beside)) as copy:
            backup.backup(copy)
            copy.execute("pragma journal_mode=delete").fetchall()  # one file, complete in itself
            number_anew(copy)
            counts = _verified(copy, file)
        with beside.open("rb") as whole:
            os.fsync(whole.fileno())
        kept = _moved_aside(here)
    return Restored(here, *counts, kept)


def _sidecars(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in _BESIDE]


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Only to read, with its log where it has one; where it has none, no file is made beside it."""
    log = Path(f"{file.resolve()}-wal")
    immutable = "" if log.exists() and log.stat().st_size else "&immutable=1"
    try:
        with (
            translated(file),
            contextlib.closing(
                sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro{immutable}", uri=True, isolation_level=None)
            ) as connection,
        ):
            yield connection
    except StoreUnreadable as error:
        raise StoreUnreadable(error.message, "It was not restored.", remedy=Remedy(Way.LIST_BACKUPS)) from error


def _verified(backup: sqlite3.Connection, file: Path) -> tuple[int, int]:
    if version_of(backup, file) == 0:
        raise StoreUnreadable(f"{named(file)} is empty.", "It was not restored.", remedy=Remedy(Way.LIST_BACKUPS))
    said = [str(row[0]) for row in backup.execute("pragma quick_check(5)").fetchall()]
    if said != ["ok"]:
        raise StoreUnreadable(
            f"{named(file)} is damaged ({one_line('; '.join(said), 300)}).",
            "It was not restored.",
            remedy=Remedy(Way.LIST_BACKUPS),
        )
    chats, messages = backup.execute(COUNTS).fetchone()
    return int(chats), int(messages)


@contextlib.contextmanager
def alone(store: Path) -> Iterator[None]:
    """No process has the store open, and none opens it meanwhile. It need not be readable for that.

    SQLite's connections to a store in WAL mode share a lock on one byte of ``-shm``; a dead process holds none. Where
    there is no ``-shm``, nobody has it open. Windows moves no file that is open.
    """
    index = _sidecars(store)[1]
    if sys.platform == "win32" or not index.exists():
        yield
        return
    import fcntl

    with writing(index), index.open("r+b") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _IN_USE)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
            raise StoreBusy(
                f"Another program has {named(store)} open.",
                "Nothing was changed. Close localchat in every window, and try again.",
            ) from error
        yield


def _moved_aside(store: Path) -> tuple[Path, ...]:
    """Another name for each; where one cannot have it, those before get theirs back."""
    aside = _free_name(store)
    moved: list[tuple[Path, Path]] = []
    try:
        with writing(store):
            for old, new in zip(_sidecars(store), _sidecars(aside), strict=True):
                if old.exists():
                    old.rename(new)
                    moved.append((old, new))
            if store.exists():
                try:
                    os.link(store, aside)  # so that at no moment a start finds no store, and begins one
                except OSError:
                    store.rename(aside)
                moved.insert(0, (store, aside))
    except LocalChatError:
        for old, new in moved:
            new.rename(old)
        raise
    return tuple(new for _, new in moved)


def _free_name(store: Path) -> Path:
    now = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    for number in range(1, 1000):
        name = store.with_name(f"{store.name}-replaced-{now}" + (f"-{number}" if number > 1 else ""))
        if not any(path.exists() for path in (name, *_sidecars(name))):
            return name
    raise InvalidInput("There is no free name beside the store.", "Move away what was replaced before.")
