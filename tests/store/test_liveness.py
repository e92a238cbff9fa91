"""Who is alive: with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.writers import alive, me
from tests.store.helpers import ended, python

LIVE = "import sys; from localchat.store.writers import me; print(me(), flush=True); sys.stdin.read()"


@pytest.fixture
def other() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that runs, and its mark."""
    process = python("-c", LIVE, stdin=subprocess.PIPE)
    assert process.stdout
    mark = process.stdout.readline().strip()
    yield process, mark
    process.kill()
    process.communicate(timeout=30)


def test_we_are_alive_and_our_mark_stays_the_same() -> None:
    assert alive(me())
    assert me() == me()
    assert me().startswith(f"{os.getpid()} ")


def test_another_process_that_runs_is_alive(other: tuple[subprocess.Popen[str], str]) -> None:
    _, mark = other
    assert mark != me()
    assert alive(mark)


def test_a_stopped_process_is_alive(other: tuple[subprocess.Popen[str], str]) -> None:
    process, mark = other
    process.send_signal(signal.SIGSTOP)
    assert alive(mark)


def test_a_killed_process_is_dead_at_once_whether_or_not_its_parent_has_looked(
    other: tuple[subprocess.Popen[str], str],
) -> None:
    process, mark = other
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is a zombie until we reap it
    assert not alive(mark)
    process.wait(timeout=30)
    assert not alive(mark)


def test_the_same_id_with_another_start_is_another_process(other: tuple[subprocess.Popen[str], str]) -> None:
    pid, started, boot = other[1].split(" ")
    assert alive(f"{pid} {started} {boot}")
    assert not alive(f"{pid} {float(started) - 0.02:.2f} {boot}")


def test_the_same_id_and_start_in_another_boot_is_another_process() -> None:
    pid, started, _ = me().split(" ")
    assert not alive(f"{pid} {started} 00000000-0000-0000-0000-000000000000")


def test_a_child_that_was_forked_has_a_mark_of_its_own() -> None:
    forked = python(
        "-c",
        "import os; from localchat.store.writers import me; mine = me(); pid = os.fork()\n"
        "if pid == 0: os._exit(0 if me() != mine else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
    )
    assert ended(forked) == "0\n"


def test_setting_the_clock_kills_nobody(
    monkeypatch: pytest.MonkeyPatch, other: tuple[subprocess.Popen[str], str]
) -> None:
    """Linux counts a start from the boot; the wall clock's time of the boot moves when the clock is set."""
    from psutil import _pslinux

    hour_later = _pslinux.boot_time() + 3600
    monkeypatch.setattr(_pslinux, "boot_time", lambda: hour_later)
    monkeypatch.setattr("psutil.boot_time", lambda: hour_later)
    assert alive(other[1])


@pytest.mark.parametrize(
    "mark",
    [
        None, "", " ", "x", "-1", "0", "1", "12 34", "99999999999999999999 1 1", "ME", "ME 0 x", "٣ 1 1", "\0",
        "1 1 1 1",
    ],
)  # fmt: skip
def test_what_is_no_mark_is_not_alive(mark: str | None) -> None:
    assert not alive(mark and mark.replace("ME", str(os.getpid())))


WRITE = """
import sys
from pathlib import Path
from localchat.store import Store
from localchat.store.writers import me
with Store(Path(sys.argv[1])) as store:
    store.connection.execute("insert into chats (title) values ('x')")
    store.connection.execute(
        "insert into messages (chat_id, role, content, status, writer) values (1, 'assistant', 'half', 'streaming', ?)",
        (me(),))
    print("written", flush=True)
    sys.stdin.read()
"""


def status(store: Store) -> tuple[str, str]:
    row = store.connection.execute("select status, content from messages").fetchone()
    return row[0], row[1]


def test_a_reply_whose_writer_was_killed_is_interrupted_by_whoever_opens_the_store_first(path: Path) -> None:
    writer = python("-c", WRITE, str(path), stdin=subprocess.PIPE)
    assert writer.stdout
    assert writer.stdout.readline() == "written\n"
    with Store(path) as store:
        assert status(store) == ("streaming", "half")
    writer.kill()
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
    with Store(path) as store:
        assert status(store) == ("interrupted", "half")
    writer.communicate(timeout=30)
