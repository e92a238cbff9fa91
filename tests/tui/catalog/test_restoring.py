"""Every way back in the list: what it says it does is what it does, and it leads back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from localchat.records import RemoteModel
from localchat.store import Store
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.restoring import RestoreDialog
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.dialogs.confirm import ConfirmDialog
from tests.tui.catalog.conftest import Bench, Endpoint, add_chat, footer, screen_text, settled, words


def imported(store: Store, ref: str, chats: int = 0) -> int:
    provider, _, model = ref.partition("/")
    done = store.connection.execute(
        "insert into model_configs (provider, model, is_local, deleted_at) values (?, ?, null, ?)",
        (provider, model, "2026-01-01T00:00:00.000Z"),
    )
    for number in range(chats):
        add_chat(store, f"imported {number}", int(done.lastrowid or 0))
    return int(done.lastrowid or 0)


async def test_what_came_with_an_import_comes_back_by_a_provider_of_its_name(store: Store, endpoint: Endpoint) -> None:
    grave = imported(store, "chatgpt/gpt-4o", chats=2)
    endpoint.offers["chatgpt"] = [RemoteModel("gpt-new"), RemoteModel("gpt-4o")]
    app = Bench(store, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "Came without a provider. r adds chatgpt, m gives its chats another model." in screen_text(pilot)
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        assert app.screen.query_one("#name").value == "chatgpt"  # type: ignore[attr-defined]
        app.screen.query_one("#url").value = "https://api.openai.com/v1"  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "2 chats point at it." in words(pilot)
        assert "Perhaps they ran on this machine. Their chats are answered at api.openai.com then." in words(pilot)
        await pilot.press("y")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog) and "comes back" in screen_text(pilot))
        await pilot.press("ctrl+a", "enter")
        await settled(pilot, lambda: "Added 1 model of chatgpt; gpt-4o is back." in app.toasts())
        assert store.catalog.live("chatgpt/gpt-4o").id == grave


async def test_an_import_that_is_left_alone_stays_as_it_is(store: Store, endpoint: Endpoint) -> None:
    imported(store, "chatgpt/gpt-4o")
    app = Bench(store, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("end", "right", "r")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        app.screen.query_one("#url").value = "https://api.openai.com/v1"  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        assert [model.provider_id for model in store.catalog.models(removed=True)] == [None]


async def test_what_another_import_brought_while_the_question_stood_is_asked_about(
    store: Store, second: Store, endpoint: Endpoint
) -> None:
    imported(store, "chatgpt/gpt-4o")
    app = Bench(store, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("end", "r")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        app.screen.query_one("#url").value = "https://api.openai.com/v1"  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        imported(second, "chatgpt/o1")
        await pilot.press("y")
        await settled(pilot, lambda: "o1 of chatgpt was removed as well by now." in words(pilot))
        assert {model.provider_id for model in store.catalog.models(removed=True)} == {None}
        await pilot.press("y")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        assert None not in {model.provider_id for model in store.catalog.models(removed=True)}


async def test_a_model_removed_before_its_provider_was_renamed_comes_back_and_leaves_no_phantom(stocked: Store) -> None:
    """Findings: remove a model, rename its provider: no removed provider is shown that never was."""
    catalog = stocked.catalog
    catalog.edit_provider(catalog.provider("ollama").id, name="home")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("home", "down", "right", "end")
        await settled(pilot)
        shown = screen_text(pilot)
        assert "Models of home" in shown
        assert "ollama" not in shown.rpartition("\n")[0], "but for what u would undo"
        await pilot.press("r")
        await settled(pilot, lambda: "mistral:7b is back. 1 chat uses it again." in app.toasts())


async def test_a_tombstone_that_kept_the_old_name_of_its_removed_provider_comes_back(store: Store) -> None:
    catalog = store.catalog
    catalog.add_provider("z", "echo")
    catalog.remove_model(catalog.add_model("z", "z1").id)
    catalog.edit_provider(catalog.provider("z").id, name="y")
    catalog.remove_provider("y")
    store.connection.execute("update model_configs set provider = 'z' where model = 'z1'")  # as a first version had it
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "Went with its provider. r restores y." in screen_text(pilot)
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, RestoreDialog))
        assert "y comes back, without a model." in words(pilot)
        await pilot.press("y")
        await settled(pilot, lambda: "y is back." in app.toasts())
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        await pilot.press("right", "end", "r")
        await settled(pilot, lambda: "z1 is back." in app.toasts())
        assert [model.ref for model in catalog.models("y")] == ["y/z1"]


async def test_a_removed_provider_whose_name_is_taken_says_how_there_is_room(stocked: Store) -> None:
    """A later provider of that name: its list holds the earlier one's models, and r brings one back here."""
    catalog = stocked.catalog
    catalog.remove_provider("openai")
    catalog.add_provider("openai", "echo")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        app.screen.panes.select(catalog.provider("openai"))  # type: ignore[attr-defined]
        await pilot.press("right", "end")
        await settled(pilot)
        assert "Removed. r restores it" in screen_text(pilot)
        await pilot.press("r")
        await settled(pilot, lambda: bool(app.toasts()))
        assert "is back" in app.toasts()[-1]


