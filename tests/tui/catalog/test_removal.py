"""Removing as a conversation, its undo, and what stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Select

from localchat.store import Store
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.screen import ProvidersScreen
from tests.tui.catalog.conftest import Bench, Endpoint, add_chat, footer, screen_text, settled, words


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
        await settled(pilot, lambda: app.undos.label.startswith("the removal of"))
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
        await settled(pilot, lambda: app.undos.label.startswith("the removal of"))
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


async def test_a_provider_removed_elsewhere_a_moment_before_enter_gives_the_error_and_changes_nothing(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        second.catalog.remove_provider("openai")
        await pilot.press("enter")
        await settled(pilot, lambda: "Resource not found or you do not have access to this resource" in words(pilot))
        await pilot.press("y", "enter")  # nothing to remove any more: y does nothing, enter is on Cancel
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))


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
        assert "smollm2 cannot take over any more." in words(pilot)
        assert "choose who takes over" in shown, "nobody that was not shown before is chosen"
        await pilot.press("y")
        await settled(pilot, lambda: "Choose who takes over first." in words(pilot))
        assert stocked.catalog.provider("openai")


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


# What was confirmed is what happens.


def replaced(other: Store) -> None:
    other.catalog.remove_provider("openai")
    other.catalog.add_provider("openai", "echo")
    other.catalog.add_model("openai", "precious")


CHANGES: dict[str, tuple[Callable[[Store], object], str]] = {
    "a model more": (lambda s: s.catalog.add_model("openai", "new"), "openai has new as well by now."),
    "a model less": (
        lambda s: s.catalog.remove_model(s.catalog.live("openai/o4-mini").id),
        "o4-mini of openai went already.",
    ),
    "another default": (
        lambda s: s.catalog.make_default(s.catalog.live("ollama/qwen3:8b").id),
        "The default is ollama/qwen3:8b now.",
    ),
    "the heir gone": (lambda s: s.catalog.remove_provider("local"), "local/smollm2 cannot take over any more."),
    "replaced by a namesake": (replaced, "The provider openai was removed"),
}


@pytest.mark.parametrize("seen", [True, False], ids=["seen by the window", "a moment before the key"])
@pytest.mark.parametrize("change", CHANGES)
async def test_what_changed_while_the_dialog_stood_is_shown_in_it_and_nothing_is_removed(
    stocked: Store, second: Store, change: str, seen: bool
) -> None:
    act, told = CHANGES[change]
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await settled(pilot)
        act(second)
        there = [model.ref for model in second.catalog.models()]
        if seen:
            app.catalog_changed()
        else:
            await pilot.press("y")
        await settled(pilot, lambda: told in words(pilot) or "another provider has its name now" in words(pilot))
        focused = app.screen.focused
        assert focused is not None
        assert focused.id == "no"
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert [model.ref for model in stocked.catalog.models()] == there


async def test_what_is_shown_anew_can_be_confirmed(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        second.catalog.add_model("openai", "new")
        await pilot.press("y")
        await settled(pilot, lambda: "4 models go: ★ gpt-4o, gpt-4o-mini, new, o4-mini." in words(pilot))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.toasts()))
        assert app.toasts()[-1].startswith("Removed openai and 4 models.")


async def test_y_removes_and_n_leaves_everything_as_it_is(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test() as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        assert "y Remove, n Cancel" in footer(app)
        await pilot.press("n")
        await settled(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        assert stocked.catalog.provider("openai")
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.toasts()))
        assert [provider.name for provider in stocked.catalog.providers()] == ["groq", "local", "ollama"]


async def test_where_nobody_can_take_over_it_does_not_say_that_new_turns_use_the_default(store: Store) -> None:
    add_chat(store, "alone", store.catalog.live("local/smollm2").id)
    app = Bench(store, RemovalDialog(store.catalog.removal_of_model("local/smollm2")))
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = words(pilot)
        assert "1 chat uses it. It stays readable; nobody answers in it until there is a default." in shown
        assert "use the default" not in shown


def owners(store: Store) -> dict[str, int]:
    return dict(store.connection.execute("select title, model_config_id from chats").fetchall())


async def test_the_chats_can_move_in_the_same_step_and_one_undo_takes_both_back(stocked: Store) -> None:
    before, to = owners(stocked), stocked.catalog.live("ollama/qwen3:8b")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        app.screen.query_one("#move", Select).value = to.id
        await settled(pilot, lambda: "They get qwen3:8b · ollama for good." in words(pilot))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.toasts()))
        assert "4 chats moved." in app.toasts()[-1]
        assert set(owners(stocked).values()) == {to.id, before["Old plans"]}
        await pilot.press("u")
        await settled(pilot, lambda: len(app.toasts()) == 2)
        assert owners(stocked) == before


async def test_another_chat_that_came_meanwhile_does_not_move_unseen(stocked: Store, second: Store) -> None:
    to = stocked.catalog.live("ollama/qwen3:8b")
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        app.screen.query_one("#move", Select).value = to.id
        await settled(pilot)
        add_chat(second, "Written elsewhere", second.catalog.live("openai/gpt-4o").id)
        await pilot.press("y")
        await settled(pilot, lambda: "by now. Nothing was changed." in words(pilot))
        assert "5 chats use them." in words(pilot)
        assert stocked.catalog.provider("openai")


async def test_chats_of_this_machine_that_are_to_move_elsewhere_are_warned_of(stocked: Store) -> None:
    app = Bench(stocked, RemovalDialog(stocked.catalog.removal_of_provider("ollama")))
    async with app.run_test(size=(80, 30)) as pilot:
        await settled(pilot)
        app.screen.query_one("#move", Select).value = stocked.catalog.live("openai/gpt-4o").id
        await settled(
            pilot,
            lambda: (
                "gpt-4o answers at api.openai.com: it sees the whole of each chat at its next turn." in words(pilot)
            ),
        )


TARGET_MEANWHILE: dict[str, tuple[Callable[[Store], object], str]] = {
    "gone": (
        lambda s: s.catalog.remove_model(s.catalog.live("ollama/llama3.2:3b").id),
        "cannot get the chats any more",
    ),
    "off": (
        lambda s: s.catalog.switch_model(s.catalog.live("ollama/llama3.2:3b").id, False),
        "cannot get the chats any more",
    ),
    "elsewhere": (
        lambda s: s.catalog.edit_provider(s.catalog.provider("ollama").id, base_url="https://far.example/v1"),
        "answers at far.example now",
    ),
}


@pytest.mark.parametrize("seen", [True, False], ids=["seen by the window", "a moment before the key"])
@pytest.mark.parametrize("meanwhile", TARGET_MEANWHILE)
async def test_chats_never_stay_or_go_elsewhere_where_another_model_was_shown_for_them(
    stocked: Store, second: Store, meanwhile: str, seen: bool
) -> None:
    before, (change, told) = owners(stocked), TARGET_MEANWHILE[meanwhile]
    app = Bench(stocked, ProvidersScreen())
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        app.screen.query_one("#move", Select).value = stocked.catalog.live("ollama/llama3.2:3b").id
        await settled(pilot, lambda: "They get llama3.2:3b · ollama for good." in words(pilot))
        change(second)
        if seen:
            app.catalog_changed()
            await settled(pilot, lambda: told in words(pilot))
        else:
            await pilot.press("y")
            await settled(pilot, lambda: "Nothing was changed." in words(pilot))
        focused = app.screen.focused
        assert focused is not None
        assert focused.id == "no"
        assert owners(stocked) == before
        assert stocked.catalog.provider("openai")


async def test_chats_are_counted_only_where_they_are_to_move(stocked: Store) -> None:
    """Which they are may be many: opening the dialog reads how many, not which."""
    asked: list[str] = []
    stocked.connection.set_trace_callback(asked.append)
    app = Bench(stocked, RemovalDialog(stocked.catalog.removal_of_provider("openai")))
    async with app.run_test(size=(80, 30)) as pilot:
        await settled(pilot, lambda: "4 chats use them." in words(pilot))
        assert not any("union all" in statement for statement in asked)
        app.screen.query_one("#move", Select).value = stocked.catalog.live("ollama/qwen3:8b").id
        await settled(pilot, lambda: any("union all" in statement for statement in asked))
    stocked.connection.set_trace_callback(None)
