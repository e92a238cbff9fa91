"""What a person folded or unfolded, and when code gets its colours."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from textual.widget import Widget

LEXERS = "pygments.lexers"
COLOUR_AFTER = 0.1  # seconds after the first code was drawn


class Folding:
    """The choices of one transcript. Thoughts are folded at first, code is not."""

    def __init__(self, owner: Widget, when_coloured: Callable[[], None]) -> None:
        self._owner = owner
        self._when_coloured = when_coloured
        self._colours_due = False
        self.open_thoughts: set[int] = set()
        self.folded_codes: set[tuple[int, int]] = set()

    def thought_open(self, key: int) -> bool:
        return key in self.open_thoughts

    def code_folded(self, key: int, number: int) -> bool:
        return (key, number) in self.folded_codes

    @property
    def coloured(self) -> bool:
        """Whether code has colours yet. The lexers take longer to load than a window should take to appear, so the
        first code of all is coloured a moment later; without a terminal nobody waits, and it is at once."""
        if not self.lexers_missing:
            return True
        if not self._colours_due:
            self._colours_due = True
            self._owner.set_timer(COLOUR_AFTER, self._colour)
        return False

    @property
    def lexers_missing(self) -> bool:
        owner = self._owner
        return LEXERS not in sys.modules and owner.is_attached and not owner.app.is_headless

    def _colour(self) -> None:
        importlib.import_module(LEXERS)
        self._when_coloured()
