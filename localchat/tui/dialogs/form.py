"""What forms share: what is typed is never lost by accident."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Select

from localchat.errors import LocalChatError
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.footer import KeyBar

T = TypeVar("T")


class Form(Dialog[T]):
    """Saves on ctrl+s, enter in a line, or the button. What the store refuses is told beside what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Save what is typed", priority=True),
    ]

    _saving = False

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Words(id="meanwhile")  # what changed elsewhere while this is open
            yield from self.body()
        yield KeyBar(show_command_palette=False)

    def on_mount(self) -> None:
        self._before = self._values()
        self._refused: list[object] = []

    def end(self, *buttons: Button) -> ComposeResult:
        """The last lines of a form: what is wrong, and the buttons."""
        yield Trouble()
        with Horizontal(classes="buttons"):
            yield from buttons
            yield Button(Content("Cancel"), id="cancel", compact=True)
            yield Button(Content("Save"), id="save", compact=True)

    def _values(self) -> list[object]:
        lines = [line.value for line in self.query(Input)]
        return [*lines, *(select.value for select in self.query(Select))]

    async def save(self) -> T:
        """Write it. Raises LocalChatError where that is refused: the form stays as it is."""
        raise NotImplementedError

    def saved(self, done: T) -> None:
        """Tell it."""

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    @work(group="save")
    async def action_save(self) -> None:
        """Once, however often the key repeats."""
        if self._saving or self.app.screen is not self:
            return
        self._saving = True
        try:
            done = await self.save()
        except LocalChatError as error:
            self.refused(error)
            return
        finally:
            self._saving = False
        self.app.catalog_changed()
        self.saved(done)
        self.dismiss(done)

    def refused(self, error: LocalChatError) -> None:
        """Say it beside what is typed; it stands until something else is typed."""
        self._refused = self._values()
        self.query_one(Trouble).report(error)

    @on(Input.Changed)
    @on(Select.Changed)
    def _forget_trouble(self) -> None:
        if self._values() != self._refused:
            self.query_one(Trouble).clear()

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Close at once where nothing was typed, else ask."""
        self._close()

    @work(group="close", exclusive=True)
    async def _close(self) -> None:
        if self._values() != self._before and not await self.app.push_screen_wait(
            ConfirmDialog("Discard what you typed?", "It was not saved.", yes="Discard", no="Go on")
        ):
            return
        self.dismiss(None)
