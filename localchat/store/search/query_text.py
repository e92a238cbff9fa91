"""What was typed into a search: as FTS5 is asked for it, and as it is found again in a text to be shown.

Any text is a search. Words stand for themselves and for longer ones that begin with them; what is in quotes is found
as it stands. Case and the diacritics of Latin letters do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby, islice

from localchat.store.schema.search import PAIRED
from localchat.text import clean

MOST_TERMS = 24  # of one search; FTS5 allows no expression that is much deeper
LONGEST_TERM = 500  # letters; beyond them a term is not looked at
SNIPPET = 160  # letters of a snippet
_AROUND = 300  # letters before and behind a snippet in which the other half of a Markdown mark is looked for
# Markdown marks, which say nothing where nothing is drawn bold: pairs on one line, fences, headings and quotes. Stars
# that are not a pair around words (2 ** 3, *args) are somebody's text.
_PAIRS = (
    re.compile(r"(?<!\w)(\*{1,3})(?=[^\s*])[^\n]*?[^\s*](\1)(?!\w)"),
    re.compile(r"(?<!`)(`+)(?!`)[^\n`]+(?<!`)(\1)(?!`)"),
    re.compile(r"(?<!~)(~~)(?=[^\s~])[^\n]*?[^\s~](~~)"),
)
_STARTS = re.compile(r"^ {0,3}(?:#{1,6}[ \t]+|>[ \t]?|`{3,})", re.MULTILINE)

_TERMS = re.compile(r'"([^"]*)("?)|([^\s"]+)')
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "\0": " "})
_PAIRED = re.compile(f"[{PAIRED}]+")
# The vowel signs of Indic scripts, Hebrew and Arabic points: letters of a word for the index, but not for `re`.
_SIGNS = "".join(letter for letter in map(chr, range(0x0332, 0x0E00)) if unicodedata.category(letter)[0] == "M")
_LETTER = rf"(?:[^\W_{PAIRED}]|[{_SIGNS}])"
_GAP = r"[\W_]"
_MARK = "\u0300"  # stands in a folded text for each mark that FTS5 leaves out
_MOST_MATCHES = 60  # of one term in one text
_SPACES = re.compile(r"\s+")


class _Fold(dict[int, str]):
    """One letter for one letter, so that a place in the folded text is the same place in the text."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _folded(chr(code))
        return folded


def _folded(letter: str) -> str:
    if "\u0300" <= letter <= "\u0331":  # the marks that FTS5's unicode61 takes for diacritics
        return _MARK
    base = unicodedata.normalize("NFD", letter)[0]
    return (base if base.isascii() and base.isalpha() else letter).lower()[0]


_FOLD = _Fold()


