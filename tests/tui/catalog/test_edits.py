"""A form writes what was edited in it; what another window changed meanwhile stays, or is asked about."""

from __future__ import annotations

import pytest

from localchat.store import Store
from localchat.tui.catalog.meanwhile import WhichDialog
from localchat.tui.catalog.model_form import ModelForm
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.dialogs.safe_input import Line
from tests.tui.catalog.conftest import Bench, settled, words
from tests.tui.catalog.test_forms import put


def model_form(store: Store) -> Bench:
    return Bench(store, ModelForm(store.catalog.provider("ollama"), store.catalog.live("ollama/qwen3:8b")))


async def test_a_form_keeps_what_another_window_wrote_into_other_fields(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = model_form(stocked)
    async with app.run_test() as pilot:
        put(app, top_p="0.5")
        second.catalog.edit_model(model.id, context=4096, parameters={"temperature": 0.7})
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    now = stocked.catalog.model(model.id)
    assert (now.context, now.parameters) == (4096, {"temperature": 0.7, "top_p": 0.5})


async def test_what_is_not_touched_follows_what_another_window_writes(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = model_form(stocked)
    async with app.run_test() as pilot:
        await settled(pilot)
        second.catalog.edit_model(model.id, context=4096)
        app.catalog_changed()
        await settled(pilot)
        assert app.screen.query_one("#context", Line).value == "4096"
        await pilot.press("escape")
        await settled(pilot, lambda: app.answers == [None])


async def test_a_parameter_that_is_emptied_is_unset_and_the_others_stay(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    stocked.catalog.edit_model(model.id, parameters={"temperature": 0.5, "seed": 1})
    app = model_form(stocked)
    async with app.run_test() as pilot:
        put(app, temperature="")
        second.catalog.edit_model(model.id, parameters={"seed": 2})
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    assert stocked.catalog.model(model.id).parameters == {"seed": 2}


async def test_where_the_same_field_changed_the_form_shows_both_and_keeps_what_the_person_says(
    stocked: Store, second: Store
) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = model_form(stocked)
    async with app.run_test() as pilot:
        put(app, context="8192", temperature="0.2")
        second.catalog.edit_model(model.id, context=4096)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog))
        await settled(pilot)
        assert "The context of ollama/qwen3:8b was changed elsewhere" in words(pilot)
        assert "there now 4096 yours 8192" in words(pilot)
        await pilot.press("enter")  # back: nothing is saved, all that was typed stands
        await settled(pilot, lambda: isinstance(app.screen, ModelForm))
        assert stocked.catalog.model(model.id).parameters == {}
        assert app.screen.query_one("#context", Line).value == "8192"
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog))
        second.catalog.edit_model(model.id, context=2048)  # once more, while it is asked: compared again
        await pilot.press("m")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog) and "2048" in words(pilot))
        await pilot.press("m")
        await settled(pilot, lambda: bool(app.answers))
    now = stocked.catalog.model(model.id)
    assert (now.context, now.parameters) == (8192, {"temperature": 0.2})


async def test_theirs_can_be_taken_and_the_rest_is_saved(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = model_form(stocked)
    async with app.run_test() as pilot:
        put(app, context="8192", temperature="0.2")
        second.catalog.edit_model(model.id, context=4096)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog))
        await pilot.press("t")
        await settled(pilot, lambda: bool(app.answers))
    now = stocked.catalog.model(model.id)
    assert (now.context, now.parameters) == (4096, {"temperature": 0.2})


async def test_a_provider_form_keeps_address_and_key_that_another_window_wrote(stocked: Store, second: Store) -> None:
    old = stocked.catalog.provider("openai")
    app = Bench(stocked, ProviderForm(old))
    async with app.run_test(size=(120, 40)) as pilot:
        put(app, name="mine")
        second.catalog.edit_provider(old.id, base_url="https://b.example/v1", key_source="env", key_name="B_KEY")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    now = stocked.catalog.provider("mine")
    assert (now.id, now.base_url, now.key_name) == (old.id, "https://b.example/v1", "B_KEY")


@pytest.mark.parametrize(("key", "kept"), [("m", "https://c.example/v1"), ("t", "https://b.example/v1")])
async def test_a_provider_form_asks_where_both_changed_the_address(
    stocked: Store, second: Store, key: str, kept: str
) -> None:
    old = stocked.catalog.provider("openai")
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("openai")))
    async with app.run_test(size=(120, 40)) as pilot:
        put(app, url="https://c.example/v1")
        second.catalog.edit_provider(old.id, base_url="https://b.example/v1")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog))
        await settled(pilot)
        assert "there now https://b.example/v1 yours https://c.example/v1" in words(pilot)
        await pilot.press(key)
        await settled(pilot, lambda: bool(app.answers))
    assert stocked.catalog.provider("openai").base_url == kept


@pytest.mark.parametrize("of_model", [True, False])
async def test_saving_what_was_not_edited_writes_nothing_and_says_nothing(stocked: Store, of_model: bool) -> None:
    events = len(stocked.catalog.events())
    app = model_form(stocked) if of_model else Bench(stocked, ProviderForm(stocked.catalog.provider("local")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert app.toasts() == []
    assert len(stocked.catalog.events()) == events


async def test_a_form_shows_that_a_field_changed_meanwhile_before_it_saves(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = model_form(stocked)
    async with app.run_test(size=(90, 30)) as pilot:
        put(app, context="8192")
        second.catalog.edit_model(model.id, context=4096, parameters={"temperature": 0.7})
        app.catalog_changed()
        await settled(pilot)
        assert "The context was changed elsewhere: 4096. Saving asks whose is kept." in words(pilot)
        assert "Changed elsewhere meanwhile: Temperature." in words(pilot)
        second.catalog.edit_model(model.id, context=32768)  # as it was when the form was opened
        app.catalog_changed()
        await settled(pilot)
        assert "The context was changed elsewhere" not in words(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    assert stocked.catalog.model(model.id).context == 8192


async def test_a_provider_form_shows_that_its_address_changed_meanwhile(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("openai")))
    async with app.run_test(size=(110, 30)) as pilot:
        put(app, url="https://mine.example/v1")
        second.catalog.edit_provider(
            second.catalog.provider("openai").id, base_url="https://theirs.example/v1", key_source="none"
        )
        app.catalog_changed()
        await settled(pilot)
        shown = words(pilot)
        assert "The address was changed elsewhere: https://theirs.example/v1. Saving asks whose is kept." in shown
        assert "Changed elsewhere meanwhile: The key." in shown
