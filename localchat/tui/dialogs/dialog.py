"""What all dialogs share: one frame in the middle, escape closes, the keys below."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import getters
from textual._path import CSSPathType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from localchat.errors import LocalChatError
from localchat.text import clean, one_line
from localchat.tui.dialogs.dismiss_once import LeftOnce
from localchat.tui.footer import KeyBar
from localchat.tui.remedies import advice, place_of
from localchat.tui.shell import Shell

T = TypeVar("T")
UNREAD = 0.4  # seconds in which nobody reads what has just changed, and a key was pressed for what stood there before


class Dialog(LeftOnce[T]):
    """A dialog says what it is about in its frame. Whatever is inside stands without a frame of its own."""

    CSS_PATH: ClassVar[CSSPathType | None] = "dialog.tcss"
    TITLE_LIMIT: ClassVar[int] = 60  # characters
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog.close", tooltip="Close this and change nothing"),
    ]
    app = getters.app(Shell)

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.heading = heading
        self.unread = False  # what stands here has just changed: a key confirms nothing yet

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield from self.body()
        yield KeyBar(show_command_palette=False)

    def body(self) -> ComposeResult:
        """What stands inside the frame."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.retitle(self.heading)

    def retitle(self, heading: str) -> None:
        self.heading = heading
        self.query_one("#dialog").border_title = Content(one_line(heading, self.TITLE_LIMIT))

    def changed_meanwhile(self) -> None:
        """What is asked is another thing now. To be called where it is drawn; ``unread`` holds until a person can have
        read it."""
        self.unread = True
        self.call_after_refresh(self._is_drawn)

    def _is_drawn(self) -> None:
        if self.app.still:  # tests read at once
            self.unread = False
        else:
            self.set_timer(UNREAD, self._is_read)

    def _is_read(self) -> None:
        self.unread = False

    def action_close(self) -> None:
        self.dismiss(None)


class Words(Static):
    """Text as it is, never markup; hidden while there is none."""

    def __init__(self, text: str | Content = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(self._content(text), id=id, classes=classes, markup=False)
        self.display = bool(text)

    @staticmethod
    def _content(text: str | Content) -> Content:
        return text if isinstance(text, Content) else Content(clean(text))

    def say(self, text: str | Content) -> None:
        self.display = bool(text)
        self.update(self._content(text))


class Trouble(Words):
    """An error beside what was typed: what was wrong, then what to do."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="trouble")

    def report(self, error: LocalChatError) -> None:
        todo = clean(advice(error, place_of(self.screen)))
        self.say(Content.assemble(("✗ ", "bold"), clean(error.message), " " if todo else "", todo))

    def clear(self) -> None:
        self.say("")
