"""Damage: found before anything is written, told with the ways out, and what is left can be had."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from localchat.errors import LocalChatError, StoreBusy, StoreDamaged
from localchat.store import Store
from localchat.store.health import check_store
from localchat.store.rescue import rescue
from localchat.store.search.search import Query
from localchat.store.soundness import damage_in
from localchat.testing import add_chat, known_store
from tests.store.helpers import raw

CHATS = 60


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A store of some 100 pages, in one file."""
    path = tmp_path / "chat.db"
    with known_store(path) as store:
        for number in range(CHATS):
            add_chat(store, f"Chat {number}", "alpha/a1", [(f"question {number} " * 40, f"answer {number} " * 60)])
        store.connection.execute("pragma wal_checkpoint(truncate)")
    return path


def damage(path: Path, table: str = "messages", page: int = 0) -> None:
    """Destroys a page of the table: a leaf, by its place in the tree."""
    with closing(sqlite3.connect(path)) as connection:
        root, size = (
            connection.execute("select rootpage from sqlite_master where name = ?", (table,)).fetchone()[0],
            connection.execute("pragma page_size").fetchone()[0],
        )
    with path.open("r+b") as file:
        if page:
            file.seek((root - 1) * size + 12 + 2 * (page - 1))
            cell = int.from_bytes(file.read(2), "big")
            file.seek((root - 1) * size + cell)
            root = int.from_bytes(file.read(4), "big")
        file.seek((root - 1) * size)
        file.write(random.Random(7).randbytes(size))


def test_nothing_is_written_to_a_damaged_store_and_the_ways_out_are_told(whole: Path) -> None:
    damage(whole, page=2)
    before = whole.read_bytes()
    with Store(whole) as store:
        assert store.chats.listing()
        for _ in range(2):
            with pytest.raises(StoreDamaged, match="is damaged") as refused:
                store.state.put("a", "1")
            assert "localchat restore" in refused.value.hint
            assert "doctor --rescue" in refused.value.hint
        with pytest.raises(StoreDamaged):
            store.catalog.remove_provider("beta")
    assert whole.read_bytes() == before


