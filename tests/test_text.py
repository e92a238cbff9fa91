"""The one gate between any text and a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localchat.text import clean, count, escaped, one_line, storable, title_from, visible, without_controls

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Text as hypothesis makes it, with what matters here much more often than by chance, lone surrogates included.
NASTY = st.text(
    st.one_of(
        st.characters(exclude_categories=[]),
        st.sampled_from("\0\a\b\t\n\v\f\r\x1b\x7f\x80\x85\x9b\x9c\x9d\u2028\u2029\ud800\udfff\u200d\ufe0f[]m " + BIDI),
    ),
    max_size=80,
)


def obeyed(text: str) -> list[str]:
    """What a terminal would obey, or could not be given at all."""
    return [c for c in text if (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in BIDI) and c not in "\n\t"]


@given(NASTY)
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    assert obeyed(clean(text)) == []
    clean(text).encode("utf-8")


@given(NASTY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert one_line(one_line(text)) == one_line(text)
    assert storable(storable(text)) == storable(text)


@given(NASTY)
def test_only_what_is_unsafe_goes_and_the_rest_stays_in_order(text: str) -> None:
    kept = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    assert clean(text) == "".join(c for c in kept if not obeyed(c))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain", "plain"),
        ("one\n\ttwo", "one\n\ttwo"),
        ("dos\r\nmac\rend", "dos\nmac\nend"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("\x1b]52;c;ZXZpbA==\x07copied", "]52;c;ZXZpbA==copied"),
        ("\x1b[2Jgone", "[2Jgone"),
        ("\x9b2J\x9d0;t\x9c", "2J0;t"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2067abc\u2069", "abc"),
        ("\ud800", ""),
        ("nul\0", "nul"),
        ("مرحبا שלום", "مرحبا שלום"),
        ("👩\u200d🚀 👍🏽 🇵🇹 ❤\ufe0f", "👩\u200d🚀 👍🏽 🇵🇹 ❤\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian needs the zero-width non-joiner
        ("e\u0301 Z͑a̍l͖g̣o", "e\u0301 Z͑a̍l͖g̣o"),
        ("[/] [b]x[/b] [@click=app.quit]q", "[/] [b]x[/b] [@click=app.quit]q"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_clean_examples(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(NASTY, st.integers(1, 30))
def test_one_line_is_one_line_no_longer_than_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert "\t" not in line
    assert "  " not in line
    assert line == line.strip()
    assert obeyed(line) == []
    whole = one_line(text)
    assert line == whole if len(whole) <= limit else line.endswith("…")


@given(NASTY)
def test_storable_text_can_be_stored_and_only_half_characters_change(text: str) -> None:
    stored = storable(text)
    stored.encode("utf-8")
    assert len(stored) == len(text)
    assert all(a == b or (b == "\ufffd" and unicodedata.category(a) == "Cs") for a, b in zip(text, stored, strict=True))


@given(st.recursive(st.one_of(NASTY, st.integers()), lambda inner: st.dictionaries(NASTY, inner, max_size=3)))
def test_an_escaped_document_is_the_same_document_and_no_terminal_obeys_it(value: object) -> None:
    document = json.dumps(value, ensure_ascii=False, indent=1)
    assert obeyed(escaped(document)) == []
    assert json.loads(escaped(document)) == value


# Titles.


@given(NASTY)
def test_a_title_is_one_visible_line_of_at_most_60_characters(text: str) -> None:
    title = title_from(text)
    assert 0 < len(title) <= 60
    assert visible(title)
    assert title == one_line(title)
    assert title_from(title) == title


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("Why is the sky blue?", "Why is the sky blue?"),
        ("  \n\n First line\nsecond", "First line second"),
        ("\n" * 5000 + "late", "late"),
        ("", "New chat"),
        (" \t\n", "New chat"),
        ("\x1b\0\u202e", "New chat"),
        ("\u200b\u200d\ufeff", "New chat"),
        ("x" * 1_000_000, "x" * 59 + "…"),
        ("word " * 200_000, "word word word word word word word word word word word…"),
        ("one, " * 20, "one, one, one, one, one, one, one, one, one, one, one…"),
        ("x" * 60, "x" * 60),
        ("[/] markup [b]", "[/] markup [b]"),
        ("a" * 57 + "👩\u200d🚀 and on", "a" * 57 + "👩…"),
        ("漢" * 100, "漢" * 59 + "…"),
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
def test_titles_from_words(words: str, title: str) -> None:
    assert title_from(words) == title


@pytest.mark.parametrize(
    ("text", "is_visible"),
    [("a", True), ("[/]", True), ("🙂", True), ("漢", True), ("", False), (" \n\t\u3000", False), ("\x1b", False),
     ("\u200b\u200d\u2060\ufeff", False), ("\u202e\u061c", False), ("\ud800", False), (" \u200b.", True)],
)  # fmt: skip
def test_visible_examples(text: str, is_visible: bool) -> None:
    assert visible(text) is is_visible


def test_counts_are_words_for_people() -> None:
    assert [count(n, "chat") for n in (0, 1, 2, 12345)] == ["0 chats", "1 chat", "2 chats", "12,345 chats"]
    assert [count(n, "reply", "replies") for n in (1, 2)] == ["1 reply", "2 replies"]


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u202e", "\u2066"])
def test_where_characters_keep_their_places_a_control_becomes_one_without_width(letter: str) -> None:
    assert without_controls(f"a{letter}b\tc") == "a\u2060b\tc"
    assert clean(without_controls(letter)) == without_controls(letter)


def test_half_of_an_escape_is_drawn_as_a_broken_character() -> None:
    assert without_controls("a\ud800b") == "a\ufffdb"
