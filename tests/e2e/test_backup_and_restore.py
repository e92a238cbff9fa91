"""A backup made and brought back inside the app, by the palette."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.store import Store
from localchat.testing import known_store
from tests.e2e.terminal import Terminal


def choose(terminal: Terminal, command: str) -> None:
    terminal.press("ctrl+p")
    terminal.wait_for("Search for commands")
    terminal.type(command)
    terminal.settle()
    terminal.press("enter")


def test_the_app_backs_up_and_brings_the_backup_back(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    known_store(path).close()
    with Terminal(path, environ={"LOCALCHAT_BACKUPS": "0"}) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        choose(terminal, "back up")
        terminal.wait_for("Backed up 2 chats")
        with Store(path) as other:
            other.chats.rename(2, "Changed after it")
        terminal.wait_for("Changed after it")
        choose(terminal, "restore a backup")
        terminal.wait_for("Restore a backup?", "2 chats")
        terminal.press("y")
        terminal.wait_for("Restored 2 chats", "Locks in SQLite", gone="Changed after it")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
    with Store(path) as store:
        assert store.chats.get(2).title == "Locks in SQLite"
    [kept] = tmp_path.glob("chats.db-replaced-*[0-9]")
    with Store(kept) as before:
        assert before.chats.get(2).title == "Changed after it"
