"""The backups that localchat makes by itself: one a day and one before a migration, seven kept, none in the way."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.backups import KEPT, daily, folder_of, keep, listed
from localchat.store.schema import core
from tests.store.helpers import raw

OLD = Path(__file__).parent / "data" / "version3.sql"


@pytest.fixture(autouse=True)
def _on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCHAT_BACKUPS")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with raw(path) as connection:
        connection.executescript(OLD.read_text("utf-8"))
    return path


def kinds(path: Path) -> list[str]:
    return [one.kind for one in listed(path)]


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5))


def test_a_store_is_backed_up_as_it_was_before_it_is_brought_to_this_version(old: Path) -> None:
    with Store(old) as store:
        assert store.not_backed_up is None
    assert kinds(old) == ["migration"]
    with raw(listed(old)[0].file) as copy:
        assert copy.execute("pragma user_version").fetchone()[0] == 3 < core.CURRENT
    with Store(old):
        pass
    assert kinds(old) == ["migration"]


def test_a_new_store_has_nothing_to_back_up(store: Store) -> None:
    assert not folder_of(store.path).exists()


def test_a_backup_that_fails_stops_no_migration_and_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full(monkeypatch)
    with Store(old) as store:
        assert store.not_backed_up is not None
        assert store.not_backed_up.code == "disk_full"
        assert store.connection.execute("pragma user_version").fetchone()[0] == core.CURRENT


def test_a_day_has_one_daily_backup_and_seven_are_kept_beside_those_made_by_hand(store: Store) -> None:
    first = date(2026, 1, 1)
    keep(store.connection, store.path)
    for day in range(KEPT + 3):
        for _ in range(2):
            keep(store.connection, store.path, "daily", today=lambda day=day: first + timedelta(days=day))  # type: ignore[misc]

    assert kinds(store.path) == ["daily"] * KEPT + ["by-hand"]
    assert [one.day for one in listed(store.path)][:2] == ["2026-01-10", "2026-01-09"]


def test_how_many_are_kept_can_be_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCHAT_BACKUPS", "2")
    for day in range(1, 5):
        keep(store.connection, store.path, "daily", today=lambda day=day: date(2026, 1, day))  # type: ignore[misc]
    assert [one.day for one in listed(store.path)] == ["2026-01-04", "2026-01-03"]

    monkeypatch.setenv("LOCALCHAT_BACKUPS", "0")
    assert daily(store.path) is None
    assert len(listed(store.path)) == 2

    monkeypatch.setenv("LOCALCHAT_BACKUPS", "many")
    told = daily(store.path)
    assert told is not None
    assert told.code == "invalid_input"


def test_todays_backup_is_made_once_and_holds_what_is_there(store: Store) -> None:
    store.connection.execute("insert into chats (title) values ('kept')")
    assert daily(store.path) is None
    assert daily(store.path) is None
    [one] = listed(store.path, counted=True)
    assert (one.day, one.chats, one.number) == (date.today().isoformat(), 1, 1)


def test_a_daily_backup_that_fails_is_told_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    full(monkeypatch)
    told = daily(store.path)
    assert told is not None
    assert told.code == "disk_full"
    assert daily(store.path) is None
    monkeypatch.undo()
    monkeypatch.delenv("LOCALCHAT_BACKUPS")
    assert daily(store.path) is None
    assert kinds(store.path) == ["daily"]


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_raised(store: Store) -> None:
    folder_of(store.path).write_text("a file")
    told = daily(store.path)
    assert told is not None
    assert told.code == "invalid_input"


def test_files_of_others_in_the_folder_are_neither_listed_nor_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCHAT_BACKUPS", "1")
    folder_of(store.path).mkdir()
    mine = folder_of(store.path) / "my-own.db"
    mine.write_text("mine")
    for day in (1, 2):
        keep(store.connection, store.path, "daily", today=lambda day=day: date(2026, 1, day))  # type: ignore[misc]
    assert len(listed(store.path)) == 1
    assert mine.read_text() == "mine"
