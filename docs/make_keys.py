"""Fill the tables of docs/keys.md from the app's own bindings: ``python docs/make_keys.py`` or ``make docs``.

A test holds the page to what this writes, so a key that comes, goes or changes shows up there.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from textual.binding import Binding

import localchat.tui
from localchat.tui.app import LocalChat

PAGE = Path(__file__).with_name("keys.md")
NAMES = {
    "slash": "/",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "full_stop": ".",
    "comma": ",",
    "plus": "+",
    "minus": "-",
}
_SECTION = re.compile(r"(<!-- keys of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def bindings() -> Iterator[Binding]:
    """Every binding that a class of ours defines, in the order of the files."""
    for module in pkgutil.walk_packages(localchat.tui.__path__, "localchat.tui."):
        for thing in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(thing) and thing.__module__ == module.name:
                for binding in vars(thing).get("BINDINGS", ()):
                    yield binding if isinstance(binding, Binding) else Binding(*binding)
    palette = LocalChat.COMMAND_PALETTE_BINDING
    yield Binding(palette, "command_palette", "Palette", id="app.palette", tooltip="Every action by name")


def places() -> dict[str, list[tuple[str, str]]]:
    """Rows of keys and what they do, by the first part of the binding's id. Keys without one move a cursor."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for binding in bindings():
        if binding.id is not None:
            keys = " or ".join(f"`{NAMES.get(key, key)}`" for key in binding.key.split(","))
            found[binding.id.partition(".")[0]].append((keys, binding.tooltip or binding.description))
    return found


def page(text: str) -> str:
    """The page with its tables made anew. A new place gets a table at the end, for a person to find it its own place.
    Raises ValueError where a place has gone."""
    rows = places()
    told = {place for _, place, _ in _SECTION.findall(text)}
    if gone := told - rows.keys():
        raise ValueError(f"no keys any more: {', '.join(sorted(gone))}")
    for place in rows:
        if place not in told:
            text += f"\n## {place.replace('_', ' ').capitalize()}\n\n<!-- keys of {place} -->\n<!-- end -->\n"

    def table(section: re.Match[str]) -> str:
        lines = [f"| {keys} | {does} |\n" for keys, does in rows[section[2]]]
        return f"{section[1]}| key | does |\n|---|---|\n{''.join(lines)}{section[3]}"

    return _SECTION.sub(table, text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
