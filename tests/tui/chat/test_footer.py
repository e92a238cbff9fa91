"""What the footer and the help offer, and that no key leads into a dead end."""

from __future__ import annotations

import pytest

from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat


def footer(app: LocalChat) -> str:
    return screen_text(app).splitlines()[-1]


async def test_the_keys_that_matter_stand_first_and_the_palette_last(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert footer(app).startswith("^n New ^o Model ^b Chats ^f Search f2 Providers f1 Help")
        assert footer(app).endswith("^p palette")


async def test_a_reply_that_comes_is_stopped_by_the_first_key_shown_and_cannot_be_asked_again(store: Store) -> None:
    app = still_app(store, Script(Reply("one two", hold=True)))
    async with app.run_test(size=(110, 24)) as pilot:
        await settled(pilot)
        assert "Again" in footer(app)
        await say(pilot, "Count.", wait=False)
        await pilot.pause(0.2)
        assert footer(app).startswith("esc Stop ^n New")
        assert "Again" not in footer(app)
        await pilot.press("escape")
        await settled(pilot)
        assert "Stop" not in footer(app)
        assert "Again" in footer(app)


async def test_escape_is_called_back_where_it_stops_nothing(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 24)) as pilot:
        await settled(pilot)
        app.chat_screen.conversation.transcript.focus()
        await settled(pilot)
        assert footer(app).startswith("esc Back")
        await pilot.press("escape")
        await settled(pilot)
        assert app.focused is app.chat_screen.conversation.composer
        assert "esc" not in footer(app)


@pytest.mark.parametrize("key", ["a", "ctrl+n"])
async def test_a_new_chat_comes_from_behind_the_list_in_a_narrow_window(store: Store, key: str) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+b")
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        await pilot.press("h", "i")
        await settled(pilot)
        assert "❯ hi" in screen_text(app)
        assert "Models come and go" in screen_text(app)


async def test_the_row_below_is_marked_when_a_chat_leaves_the_list(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 24)) as pilot:
        await settled(pilot)
        options = app.chat_screen.chat_list.options
        options.focus()
        await settled(pilot)
        chats = store.chats.listing()
        await pilot.press("d")
        await settled(pilot)
        assert options.highlighted_option is not None
        assert options.highlighted_option.id == str(chats[1].id)


async def test_a_model_of_the_chats_own_is_named_beside_the_default(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 24)) as pilot:
        await settled(pilot)
        chat = app.chat_screen.conversation.chat
        default = store.catalog.default()
        assert chat is not None
        assert default is not None
        other = next(model for model in store.catalog.models() if model.id != default.id and model.usable)
        store.chats.set_model(chat.id, other.id)
        app.chats_changed()
        await settled(pilot)
        assert f"{other.model} · {other.provider} answers here" in screen_text(app)
        store.chats.set_model(chat.id, default.id)
        app.chats_changed()
        await settled(pilot)
        assert "answers here" not in screen_text(app)


async def test_f2_is_not_offered_where_it_leads_nowhere(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 24)) as pilot:
        await settled(pilot)
        await pilot.press("f2")
        await settled(pilot)
        assert "esc Back" in footer(app)
        assert "f2" not in footer(app)


async def test_what_a_key_does_is_never_continued_below_the_key(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(60, 40)) as pilot:
        await settled(pilot)
        await pilot.press("f1")
        await settled(pilot)
        lines = screen_text(app).splitlines()
        again = next(number for number, line in enumerate(lines) if "Ask again; the answer" in line)
        column = lines[again].index("Ask again")
        assert lines[again + 1][column - 2 : column] == "  "
        assert lines[again + 1][column] != " "
