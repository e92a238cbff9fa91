"""Whatever happens to the store while the app is open, and however the app ends: what was typed and what came is in
exactly one of the store, a file beside it or in the folder for temporary files, and the terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.terminal import Terminal

TYPED = "typed-and-not-sent"
CAME = "late-word"
SLOW = f"/echo slow 1.5 first {CAME} and more words that never come"
FAULTS = (
    *("nothing", "disk full", "store gone", "store locked", "store replaced"),
    *("log gone", "index gone", "permission taken"),
)
ENDS = ("ctrl+q", "SIGTERM", "SIGHUP", "terminal gone")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    yield folder
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    if not os.path.ismount(folder):
        pytest.skip("no disk can be mounted here")
    for name, size in (("filler", 65536), ("filler2", 1)):
        with contextlib.suppress(OSError), (folder / name).open("wb", buffering=0) as file:
            while file.write(b"x" * size):
                pass


@contextlib.contextmanager
def trouble(fault: str, store: Path) -> Iterator[None]:
    """Until it is over; then the store is looked at."""
    undo: Callable[[], object] = lambda: None  # noqa: E731
    if fault == "disk full":
        fill(store.parent)
    elif fault == "store gone":
        for ending in ("", "-wal", "-shm"):
            Path(f"{store}{ending}").unlink()
    elif fault == "store replaced":
        other = store.with_name("other.db")
        known_store(other).close()
        other.replace(store)
    elif fault == "log gone":
        Path(f"{store}-wal").unlink()
    elif fault == "index gone":
        Path(f"{store}-shm").unlink()
    elif fault == "permission taken":
        store.chmod(0)
        undo = lambda: store.chmod(0o600)  # noqa: E731
    elif fault == "store locked":
        locker = sqlite3.connect(store, isolation_level=None)
        locker.execute("begin immediate")
        undo = locker.close
    yield
    undo()


def in_the_store(store: Path) -> str:
    if not store.exists():
        return ""
    copy = store.parent.parent / "copy.db"
    for ending in ("", "-wal"):
        if Path(f"{store}{ending}").exists():
            shutil.copyfile(f"{store}{ending}", f"{copy}{ending}")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        drafts = [row[0] for row in connection.execute("select draft from chats union all select value from state")]
        replies = [row[0] for row in connection.execute("select content from messages where role = 'assistant'")]
    return "\n".join([*drafts, *replies])


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_typed_and_what_came_is_in_exactly_one_place(disk: Path, tmp_path: Path, fault: str, end: str) -> None:
    store = disk / "chats.db"
    known_store(store).close()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with Terminal(store, environ={"TMPDIR": str(temporary), "LOCALCHAT_BACKUPS": "0"}) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        terminal.say(SLOW)
        terminal.wait_for("│  first")
        with trouble(fault, store):
            terminal.type(TYPED)
            terminal.wait_for(TYPED, f"│  first {CAME}")
            shown = len(terminal.raw)
            if end == "ctrl+q":
                terminal.press("ctrl+q")
            elif end == "terminal gone":
                terminal.hang_up()
            else:
                terminal.process.kill(getattr(signal, end))
            after = ""
            if end != "terminal gone":
                terminal.wait_until_it_ends()
                after = terminal.raw[shown:].decode(errors="replace").rpartition("\x1b[?1049l")[2]
        files = [*disk.glob("chats-unsaved*.txt"), *temporary.glob("chats-unsaved*.txt")]
        texts = [file.read_text() for file in files]
        stored = in_the_store(store)
    for words in (TYPED, CAME):
        places = [words in stored, *(words in text for text in texts), words in after]
        assert sum(places) == 1, (words, fault, end, places, after)
    assert fault not in ("nothing", "permission taken") or not files
