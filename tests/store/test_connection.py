"""Opening the file, and what SQLite's errors become."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.errors import DiskFull, InvalidInput, LocalChatError, StoreBusy, StoreNewer, StoreUnreadable
from localchat.store import Store, patiently
from localchat.store.connection import connect, immediate, snapshot
from tests.store.helpers import ended, fingerprints, python, raw


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# A new store.


def test_a_new_store_has_the_model_in_the_box_as_its_default(path: Path) -> None:
    with Store(path) as store:
        assert [(p.name, p.kind, p.enabled) for p in store.catalog.providers()] == [("local", "embedded", True)]
        assert [(m.ref, m.is_default, m.usable, m.is_local) for m in store.catalog.models()] == [
            ("local/smollm2", True, True, True)
        ]


def test_the_file_its_logs_and_the_folders_made_for_it_are_private(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for it" / "store.db"
    before = os.umask(0)
    try:
        with Store(path) as store:
            store.state.put("a", "b")
            names = {file.name: mode(file) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert names == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
    assert mode(tmp_path / "made") == mode(tmp_path / "made" / "for it") == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    Store(folder / "store.db").close()
    assert mode(folder) == 0o755


def test_a_first_start_that_was_interrupted_is_begun_again(path: Path) -> None:
    path.touch(mode=0o644)
    with Store(path) as store:
        assert store.catalog.default() is not None
    assert mode(path) == 0o600


def test_a_first_start_that_got_as_far_as_the_empty_log_is_begun_again(path: Path) -> None:
    connect(path).close()
    assert path.stat().st_size > 0
    with Store(path) as store:
        assert store.catalog.default() is not None


def test_the_file_behind_a_link_is_private_too(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "elsewhere.db")
    Store(link).close()
    assert mode(tmp_path / "elsewhere.db") == 0o600
    assert link.is_symlink()


def test_wal_and_foreign_keys_are_on(store: Store) -> None:
    assert store.connection.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert store.connection.execute("pragma foreign_keys").fetchone()[0] == 1


def test_a_name_that_sqlite_would_take_for_something_else_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x.db?mode=memory", "a b%20#?&.db", "بيت 🏠.db"):
        with Store(Path(name)) as store:
            store.state.put("was", "here")
        with Store(Path(name)) as store:
            assert store.state.get("was") == "here"
        assert (tmp_path / name).is_file()


# What is no store of ours is refused, and left byte for byte as it was.


def other_program(path: Path) -> None:
    with raw(path) as connection:
        connection.executescript("create table moz_places (id integer primary key, url text); pragma user_version = 1")


def other_program_in_wal(path: Path) -> None:
    with raw(path) as connection:
        connection.executescript("pragma journal_mode=wal; create table notes (words text)")


def other_user_of_sqlite_utils(path: Path) -> None:
    with raw(path) as connection:
        connection.executescript(
            "create table _sqlite_migrations (id integer primary key, migration_set text, name text, applied_at text);"
            "insert into _sqlite_migrations (migration_set, name) values ('garden', 'core'); create table beds (n)"
        )


def words(path: Path) -> None:
    path.write_text("Dear diary, this is no database, however long it may go on. " * 50)


def half_a_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\1" * 300)


def one_byte(path: Path) -> None:
    path.write_bytes(b"x")


@pytest.mark.parametrize(
    "make", [other_program, other_program_in_wal, other_user_of_sqlite_utils, words, half_a_header, one_byte]
)
def test_a_file_that_is_no_store_is_refused_untouched(tmp_path: Path, make: object) -> None:
    path = tmp_path / "file.db"
    assert callable(make)
    make(path)
    before = fingerprints(tmp_path)
    with pytest.raises(StoreUnreadable, match=r"file\.db"):
        Store(path)
    assert fingerprints(tmp_path) == before


@pytest.mark.parametrize(
    "newer",
    [
        "pragma user_version = 999",
        "insert into _sqlite_migrations (migration_set, name, applied_at) values ('localchat', 'tomorrow', 'then')",
    ],
)
def test_a_store_of_a_newer_version_is_refused_untouched(path: Path, newer: str) -> None:
    Store(path).close()
    with raw(path) as connection:
        connection.execute(newer)
    before = fingerprints(path.parent)
    with pytest.raises(StoreNewer, match="newer localchat") as refused:
        Store(path)
    assert "Update localchat" in refused.value.hint
    assert fingerprints(path.parent) == before


def test_a_newer_store_whose_program_was_killed_is_refused_with_its_log_untouched(path: Path) -> None:
    Store(path).close()
    killed = python(
        "-c",
        "import os, signal, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('pragma user_version = 999'); os.kill(os.getpid(), signal.SIGKILL)",
        str(path),
    )
    killed.communicate(timeout=30)
    files = {name: digest for name, digest in fingerprints(path.parent).items() if not name.endswith("-shm")}
    assert set(files) == {"store.db", "store.db-wal"}
    with pytest.raises(StoreNewer):
        Store(path)
    after = fingerprints(path.parent)
    assert {name: after[name] for name in files} == files


def test_a_damaged_store_is_refused_by_name(path: Path) -> None:
    with Store(path) as store:
        store.connection.execute("pragma wal_checkpoint(truncate)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StoreUnreadable, match=r"store\.db is damaged"):
        Store(path).catalog.models()


def test_a_damaged_page_met_while_reading_is_an_error_of_ours(path: Path) -> None:
    with Store(path) as store:
        store.connection.executemany("insert into chats (title) values (?)", [("x" * 3000,)] * 400)
        store.connection.execute("pragma wal_checkpoint(truncate)")
        root = store.connection.execute("select rootpage from sqlite_master where name = 'chats'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    with Store(path) as store, pytest.raises(StoreUnreadable, match="damaged"):
        store.connection.execute("select * from chats").fetchall()


def test_damage_met_by_a_row_that_is_fetched_late_is_an_error_of_ours(path: Path) -> None:
    with Store(path) as store:
        store.connection.executemany("insert into chats (title) values (?)", [("x" * 3000,)] * 400)
        store.connection.execute("pragma wal_checkpoint(truncate)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 40 * 4096)
        file.write(b"\xff" * 4096 * 40)
    with Store(path) as store:
        rows = store.connection.execute("select * from chats not indexed order by id")
        with pytest.raises(StoreUnreadable, match="damaged"):
            for _ in rows:
                pass


# Paths that cannot be.


def test_a_path_that_cannot_be_a_store_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("words")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    os.mkfifo(tmp_path / "pipe")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listening, contextlib.chdir(tmp_path):
        listening.bind("socket")
    reasons = {
        Path("nul\0byte.db"): "control character",
        Path("new\nline.db"): "control character",
        Path("escape\x1b]0;x\x07.db"): "control character",
        Path("turned\u202e.db"): "control character",
        tmp_path / "broken\udcff.db": "control character",
        tmp_path / "folder": "folder",
        Path(): "no name of a file",
        Path("/"): "no name of a file",
        tmp_path / "pipe": "no ordinary file",
        tmp_path / "socket": "no ordinary file",
        Path("/dev/null"): "no ordinary file",
        tmp_path / "round": "cannot be opened",
        tmp_path / "text" / "store.db": "cannot be opened",
        tmp_path / "text": "no localchat store",
        tmp_path / ("long" * 100): "cannot be opened",
        Path("/proc/localchat/store.db"): "cannot be opened",
    }
    for path, reason in reasons.items():
        with pytest.raises(LocalChatError, match=reason) as refused:
            Store(path)
        assert isinstance(refused.value, (InvalidInput, StoreUnreadable)), path
        assert refused.value.hint or refused.value.remedy, path
        assert "\x1b" not in refused.value.message
    assert (tmp_path / "text").read_text() == "words"


@contextlib.contextmanager
def as_somebody_else() -> Iterator[Path]:
    """A folder of one's own, without the power of root that no permission stops."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_a_folder_in_which_no_store_can_be_made_is_refused_with_a_reason() -> None:
    with as_somebody_else() as folder:
        folder.chmod(0o500)
        try:
            with pytest.raises(StoreUnreadable, match=r"cannot be opened"):
                Store(folder / "new.db")
            folder.chmod(0)
            with pytest.raises(StoreUnreadable, match=r"cannot be opened|read-only"):
                Store(folder / "store.db")
        finally:
            folder.chmod(0o700)


