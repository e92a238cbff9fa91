"""Only what is in the window is read and laid out, and what is being read never moves by itself."""

from __future__ import annotations

import pytest

from localchat.tui.transcript import Transcript
from localchat.tui.transcript.window import PAGE
from tests.tui.transcript.helpers import Listed, Made, Page, answer, question, screen, talk


async def test_a_long_chat_opens_at_its_end_and_reads_only_that() -> None:
    source = Made(10_000, talk)
    async with Page(source).run_test(size=(60, 24)) as pilot:
        assert "Answer 9999." in "\n".join(screen(pilot.app))
        assert pilot.app.query_one(Transcript).at_end
        assert len(source.read) <= 3 * PAGE


async def test_a_short_chat_stands_at_the_top_without_a_scrollbar() -> None:
    async with Page(Listed([question(1, "Hello"), answer(2, "Hi")])).run_test(size=(40, 20)) as pilot:
        assert screen(pilot.app)[:5] == [
            "  you" + " " * 28 + "14:02",
            "  Hello",
            "",
            "  m1 · alpha",
            "  Hi",
        ]
        transcript = pilot.app.query_one(Transcript)
        assert transcript.at_end
        assert not transcript.show_vertical_scrollbar


async def test_an_empty_chat_is_empty() -> None:
    async with Page(Listed([])).run_test(size=(40, 20)) as pilot:
        assert not any(screen(pilot.app))
        await pilot.press("tab", "k", "j", "c", "b", "t", "o", "home", "end", "pageup", "z")
        assert pilot.app.query_one(Transcript).selected_message is None


