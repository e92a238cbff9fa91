"""The backups that localchat keeps itself: in the folder ``STORE-backups`` beside the store, dated and numbered.

The rule of what is kept stands here alone: of those that localchat made by itself, the newest ``KEPT`` stay
(``$LOCALCHAT_BACKUPS`` sets another number; 0 makes none). What a person asked for is never removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from localchat.errors import InvalidInput, LocalChatError, Remedy, StoreUnreadable, Way
from localchat.records import stamp
from localchat.store.backup import COUNTS, Backup, copy_to
from localchat.store.connection import translated
from localchat.store.settings import State
from localchat.text import one_line
from localchat.transfer.atomic_files import sweep, target, writing

KEPT = 7
SETTING = "LOCALCHAT_BACKUPS"
BY_HAND, DAILY, MIGRATION = "by-hand", "daily", "migration"
_PATIENCE = 5.0  # seconds that a backup nobody asked for waits for a lock
_TOLD = "backup_failure_told"  # its name in the store's state: the day
_AUTOMATIC = (DAILY, MIGRATION)
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-(\d{4,9})-(by-hand|daily|migration)\.db")


@dataclass(frozen=True, slots=True)
class KeptBackup:
    """One that lies in the folder. ``day`` is that of the person's clock, ``made_at`` UTC."""

    file: Path
    kind: str
    day: str
    number: int
    made_at: str
    bytes: int
    chats: int | None = None
    messages: int | None = None


def folder_of(store: Path) -> Path:
    """Where they lie, there or not."""
    here = store.resolve()
    return here.with_name(f"{here.name}-backups")


def listed(store: Path, *, counted: bool = False) -> list[KeptBackup]:
    """The newest first. ``counted``: with what is in them, null where that cannot be read."""
    found = []
    with writing(folder_of(store)), contextlib.suppress(FileNotFoundError):
        for file in folder_of(store).iterdir():
            name = _NAME.fullmatch(file.name)
            if name and file.is_file() and not file.is_symlink():
                about = file.stat()
                made_at = stamp(datetime.fromtimestamp(about.st_mtime, UTC))
                counts = _counts(file) if counted else (None, None)
                found.append(KeptBackup(file, name[3], name[1], int(name[2]), made_at, about.st_size, *counts))
    return sorted(found, key=lambda one: one.number, reverse=True)


def _counts(file: Path) -> tuple[int | None, int | None]:
    try:
        address = f"{file.as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as copy:
            chats, messages = copy.execute(COUNTS).fetchone()
            return int(chats), int(messages)
    except sqlite3.Error:
        return None, None


def keep(
    connection: sqlite3.Connection,
    store: Path,
    kind: str = BY_HAND,
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
    today: Callable[[], date] = date.today,
) -> Backup | None:
    """Add a backup to the folder; None where none is due (a day has one ``daily``, and 0 kept means none).

    ``connection`` is one to the store that is in no transaction. What a killed backup left is removed, and of those
    that localchat made by itself all but the newest. Raises like ``back_up``.
    """
    if kind in _AUTOMATIC and kept() == 0:
        return None
    folder = folder_of(store)
    with writing(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    with _alone(folder):
        there = listed(store)
        day = today().isoformat()
        if kind == DAILY and any(one.kind == DAILY and one.day == day for one in there):
            return None
        sweep(folder, ".*.part")
        number = max((one.number for one in there), default=0) + 1
        done = copy_to(connection, store, target(str(folder / f"{day}-{number:04}-{kind}.db")), progress)
        _prune(store)
        return done


def sweep_killed(store: Path) -> int:
    """Remove what killed backups left in the folder; how many those were."""
    folder = folder_of(store)
    if not folder.is_dir():
        return 0
    with _alone(folder):
        before = len(list(folder.glob(".*.part")))
        sweep(folder, ".*.part")
        return before - len(list(folder.glob(".*.part")))


def kept() -> int:
    """How many that localchat makes by itself stay. What is no number is told by InvalidInput, and means none."""
    said = os.environ.get(SETTING) or str(KEPT)
    if not (said.isascii() and said.isdigit() and len(said) < 5):
        raise InvalidInput(f"${SETTING} is no number.", f"Set it to how many backups are kept, {KEPT} without it.")
    return int(said)


def _prune(store: Path) -> None:
    try:
        limit = kept()
    except InvalidInput:  # one that a person asked for; nothing is removed by a rule that cannot be read
        return
    for one in [one for one in listed(store) if one.kind in _AUTOMATIC][max(limit, 1) :]:
        with contextlib.suppress(OSError):
            one.file.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in this folder: no number is given twice, and what is half done there is nobody's."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with writing(folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            os.close(handle)
            raise
    try:
        yield
    finally:
        os.close(handle)


def before_migration(store: Path) -> LocalChatError | None:
    """A backup of the store as it was; what kept it from being made, which stops no migration.

    On a connection of its own: the one that migrates is inside its transaction already, and others wait for it.
    """
    return _attempt(store, MIGRATION)


def daily(store: Path) -> LocalChatError | None:
    """The backup of this day, where there is none yet, on a connection of its own: for any thread.

    What kept it from being made stops nothing, and is returned once a day.
    """
    return _attempt(store, DAILY)


def _attempt(store: Path, kind: str) -> LocalChatError | None:
    try:
        if kept() == 0 or (kind == DAILY and _has_daily(store)):  # the common case: one look into a folder
            return None
        with _own_connection(store) as connection:
            keep(connection, store, kind)
    except LocalChatError as error:
        return error if kind != DAILY or _not_told(store) else None
    return None


def _has_daily(store: Path) -> bool:
    today = date.today().isoformat()
    return any(one.kind == DAILY and one.day == today for one in listed(store))


@contextlib.contextmanager
def _own_connection(store: Path) -> Iterator[sqlite3.Connection]:
    """Every failure is one that a person can be told of: nobody waits for what is done here."""
    address = f"{store.resolve().as_uri()}?mode=rw"
    try:
        with (
            writing(folder_of(store)),
            translated(store),
            contextlib.closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=_PATIENCE)) as opened,
        ):
            yield opened
    except sqlite3.Error as error:
        raise StoreUnreadable(
            f"No backup was made ({one_line(str(error), 200)}).", remedy=Remedy(Way.CHECK_STORE)
        ) from error


def _not_told(store: Path) -> bool:
    """Whether a person has not been told today; from now on one has. A store that takes no word of it forgets it."""
    today = date.today().isoformat()
    with contextlib.suppress(LocalChatError), _own_connection(store) as connection:
        state = State(connection)
        if state.get(_TOLD) == today:
            return False
        state.put(_TOLD, today)
    return True
