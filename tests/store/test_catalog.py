"""Providers, models and the default: who holds it, who gets it next, and what is refused."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from localchat.errors import (
    AlreadyExists,
    Internal,
    InvalidInput,
    NotFound,
    ProviderNotConfigured,
    Remedy,
    StoreBusy,
    Way,
)
from localchat.records import Model, Provider
from localchat.store import Store
from localchat.store.catalog import editing
from localchat.store.catalog.catalog import Catalog
from localchat.store.catalog.transaction import Change
from tests.store.helpers import chats_with, default_ref, dump, echo, empty, raw

GONE = "Resource not found or you do not have access to this resource"


# Who becomes the default.


def test_the_first_usable_model_becomes_the_default_and_the_second_does_not(catalog: Catalog) -> None:
    empty(catalog)
    assert catalog.default() is None
    z1, z2 = echo(catalog, "z", "z1", "a")
    assert z1.is_default
    assert not z2.is_default
    assert default_ref(catalog) == "z/z1"


def test_a_model_added_to_a_provider_that_is_switched_off_is_not_promoted(catalog: Catalog) -> None:
    empty(catalog)
    provider = catalog.add_provider("z", "echo")
    catalog.switch_provider(provider.id, False)
    model = catalog.add_model("z", "z1")
    assert not model.usable
    assert catalog.default() is None
    change = catalog.switch_provider(provider.id, True)
    assert (change.before, change.after and change.after.ref, change.promoted) == (None, "z/z1", True)


def test_a_model_switched_on_becomes_the_default_where_there_is_none(catalog: Catalog) -> None:
    empty(catalog)
    model = echo(catalog, "z", "z1")[0]
    assert catalog.switch_model(model.id, False).after is None
    assert catalog.default() is None
    change = catalog.switch_model(model.id, True)
    assert change.promoted
    assert default_ref(catalog) == "z/z1"


def test_of_several_added_at_once_the_first_by_the_order_becomes_the_default(catalog: Catalog) -> None:
    empty(catalog)
    catalog.add_provider("z", "echo")
    added = catalog.add_models("z", [("m", 10), ("b", None), ("M", 20), ("c", 30)])
    assert [(m.model, m.context) for m in added] == [("m", 10), ("b", None), ("c", 30)]
    assert [m.model for m in added if m.is_default] == ["b"]
    assert catalog.add_models("z", [("b", 1), ("C", 1)]) == []
    assert catalog.add_models("z", []) == []


def test_the_order_of_promotion_is_provider_then_model_by_bytes(catalog: Catalog) -> None:
    empty(catalog)
    echo(catalog, "b", "b1", "B2", "é", "a")
    echo(catalog, "a", "z")
    echo(catalog, "a-b", "m")
    order = [m.ref for m in catalog.successors()]
    assert order == ["a/z", "a-b/m", "b/B2", "b/a", "b/b1", "b/é"]
    promoted = []
    while (holder := catalog.default()) is not None:
        promoted.append(holder.ref)
        catalog.remove_model(holder.id)
    assert promoted == ["b/b1", "a/z", "a-b/m", "b/B2", "b/a", "b/é"]


def test_of_two_models_of_one_name_the_newest_comes_first(store: Store) -> None:
    """Only another program can write such rows; the order holds for them too."""
    empty(store.catalog)
    store.connection.executescript(
        "drop index one_live_model; insert into providers (name, kind) values ('z', 'echo');"
        "insert into model_configs (id, provider, model, updated_at) values (11, 'z', 'm', '2026-01-01T00:00:00.000Z'),"
        " (12, 'z', 'm', '2026-03-01T00:00:00.000Z'), (13, 'z', 'm', '2026-02-01T00:00:00.000Z'),"
        " (14, 'z', 'm', '2026-03-01T00:00:00.000Z')"
    )
    assert [m.id for m in store.catalog.successors()] == [14, 12, 13, 11]
    assert [m.id for m in store.catalog.successors(without=[14, 13])] == [12, 11]


def test_an_unusable_model_earlier_in_the_order_is_skipped(catalog: Catalog) -> None:
    first = echo(catalog, "a", "a1")[0]
    off = catalog.add_provider("b", "echo")
    catalog.add_model("b", "b1")
    echo(catalog, "c", "c1")
    catalog.switch_model(first.id, False)
    catalog.switch_provider(off.id, False)
    assert [m.ref for m in catalog.successors()] == ["c/c1", "local/smollm2"]
    removal = catalog.remove_provider("local")
    assert removal.default_after is not None
    assert removal.default_after.ref == default_ref(catalog) == "c/c1"


def test_switching_off_the_default_promotes_a_usable_one_or_leaves_none(catalog: Catalog) -> None:
    model = echo(catalog, "z", "z1")[0]
    built_in = catalog.live("local/smollm2")
    change = catalog.switch_model(built_in.id, False)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.ref, change.after.ref, change.promoted) == ("local/smollm2", "z/z1", True)
    assert not catalog.model(built_in.id).is_default
    change = catalog.switch_model(model.id, False)
    assert (change.after, change.promoted, change.changed) == (None, True, True)
    assert catalog.default() is None
    assert catalog.switch_model(built_in.id, True).after == catalog.default()


def test_switching_off_the_providers_default_promotes_a_usable_one_or_leaves_none(catalog: Catalog) -> None:
    echo(catalog, "z", "z1")
    local = catalog.provider("local")
    change = catalog.switch_provider(local.id, False)
    assert change.promoted
    assert default_ref(catalog) == "z/z1"
    assert catalog.switch_provider(catalog.provider("z").id, False).after is None
    assert catalog.default() is None


def test_switching_what_is_not_the_default_leaves_the_default(catalog: Catalog) -> None:
    model = echo(catalog, "z", "z1")[0]
    for change in (catalog.switch_model(model.id, False), catalog.switch_provider(catalog.provider("z").id, False)):
        assert not change.changed
        assert not change.promoted
    assert default_ref(catalog) == "local/smollm2"


def test_switching_to_what_it_is_already_writes_nothing(store: Store) -> None:
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    local = store.catalog.provider("local")
    assert not store.catalog.switch_provider(local.id, True).changed
    assert not store.catalog.switch_model(store.catalog.live("local/smollm2").id, True).changed
    assert not store.catalog.make_default(store.catalog.live("local/smollm2").id).changed
    assert store.catalog.edit_provider(local.id, name="local") == local
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_person_chooses_the_default(catalog: Catalog) -> None:
    model = echo(catalog, "z", "z1")[0]
    change = catalog.make_default(model.id)
    assert (change.changed, change.promoted) == (True, False)
    assert [m.ref for m in catalog.models() if m.is_default] == ["z/z1"]


def test_an_unusable_model_cannot_be_chosen(store: Store) -> None:
    catalog = store.catalog
    one, two = echo(catalog, "z", "z1", "z2")
    catalog.switch_model(one.id, False)
    before = dump(store.connection)
    with pytest.raises(InvalidInput, match=r"z/z1 cannot be the default: z/z1 is switched off"):
        catalog.make_default(one.id)
    assert dump(store.connection) == before
    catalog.switch_provider(catalog.provider("z").id, False)
    with pytest.raises(InvalidInput, match=r"z/z2 cannot be the default: its provider z is switched off"):
        catalog.make_default(two.id)
    assert default_ref(catalog) == "local/smollm2"


def test_demoting_the_default_promotes_another(catalog: Catalog) -> None:
    echo(catalog, "z", "z1")
    change = catalog.demote_default(catalog.live("local/smollm2").id)
    assert change.promoted
    assert default_ref(catalog) == "z/z1"


def test_demoting_the_only_usable_model_changes_nothing_and_says_so(store: Store) -> None:
    catalog = store.catalog
    off = echo(catalog, "z", "z1")[0]
    catalog.switch_model(off.id, False)
    before = dump(store.connection, "model_configs", "catalog_events")
    with pytest.raises(InvalidInput, match=r"local/smollm2 is the only model that can answer"):
        catalog.demote_default(catalog.live("local/smollm2").id)
    with pytest.raises(InvalidInput, match=r"z/z1 is not the default"):
        catalog.demote_default(off.id)
    assert dump(store.connection, "model_configs", "catalog_events") == before


def test_the_default_heals_with_the_next_change_where_another_program_broke_it(store: Store) -> None:
    catalog = store.catalog
    echo(catalog, "z", "z1")
    store.connection.execute("delete from providers where name = 'local'")
    assert [m.ref for m in catalog.successors()] == ["z/z1"]
    catalog.add_provider("y", "echo")
    assert default_ref(catalog) == "z/z1"


# What does not exist, and what is gone meanwhile.


def test_a_model_of_a_missing_provider_is_refused_with_the_contracts_words(store: Store) -> None:
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    for name in ("nobody", "Local", "", "\0"):
        with pytest.raises(ProviderNotConfigured) as refused:
            store.catalog.add_model(name, "x")
        assert refused.value.message == "Chat provider is not configured."
        with pytest.raises(ProviderNotConfigured):
            store.catalog.add_models(name, [("x", None)])
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_editing_a_live_model_whose_provider_another_program_took_away_is_refused(store: Store) -> None:
    model = echo(store.catalog, "z", "z1")[0]
    store.connection.execute("delete from providers where name = 'z'")
    with pytest.raises(ProviderNotConfigured, match=r"^Chat provider is not configured\.$"):
        store.catalog.edit_model(model.id, context=5)
    assert store.catalog.model(model.id).context is None


def test_what_another_window_removed_is_not_found_by_any_write(path: Path, store: Store) -> None:
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    provider = catalog.provider("z")
    with Store(path) as other:
        other.catalog.remove_provider("z")
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    writes: list[Callable[[], object]] = [
        lambda: catalog.edit_model(model.id, context=5),
        lambda: catalog.switch_model(model.id, False),
        lambda: catalog.make_default(model.id),
        lambda: catalog.demote_default(model.id),
        lambda: catalog.remove_model(model.id),
        lambda: catalog.edit_provider(provider.id, name="y"),
        lambda: catalog.switch_provider(provider.id, False),
        lambda: catalog.remove_provider("z"),
        lambda: catalog.removal_of_provider("z"),
        lambda: catalog.provider("z"),
    ]
    for write in writes:
        with pytest.raises(NotFound) as gone:
            write()
        assert gone.value.message == GONE
        assert "removed" in gone.value.hint
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_ref_tells_a_removed_model_from_one_that_was_never_there(catalog: Catalog) -> None:
    model = echo(catalog, "z", "z1")[0]
    catalog.remove_model(model.id)
    with pytest.raises(NotFound) as removed:
        catalog.live("z/z1")
    assert removed.value.message == f"{GONE}: z/z1 was removed."
    assert removed.value.remedy == Remedy(Way.RESTORE_MODEL, "z/z1")
    with pytest.raises(NotFound, match=r"^There is no model “z/z2”\.$"):
        catalog.live("z/z2")
    with pytest.raises(NotFound) as near:
        catalog.live("local/SmolLM2")
    assert near.value.hint == "Did you mean local/smollm2?"
    with pytest.raises(NotFound, match=GONE) as never:
        catalog.provider("nobody")
    assert "There is no provider “nobody”" in never.value.hint
    with pytest.raises(NotFound):
        catalog.model(999)


def test_every_write_reads_again_inside_its_transaction(path: Path, store: Store) -> None:
    """What another window writes in the last moment before our lock is seen."""
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    with Store(path) as other:

        def meanwhile(statement: str) -> None:
            if statement == "begin immediate":
                store.connection.set_trace_callback(None)
                other.catalog.remove_provider("z")

        store.connection.set_trace_callback(meanwhile)
        with pytest.raises(ProviderNotConfigured):
            catalog.add_model("z", "z2")
        other.catalog.undo(other.catalog.last_removal("z"))
        store.connection.set_trace_callback(meanwhile)
        with pytest.raises(NotFound, match=GONE):
            catalog.make_default(model.id)
    assert [m.ref for m in catalog.models()] == ["local/smollm2"]
    assert default_ref(catalog) == "local/smollm2"


# Inside the transaction: the row that was asked for, and any other.


def vanishes(connection: sqlite3.Connection, when: str, row: str) -> None:
    connection.execute(f"create temp trigger vanish before {when} begin delete from {row}; end")


def test_the_row_that_is_removed_vanishing_inside_the_transaction_is_not_found(store: Store) -> None:
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    vanishes(store.connection, "update of deleted_at on main.model_configs", "providers where name = 'z'")
    with pytest.raises(NotFound, match=GONE):
        catalog.remove_provider("z")
    store.connection.execute("drop trigger vanish")
    vanishes(store.connection, "update of deleted_at on main.model_configs", f"model_configs where id = {model.id}")
    with pytest.raises(NotFound, match=GONE):
        catalog.remove_model(model.id)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


@pytest.mark.parametrize("picked", [True, False])
def test_the_successor_vanishing_inside_the_transaction_is_internal_and_undoes_all_of_it(
    store: Store, picked: bool
) -> None:
    catalog = store.catalog
    successor = echo(catalog, "b", "b1")[0]
    catalog.make_default(echo(catalog, "z", "z1")[0].id)
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    vanishes(
        store.connection,
        "update of is_default on main.model_configs when new.is_default = 1",
        f"model_configs where id = {successor.id}",
    )
    with pytest.raises(Internal, match=r"The successor b/b1 vanished inside the transaction; nothing was changed"):
        catalog.remove_provider("z", successor.id if picked else None)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before
    store.connection.execute("drop trigger vanish")
    assert catalog.remove_provider("z").default_after is not None


def test_another_model_of_the_provider_vanishing_inside_the_transaction_is_internal(store: Store) -> None:
    catalog = store.catalog
    _, z2 = echo(catalog, "z", "z1", "z2")
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    vanishes(
        store.connection,
        f"update of deleted_at on main.model_configs when new.id <> {z2.id}",
        f"model_configs where id = {z2.id}",
    )
    with pytest.raises(Internal, match="A model of z vanished"):
        catalog.remove_provider("z")
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_successor_removed_inside_the_transaction_is_internal(store: Store) -> None:
    """A tombstone, not a missing row: the statement that gives the default passes over it."""
    catalog = store.catalog
    successor = echo(catalog, "b", "b1")[0]
    catalog.make_default(echo(catalog, "z", "z1")[0].id)
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    store.connection.execute(
        "create temp trigger vanish before update of is_default on main.model_configs when new.is_default = 0 begin"
        f" update model_configs set deleted_at = '2026-01-01T00:00:00.000Z' where id = {successor.id}; end"
    )
    with pytest.raises(Internal, match=r"The successor b/b1 vanished inside the transaction; nothing was changed"):
        catalog.make_default(successor.id)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_model_removed_inside_the_transaction_that_switches_it_is_internal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = echo(store.catalog, "z", "z1")[0]
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    look = editing.queries.live_model_by_id

    def removed(connection: sqlite3.Connection, model_id: int) -> Model:
        found = look(connection, model_id)
        connection.execute("update model_configs set deleted_at = '2026-01-01T00:00:00.000Z' where id = ?", (model.id,))
        return found

    monkeypatch.setattr(editing.queries, "live_model_by_id", removed)
    with pytest.raises(Internal, match="The model z/z1 vanished"):
        store.catalog.switch_model(model.id, False)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_model_removed_inside_the_transaction_that_edits_it_is_internal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at its row and the statement that writes it."""
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    look = editing._provider_of_model

    def removed(change: Change, name: str) -> Provider:
        change.tx.execute("update model_configs set deleted_at = '2026-01-01T00:00:00.000Z' where id = ?", (model.id,))
        return look(change, name)

    monkeypatch.setattr(editing, "_provider_of_model", removed)
    with pytest.raises(Internal, match="The model z/z1 vanished"):
        catalog.edit_model(model.id, context=5)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_row_vanishing_while_it_is_edited_is_internal(store: Store) -> None:
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    vanishes(store.connection, "update of context on main.model_configs", f"model_configs where id = {model.id}")
    with pytest.raises(Internal, match="The model z/z1 vanished"):
        catalog.edit_model(model.id, context=5)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_promise_of_the_schema_that_stops_a_write_is_internal_and_undoes_all_of_it(store: Store) -> None:
    catalog = store.catalog
    model = echo(catalog, "z", "z1")[0]
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    store.connection.execute(
        "create temp trigger stop before insert on main.catalog_events begin select raise(abort, 'no more lines'); end"
    )
    with pytest.raises(Internal, match=r"no more lines.*nothing was changed"):
        catalog.remove_model(model.id)
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_a_busy_store_refuses_a_write_and_changes_nothing(path: Path) -> None:
    with Store(path, busy_timeout=0) as store, raw(path) as other:
        before = dump(store.connection)
        other.execute("begin immediate")
        with pytest.raises(StoreBusy):
            store.catalog.add_provider("z", "echo")
        assert dump(store.connection) == before


