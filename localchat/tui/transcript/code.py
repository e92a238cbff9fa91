"""Code blocks: coloured in chunks, so that a growing block is never coloured again from its beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, chop_cells

from localchat.text import count, one_line
from localchat.tui.transcript.lines import Frame, Line, Look, Run, is_simple, slice_runs, spaces

if TYPE_CHECKING:
    from pygments.lexer import Lexer

CHUNK = 16  # lines coloured together; a chunk ends at the next blank line,
LONGEST_CHUNK = 32  # or here
LONGEST_COLOURED = 1_000  # characters of a line; lexers can take very long over longer ones
FOLDABLE = 40  # blocks of more lines than this can be folded,
FOLDED = 8  # to this many

CODE = Look("code")
LABEL = Look("code-label")
_PAD = 2  # cells between the left edge of the block and its text

# Pygments' token types, by name, and the roles they are shown in; a type without one takes its parent's.
_ROLES = {
    "Token.Keyword": "token-keyword",
    "Token.Keyword.Type": "token-type",
    "Token.Literal.String": "token-string",
    "Token.Literal.Number": "token-number",
    "Token.Literal.Date": "token-number",
    "Token.Comment": "token-comment",
    "Token.Comment.Preproc": "token-keyword",
    "Token.Comment.PreprocFile": "token-string",
    "Token.Name.Function": "token-name",
    "Token.Name.Class": "token-type",
    "Token.Name.Decorator": "token-name",
    "Token.Name.Builtin": "token-name",
    "Token.Name.Builtin.Pseudo": "token-keyword",
    "Token.Name.Tag": "token-keyword",
    "Token.Name.Attribute": "token-name",
    "Token.Name.Exception": "token-type",
    "Token.Operator": "token-operator",
    "Token.Operator.Word": "token-keyword",
    "Token.Punctuation": "token-operator",
    "Token.Generic.Deleted": "token-error",
    "Token.Generic.Inserted": "token-string",
    "Token.Generic.Heading": "token-type",
    "Token.Generic.Subheading": "token-type",
    "Token.Generic.Prompt": "token-comment",
    "Token.Generic.Output": "token-comment",
    "Token": "code",
}


@cache
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _look(token_type: object) -> Look:
    kind = token_type
    while (role := _ROLES.get(str(kind))) is None:
        kind = kind.parent  # type: ignore[attr-defined]
    return CODE if role == "code" else Look(role)


def load_lexers() -> None:
    """Load what the first code of all would wait for; to be run in a thread."""
    coloured("pass", "python")


State = tuple[str, ...]  # of a lexer, between two chunks
ROOT: State = ("root",)


def _tokens(lexer: Lexer, text: str, stack: list[str]) -> Iterator[tuple[object, str]]:
    """Tokens of a text that begins in this state; ``stack`` ends as the state after it.

    Pygments' own loop keeps its stack to itself; this is that loop (``RegexLexer.get_tokens_unprocessed``), telling.
    """
    from pygments.lexer import RegexLexer
    from pygments.token import Error, Whitespace, _TokenType

    if type(lexer).get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
        for _, kind, value in lexer.get_tokens_unprocessed(text):
            yield kind, value
        return
    definitions: dict[str, Any] = lexer._tokens
    place = 0
    rules = definitions[stack[-1]]
    while True:
        for matches, action, new_state in rules:
            match = matches(text, place)
            if not match:
                continue
            if action is not None:
                if type(action) is _TokenType:
                    yield action, match.group()
                else:
                    for _, kind, value in action(lexer, match):
                        yield kind, value
            place = match.end()
            if new_state is not None:
                _step(stack, new_state)
                rules = definitions[stack[-1]]
            break
        else:
            if place >= len(text):
                return
            if text[place] == "\n":
                stack[:] = ROOT
                rules = definitions["root"]
                yield Whitespace, "\n"
            else:
                yield Error, text[place]
            place += 1


def _step(stack: list[str], new_state: object) -> None:
    """What a rule's new state does to the stack, which keeps at least one."""
    if isinstance(new_state, tuple):
        for state in new_state:
            if state == "#pop":
                del stack[max(1, len(stack) - 1) :]
            else:
                stack.append(stack[-1] if state == "#push" else state)
    elif isinstance(new_state, int):
        del stack[max(1, len(stack) + new_state) :]
    else:
        stack.append(stack[-1])  # "#push"


@lru_cache(maxsize=32)
def coloured(code: str, language: str, state: State = ROOT) -> tuple[tuple[tuple[Run, ...], ...], State]:
    """The runs of each line, and the lexer's state after the last one. Unknown languages stay plain."""
    rows = code.split("\n")
    lexer = _lexer(language) if language else None
    if lexer is None or any(len(row) > LONGEST_COLOURED for row in rows):
        return tuple(((row, CODE),) if row else () for row in rows), state
    stack = list(state)
    lines: list[list[Run]] = [[]]
    for kind, value in _tokens(lexer, code + "\n", stack):
        look = _look(kind)
        first, *others = value.split("\n")
        if first:
            lines[-1].append((first, look))
        lines.extend([(part, look)] if part else [] for part in others)
    lines.pop()
    if len(lines) != len(rows):  # a lexer that does not give back what it got
        return tuple(((row, CODE),) if row else () for row in rows), state
    return tuple(tuple(line) for line in lines), tuple(stack)


