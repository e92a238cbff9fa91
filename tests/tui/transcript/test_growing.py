"""A reply that grew in pieces looks like the same reply laid out at once, whatever the pieces."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localchat.tui.transcript.code import CHUNK, LONGEST_CHUNK
from localchat.tui.transcript.flow import Flow, MarkdownFlow, PlainFlow
from localchat.tui.transcript.table import MEASURED

# Lines that begin, continue, interrupt and end blocks in every way, and that change what the line before them was.
# fmt: off
LINES = [
    "", "", "", " ", "    ", "\t", "text", "more text that is long enough to wrap at the width we use",
    "# heading", "## ", "Setext", "===", "---", "--", "-", "***", "- - -",
    "> quote", ">", "> > deep", "> - item", "lazy",
    "- item", "* item", "+ item", "-", "1. one", "2. two", "2) two", "10. ten", "1.", "   - nested", "  continued",
    "    indented code", "  1. nested", "- [ ] task", "- [x] done", "- ```", "  ```", "```", "```python", "~~~", "````",
    "def f(x): return '''", "| a | b |", "|---|---|", "| 1 | 2 |", "a | b", "--|--", ":-: | -:",
    "| just one", "|", "\\| x",
    "[foo]", "[foo][bar]", "[a link](http://example.org)", "[foo]: /url", "[foo]:", "/url 'title'", "[bar]: <x> \"t\"",
    "'title", "title'", "[Foo]: http://other.example", "see [foo] and [bar]", "**bold", "bold** *it*", "`code", "code`",
    "~~s~~", "![alt](pic.png)", "<div>", "</div>", "<!-- c -->", "&amp; &#8238; &lt;",
    "http://bare.example/x).", "\\", "x  ",
    "日本語の文章もきちんと折り返されます", "👩‍👩‍👧 family", "e\u0301 combining", "`" * 3 + "x`",
]
# fmt: on

texts = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)
wild = st.text(alphabet="ab -*#>|`~[]():1.\n\t=_\\!<", max_size=60)


def at_once(flow: Flow, text: str) -> Flow:
    flow.append(text)
    flow.finish()
    return flow


def in_pieces(flow: Flow, text: str, seed: int) -> Flow:
    """Grow it piece by piece, checking that what is said to have stayed has stayed."""
    dice = random.Random(seed)
    place = 0
    while place < len(text):
        size = dice.choice([1, 1, 2, 3, 5, 9, 30])
        before = list(flow.lines)
        stayed = flow.append(text[place : place + size])
        assert before[:stayed] == flow.lines[:stayed]
        place += size
    flow.finish()
    return flow


def assert_same(text: str, width: int, seed: int) -> None:
    whole = at_once(MarkdownFlow(width), text)
    grown = in_pieces(MarkdownFlow(width), text, seed)
    assert [line.text for line in grown.lines] == [line.text for line in whole.lines]
    assert grown.lines == whole.lines
    assert grown.codes == whole.codes
    in_one_go = MarkdownFlow(width)
    in_one_go.whole(text)
    assert in_one_go.lines == whole.lines
    assert in_one_go.codes == whole.codes


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=texts | wild, width=st.sampled_from([70, 24, 9]), seed=st.integers(0, 5))
@example(text="```\n ", width=40, seed=0)
@example(text="- a\n---x", width=40, seed=0)
@example(text="para\n-\n-", width=40, seed=0)
@example(text="p\na | b\n--|--x", width=40, seed=0)
@example(text="[foo]: /url\n'title\nmore\nend'\n\n[foo]", width=40, seed=0)
@example(text="see [foo]\n\ntext\n\n[foo]: /url\n\nend", width=40, seed=0)
@example(text="- [foo]\n- b\n- [foo]: /url\n- c\n- d", width=40, seed=0)
@example(text="[foo]\n\n[foo]: /url\n```\ncode", width=40, seed=0)
@example(text="- a\n\n- b\n  ```\n  x\n\n  y\n  ```\n* c", width=40, seed=1)
def test_markdown_that_grew_looks_like_markdown_laid_out_at_once(text: str, width: int, seed: int) -> None:
    assert_same(text, width, seed)


@settings(max_examples=150, deadline=None)
@given(text=texts | wild, width=st.sampled_from([70, 9]), seed=st.integers(0, 5))
def test_plain_text_that_grew_looks_like_plain_text_laid_out_at_once(text: str, width: int, seed: int) -> None:
    whole, grown, in_one_go = at_once(PlainFlow(width), text), in_pieces(PlainFlow(width), text, seed), PlainFlow(width)
    in_one_go.whole(text)
    assert grown.lines == whole.lines == in_one_go.lines
    assert grown.codes == whole.codes


@pytest.mark.parametrize("seed", range(3))
def test_a_long_table_keeps_its_columns_and_looks_the_same_grown_or_at_once(seed: int) -> None:
    rows = [f"| {n} | {'word ' * (n % 7)} | `{n}` |" for n in range(3 * MEASURED)]
    rows[2 * MEASURED] = "| a much longer cell than any before | it must wrap | ! |"
    text = "intro\n\n| n | words | code |\n|--:|:-:|---|\n" + "\n".join(rows) + "\n\nafter\n"
    assert_same(text, 60, seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_long_fence_is_coloured_the_same_grown_or_at_once(seed: int) -> None:
    body = [f'x = {n}  # comment "with" quotes' if n % 5 else "" for n in range(4 * CHUNK)]
    body[CHUNK // 2] = '"""A string that goes on'
    body[3 * CHUNK] = 'and ends here"""'
    assert_same("before\n\n```python\n" + "\n".join(body) + "\n```\nafter", 60, seed)