# Locks, a full disk, transactions.


def test_a_busy_store_is_an_error_of_ours_and_changes_nothing(path: Path) -> None:
    with Store(path, busy_timeout=0) as store, raw(path) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreBusy):
            store.state.put("a", "1")
        other.execute("commit")
        assert store.state.get("a") == ""
        store.state.put("a", "2")
        assert store.state.get("a") == "2"


def test_a_read_of_a_store_that_is_locked_altogether_is_an_error_of_ours(path: Path) -> None:
    with Store(path) as store:
        store.state.put("a", "1")
    with raw(path) as other:
        other.execute("pragma locking_mode=exclusive")
        other.execute("begin exclusive")
        connection = sqlite3.connect(path, timeout=0, factory=type(store.connection))
        with contextlib.closing(connection), pytest.raises(StoreBusy):
            connection.execute("select * from state").fetchall()


async def test_patience_waits_without_freezing_the_loop(path: Path) -> None:
    import asyncio

    with Store(path, busy_timeout=0) as store, raw(path) as other:
        other.execute("begin immediate")
        asyncio.get_running_loop().call_later(0.2, lambda: other.execute("commit"))
        await patiently(lambda: store.state.put("a", "1"), patience=10)
        assert store.state.get("a") == "1"


async def test_patience_ends(path: Path) -> None:
    with Store(path, busy_timeout=0) as store, raw(path) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreBusy):
            await patiently(lambda: store.state.put("a", "1"), patience=0.1)


