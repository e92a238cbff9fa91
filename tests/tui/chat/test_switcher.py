"""ctrl+k goes to a chat by some letters of its title."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from localchat.store import Store
from localchat.testing import add_chat, opened, screen_text, settled, still_app
from localchat.tui.chat.switcher import ChatSwitcher
from localchat.tui.dialogs.table_list import CatalogList

SIZE = (110, 32)


@pytest.fixture
def store(localchat_store: Store) -> Store:
    rain = add_chat(localchat_store, "Rain in Lisbon [/x]", "beta/b1", [("When?", "In winter.")])
    add_chat(localchat_store, "Learning Rust", "alpha/a1", [("How?", "Slowly.")])
    localchat_store.chats.archive(rain, True)
    return localchat_store


def title(app: Any) -> str:
    chat = app.chat_screen.conversation.chat
    return chat.title if chat is not None else ""


async def test_letters_and_enter_in_one_burst_open_the_chat_while_one_writes(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert title(app) == "Learning Rust"
        await pilot.press(*"half", "ctrl+k")
        await settled(pilot)
        assert isinstance(app.screen, ChatSwitcher)
        await pilot.press(*"rlx", "enter")
        await settled(pilot)
        assert app.screen is app.chat_screen
        assert title(app) == "Rain in Lisbon [/x]"
        assert app.chat_screen.conversation.composer.has_focus
        await pilot.press("ctrl+k")
        await settled(pilot)
        await pilot.press(*"rust", "enter")
        await settled(pilot)
        assert title(app) == "Learning Rust"
        assert app.chat_screen.conversation.composer.text == "half", "kept as its draft"


async def test_escape_goes_nowhere_and_what_is_not_found_is_told(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+k", *"zzz")
        await settled(pilot)
        assert "No title has the letters of “zzz”" in screen_text(app)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ChatSwitcher)
        await pilot.press("escape")
        await settled(pilot)
        assert app.screen is app.chat_screen
        assert title(app) == "Learning Rust"


async def test_a_chat_that_went_meanwhile_is_not_opened(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+k", *"rain")
        await settled(pilot)
        rain = int(app.screen.query_one(CatalogList).row_id or 0)
        store.chats.trash(rain)
        await pilot.press("enter")
        await settled(pilot)
        assert "This chat was deleted meanwhile." in screen_text(app)
        await pilot.press("ctrl+u")
        await settled(pilot)
        app.screen.query_one(CatalogList).go_to(str(store.chats.listing()[0].id))
        store.chats.trash(store.chats.listing()[0].id)
        app.chats_changed()
        await settled(pilot)
        assert app.screen.query_one(CatalogList).row_id is None, "not on a neighbour that nobody chose"
        assert "not in the lists any more" in screen_text(app)


async def test_the_switcher_in_a_small_window(store: Store, snap: Callable[..., Awaitable[None]]) -> None:
    async with opened(still_app(store), (80, 24)) as pilot:
        await pilot.press("ctrl+k", *"in")
        await snap(pilot)
