"""Removing, what it would do, and the way back."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from localchat.errors import (
    AlreadyExists,
    Internal,
    InvalidInput,
    LocalChatError,
    NotFound,
    ProviderNotConfigured,
    Remedy,
    StoreUnreadable,
    Way,
)
from localchat.records import Model, Removal, RemovalPreview
from localchat.store import Store
from localchat.store.catalog import queries
from localchat.store.catalog.catalog import Catalog
from tests.store.helpers import chats_with, default_ref, dump, echo, empty, raw

EVERYTHING = ("providers", "model_configs", "chats", "messages", "catalog_events")


@pytest.fixture
def two(catalog: Catalog) -> Catalog:
    """Provider z (z1, the default, and z2), and provider b (b1)."""
    echo(catalog, "z", "z1", "z2")
    echo(catalog, "b", "b1")
    catalog.make_default(catalog.live("z/z1").id)
    return catalog


# Before: what it would do.


def test_a_preview_tells_what_goes_who_uses_it_and_who_takes_over(store: Store, two: Catalog) -> None:
    z1, z2 = two.models("z")
    chats_with(store.connection, z1.id, 5, "first")
    chats_with(store.connection, z2.id, 2, "second")
    store.connection.execute("update chats set deleted_at = updated_at where title = 'first 4'")
    before = dump(store.connection, *EVERYTHING)
    preview = two.removal_of_provider("z")
    assert preview.provider == two.provider("z")
    assert preview.models == (z1, z2)
    assert preview.chats_affected == 6
    assert preview.newest_titles == ("first 3", "first 2", "second 1")
    assert preview.removes_default
    assert preview.default_before == z1
    assert [m.ref for m in preview.successors] == ["b/b1", "local/smollm2"]
    assert preview.default_after == preview.successors[0]
    assert dump(store.connection, *EVERYTHING) == before


def test_a_preview_where_the_default_stays_names_no_successors(two: Catalog) -> None:
    preview = two.removal_of_provider("b")
    assert not preview.removes_default
    assert preview.successors == ()
    assert preview.default_before == preview.default_after == two.default()


def test_a_preview_of_one_model_names_the_other_models_of_its_provider_too(two: Catalog) -> None:
    preview = two.removal_of_model("z/z1")
    assert preview.provider is None
    assert [m.ref for m in preview.models] == ["z/z1"]
    assert [m.ref for m in preview.successors] == ["b/b1", "local/smollm2", "z/z2"]


def test_a_preview_where_nobody_can_take_over_says_so(catalog: Catalog) -> None:
    preview = catalog.removal_of_provider("local")
    assert (preview.successors, preview.default_after, preview.removes_default) == ((), None, True)


def test_a_preview_and_the_removal_agree(two: Catalog) -> None:
    for successor in (None, "local/smollm2"):
        preview = two.removal_of_provider("z", successor)
        removal = two.remove_provider("z", two.live(successor).id if successor else None)
        assert preview.provider == removal.provider
        assert preview.models == removal.models
        assert (preview.default_before and preview.default_before.ref) == "z/z1"
        assert removal.default_after is not None
        assert preview.default_after is not None
        assert preview.default_after.ref == removal.default_after.ref == default_ref(two)
        two.undo(removal)


def test_a_provider_without_models_can_be_removed(catalog: Catalog) -> None:
    catalog.add_provider("z", "echo")
    assert catalog.removal_of_provider("z").models == ()
    removal = catalog.remove_provider("z")
    assert (removal.models, default_ref(catalog)) == ((), "local/smollm2")
    catalog.undo(removal)
    assert catalog.provider("z").kind == "echo"


# Doing it.


def test_removing_a_provider_in_use_succeeds_and_leaves_its_models_as_tombstones(store: Store, two: Catalog) -> None:
    z1, z2 = two.models("z")
    chats_with(store.connection, z1.id, 3)
    answered = "insert into messages (chat_id, role, model_config_id) values (1, 'assistant', ?)"
    store.connection.execute(answered, (z1.id,))
    before = dump(store.connection, "chats", "messages")
    removal = two.remove_provider("z")
    assert [p.name for p in two.providers()] == ["b", "local"]
    assert two.models("z") == []
    graves = two.models("z", removed=True)
    assert {m.id for m in graves} == {z1.id, z2.id}
    assert all(m.deleted_at == removal.at and not m.is_default and not m.usable for m in graves)
    assert default_ref(two) == "b/b1"
    assert removal.default_before == z1
    assert removal.default_after is not None
    assert removal.default_after.ref == "b/b1"
    assert dump(store.connection, "chats", "messages") == before


def test_a_removal_and_its_undo_touch_no_chat_and_no_message(store: Store, two: Catalog) -> None:
    chats_with(store.connection, two.live("z/z1").id, 100)
    touched: set[tuple[bool, str]] = set()

    def note(action: int, table: str | None, *_: object) -> int:
        writes = action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
        if writes or action == sqlite3.SQLITE_READ:
            touched.add((writes, str(table)))
        return sqlite3.SQLITE_OK

    store.connection.set_authorizer(note)
    two.undo(two.remove_provider("z"))
    store.connection.set_authorizer(None)
    assert (True, "providers") in touched
    assert {table for _, table in touched}.isdisjoint({"chats", "messages"})


def test_a_removal_says_nothing_of_a_new_default_where_the_default_stays(two: Catalog) -> None:
    removal = two.remove_provider("b")
    assert removal.default_before == removal.default_after == two.live("z/z1")


def test_removing_the_last_model_leaves_no_default(catalog: Catalog) -> None:
    removal = catalog.remove_model(catalog.live("local/smollm2").id)
    assert removal.default_after is None
    assert catalog.default() is None
    assert catalog.models() == []


def test_the_successor_that_was_picked_takes_over(two: Catalog) -> None:
    picked = two.live("local/smollm2")
    assert two.removal_of_provider("z", "local/smollm2").default_after == picked
    removal = two.remove_provider("z", picked.id)
    assert removal.default_after is not None
    assert removal.default_after.id == picked.id
    assert default_ref(two) == "local/smollm2"
    assert two.events(1)[0].by == "person"


def test_a_successor_picked_where_the_default_stays_changes_nothing(two: Catalog) -> None:
    two.remove_provider("b", two.live("local/smollm2").id)
    assert default_ref(two) == "z/z1"


def test_a_successor_that_cannot_be_one_is_refused_by_name_and_nothing_changes(store: Store, two: Catalog) -> None:
    two.switch_model(two.live("b/b1").id, False)
    gone = two.add_model("b", "gone")
    two.remove_model(gone.id)
    off = two.add_provider("off", "echo")
    asleep = two.add_model("off", "asleep")
    two.switch_provider(off.id, False)
    cases: list[tuple[str, int, type[LocalChatError]]] = [
        ("z/z2", two.live("z/z2").id, InvalidInput),
        ("z/z1", two.live("z/z1").id, InvalidInput),
        ("b/b1", two.live("b/b1").id, InvalidInput),
        ("off/asleep", asleep.id, InvalidInput),
        ("b/gone", gone.id, NotFound),
    ]
    before = dump(store.connection, *EVERYTHING)
    for ref, model_id, error in cases:
        with pytest.raises(error, match=ref):
            two.remove_provider("z", model_id)
        with pytest.raises(error, match=ref):
            two.removal_of_provider("z", ref)
        if ref != "z/z2":  # which can follow z1 where only z1 goes
            with pytest.raises(error, match=ref):
                two.remove_model(two.live("z/z1").id, model_id)
    for none in ("nobody/x", "x", ""):
        with pytest.raises((NotFound, InvalidInput)):
            two.removal_of_provider("z", none)
    with pytest.raises(NotFound):
        two.remove_provider("z", 999)
    with pytest.raises(InvalidInput, match="b/b1"):  # checked even where the default stays
        two.remove_provider("off", two.live("b/b1").id)
    assert dump(store.connection, *EVERYTHING) == before


def test_a_sibling_can_take_over_where_one_model_is_removed(two: Catalog) -> None:
    two.remove_model(two.live("z/z1").id, two.live("z/z2").id)
    assert default_ref(two) == "z/z2"


def test_removing_twice_is_not_found(two: Catalog) -> None:
    z1 = two.live("z/z1")
    two.remove_provider("z")
    with pytest.raises(NotFound):
        two.remove_provider("z")
    with pytest.raises(NotFound):
        two.remove_model(z1.id)
    with pytest.raises(NotFound, match="z/z1 was removed"):
        two.removal_of_model("z/z1")


def test_an_id_is_never_used_again(two: Catalog) -> None:
    old = two.provider("z").id
    removal = two.remove_provider("z")
    assert two.add_provider("y", "echo").id > old
    two.undo(removal)
    assert two.provider("z").id == old


# The way back.


@pytest.mark.parametrize("ref", [None, "z/z1", "z/z2", "b/b1", "local/smollm2"])
@pytest.mark.parametrize("name", ["z", "b", "local"])
def test_an_undo_restores_exactly_what_was(store: Store, two: Catalog, name: str, ref: str | None) -> None:
    two.edit_model(two.live("z/z2").id, context=4096, parameters={"seed": 1})
    two.switch_model(two.live("z/z2").id, False)
    before = dump(store.connection)
    removal = two.remove_provider(name) if ref is None else two.remove_model(two.live(ref).id)
    assert dump(store.connection) != before
    change = two.undo(removal)
    assert dump(store.connection) == before
    assert change.after is not None
    assert change.after.ref == "z/z1"


def test_an_undo_from_the_log_restores_exactly_what_was(path: Path, store: Store, two: Catalog) -> None:
    provider = two.add_provider("real", "openai", "https://api.example.com/v1", "keyring")
    model = two.add_model("real", "r1", context=7, parameters={"temperature": 0.5})
    two.make_default(model.id)
    two.switch_provider(provider.id, True)
    before = dump(store.connection)
    removal = two.remove_provider("real", two.live("local/smollm2").id)
    with Store(path) as later:
        assert later.catalog.last_removal("real") == removal
        later.catalog.undo(later.catalog.last_removal("real"))
    assert dump(store.connection) == before


def test_an_undo_leaves_a_default_that_was_chosen_since(store: Store, two: Catalog) -> None:
    removal = two.remove_provider("z")
    two.make_default(two.live("local/smollm2").id)
    change = two.undo(removal)
    assert not change.changed
    assert default_ref(two) == "local/smollm2"
    assert not two.live("z/z1").is_default


def test_an_undo_leaves_a_default_that_came_where_there_was_none(catalog: Catalog) -> None:
    removal = catalog.remove_provider("local")
    echo(catalog, "z", "z1")
    catalog.undo(removal)
    assert default_ref(catalog) == "z/z1"


def test_an_undo_where_there_is_no_default_gives_it_back(catalog: Catalog) -> None:
    removal = catalog.remove_provider("local")
    assert catalog.default() is None
    change = catalog.undo(removal)
    assert (change.before, change.after and change.after.ref) == (None, "local/smollm2")


def test_a_model_that_comes_back_is_promoted_where_there_is_no_default(catalog: Catalog) -> None:
    echo(catalog, "z", "z1")
    removed = catalog.remove_provider("z")  # not the default
    empty(catalog)
    change = catalog.undo(removed)
    assert change.promoted
    assert default_ref(catalog) == "z/z1"


def test_an_undo_where_the_name_was_taken_is_refused_and_nothing_changes(store: Store, two: Catalog) -> None:
    removal = two.remove_provider("z")
    two.add_provider("z", "openai", "http://localhost:1")
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(AlreadyExists, match="There is a provider z already; nothing was restored"):
        two.undo(removal)
    assert dump(store.connection, *EVERYTHING) == before


@pytest.mark.parametrize("taken", ["Z1"])
def test_an_undo_of_a_model_whose_name_was_taken_is_refused(store: Store, two: Catalog, taken: str) -> None:
    removal = two.remove_model(two.live("z/z1").id)
    two.add_model("z", taken)
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(AlreadyExists, match=f"z/{taken}"):
        two.undo(removal)
    assert dump(store.connection, *EVERYTHING) == before


def test_an_undo_of_a_provider_one_of_whose_models_was_taken_restores_nothing(store: Store, two: Catalog) -> None:
    """Only another program can add a model to a missing provider; nothing is restored by halves then either."""
    removal = two.remove_provider("z")
    store.connection.execute("insert into model_configs (provider, model) values ('z', 'z2')")
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(AlreadyExists, match="z/z2") as refused:
        two.undo(removal)
    assert refused.value.remedy == Remedy(Way.FIX_STORE)
    assert dump(store.connection, *EVERYTHING) == before
    two.bury_orphans()
    two.undo(removal)
    assert [model.id for model in two.models("z")] == [model.id for model in removal.models]


def test_an_undo_done_already_is_refused(two: Catalog) -> None:
    of_model = two.remove_model(two.live("z/z2").id)
    two.undo(of_model)
    with pytest.raises(NotFound) as back:
        two.undo(of_model)
    assert "back already" in back.value.hint
    of_provider = two.remove_provider("z")
    two.undo(of_provider)
    with pytest.raises(NotFound, match="not found") as back:
        two.undo(of_provider)
    assert back.value.hint == "z is back already. Nothing was restored."


def test_a_provider_that_came_back_and_was_renamed_is_not_restored_again(store: Store, two: Catalog) -> None:
    removal = two.remove_provider("z")
    two.undo(removal)
    two.edit_provider(removal.provider.id if removal.provider else 0, name="y")
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(NotFound) as back:
        two.undo(two.last_removal("z"))
    assert "back already, as y" in back.value.hint
    assert dump(store.connection, *EVERYTHING) == before


def test_an_undo_of_a_model_without_its_provider_names_the_way(two: Catalog) -> None:
    removal = two.remove_model(two.live("z/z2").id)
    two.remove_provider("z")
    with pytest.raises(ProviderNotConfigured) as refused:
        two.undo(removal)
    assert refused.value.remedy == Remedy(Way.RESTORE_PROVIDER, "z")
    with pytest.raises(ProviderNotConfigured) as refused:
        two.last_model_removal("z/z2")
    assert refused.value.remedy == Remedy(Way.RESTORE_PROVIDER, "z")


def test_a_model_removed_before_its_provider_stays_removed_when_the_provider_comes_back(two: Catalog) -> None:
    two.remove_model(two.live("z/z2").id)
    two.undo(two.remove_provider("z"))
    assert [m.ref for m in two.models("z")] == ["z/z1"]


def test_a_model_that_comes_back_to_another_kind_of_provider_says_where_it_runs(two: Catalog) -> None:
    two.remove_provider("z")
    two.add_provider("z", "openai", "https://api.example.com/v1")
    two.undo(two.last_model_removal("z/z2"))
    assert not two.live("z/z2").is_local
    mine = two.add_model("local", "mine", path="/tmp/x.gguf")
    two.remove_model(mine.id)
    two.remove_provider("local")
    two.add_provider("local", "echo")
    with pytest.raises(InvalidInput, match="embedded"):
        two.undo(two.last_model_removal("local/mine"))


def test_undos_in_a_row_lead_all_the_way_back(store: Store, two: Catalog) -> None:
    states, removals = [], list[Removal]()
    for ref in ("z/z1", "b/b1", "z/z2"):
        states.append(dump(store.connection))
        removals.append(two.remove_model(two.live(ref).id))
    for name in ("z", "local", "b"):
        states.append(dump(store.connection))
        removals.append(two.remove_provider(name))
    assert two.providers() == []
    while removals:
        two.undo(removals.pop())
        assert dump(store.connection) == states.pop()


# What the log keeps.


def test_the_newest_removal_of_a_name_is_what_a_restore_finds(two: Catalog) -> None:
    two.remove_provider("z")
    two.add_provider("z", "openai", "http://localhost:1", "env", "Z_KEY")
    two.add_model("z", "z9")
    two.remove_provider("z")
    two.undo(two.last_removal("z"))
    assert [m.ref for m in two.models("z")] == ["z/z9"]
    assert two.provider("z").key_name == "Z_KEY"


def test_the_newest_tombstone_of_a_ref_is_what_a_restore_finds(two: Catalog) -> None:
    old = two.live("z/z1")
    two.remove_model(old.id)
    new = two.add_model("z", "z1", context=9)
    two.remove_model(new.id)
    removal = two.last_model_removal("z/z1")
    assert [m.id for m in removal.models] == [new.id]
    two.undo(removal)
    assert two.live("z/z1").context == 9


def test_one_model_of_a_removed_provider_can_be_restored_to_a_new_one_of_its_name(two: Catalog) -> None:
    two.remove_provider("z")
    two.add_provider("z", "echo")
    removal = two.last_model_removal("z/z1")
    assert removal.provider is None
    two.undo(removal)
    assert [m.ref for m in two.models("z")] == ["z/z1"]
    assert default_ref(two) == "z/z1", "the stand-in still held it"


def test_a_tombstone_that_another_program_made_can_be_restored(path: Path, two: Catalog) -> None:
    with raw(path) as other:
        other.execute("update model_configs set deleted_at = '2026-01-01T00:00:00.000Z' where model = 'z2'")
    two.undo(two.last_model_removal("z/z2"))
    assert two.live("z/z2").usable


def test_what_was_never_removed_cannot_be_restored(two: Catalog) -> None:
    for name in ("z", "nobody", "", "\x1b[2J"):
        with pytest.raises(NotFound) as refused:
            two.last_removal(name)
        assert "\x1b" not in refused.value.message
    for ref in ("z/z1", "nobody/x"):
        with pytest.raises(NotFound):
            two.last_model_removal(ref)
    with pytest.raises(InvalidInput):
        two.last_model_removal("x")


def test_a_line_of_the_log_that_cannot_be_read_is_an_error_of_ours(store: Store, two: Catalog) -> None:
    store.connection.execute("insert into catalog_events (action, subject) values ('provider-removed', 'odd')")
    with pytest.raises(StoreUnreadable, match="log"):
        two.last_removal("odd")


def test_the_log_keeps_what_a_restore_needs_and_never_a_key(
    store: Store, two: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REAL_KEY", "sk-very-secret")
    two.add_provider("real", "openai", "https://api.example.com/v1", "env", "REAL_KEY")
    two.add_model("real", "r1")
    two.remove_provider("real")
    event = two.events(1)[0]
    assert (event.action, event.subject) == ("provider-removed", "real")
    assert event.detail["provider"]["base_url"] == "https://api.example.com/v1"
    assert event.detail["provider"]["key_name"] == "REAL_KEY"
    assert [m["ref"] for m in event.detail["models"]] == ["real/r1"]
    whole = json.dumps([e.detail for e in two.events()])
    assert "sk-very-secret" not in whole
    assert "restored" not in whole


def test_a_restore_is_told_in_the_log(two: Catalog) -> None:
    removal = two.remove_provider("z")
    two.undo(removal)
    event = two.events(1)[0]
    assert (event.action, event.subject, event.default_before, event.default_after) == (
        "provider-restored", "z", "b/b1", "z/z1",
    )  # fmt: skip
    assert event.detail["undoes"] == removal.event_id
    two.undo(two.remove_model(two.live("z/z2").id))
    assert (two.events(1)[0].action, two.events(1)[0].subject) == ("model-restored", "z/z2")


def test_a_preview_is_of_one_moment_while_another_program_writes(
    store: Store, two: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = two.removal_of_provider("z")
    live_models = queries.live_models

    def meanwhile(connection: sqlite3.Connection, name: str) -> list[Model]:
        with Store(store.path) as other:
            other.catalog.remove_model(other.catalog.live("z/z2").id)
        monkeypatch.setattr(queries, "live_models", live_models)
        return live_models(connection, name)

    monkeypatch.setattr(queries, "live_models", meanwhile)
    assert two.removal_of_provider("z") == before
    assert two.removal_of_provider("z") != before


@pytest.mark.parametrize("ways", ["by name", "the very one"])
def test_a_preview_of_a_model_is_of_one_moment_too(
    store: Store, two: Catalog, monkeypatch: pytest.MonkeyPatch, ways: str
) -> None:
    two.make_default(two.live("z/z1").id)
    model = two.live("z/z1")

    def preview() -> RemovalPreview:
        return two.removal_of_model("z/z1") if ways == "by name" else two.removal_of(model)

    before = preview()
    default = queries.default

    def meanwhile(connection: sqlite3.Connection) -> Model | None:
        monkeypatch.setattr(queries, "default", default)
        with Store(store.path) as other:
            other.catalog.remove_model(other.catalog.live("z/z2").id)
        return default(connection)

    monkeypatch.setattr(queries, "default", meanwhile)
    assert preview() == before
    assert preview() != before


@pytest.mark.parametrize(
    ("passes_over", "error"),
    [
        ("update of deleted_at on main.model_configs when old.model = 'z2'", Internal),
        ("update of deleted_at on main.model_configs", NotFound),
        ("delete on main.providers", NotFound),
    ],
)
def test_a_statement_of_a_removal_that_hits_nothing_undoes_all_of_it(
    store: Store, two: Catalog, passes_over: str, error: type[LocalChatError]
) -> None:
    """Nothing can come between inside of the transaction; a trigger does here what a mistake of ours would."""
    model = two.live("z/z1").id
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    store.connection.execute(f"create temp trigger pass_over before {passes_over} begin select raise(ignore); end")
    one = passes_over.endswith("model_configs")
    with pytest.raises(error):
        two.remove_model(model) if one else two.remove_provider("z")
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before


def test_where_nothing_is_promoted_the_log_says_so(store: Store) -> None:
    empty(store.catalog)
    store.catalog.add_provider("alone", "echo")
    assert [event.by for event in store.catalog.events(1)] == ["person"]
    store.catalog.remove_provider("alone")
    assert [event.by for event in store.catalog.events(1)] == ["person"]