CHANGES: dict[str, tuple[Callable[[Store], object], str, str]] = {
    "another default": (
        lambda s: s.catalog.make_default(s.catalog.live("ollama/qwen3:8b").id),
        "The default is ollama/qwen3:8b now. Nothing was changed.",
        "openai comes back, with gpt-4o, gpt-4o-mini, o4-mini.",
    ),
    "a model elsewhere": (
        lambda s: (
            s.catalog.add_provider("openai", "echo", taking_over=s.catalog.left_behind("openai")),
            s.catalog.edit_provider(s.catalog.provider("openai").id, name="other"),
        ),
        "gpt-4o, gpt-4o-mini, o4-mini cannot come back any more. Nothing was changed.",
        "openai comes back, without a model.",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_r_does_what_the_list_showed_or_asks_with_what_there_is_now(
    stocked: Store, second: Store, change: str
) -> None:
    stocked.catalog.remove_provider("openai")
    act, told, fact = CHANGES[change]
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        act(second)
        await pilot.press("r")
        await settled(pilot, lambda: isinstance(app.screen, RestoreDialog))
        await settled(pilot)
        assert told in words(pilot)
        assert fact in words(pilot)
        assert "openai" not in [provider.name for provider in stocked.catalog.providers()]
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert "openai" not in [provider.name for provider in stocked.catalog.providers()], "the cursor was on Cancel"


async def test_the_dialog_follows_what_another_window_does_and_restores_only_what_it_shows(
    stocked: Store, second: Store
) -> None:
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end", "right", "r")
        await settled(pilot, lambda: isinstance(app.screen, RestoreDialog))
        second.catalog.make_default(second.catalog.live("ollama/qwen3:8b").id)
        await pilot.press("y")
        await settled(pilot, lambda: "The default is ollama/qwen3:8b now." in words(pilot))
        assert "openai" not in [provider.name for provider in stocked.catalog.providers()]
        second.catalog.make_default(second.catalog.live("local/smollm2").id)
        app.catalog_changed(elsewhere=True)
        await settled(pilot, lambda: "The default is local/smollm2 now." in words(pilot))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts()[-1].startswith("openai and 3 models are back.")


async def test_where_it_came_back_elsewhere_the_dialog_offers_nothing_more(stocked: Store, second: Store) -> None:
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end", "right", "r")
        await settled(pilot, lambda: isinstance(app.screen, RestoreDialog))
        second.catalog.restore(second.catalog.restore_of_provider("openai"))
        app.catalog_changed(elsewhere=True)
        await settled(pilot, lambda: "openai is back already. Nothing was restored." in words(pilot))
        await pilot.press("y", "enter")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert app.toasts() == []


async def test_what_comes_back_elsewhere_says_where_its_chats_are_answered(store: Store) -> None:
    catalog = store.catalog
    catalog.add_provider("z", "echo")
    model = catalog.add_model("z", "m")
    add_chat(store, "secret", model.id)
    catalog.remove_provider("z")
    catalog.add_provider("z", "openai", "https://far.example/v1")
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        app.screen.panes.select(catalog.provider("z"))  # type: ignore[attr-defined]
        await pilot.press("right", "end", "r")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts()[-1].startswith("m is back. 1 chat uses it again, at far.example from now on.")


async def test_a_name_that_no_provider_can_have_offers_no_key_that_leads_nowhere(store: Store) -> None:
    imported(store, "Open AI/gpt-4o", chats=1)
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "No provider can be called “Open AI”. m moves its chats" in screen_text(pilot)
        assert "Restore" not in footer(app)
