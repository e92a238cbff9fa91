"""A program that was stopped and goes on: what SIGSTOP did to it is over, and it ends as any other."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

import psutil

from localchat.testing import known_store
from tests.e2e.terminal import Terminal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    known_store(path).close()
    return path


def stop_and_continue(terminal: Terminal) -> None:
    process = psutil.Process(terminal.process.pid)
    process.send_signal(signal.SIGSTOP)
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    before = terminal.raw.count(b"\x1b[?1049h")
    process.send_signal(signal.SIGCONT)
    while terminal.raw.count(b"\x1b[?1049h") == before:  # it takes the terminal anew: a shell had it meanwhile
        terminal.read()


@pytest.mark.parametrize("times", [1, 3])
def test_stopped_and_continued_it_takes_a_turn_and_ends_by_ctrl_q(store: Path, times: int) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        for _ in range(times):
            stop_and_continue(terminal)
        terminal.say("Still here?")
        terminal.wait_for("z1 · zeta", "│  Still here?")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0


def test_what_was_on_the_screen_is_drawn_again(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        terminal.type("half a thought")
        terminal.wait_for("half a thought")
        terminal.settle()
        terminal.forget()
        stop_and_continue(terminal)
        terminal.wait_for("Locks in SQLite", "half a thought")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