def test_a_large_store_is_looked_through_only_where_there_is_a_reason(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.store.soundness.WHOLE_UP_TO", 1000)
    with Store(whole) as store:
        asked: list[str] = []
        store.connection.set_trace_callback(asked.append)
        store.state.put("a", "1")
        assert not [sql for sql in asked if "quick_check" in sql]
    damage(whole, "chats", page=1)
    with Store(whole) as store:
        with pytest.raises(StoreDamaged):
            store.connection.execute("select max(length(system)) from chats not indexed").fetchall()
        with pytest.raises(StoreDamaged):
            store.state.put("a", "1")


def test_after_an_unclean_end_a_large_store_is_looked_through_too(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localchat.store.soundness.WHOLE_UP_TO", 1000)
    with Store(whole) as first:
        first.state.put("a", "1")  # its log stands there, as after a kill
        with Store(whole) as store:
            asked: list[str] = []
            store.connection.set_trace_callback(asked.append)
            store.state.put("b", "1")
            store.state.put("c", "1")
            assert len([sql for sql in asked if "quick_check" in sql]) == 1


def test_an_event_loop_does_not_wait_for_the_look(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localchat.store.soundness.AT_ONCE", 1000)
    damage(whole, page=2)
    with Store(whole, busy_timeout=0) as store:
        with pytest.raises(StoreBusy, match="looked through"):
            store.state.put("a", "1")

        def until_it_was() -> None:
            while True:
                try:
                    store.state.put("a", "1")
                except StoreBusy:
                    continue

        with pytest.raises(StoreDamaged):
            until_it_was()


def corrupt_index(path: Path) -> None:
    with raw(path) as connection:
        connection.execute("update message_words_data set block = zeroblob(length(block)) where id > 10")


@pytest.mark.parametrize("way", ["search", "write"])
def test_a_broken_search_index_is_made_anew_and_costs_nothing(whole: Path, way: str) -> None:
    corrupt_index(whole)
    with Store(whole) as store:
        assert not store.search.sound()
        if way == "search":
            assert store.search.find(Query("question"))
        else:
            store.connection.execute("update message_words_data set block = zeroblob(3)")
            with pytest.raises(StoreBusy, match="made anew"):  # which is tried again, by all that write a turn
                store.messages.finish(2, "complete", "another answer")
        assert store.search.sound()


def test_doctor_names_the_index_and_restore(whole: Path) -> None:
    corrupt_index(whole)
    found = {check.name: check for check in check_store(whole)}
    assert not found["search"].ok
    assert "doctor --fix" in found["search"].detail
    assert found["integrity"].ok
    damage(whole, page=2)
    integrity = {check.name: check for check in check_store(whole)}["integrity"]
    assert (integrity.ok, integrity.code) == (False, "store_damaged")
    assert "`localchat restore`" in integrity.detail


def test_a_missing_table_and_an_emptied_file_are_asked_about(whole: Path) -> None:
    with raw(whole) as connection:
        connection.execute("drop table attachments")
    with pytest.raises(StoreDamaged, match="table attachments is missing"):
        Store(whole)
    backups = whole.with_name(f"{whole.name}-backups")
    backups.mkdir()
    (backups / "2026-01-01-0001-daily.db").write_bytes(b"x")
    whole.write_bytes(b"")
    with pytest.raises(StoreDamaged, match="is empty, and there was a store") as refused:
        Store(whole)
    assert "localchat restore" in refused.value.hint
    assert whole.read_bytes() == b""
    whole.unlink()
    Store(whole).close()  # without the empty file a person has decided


def can_recover() -> bool:
    """Debian's sqlite3 is built without the table that .recover reads."""
    asked = ["sqlite3", ":memory:", "select count(*) from sqlite_dbpage"]
    return shutil.which("sqlite3") is not None and subprocess.run(asked, capture_output=True).returncode == 0


def counts(path: Path) -> tuple[int, int]:
    with raw(path) as connection:
        chats, messages = connection.execute(
            "select (select count(*) from chats), (select count(*) from messages)"
        ).fetchone()
        return chats, messages


@pytest.mark.parametrize("program", [True, False])
def test_rescue_writes_all_that_can_be_read_and_says_what_is_missing(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: bool
) -> None:
    if program and not can_recover():
        pytest.skip("no sqlite3 that knows .recover is on this machine")
    if not program:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    chats, messages = counts(whole)
    damage(whole, page=3)
    before = whole.read_bytes()
    done = rescue(whole, str(tmp_path / "rescued.db"))
    assert whole.read_bytes() == before
    assert done.whole is program
    assert done.chats == chats
    assert messages - 20 <= done.messages < messages
    assert f"{messages - done.messages} messages could not be read" in done.missing
    with Store(done.file) as store:
        assert damage_in(store.connection) == ""
        assert store.search.sound()
        assert store.connection.execute("pragma foreign_key_check").fetchall() == []
        assert store.catalog.default() is not None
        store.state.put("a", "1")
    assert not list(tmp_path.glob(".*"))


def test_rescue_reads_what_stands_in_the_log_and_a_file_without_its_first_page(tmp_path: Path, whole: Path) -> None:
    with Store(whole) as store:
        store.chats.rename(1, "Only in the log")
        copies = tmp_path / "killed.db"
        for ending in ("", "-wal"):
            shutil.copyfile(f"{whole}{ending}", f"{copies}{ending}")
    done = rescue(copies, str(tmp_path / "rescued.db"))
    with raw(done.file) as connection:
        assert connection.execute("select title from chats where id = 1").fetchone()[0] == "Only in the log"
    assert done.missing == ()


@contextlib.contextmanager
def told_of(told: list[str]) -> Iterator[None]:
    """The codes of what a person was told."""
    try:
        yield
    except LocalChatError as error:
        told.append(error.code)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_damaged_nothing_is_a_bug_and_nothing_is_written_to_damage(whole: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(whole.read_bytes())
    kind = seed % 4
    at = chance.randrange(len(data))
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at : at + 16] = chance.randbytes(16)
    else:
        page = at // 4096 * 4096
        data[page : page + 4096] = bytes(4096) if kind == 2 else chance.randbytes(4096)
    whole.write_bytes(data)
    with closing(sqlite3.connect(f"{whole.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            sound = damage_in(connection) == ""
        except sqlite3.DatabaseError:
            sound = False
    told: list[str] = []
    with told_of(told), Store(whole) as store:
        for work in (
            store.chats.listing,
            lambda: store.search.find(Query("question")),
            lambda: store.state.put("a", "1"),
            lambda: store.catalog.remove_provider("beta"),
            lambda: store.chats.rename(3, "Other"),
        ):
            with told_of(told):
                work()
    assert "internal" not in told
    if not sound:
        assert whole.read_bytes() == data
