"""What a column holds, as a record can have it.

Any program may write the file, the schema can be switched off, and a disk can flip a bit: so a value may be of any
type, text need not be text, JSON need not be JSON. What cannot be decoded costs that field, never the row or the list
that it stands in: every reader here answers for every value, and raises nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T", bound=str)

# For every connection: bytes that are no UTF-8 are read as U+FFFD.
decoded = partial(str, encoding="utf-8", errors="replace")

_MOST = 2**63 - 1  # SQLite's integers; what is larger came in as a floating-point number


def text(value: object, otherwise: str = "") -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return otherwise
    return decoded(value) if isinstance(value, bytes) else str(value)


def text_or_none(value: object) -> str | None:
    return None if value is None else text(value)


def content(value: object) -> bytes:
    return value if isinstance(value, bytes) else text(value).encode("utf-8", "replace")


def number(value: object, otherwise: int = 0) -> int:
    found = number_or_none(value)
    return otherwise if found is None else found


def number_or_none(value: object) -> int | None:
    """A count that can be. None for one below zero or beyond 64 bits, for text and for no value."""
    if isinstance(value, float) and value.is_integer():  # is_integer is False for infinity
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST else None


def one_of(value: object, known: Sequence[T], otherwise: T) -> T:
    """A word of a closed set."""
    return next((word for word in known if word == value), otherwise)


def document(value: object) -> dict[str, Any]:
    """A JSON object; empty for what is none."""
    found = _parsed(value)
    return found if isinstance(found, dict) else {}


def texts(value: object) -> list[str]:
    """A JSON array of texts; what in it is no text is left out."""
    found = _parsed(value)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _parsed(value: object) -> Any:
    def refused(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")  # and no export could write it again

    try:
        return json.loads(text(value, "null"), parse_constant=refused)
    except (ValueError, RecursionError):
        return None
