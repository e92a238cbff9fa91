"""Markdown on a terminal: rendered while it comes, and not a word lost."""

from __future__ import annotations

import re
import sys

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localchat.cli.markdown import Markdown
from localchat.store import Store
from tests.cli.conftest import Run

SAMPLE = """# Title

Some **bold** and *italic* words, `code` and [a link](https://example.org).

- one
- two

> said

```python
x = a * b * c  # **not bold**
```
"""


def shown(text: str, *, styled: bool = False, step: int = 1) -> str:
    markdown = Markdown(styled=styled)
    parts = [markdown.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return "".join(parts) + markdown.end()


def test_marks_become_what_they_mean() -> None:
    told = shown(SAMPLE, styled=True)
    for part in (
        "\x1b[1mTitle\x1b[0m",
        "\x1b[1mbold\x1b[0m",
        "\x1b[3mitalic\x1b[0m",
        "\x1b[36mcode\x1b[0m",
        "\x1b[4ma link\x1b[0m (https://example.org)",
        "• one\n• two",
        "│ \x1b[0msaid",
        "x = a * b * c  # **not bold**",
    ):
        assert part in told


def test_plain_has_neither_marks_nor_colour() -> None:
    told = shown(SAMPLE)
    assert "\x1b" not in told
    assert told.startswith("Title\n\nSome bold and italic words, code and a link (https://example.org).\n")


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_it_does_not_matter_in_which_pieces_it_comes(step: int) -> None:
    assert shown(SAMPLE, styled=True, step=step) == shown(SAMPLE, styled=True)


@given(st.text(alphabet="ab *_`#>-[]()\n~1.", max_size=60), st.integers(1, 9))
def test_no_letter_is_lost_in_any_pieces(text: str, step: int) -> None:
    told = shown(text, step=step)
    assert re.sub("[^ab]", "", told) == re.sub("[^ab]", "", text)
    assert told.count("\n") == text.count("\n")


def test_words_are_shown_before_their_line_ends() -> None:
    markdown = Markdown(styled=True)
    assert markdown.feed("A long paragraph wi") == "A long paragraph "
    assert markdown.feed("th **an op") == "with "
    assert markdown.feed("en** mark\n") == "\x1b[1man open\x1b[0m mark\n"


def test_names_with_underscores_and_stars_between_blanks_stay() -> None:
    for text in ("snake_case_name", "2 * 3 * 4", "a ** b ** c", "__init__.py"):
        assert shown(text) == text


def test_into_a_pipe_it_goes_raw_and_plain_only_where_asked_for(run: Run, echo: Store) -> None:
    assert run("ask", "**bold**").out == "**bold**"
    assert run("ask", "--raw", "**bold**").out == "**bold**"
    assert run("ask", "--plain", "**bold**").out == "bold"


@pytest.mark.parametrize(("flag", "wanted"), [("--no-fallback", "\x1b[1mbold\x1b[0m"), ("--raw", "**bold**")])
def test_on_a_terminal_it_is_rendered(echo: Store, flag: str, wanted: str) -> None:
    program = pexpect.spawn(sys.executable, ["-m", "localchat", "ask", flag, "**bold**"], encoding="utf-8", timeout=30)
    program.expect(pexpect.EOF)
    assert wanted in program.before
