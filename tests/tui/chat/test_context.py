"""When a chat outgrows its model."""

from __future__ import annotations

import pytest

from localchat.store import Store
from localchat.testing import Reply, Script, add_chat, say, screen_text, settled, still_app

SIZE = (110, 32)


@pytest.fixture
def store(localchat_store: Store) -> Store:
    localchat_store.catalog.edit_model(localchat_store.catalog.live("alpha/a1").id, context=1200)
    exchanges = [(f"question {number} " + "word " * 30, f"answer {number} " + "word " * 30) for number in range(12)]
    add_chat(localchat_store, "Long talk", "alpha/a1", exchanges)
    return localchat_store


async def test_the_meter_says_how_full_the_context_is_and_what_comes_then(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await app.chat_screen.open_chat(1)
        await settled(pilot)
        assert "context ▁▁▁▁▁▁" in screen_text(app)
        await app.chat_screen.open_chat(3)
        await settled(pilot)
        text = screen_text(app)
        assert "The oldest messages no longer fit and are left out." in text
        assert "f5 sends a summary" in text


async def test_a_summary_is_sent_in_place_of_the_oldest_and_the_transcript_stays(store: Store) -> None:
    script = Script("They talked about words.", "On we go.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await app.chat_screen.open_chat(3)
        await settled(pilot)
        await pilot.press("f5")
        await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        assert "now go as a summary" in screen_text(app)
        asked = len(script.requests)
        await say(pilot, "Go on.")
        request = script.requests[asked][1]
        assert "They talked about words." in request.system or "On we go." in request.system
        assert "question 0" not in str(request.lines)
        assert request.lines[0].role == "user"
        await pilot.press("f9")
        await settled(pilot)
        assert "go as the summary below" in screen_text(app)
        await pilot.press("escape")
    chat = store.chats.get(3)
    assert chat.length == 26
    assert store.messages.line(chat)[0].content.startswith("question 0")


async def test_a_summary_that_fails_or_is_cancelled_changes_nothing(store: Store) -> None:
    script = Script(Reply("half a summ", cut=True), Reply("never", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await app.chat_screen.open_chat(3)
        await pilot.press("f5")
        await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        assert store.chats.get(3).summary == ""
        await pilot.press("f5")
        await pilot.pause(0.1)
        assert "Compacting" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert "Compacting" not in screen_text(app)
    assert store.chats.get(3).summary == ""


async def test_a_short_chat_is_not_compacted(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await app.chat_screen.open_chat(1)
        await pilot.press("f5")
        await settled(pilot)
        assert "too short" in screen_text(app)
