"""Bringing back what was removed, and taking over what an import left: what is shown is what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import click

from localchat.cli.output import answer, notice, ref_of
from localchat.cli.session import Session, interactive
from localchat.errors import Changed, LocalChatError
from localchat.records import Restored, RestorePreview, TakeOver
from localchat.text import count, one_line

T = TypeVar("T")

STAYS = "it lives elsewhere by now, or is gone for good."


def bring_back(session: Session, name: str, find: Callable[[], RestorePreview], *, dry_run: bool) -> Restored | None:
    """Restore what ``find`` shows. None with ``dry_run``, which only says what it would do.

    Nothing is asked at first: it takes nothing away. Where what was found is not that any more when it is to be done, a
    person at a terminal is shown how it is now and asked; else that is the error (Changed).
    """
    shown = find()
    if dry_run:
        answer(
            session,
            {
                "provider": shown.provider.name if shown.provider is not None else None,
                "models_restored": [model.ref for model in shown.models],
                "models_left": [model.ref for model in shown.stays],
                "chats_affected": shown.chats_affected,
                "default_before": ref_of(shown.default_before),
                "default_after": ref_of(shown.default_after),
                "dry_run": True,
            },
            f"Restoring {name} would do this; nothing was changed.",
            *_lines(shown),
        )
        return None

    def restore(shown: RestorePreview) -> Restored:
        done = session.store.catalog.restore(shown)
        _tell_what_leaves(shown)
        return done

    while True:
        try:
            return restore(shown)
        except Changed as changed:
            if not interactive():
                raise
            shown = _anew(find, changed)
        if not click.confirm(f"Restore {name}?", err=True):
            notice("Nothing was changed.")
            raise click.exceptions.Exit(1)


def _anew(find: Callable[[], RestorePreview], changed: Changed) -> RestorePreview:
    """How it is now, shown. Where it cannot come back any more, that it changed is the error."""
    try:
        shown = find()
    except LocalChatError as error:
        raise changed from error
    notice(f"{changed.message} It is like this now:")
    for line in _lines(shown):
        notice(line)
    return shown


def _lines(shown: RestorePreview) -> Iterator[str]:
    names = ", ".join(one_line(model.ref, 60) for model in shown.models)
    if shown.provider is not None:
        yield f"The provider {shown.provider.name} comes back{f', with {names}' if names else ', without a model'}."
    else:
        yield f"{names} comes back, under {shown.place.name}."
    if shown.stays:
        yield f"{', '.join(one_line(model.ref, 60) for model in shown.stays)} stays where it is: {STAYS}"
    if shown.chats_affected:
        yield f"{count(shown.chats_affected, 'chat uses', 'chats use')} {_them(shown)} again."
    before, after = ref_of(shown.default_before), ref_of(shown.default_after)
    yield f"The default stays {before}." if before == after else f"The default becomes {after}; it is {before} now."


def _them(shown: RestorePreview) -> str:
    return "it" if len(shown.models) == 1 else "them"


def _tell_what_leaves(shown: RestorePreview) -> None:
    """What it means for chats whose model ran on this machine, and comes back elsewhere."""
    if shown.chats_affected and not shown.place.local and any(model.is_local is not False for model in shown.models):
        notice(
            f"{count(shown.chats_affected, 'chat')} that may have been kept on this machine so far will be sent to"
            f" {shown.place.host} from now on."
        )


# What an import left.


def what_is_left(left: TakeOver) -> str:
    """``2 removed models are called p/…: m, n. 3 chats point at them.``"""
    names = list(dict.fromkeys(one_line(model.model, 40) for model in left.models))
    number = len(names)
    shown = ", ".join(names[:6]) + (f" and {number - 6} more" if number > 6 else "")
    chats = left.chats_affected
    point = f" {count(chats, 'chat points', 'chats point')} at {'it' if number == 1 else 'them'}." if chats else ""
    return f"{count(number, 'removed model is', 'removed models are')} called {left.name}/…: {shown}.{point}"


def taken_over(
    session: Session, name: str, wanted: bool | None, host: str, do: Callable[[TakeOver | None], T]
) -> tuple[T, TakeOver | None, TakeOver | None]:
    """Add the provider by ``do``, which takes over what it is given. ``wanted``: None asks a person at a terminal.
    ``host``: where it answers; empty on this machine. What was done, what was taken over, and what could have been."""
    left = session.store.catalog.left_behind(name)
    again = ""
    while True:
        if not left.models:
            return do(None), None, None
        agreed = wanted
        if (wanted is None or again) and interactive():
            notice(f"{again}{what_is_left(left)}")
            notice("Taken over, each comes back with its chats when you add, discover or restore it.")
            if host and left.chats_affected and any(model.is_local is not False for model in left.models):
                notice(f"Perhaps they ran on this machine; their chats are answered at {host} then, and nothing asks.")
            agreed = click.confirm("Take over?", default=False, err=True)
        if not agreed:
            return do(None), None, left
        try:
            return do(left), left, None
        except Changed as changed:
            if not interactive():
                raise
            left = session.store.catalog.left_behind(name)
            again = f"{changed.message} It is like this now: "
