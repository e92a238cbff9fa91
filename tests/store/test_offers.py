"""The mark of a model that its endpoint does not offer any more: when it is set, and when it goes."""

from __future__ import annotations

import pytest

from localchat.records import Provider
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from localchat.store.catalog.offers import MOST_LISTED
from tests.store.helpers import default_ref, dump


@pytest.fixture
def place(catalog: Catalog) -> Provider:
    """A provider with the models `old` (the default), `new` and `qwen3`."""
    place = catalog.add_provider("o", "openai", "https://o.example/v1")
    for name in ("old", "new", "qwen3"):
        catalog.add_model("o", name)
    catalog.make_default(catalog.live("o/old").id)
    return place


def marked(catalog: Catalog) -> list[str]:
    return [model.ref for model in catalog.models() if model.delisted_at is not None]


def test_what_is_not_listed_any_more_is_marked_and_what_is_listed_again_is_not(
    catalog: Catalog, place: Provider
) -> None:
    offers = catalog.note_offers(place, ["new", "qwen3"])
    assert ([model.ref for model in offers.gone], offers.back) == (["o/old"], ())
    assert marked(catalog) == ["o/old"]
    seen = catalog.live("o/old").delisted_at
    assert catalog.note_offers(place, ["new", "qwen3"]).gone == ()
    assert catalog.live("o/old").delisted_at == seen

    offers = catalog.note_offers(place, ["old", "new", "qwen3"])
    assert (offers.gone, [model.ref for model in offers.back]) == ((), ["o/old"])
    assert marked(catalog) == []


def test_the_mark_changes_nothing_else(store: Store, catalog: Catalog, place: Provider) -> None:
    before = dump(store.connection, "providers", "catalog_events", "chats")
    old = catalog.live("o/old")
    catalog.note_offers(place, [])

    now = catalog.live("o/old")
    assert (now.usable, now.enabled, now.updated_at, default_ref(catalog)) == (True, True, old.updated_at, "o/old")
    assert dump(store.connection, "providers", "catalog_events", "chats") == before
    assert [model.ref for model in catalog.successors()] == ["local/smollm2", "o/new", "o/old", "o/qwen3"]


@pytest.mark.parametrize(
    ("model", "listed", "offered"),
    [
        ("qwen3", ["qwen3:latest"], True),  # Ollama's tag
        ("qwen3:latest", ["qwen3"], True),
        ("Qwen3", ["qwen3"], True),
        ("claude-sonnet-latest", ["claude-sonnet-4"], True),  # an alias, which no list holds
        ("qwen3", ["qwen3:8b"], False),
        ("qwen3:8b", ["qwen3"], False),
        ("gpt-4", ["gpt-4o"], False),
    ],
)
def test_a_name_that_a_list_writes_otherwise_is_offered(
    catalog: Catalog, model: str, listed: list[str], offered: bool
) -> None:
    place = catalog.add_provider("p", "openai", "https://p.example/v1")
    catalog.add_model("p", model)
    catalog.note_offers(place, listed)

    assert marked(catalog) == ([] if offered else [f"p/{model}"])


def test_an_answer_from_another_address_or_after_a_removal_marks_nothing(catalog: Catalog, place: Provider) -> None:
    catalog.edit_provider(place.id, base_url="https://elsewhere.example/v1")
    assert catalog.note_offers(place, []).gone == ()
    catalog.remove_provider("o")
    assert catalog.note_offers(place, []).gone == ()
    assert marked(catalog) == []


def test_a_list_that_was_cut_says_nothing_about_what_is_not_in_it(catalog: Catalog, place: Provider) -> None:
    catalog.note_gone(catalog.live("o/new").id)
    offers = catalog.note_offers(place, ["new", *(f"m{n}" for n in range(MOST_LISTED))])

    assert (offers.gone, [model.ref for model in offers.back]) == ((), ["o/new"])


def test_models_that_run_inside_the_program_are_never_marked(catalog: Catalog) -> None:
    catalog.note_offers(catalog.provider("local"), [])
    assert marked(catalog) == []


def test_another_name_or_another_address_takes_the_mark_away(catalog: Catalog, place: Provider) -> None:
    catalog.note_offers(place, [])
    catalog.edit_model(catalog.live("o/old").id, context=4096)
    catalog.edit_model(catalog.live("o/new").id, model="newest")
    assert marked(catalog) == ["o/old", "o/qwen3"]
    catalog.edit_provider(place.id, name="other")
    assert marked(catalog) == ["other/old", "other/qwen3"]
    catalog.edit_provider(place.id, base_url="https://elsewhere.example/v1")
    assert marked(catalog) == []
