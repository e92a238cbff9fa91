"""Removing a provider or a model: first what it means, then the question, then what became of the default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from localchat.cli.output import answer, default_line, notice, ref_of
from localchat.cli.parameters import wrong_usage
from localchat.cli.session import Session, interactive
from localchat.errors import Changed, LocalChatError
from localchat.records import Removal, RemovalPreview
from localchat.text import count, one_line


@dataclass(frozen=True)
class Asked:
    """A removal as it was asked for. ``way_back`` is the command that undoes it.

    ``find`` reads what the command's words stand for now and what removing it would do. ``confirmed`` does what was
    shown and agreed to, and nothing else (raises Changed where it is not that any more); ``found`` what is found.
    """

    name: str
    find: Callable[[], RemovalPreview]
    confirmed: Callable[[RemovalPreview], Removal]
    found: Callable[[], Removal]
    way_back: str
    dry_run: bool
    yes: bool


def carry_out(
    session: Session, asked: Asked, before: Callable[[RemovalPreview], None] = lambda _: None
) -> Removal | None:
    """Say what goes, ask where that is due, remove, and say what became of the default. None where nothing was done.

    ``before`` is called after the person agreed, for further questions. What changed while the question stood is shown,
    and asked for again. Raises UsageError where a person would have to be asked and none is there.
    """
    preview = asked.find()
    if asked.dry_run:
        document = {**_document(preview), "dry_run": True}
        answer(session, document, f"Removing {asked.name} would do this; nothing was changed.", *_lines(preview))
        return None
    if asked.yes:
        before(preview)
        done = asked.found()
    else:
        preview, done = _agreed(asked, preview, before)
    _tell(session, asked, preview, done)
    return done


def _agreed(
    asked: Asked, preview: RemovalPreview, before: Callable[[RemovalPreview], None]
) -> tuple[RemovalPreview, Removal]:
    """What the person agreed to, and what it did."""
    if not interactive():
        raise wrong_usage(f"Removing {asked.name} asks a person, and there is no terminal: add --yes.")
    while True:
        for line in _lines(preview):
            notice(line)
        if not click.confirm(f"Remove {asked.name}?", err=True):
            notice("Nothing was changed.")
            raise click.exceptions.Exit(1)
        before(preview)
        try:
            return preview, asked.confirmed(preview)
        except Changed as changed:
            preview = _anew(asked, changed)
            notice(f"{changed.message} It is like this now:")


def picked(shown: RemovalPreview, successor: str | None) -> int | None:
    """The id of the successor where one was asked for, as it was shown; else the rule of the default names it."""
    return shown.default_after.id if successor is not None and shown.removes_default and shown.default_after else None


def _anew(asked: Asked, changed: Changed) -> RemovalPreview:
    """What there is to confirm now. Where the successor that was asked for cannot be one any more, that is the
    error."""
    try:
        return asked.find()
    except LocalChatError as error:
        raise changed from error


def _tell(session: Session, asked: Asked, preview: RemovalPreview, done: Removal) -> None:
    default_before, default_after = ref_of(done.default_before), ref_of(done.default_after)
    document = {
        **_document(preview),
        "models_removed": [model.ref for model in done.models],
        "chats_affected": session.store.catalog.chats_using([model.id for model in done.models]),
        "default_before": default_before,
        "default_after": default_after,
    }
    with_models = f" and {count(len(done.models), 'model')}" if done.provider is not None else ""
    lines = [f"Removed {asked.name}{with_models}.", default_line(default_before, default_after)]
    lines.append(f"`localchat {asked.way_back}` brings {'them' if with_models else 'it'} back.")
    answer(session, document, *filter(None, lines))


def leaves_machine(preview: RemovalPreview) -> bool:
    """Whether chats whose words stayed on this machine would be answered elsewhere from now on."""
    after = preview.default_after
    return after is not None and not after.is_local and any(model.is_local for model in preview.models)


def _document(preview: RemovalPreview) -> dict[str, Any]:
    return {
        "removed": preview.provider.name if preview.provider is not None else None,
        "models_removed": [model.ref for model in preview.models],
        "chats_affected": preview.chats_affected,
        "newest_titles": list(preview.newest_titles),
        "default_before": ref_of(preview.default_before),
        "default_after": ref_of(preview.default_after),
        "successors": [model.ref for model in preview.successors],
        "leaves_machine": leaves_machine(preview),
    }


def _lines(preview: RemovalPreview) -> Iterator[str]:
    yield _models(preview)
    yield from _key(preview)
    yield from _chats(preview)
    yield from _default(preview)
    if leaves_machine(preview):
        after = ref_of(preview.default_after)
        yield (
            f"What ran on this machine goes, and {after} does not run here:"
            " the first new turn in each of these chats asks before anything is sent."
        )


def _models(preview: RemovalPreview) -> str:
    star = preview.default_before.id if preview.default_before is not None else None
    names = ", ".join(("★ " if model.id == star else "") + model.ref for model in preview.models)
    if not preview.models:
        return "It has no models."
    return f"{count(len(preview.models), 'model')} {'goes' if len(preview.models) == 1 else 'go'}: {names}."


def _key(preview: RemovalPreview) -> Iterator[str]:
    if preview.provider is not None and preview.provider.key_source != "none":
        from localchat.providers.keys import fate

        out = " `--forget-key` takes it out." if preview.provider.key_source == "keyring" else ""
        yield f"{fate(preview.provider, forgotten=None)}{out}"


def _chats(preview: RemovalPreview) -> Iterator[str]:
    number = preview.chats_affected
    if not number:
        yield "No chat uses " + ("it." if len(preview.models) < 2 else "them.")
        return
    after = "use the default" if preview.default_after is not None else "have nobody to answer them"
    yield (
        f"{count(number, 'chat uses', 'chats use')} {'it' if len(preview.models) < 2 else 'them'}."
        f" {'It stays' if number == 1 else 'They stay'} readable;"
        f" new turns in {'it' if number == 1 else 'them'} {after}."
    )
    titles = [one_line(title, 60) or "(no title)" for title in preview.newest_titles]
    more = number - len(titles)
    yield "  " + " · ".join([*titles, *([f"{more:,} more"] if more > 0 else [])])


def _default(preview: RemovalPreview) -> Iterator[str]:
    if preview.default_before is None:
        yield "There is no default model."
        return
    if not preview.removes_default:
        yield f"The default stays {preview.default_before.ref}."
        return
    if preview.default_after is None:
        yield f"{preview.default_before.ref} is your default, and no other model can take over: there will be none."
        return
    first = preview.successors[:1] and preview.successors[0].id == preview.default_after.id
    why = "first usable by name" if first else "as you chose"
    where = "runs on this machine" if preview.default_after.is_local else "does not run on this machine"
    yield f"{preview.default_before.ref} is your default. It will be {preview.default_after.ref} ({why}; {where})."
    others = [model.ref for model in preview.successors if model.id != preview.default_after.id]
    if others:
        yield f"Others, with --default REF: {', '.join(others[:8])}{', …' if len(others) > 8 else ''}"
