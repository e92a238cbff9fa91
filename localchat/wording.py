"""Sentences and short forms that both interfaces use."""

from __future__ import annotations

from datetime import datetime

from localchat.errors import ConfirmRemote
from localchat.records import NO_TIME, Reason

# Told where the default was taken away by a program that knows nothing of it.
ANOTHER_PROGRAM = "Another program changed providers or models."

# The state of a model that its endpoint does not list any more, or does not know.
NOT_OFFERED = "no longer offered"


def age(then: datetime, now: datetime) -> str:
    """``now``, ``2 m``, ``3 h``, ``4 d``, ``5 w``, ``2 y``; nothing for a time that nobody can read."""
    if then == NO_TIME:
        return ""
    seconds = max((now - then).total_seconds(), 0)
    for size, unit in ((31536000, "y"), (604800, "w"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def unarchived(chat: str) -> str:
    """Told where a turn took a chat out of the archive. ``chat`` as the interface names it."""
    return f"{chat} was archived; it is back in the list."


def went(reason: Reason) -> str:
    """Why a model does not answer, after its name."""
    return "was removed" if reason == "removed" else "is switched off"


def leaves(question: ConfirmRemote) -> str:
    """What a person agrees to who lets a chat of this machine go elsewhere."""
    was = (
        f"{question.wanted} answered on this machine and cannot now."
        if question.known
        else f"{question.wanted} cannot answer now, and nobody knows where it ran: perhaps on your own machine."
    )
    return f"{was} {question.used} answers at {question.host}: it would see the whole chat."
