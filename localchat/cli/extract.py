"""The last code block of a reply, for ``ask --extract``."""

from __future__ import annotations


def last_block(markdown: str) -> str | None:
    """What stands between the last pair of fences, as CommonMark reads them; one that never closes ends with the text.
    None where there is none."""
    from markdown_it import MarkdownIt

    blocks = [token.content for token in MarkdownIt("commonmark").parse(markdown) if token.type == "fence"]
    return blocks[-1] if blocks else None
