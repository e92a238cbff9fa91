"""Every row of docs/keys.md that is said to work in a chat is pressed with the focus in the composer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from localchat.errors import ProviderRejected
from localchat.providers.detect import LOCAL, Found
from localchat.records import RemoteModel
from localchat.store import Store
from localchat.testing import Reply, Script, add_chat, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.chat.greeting import Offer
from localchat.tui.chat.instructions_form import ChatForm
from localchat.tui.chat.sent_preview import SentScreen
from localchat.tui.chat.switcher import ChatSwitcher
from localchat.tui.dialogs.help import HelpScreen
from localchat.tui.search.screen import SearchScreen
from localchat.tui.transfer.dialogs import ExportDialog

PAGE = Path(__file__).parents[3] / "docs" / "keys.md"
LONG = "\n\n".join(f"line {number}" for number in range(60))
GONE = ProviderRejected("zeta does not know z1 (404).", "Check the name.", model_gone=True)
ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \|$", re.MULTILINE)

Effect = Callable[[LocalChat], bool]
Preparing = Callable[[LocalChat, Pilot[Any]], Awaitable[None]]


def rows_of(table: str) -> list[tuple[str, str]]:
    """The rows of a table of the page: the first key of each, and what it does."""
    found = re.search(rf"<!-- keys of {table} -->(.*?)<!-- end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return [(re.findall("`([^`]+)`", keys)[0], does) for keys, does in ROW.findall(found.group(1))]


def open_chat_of(app: LocalChat) -> int | None:
    chat = app.chat_screen.conversation.chat
    return chat.id if chat is not None else None


def last_status(app: LocalChat) -> str:
    chat = app.chat_screen.conversation.chat
    return app.store.messages.line(chat)[-1].status if chat is not None and chat.length else ""


def script_of(app: LocalChat) -> Script:
    script = app.connect.__self__  # type: ignore[attr-defined]
    assert isinstance(script, Script)
    return script


def sent(app: LocalChat) -> list[str]:
    chat = app.chat_screen.conversation.chat
    return [message.content for message in app.store.messages.line(chat)] if chat is not None else []


async def between_two(app: LocalChat, pilot: Pilot[Any]) -> None:
    add_chat(app.store, "A newer one", "alpha/a1", [("Who?", "Me.")])
    await app.chat_screen.open_chat(2)
    app.chats_changed()


async def from_the_start(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.conversation.transcript.jump_to_start()


async def answering(app: LocalChat, pilot: Pilot[Any]) -> None:
    script_of(app).says(Reply("It goes on and", hold=True))
    await pilot.press(*"More", "enter")
    async with asyncio.timeout(20):
        while "It goes on and" not in screen_text(app):
            await pilot.pause()


async def editing(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.conversation.transcript.focus()
    await pilot.press("home", "k", "e")
    await settled(pilot)
    assert app.chat_screen.conversation.editing
    app.chat_screen.conversation.composer.clear()


async def not_offered(app: LocalChat, pilot: Pilot[Any]) -> None:
    script_of(app).says(Reply(error=GONE), "From the default.")
    await say(pilot, "Are you there?")
    assert "z1 is no longer offered." in screen_text(app)


async def with_a_server(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+n")
    await settled(pilot)
    server = Found(LOCAL[0], "http://localhost:11434/v1", (RemoteModel("m"),))
    app.chat_screen._found = [server]
    app.chat_screen.conversation.offers = (Offer("Ollama", "localhost:11434", 1),)


async def something_removed(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.store.catalog.remove_provider("beta")
    app.catalog_changed()


async def a_long_paste(app: LocalChat, pilot: Pilot[Any]) -> None:
    from textual import events

    app.post_message(events.Paste(LONG))
    await settled(pilot)
    assert LONG not in app.chat_screen.conversation.composer.text


@dataclass(frozen=True)
class Pressed:
    """``keeps``: what is in the composer afterwards, of ``hal``."""

    seen: Effect
    prepare: Preparing | None = None
    keeps: str = "hal"


def on(screen: type) -> Effect:
    return lambda app: isinstance(app.screen, screen)


ROWS: dict[tuple[str, str], Pressed] = {
    ("app", "f1"): Pressed(on(HelpScreen)),
    ("app", "f2"): Pressed(on(ProvidersScreen)),
    ("app", "f8"): Pressed(lambda app: "beta" in {p.name for p in app.store.catalog.providers()}, something_removed),
    ("app", "ctrl+q"): Pressed(lambda app: app._exit),
    ("app", "ctrl+c"): Pressed(lambda app: not app.chat_screen.conversation.composer.text, keeps=""),
    ("app", "ctrl+p"): Pressed(on(CommandPalette)),
    ("chat", "Stop the reply and keep what came"): Pressed(lambda app: last_status(app) == "stopped", answering),
    ("chat", "Close what is on top, else go and write"): Pressed(
        lambda app: not app.chat_screen.conversation.editing, editing, keeps=""
    ),
    ("chat", "ctrl+n"): Pressed(lambda app: app.chat_screen.conversation.chat is None, keeps=""),
    ("chat", "ctrl+o"): Pressed(on(ModelPicker)),
    ("chat", "ctrl+b"): Pressed(lambda app: app.chat_screen.chat_list.options.has_focus),
    ("chat", "ctrl+r"): Pressed(lambda app: "2/2" in screen_text(app)),
    ("chat", "alt+g"): Pressed(lambda app: "and more" in screen_text(app)),
    ("chat", "alt+up"): Pressed(lambda app: open_chat_of(app) == 3, between_two, keeps=""),
    ("chat", "alt+down"): Pressed(lambda app: open_chat_of(app) == 1, keeps=""),
    ("chat", "ctrl+y"): Pressed(lambda app: app.clipboard.startswith("line 0")),
    ("chat", "ctrl+end"): Pressed(lambda app: app.chat_screen.conversation.transcript.at_end, from_the_start),
    ("chat", "ctrl+home"): Pressed(lambda app: not app.chat_screen.conversation.transcript.at_end),
    ("chat", "f4"): Pressed(on(ChatForm)),
    ("chat", "f5"): Pressed(lambda app: "summary" in screen_text(app) or "ompact" in screen_text(app)),
    ("chat", "f9"): Pressed(on(SentScreen)),
    ("chat", "ctrl+f"): Pressed(on(SearchScreen)),
    ("chat", "ctrl+k"): Pressed(on(ChatSwitcher)),
    ("chat", "alt+r"): Pressed(on(ModelPicker)),
    ("chat", "alt+d"): Pressed(lambda app: "From the default." in screen_text(app), not_offered),
    ("chat", "ctrl+s"): Pressed(on(ExportDialog)),
    ("chat", "f3"): Pressed(
        lambda app: any(p.base_url and "11434" in p.base_url for p in app.store.catalog.providers()), with_a_server
    ),
    ("composer", "enter"): Pressed(lambda app: "hal" in sent(app), keeps=""),
    ("composer", "ctrl+j"): Pressed(lambda app: app.chat_screen.conversation.composer.text == "hal\n", keeps="hal\n"),
    ("composer", "ctrl+c"): Pressed(lambda app: not app.chat_screen.conversation.composer.text, keeps=""),
    ("composer", "f7"): Pressed(
        lambda app: LONG in app.chat_screen.conversation.composer.text, a_long_paste, keeps=LONG
    ),
}
ELSEWHERE = {("composer", "f6"): "tests/tui/composer/test_editor.py: it needs a program that edits"}


def test_every_row_of_the_page_is_pressed_here() -> None:
    there = [(table, key, does) for table in ("app", "chat", "composer") for key, does in rows_of(table)]
    pressed = ROWS.keys() | ELSEWHERE.keys()
    assert not [row for row in there if (row[0], row[1]) not in pressed and (row[0], row[2]) not in pressed]
    named = {(table, name) for table, key, does in there for name in (key, does)}
    assert pressed <= named, "a row went from the page"


@pytest.mark.parametrize(("table", "row"), ROWS)
async def test_it_works_while_one_writes(store: Store, table: str, row: str) -> None:
    key = next(key for key, does in rows_of(table) if row in (key, does))
    wanted = ROWS[table, row]
    app = still_app(store, Script(Reply(LONG, finish_reason="length"), " and more", offers=["m"]))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await say(pilot, "Tell me.")
        conversation = app.chat_screen.conversation
        if wanted.prepare is not None:
            await wanted.prepare(app, pilot)
            await pilot.pause()
        conversation.composer.focus()
        await pilot.press(*"hal")
        await pilot.pause()
        assert not wanted.seen(app)
        await pilot.press(key)
        for _ in range(200):
            await pilot.pause(0.02)
            if wanted.seen(app):
                break
        assert wanted.seen(app), screen_text(app)
        assert wanted.keeps in conversation.composer.text
        assert wanted.keeps or not conversation.composer.text
    assert app.bug is None
