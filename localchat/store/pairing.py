"""Whether the log beside a store is its own. Beside another file SQLite would write the log into that, and destroy it.

Nothing in a log names its file. So each copy that localchat makes (backup, restore, rescue) gets a number of its own
in a field of the first page that SQLite only compares, and counts up by one with each change of the schema (the schema
cookie, https://sqlite.org/fileformat2.html#schema_cookie). A log that holds the first page holds the number of the file
that it was written for. A log that does not is left alone, as is one of a file copied by other means.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from datetime import datetime
from pathlib import Path

from localchat.errors import LocalChatError

_NEAR = 1000  # changes of the schema that may stand in one log
_COOKIE, _VERSION = 40, 60  # bytes of the first page: the schema cookie, user_version
_HEADER, _FRAME = 32, 24  # bytes before the frames of a log, and before the page in each


def number_anew(copy: sqlite3.Connection) -> None:
    """Give a copy that nobody else has open a number of its own."""
    import secrets  # no start needs it

    copy.execute(f"pragma schema_version = {10_000 + secrets.randbelow(2**30)}")


def take_strange_log_away(store: Path) -> Path | None:
    """Give a log of another file another name, and the index of it; what it is called now. None: there is none.

    Only where nobody has the store open; a process that was killed leaves its own log, and that stays.
    """
    log = Path(f"{store}-wal")
    try:
        if not log.exists() or log.stat().st_size <= _HEADER or not _strange(store, log):
            return None
        from localchat.store.restore import alone

        with alone(store):
            if not _strange(store, log):
                return None
            day = datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
            aside = store.with_name(f"{store.name}-strange-{day}-wal")
            with contextlib.suppress(FileNotFoundError):
                Path(f"{store}-shm").rename(f"{str(aside)[:-3]}shm")
            log.rename(aside)
            return aside
    except (OSError, LocalChatError):  # in use, or nothing can be moved here
        return None


def _strange(store: Path, log: Path) -> bool:
    with store.open("rb") as file:
        page = file.read(100)
    first = _first_page_in(log)
    if first is None or len(page) < 100:
        return False
    (ours, version), (theirs, its_version) = _numbers(page), _numbers(first)
    return version == its_version and abs(ours - theirs) > _NEAR


def _numbers(page: bytes) -> tuple[int, int]:
    return struct.unpack_from(">I", page, _COOKIE)[0], struct.unpack_from(">I", page, _VERSION)[0]


def _first_page_in(log: Path) -> bytes | None:
    """The head of the first page, as the log holds it first; None where it does not."""
    with log.open("rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:3] != b"\x37\x7f\x06":
            return None
        size = struct.unpack_from(">I", header, 8)[0]
        while len(frame := file.read(_FRAME)) == _FRAME and frame[8:16] == header[16:24]:
            if struct.unpack_from(">I", frame, 0)[0] == 1:
                page = file.read(100)
                return page if len(page) == 100 else None
            file.seek(size, 1)
    return None
