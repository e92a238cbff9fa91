"""Wrapping loses nothing, and fits."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from localchat.text import clean
from localchat.tui.transcript.lines import TEXT, Frame, is_simple, wrap, wrap_pieces

letters = st.sampled_from("ab  c-日本語。（）é\u0301👩\u200d👧️ｶ\u00ad“”—…")
texts = (
    st.lists(letters | st.characters(exclude_categories=["Cc", "Cs"]), max_size=80)
    .map("".join)
    .map(lambda text: clean(text).replace("\n", " ").replace("\t", " "))
)


@settings(max_examples=300, deadline=None)
@given(text=texts, width=st.integers(2, 20))
def test_the_pieces_and_what_joins_them_are_the_text(text: str, width: int) -> None:
    pieces = list(wrap_pieces(text, width))
    rebuilt = "".join(text[piece.start : piece.stop] + (piece.join or "") for piece in pieces)
    assert rebuilt.rstrip(" ") == text.rstrip(" ")
    assert all(cell_len(text[piece.start : piece.stop]) <= width for piece in pieces)


@pytest.mark.parametrize("width", [2, 3])
def test_what_joins_and_has_no_width_of_its_own_fits_in_any_order(width: int) -> None:
    marks = "\u200d\ufe0f\u0301a日 "
    for text in map("".join, itertools.product(marks, repeat=5)):
        pieces = list(wrap_pieces(text, width))
        assert all(cell_len(text[piece.start : piece.stop]) <= width for piece in pieces), ascii(text)
        rebuilt = "".join(text[piece.start : piece.stop] + (piece.join or "") for piece in pieces)
        assert rebuilt.rstrip(" ") == text.rstrip(" "), ascii(text)


@settings(max_examples=200, deadline=None)
@given(text=texts)
def test_text_taken_for_simple_is_as_wide_as_it_is_long(text: str) -> None:
    for letter in text:
        if is_simple(letter):
            assert cell_len(letter) == 1
    if is_simple(text):
        assert cell_len(text) == len(text)


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.tuples(texts, st.booleans()), max_size=8), width=st.integers(2, 20))
def test_wrapping_runs_keeps_every_character_and_its_look(parts: list[tuple[str, bool]], width: int) -> None:
    runs = [(text, TEXT._replace(bold=bold)) for text, bold in parts]
    lines = wrap(runs, Frame(width))
    want = [(letter, bold) for text, bold in parts for letter in text if letter != " "]
    shown = [(text, look.bold) for line in lines for text, look in line.runs]
    assert [(letter, bold) for text, bold in shown for letter in text if letter != " "] == want
