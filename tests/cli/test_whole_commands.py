"""No command leaves half of its work done: failed at any statement that writes, it leaves the store as it was."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

import localchat.store
from localchat.store import Store
from localchat.store.connection import Connection
from tests.cli.conftest import Run
from tests.cli.test_providers import Memory
from tests.cli.test_providers import memory as memory

TABLES = ("providers", "model_configs", "chats", "messages", "catalog_events")
URL = "https://far.example/v1"
WRITES = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)

COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "provider added": (("providers", "add", "new", "--kind", "echo"), ""),
    "provider added with a key": (
        ("providers", "add", "new", "--kind", "openai", "--base-url", URL, "--key-stdin"),
        "secret-key",
    ),
    "provider renamed": (("providers", "edit", "z", "--name", "y"), ""),
    "another key": (("providers", "edit", "keyed", "--key-stdin"), "another-key"),
    "provider off": (("providers", "disable", "z"), ""),
    "provider removed": (("providers", "remove", "z", "--yes"), ""),
    "provider removed, key forgotten": (("providers", "remove", "keyed", "--yes", "--forget-key"), ""),
    "provider removed, chats moved": (
        ("providers", "remove", "z", "--move-chats", "b/b1", "--default", "b/b1", "--yes"),
        "",
    ),
    "provider restored": (("providers", "restore", "gone"), ""),
    "model added as the default": (("models", "add", "b/b2", "--default"), ""),
    "model in the box added again": (("models", "add", "local/smollm2", "--default"), ""),
    "model revived": (("models", "add", "b/old", "--param", "temperature=1"), ""),
    "model edited": (("models", "edit", "z/z1", "--name", "z9", "--param", "temperature=1"), ""),
    "model off": (("models", "disable", "z/z1"), ""),
    "model removed": (("models", "remove", "z/z1", "--move-chats", "b/b1", "--yes"), ""),
    "model restored": (("models", "restore", "b/old"), ""),
    "default": (("models", "default", "b/b1"), ""),
    "demoted": (("models", "demote", "z/z1"), ""),
    "chats moved": (("chats", "move", "z/z1", "b/b1"), ""),
    "undo": (("undo",), ""),
    "chat forked": (("chats", "fork", "1"), ""),
    "chat deleted": (("chats", "delete", "1"), ""),
    "chat renamed": (("chats", "rename", "1", "Rain"), ""),
}


class Failing:
    """Refuses the write number ``at`` of a run; ``reached`` tells whether it came that far."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.seen = 0

    def begin(self, at: int | None) -> None:
        self.at, self.seen = at, 0

    @property
    def reached(self) -> bool:
        return self.at is not None and self.seen > self.at

    def __call__(self, action: int, table: str | None, *_: Any) -> int:
        if self.at is None or action not in WRITES or table not in TABLES:
            return sqlite3.SQLITE_OK
        self.seen += 1
        return sqlite3.SQLITE_DENY if self.seen == self.at + 1 else sqlite3.SQLITE_OK


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    failing = Failing()
    real = localchat.store.connect

    def connect(*words: Any, **more: Any) -> Connection:
        found = real(*words, **more)
        found.set_authorizer(failing)
        return found

    monkeypatch.setattr(localchat.store, "connect", connect)
    return failing


@pytest.fixture
def full(run: Run, store: Store, memory: Memory) -> Store:
    """z (z1 the default, with a chat; z2), b (b1, and old, removed), keyed (a key in the keyring); gone was removed."""
    for name in ("z", "b", "gone"):
        run("providers", "add", name, "--kind", "echo")
    for ref in ("z/z1", "z/z2", "b/b1", "b/old", "gone/g"):
        run("models", "add", ref)
    assert (
        run("providers", "add", "keyed", "--kind", "openai", "--base-url", URL, "--key-stdin", stdin="kept-key").code
        == 0
    )
    run("models", "default", "z/z1")
    run("ask", "-m", "z/z1", "Hello")
    run("providers", "remove", "local", "--yes")
    run("models", "remove", "b/old", "--yes")
    run("providers", "remove", "gone", "--yes")
    return store


@pytest.mark.parametrize("command", COMMANDS)
def test_failed_at_any_write_it_leaves_store_and_keyring_as_they_were(
    full: Store, run: Run, failing: Failing, memory: Memory, command: str
) -> None:
    words, typed = COMMANDS[command]

    def all_of_it() -> tuple[Any, ...]:
        rows = {t: [tuple(r) for r in full.connection.execute(f"select * from {t} order by id")] for t in TABLES}
        return rows, dict(memory.kept)

    before = all_of_it()
    for at in range(200):
        failing.begin(at)
        answer = run(*words, stdin=typed)
        failing.begin(None)
        if answer.code == 0:
            break
        assert answer.code == 1, answer.err
        assert "Traceback" not in answer.err
        assert all_of_it() == before, f"write {at + 1}"
    assert at > 0, "no write was refused: the test fails nothing"
    assert all_of_it() != before, answer.err
