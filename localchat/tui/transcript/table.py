"""Tables: columns sized to fit, cells that wrap, and another form where the window is too narrow for columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from localchat.tui.transcript.lines import BLANK, TEXT, Frame, Line, Look, Run, framed, spaces, wrap

GAP = 3  # cells between columns
NARROWEST = 4  # cells of a column; below that a row is shown as a list of its cells
MEASURED = 30  # rows that decide the widths; a table that grows keeps its columns from then on
RULE = Look("rule")

Cell = list[Run]
Row = list[Cell]


def cell_width(cell: Cell) -> int:
    return max((cell_len(line) for line in "".join(text for text, _ in cell).split("\n")), default=0)


def column_widths(rows: Sequence[Row], width: int) -> list[int] | None:
    """The width of each column, by the first rows; None where they would be too narrow to read."""
    natural = [max(1, *(cell_width(row[column]) for row in rows[: MEASURED + 1])) for column in range(len(rows[0]))]
    room = width - GAP * (len(natural) - 1)
    if sum(natural) <= room:
        return natural
    if room < NARROWEST * len(natural):
        return None
    # Narrow columns keep what they need; the wide ones share the rest.
    left, widths = room, dict.fromkeys(range(len(natural)), 0)
    for place, column in enumerate(sorted(widths, key=natural.__getitem__)):
        widths[column] = min(natural[column], left // (len(natural) - place))
        left -= widths[column]
    return [widths[column] for column in range(len(natural))]


class TableLayout:
    """Lays out the rows of one table, whose columns are decided."""

    def __init__(self, header: Row, first_rows: Sequence[Row], aligns: Sequence[str], frame: Frame) -> None:
        self.header = header
        self.aligns = aligns
        self.frame = frame
        self.widths = column_widths([header, *first_rows], frame.width)

    def header_lines(self) -> list[Line]:
        if self.widths is None:
            return []
        bold = [[(text, look._replace(bold=True)) for text, look in cell] for cell in self.header]
        lines = self._columns(bold, self.frame)
        rule = "─┼─".join("─" * width for width in self.widths)
        lines.append(Line((*self.frame.rest, (rule, RULE)), stop=0, join=None))
        return lines

    def row_lines(self, row: Row, number: int) -> list[Line]:
        """The lines of the row with this number, from 0."""
        frame = self.frame if self.widths is None and number == 0 else self.frame.continued()
        if self.widths is None:
            return self._list(row, frame, number)
        return self._columns(row, frame)

    def _columns(self, row: Row, frame: Frame) -> list[Line]:
        assert self.widths is not None
        cells = [wrap(cell, Frame(width)) for cell, width in zip(row, self.widths, strict=True)]
        lines: list[Line] = []
        last = len(cells) - 1
        for number in range(max(len(cell) for cell in cells)):
            runs: list[Run] = []
            for column, (cell, width) in enumerate(zip(cells, self.widths, strict=True)):
                line = cell[number] if number < len(cell) else BLANK
                room = width - line.width
                align = self.aligns[column]
                before = room if align == "right" else room // 2 if align == "center" else 0
                runs += [(spaces(before), TEXT), *line.runs]
                if column < last:
                    runs += [(spaces(room - before), TEXT), (" │ ", RULE)]
            lines.append(framed(frame.first if number == 0 else frame.rest, runs))
        return lines

    def _list(self, row: Row, frame: Frame, number: int) -> list[Line]:
        """A row as ``name: cell`` below each other, for windows too narrow for columns."""
        lines: list[Line] = [framed(frame.rest, ())] if number else []
        for name, cell in zip(self.header, row, strict=True):
            label = [(text.replace("\n", " "), look._replace(bold=True)) for text, look in name]
            runs = [*label, (": ", TEXT), *cell] if label else cell
            lines += wrap(runs, frame if not lines else frame.continued(), hanging=2 if frame.width > 12 else 0)
        return lines
