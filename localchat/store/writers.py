"""Who is alive: whether the process that writes a reply still runs.

A mark names a process beyond doubt: its id, when it started, and which boot of the machine that was. An id alone is no
proof, since ids are used again; a heartbeat is none either, since a stopped process does not beat and lives.
"""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def me() -> str:
    """This process's mark. Costs the import of psutil at the first call, and nothing after it."""
    return _own(os.getpid())  # by id, so that a forked child does not pass for its parent


@functools.lru_cache(maxsize=1)
def _own(pid: int) -> str:
    mark = _mark_of(pid)
    assert mark is not None, "a process that runs has a start"
    return mark


def alive(mark: str | None) -> bool:
    """Whether the very process of this mark runs, or is stopped but there. What is no mark is not alive.

    A process of another machine or container is not visible from here, and so not alive.
    """
    pid = (mark or "").partition(" ")[0]
    if not pid.isascii() or not pid.isdigit() or len(pid) > 10:
        return False
    return mark == _mark_of(int(pid))


def _mark_of(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):  # ended; its parent has not looked yet
            return None
        started = process.create_time()
    except psutil.Error:
        return None
    if psutil.LINUX:  # there it is counted from the boot, and the wall clock may have been set since
        started -= psutil.boot_time()
    return f"{pid} {started:.2f} {_boot()}"


def _boot() -> str:
    with contextlib.suppress(OSError):
        return _BOOT.read_text("ascii").strip()
    return "-"
