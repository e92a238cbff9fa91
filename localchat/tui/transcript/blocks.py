"""Markdown blocks to lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localchat.tui.transcript.code import CodeBlock, CodeView
from localchat.tui.transcript.inline import inline_runs, safe_text
from localchat.tui.transcript.lines import Frame, Line, Look, Run, framed, wrap
from localchat.tui.transcript.parsing import Block, References
from localchat.tui.transcript.table import Row, TableLayout

_BULLETS = "•◦▪"
_TASK = re.compile(r"\[([ xX])\](?=\s)")
MARKER = Look("marker")
RULE = Look("rule")


class Layout:
    """Lays out blocks at one width. ``codes`` collects the code blocks met, in order: their place is their number."""

    def __init__(self, width: int, references: References, view: CodeView) -> None:
        self.width = width
        self.references = references
        self.view = view
        self.codes: list[str] = []

    def frame(self) -> Frame:
        return Frame(self.width)

    def top(self, block: Block, source: Sequence[str]) -> list[Line]:
        """A top block; ``source`` are the lines it was parsed from."""
        if block.too_deep and block.kind not in ("bullet_list", "ordered_list"):
            return as_written(block, source, self.frame())
        return self.block(block, self.frame(), source)

    def block(self, block: Block, frame: Frame, source: Sequence[str], look: Look = Look()) -> list[Line]:  # noqa: B008
        kind = block.kind
        if kind == "paragraph":
            return wrap(self.runs(block.text, look), frame)
        if kind == "heading":
            level = int(block.token.tag[1:])
            return wrap(self.runs(block.text, Look("heading" if level < 4 else "subheading", bold=True)), frame)
        if kind in ("fence", "code_block"):
            return self._code(block, frame)
        if kind in ("bullet_list", "ordered_list"):
            return self.items(block, frame, source, look=look)
        if kind == "blockquote":
            mark = (("▎ ", RULE),)
            return self.inside(block.children, frame.inside(mark, mark), source, look._replace(role="quote"))
        if kind == "hr":
            return [Line((*frame.first, ("─" * frame.width, RULE)), stop=0, join=None)]
        if kind == "table":
            layout, rows = self.table(block, frame)
            lines = layout.header_lines()
            for number, row in enumerate(rows):
                lines += layout.row_lines(row, number)
            return lines
        return plain_lines(block.token.content, frame)

    def runs(self, text: str, look: Look) -> list[Run]:
        return inline_runs(text, look, self.references)

    def inside(self, blocks: Sequence[Block], frame: Frame, source: Sequence[str], look: Look) -> list[Line]:
        """Blocks within a block: apart where the author left a line blank between them."""
        lines: list[Line] = []
        for number, block in enumerate(blocks):
            if number:
                if blank_before(block, source):
                    lines.append(framed(frame.rest, ()))
                frame = frame.continued()
            lines += self.block(block, frame, source, look)
        return lines or [framed(frame.first, ())]

    def items(
        self,
        block: Block,
        frame: Frame,
        source: Sequence[str],
        *,
        start: int | None = None,
        look: Look = Look(),  # noqa: B008
    ) -> list[Line]:
        """The items of a list. ``start`` overrides its first number, where it goes on from an earlier part."""
        lines: list[Line] = []
        number = start if start is not None else first_number(block)
        for place, item in enumerate(block.children):
            if place and blank_before(item, source):
                lines.append(framed(frame.rest, ()))
            lines += self._item(block, item, number + place, frame if not lines else frame.continued(), source, look)
        return lines

    def _item(
        self, block: Block, item: Block, number: int, frame: Frame, source: Sequence[str], look: Look
    ) -> list[Line]:
        if item.too_deep:
            return as_written(item, source, frame)
        if block.kind == "ordered_list":
            mark = f"{number:>2}{block.token.markup} "
        else:
            mark = f"{_BULLETS[(block.token.level // 2) % len(_BULLETS)]} "
        blocks = item.children
        if blocks and blocks[0].kind == "paragraph" and (task := _TASK.match(blocks[0].text)):
            mark = "☐ " if task[1] == " " else "☑ "
            blocks[0].children[0].token.content = blocks[0].text[4:]
        indent = (" " * len(mark), MARKER._replace(role="text"))
        return self.inside(blocks, frame.inside(((mark, MARKER),), (indent,)), source, look)

    def _code(self, block: Block, frame: Frame) -> list[Line]:
        code = self.code_block(block.token.info, frame)
        source = block.token.content
        code.feed(source.removesuffix("\n").split("\n") if source else [])
        self.codes.append(code.source)
        return code.lines()

    def code_block(self, info: str, frame: Frame) -> CodeBlock:
        return CodeBlock(len(self.codes), info, frame, self.view)

    def table(self, block: Block, frame: Frame) -> tuple[TableLayout, list[Row]]:
        """The layout of a table and its rows, without the header."""
        rows = [self._row(row) for part in block.children for row in part.children]
        aligns = [str(cell.token.attrs.get("style", "")).partition(":")[2] for cell in _header(block).children]
        return TableLayout(rows[0], rows[1:], aligns, frame), rows[1:]

    def _row(self, row: Block) -> Row:
        return [inline_runs(cell.text, Look(), self.references, cell=True) for cell in row.children]


def _header(table: Block) -> Block:
    return table.children[0].children[0]


def first_number(block: Block) -> int:
    return int(block.token.attrs.get("start", 1))


def blank_before(block: Block, source: Sequence[str]) -> bool:
    """Whether a blank line stands before this block; lists are set apart as their author did, item by item."""
    return 0 < block.first <= len(source) and not source[block.first - 1].strip(" \t>")


def as_written(block: Block, source: Sequence[str], frame: Frame) -> list[Line]:
    """A block nested too deeply to be laid out, as its author typed it."""
    return plain_lines("\n".join(source[block.first : block.last]).rstrip("\n"), frame)


def plain_lines(text: str, frame: Frame, look: Look = Look()) -> list[Line]:  # noqa: B008
    """Text as it was written, wrapped."""
    return wrap([(safe_text(text), look)], frame)
