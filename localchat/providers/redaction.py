"""A provider's key, where a server sends it back: it is neither shown nor stored."""

from __future__ import annotations

from localchat.records import Piece, ReasoningPiece, TextPiece

MARK = "…"
_LEAST = 4  # characters: what is shorter is no secret, and would take ordinary words out of a text
_SHOWN = 3  # characters of a key that may pass before it is known for one, such as ``sk-``


def without_key(text: str, key: str | None) -> str:
    """The text with a mark in place of the key."""
    return text.replace(key, MARK) if key and len(key) >= _LEAST else text


def is_secret(key: str | None) -> bool:
    """Whether a key is one. Servers on this machine are given words such as ``ollama`` or ``not-needed``, and those may
    well stand in a reply."""
    return key is not None and (len(key) >= 20 or (len(key) >= 8 and any(c.isdigit() for c in key)))


class Redactor:
    """Takes the key out of a reply as it comes, also where it comes in parts. What may be the beginning of the key is
    held back until more has come."""

    def __init__(self, key: str | None) -> None:
        self._key = key if key is not None and is_secret(key) else ""
        self._held: dict[type[TextPiece] | type[ReasoningPiece], str] = {TextPiece: "", ReasoningPiece: ""}
        self._tail = dict(self._held)

    def passed(self, piece: TextPiece | ReasoningPiece) -> list[Piece]:
        """What of this piece, and of what was held back, may be shown."""
        kind = type(piece)
        if not self._key:
            return [piece]
        text = self._feed(kind, piece.text)
        return [kind(text)] if text else []

    def rest(self) -> list[Piece]:
        """What is still held back when nothing more comes."""
        left: list[Piece] = []
        for kind, held in self._held.items():
            left += [kind(held)] if held else []
        self._held = dict.fromkeys(self._held, "")
        return left

    def _feed(self, kind: type[TextPiece] | type[ReasoningPiece], text: str) -> str:
        key, done = self._key, len(self._tail[kind])
        whole = self._tail[kind] + self._held[kind] + text
        while (at := whole.find(key)) >= 0:
            whole = whole[: max(at, done)] + MARK + whole[at + len(key) :]
        cut = max(done, self._beginning(whole))
        self._held[kind] = whole[cut:]
        self._tail[kind] = whole[max(cut - _SHOWN, 0) : cut]
        return whole[done:cut]

    def _beginning(self, text: str) -> int:
        """Where at the end of the text the key may begin; its length where it does not."""
        at = text.find(self._key[: _SHOWN + 1], max(len(text) - len(self._key) + 1, 0))
        while at >= 0:
            if self._key.startswith(text[at:]):
                return at
            at = text.find(self._key[: _SHOWN + 1], at + 1)
        return len(text)
