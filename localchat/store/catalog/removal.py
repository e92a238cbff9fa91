"""Removing providers and models, and what it would do. The way back: ``restoring``.

A removal neither reads nor writes a chat inside its transaction, unless it is to move them: it costs the same however
many use the models.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from localchat.errors import Changed, InvalidInput, NotFound
from localchat.records import (
    ChatsMoved,
    Model,
    MovePreview,
    MoveTarget,
    Provider,
    Removal,
    RemovalPreview,
)
from localchat.store.catalog import confirmation, log, moving, queries, ways_back
from localchat.store.catalog.transaction import Action, Change
from localchat.store.connection import snapshot

# What it would do.


def preview_of_provider(connection: sqlite3.Connection, name: str, successor: str | None) -> RemovalPreview:
    with snapshot(connection):
        provider = queries.provider_named(connection, name)
        return _preview(connection, provider, queries.live_models(connection, name), successor)


def preview_of_model(connection: sqlite3.Connection, ref: str, successor: str | None) -> RemovalPreview:
    with snapshot(connection):
        return _preview(connection, None, [queries.live_model(connection, ref)], successor)


def preview_of(connection: sqlite3.Connection, target: Provider | Model) -> RemovalPreview:
    """Of that very provider or model, whatever it is called by now."""
    with snapshot(connection):
        return _preview(connection, *_now(connection, target), None)


def _now(connection: sqlite3.Connection, target: Provider | Model) -> tuple[Provider | None, list[Model]]:
    """The provider with its live models, or the model alone, as they are now. Raises NotFound."""
    if isinstance(target, Model):
        return None, [queries.live_model_by_id(connection, target.id)]
    provider = queries.find_provider_by_id(connection, target.id)
    if provider is None:
        raise ways_back.provider_gone(connection, target.name)
    return provider, queries.live_models(connection, provider.name)


def _preview(
    connection: sqlite3.Connection, provider: Provider | None, models: Sequence[Model], successor: str | None
) -> RemovalPreview:
    going = [model.id for model in models]
    chosen = None if successor is None else _checked(queries.live_model(connection, successor), models)
    return replace(
        _facts(connection, provider, models, chosen),
        chats_affected=queries.chats_using(connection, going),
        newest_titles=queries.newest_titles(connection, going),
    )


def _facts(
    connection: sqlite3.Connection, provider: Provider | None, models: Sequence[Model], chosen: Model | None = None
) -> RemovalPreview:
    """All that decides what a removal does: everything but the chats."""
    going = [model.id for model in models]
    before = queries.default(connection)
    after, candidates = before, []
    if before is not None and before.id in going:
        candidates = queries.successors(connection, without=going)
        after = chosen or next(iter(candidates), None)
    return RemovalPreview(provider, tuple(models), 0, (), before, after, tuple(candidates))


def _checked(successor: Model, going: Iterable[Model]) -> Model:
    """A successor that can be one. Checked even where the default stays: a wrong name is never passed over."""
    if any(successor.id == model.id for model in going):
        raise InvalidInput(f"{successor.ref} is itself removed; it cannot become the default.", "Choose another model.")
    if not successor.usable:
        raise InvalidInput(
            f"{successor.ref} is switched off; it cannot become the default.", "Choose another, or switch it on first."
        )
    return successor


# Doing it.


def remove(
    change: Change, shown: RemovalPreview, picked: int | None, moving_chats: tuple[MovePreview, MoveTarget] | None
) -> Removal:
    """What was shown, and nothing else."""
    provider, models = _still_there(change, shown)
    now = _facts(change.tx, provider, models)
    heir = picked if picked is not None or shown.default_after is None else shown.default_after.id
    if differs := confirmation.of_removal(shown, now, heir):
        raise Changed(f"{differs} Nothing was changed.")
    moved = None
    if moving_chats is not None:
        shown_chats, to = moving_chats
        new = _able(moving.confirmed(change, shown_chats, to), models)
        moved = moving.move(change.tx, shown_chats.chats, new)
    chosen = next((model for model in now.successors if model.id == heir), None)
    return _take_out(change, provider, models, chosen, by_rule=picked is None, moved=moved)


def _still_there(change: Change, shown: RemovalPreview) -> tuple[Provider | None, list[Model]]:
    """Raises NotFound where what was shown is gone, Changed where something else has its name by now."""
    try:
        return _now(change.tx, shown.provider or shown.models[0])
    except NotFound:
        name = shown.provider.name if shown.provider else shown.models[0].ref
        namesake = (
            queries.find_provider(change.tx, name)
            if shown.provider
            else queries.twin(change.tx, shown.models[0].provider, shown.models[0].model)
        )
        if namesake is None:
            raise
    kind = "provider" if shown.provider else "model"
    raise Changed(f"{name} was removed, and another {kind} has its name now. Nothing was changed.")


def remove_provider(change: Change, name: str, successor: int | None, chats_to: int | None = None) -> Removal:
    provider = queries.provider_named(change.tx, name)
    models = queries.live_models(change.tx, name)
    heir = _chosen(change, successor, models)
    return _take_out(change, provider, models, heir, moved=_all_moved(change, models, chats_to))


def remove_model(change: Change, model_id: int, successor: int | None, chats_to: int | None = None) -> Removal:
    model = queries.live_model_by_id(change.tx, model_id)
    heir = _chosen(change, successor, [model])
    return _take_out(change, None, [model], heir, moved=_all_moved(change, [model], chats_to))


def _all_moved(change: Change, models: Sequence[Model], to: int | None) -> ChatsMoved | None:
    """Every chat of these models, as they are now."""
    if to is None:
        return None
    new = _able(queries.live_model_by_id(change.tx, to), models)
    return moving.move(change.tx, queries.chats_of(change.tx, [model.id for model in models]), new)


def _able(new: Model, going: Iterable[Model]) -> Model:
    """A model that the chats of what goes can get. Raises InvalidInput."""
    if any(model.id == new.id for model in going):
        raise InvalidInput(f"{new.ref} is itself removed; the chats cannot move to it.", "Choose another model.")
    if not new.usable:
        raise InvalidInput(
            f"{new.ref} is switched off; the chats cannot move to it.", "Choose another, or switch it on first."
        )
    return new


def target_of(connection: sqlite3.Connection, ref: str, going: Iterable[Model]) -> MoveTarget:
    """Raises NotFound, InvalidInput."""
    return moving.target(connection, _able(queries.live_model(connection, ref), going).id)


def _take_out(
    change: Change,
    provider: Provider | None,
    models: Sequence[Model],
    heir: Model | None,
    *,
    by_rule: bool = False,
    moved: ChatsMoved | None = None,
) -> Removal:
    """``by_rule``: nobody picked the heir, it is the one that the rule of the default names."""
    buried = _bury(change, models)
    if provider is None:
        if buried != 1:
            raise NotFound(hint=f"{models[0].ref} is gone already. Nothing was changed.")
        return _finish(change, "model-removed", models[0].ref, None, models, heir, by_rule, moved)
    if buried != len(models):
        raise change.vanished(f"A model of {provider.name}")
    if change.tx.execute("delete from providers where id = ?", (provider.id,)).rowcount != 1:
        raise NotFound(hint=f"The provider {provider.name} is gone already. Nothing was changed.")
    return _finish(change, "provider-removed", provider.name, provider, models, heir, by_rule, moved)


def bury_orphans(change: Change) -> list[Model]:
    orphans = queries.orphans(change.tx)
    for model in orphans:
        remove_model(change, model.id, None)
    return orphans


def _chosen(change: Change, successor: int | None, going: Sequence[Model]) -> Model | None:
    if successor is None:
        return None
    model = queries.model_by_id(change.tx, successor)
    if model.removed:
        raise NotFound(
            f"{queries.GONE}: {model.ref} was removed.", "It cannot become the default. Choose another model."
        )
    return _checked(model, going)


def _bury(change: Change, models: Sequence[Model]) -> int:
    """How many got their tombstone. Nothing else of them changes, so that an undo is exact."""
    return change.tx.execute(
        "update model_configs set deleted_at = ?, is_default = 0"
        " where deleted_at is null and id in (select value from json_each(?))",
        (change.at, json.dumps([model.id for model in models])),
    ).rowcount


def _finish(
    change: Change,
    action: Action,
    subject: str,
    provider: Provider | None,
    models: Sequence[Model],
    chosen: Model | None,
    by_rule: bool,
    moved: ChatsMoved | None,
) -> Removal:
    removes_default = change.before is not None and any(model.id == change.before.id for model in models)
    if chosen is not None and removes_default:
        change.give_default(chosen, promoted=by_rule)
    settled = change.settle()
    gone = provider.id if provider else models[0].provider_id
    event_id = change.log(action, subject, log.removal_detail(provider, models, moved), settled, gone)
    return Removal(event_id, provider, tuple(models), settled.before, settled.after, change.at, moved)