# Editing.


def test_a_renamed_provider_takes_its_models_along_live_and_removed(catalog: Catalog) -> None:
    one, two = echo(catalog, "z", "z1", "z2")
    catalog.make_default(one.id)
    catalog.remove_model(two.id)
    catalog.edit_provider(catalog.provider("z").id, name="y")
    assert [m.ref for m in catalog.models("y")] == ["y/z1"]
    assert default_ref(catalog) == "y/z1"
    assert [m.ref for m in catalog.models(removed=True)] == ["y/z2"]
    assert catalog.live("y/z1").usable
    with pytest.raises(NotFound):
        catalog.provider("z")


def test_a_new_address_says_whether_the_live_models_run_here(catalog: Catalog) -> None:
    provider = catalog.add_provider("z", "openai", "http://localhost:1/v1")
    model = catalog.add_model("z", "z1")
    removed = catalog.add_model("z", "z2")
    catalog.remove_model(removed.id)
    assert model.is_local
    catalog.edit_provider(provider.id, base_url="https://api.example.com/v1")
    assert not catalog.live("z/z1").is_local
    assert catalog.model(removed.id).is_local, "a tombstone keeps what it was"


def test_a_model_can_be_edited_and_stays_the_same_model(catalog: Catalog) -> None:
    model = echo(catalog, "z", "z1")[0]
    edited = catalog.edit_model(model.id, model="z9", context=4096, parameters={"seed": 1})
    assert (edited.id, edited.ref, edited.context, edited.parameters) == (model.id, "z/z9", 4096, {"seed": 1})
    assert edited.created_at == model.created_at
    assert edited.updated_at > model.updated_at
    assert catalog.edit_model(model.id, context=8192).parameters == {"seed": 1}


