"""Text that can grow, laid out at one width: what is closed is laid out once, only its open end again and again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from localchat.tui.transcript.blocks import Layout, blank_before, first_number
from localchat.tui.transcript.code import FOLDABLE, CodeBlock, CodeView
from localchat.tui.transcript.inline import linked, safe_text
from localchat.tui.transcript.lines import BLANK, TEXT, Frame, Line, Look, Run, wrap
from localchat.tui.transcript.parsing import Block, References, parse_blocks
from localchat.tui.transcript.table import MEASURED, TableLayout

PLAIN_VIEW = CodeView()

_FENCE = re.compile(r" {0,3}(?:(`{3,})([^`]*)|(~{3,})(.*))")
_FENCE_BEGUN = re.compile(r"(?:^|(?<=\n)) {0,3}(?:`{1,2}|~{1,2})\Z")  # not shown: most likely a fence in the making
_NAME = re.compile(r"\[((?:\\.|[^\[\]\\]){1,999})\]", re.DOTALL)


class Fence:
    """A code fence that has not ended yet, and how much of it stands in the flow's lines already."""

    def __init__(self, code: CodeBlock, markup: str) -> None:
        self.code = code
        mark = re.escape(markup[0])
        self._end = re.compile(rf" {{0,3}}{mark}{{{len(markup)},}}[ \t]*")
        self._maybe_end = re.compile(rf" {{0,3}}{mark}*[ \t]*")
        self.written = 0  # lines that stand and stay

    def ends_with(self, row: str) -> bool:
        return self._end.fullmatch(row) is not None

    def write(self, lines: list[Line], at: int, partial: str) -> None:
        """Write the block into ``lines`` from ``at`` on; a partial row that may become the end is not shown yet."""
        code = self.code
        if code.folded and len(code.rows) > FOLDABLE:
            lines[at:] = code.lines()
            self.written = 0
            return
        closed = code.closed_lines()
        if self.written == 0:
            lines[at:] = [code.header(), *closed]
        else:
            lines[at] = code.header()
            lines[at + self.written :] = closed[self.written - 1 :]
        self.written = 1 + len(closed)
        lines += code.open_lines("" if self._maybe_end.fullmatch(partial) else partial)


class Flow:
    """Text that grows at its end. ``lines`` is the layout so far; ``codes`` the sources of its code blocks."""

    def __init__(self, width: int, view: CodeView) -> None:
        self.width = max(1, width)
        self.lines: list[Line] = []
        self._open = ""  # the text behind the closed part
        self._closed = 0  # lines of the closed part,
        self._closed_codes = 0  # and its code blocks
        self._fence: Fence | None = None  # begins where the closed part ends
        self._reset = False  # all was laid out anew
        self._layout = Layout(self.width, {}, view)

    @property
    def codes(self) -> list[str]:
        """The code blocks so far; the one that is still open is the last."""
        return [*self._layout.codes, self._fence.code.source] if self._fence is not None else self._layout.codes

    def append(self, text: str) -> int:
        """More text. Returns how many lines from the top are as they were."""
        stood = self._closed + (self._fence.written if self._fence is not None else 0)
        header = self.lines[self._closed] if self._fence is not None else None
        before, place = self.lines[stood:], self._closed
        self._open += text
        self._reset = False
        if "\n" in text:
            self._close(final=False)
        self._show_open()
        if self._reset:
            return 0
        if header is not None and self.lines[place] != header:
            return place
        for number, line in enumerate(before, start=stood):
            if number >= len(self.lines) or self.lines[number] != line:
                return number
        return stood + len(before)

    def whole(self, text: str) -> None:
        """All of a text that grows no more: the same as to append it and finish, in one go."""
        self._open += text
        self._close(final=True)

    def finish(self) -> None:
        """That was all: what was left open is closed as it stands."""
        self._close(final=True)
        self._show_open()

    def _close(self, *, final: bool) -> None:
        raise NotImplementedError

    def _show_open(self) -> None:
        raise NotImplementedError

    def _drop_open(self) -> None:
        """Take away what of the open part is shown."""
        del self.lines[self._closed :]
        del self._layout.codes[self._closed_codes :]

    # Fences, which both kinds of text have

    def _grow_fence(self, fence: Fence, *, final: bool) -> bool:
        """Take the rows that are complete. False where it has not ended and needs more text."""
        rows = self._open.split("\n")
        partial = rows.pop()
        for number, row in enumerate(rows):
            if fence.ends_with(row):
                fence.code.feed(rows[:number])
                self._open = "\n".join([*rows[number + 1 :], partial])
                self._end_fence(fence)
                return True
        fence.code.feed(rows)
        self._open = partial
        if final:
            if partial.strip(" \t") and not fence.ends_with(partial):
                fence.code.feed([partial])
            self._open = ""
        return False

    def _end_fence(self, fence: Fence) -> None:
        fence.write(self.lines, self._closed, "")
        self._layout.codes.append(fence.code.source)
        self._fence = None
        self._closed, self._closed_codes = len(self.lines), len(self._layout.codes)


