"""Other programs may write the file: the rule of the default is healed at the next look or write, in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.errors import AlreadyExists, NoDefaultModel, Remedy, Way
from localchat.store import Store
from localchat.store.catalog import transaction
from localchat.store.catalog.catalog import Catalog
from localchat.store.health import check_store
from localchat.turns import resolve
from tests.store.helpers import default_ref, dump, echo, empty, raw

DELETED = "delete from providers where name = 'z'"
DISABLED = "update providers set enabled = 0 where name = 'z'"
BURIED = "update model_configs set deleted_at = '2026-01-01T00:00:00.000Z', is_default = 0 where provider = 'z'"
GONE = "delete from model_configs where provider = 'z'"
MODEL_OFF = "update model_configs set enabled = 0 where provider = 'z'"
ROBBED = "update model_configs set is_default = 0"
WRITES = (DELETED, DISABLED, BURIED, GONE, MODEL_OFF, ROBBED)


@pytest.fixture
def catalog(store: Store) -> Catalog:
    """`z/z1` is the default; `b/b1` and `c/c1` could take over."""
    empty(store.catalog)
    for name in ("c", "z", "b"):
        echo(store.catalog, name, f"{name}1")
    store.catalog.make_default(store.catalog.live("z/z1").id)
    return store.catalog


def foreign(path: Path, sql: str) -> None:
    with raw(path) as other:
        other.execute(sql)


@pytest.mark.parametrize("sql", WRITES)
def test_the_next_look_gives_the_default_to_the_first_that_can_answer(
    store: Store, catalog: Catalog, path: Path, sql: str
) -> None:
    foreign(path, sql)
    change = store.heal()

    assert change is not None
    assert change.promoted
    assert default_ref(catalog) == "b/b1"
    newest = catalog.events(1)[0]
    assert (newest.action, newest.by, newest.default_after) == ("default-healed", "promotion", "b/b1")
    assert store.heal() is None


@pytest.mark.parametrize("sql", WRITES)
def test_until_then_no_label_shows_one_that_cannot_answer(catalog: Catalog, path: Path, sql: str) -> None:
    foreign(path, sql)

    assert catalog.default() is None
    assert not any(model.is_default for model in catalog.models())


@pytest.mark.parametrize("sql", WRITES)
def test_any_write_of_the_catalog_heals_it_too(catalog: Catalog, path: Path, sql: str) -> None:
    foreign(path, sql)
    catalog.add_provider("new", "echo")

    assert default_ref(catalog) == "b/b1"


@pytest.mark.parametrize("sql", WRITES)
def test_a_turn_is_answered_by_the_healed_default(store: Store, catalog: Catalog, path: Path, sql: str) -> None:
    foreign(path, sql)

    def answerer(chat: object) -> object:
        catalog.heal_within()
        return resolve(store, None)

    begun = store.messages.begin_turn(answerer, chat_id=None, text="hello")  # type: ignore[arg-type]
    assert begun.resolution.used.ref == "b/b1"


def test_where_nobody_can_answer_there_is_no_default(store: Store, catalog: Catalog, path: Path) -> None:
    foreign(path, "update providers set enabled = 0")
    change = store.heal()

    assert change is not None
    assert change.after is None
    with pytest.raises(NoDefaultModel):
        resolve(store, None)
    assert store.heal() is None
    foreign(path, "update providers set enabled = 1 where name = 'c'")
    store.heal()
    assert default_ref(catalog) == "c/c1"


def test_a_look_at_a_catalog_in_order_writes_nothing_and_takes_no_lock(store: Store, path: Path) -> None:
    statements: list[str] = []
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    store.connection.set_trace_callback(statements.append)
    with raw(path) as other:
        other.execute("begin immediate")
        assert store.catalog.heal() is None
    store.connection.set_trace_callback(None)

    assert [statement.split()[0] for statement in statements] == ["select"]
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_the_look_reads_by_indexes_alone(store: Store) -> None:
    plan = store.connection.execute(f"explain query plan {transaction._BROKEN}").fetchall()

    assert not [
        row["detail"] for row in plan if row["detail"].startswith("SCAN model_configs") and "INDEX" not in row["detail"]
    ]


def test_a_store_that_another_program_keeps_locked_shows_the_truth_at_once(
    store: Store, catalog: Catalog, path: Path
) -> None:
    foreign(path, DISABLED)
    with raw(path) as other:
        other.execute("begin immediate")
        assert store.heal() is None
        assert catalog.default() is None
    assert store.connection.execute("pragma busy_timeout").fetchone()[0] == 30_000
    assert store.heal() is not None


def test_a_store_that_cannot_be_written_shows_the_truth(store: Store, catalog: Catalog, path: Path) -> None:
    foreign(path, DISABLED)
    store.connection.execute("pragma query_only = 1")

    assert store.heal() is None
    assert catalog.default() is None
    assert [model.ref for model in catalog.successors()] == ["b/b1", "c/c1"]


def test_models_without_a_provider_get_their_tombstones(catalog: Catalog, path: Path) -> None:
    foreign(path, DELETED)

    assert [model.ref for model in catalog.bury_orphans()] == ["z/z1"]
    assert [model.ref for model in catalog.models()] == ["b/b1", "c/c1"]
    assert default_ref(catalog) == "b/b1"
    assert catalog.bury_orphans() == []


def test_two_windows_that_look_at_once_heal_once(store: Store, catalog: Catalog, path: Path) -> None:
    with Store(path) as second:
        foreign(path, DISABLED)
        assert [store.heal() is None, second.heal() is None] == [False, True]
    assert sum(event.action == "default-healed" for event in catalog.events()) == 1


def test_a_provider_added_again_after_another_program_deleted_it_is_no_dead_end(
    store: Store, catalog: Catalog, path: Path
) -> None:
    """The models of the one that was deleted are not those of the new one, whatever they are called."""
    foreign(path, DELETED)
    catalog.add_provider("z", "echo")
    assert not catalog.live("z/z1").usable
    with pytest.raises(AlreadyExists) as taken:
        catalog.add_model("z", "z1")
    assert taken.value.remedy == Remedy(Way.FIX_STORE)
    assert next(check for check in check_store(path) if check.name == "catalog").ok is False
    assert [model.ref for model in catalog.bury_orphans()] == ["z/z1"]
    assert catalog.add_model("z", "z1").usable
