"""What the tests of words use: another program that holds the store, files that take their time, what was stored."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import screen_text
from localchat.tui.app import LocalChat
from tests.store.helpers import raw

_HOLD = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("begin immediate")
print("held", flush=True)
sys.stdin.read()
other.execute("rollback")
"""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """Another process holds the write lock until the end of the block, or until the function is called."""
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"

        def unlock() -> None:
            assert other.stdin is not None
            other.stdin.close()
            other.wait(30)

        try:
            yield unlock
        finally:
            unlock()


class SlowDisk:
    """Files that are sent along are read when ``ready`` is set, not before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from localchat.tui.composer import panel

        self.ready = threading.Event()
        self.asked = threading.Event()
        read_all = panel.read_all

        def slowly(*arguments: Any) -> Any:
            self.asked.set()
            assert self.ready.wait(30)
            return read_all(*arguments)

        monkeypatch.setattr(panel, "read_all", slowly)


async def until(pilot: Pilot[Any], holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something holds. Fails with the screen where it never does."""
    end = time.monotonic() + seconds
    while not holds():
        app = pilot.app
        assert isinstance(app, LocalChat)
        assert time.monotonic() < end, f"waited in vain; the screen is:\n{screen_text(app)}"
        await pilot.pause(0.01)


async def shows(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these are on the screen."""
    app = pilot.app
    assert isinstance(app, LocalChat)
    await until(pilot, lambda: all(text in screen_text(app) for text in texts))


def composer(app: LocalChat) -> str:
    return app.chat_screen.conversation.composer.text


def sent(store: Store) -> list[tuple[int, str]]:
    """What the person said, by chat, as another program reads it; oldest first, without what the known store holds."""
    with raw(store.path) as other:
        return other.execute(
            "select chat_id, content from messages where role = 'user' and id > 4 order by id"
        ).fetchall()
