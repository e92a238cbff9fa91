"""The floor of start.py: the smallest Textual app with a place to write in."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Input, Static


class Hello(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("Hello, world")
        yield Input()


if __name__ == "__main__":
    Hello().run()
