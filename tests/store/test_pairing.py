"""A store and its log: that of another file is taken away before SQLite writes it into the store, its own stays."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.backup import back_up
from localchat.store.pairing import take_strange_log_away
from tests.store.helpers import fingerprints, python, raw

WRITE = (
    "import os, signal, sys; from pathlib import Path; from localchat.store import Store; s = Store(Path(sys.argv[1]));"
    "s.connection.execute('begin');"
    "[s.connection.execute('insert into chats (title, system) values (?, ?)', (f'{sys.argv[2]} {n}', 'x' * 900))"
    " for n in range(60)]; s.connection.execute('commit'); os.kill(os.getpid(), signal.SIGKILL)"
)


def killed(path: Path, title: str) -> None:
    assert python("-c", WRITE, str(path), title).wait(timeout=60) == -signal.SIGKILL
    assert Path(f"{path}-wal").stat().st_size > 0


def titles(path: Path) -> set[str]:
    with raw(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        return {row[0].split()[0] for row in connection.execute("select title from chats")}


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Of the store ``chat.db``, which went on, had its log written into it, went on again and was killed."""
    path, copy = tmp_path / "chat.db", tmp_path / "good.db"
    with Store(path) as store:
        store.connection.execute("insert into chats (title) values ('early')")
        back_up(store, str(copy))
        store.connection.executemany("insert into chats (title, system) values ('middle', ?)", [("y" * 900,)] * 90)
        store.connection.execute("pragma wal_checkpoint(truncate)")
    killed(path, "late")
    return copy


def test_a_backup_copied_by_hand_beside_an_old_log_is_not_destroyed_by_it(tmp_path: Path, backup: Path) -> None:
    path = tmp_path / "chat.db"
    log = Path(f"{path}-wal").read_bytes()
    shutil.copyfile(backup, path)
    with Store(path) as store:
        kept = store.connection.strange_log
        assert kept is not None
        assert "strange" in kept.name
        assert kept.read_bytes() == log
        store.state.put("a", "1")
    assert titles(path) == {"early"}


def test_the_log_of_a_process_that_was_killed_stays_with_its_store(tmp_path: Path, backup: Path) -> None:
    path = tmp_path / "chat.db"
    with Store(path) as store:
        assert store.connection.strange_log is None
    assert titles(path) == {"early", "middle", "late"}


def test_a_first_start_that_was_killed_keeps_its_log(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    killed(path, "first")
    with Store(path) as store:
        assert store.connection.strange_log is None
    assert titles(path) == {"first"}


def test_while_somebody_has_the_store_open_no_log_is_touched(tmp_path: Path, backup: Path) -> None:
    path = tmp_path / "chat.db"
    shutil.copyfile(backup, path)
    holding = (
        "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); c.execute('select count(*) from chats');"
        "print('open', flush=True); sys.stdin.read()"
    )
    other = python("-c", holding, str(path), stdin=-1)
    assert other.stdout is not None
    other.stdout.readline()
    before = fingerprints(tmp_path)
    assert take_strange_log_away(path) is None
    assert fingerprints(tmp_path) == before
    other.communicate("", timeout=30)
