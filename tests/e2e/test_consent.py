"""Two real processes: the default changes while the question stands, and no word goes where nobody agreed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.terminal import Terminal


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The newest chat (2) lost its local model; the default answers at far.invalid, and other/o1 at other.invalid."""
    path = tmp_path / "chats.db"
    with known_store(path) as opened:
        for name in ("far", "other"):
            opened.catalog.add_provider(name, "openai", f"https://{name}.invalid/v1")
            opened.catalog.add_model(name, f"{name[0]}1")
        opened.catalog.make_default(opened.catalog.live("far/f1").id)
        opened.catalog.remove_provider("zeta")
    return path


def elsewhere(path: Path, *words: str) -> None:
    """Another process changes the catalog."""
    environ = {**os.environ, "LOCALCHAT_DB": str(path)}
    subprocess.run(
        [sys.executable, "-m", "localchat", *words], env=environ, check=True, capture_output=True, timeout=30
    )


def turns(path: Path) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The refs that chat 2 was sent to since, and the hosts agreed to for it."""
    with closing(sqlite3.connect(path)) as connection:
        sent = connection.execute(
            "select model_ref from messages where chat_id = 2 and role = 'assistant' order by id"
        ).fetchall()
        hosts = connection.execute("select remote_hosts from chats where id = 2").fetchone()[0]
    return sent[1:], json.loads(hosts)


def test_the_app_asks_anew_about_the_host_that_it_would_be_by_now(store: Path) -> None:
    with Terminal(store, columns=80, lines=24) as terminal:
        terminal.wait_for("Locks in SQLite", "★ f1")
        terminal.say("A secret")
        terminal.wait_for("far.invalid", "Keep it here")
        elsewhere(store, "models", "default", "other/o1")
        terminal.wait_for("other.invalid", "This changed meanwhile", gone="far.invalid")
        assert turns(store) == ([], [])
        terminal.confirm("y", gone="Keep it here")
        terminal.wait_for("other does not answer", gone="Keep it here")
        assert turns(store) == ([("other/o1",)], ["other.invalid"])
        terminal.press("ctrl+q")
        terminal.wait_until_it_ends()


def test_the_app_sends_nothing_where_the_model_came_back_meanwhile(store: Path) -> None:
    with Terminal(store, columns=80, lines=24) as terminal:
        terminal.wait_for("Locks in SQLite", "★ f1")
        terminal.say("A secret")
        terminal.wait_for("far.invalid", "Keep it here")
        elsewhere(store, "providers", "restore", "zeta")
        terminal.wait_for("Nothing has to leave this machine", "A secret", gone="Keep it here")
        assert turns(store) == ([], [])


@pytest.mark.parametrize(
    ("change", "host"),
    [
        (("models", "default", "other/o1"), "other.invalid"),
        (("providers", "edit", "far", "--base-url", "https://moved.invalid:8443/v1"), "moved.invalid:8443"),
        (("providers", "remove", "far", "--default", "other/o1", "--yes"), "other.invalid"),
    ],
)
def test_ask_asks_again_with_the_new_host(store: Path, change: tuple[str, ...], host: str) -> None:
    with Terminal(store, "ask", "--chat", "2", "A secret") as terminal:
        terminal.wait_for("Send this chat to far.invalid?")
        elsewhere(store, *change)
        terminal.press("y", "enter")
        terminal.wait_for(f"Send this chat to {host}?")
        assert turns(store) == ([], [])
        terminal.press("n", "enter")
        assert terminal.wait_until_it_ends() == 1
        assert turns(store) == ([], [])


def test_ask_goes_on_by_itself_where_nothing_has_to_leave_any_more(store: Path) -> None:
    with Terminal(store, "ask", "--chat", "2", "A secret") as terminal:
        terminal.wait_for("Send this chat to far.invalid?")
        elsewhere(store, "models", "default", "beta/b1")
        terminal.press("y", "enter")
        terminal.wait_until_it_ends()
        assert turns(store) == ([("beta/b1",)], [])
