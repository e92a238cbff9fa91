"""The chat screen, driven by keys; what a person sees and what the store holds."""

from __future__ import annotations

import pytest
from textual import events
from textual.geometry import Size

from localchat.errors import ASK_AGAIN, ProviderUnavailable
from localchat.records import Progress
from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app

SIZE = (110, 32)


async def test_the_chat_used_last_opens_with_the_focus_in_the_composer(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        text = screen_text(app)
        assert "Locks in SQLite" in text
        assert "Two writers: BEGIN IMMEDIATE." in text
        assert app.chat_screen.conversation.composer.has_focus


async def test_a_message_is_answered_stored_and_labelled_with_its_model(store: Store) -> None:
    app = still_app(store, Script("It depends."))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+n")
        await say(pilot, "Is tea better than coffee?")
        text = screen_text(app)
        assert "Is tea better than coffee?" in text
        assert "a1 · alpha" in text
        assert "It depends." in text
        assert app.chat_screen.conversation.composer.text == ""
    chat = store.chats.last()
    assert chat is not None
    assert [m.content for m in store.messages.line(chat)] == ["Is tea better than coffee?", "It depends."]


async def test_where_another_model_of_the_same_name_answers_it_is_told_which(store: Store) -> None:
    app = still_app(store, Script("From the other."))
    async with app.run_test(size=SIZE) as pilot:
        store.catalog.remove_provider("zeta")
        store.catalog.add_provider("zeta", "echo")
        store.catalog.make_default(store.catalog.add_model("zeta", "z1").id)
        app.catalog_changed()
        await pilot.pause()
        assert "The earlier z1 was removed. ★ z1, of zeta, is another.  ^o another model\n" in screen_text(app)
        await say(pilot, "And with WAL?")
        assert "The earlier z1 was removed. Another z1, of zeta, answers now." in screen_text(app)


async def test_a_removed_model_falls_back_with_one_line_per_run_and_a_standing_line(store: Store) -> None:
    app = still_app(store, Script("From the default."))
    async with app.run_test(size=SIZE) as pilot:
        store.catalog.remove_provider("zeta")
        app.catalog_changed()
        await pilot.pause()
        assert "z1 was removed. New turns use ★ a1." in screen_text(app)
        await say(pilot, "And with WAL?")
        await say(pilot, "And without?")
        text = screen_text(app)
        assert text.count("z1 was removed. a1 answers now.") == 1
        assert "removed" in text.split("z1 · zeta")[1].splitlines()[0]
    chat = store.chats.last()
    assert chat is not None
    assert chat.model is not None
    assert chat.model.ref == "zeta/z1"
    assert [m.fallback_reason for m in store.messages.line(chat) if m.role == "assistant"] == [
        None,
        "removed",
        "removed",
    ]


async def test_without_a_default_the_text_stays_and_the_view_says_what_to_do(store: Store) -> None:
    for provider in ("alpha", "beta", "zeta", "local"):
        store.catalog.remove_provider(provider)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+n")
        await say(pilot, "Anybody there?")
        text = screen_text(app)
        assert app.chat_screen.conversation.composer.text == "Anybody there?"
        assert "no default" in text
        assert "f2" in text
    assert len(store.chats.listing()) == 2


async def test_escape_stops_a_reply_and_keeps_what_came(store: Store) -> None:
    script = Script(Reply("one two three", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Count.", wait=False)
        await pilot.pause(0.2)
        await pilot.press("escape")
        await settled(pilot)
        text = screen_text(app)
        assert "one two three" in text
        assert "Stopped. What came is kept." in text
    chat = store.chats.last()
    assert chat is not None
    assert store.messages.line(chat)[-1].status == "stopped"


async def test_a_failed_turn_is_told_in_place_and_ctrl_r_asks_again(store: Store) -> None:
    script = Script(
        Reply(error=ProviderUnavailable("zeta does not answer.", "Start it.", remedy=ASK_AGAIN)), "Here I am."
    )
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Hello?")
        assert "zeta does not answer. Start it. ctrl+r asks again." in screen_text(app)
        await pilot.press("ctrl+r")
        await settled(pilot)
        text = screen_text(app)
        assert "Here I am." in text
        assert "zeta does not answer" not in text
        assert "2/2" in text
    assert "does not answer" not in str([line.content for _, r in script.requests for line in r.lines])


async def test_a_reply_goes_on_while_another_chat_is_open(store: Store) -> None:
    script = Script(Reply("slowly but surely", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Go on.", wait=False)
        await pilot.pause(0.1)
        await app.chat_screen.open_chat(1)
        await pilot.pause()
        assert "slowly" not in screen_text(app)
        script.release()
        await settled(pilot)
        await app.chat_screen.open_chat(2)
        await pilot.pause()
        assert "slowly but surely" in screen_text(app)
    assert store.messages.line(store.chats.get(2))[-1].status == "complete"


async def test_coming_back_to_a_chat_shows_the_reply_as_far_as_it_came(store: Store) -> None:
    script = Script(Reply("as far as here", hold=True))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Go on.", wait=False)
        await pilot.pause(0.2)
        await app.chat_screen.open_chat(1)
        await app.chat_screen.open_chat(2)
        await pilot.pause(0.2)
        assert "as far as here" in screen_text(app)
        script.release()
        await settled(pilot)
        assert screen_text(app).count("as far as here") == 1


async def test_a_draft_survives_leaving_the_chat_and_a_restart(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        app.chat_screen.conversation.composer.insert("half a thou")
        await app.chat_screen.open_chat(1)
        assert app.chat_screen.conversation.composer.text == ""
        app.chat_screen.conversation.composer.insert("another")
        await pilot.press("ctrl+n")
        app.chat_screen.conversation.composer.insert("a new one")
        await app.action_quit()
    again = still_app(store)
    async with again.run_test(size=SIZE) as pilot:
        await settled(pilot)
        composer = again.chat_screen.conversation.composer
        assert composer.text == "a new one"
        await again.chat_screen.open_chat(2)
        assert composer.text == "half a thou"
        await again.chat_screen.open_chat(1)
        assert composer.text == "another"


async def test_deleting_a_chat_can_be_undone(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.pause()
        app.chat_screen.chat_list.options.focus()
        await pilot.press("d")
        await settled(pilot)
        assert [chat.title for chat in store.chats.listing()] == ["Rain in Lisbon"]
        assert "Deleted Locks in SQLite" in screen_text(app)
        await pilot.press("f8")
        await settled(pilot)
        assert [chat.title for chat in store.chats.listing()] == ["Locks in SQLite", "Rain in Lisbon"]


async def test_renaming_a_chat_shows_in_the_list_and_the_bar(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.chat_screen.chat_list.options.focus()
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("ctrl+u", *"Busy", "enter")
        await settled(pilot)
        assert store.chats.get(2).title == "Busy"
        assert screen_text(app).splitlines()[0].count("Busy") == 1


async def test_the_filter_narrows_the_list_and_escape_widens_it(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.chat_screen.chat_list.options.focus()
        await pilot.press("slash", *"rain")
        await settled(pilot)
        listed = "\n".join(line[:30] for line in screen_text(app).splitlines()[1:])
        assert "Rain in Lisbon" in listed
        assert "Locks" not in listed
        await pilot.press("escape")
        await settled(pilot)
        assert "Locks" in "\n".join(line[:30] for line in screen_text(app).splitlines()[1:])


async def test_what_another_window_changes_shows_here(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with Store(store.path) as other:
            other.chats.rename(2, "Renamed elsewhere")
            other.catalog.remove_provider("zeta")
        await pilot.pause(1.6)
        text = screen_text(app)
        assert "Renamed elsewhere" in text
        assert "z1 was removed. New turns use ★ a1." in text


async def test_a_chat_deleted_in_another_window_leaves_what_was_typed(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.conversation.composer.insert("not lost")
        with Store(store.path) as other:
            other.chats.trash(2)
        await pilot.pause(1.6)
        assert app.chat_screen.conversation.chat is None
        assert app.chat_screen.conversation.composer.text == "not lost"


async def test_progress_before_the_first_word_shows_and_can_be_cancelled(store: Store) -> None:
    progress = Progress("Fetching SmolLM2 135M", 34_000_000, 98_000_000)
    app = still_app(store, Script(Reply("done", progress=(progress,), pause=0.5, hold=True)))
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "Hello", wait=False)
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "Fetching SmolLM2 135M: 34 of 98 MB" in text
        assert "esc cancels" in text
        await pilot.press("escape")
        await settled(pilot)
        assert "Stopped" in screen_text(app)


async def test_up_in_the_composer_brings_back_what_was_sent(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        composer.insert("unsent")
        await pilot.press("up")
        assert composer.text == "Why is the database locked?"
        await pilot.press("up")
        assert composer.text == "Does it rain in Lisbon?"
        await pilot.press("down", "down")
        assert composer.text == "unsent"


async def test_below_a_hundred_columns_the_list_hides_until_it_is_asked_for(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert not app.chat_screen.chat_list.display
        await pilot.press("ctrl+b")
        await settled(pilot)
        assert "Rain in Lisbon" in screen_text(app)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert not app.chat_screen.chat_list.display
        assert "In winter, often." in screen_text(app)


@pytest.mark.parametrize("nasty", ["[/foo]", "[@click=app.quit]x[/]", "\x1b]0;title\x07\x9b2J", "‮abc", "👩‍👩‍👧 家族"])
async def test_nothing_that_is_typed_or_answered_is_markup_or_reaches_the_terminal(store: Store, nasty: str) -> None:
    app = still_app(store, Script(f"answer {nasty} end"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+n")
        await say(pilot, f"question {nasty}")
        text = screen_text(app)
        assert not set(text) & {"\x1b", "\x07", "\x9b", "‮"}
        if nasty.startswith("["):
            assert text.count(nasty) >= 3
        chat = store.chats.last()
        assert chat is not None
        assert store.messages.line(chat)[1].content == f"answer {nasty} end"


async def test_too_small_a_window_says_so(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(24, 6)) as pilot:
        await settled(pilot)
        assert "too small" in screen_text(app)


async def test_a_window_that_is_dragged_small_and_large_again_is_as_it_was(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+o")
        await settled(pilot)
        for _ in range(3):
            await pilot.resize_terminal(24, 6)
            await settled(pilot)
            assert "too small" in screen_text(app)
            for size in [(60, 20), (100, 30), (110, 32)]:
                app.post_message(events.Resize(Size(*size), Size(*size), Size(*size)))
            await pilot.resize_terminal(80, 24)
            await settled(pilot)
            assert "Choose a model" in screen_text(app)
            assert len(app.screen_stack) == 2


async def test_help_over_a_window_that_was_too_small_leads_back(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(24, 6)) as pilot:
        await settled(pilot)
        await pilot.press("f1")
        await settled(pilot)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert "too small" not in screen_text(app)
        assert app.screen is app.chat_screen


async def test_keys_typed_in_one_burst_with_enter_send_all_of_them(store: Store) -> None:
    app = still_app(store, Script("Got it."))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        for key, character in [*((c, c) for c in "abc"), ("ctrl+j", "\n"), ("d", "d"), ("enter", "\r")]:
            app.post_message(events.Key(key, character))
        await settled(pilot)
        assert "Got it." in screen_text(app)
    assert store.messages.line(store.chats.get(2))[-2].content == "abc\nd"


async def test_what_is_copied_is_what_was_read(store: Store) -> None:
    app = still_app(store, Script("ls\x1b[201~\x9b2J; rm\u202e -r\n\tthere"))
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "How?")
        await pilot.press("ctrl+y")
        assert app.clipboard == "ls[201~2J; rm -r\n\tthere"
