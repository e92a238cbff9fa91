"""Inline Markdown to runs: emphasis, code, links, images."""

from __future__ import annotations

import re

from localchat.text import clean, one_line
from localchat.tui.transcript.lines import Look, Run
from localchat.tui.transcript.parsing import LONGEST_INLINE, References, parse_inline

_OPENABLE = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
# A bare address: cautious, so that neither a sentence's full stop nor a closing bracket belongs to it.
_BARE = re.compile(r"https?://[^\s<>\"'`|\\^{}]*[^\s<>\"'`|\\^{}.,;:!?)\]*_~]", re.IGNORECASE)
_MARKED = re.compile(r"[\\`*_~\[<&\n]")  # without any of these, text is only text
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def openable(url: str) -> bool:
    """Whether a click may open it: the web and mail, nothing else."""
    return _OPENABLE.match(url) is not None


def safe_text(text: str) -> str:
    """Text as a run may hold it: nothing a terminal obeys, no tabs. Entities such as ``&#8238;`` come in here."""
    return clean(text).replace("\t", " ")


def linked(text: str, look: Look) -> list[Run]:
    """Text with its bare addresses as links."""
    if "://" not in text or look.action is not None:
        return [(text, look)]
    runs: list[Run] = []
    place = 0
    for match in _BARE.finditer(text):
        runs.append((text[place : match.start()], look))
        url = match.group()
        runs.append((url, look._replace(role="link", action=("link", url))))
        place = match.end()
    runs.append((text[place:], look))
    return [run for run in runs if run[0]]


def inline_runs(text: str, look: Look, references: References, *, cell: bool = False) -> list[Run]:
    """The runs of a paragraph, a heading or a table's cell."""
    if len(text) > LONGEST_INLINE or not _MARKED.search(text):
        return linked(safe_text(text), look)
    runs: list[Run] = []
    looks = [look]
    for token in parse_inline(text, references):
        kind = token.type
        if kind in ("text", "text_special"):
            content = safe_text(token.content)
            runs += linked(_BREAK.sub("\n", content) if cell else content, looks[-1])
        elif kind in ("softbreak", "hardbreak"):
            runs.append(("\n", looks[-1]))
        elif kind == "code_inline":
            runs.append((safe_text(token.content), looks[-1]._replace(role="inline-code")))
        elif kind == "image":
            runs += _image(token.content, str(token.attrs.get("src", "")), looks[-1])
        elif kind == "link_open":
            looks.append(_link(str(token.attrs.get("href", "")), looks[-1]))
        elif token.nesting > 0:
            looks.append(_emphasis(kind, looks[-1]))
        elif token.nesting < 0:
            looks.pop()
        elif token.content:
            runs.append((safe_text(token.content), looks[-1]))
    return runs


def _emphasis(kind: str, look: Look) -> Look:
    if kind == "strong_open":
        return look._replace(bold=True)
    if kind == "em_open":
        return look._replace(italic=True)
    if kind == "s_open":
        return look._replace(strike=True)
    return look


def _link(url: str, look: Look) -> Look:
    address = one_line(url)
    return look._replace(role="link", action=("link", address) if openable(address) else None)


def _image(alt: str, url: str, look: Look) -> list[Run]:
    address = one_line(url)
    shown = look._replace(role="link", action=("link", address) if openable(address) else None)
    name = one_line(alt)
    return [(f"{name} ", look), (f"({address})", shown)] if name else [(address, shown)]
