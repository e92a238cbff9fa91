"""Keys pressed while the program still starts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from localchat.testing import Script, known_store, say, settled, still_app
from localchat.tui.app import LocalChat


async def at_once(app: LocalChat, flow: Callable[[Pilot[Any]], Awaitable[None]]) -> None:
    """Run the app with a pilot that does not wait until the first screen is there."""

    async def pilot(hand: Pilot[Any]) -> None:
        await flow(hand)
        app.exit()

    await app.run_async(headless=True, size=(100, 30), auto_pilot=pilot)


async def test_a_new_chat_asked_for_at_once_is_not_replaced_by_the_one_used_last(tmp_path: Path) -> None:
    with known_store(tmp_path / "store.db") as store:
        app = still_app(store, Script("Yes."))

        async def flow(pilot: Pilot[Any]) -> None:
            await pilot.press("ctrl+n")
            await say(pilot, "Something new?")

        await at_once(app, flow)
        chat = store.chats.last()
        assert chat is not None
        assert (chat.title, chat.length) == ("Something new?", 2)


async def test_a_new_chat_asked_for_at_once_has_the_draft_that_was_kept_for_it(tmp_path: Path) -> None:
    with known_store(tmp_path / "store.db") as store:
        app = still_app(store)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("ctrl+n", *"half")
            await pilot.press("ctrl+q")
        app, found = still_app(store), []

        async def flow(pilot: Pilot[Any]) -> None:
            await pilot.press("ctrl+n")
            await settled(pilot)
            found.append(app.chat_screen.conversation.composer.text)

        await at_once(app, flow)
        assert found == ["half"]
