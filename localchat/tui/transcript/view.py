"""The view: painting, scrolling, selecting, and the live reply. What a person can do with it is in widget.py."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from math import ceil
from typing import Literal

from rich.style import Style as RichStyle
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip

from localchat.tui.transcript.code import load_lexers
from localchat.tui.transcript.entries import Entry, Source
from localchat.tui.transcript.feed import Feed
from localchat.tui.transcript.folding import Folding
from localchat.tui.transcript.item import MARGIN, Item
from localchat.tui.transcript.paint import Palette, item_strip, restyled, with_cursor
from localchat.tui.transcript.selecting import SPAN, extend_drag, selected_text, span_on, y_of
from localchat.tui.transcript.window import Row, Window

RIGHT_MARGIN = 1


class TranscriptView(ScrollView, can_focus=True):
    """A chat as one scrolling text, however long: only what is in the window is read and laid out."""

    DEFAULT_CSS = """
    TranscriptView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    virtual_size = Reactive(Size(0, 0), layout=False, repaint=False)  # a line more needs no layout of the screen
    at_end: reactive[bool] = reactive(True)
    """Whether the last line is in the window. If it is, a growing reply is followed."""

    class FollowChanged(Message):
        """The transcript began or ceased to follow its end."""

        def __init__(self, at_end: bool) -> None:
            super().__init__()
            self.at_end = at_end

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._folding = Folding(self, self._colour)
        self._window = Window(self._folding)
        self._feed = Feed(self, self._paint_live)
        self._palette: Palette | None = None
        self._placing = False
        self._painting = False
        self._match: tuple[int, re.Pattern[str]] | None = None  # the key of an entry, and what is marked in it

    # What is shown

    def show(self, source: Source, at: Literal["end"] | int = "end") -> None:
        """Show another chat, at its end or with one of its entries at the top. Costs the same for any length."""
        self._drop_live()
        self._match = None
        self._window.show(source)
        if at != "end":
            self._window.jump(at)
        self._place()

    def refresh_entries(self, start: int = 0) -> None:
        """Entries from ``start`` on changed, came or went. The line under the eye stays where it is."""
        self._flush()
        self._window.refresh(start)
        self._place()

    def _colour(self) -> None:
        for item in self._window.laid_out():
            if item.flow.codes:
                item.refold()
        self._place()

    # Where it is

    def jump_to_end(self) -> None:
        """Go to the end, and follow it from now on."""
        self._unmark()
        self._window.follow = True
        self._place()

    def _unmark(self) -> None:
        if self._match is not None:
            self._match = None
            self._window.clear_strips()

    def jump_to_start(self) -> None:
        self.jump_to(0)

    def jump_to(self, index: int, highlight: str = "") -> None:
        """Put this entry at the top of the window. Where it holds the words to highlight, they are marked and the
        first of them is in the window."""
        window = self._window
        if not len(window):
            return
        window.jump(index)
        words = [re.escape(word) for word in highlight.split()]
        self._match = (window.entry(window.index).key, re.compile("|".join(words), re.IGNORECASE)) if words else None
        if self._match is not None and window.width > 0:
            self._to_first_match(window.item(window.index), self._match[1])
        window.clear_strips()
        self._place()

    def _to_first_match(self, item: Item, words: re.Pattern[str]) -> None:
        while item.rest and words.search(item.entry.content) is not None and not words.search(item.shown_text):
            item.show_more()
        for number in range(item.height):
            if words.search(item.line(number).text) is not None:
                if number > self._window.height * 2 // 3:
                    self._window.jump(self._window.index, number)
                    self._window.move(-(self._window.height // 3))
                return

    # The live reply

    def begin_live(self, entry: Entry) -> None:
        """A reply begins, or goes on under another head. It is the last entry, whether or not the source has it."""
        self._drop_live()
        if self._folding.lexers_missing:
            threading.Thread(target=load_lexers, name="lexers", daemon=True).start()
        self._window.begin_live(Item(replace(entry, live=True), self._window.width or 80, self._folding))
        self._place()

    def append_live(self, text: str, reasoning: str = "") -> None:
        """More of it. What comes is laid out and painted together, at most 12 times a second."""
        self._feed.add(text, reasoning)

    def end_live(self, entry: Entry | None) -> None:
        """The reply is done: its final state, or None to take it away."""
        self._flush()
        live = self._window.live
        if live is None:
            return
        if entry is None:
            self._drop_live()
        else:
            live.conclude(entry)
            self._window.end_live()
        self._place()

    def _drop_live(self) -> None:
        self._flush()
        if self._window.live is not None:
            self._window.live = None
            self._window.refresh(len(self._window.source))

    def _flush(self) -> int | None:
        return self._feed.pour(self._window.live)

    def _paint_live(self) -> None:
        began = time.perf_counter()
        changed = self._flush()
        if changed is not None:
            self._place(changed)
        seen = any(row.item is self._window.live for row in self._window.rows[-1:])
        self._feed.rest(time.perf_counter() - began, seen=seen)

    # Placing

    def _place(self, live_from: int | None = None) -> None:
        """Lay out what is in the window; make scrollbar and offset say where that is.

        ``live_from``: all that changed is the live reply, from this line on. Then only that is painted, unless the
        text has moved.
        """
        window = self._window
        before = window.rows[0] if window.rows else None
        window.settle()
        self._placing = True
        try:
            self.virtual_size = Size(max(0, self.size.width), window.total)
            if round(self.scroll_y) != window.top:
                self.scroll_y = window.top
            self.scroll_target_y = self.scroll_y
        finally:
            self._placing = False
        self._show_scrollbar()
        if window.rows or not len(window):
            window.follow = self.at_end = window.at_end
        if live_from is None or before is None or window.rows[0] != before:
            self.refresh()
            return
        for y, row in enumerate(window.rows):
            if row.item is window.live and row.number >= live_from - 1:  # where the caret was
                self.refresh(Region(0, y, self.size.width, self.size.height - y))
                return

    def _scroll_update(self, virtual_size: Size) -> None:
        """Textual's own bookkeeping after a resize. It may cut the offset, which is not a person scrolling."""
        self._placing = True
        try:
            super()._scroll_update(virtual_size)
        finally:
            self._placing = False

    def _show_scrollbar(self) -> None:
        """Move the scrollbar; painted anew only where one would see it, for it is as dear as the text beside it."""
        size, total = self.container_size.height, self.virtual_size.height
        if self.show_vertical_scrollbar != (total > size):
            self._refresh_scrollbars()
        if not self.show_vertical_scrollbar:
            return
        bar, position = self.vertical_scrollbar, self.scroll_y
        if thumb(size, total, position) != thumb(bar.window_size, bar.window_virtual_size, bar.position):
            bar.window_size, bar.window_virtual_size, bar.position = size, total, position
        else:
            bar.set_reactive(ScrollBar.window_size, size)
            bar.set_reactive(ScrollBar.window_virtual_size, total)
            bar.set_reactive(ScrollBar.position, position)

    def watch_at_end(self, at_end: bool) -> None:
        self.post_message(self.FollowChanged(at_end))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self._placing:
            return
        window = self._window
        lines = round(new_value) - window.top
        if lines and abs(lines) <= 3 * max(1, window.height):
            window.move(lines)
        elif lines and new_value >= self.max_scroll_y:
            window.follow = True
        elif lines:
            window.find(round(new_value))
        else:
            self._show_scrollbar()
            return
        self._place()
        extend_drag(self)

    def _scroll_to(self, x: float | None = None, y: float | None = None, **options: object) -> bool:
        """At once: an animated offset would run against the corrections of the estimates."""
        options["animate"] = False
        return super()._scroll_to(x, y, **options)  # type: ignore[arg-type]

    def on_resize(self) -> None:
        width, height = self.scrollable_content_region.size
        width = max(0, width - MARGIN - RIGHT_MARGIN)
        if width != self._window.width and self.text_selection is not None:
            self.screen.clear_selection()
        self._window.resize(width, height)
        self._place()

    # Painting

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = None
        self._window.clear_strips()

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            app = self.app
            self._palette = Palette(self.visual_style, app.theme_variables, ansi=app.native_ansi_color)
        return self._palette

    def render_lines(self, crop: Region) -> list[Strip]:
        """The painted lines as they are kept: Textual's own way styles every line again for every paint.

        For painting, lines need not tell where they are; a selection's look-up asks ``render_line`` itself.
        """
        self._painting = True
        try:
            if self.styles.gutter or self.styles.tint.a or self.opacity < 1:
                return super().render_lines(crop)
            strips = [self.render_line(y) for y in crop.line_range]
        finally:
            self._painting = False
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        palette, rows = self.palette, self._window.rows
        width = self.size.width
        if not 0 <= y < len(rows):
            strip = Strip.blank(width, palette.blank)
            return strip if self._painting or not rows else strip.apply_offsets(0, y_of(rows[-1]) + 1)
        row = rows[y]
        entry = row.item.entry
        words = self._match[1] if self._match is not None and self._match[0] == entry.key else None
        strip = item_strip(row.item, row.number, palette, width, words)
        if self.has_focus and row.number < row.item.height - 1 and entry.key == self.marked_key:
            strip = with_cursor(strip, palette)
        if (selection := self.text_selection) is not None:
            strip = self._selected(strip, row, selection)
        return strip if self._painting else strip.apply_offsets(0, y_of(row))

    def _selected(self, strip: Strip, row: Row, selection: Selection) -> Strip:
        span = span_on(row.item.line(row.number), selection, y_of(row))
        if span is None:
            return strip
        style: RichStyle = self.screen.get_component_rich_style("screen--selection")
        return restyled(strip, span[0] + MARGIN, span[1] + MARGIN, style)

    @property
    def marked_key(self) -> int | None:
        """The key of the entry that is marked while the transcript has the focus."""
        return None

    # Selecting

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        rows = self._window.rows
        if not rows:
            return None
        start, stop = selection  # an end outside of the transcript is where the window ends
        start = start if start is not None else Offset(0, y_of(rows[0]))
        stop = stop if stop is not None else Offset(SPAN, y_of(rows[-1]))
        return selected_text(self._window, Selection(start, stop)).rstrip("\n"), "\n"


def thumb(size: int, total: int, position: float) -> tuple[int, int]:
    """Where Textual's scrollbar draws its thumb, in eighths of a cell."""
    if total <= size or size <= 0:
        return 0, 0
    length = max(1.0, size * size / total)
    start = int((size - length) * position / (total - size) * 8)
    return start, start + ceil(length * 8)
