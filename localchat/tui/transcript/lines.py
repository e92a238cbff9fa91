"""Laid out text, before it has colours: runs of one look, lines of runs, and wrapping."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes

# What a click on a run does: what, and on which part of the message (a block's number) or where to (an address).
Action = tuple[str, int | str]


class Look(NamedTuple):
    """How a run looks, as roles that a theme gives colours to (paint.ROLES)."""

    role: str = "text"
    bold: bool = False
    italic: bool = False
    strike: bool = False
    underline: bool = False
    action: Action | None = None


TEXT = Look()
Run = tuple[str, Look]


class Line:
    """One line of the transcript.

    ``start`` and ``stop`` bound the characters that are text, not decoration: what a selection copies. ``join`` stands
    between this line and the next in copied text: a newline, or what wrapping took away; None for a line that is all
    decoration and is left out.
    """

    __slots__ = ("join", "runs", "start", "stop")

    def __init__(self, runs: Iterable[Run], start: int = 0, stop: int | None = None, join: str | None = "\n") -> None:
        self.runs = tuple(run for run in runs if run[0])
        self.start = start
        self.stop = sum(len(text) for text, _ in self.runs) if stop is None else stop
        self.join = join

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.runs)

    @property
    def width(self) -> int:
        return sum(cell_len(text) for text, _ in self.runs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Line):
            return NotImplemented
        return (self.runs, self.start, self.stop, self.join) == (other.runs, other.start, other.stop, other.join)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Line({self.text!r}, {self.start}:{self.stop}, {self.join!r})"


BLANK = Line(())


class Frame(NamedTuple):
    """Where a block may write: the width left, and what stands before its first line and before all others."""

    width: int
    first: tuple[Run, ...] = ()
    rest: tuple[Run, ...] = ()

    def inside(self, first: tuple[Run, ...], rest: tuple[Run, ...]) -> Frame:
        """The frame within this one, behind further marks. Where it gets too narrow, outer marks give way, then all."""
        taken = marks_width(rest)
        if self.width - taken >= 8:
            return Frame(self.width - taken, (*self.first, *first), (*self.rest, *rest))
        whole = self.width + marks_width(self.rest)
        return Frame(whole - taken, first, rest) if whole - taken >= 4 else Frame(whole)

    def continued(self) -> Frame:
        """The frame after its first line has been written."""
        return self._replace(first=self.rest)


def marks_width(marks: tuple[Run, ...]) -> int:
    return sum(cell_len(text) for text, _ in marks)


# Characters that take one cell and that nothing joins onto: text of only these is measured by its length.
_SIMPLE = re.compile("[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25fc]*")


def is_simple(text: str) -> bool:
    return text.isascii() or _SIMPLE.fullmatch(text) is not None


# Never first on a line, where a line may break between wide characters.
_NOT_FIRST = frozenset("、。，．・：；？！）］｝」』】〉》〕’”…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ%‰")
_NO_BREAK_AFTER = frozenset("（［｛「『【〈《〔‘“ ")


class Piece(NamedTuple):
    """A part of a text that goes on one line, and what was taken away behind it (None: the text ends here)."""

    start: int
    stop: int
    join: str | None


def wrap_pieces(text: str, width: int) -> Iterator[Piece]:
    """Where to cut a text (without newlines) so that each line fits: at spaces, else wherever it must."""
    width = max(1, width)
    if is_simple(text):
        yield from _wrap_simple(text, width)
    else:
        yield from _wrap_wide(text, width)


def _wrap_simple(text: str, width: int) -> Iterator[Piece]:
    place, end = 0, len(text)
    while end - place > width:
        cut = text.rfind(" ", place, place + width + 1)
        if cut <= place or not text[place:cut].strip():
            yield Piece(place, place + width, "")
            place += width
            continue
        after = cut
        while after < end and text[after] == " ":
            after += 1
        stop = cut
        while stop > place and text[stop - 1] == " ":
            stop -= 1
        if after == end:
            break
        yield Piece(place, stop, text[stop:after])
        place = after
    stop = end
    while stop > place and text[stop - 1] == " ":
        stop -= 1
    yield Piece(place, stop, None)


def _graphemes(text: str) -> list[tuple[int, int, int]]:
    """Where each begins and ends, and its cells. Joiners at the beginning join nothing: rich lets the second of two
    swallow the letter behind it here, but not in ``cell_len``, by which lines are painted."""
    first = len(text) - len(text.lstrip("\u200d"))
    split = split_graphemes(text[first:])[0]
    return [(at, at + 1, 0) for at in range(first)] + [(first + at, first + to, cells) for at, to, cells in split]


def _wrap_wide(text: str, width: int) -> Iterator[Piece]:
    graphemes = _graphemes(text)
    start = 0  # of this line
    used = 0  # cells
    breakable: tuple[int, int, int] | None = None  # where this line may end, where the next begins, cells up to there
    last_wide = False
    index = 0
    while index < len(graphemes):
        at, to, size = graphemes[index]
        letter = text[at]
        wide = size == 2
        if letter == " " and to - at == 1:
            after = at
            while index < len(graphemes) and text[slice(*graphemes[index][:2])] == " ":
                after += 1
                index += 1
            if at > start:
                breakable = (at, after, used + after - at)
            while after - width > start == at:  # an indent wider than a line
                yield Piece(start, start + width, "")
                start, at = start + width, at + width
            used += after - at
            last_wide = False
            continue
        if (wide or last_wide) and at > start and letter not in _NOT_FIRST and text[at - 1] not in _NO_BREAK_AFTER:
            breakable = (at, at, used)
        while used + size > width and at > start:
            stop, after, before = breakable or (at, at, used)
            yield Piece(start, stop, text[stop:after])
            start, used, breakable = after, used - before, None
        used += size
        last_wide = wide
        index += 1
    yield Piece(start, start + len(text[start:].rstrip(" ")), None)


def slice_runs(runs: Sequence[Run], start: int, stop: int) -> list[Run]:
    """The runs of these characters of the whole."""
    out: list[Run] = []
    place = 0
    for text, look in runs:
        end = place + len(text)
        if end > start and place < stop:
            out.append((text[max(0, start - place) : stop - place], look))
        elif place >= stop:
            break
        place = end
    return out


def split_runs(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each line of a text that holds newlines."""
    lines: list[list[Run]] = [[]]
    for text, look in runs:
        first, *others = text.split("\n")
        if first:
            lines[-1].append((first, look))
        lines.extend([(part, look)] if part else [] for part in others)
    return lines


