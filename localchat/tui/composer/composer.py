"""Where the person writes: several lines, a history of what was sent, and a draft that is never lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from localchat.attachments.reading import IMAGE_ENDINGS, pasted_images, tokens
from localchat.text import clean
from localchat.tui.tasks import apart
from localchat.tui.text_box import TextBox

LONG_PASTE = 2_000  # characters; what is longer is folded
LONG_PASTE_LINES = 20
PLACEHOLDER = "Write a message. enter sends, ctrl+j starts a new line"


class Composer(TextBox):
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
        Binding(
            "ctrl+c,super+c",
            "copy_or_clear",
            "Clear",
            id="composer.clear",
            key_display="^c",
            tooltip="Copy what is selected, else clear what is written; ctrl+z brings it back",
            show=False,
        ),
        Binding("f6", "edit_outside", "Editor", id="composer.editor", tooltip="Write in your own editor", show=False),
        Binding(
            "f7",
            "unfold",
            "Unfold",
            id="composer.unfold",
            tooltip="Put the last long paste into the text",
            show=False,
        ),
    ]

    class Submitted(Message):
        """Enter was pressed. ``text`` may be empty."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class EditOutside(Message):
        """The text is to be written in the person's own editor."""

    class Unfold(Message):
        """What was pasted is to stand in the text."""

    class BackedUp(Message):
        """Backspace was pressed where there is nothing before it."""

    class Folded(Message):
        """A long text was pasted; it is not in the text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Dropped(Message):
        """The paths of image files were pasted, as a terminal does with what is dropped on it; not in the text."""

        def __init__(self, paths: list[str]) -> None:
            super().__init__()
            self.paths = paths

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
        self.keys_first: Callable[[str], bool] | None = None  # who may take a key before the text does
        self.take_submitted: Callable[[str], object] | None = None  # who sends; else ``Submitted`` is posted
        self.pasted_paths: set[str] = set()  # of ``@path`` in short pastes: others wrote them, they attach nothing

    async def _on_key(self, event: events.Key) -> None:
        # Here and not as priority bindings: those run before the keys typed just before have reached the text.
        if self.keys_first is not None and self.keys_first(event.key):
            event.stop()
            event.prevent_default()
        elif event.key == "backspace" and self.selection == ((0, 0), (0, 0)):
            event.stop()
            self.post_message(self.BackedUp())
        elif event.key == "enter":
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
        """At once, where somebody takes it: the next key in the queue may open another chat."""
        if self.take_submitted is not None:
            self.take_submitted(self.text)
        else:
            self.post_message(self.Submitted(self.text))

    def action_copy_or_clear(self) -> None:
        """A selection is copied, here or in the transcript; else the words go, in a step of their own for an undo."""
        if self.selected_text:
            self.action_copy()
        elif self.screen.get_selected_text() or not self.text:
            raise SkipAction
        else:
            self.history.checkpoint()
            self.replace("", (0, 0), self.document.end, maintain_selection_offset=False)
            self.history.checkpoint()

    def action_edit_outside(self) -> None:
        self.post_message(self.EditOutside())

    def action_unfold(self) -> None:
        self.post_message(self.Unfold())

    def action_new_line(self) -> None:
        self.insert("\n")

    @property
    def looks_back(self) -> bool:
        """Whether an older message stands here, in front of what is being written."""
        return self._position >= 0

    @property
    def _as_sent(self) -> bool:
        return self.looks_back and self.text == self._history[self._position]

    @property
    def written(self) -> str:
        """What the person wrote and did not send: an older message that is only looked at is no part of it."""
        if not self.looks_back:
            return self.text
        return "\n".join(filter(None, ("" if self._as_sent else self.text, self._unsent)))

    def keep_older(self) -> None:
        """The older message that stands here is to be sent: what was being written stands behind it from now on."""
        if self.looks_back:
            text = "\n".join(filter(None, (self.text, self._unsent)))
            self._position = -1
            self.load_text(text)

    def set_text(self, text: str) -> None:
        """Put a text in, cursor at its end, outside of the history."""
        self._position = -1
        self.pasted_paths.clear()
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
        if select or not self._as_sent or self.cursor_location[0] < last:
            super().action_cursor_down(select)
        else:
            self._go_to(self._position - 1)

    def _go_back(self) -> bool:
        if not self.looks_back:
            self._history = self._read_history()
            self._unsent = self.text
        elif not self._as_sent:
            return False  # it was changed: words of one's own by now
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
        event.prevent_default()
        event.stop()
        text = clean(event.text)
        if len(text) > LONG_PASTE or text.count("\n") >= LONG_PASTE_LINES:
            self.post_message(self.Folded(text))
        elif images := await self._images_in(text):
            self.post_message(self.Dropped(images))
        else:
            found = {token.path for token in tokens(text)}
            if not (len(found) == 1 and text.strip() in {f"@{path}" for path in found}):
                self.pasted_paths |= found
            await super()._on_paste(event)

    @staticmethod
    async def _images_in(text: str) -> list[str]:
        if not any(ending in text.lower() for ending in IMAGE_ENDINGS):
            return []
        try:
            return await apart(lambda: pasted_images(text), 1.0)
        except TimeoutError:
            return []

    @property
    def before_cursor(self) -> str:
        """The part of the line that stands before the cursor."""
        row, column = self.cursor_location
        return str(self.document[row])[:column]
