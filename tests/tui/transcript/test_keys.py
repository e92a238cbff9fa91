"""Keys and clicks: marking, copying, folding, links."""

from __future__ import annotations

import pytest

from localchat.tui.transcript import Transcript
from localchat.tui.transcript.code import FOLDABLE
from localchat.tui.transcript.paint import CARET
from tests.tui.transcript.helpers import Listed, Made, Page, answer, click, find, question, screen, talk

CODES = (
    "first\n\n```python\nx = 1\n\ty = '\u202e'\n```\n\nthen\n\n1. in a list\n   ~~~\n   deep\n   ~~~\n\n```\n\n```\n"
)


def marked(app: Page) -> list[str]:
    return [line[2:] for line in screen(app) if line.startswith(CARET)]


async def test_j_and_k_mark_messages_while_the_transcript_has_the_focus() -> None:
    source = Listed([question(1, "One"), answer(2, "Two"), question(3, "Three")])
    async with Page(source).run_test(size=(50, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        assert marked(pilot.app) == []
        transcript.focus()
        await pilot.pause()
        assert marked(pilot.app)[-1] == "Three"
        await pilot.press("k")
        assert marked(pilot.app) == ["m1 · alpha", "Two"]
        assert transcript.selected_message == 2
        await pilot.press("k", "k", "k")
        assert transcript.selected_message == 1
        await pilot.press("j", "j")
        assert transcript.selected_message == 3


async def test_marking_brings_the_message_into_sight() -> None:
    async with Page(Made(100, talk)).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()
        await pilot.press(*["k"] * 12)
        assert transcript.selected_message == 87
        assert "Answer 87." in "\n".join(marked(pilot.app))
        await pilot.press(*["j"] * 20)
        assert transcript.at_end


async def test_a_marked_message_out_of_sight_gives_way_to_one_in_sight() -> None:
    async with Page(Made(100, talk)).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()
        await pilot.press("k", "home")
        assert transcript.selected_message == 0


async def test_c_copies_the_message_as_markdown() -> None:
    async with Page(Listed([answer(1, "**bold** `x`\n\n- a")])).run_test(size=(50, 16)) as pilot:
        await pilot.press("shift+tab", "c")
        assert pilot.app.asked == [("the message", "**bold** `x`\n\n- a")]


async def test_b_copies_one_code_block_after_the_other_exactly() -> None:
    async with Page(Listed([answer(1, CODES)])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        codes = ["x = 1\n\ty = ''\n", "deep\n", "\n"]
        assert transcript.code_blocks(1) == codes
        transcript.focus()
        await pilot.press("b", "b", "b", "b")
        assert pilot.app.asked == [
            ("code block 1 of 3", codes[0]),
            ("code block 2 of 3", codes[1]),
            ("code block 3 of 3", codes[2]),
            ("code block 1 of 3", codes[0]),
        ]


async def test_a_click_on_copy_copies_that_block() -> None:
    async with Page(Listed([answer(1, CODES)])).run_test(size=(50, 24)) as pilot:
        row = find(pilot.app, "deep")[1] - 1
        column = screen(pilot.app)[row].index("copy")
        await pilot.click(Transcript, offset=(column, row))
        assert pilot.app.asked == [("code block 2 of 3", "deep\n")]


async def test_code_that_is_still_coming_can_be_copied() -> None:
    async with Page(Listed([])).run_test(size=(50, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(1, "```\nline one\nline two\nhal", live=True))
        await pilot.pause()
        await click(pilot, "copy")
        assert pilot.app.asked == [("the code block", "line one\nline two\n")]


@pytest.mark.parametrize("by_key", [True, False])
async def test_a_thought_unfolds_and_folds(by_key: bool) -> None:
    async with Page(Listed([answer(1, "Yes.", reasoning="one\ntwo")])).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()
        before = [line.strip(CARET + " ") for line in screen(pilot.app)]

        async def toggle() -> None:
            await (pilot.press("t") if by_key else click(pilot, "Thought"))

        await toggle()
        assert [line.strip(CARET + " ") for line in screen(pilot.app)][1:6] == [
            "▾ Thought (2 words)", "│ one", "│ two", "", "Yes.",
        ]  # fmt: skip
        await toggle()
        assert [line.strip(CARET + " ") for line in screen(pilot.app)] == before


@pytest.mark.parametrize("by_key", [True, False])
async def test_long_code_folds_and_unfolds(by_key: bool) -> None:
    code = "\n".join(f"row {number}" for number in range(FOLDABLE + 10))
    async with Page(Listed([answer(1, f"```\n{code}\n```\n\nafter")])).run_test(size=(50, 70)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()

        async def toggle() -> None:
            await (pilot.press("z") if by_key else click(pilot, "fold"))

        assert any("row 49" in line for line in screen(pilot.app))
        await toggle()
        text = "\n".join(screen(pilot.app))
        assert "row 7" in text
        assert "row 8" not in text
        assert "▸ 42 more lines" in text
        assert transcript.code_blocks(1) == [code + "\n"]
        await (toggle() if by_key else click(pilot, "42 more lines"))
        assert any("row 49" in line for line in screen(pilot.app))


async def test_short_code_cannot_be_folded() -> None:
    async with Page(Listed([answer(1, "```\nx\n```")])).run_test(size=(50, 16)) as pilot:
        before = screen(pilot.app)
        await pilot.press("shift+tab", "z", "tab")
        assert screen(pilot.app) == before


async def test_unfolding_above_does_not_move_what_is_read() -> None:
    thought = "\n".join(f"thought {number}" for number in range(30))
    body = "\n\n".join(f"Paragraph {number}." for number in range(60))
    async with Page(Listed([answer(1, body, reasoning=thought)])).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.scroll_to(y=50)
        await pilot.pause()
        before = screen(pilot.app)
        transcript.toggle_thought(1)
        await pilot.pause()
        assert screen(pilot.app) == before


async def test_all_of_a_long_message_is_shown_on_request() -> None:
    text = "\n\n".join(f"Paragraph {number}." for number in range(8_000))
    async with Page(Listed([answer(1, text)])).run_test(size=(50, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to_end()
        await pilot.pause()
        assert "Paragraph 7999." not in "\n".join(screen(pilot.app))
        await click(pilot, "Show all")
        for _ in range(400):
            await pilot.pause(0.02)
            if not transcript._window.rows[0].item.rest:
                break
        transcript.jump_to_end()
        await pilot.pause()
        assert "Paragraph 7999." in "\n".join(screen(pilot.app))


async def test_a_click_on_a_link_asks_to_open_it() -> None:
    text = "[page](http://example.org/a) and <mailto:a@b.c> and https://bare.example/x."
    async with Page(Listed([answer(1, text)])).run_test(size=(90, 12)) as pilot:
        for words in ("page", "mailto", "bare.example"):
            await click(pilot, words)
        assert pilot.app.asked == [
            ("link", "http://example.org/a"), ("link", "mailto:a@b.c"), ("link", "https://bare.example/x"),
        ]  # fmt: skip


ELSEWHERE = ["file:///etc/passwd", "ftp://x.y", "app://quit", "relative/page", "#anchor", "javascript:x"]


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_links_to_anywhere_else_are_only_text(url: str) -> None:
    async with Page(Listed([answer(1, f"[page]({url})")])).run_test(size=(90, 12)) as pilot:
        await click(pilot, "page")
        await pilot.press("shift+tab", "o")
        assert pilot.app.asked == []


async def test_o_opens_one_link_after_the_other() -> None:
    async with Page(Listed([answer(1, "[a](http://a) [b](http://b) [a](http://a)")])).run_test(size=(90, 12)) as pilot:
        await pilot.press("shift+tab", "o", "o", "o")
        assert pilot.app.asked == [("link", "http://a"), ("link", "http://b"), ("link", "http://a")]


async def test_a_links_address_is_shown_where_the_mouse_is() -> None:
    async with Page(Listed([answer(1, "[page](http://example.org/[b]x)")])).run_test(size=(90, 12)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        await pilot.hover(Transcript, offset=find(pilot.app, "page"))
        assert str(transcript.tooltip) == "http://example.org/%5Bb%5Dx"
        await pilot.hover(Transcript, offset=(30, 8))
        assert transcript.tooltip is None


def test_every_key_says_what_it_does() -> None:
    for binding in Transcript.BINDINGS:
        assert binding.id.startswith("transcript.")  # type: ignore[union-attr]
        assert binding.tooltip  # type: ignore[union-attr]
