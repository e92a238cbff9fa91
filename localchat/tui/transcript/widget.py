"""The transcript as a person uses it: keys, clicks, copying, folding, links."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.selection import Selection

from localchat.text import clean
from localchat.tui.transcript.code import FOLDABLE
from localchat.tui.transcript.inline import openable
from localchat.tui.transcript.item import Item
from localchat.tui.transcript.paint import META
from localchat.tui.transcript.selecting import message_selection, word_selection
from localchat.tui.transcript.view import TranscriptView

MORE_EVERY = 0.03  # seconds between two parts of a very long message


class Transcript(TranscriptView):
    """A chat of any length. It asks for nothing: what is to be copied or opened it posts as messages.

    A click marks a message and leaves the focus where it is: letters are commands here, and whoever clicks to select or
    to copy goes on writing.
    """

    FOCUS_ON_CLICK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "jump_to_start", "First", show=False, id="transcript.start", tooltip="First message"),
        Binding("end", "jump_to_end", "Last", show=False, id="transcript.end", tooltip="The end, and follow it"),
        Binding(
            "k", "previous_message", "Previous", show=False, id="transcript.previous",
            tooltip="Mark the message before",
        ),
        Binding("j", "next_message", "Next", show=False, id="transcript.next", tooltip="Mark the next one"),
        Binding(
            "c", "copy_message", "Copy", id="transcript.copy", tooltip="Copy the marked message as Markdown"
        ),
        Binding(
            "b", "copy_code", "Copy code", id="transcript.copy_code",
            tooltip="Copy a code block of the marked message; again for the next one",
        ),
        Binding(
            "t", "toggle_thought", "Thought", id="transcript.thought", tooltip="Show or hide what the model thought"
        ),
        Binding(
            "z", "toggle_code", "Fold code", show=False, id="transcript.fold",
            tooltip="Fold or unfold the long code blocks of the marked message",
        ),
        Binding(
            "o", "open_link", "Open link", show=False, id="transcript.link",
            tooltip="Open a link of the marked message; again for the next one",
        ),
    ]  # fmt: skip

    class LinkClicked(Message):
        """A link is to be opened. Its scheme is http, https or mailto."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class CopyRequested(Message):
        """This text is to go to the clipboard. ``what`` names it for people: ``the message``, ``code block 2 of 3``."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._cursor: int | None = None  # the key of the marked entry
        self._cycle = ("", 0, 0)  # what was done last, on which entry, with which of its parts

    # The marked message

    @property
    def selected_message(self) -> int | None:
        """The key of the message that keys act on: the marked one while it is in sight, else the last at the end, else
        the first in sight."""
        item = self._marked_item()
        return item.entry.key if item is not None else None

    @property
    def marked_key(self) -> int | None:
        return self.selected_message

    def _marked_item(self) -> Item | None:
        rows = self._window.rows
        if not rows:
            return None
        for row in rows:
            if row.item.entry.key == self._cursor:
                return row.item
        if self.at_end:
            return rows[-1].item
        return next((row.item for row in rows if row.number == 0), rows[0].item)

    def _mark(self, step: int) -> None:
        """Mark the message before or after, and bring it into sight."""
        marked = self._marked_item()
        place = next((row.place for row in self._window.rows if row.item is marked), None)
        if place is None:
            return
        place = max(0, min(place + step, len(self._window) - 1))
        self._cursor = self._window.entry(place).key
        shown = [row.number for row in self._window.rows if row.place == place]
        if not shown or shown[0] > 0 or len(shown) < min(self._window.item(place).height, self._window.height):
            self._window.jump(place)
        self._place()

    def action_previous_message(self) -> None:
        self._mark(-1)

    def action_next_message(self) -> None:
        self._mark(1)

    def action_jump_to_start(self) -> None:
        self.jump_to_start()

    def action_jump_to_end(self) -> None:
        self.jump_to_end()

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self.refresh()

    def jump_to(self, index: int, highlight: str = "") -> None:
        """Go to a message and mark it: the keys act on what one was led to."""
        super().jump_to(index, highlight)
        if len(self._window):
            self._cursor = self._window.entry(max(0, min(index, len(self._window) - 1))).key
            self.refresh()

    # Copying

    def code_blocks(self, key: int) -> list[str]:
        """The source of each code block of a message in sight or near it, in order; control characters left out."""
        item = self._item(key)
        return list(item.whole().codes) if item is not None else []

    def _item(self, key: int) -> Item | None:
        return next((item for item in self._window.laid_out() if item.entry.key == key), None)

    def _next_of(self, what: str, key: int, count: int) -> int:
        """The number of the part to act on: the first, then one further each time."""
        last, on, number = self._cycle
        number = (number + 1) % count if (last, on) == (what, key) else 0
        self._cycle = (what, key, number)
        return number

    def action_copy_message(self) -> None:
        if (item := self._marked_item()) is not None:
            self.post_message(self.CopyRequested(clean(item.entry.content), "the message"))

    def action_copy_code(self) -> None:
        item = self._marked_item()
        codes = self.code_blocks(item.entry.key) if item is not None else []
        if item is not None and codes:
            self._copy_code(codes, self._next_of("code", item.entry.key, len(codes)))

    def _copy_code(self, codes: list[str], number: int) -> None:
        which = f"code block {number + 1} of {len(codes)}" if len(codes) > 1 else "the code block"
        self.post_message(self.CopyRequested(codes[number], which))

    # Folding

    def toggle_thought(self, key: int) -> None:
        """Show or hide what the model thought before this message."""
        self._folding.open_thoughts ^= {key}
        self._refold(key)

    def toggle_code(self, key: int, number: int) -> None:
        """Fold or unfold one code block of this message."""
        self._folding.folded_codes ^= {(key, number)}
        self._refold(key)

    def _refold(self, key: int) -> None:
        item = self._item(key)
        if item is None:
            return
        height = item.height
        item.refold()
        window = self._window
        if window.rows and window.rows[0].item is item and window.line > len(item.head):
            window.line = max(0, window.line + item.height - height)
        window.follow = False
        self._place()

    def action_toggle_thought(self) -> None:
        item = self._marked_item()
        if item is not None and item.entry.reasoning.strip():
            self.toggle_thought(item.entry.key)

    def action_toggle_code(self) -> None:
        item = self._marked_item()
        if item is None:
            return
        key = item.entry.key
        long = {(key, number) for number, code in enumerate(item.flow.codes) if code.count("\n") > FOLDABLE}
        if long:
            folded = self._folding.folded_codes
            self._folding.folded_codes = folded - long if long & folded else folded | long
            self._refold(key)

    def _show_more(self, key: int) -> None:
        """Lay out a long message part by part, so that no part holds up the keys."""
        item = self._item(key)
        if item is not None and item.rest:
            more = item.show_more()
            self._window.follow = False
            self._place()
            if more:
                self.set_timer(MORE_EVERY, lambda: self._show_more(key))

    # Links

    def action_open_link(self) -> None:
        item = self._marked_item()
        links = item.links() if item is not None else []
        if item is not None and links:
            self.post_message(self.LinkClicked(links[self._next_of("link", item.entry.key, len(links))]))

    # The mouse

    def on_click(self, event: events.Click) -> None:
        if event.chain > 1:
            self._select_around(event)
            event.prevent_default()  # Textual's own would select the whole transcript
            return
        key = self._key_at(event)
        if key is not None:
            self._cursor = key
        action = event.style.meta.get(META)
        if action is None or key is None or self.text_selection is not None:
            return
        what, which = action
        if what == "thought":
            self.toggle_thought(key)
        elif what == "fold":
            self.toggle_code(key, which)
        elif what == "more":
            self._show_more(key)
        elif what == "copy" and (item := self._item(key)) is not None:
            self._copy_code(list(item.flow.codes), which)
        elif what == "link" and openable(which):
            self.post_message(self.LinkClicked(which))

    def _key_at(self, event: events.MouseEvent) -> int | None:
        place = event.y - self.gutter.top
        rows = self._window.rows
        return rows[place].item.entry.key if 0 <= place < len(rows) else None

    def _select_around(self, event: events.Click) -> None:
        offset = self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)[1]
        if offset is None:
            return
        find = word_selection if event.chain == 2 else message_selection
        selection: Selection | None = find(self._window, offset)
        if selection is not None:
            self.screen.selections = {self: selection}

    def on_leave(self) -> None:
        self.styles.pointer = "default"
        self.tooltip = None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        action = event.style.meta.get(META)
        if (self.styles.pointer == "pointer") != (action is not None):
            self.styles.pointer = "pointer" if action is not None else "default"
        tip = action[1] if action is not None and action[0] == "link" else None
        if (str(self.tooltip) if self.tooltip is not None else None) != tip:
            self.tooltip = Content(tip) if tip is not None else None