@dataclass(frozen=True)
class CodeView:
    """How code is to be shown: which blocks of a message are folded, and whether there are colours yet."""

    folded: Callable[[int], bool] = lambda _: False
    coloured: bool = True


class CodeBlock:
    """One block of code at one width, growing line by line.

    Complete chunks are laid out once; only the last, unfinished one is coloured and laid out again. What a chunk looks
    like depends on what is before it alone, so a block that grew looks like the same block laid out at once.
    """

    def __init__(self, number: int, language: str, frame: Frame, view: CodeView) -> None:
        self.number = number
        self.label = one_line(language)[:40]
        self.language = (self.label.split() or [""])[0].strip("{}.").lower() if view.coloured else ""
        self.frame = frame
        self.folded = view.folded(number)
        self.rows: list[str] = []  # the source
        self._state = ROOT
        self._chunk: list[str] = []  # rows of the open chunk
        self._closed: list[Line] = []  # lines of the closed ones

    @property
    def source(self) -> str:
        return "".join(row + "\n" for row in self.rows)

    def feed(self, rows: Sequence[str]) -> None:
        for row in rows:
            self.rows.append(row)
            self._chunk.append(row)
            length = len(self._chunk)
            if (length >= CHUNK and not row.strip()) or length >= LONGEST_CHUNK:
                self._close_chunk()

    def _close_chunk(self) -> None:
        lines, self._state = self._layout(self._chunk, self._state)
        self._closed += lines
        self._chunk = []

    def closed_lines(self) -> list[Line]:
        """Lines that further text cannot change, without the header."""
        return self._closed

    def open_lines(self, partial: str = "") -> list[Line]:
        """The lines that may still change, with a row that is not complete yet."""
        rows = [*self._chunk, partial] if partial else self._chunk
        return self._layout(rows, self._state)[0] if rows else []

    def lines(self) -> list[Line]:
        """All of it, as it stands."""
        if self.folded and len(self.rows) > FOLDABLE:
            shown = self._layout(self.rows[:FOLDED], ROOT)[0]
            return [self.header(), *shown, self._more()]
        return [self.header(), *self._closed, *self.open_lines()]

    def header(self) -> Line:
        """The language at the left; what can be done at the right."""
        width = self.frame.width
        buttons: list[Run] = []
        if len(self.rows) > FOLDABLE:
            buttons.append((" unfold " if self.folded else " fold ", LABEL._replace(action=("fold", self.number))))
        buttons.append((" copy ", LABEL._replace(action=("copy", self.number))))
        taken = sum(len(text) for text, _ in buttons)
        label = self.label or "text"
        if cell_len(label) > width - taken - _PAD - 1:
            label = ""
        gap = width - _PAD - cell_len(label) - taken
        runs = [(spaces(_PAD) + label + spaces(gap), LABEL), *buttons] if gap >= 0 else [(spaces(width), LABEL)]
        return Line((*self.frame.first, *runs), stop=0, join=None)

    def _more(self) -> Line:
        text = f"▸ {count(len(self.rows) - FOLDED, 'more line')}"
        look = LABEL._replace(action=("fold", self.number))
        runs = [(spaces(_PAD), LABEL), (text, look), (spaces(self.frame.width - _PAD - cell_len(text)), LABEL)]
        return Line((*self.frame.rest, *runs), stop=0, join=None)

    def _layout(self, rows: list[str], state: State) -> tuple[list[Line], State]:
        lines: list[Line] = []
        shown, after = coloured("\n".join(row.expandtabs(4) for row in rows), self.language, state)
        for runs in shown:
            self._lay_out_row(runs, lines)
        return lines, after

    def _lay_out_row(self, runs: tuple[Run, ...], lines: list[Line]) -> None:
        """One row of code, cut where it is too long; what is cut off goes on below a mark."""
        before = self.frame.rest
        room = max(1, self.frame.width - _PAD)
        start = sum(len(text) for text, _ in before) + _PAD
        text = "".join(part for part, _ in runs)
        if len(text) <= room and (is_simple(text) or cell_len(text) <= room):
            used = len(text) if is_simple(text) else cell_len(text)
            pad = (spaces(self.frame.width - _PAD - used), CODE)
            lines.append(Line((*before, (spaces(_PAD), CODE), *runs, pad), start, start + len(text)))
            return
        place = 0
        parts = chop_cells(text, room)
        for number, part in enumerate(parts, start=1):
            body = slice_runs(runs, place, place + len(part))
            mark = "↪ " if place else spaces(_PAD)
            pad = (spaces(self.frame.width - _PAD - cell_len(part)), CODE)
            place += len(part)
            join = "\n" if number == len(parts) else ""
            lines.append(Line((*before, (mark, LABEL), *body, pad), start, start + len(part), join))