def test_a_full_disk_is_an_error_of_ours_and_nothing_is_half_written(store: Store) -> None:
    pages = store.connection.execute("pragma page_count").fetchone()[0]
    store.connection.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(DiskFull):
        store.state.put("big", "x" * 1_000_000)
    store.connection.execute("pragma max_page_count = 1000000")
    assert store.state.get("big") == ""
    store.state.put("big", "x" * 1_000_000)


def test_what_fails_inside_a_transaction_undoes_all_of_it(store: Store) -> None:
    def interrupted() -> None:
        with immediate(store.connection) as tx:
            tx.execute("insert into chats (title) values ('half')")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.connection.execute("select count(*) from chats").fetchone()[0] == 0
    assert not store.connection.in_transaction


def test_a_bug_in_a_statement_stays_a_loud_error(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.connection.execute("select * from typo")


def test_a_snapshot_sees_one_state_while_others_write(path: Path, store: Store) -> None:
    question = "select count(*) from chats"
    with snapshot(store.connection), raw(path) as other:
        before = store.connection.execute(question).fetchone()[0]
        other.execute("insert into chats (title) values ('new')")
        assert store.connection.execute(question).fetchone()[0] == before == 0
    assert store.connection.execute(question).fetchone()[0] == 1


def test_what_another_process_wrote_is_noticed(path: Path, store: Store) -> None:
    assert not store.changed_elsewhere()
    store.state.put("own", "write")
    assert not store.changed_elsewhere()
    with raw(path) as other:
        other.execute("insert into chats (title) values ('new')")
    assert store.changed_elsewhere()
    assert not store.changed_elsewhere()


def test_a_second_store_on_the_same_file_in_the_same_process_does_not_lose_the_locks_of_the_first(path: Path) -> None:
    """On POSIX, closing any handle of a file drops this process's locks on it: another process could then take the
    log away under our feet."""
    with Store(path) as first:
        first.state.put("a", "1")
        Store(path).close()
        with raw(path) as other:
            # Leaving WAL needs the file alone; it is refused as long as the first store's lock holds.
            ended(python("-c", LEAVE_WAL, str(path)))
            assert other.execute("pragma journal_mode").fetchone()[0] == "wal"
        first.state.put("a", "2")
    with Store(path) as again:
        assert again.state.get("a") == "2"


LEAVE_WAL = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
try:
    connection.execute("pragma journal_mode=delete").fetchall()
except sqlite3.OperationalError as error:
    assert "locked" in str(error)
else:
    sys.exit("the lock was gone")
"""


def test_opening_a_current_store_loads_no_heavy_library(path: Path) -> None:
    Store(path).close()
    loaded = ended(
        python(
            "-c",
            "import sys; from pathlib import Path; from localchat.store import Store\n"
            "with Store(Path(sys.argv[1])) as s: s.catalog.default(), s.catalog.models(), s.state.get('x')\n"
            "print(' '.join(sys.modules))",
            str(path),
        )
    ).split()
    heavy = {
        "sqlite_utils", "textual", "rich", "pydantic_ai", "openai", "anthropic", "google", "xllamacpp", "httpx2",
        "keyring", "psutil", "click", "platformdirs",
    }  # fmt: skip
    assert "localchat.store" in loaded
    assert heavy.isdisjoint(loaded)
