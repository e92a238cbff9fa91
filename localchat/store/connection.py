"""The one way to the file: pragmas, the one ``BEGIN IMMEDIATE``, and what SQLite's errors mean to a person."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from localchat.errors import (
    DiskFull,
    InvalidInput,
    LocalChatError,
    Remedy,
    SearchIndexDamaged,
    StoreBusy,
    StoreDamaged,
    StoreReadonly,
    StoreUnreadable,
    Way,
)
from localchat.store import file
from localchat.store.fields import decoded
from localchat.store.file import named
from localchat.store.pairing import take_strange_log_away
from localchat.store.reading import disk_full, full, readable, why_not_written
from localchat.store.schema.core import CURRENT
from localchat.store.soundness import Guard, damaged
from localchat.text import clean, one_line, storable

T = TypeVar("T")

PATIENCE = 30.0  # seconds a write waits for other processes before it gives up with StoreBusy
_OLDEST = (3, 37)  # STRICT tables
# Values are decoded leniently (``fields``). Names of columns Python decodes itself; damage makes them unreadable.
_FAILED = (sqlite3.Error, UnicodeDecodeError)


_in_use: Counter[str] = Counter()  # stores by path, as often as this process has each open
_counting = threading.Lock()


def _count(path: str, by: int) -> None:
    with _counting:
        _in_use[path] += by


class Connection(sqlite3.Connection):
    """A connection whose errors are ours wherever they come up: in a write, a read, or a row fetched later.

    This is the one place that translates them; nothing that uses a connection needs to.
    """

    path: object = "the store"
    guard: Guard | None = None
    strange_log: Path | None = None  # a log of another file that stood beside this one: what it is called now
    cleanup: contextlib.ExitStack | None = None  # what goes with it: a copy that is read in place of the store
    counted: str = ""  # its path in ``_in_use``

    def close(self) -> None:
        super().close()
        if self.counted:
            _count(self.counted, -1)
            self.counted = ""
        if self.guard is not None:
            self.guard.take_log_away()
        if self.cleanup is not None:
            self.cleanup.close()

    def cursor(self, *_: Any, **__: Any) -> Cursor:  # type: ignore[override]
        return super().cursor(Cursor)

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        return self.cursor().executemany(sql, parameters)

    def executescript(self, script: str) -> Cursor:
        return self.cursor().executescript(script)

    def rollback(self) -> None:
        with translated(self.path):
            super().rollback()


class Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        try:
            return super().execute(sql, parameters)
        except _FAILED as error:
            self._translate(error)
            raise

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        try:
            return super().executemany(sql, parameters)
        except _FAILED as error:
            self._translate(error)
            raise

    def executescript(self, script: str) -> Cursor:
        try:
            super().executescript(script)
        except _FAILED as error:
            self._translate(error)
            raise
        return self

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except _FAILED as error:
            self._translate(error)
            raise

    def fetchmany(self, size: int | None = None) -> list[Any]:
        try:
            return super().fetchmany(size)
        except _FAILED as error:
            self._translate(error)
            raise

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except _FAILED as error:
            self._translate(error)
            raise

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except _FAILED as error:
            self._translate(error)
            raise

    def _translate(self, error: sqlite3.Error | UnicodeDecodeError) -> None:
        ours = _ours(error, getattr(self.connection, "path", "the store"))
        if ours is not None:
            guard = getattr(self.connection, "guard", None)
            if guard is not None and isinstance(ours, StoreDamaged):
                guard.met_corruption()
            raise ours from error


def connect(path: Path, *, busy_timeout: float = PATIENCE) -> Connection:
    """Open the file, made with mode 0600 (and its missing folders with 0700) where it is not there yet.

    A file that is no store of ours, or of a newer version, is refused before anything could change it.
    ``busy_timeout``: seconds that SQLite itself waits for a lock; 0 on an event loop, see ``patiently``.
    Raises InvalidInput, StoreUnreadable, StoreNewer, StoreBusy.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise StoreUnreadable(
            f"This Python carries SQLite {sqlite3.sqlite_version}; localchat needs 3.37 or newer.",
            "Use a newer Python.",
        )
    path = _checked(path)
    _retry(lambda: file.refuse_emptied(path), StoreUnreadable, 0.06)  # another process may be about to fill it
    _make_private(path)
    why = why_not_written(path)
    if why is not None:
        return _read_only(path, why)
    with _counting:
        # This reads the file; to close any handle of a file drops all locks that this process has on it.
        strange = None if _in_use[str(path)] else take_strange_log_away(path)
        _in_use[str(path)] += 1
    try:
        _look(path)
        connection = _opened(path, busy_timeout)
        connection.strange_log, connection.counted = strange, str(path)
        return connection
    except BaseException as error:
        _count(str(path), -1)
        if not isinstance(error, StoreUnreadable | DiskFull):
            raise
        if not full(path):
            raise
        return _read_only(path, disk_full(path))  # it became so meanwhile, or another process has what room there was


