"""One line asked of a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from localchat.errors import LocalChatError
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.safe_input import Line


class TextPrompt(Dialog[str | None]):
    """The line that was typed, or None on escape.

    ``check`` raises a LocalChatError for a line that cannot be used: it is shown below the line, which stays as typed.
    """

    CSS_PATH = ["dialog.tcss", "prompt.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "Save", id="prompt.accept", tooltip="Take this line"),
    ]

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        text: str = "",
        placeholder: str = "",
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(title)
        self._value = value
        self._text = text
        self._placeholder = placeholder
        self._check = check

    def body(self) -> ComposeResult:
        yield Words(self._text, id="text", classes="hint")
        yield Line(self._value, placeholder=self._placeholder)
        yield Words("enter takes it, escape leaves everything as it is.", id="keys", classes="hint")
        yield Trouble()

    @on(Input.Submitted)
    def action_accept(self) -> None:
        line = self.query_one(Line).value.strip()
        try:
            if self._check is not None:
                self._check(line)
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
        else:
            self.dismiss(line)

    @on(Input.Changed)
    def forget_trouble(self) -> None:
        self.query_one(Trouble).clear()
