"""One line of typed text that no paste can smuggle a control character into."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input

from localchat.text import clean
from localchat.tui.shell import Shell


def unbroken(text: str) -> str:
    """On one line and without what a terminal would obey; the spaces a person is typing stay as they are."""
    return clean(text).replace("\n", " ").replace("\t", " ")


class Line(Input):
    """An Input without a frame whose value is safe to draw: Textual writes an Input's text to the terminal as it is."""

    def __init__(
        self,
        value: str = "",
        *,
        id: str | None = None,
        placeholder: str = "",
        password: bool = False,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            unbroken(value), id=id, placeholder=placeholder, password=password, classes=classes, compact=True
        )

    def on_mount(self) -> None:
        self.cursor_blink = not (isinstance(self.app, Shell) and self.app.still)

    def validate_value(self, value: str) -> str:
        """Every way in (keys, paste, code) passes here."""
        return unbroken(value)

    def _on_paste(self, event: Paste) -> None:
        """A pasted text of several lines becomes one line; Textual would keep its first and lose the rest."""
        event.prevent_default()
        event.stop()
        self.replace(unbroken(event.text.strip("\r\n")), *self.selection)
