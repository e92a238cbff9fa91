"""The parameters of a turn as lines of a form: the same for a model and for a chat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localchat.errors import InvalidInput
from localchat.text import one_line
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.safe_input import Line

PARAMETERS = {
    "temperature": ("Temperature", "0 is steady, 1 is lively"),
    "top_p": ("Top p", "0 to 1: the share of likely words to draw from"),
    "seed": ("Seed", "a whole number: the same words get the same reply"),
    "max_tokens": ("Most tokens", "a reply is cut there"),
}
WHOLE = ("seed", "max_tokens")


def parameter_fields(old: dict[str, Any]) -> Iterator[Field]:
    """A line for each parameter; its widget has the parameter's name as its id."""
    for name, (words, hint) in PARAMETERS.items():
        value = old.get(name)
        yield Field(words, Line("" if value is None else str(value), id=name, placeholder=hint))


def parameters_typed(texts: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
    """Those that are set. One that another program wrote and no form knows stays. Raises InvalidInput."""
    kept = {name: value for name, value in old.items() if name not in PARAMETERS}
    for name, (words, _) in PARAMETERS.items():
        text = texts[name].strip()
        if text:
            kept[name] = whole(words, text) if name in WHOLE else number(words, text)
    return kept


def whole(what: str, text: str) -> int:
    """``32768`` or ``32,768``."""
    plain = text.replace(",", "").replace("_", "").replace(" ", "")
    if len(plain) > 20 or not plain.removeprefix("-").isdecimal():
        raise InvalidInput(f"{what}: “{one_line(text, 40)}” is no whole number.", "Such as 32768, or leave it empty.")
    return int(plain)


def number(what: str, text: str) -> float:
    """``0.7`` or ``0,7``."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidInput(f"{what}: “{one_line(text, 40)}” is no number.", "Such as 0.7, or leave it empty.") from None
