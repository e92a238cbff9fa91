"""Attaching files: by keys, as a person does it; what is sent, stored and shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import Script, known_store, say, screen_text, settled, still_app

SIZE = (110, 32)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return known_store(tmp_path / "chats.db")


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
