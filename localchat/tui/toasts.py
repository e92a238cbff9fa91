"""Errors and news as toasts. Nothing that a person, a model or a server wrote is ever markup here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

from textual.app import App

from localchat.errors import LocalChatError
from localchat.text import clean
from localchat.tui.remedies import advice, place_of

Severity = Literal["information", "warning", "error"]


def tell(app: App[None], message: str, *, title: str = "", severity: Severity = "information") -> None:
    """A toast, literally as written."""
    app.notify(clean(message), title=clean(title), severity=severity, markup=False)


def tell_error(app: App[None], error: LocalChatError) -> None:
    """What was wrong, then what to do, with a key of the screen that is on top."""
    todo = advice(error, place_of(app.screen))
    tell(app, f"{error.message}\n{todo}".strip(), title=error.title, severity="error")


@contextlib.contextmanager
def reporting(app: App[None]) -> Iterator[None]:
    """A LocalChatError inside becomes a toast; any other exception is a bug and passes."""
    try:
        yield
    except LocalChatError as error:
        tell_error(app, error)
