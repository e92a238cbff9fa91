"""The schema's history, and the promises that the schema itself keeps."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from localchat.errors import Internal, StoreNewer
from localchat.store import Store, migrations
from localchat.store.connection import connect
from localchat.store.migrations import migrate
from localchat.store.schema import core
from tests.store.helpers import ended, python, raw

OPEN = """
import sys
from pathlib import Path
from localchat.store import Store
sys.stdin.read(1)  # all at once
with Store(Path(sys.argv[1]), busy_timeout=float(sys.argv[2])) as store:
    print(store.catalog.default().ref, len(store.catalog.models()), len(store.catalog.providers()))
"""


@pytest.mark.parametrize("patience", ["30", "0"])
def test_eight_first_starts_at_once_on_a_missing_file_all_succeed(tmp_path: Path, patience: str) -> None:
    path = tmp_path / "folder" / "store.db"
    starts = [python("-c", OPEN, str(path), patience, stdin=subprocess.PIPE) for _ in range(8)]
    for start in starts:
        assert start.stdin
        start.stdin.write("!")
        start.stdin.flush()
    assert [ended(start) for start in starts] == ["local/smollm2 1 1\n"] * 8
    with raw(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        recorded = connection.execute("select name from _sqlite_migrations").fetchall()
        assert sorted(recorded) == sorted((name,) for name, _ in core.STEPS)


def test_the_steps_are_recorded_where_sqlite_utils_looks_for_them(store: Store) -> None:
    recorded = Migrations("localchat").applied(Database(store.connection, execute_plugins=False))
    assert [step.name for step in recorded] == [name for name, _ in core.STEPS]
    assert store.connection.execute("pragma user_version").fetchone()[0] == core.CURRENT


def add_step(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    from localchat.store import file

    steps = (*core.STEPS, ("next", sql))
    for module in (migrations, file):
        monkeypatch.setattr(module, "STEPS", steps)
        monkeypatch.setattr(module, "CURRENT", len(steps))


def test_an_older_store_is_brought_up_to_date_with_its_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(path) as store:
        store.catalog.add_provider("z", "echo")
    with monkeypatch.context() as patch:
        add_step(patch, "alter table providers add column note text")
        with Store(path) as store:
            assert [p.name for p in store.catalog.providers()] == ["local", "z"]
            assert store.connection.execute("select count(note) from providers").fetchone()[0] == 0
        Store(path).close()
    with pytest.raises(StoreNewer, match=rf"store version {core.CURRENT + 1}, this one knows {core.CURRENT}"):
        Store(path)


def test_a_step_that_fails_leaves_the_store_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(path).close()
    with monkeypatch.context() as patch:
        add_step(patch, "create table half (done); insert into nowhere values (1);")
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            Store(path)
    with Store(path) as store:
        assert store.connection.execute("select count(*) from sqlite_master where name = 'half'").fetchone()[0] == 0


def test_a_step_after_which_rows_point_at_nothing_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(path) as store:
        store.connection.execute("insert into chats (model_config_id) values (1)")
    with monkeypatch.context() as patch:
        add_step(patch, "delete from model_configs;")
        with pytest.raises(Internal, match="point at nothing"):
            Store(path)
    with Store(path) as store:
        assert [m.ref for m in store.catalog.models()] == ["local/smollm2"]


def test_a_store_that_became_newer_between_the_look_and_the_lock_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(path)
    with raw(path) as other:
        other.execute("pragma user_version = 999")
    with pytest.raises(StoreNewer):
        migrate(connection, path)
    connection.close()


def test_a_store_that_was_dumped_and_read_back_is_still_ours(tmp_path: Path, path: Path) -> None:
    """A dump carries no user_version."""
    with Store(path) as store:
        store.catalog.add_provider("z", "echo")
        dumped = list(store.connection.iterdump())
    again = tmp_path / "again.db"
    with raw(again) as connection:
        connection.executescript("\n".join(dumped))
    with Store(again) as store:
        assert [p.name for p in store.catalog.providers()] == ["local", "z"]
        assert store.connection.execute("pragma user_version").fetchone()[0] == core.CURRENT


# What no client of the file can break, ours or another.


@pytest.mark.parametrize(
    "statement",
    [
        "insert into providers (name, kind) values ('local', 'echo')",
        "insert into providers (name, kind) values ('Upper', 'echo')",
        "insert into providers (name, kind) values ('', 'echo')",
        "insert into providers (name, kind) values ('a/b', 'echo')",
        "insert into providers (name, kind, key_source) values ('z', 'openai', 'env')",
        "insert into providers (name, kind, key_source, key_name) values ('z', 'openai', 'plain', 'sk-1')",
        "insert into providers (name, kind, enabled) values ('z', 'echo', 2)",
        "insert into model_configs (provider, model) values ('local', 'smollm2')",
        "insert into model_configs (provider, model, is_default) values ('local', 'b', 1)",
        "insert into model_configs (provider, model, context) values ('local', 'b', 0)",
        "insert into model_configs (provider, model, context) values ('local', 'b', 'many')",
        "insert into model_configs (provider, model, parameters) values ('local', 'b', '{')",
        "update model_configs set deleted_at = '2026-01-01T00:00:00.000Z'",
        "insert into chats (model_config_id) values (99)",
        "insert into messages (chat_id, role) values (99, 'user')",
        "update catalog_events set action = 'nothing'",
        "delete from catalog_events",
        "insert into catalog_events (action, subject, by) values ('provider-added', 'z', 'nobody')",
        "insert into catalog_events (action, subject, detail) values ('provider-added', 'z', 'words')",
    ],
)
def test_the_schema_refuses(store: Store, statement: str) -> None:
    store.catalog.add_provider("noted", "echo")  # so that the log holds a line
    with pytest.raises(sqlite3.IntegrityError):
        store.connection.execute(statement)


def test_any_client_may_write_the_file_and_rows_get_their_times(path: Path, store: Store) -> None:
    with raw(path) as other:
        other.execute("insert into providers (name, kind) values ('z', 'echo')")
        other.execute("insert into model_configs (provider, model, is_local) values ('z', 'z1', 1)")
    model = store.catalog.live("z/z1")
    assert model.usable
    assert len(model.created_at) == len("2026-01-01T00:00:00.000Z")
    assert model.created_at.endswith("Z")
    assert store.catalog.provider("z").created_at.endswith("Z")


def test_several_tombstones_of_one_name_stand_beside_one_live_model(store: Store) -> None:
    catalog = store.catalog
    for _ in range(3):
        catalog.add_provider("z", "echo")  # another one each time
        catalog.add_model("z", "z1")
        catalog.remove_provider("z")
    catalog.add_provider("z", "echo")
    catalog.add_model("z", "z1")
    assert len(catalog.models("z")) == 1
    assert len(catalog.models("z", removed=True)) == 3
