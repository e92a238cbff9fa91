"""The one way to the file: pragmas, the one ``BEGIN IMMEDIATE``, and what SQLite's errors mean to a person."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from localchat.errors import DiskFull, InvalidInput, LocalChatError, StoreBusy, StoreUnreadable

T = TypeVar("T")

PATIENCE = 30.0  # seconds a write waits for other processes before it gives up with StoreBusy
_OLDEST = (3, 37)  # STRICT tables


def connect(path: Path, *, busy_timeout: float = PATIENCE) -> sqlite3.Connection:
    """Open the file, made with mode 0600 (and its missing folders with 0700) where it is not there yet.

    ``busy_timeout``: seconds that SQLite itself waits for a lock; 0 on an event loop, see ``patiently``.
    Raises InvalidInput, StoreUnreadable.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StoreUnreadable(
            f"This Python carries SQLite {sqlite3.sqlite_version}; localchat needs 3.37 or newer.",
            "Use a newer Python.",
        )
    _make_private(path)
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=busy_timeout)
        connection.row_factory = sqlite3.Row
        try:
            # Switching a new file to WAL needs a moment alone; busy_timeout does not cover it, so try again.
            _retry_locked(lambda: connection.execute("pragma journal_mode=wal").fetchall(), max(busy_timeout, 5.0))
            connection.execute("pragma synchronous=normal")
            connection.execute("pragma foreign_keys=on")
        except BaseException:
            connection.close()
            raise
    return connection


def _make_private(path: Path) -> None:
    """The folders we make are 0700 and the file 0600, whatever the umask; what exists already is left as it is."""
    import os

    if "\0" in str(path) or not path.name:
        raise InvalidInput(f"{str(path)!r} cannot be the name of a store.", "Give --db the path of a file.")
    try:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder, not a store.", "Give --db the path of a file.")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnreadable(
            f"The store {path} cannot be opened ({error.strerror or error}).", "Check the path and its permissions."
        ) from error


def _retry_locked(work: Callable[[], object], seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.005, 0.03))


def _is_busy(error: sqlite3.Error) -> bool:
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextlib.contextmanager
def translated(path: Path | str = "the store") -> Iterator[None]:
    """SQLite's errors that a person can do something about become ours; any other is a bug and passes."""
    try:
        yield
    except sqlite3.Error as error:
        ours = _ours(error, path)
        if ours is None:
            raise
        raise ours from error


def _ours(error: sqlite3.Error, path: Path | str) -> LocalChatError | None:
    name = getattr(error, "sqlite_errorname", None) or ""
    if _is_busy(error):
        return StoreBusy("Another program keeps the store locked.", "Nothing was changed. Try again in a moment.")
    if name == "SQLITE_FULL" or "disk is full" in str(error):
        return DiskFull("The disk is full; this was not saved.", "Free some space and try again.")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreUnreadable(
            f"{path} is no localchat store, or it is damaged ({error}).",
            "Give another file with --db, or put a backup in its place.",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreUnreadable(
            f"The store {path} cannot be written ({error}).", "Check the permissions of file and folder."
        )
    if name.startswith("SQLITE_IOERR"):
        return StoreUnreadable(f"The store {path} cannot be read or written ({error}).", "Check the disk it is on.")
    return None


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """The one write transaction: ``BEGIN IMMEDIATE``, so that what is read inside cannot change before the commit.

    A deferred transaction would fail with SQLITE_BUSY_SNAPSHOT where two of them read and then write. Raises StoreBusy
    (nothing was changed), DiskFull, StoreUnreadable.
    """
    with translated():
        connection.execute("begin immediate")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        try:
            connection.execute("commit")
        except BaseException:
            connection.rollback()
            raise


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads that see one and the same state, whatever others write meanwhile."""
    with translated():
        connection.execute("begin")
        try:
            yield
        finally:
            connection.rollback()


async def patiently(write: Callable[[], T], patience: float = PATIENCE) -> T:
    """Run a write on the event loop; where the store is busy, sleep and try again for ``patience`` seconds.

    For stores opened with ``busy_timeout=0``: waiting inside SQLite would freeze the screen.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return write()
        except StoreBusy:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(random.uniform(0.005, 0.05))
