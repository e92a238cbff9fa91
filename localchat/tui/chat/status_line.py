"""The two quiet lines of the chat screen: what is open above, what is going on below."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from localchat.text import one_line

SPINNER = "⣾⣽⣻⢿⡿⣟⣯⣷"


@dataclass(frozen=True, slots=True)
class Status:
    """One line: ``mark`` (or the spinner), what is so, and the keys that apply."""

    text: str
    mark: str = ""
    keys: str = ""
    tone: str = "dim"
    spinning: bool = False
    done: float | None = None  # 0 to 1: draws a bar
    right: bool = False  # quiet, at the right


class StatusLine(Widget):
    """The line above the composer. It is always there, so that nothing jumps when it has something to say."""

    DEFAULT_CSS = """
    StatusLine { height: 1; padding: 0 1; }
    """

    status: reactive[Status | None] = reactive(None)
    _turn: reactive[int] = reactive(0)

    def on_mount(self) -> None:
        self._timer = self.set_interval(1 / 8, self._spin, pause=True)

    def _spin(self) -> None:
        self._turn += 1

    def watch_status(self, status: Status | None) -> None:
        if self.is_mounted:
            if status is not None and status.spinning:
                self._timer.resume()
            else:
                self._timer.pause()

    def render(self) -> RenderResult:
        status = self.status
        if status is None:
            return Content("")
        width = max(self.size.width - 2, 1)
        mark = SPINNER[self._turn % len(SPINNER)] if status.spinning else status.mark
        bar = ""
        if status.done is not None:
            filled = round(max(0.0, min(status.done, 1.0)) * 12)
            bar = "  " + "▇" * filled + "▁" * (12 - filled)
        text = Content.styled(f"{mark} {one_line(status.text)}{bar}".strip(), status.tone)
        if status.right:
            return Content(" " * max(width - text.cell_length, 0)).append(text)
        keys = Content.styled(status.keys, "dim") if status.keys else Content("")
        if text.cell_length + keys.cell_length + 2 > width:
            room = width - keys.cell_length - 2
            if room >= 30:
                text = text.truncate(room, ellipsis=True)
            else:
                keys = Content("")
                text = text.truncate(width, ellipsis=True)
        gap = max(width - text.cell_length - keys.cell_length, 0) if keys.cell_length else 0
        return Content.assemble(text, " " * min(gap, 2), keys)
