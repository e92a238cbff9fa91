"""Markdown for a terminal while it still comes: a word is shown as soon as its marks are closed."""

from __future__ import annotations

import re

_RESET = "\x1b[0m"
_BOLD, _DIM, _ITALIC, _UNDERLINED, _CODE = "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m", "\x1b[36m"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6} +(.*?)(?: +#+)? *$")
_RULE = re.compile(r" {0,3}([-*_])(?: *\1){2,} *$")
_ITEM = re.compile(r"( *)[-*+] +")
_QUOTE = re.compile(r" {0,3}> ?")
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)(?!`)"
    r"|\*\*(?P<bold>\S(?:.*?\S)?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^\s*](?:[^*]*[^\s*])?)\*(?!\*)"
    r"|(?<!\w)_(?P<line>[^\s_](?:[^_]*[^\s_])?)_(?!\w)"
    r"|\[(?P<label>[^\]\[]+)\]\((?P<target>[^)\s]+)\)"
)
_MARKS = re.compile(r"[`*_\[#>|~+\\-]")


class Markdown:
    """``feed`` takes clean text as it comes and gives what can be shown; ``end`` gives the rest. No word is lost.
    ``styled``: with bold, colour and the like; else the marks are only taken away."""

    def __init__(self, *, styled: bool) -> None:
        self._styled = styled
        self._held = ""
        self._begun = False  # a part of this line is shown
        self._fence = ""  # what closes the block of code that is open

    def feed(self, text: str) -> str:
        *lines, self._held = (self._held + text).split("\n")
        shown = []
        for line in lines:
            shown.append(self._line(line) + "\n")
            self._begun = False
        return "".join(shown) + self._early()

    def end(self) -> str:
        held, self._held = self._held, ""
        return self._line(held) if held else ""

    def _early(self) -> str:
        """Of a line that is not whole: its words up to the first mark, where its kind is certain."""
        if self._fence or len(self._held) < 4:
            return ""
        mark = _MARKS.search(self._held)
        words = self._held[: mark.start() if mark else len(self._held)]
        upto = words.rfind(" ") + 1
        if not words[:upto].strip() or (not self._begun and re.match(r"\s|\d+[.)]", self._held)):
            return ""
        self._held, self._begun = self._held[upto:], True
        return words[:upto]

    def _line(self, line: str) -> str:
        if self._begun:
            return self._inline(line)
        if self._fence:
            if re.match(rf" {{0,3}}{re.escape(self._fence)}+ *$", line):
                self._fence = ""
                return self._in(_DIM, line)
            return self._in(_CODE, line)
        if fence := _FENCE.match(line):
            self._fence = fence[1]
            return self._in(_DIM, line)
        if heading := _HEADING.match(line):
            return self._in(_BOLD, self._inline(heading[1], _BOLD))
        if _RULE.match(line):
            return self._in(_DIM, "─" * 40)
        if quote := _QUOTE.match(line):
            return self._in(_DIM, "│ ") + self._inline(line[quote.end() :])
        if item := _ITEM.match(line):
            return f"{item[1]}• " + self._inline(line[item.end() :])
        return self._inline(line)

    def _inline(self, text: str, around: str = "") -> str:
        def shown(found: re.Match[str]) -> str:
            part = found.groupdict()
            if part["code"] is not None:
                return self._in(_CODE, part["code"].strip() or part["code"], around)
            if part["bold"] is not None:
                return self._in(_BOLD, self._inline(part["bold"], around + _BOLD), around)
            if part["label"] is not None:
                return f"{self._in(_UNDERLINED, part['label'], around)} ({part['target']})"
            return self._in(_ITALIC, part["italic"] or part["line"], around)

        return _INLINE.sub(shown, text)

    def _in(self, style: str, text: str, around: str = "") -> str:
        return f"{style}{text}{_RESET}{around}" if self._styled and text else text
