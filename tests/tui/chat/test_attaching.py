"""Attaching files: by keys, as a person does it; what is sent, stored and shown."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat

SIZE = (110, 32)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program runs."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "notes.txt").write_text("Buy milk.\n")
    (here / "photo.png").write_bytes(PNG)
    return here


async def test_a_text_file_named_in_the_words_is_sent_stored_and_shown(store: Store) -> None:
    script = Script("Milk.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "What is in @notes.txt?")
        text = screen_text(app)
        assert "▤ notes.txt · 10 bytes" in text
        assert "What is in @notes.txt?" in text
        assert app.chat_screen.conversation.composer.text == ""
    sent = script.requests[0][1].lines[-1].content
    assert sent == "notes.txt:\n```\nBuy milk.\n```\n\nWhat is in @notes.txt?"
    with Store(store.path) as again:
        question = again.messages.line(again.chats.get(2))[-2]
        assert question.content == "What is in @notes.txt?"
        assert [each.content for each in again.messages.attachments(question.id)] == [b"Buy milk.\n"]


async def test_what_cannot_go_is_refused_by_name_and_the_text_stays(store: Store) -> None:
    script = Script()
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await say(pilot, "Read @./missing.txt")
        await pilot.pause(0.1)
        assert "./missing.txt does not exist" in screen_text(app)
        assert app.chat_screen.conversation.composer.text == "Read @./missing.txt"
    assert not script.requests


async def test_a_word_with_an_at_sign_that_names_no_file_is_a_word(store: Store) -> None:
    script = Script()
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Ask @anna about me@example.org and @app.route")
        await settled(pilot)
    assert script.requests[0][1].lines[-1].content == "Ask @anna about me@example.org and @app.route"


async def test_an_image_is_refused_by_a_model_that_cannot_see_and_nothing_is_stored(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await say(pilot, "What is on @photo.png")
        await pilot.pause(0.1)
        assert "zeta/z1 cannot see images" in screen_text(app)
        assert app.chat_screen.conversation.composer.text == "What is on @photo.png"
    assert store.chats.get(2).length == 2


async def paste(pilot: Pilot[Any], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause(0.1)


async def shown(pilot: Pilot[Any], text: str, seconds: float = 5) -> None:
    """Wait until a person sees it."""
    assert isinstance(pilot.app, LocalChat)
    async with asyncio.timeout(seconds):
        while text not in screen_text(pilot.app):
            await pilot.pause(0.02)


async def test_a_name_is_completed_with_tab_and_what_goes_along_stands_above(store: Store, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "my file.txt").write_text("x")
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        await pilot.press(*"see @")
        await shown(pilot, "photo.png")
        await pilot.press(*"de")
        await shown(pilot, "tab takes it")
        await pilot.pause(0.1)
        await pilot.press("tab")
        assert composer.text == "see @deep/"
        await shown(pilot, "deep/my file.txt")
        await pilot.press("tab")
        assert composer.text == 'see @"deep/my file.txt" '
        await shown(pilot, "▤ deep/my file.txt · 1 byte")
        assert "tab takes it" not in screen_text(app)
        assert composer.has_focus


async def test_escape_closes_the_list_and_enter_sends_unless_a_name_was_chosen(store: Store) -> None:
    app = still_app(store, Script("Yes."))
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        await pilot.press("@")
        await shown(pilot, "tab takes it")
        await pilot.press("escape")
        await pilot.pause()
        assert "tab takes it" not in screen_text(app)
        await pilot.press(*"x @")
        await shown(pilot, "tab takes it")
        await pilot.press("down", "enter")
        assert composer.text == "@x @photo.png "
        composer.set_text("@n")
        await shown(pilot, "tab takes it")
        await pilot.press("enter")
        await settled(pilot)
    assert store.messages.line(store.chats.get(2))[-2].content == "@n"


async def test_a_short_paste_comes_once_and_names_in_it_attach_nothing(store: Store) -> None:
    script = Script()
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await paste(pilot, "they wrote @notes.txt and @./gone.txt ")
        assert app.chat_screen.conversation.composer.text == "they wrote @notes.txt and @./gone.txt "
        await pilot.press("enter")
        await settled(pilot)
    assert script.requests[0][1].lines[-1].content == "they wrote @notes.txt and @./gone.txt "


async def test_a_long_paste_is_a_chip_that_is_sent_behind_the_words(store: Store) -> None:
    script = Script()
    app = still_app(store, script)
    log = "\n".join(f"line {number}" for number in range(50))
    async with app.run_test(size=SIZE) as pilot:
        await paste(pilot, log)
        await shown(pilot, "[1] ▤ pasted 389 characters, 50 lines")
        assert app.chat_screen.conversation.composer.text == ""
        await say(pilot, "What is wrong?")
        assert "pasted" not in screen_text(app)
    assert script.requests[0][1].lines[-1].content == f"What is wrong?\n\n{log}"


async def test_a_chip_is_removed_with_backspace_put_back_with_f8_and_unfolded_with_f7(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        await paste(pilot, "x" * 3000)
        await pilot.press("backspace")
        await pilot.pause()
        assert "pasted" not in screen_text(app)
        await pilot.press("f8")
        await shown(pilot, "pasted 3,000 characters")
        await pilot.press("f7")
        await pilot.pause()
        assert composer.text == "x" * 3000
        assert "pasted" not in screen_text(app)


async def test_a_chip_is_removed_by_a_click_on_its_cross(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await paste(pilot, "x" * 3000)
        await paste(pilot, "y" * 4000)
        lines = screen_text(app).splitlines()
        row = next(number for number, line in enumerate(lines) if "pasted 3,000" in line)
        await pilot.click(offset=(lines[row].index("×"), row))
        await pilot.pause()
        text = screen_text(app)
        assert "pasted 3,000" not in text
        assert "pasted 4,000" in text


async def test_chips_survive_leaving_the_chat_and_a_restart(store: Store, folder: Path) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await paste(pilot, "x" * 3000)
        await paste(pilot, f"'{folder}/photo.png'")
        assert "[2] ▣ photo.png" in screen_text(app)
        await pilot.press(*"why", "ctrl+n")
        await pilot.pause()
        assert "pasted" not in screen_text(app)
        await app.chat_screen.open_chat(2)
        await pilot.pause()
        assert "pasted 3,000" in screen_text(app)
        await app.action_quit()
    again = still_app(store)
    async with again.run_test(size=SIZE) as pilot:
        await settled(pilot)
        text = screen_text(again)
        assert "[1] ▤ pasted 3,000 characters" in text
        assert "[2] ▣ photo.png" in text
        assert again.chat_screen.conversation.composer.text == "why"


async def test_editing_a_message_takes_its_files_along(store: Store, folder: Path) -> None:
    script = Script("Milk.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Read @notes.txt")
        (folder / "notes.txt").unlink()
        conversation = app.chat_screen.conversation
        question = store.messages.line(store.chats.get(2))[-2]
        conversation.edit(question.id)
        await pilot.pause(0.1)
        assert "[1] ▤ notes.txt · 10 bytes" in screen_text(app)
        await say(pilot, " again")
    assert script.requests[-1][1].lines[-1].content == "notes.txt:\n```\nBuy milk.\n```\n\nRead @notes.txt again"


async def test_the_editor_changes_the_text_and_no_editor_is_told(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = folder / "editor"
    script.write_text('#!/bin/sh\nstat -c %a "$1" > mode\nprintf " and more\\n" >> "$1"\nexit 3\n')
    script.chmod(0o755)
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        composer = app.chat_screen.conversation.composer
        composer.insert("half")
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.delenv("EDITOR", raising=False)
        await pilot.press("f6")
        await shown(pilot, "No editor is set.")
        monkeypatch.setenv("EDITOR", "no-such-editor")
        await pilot.press("f6")
        await shown(pilot, "no-such-editor")
        assert composer.text == "half"
        monkeypatch.setenv("EDITOR", str(script))
        await pilot.press("f6")
        await shown(pilot, "cannot be handed")  # there is no terminal in this test
        assert composer.text == "half"
        monkeypatch.setattr(app, "suspend", contextlib.nullcontext)
        await pilot.press("f6")
        await pilot.pause(0.1)
        assert composer.text == "half and more"
    assert (folder / "mode").read_text() == "600\n"