def wrap(runs: Sequence[Run], frame: Frame, hanging: int = 0) -> list[Line]:
    """Wrap runs into the frame; newlines in them are kept. ``hanging`` indents what was wrapped."""
    lines: list[Line] = []
    before = frame.first
    for row in split_runs(runs):
        text = "".join(part for part, _ in row)
        wrapped = False
        for piece in wrap_pieces(text, frame.width - hanging):
            body = row if piece.stop - piece.start == len(text) else slice_runs(row, piece.start, piece.stop)
            lines.append(framed(before, body, "\n" if piece.join is None else piece.join, wrapped=wrapped))
            before = (*frame.rest, (" " * hanging, TEXT)) if hanging else frame.rest
            wrapped = True
        before = frame.rest
    return lines


def framed(before: tuple[Run, ...], body: Iterable[Run], join: str | None = "\n", *, wrapped: bool = False) -> Line:
    """A line of text behind its marks. Bullets and the indents of items are text, but not where a line only goes on;
    rules at the left are decoration."""
    start = 0
    for text, look in before:
        if look.role != "rule" and not wrapped:
            break
        start += len(text)
    return Line((*before, *body), start=start, join=join)


@lru_cache(maxsize=256)
def spaces(count: int) -> str:
    return " " * max(0, count)
