"""Two edit the same field: what stands there by now and what was typed, side by side, and which of them to keep."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button

from localchat.text import one_line
from localchat.tui.dialogs.dialog import Dialog, Words

Kept = Literal["mine", "theirs"]


class WhichDialog(Dialog[Kept | None]):
    """Whose value of one field is kept; None goes back to the form, where nothing was saved."""

    CSS_PATH = ["../dialogs/dialog.tcss", "meanwhile.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "keep('theirs')", "Take theirs", id="meanwhile.theirs", tooltip="Keep what was saved elsewhere"),
        Binding("m", "keep('mine')", "Save mine", id="meanwhile.mine", tooltip="Save what you typed over it"),
        Binding("left", "app.focus_previous", "Left", show=False),
        Binding("right", "app.focus_next", "Right", show=False),
    ]

    def __init__(self, what: str, field: str, theirs: str, mine: str) -> None:
        super().__init__("Changed meanwhile")
        self._what = what
        self._field = field
        self._theirs = theirs
        self._mine = mine

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="text"):
            yield Words(f"{self._field} of {one_line(self._what, 60)} was changed elsewhere while you edited it.")
            yield Words(f"  there now  {one_line(self._theirs, 200) or '(empty)'}")
            yield Words(f"  yours      {one_line(self._mine, 200) or '(empty)'}")
        with Horizontal(classes="buttons"):
            yield Button(Content("Back to the form"), id="back", compact=True)
            yield Button(Content("Take theirs"), id="theirs", compact=True)
            yield Button(Content("Save mine"), id="mine", compact=True)

    def on_mount(self) -> None:
        self.query_one("#back").focus()

    @on(Button.Pressed, "#theirs")
    def _theirs_pressed(self) -> None:
        self.dismiss("theirs")

    @on(Button.Pressed, "#mine")
    def _mine_pressed(self) -> None:
        self.dismiss("mine")

    def action_keep(self, whose: Kept) -> None:
        self.dismiss(whose)

    @on(Button.Pressed, "#back")
    def action_close(self) -> None:
        self.dismiss(None)