class PlainFlow(Flow):
    """Text as it was typed, bare addresses as links; code fences are shown as code where ``fences`` says so."""

    def __init__(
        self,
        width: int,
        view: CodeView = PLAIN_VIEW,
        *,
        look: Look = TEXT,
        mark: tuple[Run, ...] = (),
        fences: bool = True,
    ) -> None:
        super().__init__(width, view)
        self._look = look
        self._fences = fences
        self._frame = Frame(self.width).inside(mark, mark)

    def _close(self, *, final: bool) -> None:
        again = True
        while again and self._open:
            if self._fence is not None:
                again = self._grow_fence(self._fence, final=final)
            else:
                again = self._close_rows(final=final)
        if final and self._fence is not None:
            self._end_fence(self._fence)

    def _close_rows(self, *, final: bool) -> bool:
        rows = self._open.split("\n")
        unended = final and bool(rows[-1])  # the last row is complete, without its line end
        partial = "" if unended else rows.pop()
        self._drop_open()
        for number, row in enumerate(rows):
            if self._fences and (fence := _FENCE.fullmatch(row)) is not None:
                code = self._layout.code_block((fence[2] or fence[4] or "").strip(), self._frame)
                self._closed = len(self.lines)
                self._fence = Fence(code, fence[1] or fence[3])
                self._open = "\n".join(rows[number + 1 :] if unended else [*rows[number + 1 :], partial])
                return True
            self.lines += self._row(row)
        self._open = partial
        self._closed = len(self.lines)
        return False

    def _show_open(self) -> None:
        if self._fence is not None:
            self._fence.write(self.lines, self._closed, self._open)
            return
        self._drop_open()
        if self._open:
            self.lines += self._row(self._open)

    def _row(self, row: str) -> list[Line]:
        return wrap(linked(safe_text(row.expandtabs(4)), self._look), self._frame)


@dataclass
class OpenList:
    """The list that the closed part ends in, when its last item is still open."""

    kind: str
    markup: str
    number: int  # of the next item
    blank: bool  # whether a blank line stands before it

    def goes_on(self, block: Block) -> bool:
        return block.kind == self.kind and block.token.markup == self.markup and block.first == 0


@dataclass
class OpenTable:
    """The table that the closed part ends in. ``source``: its header, which every further row is parsed behind."""

    source: str
    layout: TableLayout
    count: int  # rows laid out already


