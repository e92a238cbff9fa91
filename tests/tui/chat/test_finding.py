"""ctrl+f, from the chat screen to the message that was looked for."""

from __future__ import annotations

import asyncio

import pytest

from localchat.store import Store
from localchat.testing import add_chat, screen_text, settled, still_app
from localchat.tui.search.screen import SearchLine, SearchScreen

SIZE = (110, 32)


@pytest.fixture
def store(localchat_store: Store) -> Store:
    long = [(f"question {n}", f"answer {n}\n\n" + "text\n\n" * 20) for n in range(60)]
    add_chat(
        localchat_store, "Long talk", "alpha/a1", [*long, ("question 60", "answer 60"), ("question 61", "answer 61")]
    )
    return localchat_store


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


@pytest.mark.parametrize("open_already", [True, False])
async def test_the_mark_stands_on_the_hit_so_that_the_keys_act_on_it(store: Store, open_already: bool) -> None:
    if not open_already:
        add_chat(store, "A newer one", "alpha/a1", [("Who?", "Me.")])
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        chat = app.chat_screen.conversation.chat
        assert chat is not None
        assert (chat.title == "Long talk") == open_already
        transcript = app.chat_screen.conversation.transcript
        for words in ("answer 31", "question 60", "answer 61"):  # the last two stand where the end is in sight
            await pilot.press("ctrl+f")
            await settled(pilot)
            search = app.screen
            assert isinstance(search, SearchScreen)
            search.query_one(SearchLine).value = f'"{words}"'
            await pilot.press("enter")  # goes to the first hit as soon as it is there
            async with asyncio.timeout(20):
                while app.screen is search:
                    await pilot.pause(0.01)
            await settled(pilot)
            marked = transcript.selected_message
            assert marked is not None
            assert store.messages.get(marked).content.startswith(words)
            assert transcript.has_focus
            await pilot.press("c")
            await settled(pilot)
            assert app.clipboard.startswith(words)