@pytest.mark.parametrize("at", [0, 17, 499, 998, 999])
async def test_it_opens_at_any_message(at: int) -> None:
    async with Page().run_test(size=(60, 24)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.show(Made(1_000, talk), at)
        await pilot.pause()
        wanted = f"Question {at}?" if at % 2 == 0 else f"Answer {at}."
        assert any(wanted in line for line in screen(pilot.app))
        if at < 990:
            assert wanted in screen(pilot.app)[1]


async def test_scrolling_up_line_by_line_shows_every_line_once() -> None:
    """However wrong the estimates of what is above: each step brings one more line, and the rest moves down by one."""
    async with Page(Made(60, talk)).run_test(size=(60, 14)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        before = screen(pilot.app)
        seen = list(before)
        while transcript.scroll_y > 0:
            transcript.scroll_up()
            after = screen(pilot.app)
            assert after[1:] == before[:-1]
            seen.insert(0, after[0])
            before = after
        for number in range(60):
            assert sum(f" {number}?" in line or f"Answer {number}." in line for line in seen) == 1


async def test_pages_up_and_down_come_back_to_the_same_line() -> None:
    async with Page(Made(400, talk)).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()
        await pilot.press("pageup")
        before = screen(pilot.app)
        await pilot.press(*["pageup"] * 6, *["pagedown"] * 6)
        assert screen(pilot.app) == before


async def test_home_and_end_are_exact() -> None:
    async with Page(Made(5_000, talk)).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.focus()
        await pilot.pause()
        end = screen(pilot.app)
        await pilot.press("home")
        assert transcript.scroll_y == 0
        assert "Question 0?" in screen(pilot.app)[1]
        await pilot.press("end")
        assert screen(pilot.app) == end
        assert transcript.scroll_y == transcript.max_scroll_y


async def test_the_wheel_and_the_scrollbar_work() -> None:
    async with Page(Made(300, talk)).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        end = screen(pilot.app)
        await pilot._post_mouse_events([_wheel_up()], Transcript, offset=(5, 5), button=0)
        assert screen(pilot.app)[2:] == end[:-2]
        transcript.scroll_to(y=transcript.max_scroll_y // 2)
        await pilot.pause()
        middle = "\n".join(screen(pilot.app))
        assert any(f"{kind} {number}" in middle for number in range(100, 200) for kind in ("Question", "Answer"))


def _wheel_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_a_resize_keeps_the_message_under_the_eye() -> None:
    long = "words that wrap " * 30
    async with Page(Made(200, lambda n: answer(n, f"Message {n}. {long}"))).run_test(size=(80, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(100)
        await pilot.pause()
        for width in (40, 100, 25, 80):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            assert "Message 100." in screen(pilot.app)[1]


async def test_at_the_end_a_resize_stays_at_the_end() -> None:
    async with Page(Made(200, talk)).run_test(size=(80, 20)) as pilot:
        for width in (20, 100, 3, 1, 60):
            await pilot.resize_terminal(width, 12)
            await pilot.pause()
            assert pilot.app.query_one(Transcript).at_end
        assert "of 199." in "\n".join(screen(pilot.app))


async def test_new_entries_at_the_end_are_followed_only_from_the_end() -> None:
    source = Listed([talk(number) for number in range(40)])
    async with Page(source).run_test(size=(60, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        source.list.append(answer(99, "The newest."))
        transcript.refresh_entries(40)
        await pilot.pause()
        assert "  The newest." in screen(pilot.app)
        transcript.scroll_to(y=20)
        await pilot.pause()
        before = screen(pilot.app)
        source.list.append(answer(100, "Newer still."))
        transcript.refresh_entries()
        await pilot.pause()
        assert screen(pilot.app) == before
        assert not transcript.at_end


async def test_an_entry_that_changes_above_does_not_move_what_is_read() -> None:
    source = Listed([talk(number) for number in range(40)])
    async with Page(source).run_test(size=(60, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(20)
        await pilot.pause()
        before = screen(pilot.app)
        source.list[3] = answer(3, "much\n\nlonger\n\n" * 9)
        del source.list[5:7]
        transcript.refresh_entries(3)
        await pilot.pause()
        assert screen(pilot.app) == before


async def test_a_chat_cut_short_shows_its_new_end() -> None:
    source = Listed([talk(number) for number in range(40)])
    async with Page(source).run_test(size=(60, 16)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        del source.list[10:]
        transcript.refresh_entries(10)
        await pilot.pause()
        assert "Answer 9." in "\n".join(screen(pilot.app))
        source.list.clear()
        transcript.refresh_entries()
        await pilot.pause()
        assert not any(screen(pilot.app))


async def test_a_hit_is_brought_into_sight_and_marked() -> None:
    text = "\n\n".join(f"Paragraph {number}." for number in range(200)) + "\n\nThe needle lies here."
    source = Made(300, lambda n: answer(n, text if n == 150 else f"Short {n}."))
    async with Page(source).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(150, "NEEDLE")
        await pilot.pause()
        row = next(row for row, line in enumerate(screen(pilot.app)) if "needle" in line)
        marked = [segment.text for segment in transcript.render_line(row) if segment.text == "needle"]
        assert marked == ["needle"]


async def test_memory_of_what_was_seen_is_bounded() -> None:
    source = Made(2_000, lambda n: answer(n, f"Message {n}.\n\n" + "word " * 400))
    async with Page(source).run_test(size=(60, 30)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to_start()
        for _ in range(300):
            transcript.scroll_page_down(animate=False)
        kept = transcript._window.laid_out()
        assert len(kept) < 80
        assert sum(len(item.strips) for item in kept) < 100


async def test_the_theme_changes_without_a_new_layout() -> None:
    async with Page(Made(50, talk)).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        text, dark = screen(pilot.app), transcript.render_line(1)
        pilot.app.theme = "localchat-light"
        await pilot.pause()
        assert screen(pilot.app) == text
        assert transcript.render_line(1) != dark


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "nord", "textual-light"])
async def test_every_kind_of_theme_can_show_it(theme: str) -> None:
    markdown = "# T\n\n`code` [l](http://a)\n\n```python\nx = 1  # c\n```\n\n> q\n\n| a |\n|---|\n| b |"
    page = Page(Listed([answer(1, markdown, removed=True, reasoning="hm")]))
    page.theme = theme
    async with page.run_test(size=(60, 24)) as pilot:
        assert "  T" in screen(pilot.app)


async def test_hidden_and_shown_again_it_is_where_it_was() -> None:
    async with Page(Made(50, talk)).run_test(size=(60, 20)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to(25)
        await pilot.pause()
        before = screen(pilot.app)
        transcript.display = False
        await pilot.pause()
        transcript.show(transcript._window.source, 25)
        transcript.display = True
        await pilot.pause()
        assert screen(pilot.app) == before
