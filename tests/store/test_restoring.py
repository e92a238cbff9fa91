"""What a restore would do is shown, and what was shown is what happens; who takes over what an import left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from localchat.errors import AlreadyExists, Changed, NotFound, ProviderNotConfigured, Remedy, Way
from localchat.records import RestorePreview
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from tests.store.helpers import chats_with, default_ref, dump, echo

EVERYTHING = ("providers", "model_configs", "catalog_events", "chats")


@pytest.fixture
def catalog(store: Store) -> Catalog:
    """`z` with z1, the default, and z2 was removed; `b/b1` took over."""
    catalog = store.catalog
    echo(catalog, "z", "z1", "z2")
    echo(catalog, "b", "b1")
    catalog.make_default(catalog.live("z/z1").id)
    chats_with(store.connection, catalog.live("z/z2").id, 1)
    catalog.remove_provider("z")
    return catalog


def came_with_an_import(store: Store, *refs: str) -> None:
    for ref in refs:
        provider, _, model = ref.partition("/")
        store.connection.execute(
            "insert into model_configs (provider, model, is_local, deleted_at) values (?, ?, null, ?)",
            (provider, model, "2026-01-01T00:00:00.000Z"),
        )


def facts(shown: RestorePreview) -> tuple[object, ...]:
    before, after = shown.default_before, shown.default_after
    return (
        shown.provider.name if shown.provider else None,
        [model.ref for model in shown.models],
        [model.ref for model in shown.stays],
        shown.chats_affected,
        before.ref if before else None,
        after.ref if after else None,
    )


def test_a_preview_tells_what_comes_back_and_changes_nothing(store: Store, catalog: Catalog) -> None:
    before = dump(store.connection, *EVERYTHING)
    shown = catalog.restore_of_provider("z")
    assert facts(shown) == ("z", ["z/z1", "z/z2"], [], 1, "b/b1", "z/z1")
    assert dump(store.connection, *EVERYTHING) == before
    done = catalog.restore(shown)
    assert [model.ref for model in done.models] == ["z/z1", "z/z2"]
    assert all(model.usable for model in done.models)
    assert default_ref(catalog) == "z/z1"


def test_what_lives_elsewhere_by_now_stays_there_and_the_preview_says_so(catalog: Catalog) -> None:
    """Findings: remove z, add it again, restore z1 there, rename that one: the old z still comes back, with z2."""
    other = catalog.add_provider("z", "echo")
    catalog.restore(catalog.restore_of_model("z/z1"))
    with pytest.raises(AlreadyExists) as taken:
        catalog.restore_of_provider("z")
    assert taken.value.remedy == Remedy(Way.MAKE_ROOM, "z", "z-2")
    catalog.edit_provider(other.id, name="y")
    shown = catalog.restore_of_provider("z")
    assert (facts(shown)[:2], [model.model for model in shown.stays]) == (("z", ["z/z2"]), ["z1"])
    done = catalog.restore(shown)
    assert [model.ref for model in done.models] == ["z/z2"]
    assert catalog.live("y/z1").usable


CHANGES: dict[str, tuple[Callable[[Store], object], str]] = {
    "a model back elsewhere": (
        lambda s: (
            s.catalog.edit_provider(s.catalog.add_provider("z", "echo").id, name="y"),
            s.connection.execute("update model_configs set provider = 'y', provider_id = (select id from providers"
                                 " where name = 'y'), deleted_at = null where model = 'z2'"),
        ),
        "z2 cannot come back any more.",
    ),
    "another default": (
        lambda s: s.catalog.make_default(s.catalog.live("local/smollm2").id),
        "The default is local/smollm2 now.",
    ),
    "the default chosen again": (
        lambda s: (
            s.catalog.make_default(s.catalog.live("local/smollm2").id),
            s.catalog.make_default(s.catalog.live("b/b1").id),
        ),
        "The default would be b/b1 then.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_from_what_was_shown_restores_nothing(store: Store, catalog: Catalog, change: str) -> None:
    shown = catalog.restore_of_provider("z")
    act, told = CHANGES[change]
    act(store)
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(Changed) as refused:
        catalog.restore(shown)
    assert refused.value.message == f"{told} Nothing was changed."
    assert dump(store.connection, *EVERYTHING) == before
    catalog.restore(catalog.restore_of_provider("z"))


def test_a_model_that_would_come_back_at_another_address_is_asked_about_again(catalog: Catalog) -> None:
    far = catalog.add_provider("far", "openai", "http://localhost:1/v1")
    catalog.remove_model(catalog.add_model("far", "m").id)
    shown = catalog.restore_of_model("far/m")
    catalog.edit_provider(far.id, base_url="https://example.com/v1")
    with pytest.raises(Changed, match=r"It would come back to far at example\.com now"):
        catalog.restore(shown)


def test_a_restore_of_what_is_back_already_is_not_found(catalog: Catalog) -> None:
    shown = catalog.restore_of_provider("z")
    catalog.restore(shown)
    with pytest.raises(NotFound, match="not found"):
        catalog.restore(shown)


def test_a_rename_meanwhile_is_no_other_fact(catalog: Catalog) -> None:
    """A model that is its own provider's, whatever that is called: it comes back there."""
    catalog.restore(catalog.restore_of_provider("z"))
    catalog.remove_model(catalog.live("z/z2").id)
    shown = catalog.restore_of_model("z/z2")
    catalog.edit_provider(catalog.provider("z").id, name="y")
    assert [model.ref for model in catalog.restore(shown).models] == ["y/z2"]


