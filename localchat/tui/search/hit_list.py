"""What a search found: two lines each, where and who, and the words around what was found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content, Span
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets.option_list import Option

from localchat.records import moment
from localchat.store.search.search import Hit
from localchat.text import one_line
from localchat.tui.dialogs.table_list import QUIET, CatalogList
from localchat.wording import age

FOUND = "$foreground bold"  # what matched, in a quiet line
LINES = 2  # of one hit
WHO_WIDTH = 28  # cells that the speaker may take


class _HitVisual(Visual):
    """One hit, laid out when it is drawn, so that a resize needs no new rows."""

    def __init__(self, hit: Hit, now: datetime) -> None:
        self._hit = hit
        self._now = now

    def _first(self, width: int) -> Content:
        """The chat's title on the left; on the right who said it, and when."""
        hit = self._hit
        right = Content.assemble((who(hit), QUIET), "  ", (age(moment(hit.created_at), self._now).rjust(4), QUIET))
        room = max(width - right.cell_length - 2, 1)
        title = one_line(hit.title) or "Untitled"
        marks = hit.matches if hit.message_id is None and hit.snippet == title else ()
        left = _with_marks(title, marks, "", "bold underline").truncate(room, ellipsis=True, pad=True)
        return Content.assemble(left, "  ", right).truncate(width)

    def _second(self, width: int) -> Content:
        hit = self._hit
        if hit.message_id is None:
            return Content.styled("the title of this chat" + (", archived" if hit.archived else ""), QUIET)
        text, marks = hit.snippet, list(hit.matches)
        if marks and Content(text[: marks[0][1]]).cell_length > width * 3 // 4:  # else it would stand outside
            cut = marks[0][0]
            while cut > 0 and Content(text[cut - 1 : marks[0][0]]).cell_length < width // 4:
                cut -= 1
            text = "…" + text[cut:]
            marks = [(start - cut + 1, end - cut + 1) for start, end in marks]
        return _with_marks(text, marks, QUIET, FOUND).truncate(width, ellipsis=True)

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        room = max(width - 1, 1)  # nothing stands at the scrollbar
        return [
            strip
            for line in (self._first(room), self._second(room))
            for strip in line.pad_right(max(width - line.cell_length, 0)).render_strips(width, 1, style, options)
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return LINES


def who(hit: Hit) -> str:
    """Who said it: ``you``, or the model, with the word where it was removed."""
    if hit.message_id is None:
        return ""
    if hit.role != "assistant":
        return "you" if hit.role == "user" else "system prompt"
    if hit.model is None:
        return "a model"
    name = one_line(hit.model.model, WHO_WIDTH)
    return f"{name} removed" if hit.model.removed else name


def _with_marks(text: str, marks: Sequence[tuple[int, int]], style: str, found: str) -> Content:
    spans = [Span(0, len(text), style)] if style else []
    return Content(text, spans=[*spans, *(Span(start, end, found) for start, end in marks)])


class HitList(CatalogList):
    """Hits, the newest first, read on as they are asked for."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hits: list[Hit] = []

    def show_hits(self, hits: Sequence[Hit], now: datetime) -> None:
        """Show these instead. The cursor stays where it was moved to while the same hits stand above it."""
        kept = self.highlighted or 0
        same = self.hits[: kept + 1] == list(hits[: kept + 1])
        self.hits = list(hits)
        with self.app.batch_update():
            self.set_options(Option(_HitVisual(hit, now)) for hit in hits)
            if not hits:
                self._clear_caches()
                self._update_lines()
            self.highlighted = (kept if same else 0) if hits else None

    def add_hits(self, hits: Sequence[Hit], now: datetime) -> None:
        """Show these below."""
        self.hits += hits
        self.add_options(Option(_HitVisual(hit, now)) for hit in hits)

    @property
    def hit(self) -> Hit | None:
        """The one under the cursor."""
        return self.hits[self.highlighted] if self.highlighted is not None and self.hits else None

    @property
    def near_the_end(self) -> bool:
        """Whether the cursor, or what is seen, comes near the last hit. Known also before they are laid out."""
        below = LINES * len(self.hits) - self.scroll_y - self.size.height
        return (self.highlighted or 0) >= len(self.hits) - 10 or below < 10 * LINES