def test_a_string_that_spans_chunks_of_code_is_a_string_to_its_end() -> None:
    body = ['text = """', *["", "words"] * CHUNK, '"""', "number = 1"]
    lines = at_once(MarkdownFlow(60), "```python\n" + "\n".join(body) + "\n```").lines
    words = [look.role for line in lines for text, look in line.runs if text.strip() == "words"]
    assert set(words) == {"token-string"}
    assert "token-number" in [look.role for _, look in lines[-1].runs]


def test_what_ends_with_its_line_does_not_reach_into_the_next_chunk_of_code() -> None:
    body = ["int x;"] * (LONGEST_CHUNK - 1) + ["#define A 1"] + ["int y = 2;"] * 4
    lines = at_once(MarkdownFlow(60), "```c\n" + "\n".join(body) + "\n```").lines
    assert [look.role for text, look in lines[-1].runs if text == "int"] == ["token-type"]


@pytest.mark.parametrize("seed", range(3))
def test_a_long_list_numbers_on_across_the_pieces(seed: int) -> None:
    text = "intro\n" + "".join(f"1. item {n}\n{'' if n % 3 else '   more of it' + chr(10)}" for n in range(40))
    assert_same(text, 40, seed)
    shown = [line.text for line in at_once(MarkdownFlow(40), text).lines]
    assert "40. item 39" in shown


def test_a_growing_reply_never_loses_more_lines_than_its_last_block_has() -> None:
    text = "# T\n\npara one\n\n- a\n- b\n  - c\n\n```py\nx\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nlast words"
    flow = MarkdownFlow(40)
    highest = 0
    for letter in text:
        flow.append(letter)
        assert len(flow.lines) >= highest - 2
        highest = max(highest, len(flow.lines))


def test_a_fence_in_the_making_is_not_shown_as_text_and_its_end_not_as_code() -> None:
    flow = MarkdownFlow(40)
    seen: set[str] = set()
    for letter in "text\n\n```py\nx = 1\n```\n":
        flow.append(letter)
        seen.update(line.text.strip() for line in flow.lines)
    assert not any("`" in line for line in seen)


@pytest.mark.parametrize("kind", ["fence", "list", "table", "paragraphs"])
def test_the_work_for_a_chunk_does_not_grow_with_the_reply(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        "fence": lambda n: f"x = {n}\n",
        "list": lambda n: f"- item {n}\n",
        "table": lambda n: f"| {n} | b |\n",
        "paragraphs": lambda n: f"paragraph {n}\n\n",
    }[kind]
    begin = {"fence": "```python\n", "table": "| a | b |\n|---|---|\n"}.get(kind, "")
    parsed: list[int] = []
    from localchat.tui.transcript import flow as module

    real = module.parse_blocks
    monkeypatch.setattr(module, "parse_blocks", lambda text, known: parsed.append(len(text)) or real(text, known))
    flow = MarkdownFlow(60)
    flow.append(begin)
    for number in range(1_500):
        flow.append(made(number))
    late = parsed[-50:] if kind != "fence" else []
    assert max(late, default=0) < 200
    assert len(flow.lines) >= 1_500
