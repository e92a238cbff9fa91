"""Mouse selection: positions that stay true while estimates are corrected, and the text between two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from textual.geometry import Offset
from textual.selection import SelectEnd, Selection
from textual.widget import Widget

from localchat.text import clean
from localchat.tui.transcript.item import MARGIN, Item
from localchat.tui.transcript.lines import Line
from localchat.tui.transcript.window import Row, Window

SPAN = 1_000_000  # more lines than any item has
KEPT_EXACT = 200  # entries of a selection copied as they are drawn; the middle of a longer one as it was written
_WORD = re.compile(r"[\w'’\-]+")


def position(index: int, number: int) -> int:
    """The y of a selection's offset. Not a line of the whole: that one moves when a height above is corrected."""
    return index * SPAN + number


def y_of(row: Row) -> int:
    return position(row.place, row.number)


def span_on(line: Line, selection: Selection, y: int) -> tuple[int, int] | None:
    """The selected characters of this line, decoration left out; counted within the line, without the margin."""
    span = selection.get_span(y)
    if span is None or line.join is None:
        return None
    start, stop = span
    low = max(line.start, start - MARGIN)
    high = line.stop if stop < 0 else min(line.stop, stop - MARGIN)
    return (low, high) if low <= high else None


def word_at(line: Line, x: int) -> tuple[int, int] | None:
    """The word around this character of the line, as a selection counts: with the margin."""
    for match in _WORD.finditer(line.text):
        if match.start() <= x - MARGIN < match.end():
            return match.start() + MARGIN, match.end() + MARGIN
    return None


def selected_text(window: Window, selection: Selection) -> str:
    """What is between two positions, as it is shown but without its decoration; what was only wrapped is one line."""
    start, stop = selection
    if not len(window) or start is None or stop is None:
        return ""
    first, last = start.y // SPAN, min(stop.y // SPAN, len(window) - 1)
    parts: list[str] = []
    for index in range(first, last + 1):
        item = window.peek(index)
        if item is None:
            entry = window.entry(index)
            if first + 1 < index < last - 1 and last - first > KEPT_EXACT:
                parts.append(f"{clean(entry.speaker)}\n{clean(entry.content)}\n\n")
                continue
            item = Item(entry, window.width, window.folds)
        parts += _parts(item, index, selection)
    return "".join(parts)


def _parts(item: Item, index: int, selection: Selection) -> Iterator[str]:
    for number in range(item.height):
        line = item.line(number)
        if item.rest and line is item.tail[0] and selection.get_span(position(index, number)) is not None:
            yield item.rest + "\n"
        span = span_on(line, selection, position(index, number))
        if span is None or line.join is None:
            continue
        low, high = span
        text = "".join(" " * len(part) if look.role == "rule" else part for part, look in line.runs)[low:high]
        yield (text.rstrip() if line.join == "\n" and high == line.stop else text) + (
            line.join if high == line.stop else ""
        )


def word_selection(window: Window, offset: Offset) -> Selection | None:
    """The selection of the word at this offset."""
    item = window.peek(offset.y // SPAN)
    number = offset.y % SPAN
    if item is None or number >= item.height:
        return None
    word = word_at(item.line(number), offset.x)
    return None if word is None else Selection(Offset(word[0], offset.y), Offset(word[1], offset.y))


def message_selection(window: Window, offset: Offset) -> Selection | None:
    """The selection of the whole message at this offset."""
    index = offset.y // SPAN
    item = window.peek(index)
    if item is None:
        return None
    top, bottom = position(index, 0), position(index, item.height - 1)
    return Selection(Offset(0, top), Offset(SPAN, bottom))


def extend_drag(widget: Widget) -> None:
    """While the mouse is held at the edge and the text scrolls under it, the selection goes on to there.

    Textual scrolls by itself, but takes a new end only from a mouse that moves.
    """
    screen = widget.screen
    state = screen._select_state
    if not screen._selecting or state is None or state.end is None or state.start.content_widget is not widget:
        return
    under, offset = screen.get_widget_and_offset_at(*state.screen_offset)
    if under is widget and offset is not None:
        screen._select_state = state.update_end(state.screen_offset, SelectEnd(state.end.container, widget, offset))