def fold(text: str) -> str:
    """Without case and without the diacritics of Latin letters; as long as the text."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase. ``expression`` is FTS5's; ``pattern`` finds it in a folded text that holds ``core``.

    ``length``: how many letters of a beginning are known; 0 where it is looked up as it is, which costs nothing.
    ``head``: the expression of all that stands before the beginning; empty where nothing does.
    """

    expression: str
    pattern: re.Pattern[str]
    core: str
    length: int
    head: str

    def quick(self, least: int) -> str:
        """An expression that every text with this term answers to, without beginnings shorter than ``least``."""
        return self.expression if self.length == 0 or self.length >= least else self.head

    def may_be_in(self, folded: str) -> bool:
        """Whether it is worth while to look with the pattern, which is a hundred times slower."""
        return self.core in folded or _MARK in folded


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text on one line, cleaned, and where in it the search was found: (start, end)."""

    text: str
    matches: tuple[tuple[int, int], ...]


def terms_of(search: str) -> tuple[Term, ...]:
    """What is to be found, all of it; empty where nothing that was typed is a letter, a digit or an emoji."""
    found: list[Term] = []
    for quoted, closed, bare in islice(_TERMS.findall(_normal(search)), MOST_TERMS):
        term = _term((quoted or bare).strip()[:LONGEST_TERM], beginning=not closed)
        if term is not None and term not in found:
            found.append(term)
    return tuple(found)


def _normal(search: str) -> str:
    return unicodedata.normalize("NFC", search.encode(errors="replace").decode()).translate(_QUOTES)


def _kind(letter: str) -> str:
    """As the index sees it: a letter of a word, one that stands in pairs, or neither."""
    category = unicodedata.category(letter)
    if category[0] not in "LNM" and category not in ("So", "Co", "Cn"):
        return ""
    return "paired" if _PAIRED.match(letter) else "word"


def _term(text: str, *, beginning: bool) -> Term | None:
    pieces = [(kind, "".join(letters)) for kind, letters in groupby(text, _kind)]
    if not any(kind for kind, _ in pieces):
        return None
    kind, last = pieces[-1]
    # One letter of a script without spaces is always the beginning of its pairs, also in quotes.
    alone = kind == "paired" and not _PAIRED.match(text[-2:-1])
    open_ended = alone or (beginning and kind == "word")
    indexed = _in_pairs(text)
    return Term(
        expression=f'"{indexed}"' + ("*" if open_ended else ""),
        pattern=_pattern(pieces, open_ended),
        core=max((fold(piece).replace(_MARK, "") for kind, piece in pieces if kind), key=len),
        length=len(last) if open_ended else 0,
        head=f'"{indexed.rstrip().removesuffix(last)}"' if any(kind for kind, _ in pieces[:-1]) else "",
    )


def _in_pairs(text: str) -> str:
    """Written as in the index; without the last letter alone, which would say that the text ends there."""

    def pairs(run: re.Match[str]) -> str:
        letters = run[0]
        parts = [letters[at : at + 2] for at in range(len(letters) - 1)]
        if run.end() < len(text) or not parts:
            parts.append(letters[-1])
        return f" {' '.join(parts)} "

    return _PAIRED.sub(pairs, text).replace("\0", " ")


def _pattern(pieces: list[tuple[str, str]], open_ended: bool) -> re.Pattern[str]:
    parts: list[str] = []
    gap = False
    for place, (kind, piece) in enumerate(pieces):
        if not kind:
            gap = True
            continue
        if parts:
            parts.append(f"{_GAP}+" if gap else f"{_GAP}*")
        if kind == "word":
            letters = fold(piece).replace(_MARK, "")
            end = "" if open_ended and place == len(pieces) - 1 else f"(?!{_LETTER})"
            parts.append(f"(?<!{_LETTER})" + "".join(f"{re.escape(letter)}{_MARK}*" for letter in letters) + end)
        else:
            parts.append(re.escape(fold(piece)))
        gap = False
    return re.compile("".join(parts))


def holds(folded: str, terms: tuple[Term, ...]) -> bool:
    """Whether all of it is in the text."""
    return all(term.may_be_in(folded) and term.pattern.search(folded) for term in terms)


def snippet(text: str, terms: tuple[Term, ...], room: int = SNIPPET) -> Snippet:
    """The first piece of the text that holds most of the terms; its beginning where it holds none."""
    folded = fold(text)
    spans = sorted(
        (found.start(), found.end(), number)
        for number, term in enumerate(terms)
        if term.may_be_in(folded)
        for found in islice(term.pattern.finditer(folded), _MOST_MATCHES)
        if found.end() > found.start()
    )
    start, stop = _window(text, _best(spans, room), room)
    return _drawn(text, [(begin, end) for begin, end, _ in spans if begin < stop and end > start], start, stop)


def _best(spans: list[tuple[int, int, int]], room: int) -> int:
    """Where the span begins after which most terms stand near together."""
    reach = room * 3 // 4
    best, place = 0, 0
    for at, (begin, _, _) in enumerate(spans):
        near = {number for start, _, number in islice(spans, at, at + _MOST_MATCHES) if start < begin + reach}
        if len(near) > best:
            best, place = len(near), begin
    return place


def _window(text: str, place: int, room: int) -> tuple[int, int]:
    """A piece of that length around the place, from and to the end of a word where one is near."""
    start = max(0, min(place - room // 5, len(text) - room))
    if start:
        space = _SPACES.search(text, start, min(start + 20, place))
        start = space.end() if space else start
    stop = min(len(text), start + room)
    if stop < len(text):
        cut = max(text.rfind(" ", stop - 20, stop), text.rfind("\n", stop - 20, stop))
        stop = cut if cut > place else stop
    return start, stop


def _marks(text: str, start: int, stop: int) -> set[int]:
    """Where the Markdown marks of that piece of the text stand."""
    begin, end = max(0, start - _AROUND), stop + _AROUND
    begin = text.rfind("\n", begin, start) + 1 or begin  # a mark at the start of a line is none within it
    piece = text[begin:end]
    spans = [found.span(half) for pattern in _PAIRS for found in pattern.finditer(piece) for half in (1, 2)]
    if begin and text[begin - 1] != "\n":
        spans += [found.span() for found in _STARTS.finditer(piece) if found.start()]
    else:
        spans += [found.span() for found in _STARTS.finditer(piece)]
    return {begin + at for a, b in spans for at in range(a, b)}


def _drawn(text: str, spans: list[tuple[int, int]], start: int, stop: int) -> Snippet:
    marks = _marks(text, start, stop)

    def piece(begin: int, end: int) -> str:
        if not marks:
            return text[begin:end]
        return "".join(text[at] for at in range(begin, end) if at not in marks)

    line = "…" if start else ""
    matches: list[tuple[int, int]] = []
    at = start
    for begin, end in spans:
        begin, end = max(begin, at), min(end, stop)
        if begin >= end:
            continue
        line = _joined(line, piece(at, begin))
        before = len(line)
        line = _joined(line, piece(begin, end))
        if len(line) > before:
            matches.append((before, len(line)))
        at = end
    line = _joined(line, piece(at, stop)).rstrip()
    end = len(line)
    return Snippet(line + ("…" if stop < len(text) else ""), tuple((a, min(b, end)) for a, b in matches if a < end))


def _joined(line: str, more: str) -> str:
    more = _SPACES.sub(" ", clean(more))
    return line + (more.lstrip() if not line or line.endswith((" ", "…")) else more)
