"""The online backup: whole while others write, never over what is there, nothing left where it fails."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from localchat.errors import AlreadyExists, DiskFull, InvalidInput, LocalChatError, StoreUnreadable
from localchat.store import Store, backup
from localchat.store.backup import back_up
from tests.store.helpers import ended, python, raw

WRITER = """
import sys, time
from pathlib import Path
from localchat.store import Store
with Store(Path(sys.argv[1])) as store:
    print("ready", flush=True)
    until = time.monotonic() + 20
    written = 0
    while not Path(sys.argv[2]).exists() and time.monotonic() < until:
        store.connection.execute("begin immediate")
        for _ in range(5):  # a chat and its messages belong together
            chat = store.connection.execute("insert into chats (title) values ('pair')").lastrowid
            for role in ("user", "assistant"):
                store.connection.execute(
                    "insert into messages (chat_id, role, content) values (?, ?, ?)", (chat, role, "word " * 400))
        store.connection.execute("commit")
        written += 5
    print(written)
"""


def filled(store: Store, chats: int) -> None:
    store.connection.execute("begin immediate")
    for number in range(chats):
        chat = store.connection.execute("insert into chats (title) values (?)", (f"chat {number}",)).lastrowid
        store.connection.execute(
            "insert into messages (chat_id, role, content) values (?, 'user', ?)", (chat, f"word{number} " * 300)
        )
    store.connection.execute("commit")


def leftovers(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_backup_taken_while_another_process_writes_is_whole(path: Path, store: Store, tmp_path: Path) -> None:
    filled(store, 300)
    stop = tmp_path / "stop"
    writer = python("-c", WRITER, str(path), str(stop), stdin=subprocess.DEVNULL)
    assert writer.stdout is not None
    writer.stdout.readline()
    for number in range(4):
        done = back_up(store, str(tmp_path / f"copy{number}.db"))
        with raw(done.file) as copy:
            assert copy.execute("pragma integrity_check").fetchone()[0] == "ok"
            counts = copy.execute("select (select count(*) from chats), (select count(*) from messages)").fetchone()
            assert counts == (done.chats, done.messages)
            # No transaction of the writer is there in half.
            assert copy.execute("select count(*) % 5 from chats where title = 'pair'").fetchone()[0] == 0
            assert done.messages - 300 == 2 * (done.chats - 300)
            assert copy.execute("pragma journal_mode").fetchone()[0] == "delete"
    stop.touch()
    written = int(ended(writer).split()[-1])

    assert written > 0
    assert store.connection.execute("select count(*) from chats").fetchone()[0] == 300 + written
    assert leftovers(tmp_path) == {"stop", *(f"copy{n}.db" for n in range(4)), *(f"store.db{e}" for e in ENDINGS)}


ENDINGS = ("", "-wal", "-shm")


def test_a_backup_is_a_store_that_opens_and_finds_its_words(store: Store, tmp_path: Path) -> None:
    from localchat.store.search.search import Query

    filled(store, 3)
    store.catalog.add_provider("play", "echo")
    done = back_up(store, str(tmp_path / "copy.db"))

    assert (done.chats, done.messages, done.bytes) == (3, 3, done.file.stat().st_size)
    assert done.file.stat().st_mode & 0o777 == 0o600
    with Store(done.file) as copy:
        assert [provider.name for provider in copy.catalog.providers()] == ["local", "play"]
        assert len(copy.search.find(Query("word1"))) == 1


def test_a_file_that_is_there_is_replaced_only_where_that_is_wanted(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(AlreadyExists, match=r"copy\.db is there already"):
        back_up(store, str(target))
    assert target.read_text() == "precious"
    back_up(store, str(target), force=True)
    with raw(target) as copy:
        assert copy.execute("select count(*) from chats").fetchone()[0] == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("store.db", "is the store itself"),
        ("store.db-wal", "is the store itself"),
        ("link.db", "is the store itself"),
        ("hard.db", "is the store itself"),
        (".", "is a folder"),
        ("nowhere/copy.db", "does not exist"),
        ("pipe", "is no ordinary file"),
        ("a\x1b[2Jb", "cannot be the name of a file"),
        ("", "cannot be the name of a file"),
        ("x" * 400, "cannot be written"),
    ],
)
def test_places_where_no_backup_can_be_are_refused(store: Store, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "link.db").symlink_to(store.path)
    (tmp_path / "hard.db").hardlink_to(store.path)
    os.mkfifo(tmp_path / "pipe")
    before = leftovers(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        back_up(store, str(tmp_path / name) if name else "", force=True)

    assert reason in refused.value.message
    assert leftovers(tmp_path) == before
    assert store.catalog.default() is not None


def test_a_file_that_another_program_has_open_is_not_replaced(store: Store, tmp_path: Path) -> None:
    """Its log would be taken for that of the new file."""
    target = tmp_path / "other.db"
    other = sqlite3.connect(target)
    other.execute("pragma journal_mode=wal")
    other.execute("create table t (x)")
    other.commit()
    with pytest.raises(InvalidInput, match="is open in another program"):
        back_up(store, str(target), force=True)
    other.close()
    assert back_up(store, str(target), force=True).chats == 0


def test_a_disk_without_room_is_told_before_anything_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
    with pytest.raises(DiskFull, match=r"has 5 MB free; the backup takes"):
        back_up(store, str(tmp_path / "copy.db"))
    assert not (tmp_path / "copy.db").exists()


def test_a_disk_that_fills_meanwhile_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = leftovers(tmp_path)
    with pytest.raises(DiskFull):
        back_up(store, str(tmp_path / "copy.db"))
    assert leftovers(tmp_path) == before


def test_a_copy_that_is_not_whole_takes_nobodys_place(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store, 50)
    target = tmp_path / "copy.db"
    target.write_text("precious")
    copy = backup._copy

    def damaged(connection: sqlite3.Connection, beside: Path, progress: object) -> None:
        copy(connection, beside, lambda *_: None)
        data = bytearray(beside.read_bytes())
        data[4096 * 5 : 4096 * 9] = os.urandom(4096 * 4)
        beside.write_bytes(data)

    monkeypatch.setattr(backup, "_copy", damaged)
    with pytest.raises(StoreUnreadable):
        back_up(store, str(target), force=True)
    assert target.read_text() == "precious"
    assert leftovers(tmp_path) == {"copy.db", *(f"store.db{ending}" for ending in ENDINGS)}


def test_rows_that_point_at_nothing_are_no_backup(store: Store, tmp_path: Path) -> None:
    with raw(store.path) as other:
        other.execute("pragma foreign_keys=off")
        other.execute("insert into messages (chat_id, role, depth) values (99, 'user', 0)")
    with pytest.raises(StoreUnreadable, match="rows point at nothing"):
        back_up(store, str(tmp_path / "copy.db"))


def test_a_backup_that_is_stopped_leaves_nothing(store: Store, tmp_path: Path) -> None:
    filled(store, 3000)
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        raise KeyboardInterrupt

    before = leftovers(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        back_up(store, str(tmp_path / "copy.db"), progress=stop)
    assert 0 < seen[0][0] <= seen[0][1]
    assert leftovers(tmp_path) == before
    filled(store, 1)  # the store goes on


def test_export_files_are_private_whole_or_not_there(tmp_path: Path) -> None:
    from localchat.transfer.atomic_files import target, write_text

    assert write_text(tmp_path / "a.md", ["one\n", "zwei ü\n"]) == 12
    assert (tmp_path / "a.md").stat().st_mode & 0o777 == 0o600

    def broken() -> object:
        yield "begun"
        raise LocalChatError("It broke.")

    with pytest.raises(LocalChatError, match=r"It broke\."):
        write_text(tmp_path / "a.md", broken())  # type: ignore[arg-type]
    assert (tmp_path / "a.md").read_text() == "one\nzwei ü\n"
    with pytest.raises(AlreadyExists):
        target(str(tmp_path / "a.md"))
    (tmp_path / "link").symlink_to(tmp_path / "a.md")
    assert target(str(tmp_path / "link"), force=True) == tmp_path / "a.md"
    assert json.dumps(sorted(leftovers(tmp_path))) == '["a.md", "link"]'
