"""Every field of the store holds what a terminal would obey, and every screen shows it: seen on the raw bytes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.payload import PAYLOAD, check, poison
from tests.e2e.terminal import Terminal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    known_store(path).close()
    assert poison(path, against_its_rules=False) > 20
    return path


ASK, CONFIRM, UNDO = "ctrl+r", "enter", "f8"  # they write
PALETTE = "Search for commands"  # the footer stands below it
# A key, and what stands on the screen that it leads to.
WALK = [
    ("shift+tab", "c Copy"),
    ("k", "Ask"),
    ("k", "Ask"),
    ("k", "Ask"),
    ("e", "Editing your message"),
    ("escape", "❯"),
    ("up", "❯ Why is the database locked?"),
    ("f4", "Instructions for Locks"),
    ("escape", "f4 Instructions"),
    ("f9", "about 1"),
    ("escape", "f4 Instructions"),
    ("ctrl+o", "Choose a model"),
    ("escape", "f4 Instructions"),
    ("f1", "Every key of this place"),
    ("escape", "f4 Instructions"),
    ("ctrl+s", "Export"),
    ("escape", "f4 Instructions"),
    ("ctrl+f", "f4 Who"),
    ("y", "Why is"),
    ("escape", "f4 Instructions"),
    ("ctrl+p", PALETTE),
    ("escape", "f4 Instructions"),
    ("ctrl+k", "Go to a chat"),
    ("escape", "f4 Instructions"),
    ("ctrl+b", "e Rename"),
    ("e", "Rename chat"),
    ("escape", "e Rename"),
    ("v", "Archive"),
    ("v", "Trash"),
    ("v", "e Rename"),
    ("escape", "f4 Instructions"),
    (ASK, "9 tokens"),
    ("f2", "Models of alpha"),
    ("e", "Edit alpha"),
    ("escape", "D Discover"),
    ("t", "a Add"),
    ("d", "Remove alpha"),
    ("escape", "D Discover"),
    ("right", "* Default"),
    ("e", "Edit alpha"),
    ("escape", "* Default"),
    ("d", "Remove alpha"),
    (CONFIRM, "Removed"),
    (UNDO, "is back"),
    ("h", "History of providers"),
    ("escape", "* Default"),
    ("escape", "f4 Instructions"),
]


def test_no_field_of_the_store_steers_the_terminal_on_any_screen(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Why is the database locked?", "a draft")
        for key, seen in WALK:
            terminal.press(key)
            terminal.settle(0.1)
            terminal.wait_for(seen, gone=PALETTE if key == "escape" else "")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
        check(terminal)


def test_no_field_that_its_table_forbids_steers_the_terminal_either(tmp_path: Path) -> None:
    """Such a store is damaged: it is read, and what would write says so."""
    path = tmp_path / "chats.db"
    known_store(path).close()
    allowed = tmp_path / "allowed.db"
    known_store(allowed).close()
    assert poison(path, against_its_rules=True) > poison(allowed, against_its_rules=False)
    with Terminal(path) as terminal:
        terminal.wait_for("Locks in SQLite", "Why is the database locked?", "a draft")
        for key, seen in WALK:
            if key in (ASK, UNDO):
                continue
            terminal.press("escape" if key == CONFIRM else key)
            terminal.settle(0.1)
            terminal.wait_for(seen if key != CONFIRM else "* Default", gone=PALETTE if key == "escape" else "")
        terminal.press("ctrl+q")
        terminal.wait_until_it_ends()
        check(terminal)


def test_no_field_of_an_imported_file_steers_the_terminal(store: Path, tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared.json", tmp_path / "mine" / "chats.db"
    localchat = [sys.executable, "-m", "localchat"]
    subprocess.run([*localchat, "chats", "export", "2", "--format", "json", "-o", shared, "--db", store], check=True)
    assert "\\u001b]52" in shared.read_text("utf-8")
    mine.parent.mkdir()
    known_store(mine).close()
    subprocess.run([*localchat, "import", shared, "--db", mine], check=True, stdout=subprocess.PIPE)
    with sqlite3.connect(mine) as plain:
        assert plain.execute("select count(*) from chats where draft like '%' || ? || '%'", (PAYLOAD[:20],)).fetchone()[
            0
        ]
        plain.execute("update chats set updated_at = '2030-01-01T00:00:00.000Z' where draft <> ''")
    plain.close()
    with Terminal(mine) as terminal:
        terminal.wait_for("Why is the database locked?]52", "a draft")
        for key, seen in WALK[:9]:
            terminal.press(key)
            terminal.settle(0.1)
            terminal.wait_for(seen, gone=PALETTE if key == "escape" else "")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
        check(terminal)
