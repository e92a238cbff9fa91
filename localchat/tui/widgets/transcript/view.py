"""The transcript as a widget: painting, scrolling, the live reply, keys and clicks."""

from __future__ import annotations

import time
from typing import ClassVar, Literal

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive, reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from localchat.tui.widgets.transcript.entries import Entry, Source
from localchat.tui.widgets.transcript.item import MARGIN, Item
from localchat.tui.widgets.transcript.paint import META, Palette
from localchat.tui.widgets.transcript.window import Window

PAINTS_PER_SECOND = 15
RIGHT_MARGIN = 1


class Transcript(ScrollView, can_focus=True):
    """A chat as one scrolling text, however long: only what is in the window is read and laid out."""

    DEFAULT_CSS = """
    Transcript {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "jump_to_start", "First message", show=False, id="transcript.start"),
        Binding("end", "jump_to_end", "Last message", show=False, id="transcript.end"),
        Binding("t", "toggle_thought", "Thought", show=False, id="transcript.thought"),
    ]

    virtual_size = Reactive(Size(0, 0), layout=False)  # a line more needs no layout of the screen
    at_end: reactive[bool] = reactive(True)

    class FollowChanged(Message):
        """The transcript began or ceased to follow its end."""

        def __init__(self, transcript: Transcript, at_end: bool) -> None:
            super().__init__()
            self.transcript = transcript
            self.at_end = at_end

        @property
        def control(self) -> Transcript:
            return self.transcript

    class LinkClicked(Message):
        """A link of http, https or mailto was clicked."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class CopyRequested(Message):
        """This text is to go to the clipboard. ``what`` names it for people."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._open_thoughts: set[int] = set()
        self._window = Window(self)
        self._palette: Palette | None = None
        self._placing = False
        self._pending: list[tuple[str, str]] = []
        self._tick: Timer | None = None
        self._next_paint = 0.0

    # What is shown

    def show(self, source: Source, at: Literal["end"] | int = "end") -> None:
        """Show another chat, at its end or at one of its entries. Costs the same for any length."""
        self._stop_live()
        self._window.show(source)
        if at != "end":
            self._window.jump(at)
        self._place()

    def refresh_entries(self, start: int = 0) -> None:
        """Entries from ``start`` on changed, came or went. The line under the eye stays where it is."""
        self._flush()
        self._window.refresh(start)
        if self._window.live is not None and not self._window.live.entry.live:
            self._window.end_live()
        self._place()

    def jump_to_end(self) -> None:
        self._window.follow = True
        self._place()

    def jump_to_start(self) -> None:
        self.jump_to(0)

    def jump_to(self, index: int, highlight: str = "") -> None:
        """Put this entry at the top of the window."""
        if len(self._window):
            self._window.jump(index)
            self._place()

    # The live reply

    def begin_live(self, entry: Entry) -> None:
        """A reply begins. It is the last entry, whether or not the source has it already."""
        self._stop_live()
        self._window.begin_live(Item(entry, max(1, self._window.width), self))
        self._place()

    def append_live(self, text: str, reasoning: str = "") -> None:
        """More of it. Cheap: what came is laid out and painted together, at most 15 times a second."""
        self._pending.append((text, reasoning))
        if self._tick is None:
            self._tick = self.set_timer(max(0.001, self._next_paint - time.monotonic()), self._paint_live)

    def end_live(self, entry: Entry | None) -> None:
        """The reply is done: its final state, or None to take it away."""
        self._flush()
        live = self._window.live
        if live is None:
            return
        if entry is None:
            self._window.live = None
            self._window.refresh(len(self._window.source))
        else:
            live.conclude(entry)
            self._window.end_live()
        self._place()

    def _stop_live(self) -> None:
        self._flush()
        if self._window.live is not None:
            self._window.live = None
            self._window.refresh(len(self._window.source))

    def _flush(self) -> None:
        if self._tick is not None:
            self._tick.stop()
            self._tick = None
        live, pending = self._window.live, self._pending
        if pending:
            self._pending = []
            if live is not None:
                live.append("".join(text for text, _ in pending), "".join(thought for _, thought in pending))

    def _paint_live(self) -> None:
        started = time.monotonic()
        self._flush()
        self._place()
        spent = time.monotonic() - started
        self._next_paint = time.monotonic() + max(1 / PAINTS_PER_SECOND, 8 * spent)

    # Folding

    def thought_open(self, key: int) -> bool:
        return key in self._open_thoughts

    def toggle_thought(self, key: int) -> None:
        self._open_thoughts ^= {key}
        for index in {row.place for row in self._window.rows if row.item.entry.key == key}:
            self._window.changed(index)
        self._window.follow = False
        self._place()

    # Place and size

    def _place(self) -> None:
        """Lay out what is in the window; make scrollbar and offset say where that is."""
        window = self._window
        window.settle()
        self._placing = True
        try:
            size = Size(max(0, self.size.width), window.total)
            if size != self.virtual_size:
                self.virtual_size = size
                self._scroll_update(size)
            top = window.top
            if round(self.scroll_y) != top:
                self.scroll_y = top
            self.scroll_target_y = self.scroll_y
        finally:
            self._placing = False
        if window.height > 0:
            window.follow = self.at_end = window.at_end
        self.refresh()

    def watch_at_end(self, at_end: bool) -> None:
        self.post_message(self.FollowChanged(self, at_end))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if self._placing:
            return
        window = self._window
        lines = round(new_value) - window.top
        if not lines:
            return
        if abs(lines) <= 3 * max(1, window.height):
            window.move(lines)
        elif new_value >= self.max_scroll_y:
            window.follow = True
        else:
            window.find(round(new_value))
        self._place()

    def _scroll_to(self, x: float | None = None, y: float | None = None, **options: object) -> bool:
        """At once: an animated offset would run against the corrections of the estimates."""
        options["animate"] = False
        return super()._scroll_to(x, y, **options)  # type: ignore[arg-type]

    def on_resize(self) -> None:
        width, height = self.scrollable_content_region.size
        self._window.resize(max(0, width - MARGIN - RIGHT_MARGIN), height)
        self._place()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = None
        self._window.clear_strips()

    # Painting

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            theme = self.app.current_theme
            self._palette = Palette(self.visual_style, self.app.theme_variables, bool(getattr(theme, "ansi", False)))
        return self._palette

    def render_line(self, y: int) -> Strip:
        palette = self.palette
        width = self.size.width
        if not 0 <= y < len(self._window.rows):
            return Strip.blank(width, palette.blank)
        row = self._window.rows[y]
        strip = row.item.strips.get(row.number)
        if strip is None:
            line = palette.strip(row.item.line(row.number))
            margin = Segment(" " * MARGIN, palette.blank)
            strip = Strip([margin, *line], MARGIN + line.cell_length).adjust_cell_length(width, palette.blank)
            row.item.strips[row.number] = strip
        return strip

    # Keys and clicks

    def action_jump_to_start(self) -> None:
        self.jump_to_start()

    def action_jump_to_end(self) -> None:
        self.jump_to_end()

    def action_toggle_thought(self) -> None:
        if self._window.rows:
            self.toggle_thought(self._window.rows[0].item.entry.key)

    def on_click(self, event: events.Click) -> None:
        action = event.style.meta.get(META)
        if action is None:
            return
        what, which = action
        if what == "thought":
            self.toggle_thought(which)

