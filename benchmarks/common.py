"""What the benchmarks share: a program in a terminal of its own, medians, and a table that knows its limits.

A figure alone says little on a busy machine. So every benchmark measures a floor beside the thing itself, in the same
run, the two by turns, and holds the ratio of their medians to a limit.
"""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import sysconfig
import termios
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
MB = 1024 * 1024


def compiled() -> None:
    """Compile whatever was never compiled: a start that compiles is another program's time."""
    for folder in (ROOT / "localchat", ROOT / "benchmarks", Path(sysconfig.get_path("purelib"))):
        compileall.compile_dir(folder, quiet=2, workers=0)


def percentile(values: Sequence[float], part: float) -> float:
    """``part`` of the values are at most this: 0.99 for the 99th percentile."""
    ordered = sorted(values)
    return ordered[min(round(part * (len(ordered) - 1)), len(ordered) - 1)]


def by_turns(rounds: int, **things: Callable[[], Any]) -> dict[str, list[Any]]:
    """Measure each thing once a round, so that what else the machine does falls on all of them alike."""
    results: dict[str, list[Any]] = {name: [] for name in things}
    for number in range(rounds):
        for name, measure in things.items():
            results[name].append(measure())
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {rounds} ", end="\r", file=sys.stderr, flush=True)
    return results


def environment(**more: str) -> dict[str, str]:
    """This one, with localchat from this folder and a terminal that can do everything."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TEXTUAL_THEME", "CI")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor", **more}


def rss(pid: int | None = None) -> float:
    """Resident memory of a process and of what it started, in MB."""
    process = psutil.Process(pid)
    return float(sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))) / MB


class Terminal:
    """A program in a pseudo terminal. Nothing echoes but the program itself."""

    def __init__(self, command: Sequence[str], *, columns: int = 140, rows: int = 40, **env: str) -> None:
        self.output = b""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment(**env)
        )
        os.close(slave)

    @property
    def pid(self) -> int:
        return self._process.pid

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def seconds_until(self, *texts: str, timeout: float = 30) -> float:
        """Seconds from the start until all of these were written to the terminal. Raises TimeoutError."""
        wanted = [text.encode() for text in texts]
        while not all(text in self.output for text in wanted):
            if not self.read(timeout - (time.perf_counter() - self.began)):
                shown = self.output[-2000:].decode(errors="replace")
                raise TimeoutError(f"{texts} did not appear within {timeout} s; the last of the output:\n{shown}")
        return time.perf_counter() - self.began

    def read(self, timeout: float) -> bool:
        """Take what the program writes next; whether anything came."""
        if timeout <= 0 or not select.select([self._master], [], [], timeout)[0]:
            return False
        try:
            came = os.read(self._master, 65536)
        except OSError:  # it has ended
            return False
        self.output += came
        return bool(came)

    def rest(self, seconds: float) -> None:
        """Let it work on for so long, reading what it writes."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.read(left)

    def rss(self) -> float:
        """MB of the program and of what it started."""
        return rss(self.pid)

    def processor_seconds(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._master)


@contextlib.contextmanager
def terminal(command: Sequence[str], **options: Any) -> Iterator[Terminal]:
    program = Terminal(command, **options)
    try:
        yield program
    finally:
        program.end()


@dataclass(frozen=True)
class Row:
    """One measured thing. ``limit``: what it must not exceed, in the same unit."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def held(self) -> bool:
        return self.limit is None or self.value <= self.limit


def report(title: str, rows: Sequence[Row]) -> int:
    """Print the table; the exit status: 1 where a limit was exceeded."""
    print(title)
    width = max(len(row.what) for row in rows)
    for row in rows:
        number = f"{row.value:.2f}" if row.unit == "x" or row.value < 10 else f"{row.value:.0f}"
        limit = "" if row.limit is None else f"   at most {row.limit:g} {row.unit}{'' if row.held else '   EXCEEDED'}"
        print(f"  {row.what:<{width}}  {number:>8} {row.unit:<3}{limit}".rstrip())
    return 0 if all(row.held for row in rows) else 1