def test_a_model_that_is_added_again_to_its_provider_is_the_same_one(catalog: Catalog) -> None:
    old = echo(catalog, "z", "z1")[0]
    catalog.edit_model(old.id, context=4096, parameters={"seed": 1})
    catalog.remove_model(old.id)
    new = catalog.add_model("z", "z1", parameters={"seed": 2})
    assert new.id == old.id
    assert (new.context, new.parameters) == (4096, {"seed": 2}), "what is given goes before what it had"
    assert catalog.events(1)[0].action == "model-restored"
    assert catalog.models("z", removed=True) == []


def test_models_that_are_discovered_again_are_the_same_ones(catalog: Catalog) -> None:
    one, two = echo(catalog, "z", "z1", "z2")
    for model in (one, two):
        catalog.remove_model(model.id)
    back = catalog.add_models("z", [("z1", None), ("z3", None), ("z1", 7)])
    assert [(m.ref, m.id == one.id) for m in back] == [("z/z1", True), ("z/z3", False)]
    assert [m.ref for m in catalog.models("z", removed=True)] == ["z/z2"]


def test_a_provider_added_again_under_its_old_name_leaves_its_tombstones_removed(catalog: Catalog) -> None:
    echo(catalog, "z", "z1")
    catalog.remove_provider("z")
    catalog.add_provider("z", "echo")
    assert catalog.models("z") == []
    assert [m.ref for m in catalog.models("z", removed=True)] == ["z/z1"]