class MarkdownFlow(Flow):
    """Markdown that grows.

    A top block is closed when a complete line after it has begun another one: no text that follows can change it any
    more, but for a reference definition, which has everything laid out anew. Fences, long tables and lists, which can
    stay open for long, are closed row by row and item by item. So the cost of a repaint does not grow with the text,
    and the result is the same however the text came in pieces.
    """

    def __init__(self, width: int, view: CodeView = PLAIN_VIEW) -> None:
        super().__init__(width, view)
        self._text = ""
        self._names: set[str] = set()  # in brackets in the closed part: what a definition could make a link of
        self._mode: OpenList | OpenTable | None = None

    def append(self, text: str) -> int:
        self._text += text
        return super().append(text)

    def whole(self, text: str) -> None:
        self._text += text
        super().whole(text)

    def _close(self, *, final: bool) -> None:
        again = True
        while again and self._open:
            if self._fence is not None:
                again = self._grow_fence(self._fence, final=final)
            else:
                again = self._close_blocks(final=final)
        if final and self._fence is not None:
            self._end_fence(self._fence)

    def _close_blocks(self, *, final: bool) -> bool:
        """Close the blocks that are complete; whether another round can close more."""
        complete = self._open if final else self._open[: self._open.rfind("\n") + 1]
        if not complete:
            return False
        prefix = self._mode.source if isinstance(self._mode, OpenTable) else ""
        text = prefix + complete
        source = text.split("\n")
        references = dict(self._layout.references)
        blocks = parse_blocks(text, references)
        closed = blocks if final else blocks[:-1]
        end = len(source) if final else closed[-1].last if closed else prefix.count("\n")
        if self._learn(references, end):
            self._start_over()
            return True
        self._drop_open()
        for number, block in enumerate(closed):
            self._write(block, source, first=number == 0)
        if closed:
            self._mode = None
            self._remember_names("\n".join(source[:end]))
        again = False
        if not final and blocks:
            end, again = self._enter(blocks[-1], source, end, first=not closed)
            if self._learn(references, end):
                self._start_over()
                return True
        self._open = "\n".join(source[end:]) + self._open[len(complete) :]
        self._closed, self._closed_codes = len(self.lines), len(self.codes)
        return again

    def _enter(self, block: Block, source: list[str], end: int, *, first: bool) -> tuple[int, bool]:
        """Close the part of the open block that is complete. Returns the first line that is not closed, and whether
        another round can close more."""
        if source[block.first][:1] in " \t":
            return end, False
        if block.kind == "fence":
            fence = Fence(self._layout.code_block(block.token.info, self._layout.frame()), block.token.markup)
            if block.last - 1 > block.first and fence.ends_with(source[block.last - 1]):
                return end, False
            self._separate()
            self._fence = fence
            return block.first + 1, True
        if block.kind == "table":
            return self._enter_table(block, source, end, first=first)
        if block.kind in ("bullet_list", "ordered_list") and len(block.children) > 1:
            return self._enter_list(block, source, end, first=first)
        return end, False

    def _enter_table(self, block: Block, source: list[str], end: int, *, first: bool) -> tuple[int, bool]:
        if not (first and isinstance(self._mode, OpenTable)):
            layout, rows = self._layout.table(block, self._layout.frame())
            if len(rows) < MEASURED:
                return end, False
            self._separate()
            self.lines += layout.header_lines()
            self._mode = OpenTable("\n".join(source[block.first : block.first + 2]) + "\n", layout, 0)
        self._mode.count += self._write_rows(self._mode, block)
        self._remember_names("\n".join(source[block.first : block.last]))
        if block.last < len(source) - 1:  # a blank line has ended it
            self._mode = None
        return block.last, False

    def _enter_list(self, block: Block, source: list[str], end: int, *, first: bool) -> tuple[int, bool]:
        *items, last = block.children
        if source[last.first][:1] in " \t":
            return end, False
        going = self._mode if first and isinstance(self._mode, OpenList) and self._mode.goes_on(block) else None
        number = (going.number if going else first_number(block)) + len(items)
        block.children = items
        self._write(block, source, first=first)
        self._mode = OpenList(block.kind, block.token.markup, number, blank_before(last, source))
        self._remember_names("\n".join(source[block.first : last.first]))
        return last.first, False

    def _write(self, block: Block, source: list[str], *, first: bool) -> None:
        """Add a top block to the lines, going on with what the closed part ends in."""
        if first and isinstance(self._mode, OpenTable):
            self._write_rows(self._mode, block)
        elif first and isinstance(self._mode, OpenList) and self._mode.goes_on(block):
            if self._mode.blank:
                self.lines.append(BLANK)
            self.lines += self._layout.items(block, self._layout.frame(), source, start=self._mode.number)
        else:
            self._separate()
            self.lines += self._layout.top(block, source)

    def _write_rows(self, table: OpenTable, block: Block) -> int:
        rows = self._layout.table(block, self._layout.frame())[1]
        for number, row in enumerate(rows, start=table.count):
            self.lines += table.layout.row_lines(row, number)
        return len(rows)

    def _separate(self) -> None:
        if self.lines:
            self.lines.append(BLANK)

    def _show_open(self) -> None:
        if self._fence is not None:
            self._fence.write(self.lines, self._closed, self._open)
            return
        self._drop_open()
        if not self._open:
            return
        text = (self._mode.source if isinstance(self._mode, OpenTable) else "") + self._open
        text = _FENCE_BEGUN.sub("", text)
        source = text.split("\n")
        known = self._layout.references
        self._layout.references = dict(known)
        for number, block in enumerate(parse_blocks(text, self._layout.references)):
            self._write(block, source, first=number == 0)
        self._layout.references = known

    # Reference definitions: the one thing that changes what is closed

    def _learn(self, references: References, end: int) -> bool:
        """Take over the definitions of the closed lines; whether one of them is for a name used before."""
        known = self._layout.references
        new = {name: to for name, to in references.items() if name not in known and to["map"][1] <= end}
        known.update(new)
        return not self._names.isdisjoint(new)

    def _remember_names(self, text: str) -> None:
        if "[" in text:
            from markdown_it.common.utils import normalizeReference

            self._names.update(normalizeReference(name) for name in _NAME.findall(text))

    def _start_over(self) -> None:
        self._reset = True
        self._open = self._text
        self._mode = self._fence = None
        self._closed = self._closed_codes = 0
        self._drop_open()
