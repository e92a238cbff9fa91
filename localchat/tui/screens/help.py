"""Every key of the place the person is in, and a few words on what the marks mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

MARKS = (
    ("★", "the default model: new chats use it, and it stands in for a removed one"),
    ("⊘", "hangs on a model that was removed; it stays readable"),
    ("─ … ─", "a line in the transcript where localchat tells what it did; never sent to a model"),
)


class HelpScreen(ModalScreen[None]):
    """``keys``: what each key does, in the order of the place it belongs to."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", id="help.close", tooltip="Back to where you were", key_display="esc")
    ]

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text(), id="words")

    def _text(self) -> Content:
        width = max((len(key) for key, _ in self._keys), default=0) + 2
        parts: list[str | tuple[str, str]] = [("Keys here\n\n", "bold")]
        for key, what in self._keys:
            parts += [(f"  {key.ljust(width)}", "$accent"), f"{what}\n"]
        parts.append(("\nMarks\n\n", "bold"))
        for mark, what in MARKS:
            parts += [(f"  {mark.ljust(width)}", "$accent"), f"{what}\n"]
        parts.append(("\nesc closes this", "dim"))
        return Content.assemble(*parts)