def test_what_another_program_wrote_stays_where_something_else_is_edited(store: Store) -> None:
    store.connection.executescript(
        "insert into model_configs (provider, model, parameters) values ('local', 'odd', '{\"top_p\": 5}');"
        "insert into model_configs (provider, model) values ('local', ' Odd\x1b'), ('local', 'ODD')"
    )
    for model in store.catalog.models("local"):
        kept = {**model.parameters, "seed": 1}
        edited = store.catalog.edit_model(model.id, context=5, parameters=kept)
        assert (edited.model, edited.path, edited.context, edited.parameters) == (model.model, None, 5, kept)
    with pytest.raises(InvalidInput, match="top_p"):
        store.catalog.edit_model(store.catalog.live("local/odd").id, parameters={"top_p": 6})


# Lists.


def test_lists_are_sorted_and_hold_no_tombstones(catalog: Catalog) -> None:
    for name in ("z", "b"):
        echo(catalog, name, "2", "1", "3")
    catalog.remove_model(catalog.live("z/3").id)
    catalog.remove_model(catalog.live("b/2").id)
    assert [p.name for p in catalog.providers()] == ["b", "local", "z"]
    assert [m.ref for m in catalog.models()] == ["b/1", "b/3", "local/smollm2", "z/1", "z/2"]
    assert [m.ref for m in catalog.models("z")] == ["z/1", "z/2"]
    assert [m.ref for m in catalog.models(removed=True)] == ["b/2", "z/3"], "newest first"
    assert catalog.models("nobody") == []


