"""Another program holds the store's write lock: no key waits for it, and no word is lost to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from localchat.errors import StoreBusy
from localchat.store import Store
from localchat.store.pending import Lost
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.tui import app as app_module
from localchat.tui import unstored
from localchat.tui.app import LocalChat
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.dialogs.help import HelpScreen
from tests.store.helpers import raw
from tests.tui.chat.words import composer, locked, sent, shows, until

SIZE = (110, 32)
RAIN, LOCKS = 1, 2


@asynccontextmanager
async def busy(store: Store, script: Script | None = None) -> AsyncIterator[tuple[LocalChat, Pilot[Any]]]:
    """The app over a store that another process holds locked until the end."""
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        with locked(store.path):
            yield app, pilot


async def test_every_key_does_what_it_does_while_the_lock_is_held(store: Store) -> None:
    async with busy(store) as (app, pilot):
        await pilot.press(*"kept", "ctrl+n", *"XYZ")
        assert composer(app) == "XYZ"
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await app.chat_screen.open_chat(RAIN)
        await shows(pilot, "In winter, often.")
        await pilot.press("ctrl+home", "ctrl+end", "pageup")
        await app.chat_screen.open_chat(None)
        assert composer(app) == "XYZ"
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.chat_screen)
        await shows(pilot, "The store is locked. Waiting to store what you typed.")
        assert composer(app) == "XYZ"
    assert app.pending.lost() == []
    assert store.chats.get(LOCKS).draft == "kept"
    assert store.state.get("draft of a new chat") == "XYZ"


async def test_a_message_that_waits_is_named_and_escape_gives_it_back(store: Store) -> None:
    async with busy(store) as (app, pilot):
        await say(pilot, "Go on", wait=False)
        await shows(pilot, "The store is locked. Waiting to send “Go on”.", "esc gives it back")
        await pilot.press("escape")
        await until(pilot, lambda: composer(app) == "Go on")
        assert len(app.turns) == 0
    assert sent(store) == []


async def test_what_waited_is_written_in_its_order_once_the_lock_is_gone(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        with locked(store.path):
            for title in ("One", "Two", "Three"):
                app.write("rename", lambda title=title: store.chats.rename(RAIN, title))
        await until(pilot, lambda: not len(app.pending))
        assert store.chats.get(RAIN).title == "Three"
        await until(pilot, lambda: "The store is locked" not in screen_text(app))


async def test_a_write_that_waits_too_long_is_given_up_and_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with busy(store) as (app, _):
        write = app.pending.put("rename", lambda: store.chats.rename(RAIN, "No"), patience=0.05)
        with pytest.raises(StoreBusy):
            await write.outcome
        assert not len(app.pending)


async def test_quitting_keeps_to_its_time_and_says_what_is_not_stored(store: Store) -> None:
    assert app_module.TYPING + max(app_module.STORING, app_module.STOPPING) < 1.9
    script = Script(Reply("one two", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Count", wait=False)
        await shows(pilot, "one two")
        await app.chat_screen.open_chat(RAIN)
        with locked(store.path):
            await say(pilot, "Go on", wait=False)
            await pilot.press(*"and this", "ctrl+q")
            await until(pilot, lambda: not app.is_running)
            lost = app.pending.lost()
    assert {each.words for each in lost} == {"one two", "Go on\nand this"}
    told = unstored.rescued(lost, store.path)
    file = store.path.with_name(f"{store.path.stem}-unsaved.txt")
    assert str(file) in told.hint
    assert "Go on\nand this" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_quitting_with_a_free_store_leaves_nothing_to_rescue(store: Store) -> None:
    script = Script(Reply("one two", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Count", wait=False)
        await shows(pilot, "one two")
        await pilot.press(*"more", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
        assert app.pending.lost() == []
    assert store.chats.get(LOCKS).draft == "more"
    with raw(store.path) as other:
        last = other.execute("select status, content from messages order by id desc limit 1").fetchone()
    assert last == ("stopped", "one two")


def test_what_is_rescued_goes_beside_the_store_else_to_the_temporary_folder_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = [Lost("store what you typed", "my \x1b[31mwords", StoreBusy("Locked."))]
    monkeypatch.setattr(unstored.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    store = tmp_path / "gone" / "chats.db"
    assert str(tmp_path / "temporary" / "chats-unsaved.txt") in unstored.rescued(lost, store).hint
    assert str(tmp_path / "temporary" / "chats-unsaved-2.txt") in unstored.rescued(lost, store).hint, "none is replaced"
    monkeypatch.setattr(unstored.tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    told = unstored.rescued(lost, store).hint
    assert "my" in told
    assert "words" in told
    assert "\x1b" not in told


async def test_the_next_start_offers_what_was_not_stored_and_puts_it_into_the_message(store: Store) -> None:
    why = StoreBusy("Another program keeps the store locked.")
    lost = [Lost("store what you typed", "not lost", why), Lost("store the reply", "nor this", why)]
    unstored.rescued(lost, store.path)
    [file] = unstored.left_behind(store.path)
    app = still_app(store, Script())
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "Not stored last time")
        await pilot.press("escape")
        await pilot.pause()
        assert file.exists(), "later is not never"
        app.offer_unstored()
        await shows(pilot, "Put it into the message")
        await pilot.press("y")
        await until(pilot, lambda: not file.exists())
        typed = app.chat_screen.conversation.composer.text
    assert typed.startswith("not lost")
    assert typed.endswith("nor this")
    assert store.chats.get(LOCKS).draft == typed
