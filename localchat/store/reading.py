"""A store that cannot be written is read all the same: on a full disk, in a read-only folder, somebody else's."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from localchat.errors import DiskFull, LocalChatError, StoreReadonly, StoreUnreadable
from localchat.store.file import named

FULL = 65_536  # bytes; a disk with less has no room for the index of SQLite's log (32 KB) and a page


def full(path: Path) -> bool:
    """Whether the disk that this file is on has no room left."""
    try:
        if hasattr(os, "statvfs"):
            disk = os.statvfs(path.parent)
            return disk.f_bavail * disk.f_frsize < FULL
        return shutil.disk_usage(path.parent).free < FULL
    except OSError:
        return False


def why_not_written(path: Path) -> LocalChatError | None:
    """What keeps this file, which is there, from being written; None where nothing is seen that does."""
    for place in (path, path.parent):
        if not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            return StoreReadonly(
                f"The store {named(path)} cannot be written: {'it' if place == path else 'its folder'} is read-only.",
                "It can be read and exported. Check the permissions, or give another file with --db.",
            )
    return None


def disk_full(path: Path) -> DiskFull:
    return DiskFull(
        f"The disk is full: nothing can be written to {named(path)}.",
        "It can be read and exported to another disk. Free some space, then start again.",
    )


@contextlib.contextmanager
def readable(path: Path, *, old: bool = False) -> Iterator[str]:
    """The address under which SQLite can read it, without a file beside it that could not be made.

    Without a log the file itself is all there is, and is taken as it stands (``immutable``). With one, SQLite needs
    the index of the log beside it; where it is not there and cannot be made, or the store needs a migration (``old``),
    a copy of both in the folder for temporary files is read. Raises StoreUnreadable, DiskFull.
    """
    log = Path(f"{path}-wal")
    with contextlib.suppress(OSError):
        if not old:
            if not log.exists() or log.stat().st_size == 0:
                yield f"{path.as_uri()}?mode=ro&immutable=1"
                return
            if _opens(f"{path.as_uri()}?mode=ro"):
                yield f"{path.as_uri()}?mode=ro"
                return
    try:
        folder = Path(tempfile.mkdtemp(prefix="localchat-"))
    except OSError as error:
        raise StoreUnreadable(
            f"{named(path)} cannot be read ({error.strerror}).", "Set $TMPDIR to a folder."
        ) from error
    try:
        copy = folder / path.name
        try:
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, f"{copy}-wal")
        except OSError as error:
            raise StoreUnreadable(
                f"{named(path)} cannot be read where it is, and not be copied to {named(folder)} ({error.strerror}).",
                "Set $TMPDIR to a folder on a disk with room.",
            ) from error
        yield f"{copy.as_uri()}?mode=rw"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _opens(address: str) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as opened:
            opened.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    return True
