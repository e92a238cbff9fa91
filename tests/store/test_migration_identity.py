"""A store that a release with three steps wrote, with all its ways back, brought to the step ``identity``.

``data/version3.sql`` is a dump of such a store, written by that release's own code through its public methods.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.errors import LocalChatError, Remedy, Way
from localchat.records import Model
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from localchat.store.schema import core
from localchat.store.search.search import Query
from tests.store.helpers import raw

OLD = Path(__file__).parent / "data" / "version3.sql"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The old store as a file, not yet opened by this version."""
    path = tmp_path / "old.db"
    with raw(path) as connection:
        connection.executescript(OLD.read_text("utf-8"))
    return path


@pytest.fixture
def brought(old: Path) -> Iterator[Store]:
    with Store(old) as store:
        yield store


def by_id(store: Store) -> dict[int, Model]:
    models = [*store.catalog.models(), *store.catalog.models(removed=True)]
    return {model.id: model for model in models}


def test_live_models_belong_to_the_provider_of_their_name(brought: Store) -> None:
    ids = {provider.name: provider.id for provider in brought.catalog.providers()}
    assert ids == {"local": 1, "y": 2, "r": 4, "far": 5, "v": 7, "t": 9}
    assert {m.ref: m.provider_id for m in brought.catalog.models()} == {
        "local/smollm2": 1,
        "y/z1": 2,
        "r/q1": 4,
        "far/f": 5,
        "v/w1": 7,
        "t/same": 9,
    }
    assert all(model.usable for model in brought.catalog.models())


def test_a_tombstone_belongs_to_the_provider_that_the_log_names_and_has_its_name(brought: Store) -> None:
    """Through a rename after the removal, a removal of the provider, a restore of it, and never to a namesake."""
    assert {m.id: (m.ref, m.provider_id) for m in brought.catalog.models(removed=True)} == {
        3: ("y/z2", 2),  # removed from z, which is called y now
        5: ("q/q2", 3),  # the first q; the second one is another, and is called r now
        7: ("home/qwen/qwen3:8b", 6),
        8: ("home/off", 6),
        10: ("v/w2", 7),  # removed from w after w was restored
        11: ("v/w3", 7),
        12: ("t/same", 8),  # not 9, which has the same name
        14: ("p/m", None),  # came with an import
    }


def test_nobody_knows_where_an_imported_model_ran_and_the_others_keep_what_they_were(brought: Store) -> None:
    models = by_id(brought)
    assert models[14].is_local is None
    assert {i: models[i].is_local for i in (2, 3, 6, 7, 12)} == {2: True, 3: True, 6: False, 7: True, 12: True}


def test_what_a_model_was_configured_with_is_kept(old: Path) -> None:
    columns = "id, model, path, context, parameters, enabled, is_default, created_at, updated_at, deleted_at"
    with raw(old) as connection:
        before = connection.execute(f"select {columns} from model_configs order by id").fetchall()
    with Store(old) as store:
        after = store.connection.execute(f"select {columns} from model_configs order by id").fetchall()
    assert [tuple(row) for row in after] == before


def test_each_message_keeps_the_ref_that_it_had(old: Path) -> None:
    refs = """
      select x.id, m.provider || '/' || m.model, f.provider || '/' || f.model from messages x
      left join model_configs m on m.id = x.model_config_id left join model_configs f on f.id = x.fallback_from
      order by x.id
    """
    with raw(old) as connection:
        before = connection.execute(refs).fetchall()
    assert ("y/z1", "z/z2") in {row[1:] for row in before}
    with Store(old) as store:
        told = store.connection.execute("select id, model_ref, fallback_from_ref from messages order by id").fetchall()
        assert [tuple(row) for row in told] == before
        shown = [
            (message.id, message.model_ref, message.fallback_from_ref)
            for number in range(1, 10)
            for message in store.messages.line(store.chats.get(number))
        ]
    assert sorted(shown) == before


def test_every_chat_keeps_its_words_its_model_and_its_place(old: Path) -> None:
    columns = "id, title, model_config_id, leaf_id, system, draft, archived_at, pinned_at, deleted_at, updated_at"
    words = "select chat_id, role, content, status, model_config_id, fallback_from from messages order by id"
    with raw(old) as connection:
        before = [connection.execute(sql).fetchall() for sql in (f"select {columns} from chats order by id", words)]
    with Store(old) as store:
        rows = [store.connection.execute(sql).fetchall() for sql in (f"select {columns} from chats order by id", words)]
        assert [[tuple(row) for row in table] for table in rows] == before
        assert {hit.chat_id for hit in store.search.find(Query("import"))} == {9}
        assert store.chats.get(1).deleted_at is not None, "still in the trash"


