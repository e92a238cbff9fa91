"""One entry as lines: notices, who spoke, the thought, the text."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from textual.strip import Strip

from localchat.text import clean, count, one_line
from localchat.tui.widgets.transcript.entries import Entry, Notice
from localchat.tui.widgets.transcript.flow import Flow, PlainFlow
from localchat.tui.widgets.transcript.lines import BLANK, TEXT, Frame, Line, Look, Run, spaces, wrap

MARGIN = 2  # cells left free at both sides; the cursor is drawn in the left one


class Folds(Protocol):
    """What a person folded or unfolded."""

    def thought_open(self, key: int) -> bool: ...


def notice_lines(notice: Notice, width: int) -> list[Line]:
    """``─ gpt-4o was removed. qwen3:8b answers now. ───────``"""
    look = Look(notice.kind)
    rule = Look("rule")
    text = one_line(notice.text)
    lines = wrap([(text, look)], Frame(max(1, width - 4), (("─ ", rule),), (("  ", rule),)))
    last = lines[-1]
    room = width - last.width - 1
    if room > 2:
        lines[-1] = Line((*last.runs, (" " + "─" * room, rule)), last.start, last.stop, last.join)
    return lines


def speaker_line(entry: Entry, width: int) -> Line:
    """Who spoke at the left, when and how long at the right. The name gives way last."""
    aside = one_line(entry.aside)
    marks: list[Run] = []
    if entry.version:
        marks.append((f"  {one_line(entry.version)}", Look("aside")))
    if entry.removed:
        marks.append(("  ⊘ removed", Look("removed")))
    taken = sum(cell_len(text) for text, _ in marks)
    name = one_line(entry.speaker) or entry.role
    if cell_len(name) + taken > width:
        name = cut(name, max(4, width - taken))
    left: list[Run] = [(name, Look("you" if entry.role == "user" else "speaker")), *marks]
    used = sum(cell_len(text) for text, _ in left)
    stop = sum(len(text) for text, _ in left)
    room = width - used - cell_len(aside)
    if aside and room >= 2:
        left += [(spaces(room), TEXT), (aside, Look("aside"))]
    return Line(left, stop=stop)


def cut(text: str, width: int) -> str:
    """The text in so many cells, with an ellipsis where it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)).rstrip() + "…"


class Item:
    """One entry laid out at a width. ``flow`` holds the text and can grow; all else stands around it."""

    def __init__(self, entry: Entry, width: int, folds: Folds) -> None:
        self.entry = entry
        self.width = width
        self.folds = folds
        self.strips: dict[int, Strip] = {}  # painted lines, by number; the view's own
        self.flow: Flow = PlainFlow(width)
        self.flow.append(clean(entry.content))
        if not entry.live:
            self.flow.finish()
        self.around()

    def at_width(self, width: int) -> Item:
        return Item(self.entry, width, self.folds)

    def append(self, text: str, reasoning: str) -> None:
        """Grow. The text so far stays where it is; only what is still open is laid out again."""
        entry = self.entry
        self.entry = replace(entry, content=entry.content + text, reasoning=entry.reasoning + reasoning)
        if text:
            stable = len(self.head) + self.flow.append(clean(text))
            for number in [number for number in self.strips if number >= stable]:
                del self.strips[number]
        if reasoning or bool(text) != bool(entry.content):
            self.around()

    def conclude(self, entry: Entry) -> None:
        """The final state. Where the text is what was streamed, its layout stays."""
        if entry.content == self.entry.content:
            self.flow.finish()
        else:
            self.flow = PlainFlow(self.width)
            self.flow.append(clean(entry.content))
            self.flow.finish()
        self.entry = entry
        self.around()

    def around(self) -> None:
        """Lay out anew what stands around the text."""
        self.strips.clear()
        entry, width = self.entry, self.width
        head: list[Line] = []
        for notice in entry.before:
            head += [*notice_lines(notice, width), BLANK]
        head.append(speaker_line(entry, width))
        head += self._thought()
        self.head = head
        tail: list[Line] = []
        for notice in entry.after:
            tail += notice_lines(notice, width)
        self.tail = [*tail, BLANK]

    def _thought(self) -> list[Line]:
        if not self.entry.reasoning.strip():
            return []
        words = len(self.entry.reasoning.split())
        opened = self.folds.thought_open(self.entry.key)
        look = Look("fold", action=("thought", self.entry.key))
        lines = [Line([(f"{'▾' if opened else '▸'} Thought ({count(words, 'word')})", look)])]
        if opened:
            body = clean(self.entry.reasoning).strip()
            mark = (("│ ", Look("rule")),)
            lines += wrap([(body, Look("thought"))], Frame(max(1, self.width - 2), mark, mark))
            lines.append(BLANK)
        return lines

    @property
    def height(self) -> int:
        return len(self.head) + len(self.flow.lines) + len(self.tail)

    def line(self, number: int) -> Line:
        if number < len(self.head):
            return self.head[number]
        number -= len(self.head)
        if number < len(self.flow.lines):
            return self.flow.lines[number]
        return self.tail[number - len(self.flow.lines)]
