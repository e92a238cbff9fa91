"""One entry as lines: notices, who spoke, the thought, the text."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from rich.cells import cell_len, set_cell_size
from textual.strip import Strip

from localchat.text import clean, count, one_line
from localchat.tui.transcript.code import CodeView
from localchat.tui.transcript.entries import Entry, Notice
from localchat.tui.transcript.flow import Flow, MarkdownFlow, PlainFlow
from localchat.tui.transcript.lines import BLANK, TEXT, Frame, Line, Look, Run, spaces, wrap

MARGIN = 2  # cells left free at the left of an item; the cursor is drawn there
SHOWN = 32_000  # characters of a message laid out at first; the rest is a click away
THOUGHT_MARK = (("│ ", Look("rule")),)


class Folds(Protocol):
    """What a person folded or unfolded, and whether code has colours yet."""

    @property
    def coloured(self) -> bool: ...

    def thought_open(self, key: int) -> bool: ...

    def code_folded(self, key: int, number: int) -> bool: ...


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
    """Who spoke at the left, when and how long at the right. Where it is narrow, the name gives way last."""
    aside = one_line(entry.aside)
    name = one_line(entry.speaker) or entry.role
    version = (f"  {one_line(entry.version)}", Look("aside")) if entry.version else ("", TEXT)
    removed = ("  ⊘ removed", Look("removed")) if entry.removed else ("", TEXT)
    room = width - min(cell_len(name), 8)
    marks: list[Run] = []
    for mark in (removed, version) if cell_len(removed[0]) <= room else ((" ⊘", Look("removed")),):
        if cell_len(mark[0]) <= room:
            marks.insert(0, mark)
            room -= cell_len(mark[0])
    taken = sum(cell_len(text) for text, _ in marks)
    left: list[Run] = [(cut(name, width - taken), Look("you" if entry.role == "user" else "speaker")), *marks]
    used = sum(cell_len(text) for text, _ in left)
    stop = sum(len(text) for text, _ in left)
    room = width - used - cell_len(aside)
    if aside and room >= 2:
        left += [(spaces(room), TEXT), (aside, Look("aside"))]
    return Line(left, stop=stop)


def cut(text: str, width: int) -> str:
    """The text in so many cells, with an ellipsis where it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)).rstrip() + "…"


