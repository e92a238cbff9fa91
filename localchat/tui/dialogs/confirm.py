"""A question that is answered with yes or no."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button

from localchat.text import one_line
from localchat.tui.dialogs.dialog import Dialog, Words


class ConfirmDialog(Dialog[bool]):
    """True where the person agreed; False where not, and on escape.

    ``yes`` and ``no`` are the buttons' words: verbs, not "OK". ``careful``: the cursor begins on ``no``.
    """

    CSS_PATH = ["dialog.tcss", "confirm.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Yes", id="confirm.yes", tooltip="Do it"),
        Binding("n", "close", "No", id="confirm.no", tooltip="Leave everything as it is"),
        Binding("left", "app.focus_previous", "Left", show=False, id="confirm.left", tooltip="The other button"),
        Binding("right", "app.focus_next", "Right", show=False, id="confirm.right", tooltip="The other button"),
    ]

    def __init__(self, title: str, text: str, *, yes: str = "Yes", no: str = "Cancel", careful: bool = False) -> None:
        super().__init__(title)
        self._text = text
        self._yes = yes
        self._no = no
        self._careful = careful

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="text"):
            yield Words(self._text)
        with Horizontal(classes="buttons"):
            yield Button(Content(one_line(self._no, 30)), id="no", compact=True)
            yield Button(
                Content(one_line(self._yes, 30)),
                id="yes",
                compact=True,
                variant="warning" if self._careful else "primary",
            )

    def on_mount(self) -> None:
        self.query_one("#no" if self._careful else "#yes").focus()

    @on(Button.Pressed, "#yes")
    def action_agree(self) -> None:
        if self.may_agree():
            self.dismiss(True)

    def may_agree(self) -> bool:
        """Whether what stands there now is what the person could read."""
        return True

    @on(Button.Pressed, "#no")
    def action_close(self) -> None:
        self.dismiss(False)
