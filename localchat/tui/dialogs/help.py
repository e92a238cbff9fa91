"""Every key of the place the person is in, and a few words on what the marks mean."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from localchat.tui.dialogs.dismiss_once import LeftOnce

WIDTH = 84  # columns of the frame, as in the sheet
FRAME = 7  # of these, what padding, frame and scroll bar take
MARKS = (
    ("★", "the default model: new chats use it, and it stands in for a removed one"),
    ("⊘", "hangs on a model that was removed; it stays readable"),
    ("─ … ─", "a line in the transcript where localchat tells what it did; never sent to a model"),
)


class HelpScreen(LeftOnce[None]):
    """``keys``: what each key does, in the order of the place it belongs to."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Close", id="help.close", tooltip="Back to where you were", key_display="esc")
    ]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text(self.app.size.width), id="words")

    def on_resize(self, event: Resize) -> None:
        self.query_one("#words", Static).update(self._text(event.size.width))

    def _text(self, window: int) -> Content:
        """What does not fit beside its key goes on below itself, not below the key."""
        width = min(WIDTH, window * 96 // 100) - FRAME
        column = max((cell_len(key) for key, _ in self._keys), default=0) + 4
        parts: list[str | tuple[str, str]] = []
        for heading, rows in (("Keys here", self._keys), ("Marks", MARKS)):
            parts.append((f"{heading}\n\n", "bold"))
            for name, what in rows:
                lines = wrap(what, max(width - column, 12)) or [""]
                parts += [(f"  {name}{' ' * (column - 2 - cell_len(name))}", "$accent"), lines[0], "\n"]
                parts += [f"{' ' * column}{line}\n" for line in lines[1:]]
            parts.append("\n")
        parts.append(("esc closes this", "dim"))
        return Content.assemble(*parts)