def test_chats_are_counted_by_their_own_model_and_the_trash_is_not(store: Store) -> None:
    one, two = echo(store.catalog, "z", "z1", "z2")
    chats_with(store.connection, one.id, 3)
    chats_with(store.connection, two.id, 2)
    store.connection.execute("update chats set deleted_at = updated_at where id = 1")
    store.connection.execute("update chats set archived_at = updated_at where id = 2")
    store.connection.execute("insert into chats (title) values ('of no model')")
    assert store.catalog.use_counts() == {one.id: 2, two.id: 2}
    assert store.catalog.chats_using([one.id, two.id]) == 4
    assert store.catalog.chats_using([one.id]) == 2
    assert store.catalog.chats_using([]) == store.catalog.chats_using([999]) == 0


def test_rows_of_another_program_with_odd_parameters_can_be_read(store: Store) -> None:
    store.connection.execute("insert into model_configs (provider, model, parameters) values ('local', 'odd', '[1]')")
    assert store.catalog.live("local/odd").parameters == {}


def test_a_provider_of_a_kind_that_a_newer_version_wrote_can_be_listed_and_removed(store: Store) -> None:
    store.connection.execute("insert into providers (name, kind) values ('z', 'telepathy')")
    assert [p.kind for p in store.catalog.providers()] == ["embedded", "telepathy"]
    store.catalog.remove_provider("z")
    assert [p.name for p in store.catalog.providers()] == ["local"]


