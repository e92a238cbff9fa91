"""Enter sends what was under the fingers: to the chat it was written in, to the model that was shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from tests.tui.chat.words import SlowDisk, composer, locked, sent, shows, until

SIZE = (110, 32)
RAIN, LOCKS = 1, 2


@pytest.fixture
def note(tmp_path: Path) -> str:
    (tmp_path / "note.txt").write_text("Buy milk.")
    return f"@{tmp_path / 'note.txt'}"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    return SlowDisk(monkeypatch)


def burst(app: LocalChat, *keys: str) -> None:
    """Keys that are all there before the first one was handled."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


# A file takes its time.


async def test_another_chat_opened_while_a_file_is_read_gets_no_word_of_it(
    store: Store, note: str, disk: SlowDisk
) -> None:
    script = Script("Milk.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await app.chat_screen.open_chat(RAIN)
        await say(pilot, f"for chat A {note}", wait=False)
        await until(pilot, disk.asked.is_set)
        await app.chat_screen.open_chat(LOCKS)
        disk.ready.set()
        await settled(pilot)
        assert app.chat_screen.conversation.session.chat_id == LOCKS, "the view stays where the person went"
        assert "for chat A" not in screen_text(app)
    assert sent(store) == [(RAIN, f"for chat A {note}")]
    assert [provider for provider, _ in script.requests] == ["alpha"]
    assert store.chats.get(RAIN).draft == store.chats.get(LOCKS).draft == ""


async def test_a_new_chat_begun_while_a_file_is_read_stays_open_and_empty(
    store: Store, note: str, disk: SlowDisk
) -> None:
    app = still_app(store, Script("Milk."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+n")
        await say(pilot, f"one {note}", wait=False)
        await until(pilot, disk.asked.is_set)
        await pilot.press("ctrl+n")
        await pilot.press(*"two")
        disk.ready.set()
        await settled(pilot)
        assert app.chat_screen.conversation.chat is None
        assert composer(app) == "two"
    assert sent(store) == [(3, f"one {note}")]
    with Store(store.path) as again:
        assert again.state.get("draft of a new chat") == "two"


async def test_what_is_typed_while_a_file_is_read_stays(store: Store, note: str, disk: SlowDisk) -> None:
    app = still_app(store, Script("Milk."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, f"one {note}", wait=False)
        await until(pilot, disk.asked.is_set)
        await pilot.press(*"next")
        disk.ready.set()
        await settled(pilot)
        assert composer(app) == "next"
    assert sent(store) == [(LOCKS, f"one {note}")]
    assert store.chats.get(LOCKS).draft == "next"


async def test_a_file_that_cannot_go_gives_the_words_back_to_their_own_chat(
    store: Store, tmp_path: Path, disk: SlowDisk
) -> None:
    (tmp_path / "song.bin").write_bytes(b"\x00\xff" * 99)
    words = f"look @{tmp_path / 'song.bin'}"
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await app.chat_screen.open_chat(RAIN)
        await say(pilot, words, wait=False)
        await until(pilot, disk.asked.is_set)
        await app.chat_screen.open_chat(LOCKS)
        disk.ready.set()
        await settled(pilot)
        assert composer(app) == ""
        await app.chat_screen.open_chat(RAIN)
        assert composer(app) == words
    assert sent(store) == []


async def test_a_new_chat_goes_to_the_model_that_it_showed(store: Store, note: str, disk: SlowDisk) -> None:
    script = Script("Milk.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+n")
        assert "a1 · alpha will answer" in screen_text(app)
        await say(pilot, f"one {note}", wait=False)
        await until(pilot, disk.asked.is_set)
        with Store(store.path) as other:
            other.catalog.make_default(other.catalog.live("beta/b1").id)
        disk.ready.set()
        await settled(pilot)
    assert [(provider, request.model) for provider, request in script.requests] == [("alpha", "a1")]


async def test_where_another_model_would_answer_by_now_nothing_is_sent(store: Store, note: str, disk: SlowDisk) -> None:
    script = Script("Milk.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        await say(pilot, f"one {note}", wait=False)
        await until(pilot, disk.asked.is_set)
        with Store(store.path) as other:
            other.catalog.remove_provider("zeta")
        disk.ready.set()
        await shows(pilot, "zeta/z1 was shown; alpha/a1 would")
        assert script.requests == []
        assert composer(app) == f"one {note}"
        await pilot.press("enter")
        await settled(pilot)
    assert [provider for provider, _ in script.requests] == ["alpha"]


# Keys in one burst.


async def test_keys_before_ctrl_n_in_one_burst_belong_to_the_chat_before(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        burst(app, *"old", "ctrl+n", *"new")
        await until(pilot, lambda: app.chat_screen.conversation.chat is None and composer(app) == "new")
        await app.chat_screen.open_chat(LOCKS)
        assert composer(app) == "old"


async def test_enter_and_ctrl_n_in_one_burst_send_in_the_chat_before(store: Store) -> None:
    app = still_app(store, Script("Yes."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        burst(app, *"old", "enter", "ctrl+n")
        await until(pilot, lambda: app.chat_screen.conversation.chat is None)
        await settled(pilot)
        assert composer(app) == ""
    assert sent(store) == [(LOCKS, "old")]


async def test_keys_before_ctrl_q_in_one_burst_are_kept(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        burst(app, *"old", "ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert store.chats.get(LOCKS).draft == "old"


# One request a chat.


async def test_enter_and_ctrl_r_while_the_store_is_busy_make_one_turn(store: Store) -> None:
    script = Script(Reply("one two", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        with locked(store.path) as unlock:
            await say(pilot, "Go on", wait=False)
            await pilot.press("ctrl+r")
            assert len(app.turns) == 1
            unlock()
        await shows(pilot, "one two")
        assert len(app.turns) == len(script.requests) == 1
        await pilot.press("escape")
        await settled(pilot)
        await shows(pilot, "Stopped. What came is kept.")
        assert len(app.turns) == 0
    with Store(store.path) as other:
        line = other.messages.line(other.chats.get(LOCKS))
    assert [(m.content, m.status, m.versions) for m in line[2:]] == [
        ("Go on", "complete", 1), ("one two", "stopped", 1),
    ]  # fmt: skip


async def test_escape_gives_the_words_of_a_pending_enter_back_once(store: Store) -> None:
    app = still_app(store, Script("Yes."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with locked(store.path):
            await say(pilot, "Go on", wait=False)
            await pilot.press(*"now")
            assert composer(app) == "now"
            await pilot.press("escape")
            await until(pilot, lambda: len(app.turns) == 0)
            assert composer(app) == "Go on\nnow"
            await pilot.press("escape", "escape")
            assert composer(app) == "Go on\nnow"
        await settled(pilot)
    assert sent(store) == []


async def test_words_taken_back_before_the_first_step_are_not_lost(store: Store) -> None:
    """Enter and escape in one turn of the loop: the turn's task never runs."""
    app = still_app(store, Script("Yes."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        conversation = app.chat_screen.conversation
        conversation.composer.insert("Go on")
        conversation.submit("Go on")
        assert conversation.stop()
        await settled(pilot)
        assert composer(app) == "Go on"
    assert sent(store) == []


async def test_a_second_enter_in_a_new_chat_that_is_still_to_begin_waits(store: Store) -> None:
    script = Script("Yes.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+n")
        with locked(store.path) as unlock:
            await say(pilot, "one", wait=False)
            await pilot.press("ctrl+n", *"two", "enter")
            assert composer(app) == "two"
            assert len(app.turns) == 1
            unlock()
        await settled(pilot)
        assert composer(app) == "two"
        await pilot.press("enter")
        await settled(pilot)
    assert sent(store) == [(3, "one"), (4, "two")]


# Going back through what was sent, with words of one's own in the composer.


@pytest.mark.parametrize("leave", ["ctrl+n", "ctrl+q"])
async def test_words_behind_an_older_message_are_the_draft(store: Store, leave: str) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(*"mine", "up")
        assert composer(app) == "Why is the database locked?"
        await pilot.press(leave)
        await until(pilot, lambda: not app.is_running or app.chat_screen.conversation.chat is None)
        if leave == "ctrl+n":
            await app.chat_screen.open_chat(LOCKS)
            assert composer(app) == "mine"
    assert store.chats.get(LOCKS).draft == "mine"


@pytest.mark.parametrize("more", ["", "!"])
async def test_words_behind_an_older_message_come_back_when_it_is_sent(store: Store, more: str) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(*"mine", "up", *more, "enter")
        await settled(pilot)
        assert composer(app) == "mine"
        assert sent(store) == [(LOCKS, f"Why is the database locked?{more}")]
        await pilot.press("up", *"?")
        await app.chat_screen.open_chat(None)
    assert store.chats.get(LOCKS).draft == f"Why is the database locked?{more}?\nmine"


async def test_words_added_to_an_older_message_stay_whatever_is_pressed(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("up", "up", *" Mine", "up", "down", "down")
        assert composer(app) == "Does it rain in Lisbon? Mine"


# An edit that is left


async def test_what_was_written_in_an_edit_comes_back_with_f8(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        await pilot.press(*"half a thought")
        conversation = app.chat_screen.conversation
        conversation.edit(3)
        await pilot.press(*" By whom?", "escape")
        await shows(pilot, "You left the edit.   f8 undo")
        assert composer(app) == "half a thought"
        await pilot.press("f8")
        await until(pilot, lambda: composer(app) == "Why is the database locked? By whom?")
        assert conversation.editing
        await pilot.press("escape")
        assert composer(app) == "half a thought"
        conversation.edit(3)
        await pilot.press("escape")
        await settled(pilot)
        await app.chat_screen.open_chat(RAIN)
        await pilot.press("f8")
        await until(pilot, lambda: "By whom?" in store.chats.get(LOCKS).draft)
    assert store.chats.get(LOCKS).draft == "half a thought\nWhy is the database locked? By whom?"
    assert store.chats.get(RAIN).draft == ""