def _opened(path: Path, busy_timeout: float) -> Connection:
    log = Path(f"{path}-wal")
    unclean = log.exists() and log.stat().st_size > 0  # or somebody else has it open; then a look costs only time
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=busy_timeout, factory=Connection)
        _furnish(connection, path)
        connection.guard = Guard(path, suspect=unclean)
        try:
            # Switching a new file to WAL needs a moment alone; busy_timeout does not cover it, so try again.
            _retry(lambda: connection.execute("pragma journal_mode=wal").fetchall(), StoreBusy, max(busy_timeout, 5.0))
            connection.execute("pragma synchronous=normal")
            connection.execute("pragma foreign_keys=on")
            connection.execute("select count(*) from sqlite_master").fetchone()  # now its log and index are there
            connection.guard.know_files()
        except BaseException:
            connection.close()
            raise
    return connection


def _furnish(connection: Connection, path: Path) -> None:
    connection.path = path
    connection.row_factory = sqlite3.Row
    connection.text_factory = decoded


def _read_only(path: Path, why: LocalChatError) -> Connection:
    """A connection that reads, and whose every write fails with ``why``."""
    with contextlib.ExitStack() as stack, translated(path), _opening(path):
        address = stack.enter_context(readable(path))
        connection = sqlite3.connect(address, uri=True, isolation_level=None, factory=Connection)
        _furnish(connection, path)
        stack.callback(sqlite3.Connection.close, connection)
        version = file.version_of(connection, path)
        if version == 0:  # nothing is there to be read
            raise why
        if version < CURRENT:
            connection.close()
            connection = sqlite3.connect(
                stack.enter_context(readable(path, old=True)), uri=True, isolation_level=None, factory=Connection
            )
            _furnish(connection, path)
            stack.callback(sqlite3.Connection.close, connection)
        connection.guard = Guard(path)
        connection.guard.readonly = why
        connection.cleanup = stack.pop_all()
        return connection
    raise AssertionError  # for mypy: the block above returns or raises


def _checked(path: Path) -> Path:
    """The path in full, links followed, so that the file that a link points to is made with our mode too."""
    text = str(path)
    if clean(text) != text or storable(text) != text or any(c in text for c in "\t\n\0"):
        raise InvalidInput(
            f"“{named(path)}” cannot be the name of a store: it holds a control character.",
            "Give --db the path of a file.",
        )
    if not path.name:
        raise InvalidInput(f"“{text}” is no name of a file.", "Give --db the path of a file.")
    with _opening(path):
        path = path.resolve()
        if path.is_symlink():  # links that go round in a circle: from Python 3.13 on told only when asked
            path = path.resolve(strict=True)
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder, not a store.", "Give --db the path of a file.")
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise InvalidInput(f"{path} is no ordinary file.", "Give --db the path of a file.")
    return path


@contextlib.contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: the circle, before Python 3.13
        reason = error.strerror if isinstance(error, OSError) else None
        raise StoreUnreadable(
            f"The store {named(path)} cannot be opened ({reason or error}).", "Check the path and its permissions."
        ) from error


def _make_private(path: Path) -> None:
    """The folders we make are 0700 and the file 0600; a file that is not empty is left as it is."""
    with _opening(path):
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
        # An existing file is never opened here: closing it would drop the locks SQLite holds on it in this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if path.stat().st_size == 0:
            with contextlib.suppress(PermissionError):  # somebody else's file
                path.chmod(0o600)


def _look(path: Path) -> None:
    """Refuse a file that is not ours to write, without changing a byte of it or leaving a file beside it.

    A look that goes wrong is repeated: it takes no locks, and may have seen another process's write half done.
    """
    _retry(lambda: _look_once(path), StoreUnreadable, 0.06)


