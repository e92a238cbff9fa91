"""What stands in a window that is too small for anything else."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from localchat.tui.dialogs.dismiss_once import LeftOnce

LEAST = (30, 8)  # columns and lines


def too_small(width: int, height: int) -> bool:
    return width < LEAST[0] or height < LEAST[1]


class TooSmallScreen(LeftOnce[None]):
    """Goes by itself when the window has grown; what is below keeps all it had."""

    DEFAULT_CSS = "TooSmallScreen { background: $background; }"

    def compose(self) -> ComposeResult:
        yield Static("Too small", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        self._look(*event.size)

    def on_screen_resume(self) -> None:
        """The window may have grown while help stood above."""
        self._look(*self.app.size)

    def _look(self, width: int, height: int) -> None:
        if too_small(width, height):
            words = f"This window is too small ({width}×{height}). Make it {LEAST[0]}×{LEAST[1]}."
            self.query_one(Static).update(words)
        else:
            self.dismiss()
