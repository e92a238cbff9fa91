"""A screen that is left once, however often its key is pressed."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

T = TypeVar("T")


class LeftOnce(ModalScreen[T]):
    """Textual closes whatever is on top with every ``dismiss``. A key that repeats reaches a screen once more after it
    has gone: that must not close the screen below, nor end the app where there is none."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)
