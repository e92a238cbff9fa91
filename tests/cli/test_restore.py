"""``backup`` and ``restore`` as a person in trouble uses them: real processes, kill -9, a damaged store."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run, start
from tests.fakes import FakeEndpoint
from tests.store.helpers import raw


def chats_in(path: Path, first: int, last: int) -> None:
    with Store(path) as store:
        store.connection.execute("begin immediate")
        for number in range(first, last + 1):
            chat = store.connection.execute("insert into chats (title) values (?)", (f"chat {number}",)).lastrowid
            store.connection.execute(
                "insert into messages (chat_id, role, content) values (?, 'user', ?)", (chat, f"word{number} " * 900)
            )
        store.connection.execute("commit")


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))


def killed_in_a_turn(path: Path) -> None:
    """Leaves a log beside the store, as a crash does."""
    with FakeEndpoint() as endpoint:
        with Store(path) as store:
            store.catalog.add_provider("fake", "openai", base_url=endpoint.base_url("openai"))
            store.catalog.add_model("fake", "silent-midway")
        asking = start("ask", "-m", "fake/silent-midway", "tell me")
        assert asking.stdout is not None
        assert asking.stdout.read(1)
        os.kill(asking.pid, signal.SIGKILL)
        asking.wait()
        asking.communicate()
    assert path.with_name("chat.db-wal").stat().st_size > 0


@pytest.mark.parametrize("by_name", [True, False])
def test_a_backup_restored_after_a_crash_and_damage_is_exactly_what_was_backed_up(
    real: Run, path: Path, tmp_path: Path, by_name: bool
) -> None:
    chats_in(path, 1, 5)
    copy = tmp_path / "good.db"
    made = Path(real("backup", *([str(copy)] if by_name else []), "--json").json["file"])
    chats_in(path, 6, 20)
    killed_in_a_turn(path)
    damage(path)
    broken = {ending: Path(f"{path}{ending}").read_bytes() for ending in ("", "-wal")}
    refused = real("chats", "list", "--json")
    assert refused.error["code"] == "store_damaged"
    assert "localchat restore" in refused.error["hint"]

    done = real("restore", str(made), "--yes", "--json")

    assert (done.code, done.json["chats"], done.json["messages"]) == (0, 5, 5)
    listed = real("chats", "list", "--json").json
    assert sorted(chat["title"] for chat in listed) == [f"chat {n}" for n in range(1, 6)]
    with raw(path) as now:
        assert now.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert now.execute("select count(*) from messages where content like 'word%'").fetchone()[0] == 5
    assert path.stat().st_mode & 0o777 == 0o600
    kept = [Path(name) for name in done.json["kept"]]
    assert kept[0].read_bytes() == broken[""]
    assert Path(f"{kept[0]}-wal") in kept
    assert Path(f"{kept[0]}-wal").read_bytes() == broken["-wal"]
    assert made.exists()


def test_a_store_that_was_replaced_can_be_brought_back(real: Run, path: Path) -> None:
    """Its log went with it: nothing that was in it is lost."""
    chats_in(path, 1, 2)
    made = real("backup", "--json").json["file"]
    chats_in(path, 3, 9)
    killed_in_a_turn(path)
    kept = real("restore", made, "--yes", "--json").json["kept"]
    assert len(real("chats", "list", "--json").json) == 2

    assert real("restore", kept[0], "--yes", "--json").json["chats"] == 10  # and the one of the turn


def test_a_store_that_another_window_has_open_is_not_replaced(real: Run, path: Path) -> None:
    chats_in(path, 1, 2)
    made = real("backup", "--json").json["file"]
    chats_in(path, 3, 3)
    before = {file.name for file in path.parent.iterdir()}
    with Store(path) as store:
        store.chats.get(1)
        refused = real("restore", made, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (1, "store_busy")
    assert "open" in refused.error["message"]
    assert {file.name for file in path.parent.iterdir()} <= before | {"chat.db-wal", "chat.db-shm"}
    assert len(real("chats", "list", "--json").json) == 3
    assert real("restore", made, "--yes", "--json").json["chats"] == 2


def test_a_store_that_is_gone_is_restored_and_a_log_left_of_it_is_kept(run: Run, path: Path, tmp_path: Path) -> None:
    chats_in(path, 1, 3)
    made = run("backup", "--json").json["file"]
    path.unlink()
    log = path.with_name("chat.db-wal")
    log.write_bytes(b"left")

    done = run("restore", made, "--yes", "--json")

    assert done.json["chats"] == 3
    assert [Path(name).read_bytes() for name in done.json["kept"]] == [b"left"]
    assert len(run("chats", "list", "--json").json) == 3


def broken_backup(file: Path) -> None:
    with Store(file) as store:
        store.connection.execute("pragma journal_mode=delete").fetchall()
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 20] = os.urandom(4096 * 17)
    file.write_bytes(data)


def newer(file: Path) -> None:
    with Store(file) as store:
        store.connection.execute("pragma user_version = 999").fetchall()


def foreign(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("create table t (x)")
        other.commit()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (broken_backup, "store_unreadable"),
        (newer, "store_newer"),
        (foreign, "store_unreadable"),
        (lambda file: file.write_bytes(b""), "store_unreadable"),
        (lambda file: file.write_text("no database, but long enough to be one" * 99), "store_unreadable"),
        (lambda file: None, "not_found"),
        (lambda file: file.symlink_to(file.with_name("chat.db")), "invalid_input"),
    ],
)
def test_what_is_no_sound_backup_replaces_nothing(run: Run, path: Path, tmp_path: Path, make, code: str) -> None:  # type: ignore[no-untyped-def]
    chats_in(path, 1, 2)
    make(tmp_path / "candidate.db")
    before = path.read_bytes()
    refused = run("restore", str(tmp_path / "candidate.db"), "--yes", "--json")

    assert (refused.code, refused.error["code"]) == (1, code)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*replaced*"))
    assert not list(tmp_path.glob(".*.part"))


def test_restoring_asks_and_without_a_terminal_needs_yes(run: Run, path: Path) -> None:
    chats_in(path, 1, 2)
    made = run("backup", "--json").json["file"]
    refused = run("restore", made)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert len(run("chats", "list", "--json").json) == 2


def test_without_a_file_the_backups_are_listed_the_newest_first_also_of_a_damaged_store(run: Run, path: Path) -> None:
    assert run("restore", "--json").json == []
    assert "`localchat backup` makes one" in run("restore").out
    for last in (1, 2):
        chats_in(path, last, last)
        run("backup")
    damage(path)

    listed = run("restore", "--json").json

    assert [(one["chats"], one["messages"], one["kind"]) for one in listed] == [(2, 2, "by-hand"), (1, 1, "by-hand")]
    folder = path.with_name("chat.db-backups")
    assert [Path(one["file"]) for one in listed] == sorted(folder.iterdir(), reverse=True)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert listed[0]["file"] in run("restore").out
    assert run("backup", "--force", "--json").error["code"] == "invalid_input"


def test_a_killed_backup_is_swept_by_the_next(run: Run, path: Path, tmp_path: Path) -> None:
    chats_in(path, 1, 1)
    run("backup")
    left = path.with_name("chat.db-backups") / ".2026-01-01-0001-daily.db.abc.part"
    mine, others, fresh = (tmp_path / f".{name}.part" for name in ("b.db.old", "c.db.old", "b.db.new"))
    for file in (left, mine, others, fresh):
        file.write_bytes(b"all chats")
    for file in (mine, others):
        os.utime(file, (1, 1))
    run("backup")
    run("backup", str(tmp_path / "b.db"))

    assert [file.exists() for file in (left, mine, others, fresh)] == [False, False, True, True]


def test_backups_at_once_get_numbers_of_their_own(path: Path) -> None:
    chats_in(path, 1, 1)
    processes = [start("backup", "--json") for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    numbers = sorted(file.name.split("-")[3] for file in path.with_name("chat.db-backups").iterdir())
    assert numbers == ["0001", "0002", "0003"]


def test_a_turn_is_followed_by_the_backup_of_the_day_and_its_failure_is_a_notice(
    real: Run, echo: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALCHAT_BACKUPS")
    first = real("ask", "hello")
    assert (first.code, first.err) == (0, "")
    assert [(one["kind"], one["chats"]) for one in real("restore", "--json").json] == [("daily", 1)]
    assert real("ask", "again").code == 0
    assert len(real("restore", "--json").json) == 1

    for file in path.with_name("chat.db-backups").iterdir():
        file.unlink()
    path.with_name("chat.db-backups").rmdir()
    path.with_name("chat.db-backups").write_text("in the way")
    failed = real("ask", "more")
    assert (failed.code, failed.out.strip() != "") == (0, True)
    assert failed.err.startswith("The store was not backed up.")
    assert real("ask", "more").err == ""