def shown_part(text: str) -> int:
    """How much of a message is laid out at first: all, or up to the last line end within reach."""
    if len(text) <= SHOWN + SHOWN // 4:
        return len(text)
    cut_at = text.rfind("\n", SHOWN // 2, SHOWN)
    return cut_at + 1 if cut_at > 0 else SHOWN


class Item:
    """One entry laid out at a width. Its text and its thought can grow; all else stands around them."""

    def __init__(self, entry: Entry, width: int, folds: Folds) -> None:
        self.entry = entry
        self.width = max(1, width)
        self.folds = folds
        self.strips: dict[int, Strip] = {}  # painted lines, by number: the view's own
        self.rest = ""  # what is not laid out yet
        self._held = ""  # what came, and is waiting for what follows
        self.flow = self._lay_out_text()
        self.thought: Flow | None = None
        self.around()

    def _lay_out_text(self) -> Flow:
        entry = self.entry
        text = clean(entry.content)
        shown = len(text) if entry.live else shown_part(text)
        self.rest = text[shown:]

        def folded(number: int) -> bool:
            return self.folds.code_folded(entry.key, number)

        view = CodeView(folded, self.folds.coloured)
        flow: Flow = PlainFlow(self.width, view) if entry.role == "user" else MarkdownFlow(self.width, view)
        if entry.live or self.rest:
            flow.append(text[:shown])
        else:
            flow.whole(text)
        return flow

    def at_width(self, width: int) -> Item:
        return Item(self.entry, width, self.folds)

    # Growing

    def append(self, text: str, reasoning: str) -> int:
        """Grow. What is closed stays where it is; only what is still open is laid out again. Returns the first line
        that is another now."""
        entry = self.entry
        text, self._held = self._held + text, ""
        if text.endswith("\r"):  # half of a line end, perhaps
            text, self._held = text[:-1], "\r"
        self.entry = replace(entry, content=entry.content + text, reasoning=entry.reasoning + reasoning)
        first = self.height
        if text:
            first = self._text_top + self.flow.append(clean(text))
            self._keep_strips(first)
        if reasoning or (text and not entry.content):
            if reasoning and self.thought is not None:
                self.thought.append(clean(reasoning))
            self.around()
            return 0
        return first

    def show_more(self, size: int = SHOWN) -> bool:
        """Lay out more of a long message; whether there is more still."""
        part, self.rest = self.rest[:size], self.rest[size:]
        self._keep_strips(self._text_top + self.flow.append(part))
        if not self.rest:
            self.flow.finish()
            self.around()
        else:
            self._lay_out_tail()
        return bool(self.rest)

    def conclude(self, entry: Entry) -> None:
        """The final state. Where the text is what was streamed, its layout stays."""
        same = entry.content == self.entry.content
        self.entry = replace(entry, live=False)
        if same:
            self.flow.finish()
        else:
            self.flow = self._lay_out_text()
        self.around()

    def refold(self) -> None:
        """Lay out the text anew: one of its code blocks is to be shown otherwise."""
        shown = len(clean(self.entry.content)) - len(self.rest)
        rest = self.rest
        self.flow = self._lay_out_text()
        while self.rest and len(self.rest) > len(rest):
            self.show_more(shown)
        self.around()

    def _keep_strips(self, first: int) -> None:
        """Forget the painted lines from this one on."""
        if len(self.strips) and max(self.strips) >= first:
            self.strips = {number: strip for number, strip in self.strips.items() if number < first}

    # What stands around the text

    def around(self) -> None:
        self.strips.clear()
        entry, width = self.entry, self.width
        head: list[Line] = []
        for notice in entry.before:
            head += notice_lines(notice, width)
        if head:
            head.append(BLANK)
        head.append(speaker_line(entry, width))
        head += [Line([(cut(one_line(each), width), Look("aside"))]) for each in entry.attachments]
        if entry.reasoning.strip():
            head.append(self._thought_line())
        self.head = head
        self._lay_out_thought()
        self._lay_out_tail()

    def _thought_line(self) -> Line:
        entry = self.entry
        words = count(len(entry.reasoning.split()), "word")
        mark = "▾" if self.folds.thought_open(entry.key) else "▸"
        verb = "Thinking" if entry.live and not entry.content else "Thought"
        return Line([(cut(f"{mark} {verb} ({words})", self.width), Look("fold", action=("thought", entry.key)))])

    def _lay_out_thought(self) -> None:
        if not (self.entry.reasoning.strip() and self.folds.thought_open(self.entry.key)):
            self.thought = None
        elif self.thought is None:
            self.thought = PlainFlow(self.width, look=Look("thought"), mark=THOUGHT_MARK, fences=False)
            self.thought.append(clean(self.entry.reasoning).lstrip("\n"))

    def _lay_out_tail(self) -> None:
        tail: list[Line] = []
        if self.rest:
            more = f"▸ Show all ({len(self.rest):,} more characters)"
            tail.append(Line([(cut(more, self.width), Look("fold", action=("more", self.entry.key)))], join=None))
        for notice in self.entry.after:
            tail += notice_lines(notice, self.width)
        self.tail = [*tail, BLANK]

    # Reading it

    @property
    def shown_text(self) -> str:
        """The part of the text that is laid out."""
        text = clean(self.entry.content)
        return text[: len(text) - len(self.rest)]

    def whole(self) -> Flow:
        """The text with nothing left out."""
        return Item(replace(self.entry, live=True), self.width, self.folds).flow if self.rest else self.flow

    def links(self) -> list[str]:
        """The addresses that can be opened, in order, each once."""
        actions = (look.action for line in self.flow.lines for _, look in line.runs)
        return list(dict.fromkeys(str(action[1]) for action in actions if action is not None and action[0] == "link"))

    @property
    def _text_top(self) -> int:
        """The number of the text's first line."""
        thought = len(self.thought.lines) + 1 if self.thought is not None else 0
        return len(self.head) + thought

    @property
    def height(self) -> int:
        return self._text_top + len(self.flow.lines) + len(self.tail)

    @property
    def last_text_line(self) -> int:
        return self._text_top + len(self.flow.lines) - 1

    def line(self, number: int) -> Line:
        if number < len(self.head):
            return self.head[number]
        number -= len(self.head)
        if self.thought is not None:
            if number <= len(self.thought.lines):
                return self.thought.lines[number] if number < len(self.thought.lines) else BLANK
            number -= len(self.thought.lines) + 1
        if number < len(self.flow.lines):
            return self.flow.lines[number]
        return self.tail[number - len(self.flow.lines)]


class NoFolds:
    """Everything as it is at first."""

    coloured = True

    def thought_open(self, key: int) -> bool:
        return False

    def code_folded(self, key: int, number: int) -> bool:
        return False


def layout_lines(entry: Entry, width: int) -> list[str]:
    """The entry as lines of text, as a person would read them in a transcript of this width."""
    item = Item(entry, width, NoFolds())
    return [item.line(number).text.rstrip() for number in range(item.height)]
