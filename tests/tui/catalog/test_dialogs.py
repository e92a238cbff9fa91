"""The small dialogs: a question, a line of text, a model."""

from __future__ import annotations

from localchat.errors import InvalidInput
from localchat.store import Store
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.prompt import TextPrompt
from tests.tui.catalog.conftest import Bench, screen_text, settled


async def test_a_question_is_answered_by_enter_by_letter_and_by_escape(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        for keys, answer in {"enter": True, "y": True, "n": False, "escape": False, "left enter": False}.items():
            app.push_screen(ConfirmDialog("Remove it?", "It stays readable.", yes="Remove"), app.answers.append)
            await settled(pilot)
            assert "Remove it?" in screen_text(pilot)
            assert "It stays readable." in screen_text(pilot)
            await pilot.press(*keys.split())
            assert app.answers.pop() == answer, keys


async def test_a_careful_question_begins_on_no(store: Store) -> None:
    app = Bench(store, ConfirmDialog("Send it?", "It leaves this machine.", yes="Send", no="Keep", careful=True))
    async with app.run_test() as pilot:
        await pilot.press("enter")
        assert app.answers == [False]


async def test_a_question_is_answered_by_mouse(store: Store) -> None:
    app = Bench(store, ConfirmDialog("Remove it?", "It stays readable."))
    async with app.run_test() as pilot:
        await pilot.click("#no")
        assert app.answers == [False]


async def test_markup_and_escape_sequences_in_a_question_are_shown_literally(store: Store) -> None:
    nasty = "[/] [@click=app.quit]x[/] \x1b]0;owned\x07"
    app = Bench(store, ConfirmDialog(nasty, nasty, yes=nasty, no=nasty))
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "[@click=app.quit]x[/]" in shown
        assert "\x1b" not in shown
        assert "\x07" not in shown


async def test_a_typed_line_is_given_back_and_escape_gives_nothing(store: Store) -> None:
    app = Bench(store, TextPrompt("Rename chat", "Locks"))
    async with app.run_test() as pilot:
        await pilot.press("end", *" in", "enter")
        assert app.answers == ["Locks in"]
    app = Bench(store, TextPrompt("Rename chat", "Locks"))
    async with app.run_test() as pilot:
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_line_that_cannot_be_used_stays_with_the_reason_below_it(store: Store) -> None:
    def check(line: str) -> None:
        if not line:
            raise InvalidInput("A title cannot be empty.", "Type a title.")

    app = Bench(store, TextPrompt("Rename chat", "", check=check))
    async with app.run_test() as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert not app.answers
        assert "A title cannot be empty. Type a title." in screen_text(pilot)
        await pilot.press("a")
        await settled(pilot)
        assert "cannot be empty" not in screen_text(pilot)


async def test_a_paste_of_several_lines_becomes_one_line_without_control_characters(store: Store) -> None:
    from textual.events import Paste

    app = Bench(store, TextPrompt("Rename chat"))
    async with app.run_test() as pilot:
        app.screen.focused.post_message(Paste("one\ntwo\x1b[2J\x9b three\n"))  # type: ignore[union-attr]
        await settled(pilot)
        await pilot.press("enter")
        assert app.answers == ["one two[2J three"]


async def test_the_picker_shows_live_models_by_provider_with_the_default_and_the_one_in_use(stocked: Store) -> None:
    app = Bench(stocked, ModelPicker(stocked.catalog.live("ollama/qwen3:8b").id))
    async with app.run_test() as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "ollama · on this machine" in shown
        assert "★ gpt-4o" in shown
        assert "in use" in shown
        assert "groq is switched off" in shown
        assert "mistral:7b" not in shown, "a tombstone is in no picker"
        await pilot.press("enter")
        assert app.answers == [stocked.catalog.live("ollama/qwen3:8b").id], "the cursor begins on the one in use"


async def test_typing_in_the_picker_filters_and_arrows_choose(stocked: Store) -> None:
    app = Bench(stocked, ModelPicker())
    async with app.run_test() as pilot:
        await pilot.press(*"openai", "down", "down")
        await settled(pilot)
        assert "qwen3" not in screen_text(pilot)
        await pilot.press("enter")
        assert app.answers == [stocked.catalog.live("openai/o4-mini").id]


async def test_a_model_that_is_switched_off_cannot_be_chosen(stocked: Store) -> None:
    app = Bench(stocked, ModelPicker())
    async with app.run_test() as pilot:
        await pilot.press(*"llama-3.3", "down", "enter")
        await settled(pilot)
        assert app.answers == []
        assert "llama-3.3-70b" in screen_text(pilot)


async def test_the_star_key_in_the_picker_makes_the_default(stocked: Store) -> None:
    app = Bench(stocked, ModelPicker())
    async with app.run_test(notifications=True) as pilot:
        await pilot.press(*"qwen3", "*")
        await settled(pilot)
        default = stocked.catalog.default()
        assert default is not None
        assert default.ref == "ollama/qwen3:8b"
        assert app.default_model == default
        assert app.answers == [], "the picker stays open"
        assert "gpt-4o → qwen3:8b" in app.toasts()[-1]


async def test_a_model_removed_in_another_window_while_the_picker_is_open_is_not_chosen(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ModelPicker())
    async with app.run_test() as pilot:
        await pilot.press(*"qwen3")
        second.catalog.remove_model(second.catalog.live("ollama/qwen3:8b").id)
        await pilot.press("enter")
        await settled(pilot)
        assert app.answers == []
        assert "ollama/qwen3:8b was removed meanwhile." in screen_text(pilot)
        assert "No model matches" in screen_text(pilot)


async def test_the_picker_follows_another_window_and_keeps_its_cursor(stocked: Store, second: Store) -> None:
    app = Bench(stocked, ModelPicker())
    async with app.run_test() as pilot:
        await pilot.press("down")
        await settled(pilot)
        second.catalog.remove_model(second.catalog.live("ollama/llama3.2:3b").id)
        app.catalog_changed()
        await settled(pilot)
        assert "llama3.2" not in screen_text(pilot)
        await pilot.press("enter")
        assert app.answers == [stocked.catalog.live("openai/gpt-4o-mini").id], "it stood below gpt-4o"


async def test_without_any_model_the_picker_says_what_to_do(store: Store) -> None:
    store.catalog.remove_provider("local")
    app = Bench(store, ModelPicker())
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "press f2 to add a provider" in screen_text(pilot)


async def test_names_written_by_another_program_are_shown_literally_in_the_picker(stocked: Store) -> None:
    nasty = "[/] [@click=app.quit]x\x1b[2J\u202e"
    stocked.connection.execute("insert into model_configs (provider, model) values ('ollama', ?)", (nasty,))
    app = Bench(stocked, ModelPicker())
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "[/] [@click=app.quit]x[2J" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


async def test_markup_and_escape_sequences_in_a_prompt_and_in_its_error_are_shown_literally(store: Store) -> None:
    nasty = "[/] [@click=app.quit]x[/]\x1b[2J"

    def check(line: str) -> None:
        raise InvalidInput(nasty, nasty)

    app = Bench(store, TextPrompt(nasty, nasty, text=nasty, placeholder=nasty, check=check))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        shown = screen_text(pilot)
        assert shown.count("[/] [@click=app.quit]x[/][2J") == 5
        assert "\x1b" not in shown
