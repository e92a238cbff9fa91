"""A list of rows in columns that keeps its cursor while what it shows changes underneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.styles import RulesMap
from textual.events import Click
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from localchat.text import one_line

GAP = 2  # cells between columns
QUIET = "$foreground-muted"  # in spans; `$text-muted` is "auto 60%", which a span draws brighter than the text
NAME_MIN = 16  # cells the name keeps before other columns give way


@dataclass(frozen=True, slots=True)
class Cell:
    """Literal text and a style of the theme (``$warning``, …)."""

    text: str
    style: str = ""

    def content(self) -> Content:
        text = one_line(self.text) or (" " if self.text else "")  # a blank mark keeps its place
        return Content.styled(text, self.style)


@dataclass(frozen=True, slots=True)
class Row:
    """``cells[0]`` is a mark, ``cells[1]`` the name, which takes the room that is left. ``id`` is unique in its list.

    A disabled row is dimmed and passed over by the cursor.
    """

    id: str
    cells: tuple[Cell, ...]
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A quiet line between rows; the cursor passes over it. ``indent``: by how many cells."""

    text: str
    indent: int = 0
    style: str = QUIET


class _Columns:
    """The widths that all rows of one list share. Columns give way from the right where there is not enough room."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.natural: list[int] = []
        for row in rows:
            for index, cell in enumerate(row.cells):
                width = cell.content().cell_length
                if index == len(self.natural):
                    self.natural.append(width)
                else:
                    self.natural[index] = max(self.natural[index], width)
        self._fitted: dict[int, list[int]] = {}

    def fit(self, width: int) -> list[int]:
        """Cells for each column; 0: not shown."""
        if width not in self._fitted:
            self._fitted[width] = self._fit(width)
        return self._fitted[width]

    def _fit(self, width: int) -> list[int]:
        widths = list(self.natural)
        if len(widths) < 2:
            return [min(w, width) for w in widths]
        # The middle columns go first: the last one tells the state.
        for column in (*range(2, len(widths) - 1), len(widths) - 1):
            if self._left_for_name(widths, width) >= min(NAME_MIN, self.natural[1]):
                break
            widths[column] = 0
        widths[1] = max(1, min(self.natural[1], self._left_for_name(widths, width)))
        return widths

    @staticmethod
    def _left_for_name(widths: list[int], width: int) -> int:
        mark = widths[0] + 1 if widths[0] else 0
        return width - mark - sum(w + GAP for w in widths[2:] if w)


class _RowVisual(Visual):
    """One row, laid out when it is drawn, so that a resize needs no new rows."""

    def __init__(self, row: Row, columns: _Columns) -> None:
        self._row = row
        self._columns = columns

    def _content(self, width: int) -> Content:
        widths = self._columns.fit(width)
        parts: list[Content] = []
        for index, cell in enumerate(self._row.cells):
            if not widths[index]:
                continue
            content = cell.content().truncate(widths[index], ellipsis=True)
            gap = 1 if index == 0 else GAP
            parts.append(content.pad_right(widths[index] - content.cell_length + gap))
        return Content("").join(parts).truncate(width)

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        return self._content(width).render_strips(width, 1, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return sum(self._columns.natural) + GAP * len(self._columns.natural)

    def get_height(self, rules: RulesMap, width: int) -> int:
        return 1


class CatalogList(OptionList):
    """Rows and headings. A bar in the left gutter marks the cursor, so that it is seen without colours too."""

    DEFAULT_CSS = """
    CatalogList {
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background-tint: transparent 0%; }
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted {
            color: $foreground;
            background: $panel;
            text-style: none;
        }
        &:focus > .option-list--option-highlighted {
            color: $foreground;
            background: $accent 30%;
            text-style: bold;
        }
        & > .catalog-list--bar { color: $secondary; }
        &:focus > .catalog-list--bar { color: $accent; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"catalog-list--bar"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, *, id: str | None = None, click_opens: bool = True) -> None:
        """``click_opens``: a click does what enter does; else it moves the cursor, and a double click opens."""
        super().__init__(id=id, markup=False)
        self._click_opens = click_opens
        self._shown: list[Row | Heading] = []
        self._lost = False

    def show_rows(
        self,
        rows: Sequence[Row | Heading],
        prefer: str | None = None,
        *,
        cursor: str | None = None,
        vanished: Literal["neighbour"] | None = "neighbour",
    ) -> None:
        """Replace what is shown. The cursor stays on its row; where that is gone, on the one that took its place, or
        with ``vanished=None`` on none.

        ``prefer``: the row for the cursor where it was nowhere yet and is not ``lost``. ``cursor``: the row for it in
        any case.
        """
        if list(rows) == self._shown and self._options:
            if cursor is not None:
                self.go_to(cursor)
            return
        before = self.row_id
        lost = self.lost and cursor is None
        index = self.highlighted or 0
        offset = self.scroll_y
        columns = _Columns([row for row in rows if isinstance(row, Row)])
        with self.app.batch_update():
            self.set_options(self._option(row, columns) for row in rows)
            if not rows:
                self._clear_caches()
                self._update_lines()
            self._shown = list(rows)
            self.highlighted = self._landing(cursor or before or prefer, index if before else 0)
            if lost or (vanished is None and cursor is None and before is not None and self.row_id != before):
                self.highlighted = None
                self._lost = bool(rows)
            if before is not None:
                self.scroll_to(y=offset, animate=False, force=True, immediate=True)

    @property
    def lost(self) -> bool:
        """Whether the cursor stands on nothing because its row went. It does until it is moved."""
        return self._lost and self.highlighted is None

    def find_again(self) -> None:
        """Other rows come now: the cursor may begin anew."""
        self._lost = False

    @staticmethod
    def _option(row: Row | Heading, columns: _Columns) -> Option:
        if isinstance(row, Heading):
            return Option(Content.styled(" " * row.indent + one_line(row.text), row.style), disabled=True)
        return Option(_RowVisual(row, columns), id=row.id, disabled=row.disabled)

    def _landing(self, wanted: str | None, index: int) -> int | None:
        """The wanted row, else the nearest one that the cursor may stand on, those below first."""
        if wanted is not None and wanted in self._id_to_option:
            place = self.get_option_index(wanted)
            if not self.options[place].disabled:
                return place
        open_rows = [place for place, option in enumerate(self.options) if not option.disabled]
        return min(open_rows, key=lambda place: (abs(place - index), place < index)) if open_rows else None

    @property
    def row_id(self) -> str | None:
        """The row under the cursor."""
        option = self.highlighted_option
        return None if option is None or option.disabled else option.id

    def go_to(self, row_id: str) -> None:
        """Put the cursor on a row, where it is there."""
        if row_id in self._id_to_option and not self.get_option(row_id).disabled:
            self.highlighted = self.get_option_index(row_id)

    async def _on_click(self, event: Click) -> None:
        place = event.style.meta.get("option")
        if not self._click_opens and event.chain < 2:
            event.prevent_default()
            if place is not None and not self.options[place].disabled:
                self.highlighted = place

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        if highlighted is not None:
            self._lost = False

    def _get_left_gutter_width(self) -> int:
        return 2

    def render_line(self, y: int) -> Strip:
        line = super().render_line(y)
        place = self.scroll_offset.y + y
        lines = self._lines
        index = lines[place][0] if place < len(lines) else None
        base = next(iter(line)).style if line.cell_length else None
        style = base or self.rich_style
        if index is None or index != self.highlighted or self.options[index].disabled:
            gutter = [Segment("  ", style)]
        else:
            bar = self.get_component_rich_style("catalog-list--bar", partial=True)
            gutter = [Segment("▌", style + bar), Segment(" ", style)]
        return Strip([*gutter, *line], line.cell_length + 2)
