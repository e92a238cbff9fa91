"""What goes along with the words, above them: one line each, with a way to take it off."""

from __future__ import annotations

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from localchat.attachments.drafts import Chip, Dropped, Kept, Pasted
from localchat.attachments.reading import label
from localchat.text import count, one_line

MOST = 6  # lines


def chip_label(chip: Chip) -> str:
    match chip:
        case Pasted(text):
            lines = text.count("\n") + 1
            more = f", {count(lines, 'line')}" if lines > 1 else ""
            return f"▤ pasted {count(len(text), 'character')}{more}"
        case Dropped(path):
            return f"▣ {one_line(path.rpartition('/')[2], 120)}"
        case Kept(_, info):
            return label(info)


class Chips(Widget):
    """``chips`` can be removed; ``named``: what ``@path`` in the words attaches, which goes when the words change."""

    DEFAULT_CSS = """
    Chips { height: auto; background: $panel; padding: 0 1 0 3; display: none; }
    """

    chips: reactive[tuple[Chip, ...]] = reactive((), layout=True)
    named: reactive[tuple[str, ...]] = reactive((), layout=True)

    class Clicked(Message):
        """A chip was clicked: on its × (``remove``), or elsewhere."""

        def __init__(self, number: int, remove: bool) -> None:
            super().__init__()
            self.number = number
            self.remove = remove

    def watch_chips(self) -> None:
        self._show()

    def watch_named(self) -> None:
        self._show()

    def _show(self) -> None:
        self.display = bool(self.chips or self.named)

    def render(self) -> RenderResult:
        width = max(self.size.width - 4, 8)
        lines = []
        for number, chip in enumerate(self.chips):
            shown = Content.assemble(Content.styled(f"[{number + 1}] ", "dim"), Content(chip_label(chip)))
            keys = self._keys(chip) if number == len(self.chips) - 1 else " ×"
            if shown.cell_length + len(keys) >= width:
                keys = " ×"
            shown = shown.truncate(max(width - len(keys) - 1, 8), ellipsis=True)
            lines.append(Content.assemble(shown, Content.styled(keys, "dim")))
        lines += [Content.styled(one_line(each), "dim").truncate(width, ellipsis=True) for each in self.named]
        if len(lines) > MOST:
            hidden = len(lines) - MOST + 1
            lines = [*lines[: MOST - 1], Content.styled(f"and {hidden} more", "dim")]
        return Content("\n").join(lines)

    @staticmethod
    def _keys(chip: Chip) -> str:
        if isinstance(chip, Pasted):
            return " ×   backspace removes  f7 unfolds"
        return " ×   backspace removes"

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = event.get_content_offset(self)
        if place is None or not 0 <= place.y < min(len(self.chips), MOST):
            return
        line = str(self.render()).split("\n")[place.y]
        cross = line.rfind("×")
        width = Content(line[:cross]).cell_length
        self.post_message(self.Clicked(place.y, remove=width - 1 <= place.x <= width + 1))
