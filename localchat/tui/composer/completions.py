"""File names for ``@path``, while it is typed."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from localchat.attachments.reading import as_token
from localchat.text import clean, one_line, storable

SHOWN = 8
READ = 5_000  # names that are looked at in one folder

_BEGUN = re.compile(r"(?:(?<=\s)|(?<=[(\[{<\"'“‘«])|^)@(?:\"([^\"\n]*)|([^\s\"@]*))$")


class Begun(NamedTuple):
    """A path that is being typed: as far as it goes, and where its ``@`` stands on the line."""

    path: str
    column: int


def begun(line: str) -> Begun | None:
    """What is being typed at the end of this part of a line."""
    found = _BEGUN.search(line)
    return Begun(found[1] if found[1] is not None else found[2], found.start()) if found else None


def candidates(path: str) -> list[str]:
    """Files and folders (with a slash behind) that begin so, or else hold that; hidden ones where a dot is typed.
    Waits for the disk."""
    above, slash, name = path.rpartition("/")
    try:
        with os.scandir(Path((above + slash) or ".").expanduser()) as entries:
            found = [entry for entry in islice(entries, READ) if _fits(entry.name, name)]
            begin = [entry for entry in found if entry.name.lower().startswith(name.lower())]
            ordered = sorted(begin or found, key=lambda entry: entry.name.lower())[: SHOWN * 4]
            return [above + slash + entry.name + ("/" if _is_folder(entry) else "") for entry in ordered]
    except (OSError, ValueError, RuntimeError):
        return []


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    plain = clean(name) == name and storable(name) == name and not set(name) & set('"\n\t')
    return plain and part.lower() in name.lower()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def completed(path: str) -> str:
    """What stands in the message once this candidate is taken. A folder is left open, to go on."""
    token = as_token(path)
    if path.endswith("/"):
        return token.removesuffix('"')
    return token + " "


class Completions(Widget):
    """The list above the composer. It only shows and counts; the ``Writing`` around it puts names in."""

    DEFAULT_CSS = """
    Completions { height: auto; background: $surface; padding: 0 1 0 3; display: none; }
    """

    names: reactive[tuple[str, ...]] = reactive((), layout=True)
    at: reactive[int] = reactive(0)
    moved = False  # whether the person chose; then enter takes the name, else it sends

    def offer(self, names: list[str]) -> None:
        self.at = 0
        self.moved = False
        self.names = tuple(names)
        self.display = bool(names)

    def move(self, step: int) -> None:
        self.moved = True
        self.at = (self.at + step) % max(len(self.names), 1)

    @property
    def chosen(self) -> str | None:
        return self.names[self.at] if self.display and self.names else None

    def render(self) -> RenderResult:
        width = max(self.size.width - 2, 8)
        first = max(0, min(self.at - SHOWN // 2, len(self.names) - SHOWN))
        lines = []
        for number, name in list(enumerate(self.names))[first : first + SHOWN]:
            shown = Content.styled(one_line(name), "bold $accent" if number == self.at else "")
            lines.append(shown.truncate(width - 16, ellipsis=True))
        if lines:
            lines[0] = Content.assemble(lines[0], Content.styled("   tab takes it  ↑ ↓  esc", "dim"))
        return Content("\n").join(lines)