def test_of_two_removed_providers_of_one_name_both_come_back(catalog: Catalog) -> None:
    """Newest first; renamed out of the way, the earlier one is next."""
    second = catalog.add_provider("z", "echo")
    catalog.add_model("z", "later")
    catalog.remove_provider("z")
    assert catalog.restore(catalog.restore_of_provider("z")).provider.id == second.id
    catalog.edit_provider(second.id, name="y")
    assert [model.ref for model in catalog.restore(catalog.restore_of_provider("z")).models] == ["z/z1", "z/z2"]


def test_case_twins_of_another_program_go_and_come_back_together(store: Store, catalog: Catalog) -> None:
    catalog.restore(catalog.restore_of_provider("z"))
    store.connection.execute(
        "insert into model_configs (provider, provider_id, model, created_at) select 'z', id, 'Z2', created_at"
        " from providers where name = 'z'"
    )
    removal = catalog.remove_provider("z")
    assert len(removal.models) == 3
    catalog.restore(catalog.restore_of_provider("z"))
    assert [model.ref for model in catalog.models("z")] == ["z/Z2", "z/z1", "z/z2"]
    catalog.remove_model(catalog.live("z/Z2").id)
    catalog.restore(catalog.restore_of_model("z/Z2"))
    assert [model.ref for model in catalog.models("z")] == ["z/Z2", "z/z1", "z/z2"]


def test_a_removed_model_whose_provider_was_removed_under_another_name_names_that(store: Store) -> None:
    """As a store of before may have it: the tombstone kept the name that its provider had then."""
    catalog = store.catalog
    catalog.remove_model(echo(catalog, "z", "z1", "z2")[1].id)
    catalog.edit_provider(catalog.provider("z").id, name="y")
    catalog.remove_provider("y")
    store.connection.execute("update model_configs set provider = 'z' where model = 'z2'")
    with pytest.raises(ProviderNotConfigured) as gone:
        catalog.restore_of_model("z/z2")
    assert gone.value.remedy == Remedy(Way.RESTORE_PROVIDER, "y")
    catalog.restore(catalog.restore_of_provider("y"))
    with pytest.raises(NotFound, match="No model “z/z2” was ever removed") as called:
        catalog.restore_of_model("z/z2")
    assert (called.value.hint, called.value.remedy) == ("z is called y now.", Remedy(Way.RESTORE_MODEL, "y/z2"))
    catalog.restore(catalog.restore_of_model("y/z2"))
    assert [model.ref for model in catalog.models("y")] == ["y/z1", "y/z2"]


# Taking over.


def test_a_new_provider_takes_over_what_an_import_left_in_the_same_step(store: Store) -> None:
    came_with_an_import(store, "p/m", "p/n", "q/m")
    catalog = store.catalog
    left = catalog.left_behind("p")
    assert sorted(model.ref for model in left.models) == ["p/m", "p/n"]
    provider = catalog.add_provider("p", "echo", taking_over=left)
    assert {m.ref: m.provider_id for m in catalog.models(removed=True)} == {
        "p/m": provider.id, "p/n": provider.id, "q/m": None
    }  # fmt: skip
    assert catalog.models("p") == [], "they stay removed until one is added, discovered or restored"
    assert catalog.left_behind("p").models == ()


@pytest.mark.parametrize(
    "bring",
    [
        lambda catalog: catalog.add_model("p", "m").id,
        lambda catalog: catalog.add_models("p", [("m", None)])[0].id,
        lambda catalog: catalog.restore(catalog.restore_of_model("p/m")).models[0].id,
    ],
)
def test_what_was_taken_over_is_revived_with_its_chats(store: Store, bring: Callable[[Catalog], int]) -> None:
    came_with_an_import(store, "p/m")
    catalog = store.catalog
    grave = catalog.models(removed=True)[0]
    chats_with(store.connection, grave.id, 1)
    catalog.add_provider("p", "echo", taking_over=catalog.left_behind("p"))
    assert bring(catalog) == grave.id
    now = store.chats.get(1).model
    assert now is not None
    assert not now.removed


def test_without_taking_over_a_namesake_is_another_model(store: Store) -> None:
    came_with_an_import(store, "p/m")
    catalog = store.catalog
    catalog.add_provider("p", "echo")
    assert catalog.add_model("p", "m").id != catalog.models(removed=True)[0].id


def test_what_differs_from_what_was_shown_is_not_taken_over(store: Store) -> None:
    came_with_an_import(store, "p/m")
    catalog = store.catalog
    left = catalog.left_behind("p")
    came_with_an_import(store, "p/secret")
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(Changed, match="secret of p was removed as well by now"):
        catalog.add_provider("p", "echo", taking_over=left)
    assert dump(store.connection, *EVERYTHING) == before
    provider = catalog.add_provider("p", "echo")
    with pytest.raises(Changed):
        catalog.take_over(provider.id, left)
    catalog.take_over(provider.id, catalog.left_behind("p"))
    assert {m.provider_id for m in catalog.models(removed=True)} == {provider.id}
    assert catalog.events(1)[0].action == "models-taken-over"


def test_what_another_provider_took_over_does_not_come_back_with_its_earlier_one(catalog: Catalog) -> None:
    other = catalog.add_provider("z", "echo", taking_over=catalog.left_behind("z"))
    catalog.edit_provider(other.id, name="y")
    shown = catalog.restore_of_provider("z")
    assert (shown.models, [model.model for model in shown.stays]) == ((), ["z1", "z2"])
    catalog.restore(shown)
    assert catalog.models("z") == []
    catalog.add_model("y", "z1")
    assert [model.ref for model in catalog.models("y")] == ["y/z1"]
