"""What may reach a terminal, and what may reach the store.

Text that a person, a model, a server or a file wrote can hold escape sequences that set the clipboard, fake the screen
or reverse the reading order. The store keeps it raw; ``clean`` is the one gate on the way to any screen.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# C0 except tab and newline, DEL, C1, and the bidi controls that reorder what is read (Trojan Source, CVE-2021-42574).
# Zero-width joiners stay: emoji and several scripts need them. Lone surrogates cannot be encoded for any terminal.
UNSAFE = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff"
REPORT = "LOCALCHAT_STOPPED"
"""The environment variable that names a file: what a last gate before the terminal stopped, a line each. For tests."""

_UNSAFE = re.compile(f"[{UNSAFE}]")
_LINE_ENDS = re.compile(r"\r\n?|\u2028|\u2029")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without any character that a terminal would obey; newline and tab stay."""
    return _UNSAFE.sub("", _LINE_ENDS.sub("\n", text))


def without_controls(line: str) -> str:
    """A line as it may be drawn where every character must keep its place: what ``clean`` would take out becomes a
    word joiner, which has no width either; half of a broken escape becomes U+FFFD, which has one."""
    return _UNSAFE.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else "\u2060", line)


def one_line(text: str, limit: int = 0) -> str:
    """The text cleaned and on one line; cut to ``limit`` characters with an ellipsis where a limit is given."""
    line = " ".join(clean(text).split())
    if limit and len(line) > limit:
        return line[: limit - 1].rstrip() + "…"
    return line


def storable(text: str) -> str:
    """The text as SQLite can hold it: a lone surrogate (half of a broken escape) becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def escaped(document: str) -> str:
    """A JSON text with every character that a terminal would obey written as ``\\uXXXX``: the same document."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def visible(text: str) -> bool:
    """Whether there is anything to see in it: not only spaces, controls, and characters without width."""
    return any(character.isprintable() and not character.isspace() for character in clean(text))


def title_from(words: str) -> str:
    """A chat's plain title: its first words, at most 60 characters."""
    line = one_line(words.lstrip()[:2000])
    if not visible(line):
        return "New chat"
    if len(line) <= 60:
        return line
    cut = line[:59]
    # Not in the middle of a word, nor of an emoji that is joined of several.
    return (cut[: cut.rfind(" ")] if " " in cut[30:] else cut).rstrip(" ,;:.\u200d") + "…"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 chat``, ``2 chats``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def report_stopped(data: str, place: int) -> None:
    """What a last gate had to stop is a bug: written down where a test asks for it."""
    if name := os.environ.get(REPORT):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(ascii(data[max(0, place - 20) : place + 60]) + "\n")
