"""Thoughts that stand in the text itself, between tags, because the server does not take them out."""

from __future__ import annotations

from localchat.records import Piece, ReasoningPiece, TextPiece

_NAMES = ("think", "thinking", "thought", "reasoning")
_OPENING = tuple(f"<{name}>" for name in _NAMES)


class ThinkTags:
    """Takes thoughts apart from the text, where the text begins with a tag such as ``<think>``. The same tag further on
    is text: somebody may write about it. A tag may come in parts."""

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""  # while in thoughts
        self._open = True  # the reply may still begin with a tag
        self._fresh = False  # nothing came since a tag: white space there is the template's

    def pieces(self, text: str) -> list[Piece]:
        """What can be told apart by now; the rest is held until more comes."""
        if not self._open and not self._closing and not self._fresh:
            return [TextPiece(text)]
        self._held += text
        found: list[Piece] = []
        while self._step(found):
            pass
        return found

    def end(self) -> list[Piece]:
        """What was held."""
        held, self._held = self._held, ""
        if not held or (self._fresh and not held.strip()):
            return []
        return [ReasoningPiece(held) if self._closing else TextPiece(held)]

    def _step(self, found: list[Piece]) -> bool:
        """Go on by one tag; False where more must come first."""
        if self._fresh:
            self._held = self._held.lstrip()
            if not self._held:
                return False
        if self._closing:
            return self._in_thoughts(found)
        if self._open and not self._fresh:
            return self._at_the_beginning(found)
        self._fresh = False
        found.append(TextPiece(self._held))
        self._held = ""
        return False

    def _at_the_beginning(self, found: list[Piece]) -> bool:
        start = self._held.lstrip()
        for tag in _OPENING:
            if start.startswith(tag):
                self._held, self._closing = start[len(tag) :], tag.replace("<", "</")
                self._open, self._fresh = False, True
                return True
        if any(tag.startswith(start) for tag in _OPENING):  # also where nothing but white space came
            return False
        self._open = False
        found.append(TextPiece(self._held))
        self._held = ""
        return False

    def _in_thoughts(self, found: list[Piece]) -> bool:
        at, blank = self._held.find(self._closing), self._fresh
        if at >= 0:
            thought = self._held[:at]
            self._held, self._closing, self._fresh = self._held[at + len(self._closing) :], "", True
        else:
            kept = next((n for n in range(len(self._closing) - 1, 0, -1) if self._held.endswith(self._closing[:n])), 0)
            thought = self._held[: len(self._held) - kept]
            self._held = self._held[len(self._held) - kept :]
            self._fresh = self._fresh and not thought
        if thought.strip() or (thought and not blank):
            found.append(ReasoningPiece(thought))
        return at >= 0
