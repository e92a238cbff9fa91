"""Sentences and short forms that both interfaces use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from localchat.errors import ConfirmRemote
from localchat.records import NO_TIME, CatalogEvent, DefaultChange, Model, Reason, RemoteModel, Undone
from localchat.text import count, one_line

# Told where the default was taken away by a program that knows nothing of it.
NO_DEFAULT = "There is no default now. Add a model or switch one on."
ANOTHER_PROGRAM = "Another program changed providers or models."

# Told where the backup that localchat makes by itself could not be made.
NO_BACKUP = "The store was not backed up."

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


def twice_words(offered: Iterable[RemoteModel]) -> str:
    """That an endpoint lists a model more than once; nothing where it does not."""
    names = [one_line(model.name, 60) for model in offered if model.times > 1]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Listed more than once: {shown}. Each is one model." if names else ""


def alike_words(asked: Iterable[str], there: Iterable[str]) -> str:
    """That models were not added because their names differ in case only from those of others."""
    known = set(there)
    left = [one_line(name, 60) for name in asked if name not in known]
    verb = "was" if len(left) == 1 else "were"
    more = f" and {len(left) - 3} more" if len(left) > 3 else ""
    return f"{', '.join(left[:3])}{more} {verb} not added: names that differ in case only are one." if left else ""


def unarchived(chat: str) -> str:
    """Told where a turn took a chat out of the archive. ``chat`` as the interface names it."""
    return f"{chat} was archived; it is back in the list."


def went(reason: Reason) -> str:
    """Why a model does not answer, after its name."""
    return "was removed" if reason == "removed" else "is switched off"


class Named(Protocol):
    """A model by its name, as a row, a message or an export has it."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def ref(self) -> str: ...


def told_apart(wanted: Named, used: Named, reason: Reason, *, refs: bool = False) -> tuple[str, str]:
    """The model that cannot answer, to begin a sentence, and the one that does: by name, or by ref.

    Where both are called the same: ``The earlier z1`` (``The z1 of alpha`` where it is only switched off) and
    ``another z1, of zeta``."""
    old, new = (wanted.ref, used.ref) if refs else (wanted.model, used.model)
    if old != new:
        return old, new
    gone = f"The earlier {wanted.model}" if reason == "removed" else f"The {wanted.model} of {wanted.provider}"
    return gone, f"another {used.model}, of {used.provider}"


def fell_back(
    wanted: Named, used: Named | None, reason: Reason | None, *, refs: bool = False, past: bool = False
) -> str:
    """``z1 was removed. b1 answers now.``: the one line on a fallback. It never says that the same name is gone and
    answers. ``used``: None where nobody knows who it was; ``past``: for a text that is read later."""
    reason = reason or "disabled"
    why = "was switched off" if past and reason == "disabled" else went(reason)
    answers = "answered" if past else "answers now"
    if used is None:
        return f"{wanted.ref if refs else wanted.model} {why}. Another model {answers}."
    old, new = told_apart(wanted, used, reason, refs=refs)
    if new in (used.ref, used.model):
        return f"{old} {why}. {new} {answers}."
    return f"{old} {why}. A{new[1:]}, {answers}."


def leaves(question: ConfirmRemote) -> str:
    """What a person agrees to who lets a chat of this machine go elsewhere."""
    wanted, used = question.wanted, question.used
    if wanted == used:
        wanted, used = f"The earlier {wanted}", f"Another {used}"
    was = (
        f"{wanted} answered on this machine and cannot now."
        if question.known
        else f"{wanted} cannot answer now, and nobody knows where it ran: perhaps on your own machine."
    )
    return f"{was} {used} answers at {question.host}: it would see the whole chat."


def takes_back(event: CatalogEvent) -> str:
    """What undoing this line of the log takes back: ``the removal of zeta``."""
    subject = one_line(event.subject, 60)
    match event.action:
        case "provider-removed" | "model-removed":
            return f"the removal of {subject}"
        case "provider-enabled" | "model-enabled":
            return f"switching {subject} on"
        case "provider-disabled" | "model-disabled":
            return f"switching {subject} off"
        case "provider-edited" | "model-edited":
            return f"the edit of {subject}"
        case "chats-moved":
            return f"moving the chats of {subject}"
        case _:
            return f"the default {event.default_after}" if event.default_after else "the change of the default"


def taken_back(done: Undone) -> str:
    """What an undo did, in one sentence."""
    event = done.event
    match event.action:
        case "provider-removed":
            subject = one_line(event.subject, 60)
            models = f" and {count(len(done.models), 'model')}" if done.models else ""
            return f"{subject}{models} {'are' if done.models else 'is'} back."
        case "model-removed":
            refs = ", ".join(one_line(model.ref, 60) for model in done.models)
            return f"{refs} {'is' if len(done.models) == 1 else 'are'} back."
        case "chats-moved":
            return f"{count(done.chats, 'chat has its', 'chats have their')} old model back."
        case _:
            return f"Took back {takes_back(event)}."


def strange_log_words(path: object) -> str:
    """Of a log that stood beside a store that it does not belong to."""
    return (
        "Beside the store stood the log of another file; it would have destroyed the store. It is kept as"
        f" {one_line(str(path), 300)}. Put a copy in the store's place with the command restore, not by hand."
    )


def recording_words(provider: str, on: bool) -> str:
    """Of a provider whose recording was switched."""
    return f"Replies of {provider} are recorded from now on." if on else f"{provider} is recorded no more."


def label(model: Model) -> str:
    """``qwen3:8b · ollama``."""
    return f"{one_line(model.model)} · {one_line(model.provider)}"


def default_words(change: DefaultChange) -> str:
    """What happened to the default, in one sentence; nothing where nothing did."""
    if not change.changed:
        return ""
    if change.after is None:
        return f"{change.before.model if change.before else 'It'} was your default. {NO_DEFAULT}"
    if change.before is None:
        return f"Default: {change.after.model} · {change.after.provider}."
    return f"Default: {_apart(change.before, change.after)} → {_apart(change.after, change.before)}."


def _apart(model: Model, other: Model) -> str:
    """The name, with its provider where the two names alone are the same."""
    return model.model if model.model != other.model else label(model)
