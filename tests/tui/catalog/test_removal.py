"""Removing as a conversation, its undo, and what stays."""

from __future__ import annotations

from localchat.store import Store
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.screen import ProvidersScreen
from tests.tui.catalog.conftest import Bench, Endpoint, add_chat, screen_text, settled, words


async def test_removing_the_default_provider_shows_what_goes_and_who_takes_over(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        shown = screen_text(pilot)
        assert "Remove openai?" in shown
        assert "3 models go: ★ gpt-4o, gpt-4o-mini, o4-mini." in shown
        assert "4 chats use them." in shown
        assert "Bread without yeast · Trip to Lisbon · Regex for dates · 1 more" in shown
        assert "gpt-4o is your default. It will be:" in shown
        assert "smollm2 · local" in shown
        assert "the first usable one by name; it runs inside this program" in shown
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts()[-1] == "Removed openai and 3 models. Default: gpt-4o → smollm2.   f8 undo"
        assert [p.name for p in stocked.catalog.providers()] == ["groq", "local", "ollama"]
        assert "★ smollm2 · local" in screen_text(pilot)


async def test_escape_and_cancel_remove_nothing(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        for key in ("escape", "shift+tab,enter"):
            await pilot.press("d")
            await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
            await pilot.press(*key.split(","))
            await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert len(stocked.catalog.providers()) == 4
        assert app.toasts() == []


async def test_another_successor_can_be_picked(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("shift+tab", "shift+tab", "enter", "down", "down", "enter")
        await settled(pilot)
        assert "qwen3:8b · ollama" in screen_text(pilot)
        assert "your choice; it runs on this machine" in screen_text(pilot)
        await pilot.press("tab", "tab", "enter")
        await settled(pilot, lambda: bool(app.toasts()))
        default = stocked.catalog.default()
        assert default is not None
        assert default.ref == "ollama/qwen3:8b"


async def test_undo_brings_back_provider_models_and_default(stocked: Store) -> None:
    before = (stocked.catalog.providers(), stocked.catalog.models(), stocked.catalog.default())
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.undos))
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert app.toasts()[-1] == "openai and 3 models are back. Default: smollm2 → gpt-4o."
        assert (stocked.catalog.providers(), stocked.catalog.models(), stocked.catalog.default()) == before


async def test_an_undo_whose_name_was_taken_meanwhile_is_refused_and_changes_nothing(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.undos))
        second.catalog.add_provider("openai", "openai", "https://example.org/v1")
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert "There is a provider openai already; nothing was restored." in app.toasts()[-1]
        assert stocked.catalog.provider("openai").base_url == "https://example.org/v1"
        assert stocked.catalog.models("openai") == []


async def test_removing_a_single_model_moves_the_default_and_leaves_a_tombstone_in_sight(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("right", "d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        assert "The model ★ gpt-4o of openai goes." in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        await settled(pilot)
        assert app.toasts()[-1] == "Removed gpt-4o. Default: gpt-4o → smollm2.   f8 undo"
        shown = screen_text(pilot)
        assert "removed today 14:02" in shown
        assert "used by 3 chats" in shown


async def test_removing_what_is_not_the_default_says_that_the_default_stays(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("home", "d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        shown = screen_text(pilot)
        assert "Remove groq?" in shown
        assert "No chat uses it." in shown
        assert "Your default stays ★ gpt-4o · openai." in shown
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts()[-1] == "Removed groq and 1 model.   f8 undo"


async def test_removing_the_last_model_leaves_no_default_and_says_so(store: Store) -> None:
    app = Bench(store, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        assert "no other model can answer. There will be no default" in words(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        await settled(pilot)
        assert "There is no default now." in app.toasts()[-1]
        shown = screen_text(pilot)
        assert "no default model" in shown
        assert "removed" in shown, "what is left of it can be restored"


async def test_a_successor_elsewhere_for_chats_of_this_machine_is_warned_of(stocked: Store) -> None:
    catalog = stocked.catalog
    catalog.make_default(catalog.live("ollama/qwen3:8b").id)
    catalog.remove_provider("local")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        shown = words(pilot)
        assert "it runs at api.openai.com" in shown
        assert "These chats ran on this machine; gpt-4o does not." in shown


async def test_a_provider_removed_in_another_window_while_the_dialog_is_open(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        second.catalog.remove_provider("openai")
        app.catalog_changed()
        await settled(pilot)
        assert "Resource not found or you do not have access to this resource" in words(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert app.undos == []


async def test_a_provider_removed_elsewhere_a_moment_before_enter_gives_the_error_and_changes_nothing(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        second.catalog.remove_provider("openai")
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert "Resource not found or you do not have access to this resource" in app.toasts()[-1]
        assert app.undos == []


async def test_the_dialog_follows_what_another_window_does(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        add_chat(second, "Written elsewhere", second.catalog.live("openai/gpt-4o").id)
        second.catalog.remove_provider("local")
        app.catalog_changed()
        await settled(pilot)
        shown = screen_text(pilot)
        assert "5 chats use them." in shown
        assert "llama3.2:3b · ollama" in shown, "the successor that was promised is gone"


async def test_in_a_low_window_the_dialog_scrolls_to_its_buttons(stocked: Store) -> None:
    app = Bench(stocked, RemovalDialog(stocked.catalog.removal_of_provider("openai")))
    async with app.run_test(size=(60, 12)) as pilot:
        await settled(pilot)
        assert "Remove " in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.answers))


async def test_titles_and_names_of_others_are_shown_literally_in_the_dialog(stocked: Store) -> None:
    nasty = "[/] [@click=app.quit]x[/]\x1b[2J\x07"
    model = stocked.catalog.live("openai/gpt-4o").id
    add_chat(stocked, nasty, model)
    stocked.connection.execute("update model_configs set model = ? where id = ?", (nasty, model))
    app = Bench(stocked, ProvidersScreen(), Endpoint())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        shown = screen_text(pilot)
        assert shown.count("[@click=app.quit]x[/]") >= 3
        assert "\x1b" not in shown
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        assert "[@click=app.quit]" in app.toasts()[-1]
        await settled(pilot)
