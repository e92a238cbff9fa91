"""What was said on this machine stays there until the person agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from localchat.store import Store
from localchat.testing import Script, known_store, say, screen_text, settled, still_app


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Its newest chat is of a local model that was removed; the default runs elsewhere."""
    store = known_store(tmp_path / "chats.db")
    store.catalog.add_provider("far", "openai", "https://far.example/v1")
    store.catalog.make_default(store.catalog.add_model("far", "f1").id)
    store.catalog.remove_provider("zeta")
    return store


async def test_nothing_is_sent_elsewhere_before_the_person_agreed_once(store: Store) -> None:
    script = Script("From afar.", "Again.")
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        assert "Send this chat to another machine?" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert script.requests == []
        assert app.chat_screen.conversation.composer.text == "A secret."
        assert store.chats.get(2).length == 2

        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "From afar." in screen_text(app)
        await say(pilot, "More.")
        assert "Again." in screen_text(app)


async def test_the_enter_that_sends_does_not_agree_when_it_repeats(store: Store) -> None:
    script = Script("From afar.")
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        for _ in range(2):
            app.post_message(events.Key("enter", "\r"))
        await settled(pilot)
        assert script.requests == []
        assert app.chat_screen.conversation.composer.text == "A secret."


async def test_the_standing_line_fits_a_small_window(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "⊘ z1 was removed. New turns use ★ f1.  ^o another model  f2 restore" in screen_text(app)
