"""A box to tick that shows its state without colours too."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox

from localchat.text import one_line


class Tick(Checkbox):
    """``[✓]`` or ``[ ]``, and a label that is never markup. Textual's own draws the same X in two colours."""

    DEFAULT_CSS = """
    Tick {
        background: transparent;
        &:focus { background-tint: transparent 0%; }
        &:focus > .toggle--label { color: $foreground; background: $accent 30%; text-style: bold; }
    }
    """

    def __init__(self, label: str, value: bool = False, *, id: str | None = None) -> None:
        super().__init__(Content(one_line(label)), value, id=id, compact=True)

    @property
    def _button(self) -> Content:
        return Content("[✓]" if self.value else "[ ]")
