"""ctrl+f, from the chat screen to the message that was looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import add_chat, known_store, screen_text, settled, still_app

SIZE = (110, 32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = known_store(tmp_path / "chats.db")
    add_chat(
        store, "Long talk", "alpha/a1", [(f"question {n}", f"answer {n}\n\n" + "text\n\n" * 20) for n in range(60)]
    )
    return store


async def test_enter_on_a_hit_goes_to_its_message(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+f", *"question 31")
        for _ in range(200):  # it searches in a thread, after a short pause
            if "Long talk" in screen_text(app).split("question 31", 1)[-1]:
                break
            await pilot.pause(0.02)
        assert "question 31" in screen_text(app)
        await pilot.press("enter")
        await settled(pilot)
        await settled(pilot)
        assert app.screen is app.chat_screen
        chat = app.chat_screen.conversation.chat
        assert chat is not None
        assert chat.title == "Long talk"
        text = screen_text(app)
        assert "question 31" in text
        assert "answer 59" not in text