def _look_once(path: Path) -> None:
    if path.stat().st_size == 1:  # SQLite takes a single byte for an empty file
        raise StoreUnreadable(f"{named(path)} is no localchat store.", "Give another file with --db.")
    log = Path(f"{path}-wal")
    # Immutable: SQLite takes no lock and makes no file. But it does not read the log then, where the truth may lie.
    immutable = "" if log.exists() and log.stat().st_size else "&immutable=1"
    with (
        translated(path),
        contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro{immutable}", uri=True, isolation_level=None, timeout=PATIENCE)
        ) as connection,
    ):
        file.version_of(connection, path)


def _retry(work: Callable[[], object], when: type[LocalChatError], seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            work()
            return
        except when:
            if time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.005, 0.03))


@contextlib.contextmanager
def translated(path: object = "the store") -> Iterator[None]:
    """SQLite's errors that a person can do something about become ours; any other is a bug and passes."""
    try:
        yield
    except _FAILED as error:
        ours = _ours(error, path)
        if ours is None:
            raise
        raise ours from error


def _ours(error: sqlite3.Error | UnicodeDecodeError, path: object) -> LocalChatError | None:
    name = getattr(error, "sqlite_errorname", None) or ""
    store = named(path)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy("Another program keeps the store locked.", "Nothing was changed. Try again in a moment.")
    if name == "SQLITE_FULL":
        return DiskFull("The disk is full; this was not saved.", "Free some space and try again.")
    if name == "SQLITE_CORRUPT_VTAB":
        return SearchIndexDamaged("The search index is damaged.", "`localchat doctor --fix` makes it anew.")
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path, one_line(str(error), 200))
    if name.startswith("SQLITE_NOTADB") or isinstance(error, UnicodeDecodeError):
        return StoreUnreadable(
            f"{store} is no localchat store, or it is damaged ({error}).",
            "",
            remedy=Remedy(Way.OTHER_STORE),
        )
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and isinstance(path, Path) and full(path):
        return DiskFull("The disk is full; this was not saved.", "Free some space and try again.")
    if name.startswith("SQLITE_READONLY"):
        return StoreReadonly(
            f"The store {store} cannot be written ({error}).", "Check the permissions of file and folder."
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreUnreadable(
            f"The store {store} cannot be opened or written ({error}).", "Check the permissions of file and folder."
        )
    if name.startswith("SQLITE_IOERR"):
        return StoreUnreadable(f"The store {store} cannot be read or written ({error}).", "Check the disk it is on.")
    return None


@contextlib.contextmanager
def immediate(connection: sqlite3.Connection, *, synced: bool = False) -> Iterator[sqlite3.Connection]:
    """The one write transaction: ``BEGIN IMMEDIATE``, so that what is read inside cannot change before the commit.

    A deferred transaction would fail with SQLITE_BUSY_SNAPSHOT where two of them read and then write. ``synced``: the
    commit returns when the disk has it, and all that was committed before; else only SQLite's checkpoints wait for the
    disk. Before a connection's first write the store is looked through, see ``soundness``. Raises StoreBusy (nothing
    was changed), DiskFull, StoreDamaged, StoreReadonly, StoreUnreadable.
    """
    guard = getattr(connection, "guard", None)
    if guard is not None:
        guard.before_write(connection)
    if synced:
        connection.execute("pragma synchronous=full")
    try:
        connection.execute("begin immediate")
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            connection.rollback()
            raise
    except SearchIndexDamaged as error:
        if guard is not None:
            guard.mend_index(connection)
        raise StoreBusy("The search index was damaged and is made anew.", "Try again in a moment.") from error
    finally:
        if synced:
            connection.execute("pragma synchronous=normal")


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Several reads that see one and the same state, whatever others write meanwhile."""
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
            import asyncio  # the command line has no loop, and this costs it a seventh of a short run

            await asyncio.sleep(random.uniform(0.005, 0.05))


def persistently(write: Callable[[], T], tell: Callable[[float], None], patience: float = PATIENCE) -> T:
    """The same in a thread. ``tell`` is told at each try how many seconds it waits already."""
    began = time.monotonic()
    while True:
        try:
            return write()
        except StoreBusy:
            waited = time.monotonic() - began
            if waited > patience:
                raise
            tell(waited)
            time.sleep(random.uniform(0.005, 0.05))
