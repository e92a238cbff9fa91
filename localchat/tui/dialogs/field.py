"""One field of a form: its name at the left, what is typed at the right, what is wrong with it below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from localchat.text import clean


class Field(Vertical):
    """``id`` is that of the field; the widget inside has its own."""

    DEFAULT_CSS = """
    Field {
        height: auto;
        & > Horizontal {
            height: auto;
            & > .name { width: 16; height: 1; color: $foreground-muted; }
        }
        & > .note { margin: 0 0 0 16; color: $foreground-muted; }
        & > .note.-wrong { color: $text-error; }
    }
    """

    def __init__(self, name: str, inside: Widget, *, id: str | None = None, note: str = "") -> None:
        super().__init__(id=id)
        self._name_words = name
        self._inside = inside
        self._note = note

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static(Content(self._name_words), classes="name", markup=False)
            yield self._inside
        yield Static(classes="note", markup=False)

    def on_mount(self) -> None:
        self.note(self._note)

    def note(self, text: str, *, wrong: bool = False) -> None:
        """A word below the field; an error where ``wrong``, with a mark that is read without colours."""
        words = self.query_one(".note", Static)
        words.update(Content(f"✗ {clean(text)}" if wrong and text else clean(text)))
        words.set_class(wrong, "-wrong")
        words.display = bool(text)
