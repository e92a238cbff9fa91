"""Where the person writes: several lines, a history of what was sent, and a draft that is never lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from localchat.text import clean

PLACEHOLDER = "Write a message. enter sends, ctrl+j starts a new line"


class Composer(TextArea):
    """A text area in which enter sends. Posts ``Submitted``; clears nothing by itself, so that no text is lost."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Send", id="composer.send", tooltip="Send what is written", show=False),
        Binding(
            "ctrl+j,shift+enter,alt+enter",
            "new_line",
            "New line",
            id="composer.newline",
            key_display="^j",
            tooltip="Start a new line",
            show=False,
        ),
    ]

    class Submitted(Message):
        """Enter was pressed. ``text`` may be empty."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Turned(Message):
        """Page up (-1) or down (1) was pressed."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self, history: Callable[[], Sequence[str]], *, id: str | None = None) -> None:
        """``history`` reads what was sent before, newest first; it is asked when the person goes back."""
        super().__init__(
            id=id,
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            compact=True,
            placeholder=Content(PLACEHOLDER),
        )
        self._read_history = history
        self._history: Sequence[str] = ()
        self._position = -1  # in the history; -1 is what is being written
        self._unsent = ""

    async def _on_key(self, event: events.Key) -> None:
        # Here and not as priority bindings: those run before the keys typed just before have reached the text.
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_submit()
        elif event.key in ("ctrl+j", "shift+enter", "alt+enter"):
            event.stop()
            event.prevent_default()
            self.action_new_line()
        else:
            await super()._on_key(event)

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self.text))

    def action_new_line(self) -> None:
        self.insert("\n")

    def set_text(self, text: str) -> None:
        """Put a text in, cursor at its end, outside of the history."""
        self._position = -1
        if text != self.text:
            self.load_text(text)
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        """Up, and from the first line back through what was sent."""
        if select or self.cursor_location[0] > 0 or not self._go_back():
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """Down, and from the last line forward again to what was being written."""
        last = self.document.line_count - 1
        if select or self._position < 0 or self.cursor_location[0] < last:
            super().action_cursor_down(select)
        else:
            self._go_to(self._position - 1)

    def _go_back(self) -> bool:
        if self._position < 0:
            self._history = self._read_history()
            self._unsent = self.text
        if self._position + 1 >= len(self._history):
            return False
        self._go_to(self._position + 1)
        return True

    def _go_to(self, position: int) -> None:
        self._position = position
        self.load_text(self._unsent if position < 0 else self._history[position])
        self.move_cursor(self.document.end)

    def action_cursor_page_up(self) -> None:
        """Pages turn in the transcript: a message being written has few lines."""
        self.post_message(self.Turned(-1))

    def action_cursor_page_down(self) -> None:
        self.post_message(self.Turned(1))

    async def _on_paste(self, event: events.Paste) -> None:
        # A paste may carry anything; what a terminal would obey must not reach the screen, nor a model.
        event.text = clean(event.text)
        await super()._on_paste(event)
