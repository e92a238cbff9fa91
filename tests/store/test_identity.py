"""A provider is itself, not its name: what follows a rename, what comes back, and where every way back leads."""

from __future__ import annotations

import pytest

from localchat.errors import NotFound, ProviderNotConfigured, Remedy, Way
from localchat.store import Store
from tests.store.helpers import echo


def test_an_import_names_the_way_and_the_way_leads_back(store: Store) -> None:
    store.connection.execute(
        "insert into model_configs (provider, model, deleted_at) values ('p', 'm', '2026-01-01T00:00:00.000Z')"
    )
    catalog = store.catalog
    with pytest.raises(NotFound) as refused:
        catalog.last_removal("p")
    assert refused.value.remedy == Remedy(Way.TAKE_OVER, "p", "p/m")
    with pytest.raises(ProviderNotConfigured) as none:
        catalog.last_model_removal("p/m")
    assert none.value.remedy == Remedy(Way.TAKE_OVER, "p", "p/m")
    catalog.add_provider("p", "echo")
    catalog.undo(catalog.last_model_removal("p/m"))
    assert catalog.live("p/m").usable


def test_a_model_that_was_removed_before_its_provider_was_renamed_comes_back(store: Store) -> None:
    catalog = store.catalog
    removal = catalog.remove_model(echo(catalog, "z", "z1", "z2")[1].id)
    catalog.edit_provider(catalog.provider("z").id, name="y")
    catalog.undo(removal)
    assert [m.ref for m in catalog.models("y")] == ["y/z1", "y/z2"]


def test_a_provider_comes_back_with_what_of_it_is_not_alive_elsewhere(store: Store) -> None:
    catalog = store.catalog
    echo(catalog, "z", "z1", "z2")
    catalog.remove_provider("z")
    other = catalog.add_provider("z", "echo")
    catalog.undo(catalog.last_model_removal("z/z1"))
    catalog.edit_provider(other.id, name="y")
    catalog.undo(catalog.last_removal("z"))
    assert [m.ref for m in catalog.models() if m.provider != "local"] == ["y/z1", "z/z2"]


def test_a_rename_never_changes_who_said_what(store: Store) -> None:
    from localchat.records import Resolution

    catalog = store.catalog
    model = echo(catalog, "z", "old")[0]
    begun = store.messages.begin_turn(lambda _: Resolution(used=model, own=model), chat_id=None, text="Who?")
    catalog.edit_model(model.id, model="new")
    catalog.edit_provider(catalog.provider("z").id, name="y")
    reply = store.messages.get(begun.reply.id)
    assert reply.model is not None
    assert (reply.model.ref, reply.model_ref) == ("z/old", "z/old")
    chat = store.chats.get(begun.chat.id)
    assert chat.model is not None
    assert chat.model.ref == "y/new"
