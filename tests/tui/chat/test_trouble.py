"""The store or the chat fails a reply that is coming: the words stay on the screen, and the reason is told."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from textual.pilot import Pilot

from localchat.store import Store, pending
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from tests.store.helpers import raw


async def shows(pilot: Pilot[Any], app: LocalChat, *texts: str) -> None:
    """Wait until all of these are on the screen."""
    until = time.monotonic() + 30
    while not all(text in screen_text(app) for text in texts):
        assert time.monotonic() < until, f"waited for {texts!r}; the screen is:\n{screen_text(app)}"
        await pilot.pause(0.02)


async def test_a_disk_that_is_full_at_the_end_keeps_the_words_on_the_screen_and_stores_them_later(
    known: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "KEEP_TRYING", 0.05)
    text = "needle " + "word " * 20_000
    script = Script(Reply(text, hold=True))
    app = still_app(known, script)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        with raw(known.path) as other:
            other.execute("vacuum")
        pages = known.connection.execute("pragma page_count").fetchone()[0] + 3
        known.connection.execute(f"pragma max_page_count = {pages}")
        await say(pilot, "Go on", wait=False)
        script.release()
        await settled(pilot)
        await shows(pilot, app, "The disk is full", "word word")
        known.connection.execute("pragma max_page_count = 1000000000")
        async with asyncio.timeout(10):
            while (
                known.messages.prompts()
                and not known.connection.execute(
                    "select 1 from messages where status = 'complete' and content = ?", (text,)
                ).fetchone()
            ):
                await pilot.pause(0.02)


async def test_a_chat_deleted_for_good_elsewhere_while_its_reply_comes_is_told(known: Store) -> None:
    script = Script(Reply("one two", hold=True))
    app = still_app(known, script)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await say(pilot, "Go on", wait=False)
        await shows(pilot, app, "one two")
        with Store(known.path) as other:
            chat = other.chats.last()
            assert chat is not None
            other.chats.trash(chat.id)
            other.chats.empty_trash()
        script.release()
        await settled(pilot)
        await shows(pilot, app, "The chat “Locks in SQLite” was", "The reply is not kept.")
        await say(pilot, "And a new one?")
        await shows(pilot, app, "And a new one?")
        assert app.is_running