def test_consents_are_asked_again(old: Path) -> None:
    with raw(old) as connection:
        agreed = connection.execute("select id from chats where remote_ok = 1").fetchall()
    assert agreed == [(5,)]
    with Store(old) as store:
        assert {store.chats.get(number).remote_hosts for number in range(1, 10)} == {()}


@pytest.mark.parametrize(
    ("name", "back"), [("home", {"home/qwen/qwen3:8b", "home/off"}), ("q", {"q/q2"}), ("t", {"t/same"})]
)
def test_every_removed_provider_still_comes_back(brought: Store, name: str, back: set[str]) -> None:
    """A provider of that name that is there by now is out of the way first."""
    catalog = brought.catalog
    there = next((p for p in catalog.providers() if p.name == name), None)
    if there is not None:
        catalog.edit_provider(there.id, name="other")
    removal = catalog.last_removal(name)
    removal_models = [model for model in removal.models if catalog.model(model.id).removed]
    assert {m.ref for m in removal_models} == back
    if len(removal_models) == len(removal.models):
        catalog.undo(removal)
        assert {m.ref for m in catalog.models(name)} == back


@pytest.mark.parametrize("ref", ["y/z2", "v/w2", "v/w3"])
def test_every_removed_model_comes_back_under_the_name_that_its_provider_has_now(brought: Store, ref: str) -> None:
    catalog = brought.catalog
    catalog.undo(catalog.last_model_removal(ref))
    assert catalog.live(ref).usable


def test_the_log_is_kept_line_by_line_and_still_append_only(old: Path) -> None:
    columns = "id, at, action, subject, default_before, default_after, by, detail"
    with raw(old) as connection:
        before = connection.execute(f"select {columns} from catalog_events order by id").fetchall()
    with Store(old) as store:
        after = store.connection.execute(f"select {columns} from catalog_events order by id").fetchall()
        assert [tuple(row) for row in after] == before
        told = store.connection.execute(
            "select subject, format, provider_id from catalog_events where action = 'provider-removed' order by id"
        ).fetchall()
        assert [tuple(row) for row in told] == [("q", 1, 3), ("home", 1, 6), ("w", 1, 7), ("t", 1, 8)]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.connection.execute("update catalog_events set action = 'nothing'")


def test_the_store_is_whole_afterwards_and_of_this_version(brought: Store) -> None:
    assert brought.connection.execute("pragma user_version").fetchone()[0] == core.CURRENT
    assert brought.connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    assert brought.connection.execute("pragma foreign_key_check").fetchall() == []


@pytest.mark.parametrize(
    "detail",
    [
        '{"models": [{"id": "three"}], "provider": {"id": "two"}}',
        '{"models": ["three", 3, null], "provider": 2}',
        '{"models": {"id": 3}, "name": ["z"]}',
        '{"models": [{"id": 3, "provider": {"name": "z"}}], "name": [1, 2]}',
        "[]",
        '"words"',
    ],
)
def test_a_line_of_the_log_that_another_program_wrote_stops_no_store_from_opening(old: Path, detail: str) -> None:
    with raw(old) as connection:
        for action in ("provider-removed", "model-removed", "provider-edited"):
            connection.execute(
                "insert into catalog_events (action, subject, detail) values (?, 'z', ?)", (action, detail)
            )
    with Store(old) as store:
        assert len(store.catalog.models()) == 6
        assert len(store.catalog.models(removed=True)) == 8


def take(catalog: Catalog, remedy: Remedy | None) -> bool:
    """The step that a hint names; False where it is that another model has the place."""
    assert remedy is not None, "a dead end"
    match remedy.way:
        case Way.RESTORE_PROVIDER:
            try:
                catalog.restore(catalog.restore_of_provider(remedy.subject))
            except LocalChatError as error:
                return take(catalog, error.remedy) and take(catalog, remedy)
        case Way.MAKE_ROOM:
            catalog.edit_provider(catalog.provider(remedy.subject).id, name=remedy.other)
        case Way.TAKE_OVER:
            catalog.add_provider(remedy.subject, "echo", taking_over=catalog.left_behind(remedy.subject))
        case Way.MOVE_CHATS:
            assert catalog.live(remedy.other)
            return False
        case _:
            raise AssertionError(remedy)
    return True


@pytest.mark.parametrize("model_id", [3, 5, 7, 8, 10, 11, 12, 14])
def test_every_tombstone_comes_back_by_the_steps_that_are_named(brought: Store, model_id: int) -> None:
    catalog = brought.catalog
    for _ in range(4):
        try:
            back = catalog.restore(catalog.restore_of(model_id))
        except LocalChatError as error:
            if not take(catalog, error.remedy):
                break  # its chats have another model to go to
            if not catalog.model(model_id).removed:
                break  # it came back with its provider
        else:
            assert [model.id for model in back.models] == [model_id]
            break
    alive = not catalog.model(model_id).removed
    assert alive or model_id == 12, "t/same of the first t, whose name and model the second t has"
