"""A key that repeats, or is pressed twice in a hurry, does what it does once."""

from __future__ import annotations

import pytest
from textual import events

from localchat.store import Store
from localchat.testing import settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog.screen import ProvidersScreen


def burst(app: LocalChat, key: str) -> None:
    """Three key presses that are there before the first one was handled."""
    for _ in range(3):
        app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("opens", "closes"),
    [("ctrl+o", "enter"), ("ctrl+o", "escape"), ("f1", "q"), ("f1", "escape"), ("f4", "escape"), ("f4", "ctrl+s"),
     ("f9", "escape"), ("ctrl+f", "escape"), ("ctrl+s", "escape"), ("f2", "escape")],
)  # fmt: skip
async def test_what_was_opened_is_closed_once(store: Store, opens: str, closes: str) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 40)) as pilot:
        await settled(pilot)
        await pilot.press(opens)
        await settled(pilot)
        assert app.screen is not app.chat_screen
        burst(app, closes)
        await settled(pilot)
        await settled(pilot)
        assert app.screen is app.chat_screen
    assert app.bug is None


async def test_a_title_is_given_once(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 40)) as pilot:
        await settled(pilot)
        app.chat_screen.chat_list.options.focus()
        await pilot.press("e", "!")
        await settled(pilot)
        burst(app, "enter")
        await settled(pilot)
        await settled(pilot)
        assert app.screen is app.chat_screen
    assert app.bug is None
    assert store.chats.listing()[0].title.endswith("!")


async def test_one_enter_too_many_in_the_dialog_leaves_the_list_of_providers_open(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 40)) as pilot:
        await settled(pilot)
        await pilot.press("f2", "d")
        await settled(pilot)
        burst(app, "enter")
        await settled(pilot)
        await settled(pilot)
        assert isinstance(app.screen, ProvidersScreen)
        assert [provider.name for provider in store.catalog.providers()] == ["beta", "local", "zeta"]
    assert app.bug is None
