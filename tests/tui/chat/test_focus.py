"""Letters go where the person writes, unless a key led them elsewhere."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from localchat.store import Store
from localchat.testing import add_chat, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog.model_picker import ModelPicker

SIZE = (120, 30)


def at(app: LocalChat, words: str) -> tuple[int, int]:
    """Where these words stand on the screen, the last time they do."""
    lines = screen_text(app).splitlines()
    row = max(number for number, line in enumerate(lines) if words in line)
    return lines[row].index(words), row


async def test_letters_after_a_click_in_the_transcript_are_written(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        conversation = app.chat_screen.conversation
        await pilot.click(offset=at(app, "Why is the database"))
        await settled(pilot)
        assert conversation.composer.has_focus
        assert conversation.transcript.selected_message == 3
        await pilot.press(*"perfect, thanks")
        await settled(pilot)
        assert conversation.composer.text == "perfect, thanks"
        assert not conversation.editing


async def test_a_click_after_reading_by_keys_leads_back_to_the_composer(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.conversation.transcript.focus()
        await settled(pilot)
        await pilot.click(offset=at(app, "Why is the database"))
        await settled(pilot)
        await pilot.press(*"fed")
        await settled(pilot)
        assert app.chat_screen.conversation.composer.text == "fed"


async def test_letters_after_a_click_in_the_list_of_chats_are_written(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.click(offset=at(app, "Rain in Lisbon"))
        await settled(pilot)
        await pilot.press(*"dxpe")
        await settled(pilot)
        assert app.chat_screen.conversation.composer.text == "dxpe"
        assert store.chats.count("trash") == 0
        await pilot.click(offset=(5, 26))  # below the last row
        await pilot.press(*"d")
        await settled(pilot)
        assert app.chat_screen.conversation.composer.text == "dxped"


async def test_a_burst_of_keys_after_the_slash_is_a_filter_and_no_commands(store: Store) -> None:
    add_chat(store, "Adapters and monads", "alpha/a1", [("What?", "That.")])
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.chat_list.options.focus()
        await settled(pilot)
        for key in ("slash", *"monads"):  # without a pause between them, as a slow line or a macro sends them
            app.post_message(events.Key(key, "/" if key == "slash" else key))
        await settled(pilot)
        assert app.chat_screen.chat_list.query_one(Input).value == "monads"
        assert store.chats.count("trash") == 0
        assert app.chat_screen.conversation.chat is not None
        assert "Rain in Lisbon" not in screen_text(app)


async def test_closing_the_filter_keeps_the_row_and_down_moves_from_the_filter(store: Store) -> None:
    add_chat(store, "Rain in Rome", "alpha/a1", [("What?", "That.")])
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        options = app.chat_screen.chat_list.options
        options.focus()
        await settled(pilot)
        await pilot.press("slash", *"rain")
        await settled(pilot)
        assert options.highlighted_option is not None
        assert options.highlighted_option.id == "3"
        await pilot.press("down")
        await settled(pilot)
        assert options.highlighted_option.id == "1"
        await pilot.press("escape")
        await settled(pilot)
        assert options.has_focus
        assert options.highlighted_option.id == "1"
        await pilot.press("p")
        await settled(pilot)
        assert store.chats.get(1).pinned_at is not None


async def test_greeting_and_standing_line_name_the_same_model(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+n", "ctrl+o")
        await settled(pilot)
        await pilot.press(*"b1", "enter")
        await settled(pilot)
        text = screen_text(app)
        assert "This chat will use b1 · beta." in text
        assert "b1 · beta will answer" in text
        store.catalog.remove_provider("beta")
        app.catalog_changed()
        await settled(pilot)
        text = screen_text(app)
        assert "b1" not in text
        assert "a1 · alpha will answer" in text


async def test_the_standing_line_offers_f8_only_for_the_removal_that_it_undoes(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        store.catalog.remove_model(store.catalog.live("zeta/z1").id)
        app.catalog_changed()
        await settled(pilot)
        assert "^o another model  f8 undo" in screen_text(app)
        app.chat_screen.chat_list.options.focus()
        await settled(pilot)
        await pilot.press("down", "x")
        await settled(pilot)
        assert app.undos.label.startswith("archiving")
        assert "z1 was removed." in screen_text(app)
        assert "f8 undo" not in screen_text(app)
        assert "f2 restore" in screen_text(app)


async def test_ctrl_c_clears_what_is_written_and_ctrl_z_brings_it_back(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        composer = app.chat_screen.conversation.composer
        await pilot.press(*"one", "ctrl+j", *"two", "ctrl+c")
        assert composer.text == ""
        await pilot.press("ctrl+z")
        assert composer.text == "one\ntwo"
        composer.select_line(0)
        await pilot.press("ctrl+c")
        assert composer.text == "one\ntwo"
        assert app.clipboard == "one"


async def test_the_picker_stands_on_the_best_match_and_on_nothing_where_its_row_went(store: Store) -> None:
    for name in ("o4-mini", "mini"):
        store.catalog.add_model("alpha", name)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert isinstance(app.screen, ModelPicker)
        models = app.screen.query_one("#models")
        await pilot.press(*"mini")
        await settled(pilot)
        assert models.row_id == str(store.catalog.live("alpha/mini").id)  # type: ignore[attr-defined]
        await pilot.press(*["backspace"] * 4)
        await settled(pilot)
        app.screen.query_one("#models").go_to(str(store.catalog.live("zeta/z1").id))  # type: ignore[attr-defined]
        store.catalog.remove_provider("zeta")
        app.catalog_changed()
        await settled(pilot)
        assert "z1 was removed." in screen_text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ModelPicker)
        assert store.chats.get(2).model is not None
        assert store.chats.get(2).model.ref == "zeta/z1"  # type: ignore[union-attr]
