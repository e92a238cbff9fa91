"""Two edit the same thing: a form that follows and merges; and for one field, which of two values to keep."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import ClassVar, Literal, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button

from localchat.errors import Changed
from localchat.text import one_line
from localchat.tui.dialogs.dialog import Dialog, Words
from localchat.tui.dialogs.form import Form
from localchat.tui.dialogs.safe_input import Line

T = TypeVar("T")
Kept = Literal["mine", "theirs"]


def changed_words(labels: Mapping[str, str], changed: Mapping[str, object], edited: Container[str]) -> str:
    """What was changed elsewhere: of what the person edited too, the value that stands there now, a line each; the rest
    stands in the form, and is only named. ``labels``: a field's name, to begin a sentence."""
    lines = []
    for name, now in changed.items():
        if name in edited:
            value = one_line(str(now), 40) if now not in (None, "") else "empty"
            lines.append(f"{labels[name]} was changed elsewhere: {value}. Saving asks whose is kept.")
    if rest := [labels[name] for name in changed if name not in edited]:
        lines.append(f"Changed elsewhere meanwhile: {', '.join(rest)}.")
    return "\n".join(lines)


class MergingForm(Form[T]):
    """A form of something that others may edit while it is open. What the person has not touched follows, and the form
    says so; what both changed is said too, and asked about when it is saved. Fields go by the ids of their widgets."""

    labels: ClassVar[Mapping[str, str]] = {}

    def begin(self, stored: Mapping[str, object]) -> None:
        """``stored``: what the fields stand for. They are filled in by now."""
        self._shown = self.texts()
        self._stored = dict(stored)
        self._changed: dict[str, object] = {}

    def texts(self) -> dict[str, str]:
        """What stands in each field."""
        return {line.id: line.value.strip() for line in self.query(Line) if line.id}

    def put(self, field: str, text: str) -> None:
        """Write into a field."""
        self.query_one(f"#{field}", Line).value = text

    def edited(self) -> set[str]:
        """The fields that say something else than when they were filled in. A line holds what can be drawn, on one
        line: untouched, it never changes what another program wrote."""
        return {name for name, text in self.texts().items() if text != self._shown[name]}

    def seen(self, field: str) -> object:
        """What was stored when the field was filled in."""
        return self._stored[field]

    def follow(self, now: Mapping[str, object]) -> None:
        """Something may have been changed elsewhere."""
        edited = self.edited()
        for name in self._shown:
            if now[name] == self._stored[name]:
                self._changed.pop(name, None) if name in edited else None
                continue
            self._changed[name] = now[name]
            if name not in edited:
                self.fill_in(name, now[name])
        self._tell(edited)

    def _tell(self, edited: set[str]) -> None:
        self.query_one("#meanwhile", Words).say(changed_words(self.labels, self._changed, edited))

    def fill_in(self, name: str, value: object) -> None:
        """With what is stored now."""
        self.put(name, "" if value is None else str(value))
        self._shown[name], self._stored[name] = self.texts()[name], value
        if not self.edited():
            self._before = self._values()

    async def settled(self, what: str, changed: Changed, fields: Mapping[str, str]) -> bool:
        """Ask for each field that both changed whose value is kept; whether that was said for all of them. ``fields``:
        what the store calls a field, where its widget is called otherwise."""
        for name, value in changed.now.items():
            field = fields.get(name, name)
            theirs, mine = "" if value is None else str(value), self.texts()[field]
            kept = await self.app.push_screen_wait(WhichDialog(what, self.labels[field], theirs, mine))
            if kept is None:
                return False
            self.fill_in(field, value)
            self._changed.pop(field, None)
            if kept == "mine":
                self.put(field, mine)
        self._tell(self.edited())
        return True


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
