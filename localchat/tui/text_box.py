"""Where several lines are written: the one text area of the app.

It keeps the text as it is and draws it without what a terminal would obey: drafts, edited messages and instructions may
come from files, models and other programs. A character that is not drawn takes no room, but the cursor still stops
there: what is written is never other than what the cursor moves over.
"""

from __future__ import annotations

from rich.text import Text
from textual.events import Paste
from textual.geometry import Offset
from textual.widgets import TextArea
from textual.widgets.text_area import Selection

from localchat.text import clean, without_controls
from localchat.tui.shell import Shell


class TextBox(TextArea):
    """A text area that any text, and any order of keys, can be thrown at. Wraps softly; tab leaves it."""

    def on_mount(self) -> None:
        self.cursor_blink = not (isinstance(self.app, Shell) and self.app.still)

    def get_line(self, line_index: int) -> Text:
        return Text(without_controls(self.document.get_line(line_index)), end="", no_wrap=True)

    def scroll_cursor_visible(self, center: bool = False, animate: bool = False) -> Offset:
        """Where an undo takes lines away, Textual measures the new text while the cursor still stands in the old one,
        and raises where that has no such line: a scrollbar that goes is enough. The undo then sets its own cursor."""
        inside = Selection(*(self.clamp_visitable(place) for place in self.selection))
        if inside != self.selection:
            self.set_reactive(TextArea.selection, inside)
        return super().scroll_cursor_visible(center, animate)

    async def _on_paste(self, event: Paste) -> None:
        """What a terminal would obey is not what a person means to paste."""
        event.prevent_default()  # else Textual goes on to paste it once more
        event.text = clean(event.text)
        await super()._on_paste(event)
