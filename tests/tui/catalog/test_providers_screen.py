"""The screen of providers and models, by keys and mouse, alone and beside another window."""

from __future__ import annotations

import pytest

from localchat.errors import ProviderUnavailable
from localchat.records import RemoteModel
from localchat.store import Store
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.history import HistoryScreen
from localchat.tui.catalog.model_form import ModelForm
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.restoring import RestoreDialog
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.dialogs.confirm import ConfirmDialog
from tests.tui.catalog.conftest import Bench, Endpoint, Keyring, add_chat, footer, screen_text, settled, words


async def test_keys_asked_for_while_the_lists_are_not_there_are_no_bug(stocked: Store) -> None:
    """The line of keys is composed when it comes to it, also while the screen opens or closes."""
    screen = ProvidersScreen()
    app = Bench(stocked, screen)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await screen.panes.providers.remove_children()
        assert screen.active_bindings
        assert screen.check_action("edit", ()) is True


async def test_both_lists_are_shown_with_the_default_always_on_screen(
    stocked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "★ gpt-4o · openai" in shown.splitlines()[0]
        assert "groq    1 model   ○ off" in shown
        assert "local   1 model   ● in the box" in shown
        assert "openai  3 models  ● key set" in shown
        assert "Models of openai" in shown, "the cursor begins on the provider of the default"
        assert "★ gpt-4o       128k context  used by 3 chats" in shown
        assert "https://api.openai.com/v1 · key from $OPENAI_API_KEY" in shown


async def test_a_key_that_is_not_there_is_told(stocked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(130, 30)) as pilot:
        await settled(pilot)
        assert "openai  3 models  ○ no key" in screen_text(pilot)
        assert "The environment variable OPENAI_API_KEY is not set. · https://api.openai.com/v1" in screen_text(pilot)


async def test_j_and_k_move_tab_and_arrows_change_the_list_and_enter_opens(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("k")
        await settled(pilot)
        assert "Models of ollama" in screen_text(pilot)
        await pilot.press("j", "enter", "j", "enter")
        await settled(pilot, lambda: isinstance(app.screen, ModelForm))
        assert "Edit openai/gpt-4o-mini" in screen_text(pilot)
        await pilot.press("escape")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        await pilot.press("left", "e")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        assert "Edit openai" in screen_text(pilot)


async def test_the_mouse_chooses_a_provider_and_opens_a_model(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(130, 30)) as pilot:
        await settled(pilot)
        await pilot.click("#providers CatalogList", offset=(5, 2))
        await settled(pilot)
        assert "e Edit" in footer(app)
        assert "Models of ollama" in screen_text(pilot)
        await pilot.click("#models CatalogList", offset=(5, 1))
        await settled(pilot)
        assert isinstance(app.screen, ProvidersScreen), "one click moves the cursor only"
        await pilot.double_click("#models CatalogList", offset=(5, 1))
        await settled(pilot, lambda: isinstance(app.screen, ModelForm))
        assert "Edit ollama/qwen3:8b" in screen_text(pilot)


async def test_two_presses_at_once_open_one_dialog_and_toggle_twice(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await settled(pilot)
        for key in ("d", "d"):
            app.simulate_key(key)
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(app.screen, ProvidersScreen)
        for key in ("space", "space"):
            app.simulate_key(key)
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert stocked.catalog.provider("openai").enabled


async def test_the_footer_shows_what_applies_to_what_the_cursor_is_on(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(160, 30)) as pilot:
        await settled(pilot)
        assert footer(app) == "a Add, e Edit, d Delete, space On/off, D Discover, t Test, u Undo, esc Back"
        await pilot.press("right", "down")
        await settled(pilot)
        assert "* Default" in footer(app)
        assert "r Restore" not in footer(app)
        await pilot.press("left", "up", "right", "end")
        await settled(pilot)
        assert footer(app) == "a Add, r Restore, m Move chats, D Discover, t Test, u Undo, esc Back"


async def test_star_makes_the_default_and_says_what_it_was(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "down", "*")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["Default: gpt-4o → gpt-4o-mini.   f8 undo"]
        await settled(pilot)
        assert "★ gpt-4o-mini · openai" in screen_text(pilot)


async def test_star_on_the_default_takes_its_place_away_and_says_who_has_it(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "*")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["Default: gpt-4o → smollm2.   f8 undo"]
        assert stocked.catalog.live("local/smollm2").is_default
        await settled(pilot)
        assert "★ smollm2 · local" in screen_text(pilot)


async def test_star_on_the_only_one_that_can_answer_changes_nothing_and_says_so(store: Store) -> None:
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "*")
        await settled(pilot, lambda: bool(app.toasts()))
        assert "local/smollm2 is the only model that can answer; it stays the default." in app.toasts()[0]
        assert store.catalog.live("local/smollm2").is_default


async def test_switching_off_the_default_says_who_took_over(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "space")
        await settled(pilot, lambda: len(app.toasts()) == 1)
        assert app.toasts()[-1] == "Switched off gpt-4o. Default: gpt-4o → smollm2.   f8 undo"
        await settled(pilot)
        assert "off" in screen_text(pilot)
        await pilot.press("space")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert app.toasts()[-1] == "Switched on gpt-4o.   f8 undo"


async def test_switching_off_the_provider_of_the_only_usable_model_says_that_there_is_no_default(
    store: Store,
) -> None:
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("space")
        await settled(pilot, lambda: len(app.toasts()) == 1)
        assert app.toasts()[-1].startswith("Switched off local. smollm2 was your default. There is no default now.")
        await settled(pilot)
        assert "no default model" in screen_text(pilot)
        await pilot.press("space")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert app.toasts()[-1] == "Switched on local. Default: smollm2 · local.   f8 undo"


async def test_a_removed_model_is_restored_and_its_chats_use_it_again(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("up", "right", "end")
        await settled(pilot)
        assert "mistral:7b" in screen_text(pilot)
        assert "Removed. r restores it, m moves its chats to another model." in screen_text(pilot)
        await pilot.press("r")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["mistral:7b is back. 1 chat uses it again."]
        assert not stocked.catalog.live("ollama/mistral:7b").removed


async def test_the_chats_of_a_removed_model_move_to_another_and_back(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("up", "right", "end", "m")
        await settled(pilot, lambda: isinstance(app.screen, ModelPicker))
        assert "Move 1 chat of mistral:7b to …" in screen_text(pilot)
        await pilot.press(*"qwen3", "enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["Moved 1 chat from mistral:7b to qwen3:8b.   f8 undo"]
        assert stocked.catalog.use_counts()[stocked.catalog.live("ollama/qwen3:8b").id] == 2
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert app.toasts()[-1] == "1 chat has its old model back."
        assert stocked.catalog.use_counts()[stocked.catalog.live("ollama/qwen3:8b").id] == 1


async def test_a_move_is_of_the_chats_that_were_shown(stocked: Store, second: Store) -> None:
    gone = next(model for model in stocked.catalog.models("ollama", removed=True))
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("up", "right", "end", "m")
        await settled(pilot, lambda: isinstance(app.screen, ModelPicker))
        add_chat(second, "Written elsewhere", gone.id)
        await pilot.press(*"qwen3", "enter")
        await settled(pilot, lambda: "Move 2 chats of mistral:7b to …" in screen_text(pilot))
        assert "1 chat uses mistral:7b as well by now. Nothing was changed." in words(pilot)
        assert stocked.catalog.use_counts()[gone.id] == 2
        await settled(pilot)
        await pilot.press(*"qwen3", "enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["Moved 2 chats from mistral:7b to qwen3:8b.   f8 undo"]


async def test_a_tombstone_whose_name_lives_says_what_gives_its_chats_a_model(stocked: Store) -> None:
    stocked.connection.execute("insert into model_configs (provider, model) values ('ollama', 'mistral:7b')")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("up", "right", "end")
        await settled(pilot)
        assert "Removed; another mistral:7b is here. m moves its chats to another model." in screen_text(pilot)
        assert "Restore" not in footer(app), "r leads nowhere, so it is not offered"
        await pilot.press("m")
        await settled(pilot, lambda: isinstance(app.screen, ModelPicker))


async def test_what_is_taken_over_comes_back_by_discovery_and_a_default_is_offered(
    store: Store, endpoint: Endpoint
) -> None:
    endpoint.offers["openai"] = [RemoteModel("gpt-4o"), RemoteModel("gpt-new")]
    store.catalog.add_provider("openai", "openai", "https://api.openai.com/v1")
    store.catalog.add_model("openai", "gpt-4o")
    store.catalog.remove_provider("openai")
    app = Bench(store, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("a")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        app.screen.query_one("#name").value = "openai"  # type: ignore[attr-defined]
        app.screen.query_one("#url").value = "https://api.openai.com/v1"  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "Take over the removed models of openai?" in screen_text(pilot))
        await pilot.press("y")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog) and "comes back" in screen_text(pilot))
        await pilot.press("enter")
        await settled(pilot, lambda: "Make gpt-4o your default?" in screen_text(pilot))
        assert app.toasts()[-1] == "gpt-4o is back."
        await pilot.press("y")
        await settled(pilot, lambda: len(app.toasts()) > 2)
        default = store.catalog.default()
        assert default is not None
        assert default.ref == "openai/gpt-4o"


async def test_where_there_is_no_test_button_the_footer_offers_no_test(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("local")))
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "Test" not in footer(app)


async def test_chats_of_this_machine_move_elsewhere_only_after_a_question(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("up", "right", "end", "m")
        await settled(pilot, lambda: isinstance(app.screen, ModelPicker))
        await pilot.press(*"mini", "enter")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "runs at api.openai.com" in words(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert app.toasts() == []
        assert stocked.catalog.use_counts()[stocked.catalog.models("ollama", removed=True)[0].id] == 1


async def test_a_removed_provider_is_in_reach_and_comes_back_with_its_models(stocked: Store) -> None:
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "openai was removed. r restores it with 3 models, m gives its chats" in screen_text(pilot)
        assert "removed today 14:02" in screen_text(pilot)
        await pilot.press("r")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts() == ["openai and 3 models are back. Default: smollm2 → gpt-4o."]
        assert len(stocked.catalog.models("openai")) == 3


async def test_restoring_a_model_of_a_removed_provider_offers_the_provider(stocked: Store) -> None:
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end", "right", "r")
        await settled(pilot, lambda: isinstance(app.screen, RestoreDialog))
        assert "Restore openai?" in screen_text(pilot)
        assert "openai comes back, with gpt-4o, gpt-4o-mini, o4-mini." in words(pilot)
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.toasts()))
        assert stocked.catalog.live("openai/gpt-4o").is_default


async def test_the_key_of_a_removed_provider_is_kept_or_forgotten_and_undo_brings_it_back(
    stocked: Store, keyring: Keyring
) -> None:
    stocked.catalog.edit_provider(stocked.catalog.provider("openai").id, key_source="keyring")
    entry = ("localchat", "openai")
    keyring.kept[entry] = "sk-secret-1"
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        assert "[ ] Forget its key in the keyring too" in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: len(app.toasts()) == 1)
        assert keyring.kept == {entry: "sk-secret-1"}, "kept unless ticked"
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        app.screen.panes.select(stocked.catalog.provider("openai"))  # type: ignore[attr-defined]
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("shift+tab", "shift+tab", "space")
        await settled(pilot)
        assert "[✓] Forget" in screen_text(pilot)
        await pilot.press("tab", "tab", "enter")
        await settled(pilot, lambda: len(app.toasts()) == 3)
        assert keyring.kept == {}
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 4)
        assert keyring.kept == {entry: "sk-secret-1"}
        assert b"sk-secret" not in stocked.path.read_bytes()


async def test_adding_a_provider_asks_it_for_models_and_offers_a_default(store: Store, endpoint: Endpoint) -> None:
    endpoint.offers["ollama"] = [RemoteModel("qwen3:8b", 32768), RemoteModel("gemma3:4b", None)]
    app = Bench(store, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("a")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        await pilot.press("enter", "down", "enter", "ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        await settled(pilot, lambda: "gemma3:4b" in screen_text(pilot))
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Make qwen3:8b your default?" in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: "Default: smollm2 → qwen3:8b.   f8 undo" in app.toasts())
        await settled(pilot)
        assert "Models of ollama" in screen_text(pilot), "the cursor is on what was added"
        assert store.catalog.live("ollama/qwen3:8b").is_default


async def test_a_provider_added_again_under_its_old_name_offers_its_removed_models(
    stocked: Store, endpoint: Endpoint
) -> None:
    removed = stocked.catalog.live("openai/gpt-4o").id
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("a")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        app.screen.query_one("#name").value = "openai"  # type: ignore[attr-defined]
        app.screen.query_one("#url").value = "https://api.openai.com/v1"  # type: ignore[attr-defined]
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Take over the removed models of openai?" in screen_text(pilot)
        assert "4 chats point at them." in words(pilot)
        await pilot.press("y")
        await settled(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        assert stocked.catalog.add_model("openai", "gpt-4o").id == removed


async def test_the_test_key_asks_and_shows_the_answer_or_what_was_wrong(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.offers["openai"] = [RemoteModel(name) for name in ("gpt-4o", "gpt-4o-mini", "o4-mini")]
    app = Bench(stocked, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("t")
        await settled(pilot, lambda: bool(app.toasts()))
        await settled(pilot)
        assert app.toasts() == ["openai answers: 3 models."]
        assert "● answers" in screen_text(pilot)
        endpoint.offers["openai"] = ProviderUnavailable("openai does not answer [/] \x1b[2J.", "Start it.")
        await pilot.press("t")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        await settled(pilot)
        assert "○ no answer" in screen_text(pilot)
        assert "openai does not answer [/] [2J. Start it." in screen_text(pilot)


async def test_what_is_not_listed_any_more_is_marked_in_the_list_and_goes_when_it_is_listed_again(
    stocked: Store, endpoint: Endpoint
) -> None:
    endpoint.offers["openai"] = [RemoteModel("gpt-4o-mini"), RemoteModel("o4-mini")]
    app = Bench(stocked, ProvidersScreen(), endpoint)
    async with app.run_test() as pilot:
        await pilot.press("t")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert app.toasts()[0] == "openai no longer offers ★ gpt-4o."
        await settled(pilot, lambda: screen_text(pilot).count("no longer offered") == 1)
        await pilot.press("right")
        await settled(pilot, lambda: "openai does not offer it any more" in words(pilot))
        endpoint.offers["openai"] = [RemoteModel("gpt-4o"), RemoteModel("gpt-4o-mini"), RemoteModel("o4-mini")]
        await pilot.press("t")
        await settled(pilot, lambda: "openai offers ★ gpt-4o again." in app.toasts())
        await settled(pilot, lambda: "no longer offered" not in screen_text(pilot))


async def test_servers_on_this_machine_are_asked_by_themselves_and_no_other(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.offers["ollama"] = [RemoteModel("qwen3:8b")]
    app = Bench(stocked, ProvidersScreen(), endpoint)
    app.still = False
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "● answers" in screen_text(pilot))
        assert [provider.name for provider in endpoint.asked] == ["ollama"]


async def test_slash_filters_the_list_with_the_focus_and_escape_shows_all_again(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "slash", *"mini")
        await settled(pilot)
        assert "gpt-4o-mini" in screen_text(pilot)
        assert "128k context  used by 3 chats" not in screen_text(pilot)
        await pilot.press("enter", "d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        assert "Remove openai/gpt-4o-mini?" in screen_text(pilot)
        await pilot.press("escape", "escape")
        await settled(pilot)
        assert "used by 3 chats" in screen_text(pilot)
        assert isinstance(app.screen, ProvidersScreen)
        await pilot.press("escape")
        await settled(pilot, lambda: app.answers == [None])


async def test_another_window_is_followed_and_the_cursor_stays(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(130, 40)) as pilot:
        await pilot.press("right", "down")
        second.catalog.add_provider("aaa", "openai", "http://localhost:1/v1")
        second.catalog.add_model("openai", "a-new-one")
        add_chat(second, "Elsewhere", second.catalog.live("openai/gpt-4o-mini").id)
        app.catalog_changed()
        app.chats_changed()
        await settled(pilot)
        shown = screen_text(pilot)
        assert "aaa" in shown
        assert "a-new-one" in shown
        assert "Models of openai" in shown
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        assert "Remove openai/gpt-4o-mini?" in screen_text(pilot)
        assert "1 chat uses it." in screen_text(pilot)


async def test_what_another_window_removed_a_moment_ago_gives_the_error(stocked: Store, second: Store) -> None:
    gone = "Resource not found or you do not have access to this resource"
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("right", "down")
        second.catalog.remove_model(second.catalog.live("openai/gpt-4o-mini").id)
        for number, key in enumerate(("*", "space"), start=1):
            await pilot.press(key)
            await settled(pilot, lambda number=number: len(app.toasts()) == number)
            assert gone in app.toasts()[-1]


@pytest.mark.parametrize("side", ["providers", "models"])
async def test_where_the_row_under_the_cursor_went_elsewhere_the_keys_act_on_nothing_and_it_is_said(
    stocked: Store, second: Store, side: str
) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(130, 40)) as pilot:
        await settled(pilot)
        assert "Models of openai" in screen_text(pilot)
        if side == "models":
            await pilot.press("right", "down")
            second.catalog.remove_model(second.catalog.live("openai/gpt-4o-mini").id)
        else:
            second.catalog.remove_provider("openai")
        app.catalog_changed(elsewhere=True)
        app.chats_changed()  # rows are drawn anew: the cursor still does not move by itself
        await settled(pilot)
        name = "gpt-4o-mini" if side == "models" else "openai"
        assert f"{name} went from here in another window. Nothing is chosen." in screen_text(pilot)
        before = [(p.name, p.enabled) for p in stocked.catalog.providers()], stocked.catalog.models()
        await pilot.press("space", "d", "e", "asterisk")
        await settled(pilot)
        assert isinstance(app.screen, ProvidersScreen)
        assert ([(p.name, p.enabled) for p in stocked.catalog.providers()], stocked.catalog.models()) == before
        await pilot.press("down")
        await settled(pilot)
        assert "Nothing is chosen" not in screen_text(pilot)
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))


async def test_an_empty_store_and_an_empty_provider_say_what_to_do(store: Store) -> None:
    store.catalog.add_provider("ollama", "openai", "http://localhost:11434/v1")
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("end")
        await settled(pilot)
        assert "D asks ollama what it has, a adds one by its name." in words(pilot)
    store.catalog.remove_provider("ollama")
    store.connection.execute("delete from model_configs")
    store.connection.execute("delete from providers")
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "No providers. a adds one: Ollama, LM Studio, OpenAI" in words(pilot)


async def test_history_says_why_the_default_is_what_it_is(stocked: Store) -> None:
    stocked.catalog.remove_provider("openai")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("h")
        await settled(pilot, lambda: isinstance(app.screen, HistoryScreen))
        shown = words(pilot)
        assert "openai removed" in shown
        assert "default: openai/gpt-4o → local/smollm2 (first usable by name)" in shown
        assert "default: local/smollm2 → openai/gpt-4o (chosen)" in shown


async def test_names_written_by_other_programs_are_shown_literally_everywhere(stocked: Store) -> None:
    nasty = "[/] [@click=app.quit]x[/] \x1b]0;own\x07 \u202e"
    model = stocked.catalog.live("openai/gpt-4o").id
    stocked.connection.execute("update model_configs set model = ?, path = ? where id = ?", (nasty, nasty, model))
    stocked.connection.execute("update providers set base_url = ? where name = 'openai'", (nasty,))
    stocked.connection.execute(
        "insert into catalog_events (action, subject, default_before) values (?, ?, ?)", (nasty, nasty, nasty)
    )
    stocked.connection.execute("insert into model_configs (provider, model, deleted_at) values (?, ?, ?)",
                               (nasty, nasty, "2026-11-03T10:00:00.000Z"))  # fmt: skip
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(150, 40)) as pilot:
        for keys in ("left", "right", "left,end", "h", "escape,home,down,down,down,right,space", "space", "star"):
            await pilot.press(*keys.replace("star", "*").split(","))
            await settled(pilot)
            shown = screen_text(pilot)
            assert "[@click=app.quit]x[/] ]0;own" in shown, keys
            assert "\x1b" not in shown
            assert "\u202e" not in shown
        await settled(pilot, lambda: len(app.toasts()) == 3)
        assert all("[@click=app.quit]x[/]" in toast and "\x1b" not in toast for toast in app.toasts())
