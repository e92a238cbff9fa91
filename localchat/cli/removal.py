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
from localchat.records import Model, MovePreview, MoveTarget, Removal, RemovalPreview
from localchat.text import count, one_line


@dataclass(frozen=True)
class Asked:
    """A removal as it was asked for. ``way_back`` is the command that undoes it.

    ``find`` reads what the command's words stand for now and what removing it would do. ``confirmed`` does what was
    shown and agreed to, and nothing else (raises Changed where it is not that any more); ``found`` what is found.
    ``chats_to``: the ref of the model that the chats get in the same step.
    """

    name: str
    find: Callable[[], RemovalPreview]
    confirmed: Callable[[RemovalPreview, Moving | None], Removal]
    found: Callable[[int | None], Removal]
    way_back: str
    chats_to: str | None
    dry_run: bool
    yes: bool


Moving = tuple[MovePreview, MoveTarget]  # the chats, and the model that they get, as they were shown


@dataclass(frozen=True)
class _Shown:
    """What there is to confirm. ``target``: what the chats get, where they move."""

    preview: RemovalPreview
    chats: MovePreview | None = None
    target: MoveTarget | None = None

    @property
    def to(self) -> Model | None:
        return None if self.target is None else self.target.model

    @property
    def moving(self) -> Moving | None:
        return None if self.chats is None or self.target is None else (self.chats, self.target)


def _find(session: Session, asked: Asked) -> _Shown:
    preview = asked.find()
    if asked.chats_to is None:
        return _Shown(preview)
    catalog = session.store.catalog
    target = catalog.target_of(asked.chats_to, preview)
    return _Shown(preview, catalog.move_of([model.id for model in preview.models]), target)


def carry_out(
    session: Session, asked: Asked, before: Callable[[RemovalPreview], None] = lambda _: None
) -> Removal | None:
    """Say what goes, ask where that is due, remove, and say what became of the default. None where nothing was done.

    ``before`` is called after the person agreed, for further questions. What changed while the question stood is shown,
    and asked for again. Raises UsageError where a person would have to be asked and none is there.
    """
    shown = _find(session, asked)
    if asked.dry_run:
        document = {**_document(shown), "dry_run": True}
        answer(session, document, f"Removing {asked.name} would do this; nothing was changed.", *_lines(shown))
        return None
    if asked.yes:
        before(shown.preview)
        done = asked.found(shown.to.id if shown.to is not None else None)
    else:
        shown, done = _agreed(session, asked, shown, before)
    _tell(session, asked, shown, done)
    return done


def _agreed(
    session: Session, asked: Asked, shown: _Shown, before: Callable[[RemovalPreview], None]
) -> tuple[_Shown, Removal]:
    """What the person agreed to, and what it did."""
    if not interactive():
        raise wrong_usage(f"Removing {asked.name} asks a person, and there is no terminal: add --yes.")
    while True:
        for line in _lines(shown):
            notice(line)
        if not click.confirm(f"Remove {asked.name}?", err=True):
            notice("Nothing was changed.")
            raise click.exceptions.Exit(1)
        before(shown.preview)
        try:
            return shown, asked.confirmed(shown.preview, shown.moving)
        except Changed as changed:
            shown = _anew(session, asked, changed)
            notice(f"{changed.message} It is like this now:")


def picked(shown: RemovalPreview, successor: str | None) -> int | None:
    """The id of the successor where one was asked for, as it was shown; else the rule of the default names it."""
    return shown.default_after.id if successor is not None and shown.removes_default and shown.default_after else None


def _anew(session: Session, asked: Asked, changed: Changed) -> _Shown:
    """What there is to confirm now. Where the successor that was asked for cannot be one any more, that is the
    error."""
    try:
        return _find(session, asked)
    except LocalChatError as error:
        raise changed from error


def _tell(session: Session, asked: Asked, shown: _Shown, done: Removal) -> None:
    default_before, default_after = ref_of(done.default_before), ref_of(done.default_after)
    document = {
        **_document(shown),
        "models_removed": [model.ref for model in done.models],
        "default_before": default_before,
        "default_after": default_after,
    }
    if done.moved is None:
        document["chats_affected"] = session.store.catalog.chats_using([model.id for model in done.models])
    else:
        document["chats_moved"] = len(done.moved.before)
    with_models = f" and {count(len(done.models), 'model')}" if done.provider is not None else ""
    lines = [f"Removed {asked.name}{with_models}.", default_line(default_before, default_after)]
    if done.moved is not None and shown.to is not None:
        lines.append(f"Moved {count(len(done.moved.before), 'chat')} to {shown.to.ref}.")
    lines.append(f"`localchat {asked.way_back}` brings {'them' if with_models else 'it'} back.")
    answer(session, document, *filter(None, lines))


def leaves_machine(preview: RemovalPreview) -> bool:
    """Whether chats whose words stayed on this machine would be answered elsewhere from now on."""
    after = preview.default_after
    return after is not None and not after.is_local and _ran_here(preview)


def _ran_here(preview: RemovalPreview) -> bool:
    return any(model.is_local for model in preview.models)


def _document(shown: _Shown) -> dict[str, Any]:
    preview = shown.preview
    return {
        "removed": preview.provider.name if preview.provider is not None else None,
        "models_removed": [model.ref for model in preview.models],
        "chats_affected": preview.chats_affected,
        "newest_titles": list(preview.newest_titles),
        "default_before": ref_of(preview.default_before),
        "default_after": ref_of(preview.default_after),
        "successors": [model.ref for model in preview.successors],
        "leaves_machine": leaves_machine(preview) if shown.to is None else not shown.to.is_local and _ran_here(preview),
        "chats_move_to": ref_of(shown.to),
    }


def _lines(shown: _Shown) -> Iterator[str]:
    preview, to = shown.preview, shown.to
    yield _models(preview)
    yield from _key(preview)
    yield from _chats(shown)
    yield from _default(preview)
    if to is not None and shown.chats is not None and shown.chats.chats and not to.is_local and _ran_here(preview):
        host = shown.target.host if shown.target is not None else ""
        yield (
            f"What ran on this machine goes, and {to.ref} answers at {host}:"
            " it sees the whole of each of these chats at its next turn."
        )
    if to is None and leaves_machine(preview):
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


def _chats(shown: _Shown) -> Iterator[str]:
    preview = shown.preview
    number = preview.chats_affected
    in_trash = shown.chats.in_trash if shown.chats is not None else 0
    if not number:
        yield "No chat uses " + ("it." if len(preview.models) < 2 else "them.")
        return
    use = f"{count(number, 'chat uses', 'chats use')} {'it' if len(preview.models) < 2 else 'them'}."
    if shown.to is not None:
        trash = f" ({in_trash:,} more in the trash)" if in_trash else ""
        yield f"{use} {'It gets' if number == 1 else 'They get'} {shown.to.ref} for good{trash}."
    else:
        after = "use the default" if preview.default_after is not None else "have nobody to answer them"
        yield (
            f"{use} {'It stays' if number == 1 else 'They stay'} readable;"
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
