"""Markdown as a tree of blocks. markdown-it is imported when the first Markdown is laid out, not before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

DEEPEST = 32  # blocks nested deeper than this are shown as they were written
LONGEST_INLINE = 8_000  # characters of one paragraph or cell; longer ones are shown as they were written

References = dict[str, Any]


@cache
def markdown() -> MarkdownIt:
    """CommonMark with tables and strikethrough. HTML is text; links are made by the author only."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    return parser.enable(["table", "strikethrough"])


class Block:
    """A block: its opening token and what is inside."""

    __slots__ = ("children", "token", "too_deep")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.children: list[Block] = []
        self.too_deep = token.level >= DEEPEST - 2

    @property
    def kind(self) -> str:
        return self.token.type.removesuffix("_open")

    @property
    def first(self) -> int:
        """Its first line in the parsed text, from 0."""
        return self.token.map[0] if self.token.map else 0

    @property
    def last(self) -> int:
        """The line after its last."""
        return self.token.map[1] if self.token.map else 0

    @property
    def text(self) -> str:
        """The inline source inside, for a block that holds just that."""
        return self.children[0].token.content if self.children else self.token.content


def parse_blocks(text: str, references: References) -> list[Block]:
    """The top blocks of a text. Its reference definitions are added to ``references``; the first of a name wins."""
    parser = markdown()
    tokens: list[Token] = []
    parser.block.parse(text, parser, {"references": references}, tokens)
    top: list[Block] = []
    open_blocks: list[Block] = []
    for token in tokens:
        if token.nesting < 0:
            closed = open_blocks.pop()
            if closed.too_deep and open_blocks:
                open_blocks[-1].too_deep = True
            continue
        block = Block(token)
        (open_blocks[-1].children if open_blocks else top).append(block)
        if token.nesting > 0:
            open_blocks.append(block)
    return top


def parse_inline(text: str, references: References) -> list[Token]:
    """The inline tokens of a paragraph."""
    parser = markdown()
    tokens: list[Token] = []
    parser.inline.parse(text, parser, {"references": references}, tokens)
    return tokens
