"""Nothing that anybody wrote reaches the terminal as a command, is taken for markup, or makes the window hang."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from localchat.tui.transcript import Entry, Notice, Transcript, layout_lines
from localchat.tui.transcript.item import Item, NoFolds
from tests.tui.transcript.helpers import Listed, Page, answer, click, screen

EVIL = "a\x1b]0;title\x07\x1b[2J\x9b31m\x90q\x9c\r\x00\x7f\u202eb\u2066c\u200fd[/foo][@click=app.quit]e[/]"
SHOWN = "a]0;title[2J31mq\nbcd[/foo][@click=app.quit]e[/]"  # a lone carriage return is a line end
LINE = SHOWN.replace("\n", " ")
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

EVERYWHERE = f"""{EVIL}

# {EVIL}

- {EVIL}

> {EVIL}

`{EVIL}` [{EVIL}](http://e.org/{EVIL}) ![{EVIL}](http://e.org/{EVIL}) <http://e.org/&#27;> [x]: {EVIL}

| {EVIL} | b |
|---|---|
| {EVIL} | c |

```{EVIL}
{EVIL}
```

    {EVIL}

&#27;[2J &#155; &#8238; &#x202e; &#x1b;]52;c;xx &#7;
"""


def everything(role: str) -> Entry:
    notice = Notice(EVIL, "error")
    return Entry(
        1,
        role,
        EVIL,
        EVIL,
        EVERYWHERE,
        removed=True,
        reasoning=EVIL,
        before=(notice,),
        after=(notice,),
        version=EVIL,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
async def test_no_control_character_reaches_the_screen(role: str) -> None:
    async with Page(Listed([everything(role)])).run_test(size=(100, 90)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.jump_to_start()
        transcript.toggle_thought(1)
        await pilot.pause()
        for y in range(transcript.size.height):
            strip = transcript.render_line(y)
            assert not UNSAFE.search(strip.text)
            for segment in strip:
                assert not UNSAFE.search(str(segment.style.meta.get("transcript", "")) if segment.style else "")
                assert segment.style is None or segment.style.link is None
                assert segment.style is None or "@click" not in segment.style.meta
        text = "\n".join(screen(pilot.app))
        assert text.count("[@click=app.quit]") >= 9
        assert text.count("[/foo]") >= 9


@pytest.mark.parametrize("role", ["user", "assistant"])
async def test_a_reply_that_streams_an_escape_sequence_in_pieces_is_as_safe(role: str) -> None:
    async with Page(Listed([])).run_test(size=(100, 60)) as pilot:
        transcript = pilot.app.query_one(Transcript)
        transcript.begin_live(answer(1, "", live=True))
        for letter in EVERYWHERE:
            transcript.append_live(letter, letter)
        await pilot.pause(0.1)
        transcript.toggle_thought(1)
        await pilot.pause()
        assert not any(UNSAFE.search(transcript.render_line(y).text) for y in range(60))


def test_markup_is_shown_as_it_was_written() -> None:
    assert SHOWN.split("\n") == layout_lines(answer(1, EVIL), 100)[1:3]
    assert LINE in layout_lines(Entry(1, "user", EVIL, "", "x"), 200)[0]
    notice = layout_lines(answer(1, "x", after=(Notice(EVIL),)), 200)[-2]
    assert LINE in notice
    cell = layout_lines(answer(1, "| [/foo] [@click=app.quit]x[/] |\n|---|\n| [/] |"), 60)
    assert "[/foo] [@click=app.quit]x[/]" in cell[1]
    assert "[/]" in cell[3]


async def test_a_click_on_markup_is_no_action() -> None:
    async with Page(Listed([answer(1, "[@click=app.quit]here[/]")])).run_test(size=(60, 12)) as pilot:
        await click(pilot, "here")
        await pilot.pause()
        assert pilot.app.is_running
        assert pilot.app.asked == []


async def test_what_is_copied_holds_no_control_characters() -> None:
    entry = answer(1, f"```\n{EVIL}\n```")
    async with Page(Listed([entry])).run_test(size=(60, 20)) as pilot:
        await pilot.press("shift+tab", "b", "c")
        assert len(pilot.app.asked) == 2
        assert not any(UNSAFE.search(text) for _, text in pilot.app.asked)


def deep_list(depth: int) -> str:
    return "\n".join("  " * level + "- x" for level in range(depth))


PATHOLOGICAL = {
    "quotes": lambda: "> " * 1_000 + "the core",
    "list of one line": lambda: "- " * 1_000 + "the core",
    "deep list": lambda: deep_list(150),
    "one word": lambda: "w" * 20_000,
    "one line of words": lambda: "word " * 200_000,
    "wide characters": lambda: "日本" * 20_000,
    "fence": lambda: "```python\n" + "x = [1, 2, 3]  # comment\n" * 5_000 + "```",
    "fence of one line": lambda: "```js\n" + "var a = 'b';" * 10_000 + "\n```",
    "fence that never ends": lambda: "```\n" + "x\n" * 20_000,
    "table": lambda: "| a | b | c |\n|---|---|---|\n" + "| cell one | `two` | **three** words |\n" * 500,
    "wide table": lambda: "|" + " a |" * 500 + "\n|" + "---|" * 500 + "\n" + ("|" + " b |" * 500 + "\n") * 20,
    "a megabyte": lambda: "Some *words* in a `paragraph`.\n\n" * 33_000,
    "brackets": lambda: "[" * 50_000,
    "closed brackets": lambda: "[a](" * 12_000,
    "stars": lambda: "*a_ " * 12_000,
    "backticks": lambda: "`" * 20_000 + "a" + "`` ` " * 4_000,
    "less than": lambda: "<" * 30_000,
    "emphasis": lambda: "**a *b " * 7_000,
    "blank lines": lambda: "\n" * 200_000,
    "definitions": lambda: "\n".join(f"[n{n}]: http://e.org/{n}" for n in range(2_000)) + "\n\n" + "[n1] " * 1_000,
    "rules": lambda: "---\n" * 8_000,
    "entities": lambda: "&amp;" * 10_000,
    "tabs": lambda: "\t" * 30_000 + "x",
    "combining": lambda: "a" + "\u0301" * 30_000,
    "joiners": lambda: "👩\u200d" * 10_000,
    "backslashes": lambda: "\\" * 30_000,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
@pytest.mark.parametrize("role", ["assistant", "user"])
def test_no_text_holds_up_the_window_for_long(name: str, role: str) -> None:
    entry = Entry(1, role, "m", content=PATHOLOGICAL[name]())  # type: ignore[arg-type]
    began = time.process_time()
    item = Item(entry, 80, NoFolds())
    for number in range(0, item.height, 97):
        item.line(number)
    assert time.process_time() - began < 1.5
    assert item.height < 60_000


@pytest.mark.parametrize("name", ["quotes", "list of one line", "deep list", "wide table"])
def test_what_is_too_deep_or_too_wide_to_lay_out_is_shown_as_written(name: str) -> None:
    text = PATHOLOGICAL[name]()
    words = re.findall(r"[a-z]+", text)
    shown = re.findall(r"[a-z]+", " ".join(layout_lines(answer(1, text), 80)[1:]))
    assert len(shown) >= len(words)


@pytest.mark.parametrize("make", [PATHOLOGICAL["quotes"], PATHOLOGICAL["fence"], PATHOLOGICAL["one line of words"]])
def test_a_pathological_reply_can_be_streamed(make: Callable[[], str]) -> None:
    text = make()[:60_000]
    item = Item(answer(1, "", live=True), 80, NoFolds())
    began = time.process_time()
    for place in range(0, len(text), 2_000):
        item.append(text[place : place + 2_000], "")
    assert time.process_time() - began < 6


def test_nothing_of_a_long_message_is_lost() -> None:
    text = "\n\n".join(f"Paragraph {number}." for number in range(20_000))
    item = Item(answer(1, text), 80, NoFolds())
    parts = 0
    while item.show_more():
        parts += 1
    assert parts > 3
    shown = [line.text for line in item.flow.lines if line.text]
    assert shown == [f"Paragraph {number}." for number in range(20_000)]