# The log.


def test_the_log_says_why_the_default_changed(catalog: Catalog) -> None:
    z1 = echo(catalog, "z", "z1")[0]
    catalog.make_default(z1.id)
    catalog.switch_model(z1.id, False)
    catalog.remove_provider("local")
    catalog.switch_model(z1.id, True)
    told = [(e.action, e.subject, e.default_before, e.default_after, e.by) for e in reversed(catalog.events())]
    built_in = "local/smollm2"
    assert told == [
        ("provider-added", "z", built_in, built_in, "person"),
        ("model-added", "z/z1", built_in, built_in, "person"),
        ("default-chosen", "z/z1", built_in, "z/z1", "person"),
        ("model-disabled", "z/z1", "z/z1", built_in, "promotion"),
        ("provider-removed", "local", built_in, None, "promotion"),
        ("model-enabled", "z/z1", None, "z/z1", "promotion"),
    ]


def test_the_log_keeps_what_was_edited_and_only_the_newest_are_asked_for(catalog: Catalog) -> None:
    provider = catalog.add_provider("z", "openai", "http://localhost:1", "env", "Z_KEY")
    catalog.edit_provider(provider.id, name="y", base_url="http://localhost:2")
    event = catalog.events(limit=1)[0]
    assert (event.action, event.subject) == ("provider-edited", "z")
    assert event.detail["fields"] == {"name": ["z", "y"], "base_url": ["http://localhost:1", "http://localhost:2"]}
    assert len(catalog.events(limit=1)) == 1


def test_each_line_of_the_log_begins_where_the_one_before_ended(catalog: Catalog) -> None:
    empty(catalog)
    catalog.add_provider("z", "echo")
    catalog.add_models("z", [("a", None), ("b", None)])
    catalog.edit_provider(catalog.provider("z").id, name="y")
    catalog.edit_model(catalog.live("y/a").id, model="c")
    catalog.remove_model(catalog.live("y/c").id)
    lines = list(reversed(catalog.events()))
    assert all(one.default_after == next_one.default_before for one, next_one in itertools.pairwise(lines))
    assert lines[-1].default_after == "y/b"


def test_a_write_that_is_refused_leaves_no_line(catalog: Catalog) -> None:
    with pytest.raises(AlreadyExists):
        catalog.add_provider("local", "echo")
    assert catalog.events() == []
