"""Selecting with the mouse, and what of it is copied."""

from __future__ import annotations

from textual.events import MouseMove
from textual.geometry import Offset
from textual.selection import Selection

from localchat.tui.transcript import Transcript
from localchat.tui.transcript.selecting import position
from tests.tui.transcript.helpers import Listed, Made, Page, answer, click, drag, find, question, talk


async def test_a_drag_selects_text_within_a_line() -> None:
    async with Page(Listed([question(1, "Some words to select")])).run_test(size=(50, 12)) as pilot:
        x, y = find(pilot.app, "words")
        await drag(pilot, (x, y), (x + 7, y))
        assert pilot.app.screen.get_selected_text() == "words to"


async def test_a_drag_over_messages_copies_what_is_shown_without_its_decoration() -> None:
    first = answer(1, "> quoted\n\n```python\nx = 1\n\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nlast")
    async with Page(Listed([first, question(2, "And?")])).run_test(size=(50, 30)) as pilot:
        start, stop = find(pilot.app, "quoted"), find(pilot.app, "And?")
        await drag(pilot, start, (stop[0] + 3, stop[1]))
        assert pilot.app.screen.get_selected_text() == (
            "quoted\n\nx = 1\n\ny = 2\n\na   b\n1   2\n\n\nlast\n\nyou\nAnd?"
        )


async def test_lines_that_were_only_wrapped_are_copied_as_one() -> None:
    text = "one two three four five six seven eight"
    code = "x" * 60
    async with Page(Listed([answer(1, f"{text}\n\n```\n{code}\n```")])).run_test(size=(30, 20)) as pilot:
        await drag(pilot, find(pilot.app, "one"), (20, 12))
        assert pilot.app.screen.get_selected_text() == f"{text}\n\n{code}"


async def test_the_selection_is_shown() -> None:
    async with Page(Listed([question(1, "Some words to select")])).run_test(size=(50, 12)) as pilot:
        x, y = find(pilot.app, "words")
        await drag(pilot, (x, y), (x + 4, y))
        transcript = pilot.app.query_one(Transcript)
        style = pilot.app.screen.get_component_rich_style("screen--selection")
        marked = [part.text for part in transcript.render_line(y) if part.style and part.style.bgcolor == style.bgcolor]
        assert marked == ["words"]


async def test_a_selection_stays_on_its_words_while_heights_above_are_corrected() -> None:
    async with Page(Made(200, talk)).run_test(size=(60, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        row = find(pilot.app, "Paragraph 0 of 199.")[1]
        await drag(pilot, (2, row), (10, row))
        transcript.focus()
        await pilot.press("pageup", "pageup", "pageup", "home", "end")
        assert pilot.app.screen.get_selected_text() == "Paragraph"


async def test_a_drag_to_the_edge_scrolls_and_selects_on() -> None:
    source = Made(40, lambda n: question(n, f"Line {n}"))
    async with Page(source).run_test(size=(40, 15)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(0)
        await pilot.pause()
        await pilot.mouse_down(Transcript, offset=(2, 1))
        await pilot.hover(Transcript, offset=(6, 8))
        edge = transcript.size.height - 1
        # Textual scrolls where the mouse has moved; the pilot's own mouse says that it did not.
        pilot.app.screen._forward_event(MouseMove(None, 6, edge, 0, 3, 1, False, False, False))
        for _ in range(100):
            await pilot.pause(0.02)
            if transcript._window.index >= 8:
                break
        await pilot.mouse_up(Transcript, offset=(6, edge))
        text = pilot.app.screen.get_selected_text()
        assert text is not None
        assert text.startswith("Line 0\n")
        assert "Line 8\n" in text


async def test_a_double_click_selects_a_word_and_a_triple_click_the_message() -> None:
    source = Listed([question(1, "Some don't-care words"), answer(2, "Yes.\n\nNo.")])
    async with Page(source).run_test(size=(50, 14)) as pilot:
        await click(pilot, "care", times=2)
        assert pilot.app.screen.get_selected_text() == "don't-care"
        await click(pilot, "Yes.", times=3)
        assert pilot.app.screen.get_selected_text() == "m1 · alpha\nYes.\n\nNo."


async def test_wide_characters_are_selected_by_character() -> None:
    async with Page(Listed([answer(1, "日本語の文章 and more")])).run_test(size=(50, 12)) as pilot:
        await drag(pilot, (6, 1), (10, 1))
        assert pilot.app.screen.get_selected_text() == "語の文"


async def test_a_selection_over_thousands_of_messages_is_copied_whole() -> None:
    source = Made(3_000, lambda n: answer(n, f"Message {n}."))
    async with Page(source).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        pilot.app.screen.selections = {transcript: Selection(Offset(2, position(5, 1)), Offset(50, position(2_995, 1)))}
        text = pilot.app.screen.get_selected_text()
        assert text is not None
        assert [line for line in text.split("\n") if line.startswith("Message")] == [
            f"Message {n}." for n in range(5, 2_996)
        ]
        assert len(transcript._window.laid_out()) < 100


async def test_a_selection_that_leaves_the_transcript_ends_where_the_window_ends() -> None:
    async with Page(Made(100, lambda n: question(n, f"Line {n}"))).run_test(size=(40, 15)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(50)
        await pilot.pause()
        pilot.app.screen.selections = {transcript: Selection(None, None)}
        text = pilot.app.screen.get_selected_text()
        assert text is not None
        assert [line for line in text.split("\n") if "Line" in line] == [f"Line {n}" for n in range(50, 54)]


async def test_a_click_after_a_drag_does_nothing_else() -> None:
    async with Page(Listed([answer(1, "go to [the page](http://example.org) now")])).run_test(size=(50, 12)) as pilot:
        x, y = find(pilot.app, "the page")
        await drag(pilot, (2, y), (x + 3, y))
        assert pilot.app.asked == []
