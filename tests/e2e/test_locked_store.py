"""Another process holds the store's write lock: the real program goes on, and ends in time."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from localchat.testing import known_store
from tests.e2e.terminal import Terminal
from tests.tui.chat.words import locked

ALT_UP, ALT_DOWN, PAGE_UP = "\x1b[1;3A", "\x1b[1;3B", "\x1b[5~"
HELD = 0.0  # seconds that the lock is held before the last keys: 40 changes nothing but the time it takes


def test_every_key_works_while_another_process_holds_the_lock(tmp_path: Path) -> None:
    store = tmp_path / "chats.db"
    known_store(store).close()
    with Terminal(store) as terminal, locked(store):
        terminal.wait_for("Why is the database locked?")
        terminal.type("mine")
        terminal.wait_for("❯ mine", "The store is locked. Waiting to ")
        terminal.type(ALT_DOWN)
        terminal.wait_for("In winter, often.", gone="❯ mine")
        terminal.press("f1")
        terminal.wait_for("Every key of this place")
        terminal.press("escape")
        terminal.wait_for("In winter, often.")
        terminal.press("f2")
        terminal.wait_for("alpha", "zeta", gone="In winter, often.")
        terminal.press("escape")
        terminal.wait_for("In winter, often.")
        terminal.type(PAGE_UP)
        terminal.say("Hello")
        terminal.wait_for("The store is locked. Waiting to send “Hello”.", "esc gives it back")
        terminal.press("escape")
        terminal.wait_for("❯ Hello", gone="Waiting to send")
        terminal.type(ALT_UP)
        terminal.wait_for("❯ mine")
        if HELD:
            terminal.settle(HELD, HELD + 5)
            terminal.type("!")
            terminal.wait_for("❯ mine!", seconds=2)
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 1
    told = terminal.raw.decode(errors="replace")
    kept = tmp_path / "chats-unsaved.txt"
    assert kept.name in told.replace("\r\n", "")
    assert {line for line in kept.read_text("utf-8").splitlines() if line and not line.startswith("#")} == {
        "mine!" if HELD else "mine",
        "Hello",
    }
    with contextlib.closing(sqlite3.connect(store)) as reader:
        assert reader.execute("select count(*) from messages where content = 'Hello'").fetchone() == (0,)
