"""The app over a store that cannot be written: everything can be read, and it says that nothing is saved."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.terminal import Terminal
from tests.e2e.test_quitting import fill


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    yield folder
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_the_app_shows_and_finds_and_says_that_nothing_is_saved(disk: Path, tmp_path: Path) -> None:
    store = disk / "chats.db"
    known_store(store).close()
    fill(disk)
    (tmp_path / "temporary").mkdir()
    with Terminal(store, environ={"TMPDIR": str(tmp_path / "temporary"), "LOCALCHAT_BACKUPS": "0"}) as terminal:
        terminal.wait_for("Locks in SQLite", "BEGIN IMMEDIATE", "read-only, nothing is saved", "The disk is full")
        terminal.say("unheard words")
        terminal.wait_for("unheard words")
        terminal.press("ctrl+q")
        terminal.wait_until_it_ends()
    [kept] = (tmp_path / "temporary").glob("chats-unsaved*.txt")
    assert "unheard words" in kept.read_text()
