"""The line that filters a list: typing narrows it, the arrows move in it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from localchat.tui.dialogs.safe_input import Line


class ListFilter(Line):
    """``target`` is the selector of the list on the same screen that it filters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move('cursor_up')", "Up", show=False),
        Binding("down", "move('cursor_down')", "Down", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
    ]

    def __init__(self, target: str, *, id: str | None = None, placeholder: str = "Type to filter") -> None:
        super().__init__(placeholder=placeholder, id=id)
        self._target = target

    def open(self) -> None:
        """Be there, and take the keys from now on: those that follow in the same burst are no commands of the list any
        more, and ``Shell.on_key`` brings them here.
        ``focus()`` would come a turn of the loop later, and until then they would be commands of the list."""
        self.display = True
        self.screen.set_focus(self)

    def close(self) -> None:
        """Be gone, with what was typed."""
        self.display = False
        self.value = ""

    @property
    def words(self) -> list[str]:
        """What a row must hold, all of it, whatever the case."""
        return self.value.casefold().split()

    async def action_move(self, how: str) -> None:
        await self.screen.query_one(self._target, OptionList).run_action(how)


def matches(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)
