"""The live reply: it grows at its end, is followed or not, and nothing jumps when it ends."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from localchat.tui.transcript import Entry, Notice, Transcript
from localchat.tui.transcript.paint import CARET
from tests.tui.transcript.helpers import Listed, Made, Page, answer, question, screen, talk

REPLY = "Two **words**.\n\n- one\n- two\n\n```python\nx = 1\n```\n\nThe end."


async def painted(pilot: Pilot[None]) -> None:
    """Wait for the next paint of the live reply."""
    for _ in range(500):
        if not pilot.app.query_one(Transcript)._feed.waiting:
            break
        await asyncio.sleep(0.01)
    await pilot.pause()


async def test_a_reply_grows_behind_the_question() -> None:
    async with Page(Listed([question(1, "Why?")])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        for letter in REPLY:
            transcript.append_live(letter)
        await painted(pilot)
        shown = screen(pilot.app)
        assert shown[3] == "  m1 · alpha"
        assert shown[4] == "  Two words."
        assert shown[12] == "  The end." + CARET


async def test_the_source_may_have_the_reply_already() -> None:
    source = Listed([question(1, "Why?"), answer(2, "")])
    async with Page(source).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        transcript.append_live("Because.")
        await painted(pilot)
        assert sum("m1 · alpha" in line for line in screen(pilot.app)) == 1


@pytest.mark.parametrize("stored", [True, False])
async def test_nothing_moves_when_it_ends(stored: bool) -> None:
    source = Listed([talk(number) for number in range(30)])
    async with Page(source).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        transcript.append_live(REPLY)
        await painted(pilot)
        before = [line.replace(CARET, "") for line in screen(pilot.app)]
        done = answer(99, REPLY)
        if stored:
            source.list.append(done)
        transcript.end_live(done)
        await pilot.pause()
        assert screen(pilot.app) == before
        if not stored:
            source.list.append(done)
        transcript.refresh_entries()
        await pilot.pause()
        assert screen(pilot.app) == before


async def test_a_reply_that_ends_otherwise_than_it_came_shows_its_final_state() -> None:
    async with Page(Listed([question(1, "Why?")])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        transcript.append_live("half an ans")
        transcript.end_live(answer(2, "half an", after=(Notice("Stopped. What came is kept."),), aside="1.2 s"))
        await pilot.pause()
        shown = screen(pilot.app)
        assert shown[3].endswith("1.2 s")
        assert shown[4:6] == ["  half an", "  ─ Stopped. What came is kept. ────────────────"]


async def test_a_reply_that_has_ended_stands_where_the_source_has_it() -> None:
    source = Listed([question(1, "Why?")])
    async with Page(source).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        transcript.append_live("Because.")
        transcript.end_live(answer(2, "Because."))
        source.list += [answer(2, "Because."), question(3, "From another window?"), answer(4, "Yes.")]
        transcript.refresh_entries()
        await pilot.pause()
        shown = [line.strip() for line in screen(pilot.app) if line.strip()]
        assert [line for line in shown if line[0] in "BFY"] == ["Because.", "From another window?", "Yes."]


async def test_a_reply_that_never_was_is_taken_away() -> None:
    async with Page(Listed([question(1, "Why?")])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        before = screen(pilot.app)
        transcript.begin_live(answer(2, "", live=True))
        transcript.append_live("never mind")
        transcript.end_live(None)
        await pilot.pause()
        assert screen(pilot.app) == before


async def test_a_reply_is_followed_until_one_scrolls_up_and_again_from_the_end() -> None:
    async with Page(Made(40, talk)).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        transcript.append_live("first\n\n" * 20)
        await painted(pilot)
        assert transcript.at_end
        transcript.focus()
        await pilot.press("up", "up")
        assert not transcript.at_end
        before = screen(pilot.app)
        transcript.append_live("second\n\n" * 20)
        await painted(pilot)
        assert screen(pilot.app) == before
        await pilot.press("end")
        assert transcript.at_end
        transcript.append_live("third\n\n")
        await painted(pilot)
        assert any(line.endswith("third" + CARET) for line in screen(pilot.app))
        assert pilot.app.followed[-2:] == [False, True]


async def test_scrolled_far_away_the_window_does_not_move_and_the_end_is_there_when_one_returns() -> None:
    async with Page(Made(400, talk)).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(-1, "", live=True))
        transcript.jump_to(10)
        await pilot.pause()
        before = screen(pilot.app)
        transcript.append_live("word " * 500)
        await painted(pilot)
        transcript.append_live("last")
        await painted(pilot)
        assert screen(pilot.app) == before
        transcript.jump_to_end()
        await pilot.pause()
        assert any("last" + CARET in line for line in screen(pilot.app))


async def test_another_chat_ends_the_view_of_the_reply() -> None:
    async with Page(Made(5, talk)).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        transcript.append_live("secret of the first chat")
        transcript.show(Listed([question(1, "Another chat")]))
        transcript.append_live("late words")
        await painted(pilot)
        text = "\n".join(screen(pilot.app))
        assert "Another chat" in text
        assert "secret" not in text
        assert "late words" not in text


async def test_a_reply_shown_again_under_another_head_keeps_its_words() -> None:
    async with Page(Made(3, talk)).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        transcript.append_live("so far")
        notice = Notice("2 earlier messages do not fit.")
        transcript.begin_live(Entry(99, "assistant", "m1", content="so far", before=(notice,), live=True))
        transcript.append_live(" and on")
        await painted(pilot)
        text = "\n".join(screen(pilot.app))
        assert "so far and on" in text
        assert "2 earlier messages do not fit." in text


async def test_thinking_is_counted_while_it_comes_and_folded_after() -> None:
    async with Page(Listed([])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        transcript.append_live("", "let me ")
        transcript.append_live("", "think")
        await painted(pilot)
        assert screen(pilot.app)[1] == "  ▸ Thinking (3 words)"
        transcript.toggle_thought(2)
        transcript.append_live("", " more\nof it")
        await painted(pilot)
        assert screen(pilot.app)[1:4] == ["  ▾ Thinking (6 words)", "  │ let me think more", "  │ of it"]
        transcript.append_live("Yes.")
        await painted(pilot)
        assert screen(pilot.app)[1] == "  ▾ Thought (6 words)"
        assert screen(pilot.app)[5] == "  Yes." + CARET


async def test_a_resize_while_it_streams_keeps_every_word() -> None:
    async with Page(Made(3, talk)).run_test(size=(60, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        words = [f"word{number} " for number in range(60)]
        for number, word in enumerate(words):
            transcript.append_live(word)
            if number % 20 == 10:
                await pilot.resize_terminal(40 + number, 24)
                await pilot.pause()
        await painted(pilot)
        text = " ".join(" ".join(screen(pilot.app)).split())
        assert "".join(words).strip() in text


async def test_a_line_end_that_comes_in_two_halves_is_one() -> None:
    async with Page(Listed([])).run_test(size=(60, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        for piece in ("one\r", "\ntwo\r", "three\r"):
            transcript.append_live(piece)
            await painted(pilot)
        assert screen(pilot.app)[1:4] == ["  one", "  two", "  three" + CARET]
        done = answer(2, "one\r\ntwo\rthree\r")
        transcript.end_live(done)
        await pilot.pause()
        assert screen(pilot.app)[1:4] == ["  one", "  two", "  three"]


async def test_chunks_are_painted_together() -> None:
    async with Page(Made(3, talk)).run_test(size=(60, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(99, "", live=True))
        placed = 0
        real = transcript._place

        def counted(live_from: int | None = None) -> None:
            nonlocal placed
            placed += 1
            real(live_from)

        transcript._place = counted  # type: ignore[method-assign]
        for number in range(100):
            transcript.append_live(f"{number} ")
            await asyncio.sleep(0.004)
        await painted(pilot)
        assert 1 <= placed <= 14
        assert "99" in "\n".join(screen(pilot.app))


async def test_a_reply_far_longer_than_the_first_part_of_a_message_is_shown_to_its_end() -> None:
    async with Page(Listed([])).run_test(size=(60, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(2, "", live=True))
        for number in range(60):
            transcript.append_live(f"paragraph {number} " + "of words " * 100 + "\n\n")
        await painted(pilot)
        assert "paragraph 59" in "\n".join(screen(pilot.app))
