"""What each kind of Markdown looks like, as text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from localchat.tui.transcript import Entry, Notice, layout_lines
from tests.tui.transcript.helpers import answer, question


def body(markdown: str, width: int = 40) -> list[str]:
    """The lines of an answer, without its speaker and the blank line below it."""
    return layout_lines(answer(1, markdown), width)[1:-1]


def test_a_message_has_its_speaker_above_and_a_blank_line_below() -> None:
    entry = Entry(7, "user", "you", "14:02", "Hello")
    assert layout_lines(entry, 20) == ["you            14:02", "Hello", ""]


def test_a_removed_model_is_marked_with_the_word() -> None:
    entry = answer(7, "Hi", removed=True, version="2/3", aside="1.2 s")
    assert layout_lines(entry, 50)[0] == "m1 · alpha  2/3  ⊘ removed                   1.2 s"


def test_where_there_is_no_room_the_aside_goes_first_and_the_name_is_cut_last() -> None:
    entry = answer(7, "Hi", removed=True, aside="1.2 s · 214 tokens")
    assert layout_lines(entry, 24)[0] == "m1 · alpha  ⊘ removed"
    assert layout_lines(entry, 16)[0].startswith("m1")


def test_notices_stand_above_and_below_with_a_thin_rule() -> None:
    above = Notice("m1 was removed. m2 answers now.", "warning")
    entry = answer(1, "Yes.", before=(above,), after=(Notice("Stopped. What came is kept."),))
    assert layout_lines(entry, 44) == [
        "─ m1 was removed. m2 answers now. ──────────",
        "",
        "m1 · alpha",
        "Yes.",
        "─ Stopped. What came is kept. ──────────────",
        "",
    ]


def test_a_long_notice_wraps() -> None:
    lines = layout_lines(answer(1, "", after=(Notice("one two three four five six"),)), 16)
    assert lines == ["m1 · alpha", "─ one two", "  three four", "  five six ─────", ""]


def test_paragraphs_wrap_at_words_and_keep_the_authors_line_ends() -> None:
    assert body("one two three four\nfive\n\nsix", 10) == ["one two", "three four", "five", "", "six"]


def test_a_word_longer_than_the_line_is_cut() -> None:
    assert body("see http://example.org/a/very/long/path now", 16) == [
        "see",
        "http://example.o",
        "rg/a/very/long/p",
        "ath now",
    ]


def test_wide_characters_wrap_by_their_cells_and_not_before_a_full_stop() -> None:
    lines = body("日本語の文章もきちんと折り返されます。", 10)
    assert "".join(lines) == "日本語の文章もきちんと折り返されます。"
    assert all(cell_len(line) <= 10 for line in lines)
    assert not any(line.startswith("。") for line in lines)


def test_emoji_of_several_characters_stay_whole() -> None:
    family = "👩\u200d👩\u200d👧"
    assert all(line.replace(family, "") == "" for line in body(family * 12, 9))


def test_emphasis_code_and_strikethrough_lose_their_marks() -> None:
    assert body("a **b** *c* `d` ~~e~~ ***f***") == ["a b c d e f"]


def test_lists_nest_number_and_tick() -> None:
    assert body("3. three\n4. four\n   - deep\n     - deeper\n- [x] done\n- [ ] open") == [
        " 3. three",
        " 4. four",
        "    ◦ deep",
        "      ▪ deeper",
        "",
        "☑ done",
        "☐ open",
    ]


def test_items_stand_apart_where_their_author_set_them_apart() -> None:
    assert body("- a\n- b\n\n- c") == ["• a", "• b", "", "• c"]


def test_a_wrapped_item_goes_on_below_its_text() -> None:
    assert body("- one two three four", 12) == ["• one two", "  three four"]


def test_quotes_have_a_rule_at_the_left() -> None:
    assert body("> one\n>\n> two\n> > three") == ["▎ one", "▎", "▎ two", "▎ ▎ three"]


def test_headings_and_rules() -> None:
    assert body("# One\n***\nTwo\n---", 8) == ["One", "", "────────", "", "Two"]


def test_code_stands_under_its_language_with_a_button_to_copy() -> None:
    assert body("```python\nif x:\n\ty = 1\n```", 30) == [
        "  python".ljust(24) + " copy",
        "  if x:",
        "      y = 1",
    ]


def test_a_long_line_of_code_goes_on_below_a_mark() -> None:
    assert body("```\n" + "x" * 20 + "\n```", 18) == [
        "  text".ljust(12) + " copy",
        "  " + "x" * 16,
        "↪ " + "x" * 4,
    ]


def test_code_in_a_list_keeps_its_indent() -> None:
    assert body("1. Run\n   ```sh\n   ls\n   ```", 30) == [" 1. Run", "      sh".ljust(24) + " copy", "      ls"]


def test_tables_size_their_columns_and_align_them() -> None:
    assert body("| name | n | mid |\n|---|--:|:-:|\n| a | 10,000 | x |\n| longer | 5 | long |") == [
        "name   │      n │ mid",
        "───────┼────────┼─────",
        "a      │ 10,000 │  x",
        "longer │      5 │ long",
    ]


def test_the_widest_columns_of_a_table_wrap_first() -> None:
    assert body("| a | words |\n|---|---|\n| 1 | one two three four |", 16) == [
        "a │ words",
        "──┼─────────────",
        "1 │ one two",
        "  │ three four",
    ]


def test_a_table_too_wide_for_columns_becomes_a_list_of_its_cells() -> None:
    table = "| a | b | c | d |\n|---|---|---|---|\n| 1 | 2 | 3 | four |\n| 5 | 6 | 7 | eight |"
    assert body(table, 12) == ["a: 1", "b: 2", "c: 3", "d: four", "", "a: 5", "b: 6", "c: 7", "d: eight"]


def test_a_break_in_a_cell_is_a_new_line() -> None:
    assert body("| a | b |\n|---|---|\n| x<br>y | z |")[2:] == ["x │ z", "y │"]


def test_html_is_shown_as_it_was_written() -> None:
    assert body("<b>x</b>\n\n<script>alert(1)</script>") == ["<b>x</b>", "", "<script>alert(1)</script>"]


def test_an_image_is_its_words_and_its_address() -> None:
    assert body("![a cat](http://e.org/c.png) ![](pic.png)") == ["a cat (http://e.org/c.png) pic.png"]


def test_references_are_links_wherever_they_are_defined() -> None:
    assert body("see [this] and [that][1]\n\n[this]: http://a\n[1]: http://b") == ["see this and that"]


def test_what_a_person_typed_is_shown_as_typed() -> None:
    lines = layout_lines(question(1, "# not a heading\n  * not   a list\n**plain**"), 40)[1:-1]
    assert lines == ["# not a heading", "  * not   a list", "**plain**"]


def test_code_in_what_a_person_typed_is_shown_as_code() -> None:
    lines = layout_lines(question(1, "why?\n```py\nx = 1\n```\nso"), 30)[1:-1]
    assert lines == ["why?", "  py".ljust(24) + " copy", "  x = 1", "so"]


def test_a_thought_is_folded_to_one_line() -> None:
    entry = answer(1, "Yes.", reasoning="Let me think.\nIt is so.")
    assert layout_lines(entry, 40) == ["m1 · alpha", "▸ Thought (6 words)", "Yes.", ""]


def test_a_long_message_shows_its_beginning_and_how_much_more_there_is() -> None:
    lines = layout_lines(answer(1, "line of text\n\n" * 5_000), 40)
    assert lines[-2].startswith("▸ Show all (")
    assert len(lines) < 6_000


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 13, 20, 33])
def test_no_line_is_wider_than_the_window_allows(width: int) -> None:
    text = (
        "# head line\n\ntext and 日本語 text\n\n> quote of words\n> > deeper\n\n"
        "- item one\n  1. nested item\n     - more\n\n"
        "```python\nvalue = 'a long line of code'\n```\n\n| a | bb |\n|---|---|\n| some cell | other cell |\n\n---\n"
    )
    entry = answer(1, text, aside="14:02", version="1/2", removed=True, after=(Notice("Stopped. What came is kept."),))
    for line in layout_lines(entry, width):
        assert cell_len(line) <= max(width, 8), line
