"""Taking back what was done to providers, models and the default: of any window, also after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localchat.errors import (
    AlreadyExists,
    Changed,
    InvalidInput,
    LocalChatError,
    NotFound,
    Remedy,
    StoreUnreadable,
    Way,
)
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from localchat.testing import add_chat
from tests.store.helpers import default_ref, dump, echo

CATALOG = ("providers", "model_configs")


@pytest.fixture
def two(catalog: Catalog) -> Catalog:
    """z (z1 the default, z2), b (b1) and far, beside the model in the box."""
    echo(catalog, "z", "z1", "z2")
    echo(catalog, "b", "b1")
    catalog.add_provider("far", "openai", "http://localhost:8/v1")
    catalog.make_default(catalog.live("z/z1").id)
    return catalog


def newest(catalog: Catalog) -> int:
    return catalog.undoable(1)[0].id


def without_times(store: Store) -> Any:
    """Providers and models; an undo of an edit is a change too, so ``updated_at`` may differ."""
    rows = {}
    for table in CATALOG:
        found = store.connection.execute(f"select * from {table} order by id").fetchall()
        rows[table] = [{key: row[key] for key in row.keys() if key != "updated_at"} for row in found]  # noqa: SIM118
    return rows


DEEDS: dict[str, Callable[[Catalog], object]] = {
    "a provider removed": lambda c: c.remove_provider("z"),
    "a model removed": lambda c: c.remove_model(c.live("z/z1").id),
    "a provider switched off": lambda c: c.switch_provider(c.provider("z").id, False),
    "a model switched off": lambda c: c.switch_model(c.live("z/z1").id, False),
    "the default": lambda c: c.make_default(c.live("b/b1").id),
    "a demotion": lambda c: c.demote_default(c.live("z/z1").id),
    "a provider renamed": lambda c: c.edit_provider(c.provider("z").id, name="y"),
    "an address": lambda c: c.edit_provider(c.provider("far").id, base_url="http://localhost:9/v1"),
    "a model renamed": lambda c: c.edit_model(c.live("z/z1").id, model="z9"),
    "parameters": lambda c: c.edit_model(c.live("z/z1").id, parameters={"temperature": 0.5}, context=99),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_every_change_can_be_taken_back_also_after_a_restart(path: Path, store: Store, two: Catalog, deed: str) -> None:
    before, holder = without_times(store), default_ref(two)
    DEEDS[deed](two)
    assert without_times(store) != before

    with Store(path) as later:
        done = later.catalog.undo_event(newest(later.catalog))

    assert without_times(store) == before
    assert default_ref(two) == holder
    assert done.event.id not in [event.id for event in two.undoable()]


def test_all_of_them_in_a_row_lead_all_the_way_back(store: Store, two: Catalog) -> None:
    states = []
    for deed in ("an address", "a model switched off", "a provider removed", "the default"):
        states.append(without_times(store))
        if deed == "the default":
            two.make_default(two.live("local/smollm2").id)
        else:
            DEEDS[deed](two)
    while states:
        two.undo_event(newest(two))
        assert without_times(store) == states.pop()


def test_a_change_is_undone_once(path: Path, two: Catalog) -> None:
    two.remove_provider("z")
    event = newest(two)
    with Store(path) as other:
        other.catalog.undo_event(event)
    with pytest.raises(NotFound, match="undone already"):
        two.undo_event(event)
    assert [model.ref for model in two.models("z")] == ["z/z1", "z/z2"]


BACK_ANOTHER_WAY: dict[str, tuple[str, Callable[[Store], object]]] = {
    "a model added again": ("a model removed", lambda s: s.catalog.add_model("z", "z1")),
    "a model discovered": ("a model removed", lambda s: s.catalog.add_models("z", [("z1", None), ("z3", None)])),
    "a model written by another program": (
        "a model removed",
        lambda s: s.connection.execute("update model_configs set deleted_at = null"),
    ),
    "a switch by another program": (
        "a provider switched off",
        lambda s: s.connection.execute("update providers set enabled = 1"),
    ),
    "a model's switch by another program": (
        "a model switched off",
        lambda s: s.connection.execute("update model_configs set enabled = 1"),
    ),
    "an edited one added again as something else": (
        "parameters",
        lambda s: (s.catalog.remove_model(s.catalog.live("z/z1").id), s.catalog.add_model("z", "z1", context=5)),
    ),
    "an edit by another program": (
        "an address",
        lambda s: s.connection.execute("update providers set base_url = 'http://localhost:7/v1' where name = 'far'"),
    ),
    "parameters by another program": (
        "parameters",
        lambda s: s.connection.execute("update model_configs set parameters = '{}' where model = 'z1'"),
    ),
    "gone by another program": (
        "an address",
        lambda s: s.connection.execute("delete from providers where name = 'far'"),
    ),
}


@pytest.mark.parametrize("how", BACK_ANOTHER_WAY)
def test_what_came_back_another_way_does_not_stand_before_older_changes(store: Store, two: Catalog, how: str) -> None:
    deed, back = BACK_ANOTHER_WAY[how]
    older = newest(two)
    DEEDS[deed](two)
    assert newest(two) != older
    back(store)
    assert newest(two) == older
    two.undo_event(older)


def test_what_was_restored_by_name_is_not_undone_again(two: Catalog) -> None:
    two.remove_provider("z")
    event = newest(two)
    two.undo(two.last_removal("z"))
    assert event not in [each.id for each in two.undoable()]


def test_a_default_that_a_person_chose_since_stays_even_where_the_stand_in_has_it_again(two: Catalog) -> None:
    two.remove_provider("z")
    event = newest(two)
    assert default_ref(two) == "b/b1"
    two.make_default(two.live("local/smollm2").id)
    two.make_default(two.live("b/b1").id)
    two.undo_event(event)
    assert default_ref(two) == "b/b1"


def test_undone_out_of_order_the_first_default_is_back(two: Catalog) -> None:
    echo(two, "c", "c1")
    two.remove_provider("z")
    first = newest(two)
    two.remove_provider("b")
    second = newest(two)
    two.undo_event(first)
    assert default_ref(two) == "z/z1"
    two.undo_event(second)
    assert default_ref(two) == "z/z1"


def test_a_default_whose_provider_was_switched_off_meanwhile_does_not_come_back(store: Store, two: Catalog) -> None:
    """The heir that the person picked keeps it."""
    two.remove_model(two.live("z/z1").id, two.live("local/smollm2").id)
    removal = newest(two)
    two.switch_provider(two.provider("z").id, False)
    two.undo_event(removal)
    assert default_ref(two) == "local/smollm2"


def test_a_model_switched_on_again_by_an_undo_is_no_default_while_its_provider_is_off(
    store: Store, two: Catalog
) -> None:
    """Else the rule would look for another heir than the one that stands."""
    two.switch_model(two.live("z/z1").id, False)
    off = newest(two)
    assert default_ref(two) == "b/b1"
    two.switch_provider(two.provider("z").id, False)
    echo(two, "a", "a1")
    two.undo_event(off)
    assert default_ref(two) == "b/b1"


def test_the_undo_of_a_removal_gives_back_no_default_that_it_did_not_take(store: Store, two: Catalog) -> None:
    z1, z2 = two.models("z")
    two.remove_model(z2.id)
    removal = newest(two)
    two.switch_model(z1.id, False)
    two.switch_model(z1.id, True)
    assert default_ref(two) == "b/b1"
    two.undo_event(removal)
    assert default_ref(two) == "b/b1"


def test_a_refused_undo_stays_possible_and_its_advice_works(two: Catalog) -> None:
    two.remove_provider("z")
    event = newest(two)
    echo(two, "z", "another")
    with pytest.raises(AlreadyExists, match="There is a provider z already") as error:
        two.undo_event(event)
    assert error.value.remedy == Remedy(Way.MAKE_ROOM, "z", "z-2")
    assert event in [each.id for each in two.undoable()]
    two.edit_provider(two.provider("z").id, name="y")
    two.undo_event(event)
    assert [model.ref for model in two.models("z")] == ["z/z1", "z/z2"]


def test_what_was_edited_again_is_not_overwritten(store: Store, two: Catalog) -> None:
    two.edit_model(two.live("z/z1").id, context=4096)
    event = newest(two)
    store.connection.execute("update model_configs set context = 8192 where model = 'z1'")
    with pytest.raises(Changed, match="edited again"):
        two.undo_event(event)
    assert two.live("z/z1").context == 8192


def test_an_undone_parameter_leaves_the_others_as_they_are(store: Store, two: Catalog) -> None:
    two.edit_model(two.live("z/z1").id, parameters={"temperature": 0.5})
    event = newest(two)
    two.edit_model(two.live("z/z1").id, parameters={"temperature": 0.5, "top_p": 0.9})
    two.undo_event(event)
    assert two.live("z/z1").parameters == {"top_p": 0.9}


def test_a_choice_that_cannot_come_back_is_told(store: Store, two: Catalog) -> None:
    two.make_default(two.live("b/b1").id)
    event = newest(two)
    two.switch_provider(two.provider("z").id, False)
    with pytest.raises(InvalidInput, match="z/z1 cannot be the default again"):
        two.undo_event(event)


def test_moved_chats_get_their_model_and_what_was_agreed_to_back(store: Store, two: Catalog) -> None:
    chat = add_chat(store, "Rain", "z/z1", [("q", "a")])
    store.connection.execute("""update chats set remote_hosts = '["api.example.com"]' where id = ?""", (chat,))
    two.move_chats(two.move_of([two.live("z/z1").id]), two.target(two.live("b/b1").id))
    done = two.undo_event(newest(two))
    assert done.chats == 1
    row = store.connection.execute("select model_config_id, remote_hosts from chats where id = ?", (chat,)).fetchone()
    assert tuple(row) == (two.live("z/z1").id, '["api.example.com"]')


@pytest.mark.parametrize("deed", DEEDS)
def test_an_undo_is_one_transaction_and_all_of_it(store: Store, two: Catalog, deed: str) -> None:
    DEEDS[deed](two)
    event, seen = newest(two), list[str]()
    store.connection.set_trace_callback(seen.append)
    two.undo_event(event)
    store.connection.set_trace_callback(None)
    statements = [each.strip().lower() for each in seen if not each.startswith("--")]
    assert statements[0] == "begin immediate"
    assert statements[-1] == "commit"
    assert sum(each.startswith(("begin", "commit", "rollback")) for each in statements) == 2


# The log's own format: lines that earlier versions wrote, to the letter. None of them may ever be changed.

REMOVED_1 = (
    '{"provider": {"id": 77, "name": "old", "kind": "echo", "base_url": null, "key_source": "none", "key_name": null,'
    ' "enabled": true, "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"},'
    ' "models": [{"id": 99, "provider": "old", "model": "o1", "path": null, "context": null, "parameters": {},'
    ' "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:00.000Z",'
    ' "updated_at": "2026-01-01T00:00:00.000Z", "deleted_at": null, "usable": true}],'
    ' "default_before": 1, "default_after": 1}'
)
REMOVED_2 = (
    '{"provider": {"id": 77, "name": "old", "kind": "echo", "base_url": null, "key_source": "none", "key_name": null,'
    ' "enabled": true, "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"},'
    ' "models": [{"id": 99, "ref": "old/o1"}], "default_before": 1, "default_after": 1}'
)


def write_line(store: Store, number: int, action: str, subject: str, detail: str, provider_id: int | None) -> int:
    done = store.connection.execute(
        "insert into catalog_events (action, subject, default_before, default_after, detail, format, provider_id)"
        " values (?, ?, 'local/smollm2', 'local/smollm2', ?, ?, ?)",
        (action, subject, detail, number, provider_id),
    )
    return int(done.lastrowid or 0)


@pytest.mark.parametrize(("number", "detail"), [(1, REMOVED_1), (2, REMOVED_2)])
def test_a_removal_of_every_format_is_taken_back(store: Store, catalog: Catalog, number: int, detail: str) -> None:
    store.connection.execute(
        "insert into model_configs (id, provider, provider_id, model, deleted_at)"
        " values (99, 'old', 77, 'o1', '2026-01-02T00:00:00.000Z')"
    )
    event = write_line(store, number, "provider-removed", "old", detail, 77)
    done = catalog.undo_event(event)
    assert done.provider is not None
    assert (catalog.provider("old").id, [model.id for model in catalog.models("old")]) == (77, [99])


@pytest.mark.parametrize(
    ("number", "action", "detail"),
    [
        (1, "provider-edited", '{"base_url": ["http://localhost:1/v1", "http://localhost:2/v1"]}'),
        (2, "provider-edited", '{"fields": {"base_url": ["http://localhost:1/v1", "http://localhost:2/v1"]}}'),
        (1, "provider-disabled", "{}"),
        (2, "provider-disabled", '{"default_before": 1, "default_after": 1}'),
    ],
)
def test_edits_and_switches_of_every_format_are_taken_back(
    store: Store, catalog: Catalog, number: int, action: str, detail: str
) -> None:
    provider = catalog.add_provider("z", "openai", "http://localhost:2/v1")
    if action == "provider-disabled":
        store.connection.execute("update providers set enabled = 0 where id = ?", (provider.id,))
    event = write_line(store, number, action, "z", detail, provider.id if number > 1 else None)
    catalog.undo_event(event)
    found = catalog.provider("z")
    assert found.enabled
    assert found.base_url == ("http://localhost:1/v1" if action == "provider-edited" else "http://localhost:2/v1")


@pytest.mark.parametrize(
    ("number", "detail"),
    [
        (3, REMOVED_2),
        (99, "{}"),
        (2, "{}"),
        (2, '{"provider": 7, "models": [], "default_before": 1}'),
        (1, '{"models": 1}'),
    ],
)
def test_a_line_that_cannot_be_read_is_told_and_stays(store: Store, catalog: Catalog, number: int, detail: str) -> None:
    event = write_line(store, number, "provider-removed", "old", detail, None)
    before = dump(store.connection)
    with pytest.raises(StoreUnreadable, match=f"Line {event} of the catalog's log"):
        catalog.undo_event(event)
    assert dump(store.connection) == before
    assert catalog.events(1)[0].id == event


def test_what_a_line_holds_does_not_follow_the_records(store: Store, two: Catalog) -> None:
    """Golden: what this version writes, so that a change of a record is no change of the log."""
    two.remove_provider("z")
    row = store.connection.execute("select * from catalog_events order by id desc limit 1").fetchone()
    detail = json.loads(row["detail"])
    assert (row["format"], row["provider_id"]) == (2, detail["provider"]["id"])
    assert set(detail) == {"provider", "models", "default_before", "default_after"}
    assert set(detail["provider"]) == {
        "id", "name", "kind", "base_url", "key_source", "key_name", "enabled", "created_at", "updated_at",
        "limits",
    }  # fmt: skip
    assert [set(each) for each in detail["models"]] == [{"id", "ref"}] * 2


def test_an_undo_that_fails_changes_nothing(store: Store, two: Catalog) -> None:
    two.remove_provider("z")
    event = newest(two)
    store.connection.execute(
        "create temp trigger no_more before update on model_configs begin select raise(abort, 'no'); end"
    )
    before = dump(store.connection)
    with pytest.raises(LocalChatError):
        two.undo_event(event)
    assert dump(store.connection) == before
