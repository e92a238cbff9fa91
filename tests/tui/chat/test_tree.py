"""Versions of messages: nothing that was answered is ever destroyed."""

from __future__ import annotations

from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app

SIZE = (110, 32)


async def test_editing_a_message_makes_a_version_and_keys_go_between_them(store: Store) -> None:
    app = still_app(store, Script("A newer answer."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.conversation.transcript.focus()
        await pilot.press("home", "k", "e")
        await settled(pilot)
        composer = app.chat_screen.conversation.composer
        assert composer.text == "Why is the database locked?"
        assert "Editing your message" in screen_text(app)
        composer.insert(" Really?")
        await pilot.press("enter")
        await settled(pilot)
        text = screen_text(app)
        assert "Why is the database locked? Really?" in text
        assert "A newer answer." in text
        assert "2/2" in text
        app.chat_screen.conversation.transcript.focus()
        await pilot.press("left_square_bracket")
        await settled(pilot)
        text = screen_text(app)
        assert "Two writers: BEGIN IMMEDIATE." in text
        assert "A newer answer." not in text
        assert "1/2" in text
    assert len(store.messages.line(store.chats.get(2))) == 2


async def test_escape_leaves_an_edit_and_brings_back_what_was_being_written(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        composer = app.chat_screen.conversation.composer
        composer.insert("half a thought")
        app.chat_screen.conversation.transcript.focus()
        await pilot.press("home", "k", "e")
        await settled(pilot)
        assert composer.text == "Why is the database locked?"
        await pilot.press("escape")
        await settled(pilot)
        assert composer.text == "half a thought"
        assert "Editing" not in screen_text(app)


async def test_forking_makes_a_new_chat_and_leaves_the_old_one(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.conversation.transcript.focus()
        await pilot.press("f")
        await settled(pilot)
        assert "Locks in SQLite (fork)" in screen_text(app)
    forked = store.chats.last()
    assert forked is not None
    assert forked.id == 3
    contents = [[m.content for m in store.messages.line(store.chats.get(chat))] for chat in (2, 3)]
    assert contents[0] == contents[1]


async def test_a_stopped_reply_goes_on_in_a_new_version(store: Store) -> None:
    script = Script(Reply("one two", hold=True), " three four")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Count.", wait=False)
        await pilot.pause(0.1)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("alt+g")
        await settled(pilot)
        text = screen_text(app)
        assert "one two three four" in text
        assert "2/2" in text
    chat = store.chats.get(2)
    last = store.messages.line(chat)[-1]
    assert (last.content, last.status) == ("one two three four", "complete")
    assert [store.messages.get(i).content for i in store.messages.versions(last)] == ["one two", "one two three four"]
    assert [line.content for line in script.requests[-1][1].lines][-2] == "one two"
