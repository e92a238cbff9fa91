"""The way back: what was removed comes to life again, by identity, and what that would do.

A provider comes back with what can be restored of what went with it; a model under the provider that it belongs to,
whatever that is called by now. What a person was shown is compared inside the transaction, as with a removal.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace

from localchat import validation
from localchat.errors import AlreadyExists, Changed, NotFound, ProviderNotConfigured, Remedy, StoreUnreadable, Way
from localchat.records import (
    Model,
    Provider,
    Removal,
    Restored,
    RestorePreview,
    is_local,
)
from localchat.store.catalog import confirmation, log, moving, queries, ways_back
from localchat.store.catalog.transaction import Action, Change
from localchat.store.connection import snapshot
from localchat.text import storable
from localchat.validation import quoted

# What it would do.


def preview_of_provider(connection: sqlite3.Connection, name: str) -> RestorePreview:
    """Raises NotFound, AlreadyExists, StoreUnreadable."""
    with snapshot(connection):
        return _shown(connection, last_removal(connection, name))


def preview_of_model(connection: sqlite3.Connection, ref: str) -> RestorePreview:
    """Raises NotFound, AlreadyExists, ProviderNotConfigured, InvalidInput."""
    with snapshot(connection):
        return _shown(connection, last_model_removal(connection, ref))


def preview_of_tombstone(connection: sqlite3.Connection, model_id: int) -> RestorePreview:
    """Of that very model. Raises as ``preview_of_model``."""
    with snapshot(connection):
        return _shown(connection, _removal_of_tombstone(connection, queries.model_by_id(connection, model_id)))


def _shown(connection: sqlite3.Connection, removal: Removal) -> RestorePreview:
    preview = _facts(connection, removal)
    return replace(preview, chats_affected=queries.chats_using(connection, [model.id for model in preview.models]))


def _facts(connection: sqlite3.Connection, removal: Removal) -> RestorePreview:
    """All that decides what comes back, and raises what stands in its way."""
    plan = _planned(connection, removal)
    before = queries.default(connection)
    return RestorePreview(
        removal=removal,
        provider=removal.provider,
        place=plan.place,
        models=tuple(model for model, _ in plan.back),
        stays=plan.stays,
        chats_affected=0,
        default_before=before,
        default_after=_default_after(connection, removal, plan, before),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """``back``: each tombstone that comes to life, with the provider that it then belongs to."""

    place: Provider
    back: tuple[tuple[Model, Provider], ...]
    stays: tuple[Model, ...]


def _planned(connection: sqlite3.Connection, removal: Removal) -> _Plan:
    if removal.provider is None:
        back = tuple(_alone(connection, model) for model in removal.models)
        return _Plan(back[0][1], back, ())
    place = removal.provider
    _check_free(connection, place)
    found: list[Model] = []
    for model in removal.models:
        now = queries.find_model(connection, model.id)
        if now is not None and now.removed and now.provider_id in (None, place.id):
            _check_untaken(connection, place, now)
            found.append(now)
    ids = {model.id for model in found}
    stays = tuple(model for model in removal.models if model.id not in ids)
    return _Plan(place, tuple((model, place) for model in found), stays)


def _check_free(connection: sqlite3.Connection, provider: Provider) -> None:
    """Raises NotFound where it is back already, AlreadyExists where another one has its name."""
    back = queries.find_provider_by_id(connection, provider.id)
    if back is not None:
        called = "" if back.name == provider.name else f", as {back.name}"
        raise NotFound(hint=f"{provider.name} is back already{called}. Nothing was restored.")
    if queries.find_provider(connection, provider.name) is not None:
        raise AlreadyExists(
            f"There is a provider {provider.name} already; nothing was restored.",
            remedy=Remedy(Way.MAKE_ROOM, provider.name, queries.free_name(connection, provider.name)),
        )


def _check_untaken(connection: sqlite3.Connection, place: Provider, model: Model) -> None:
    """Raises AlreadyExists. Only another program can add a model to a provider that is not there."""
    there = queries.live_named(connection, place.name, model.model)
    if there is not None:
        raise AlreadyExists(
            f"There is a model {quoted(there.ref)} already; nothing was restored.",
            "It belongs to no provider.",
            remedy=Remedy(Way.FIX_STORE),
        )


def _alone(connection: sqlite3.Connection, model: Model) -> tuple[Model, Provider]:
    """That model without its provider, and where it comes to life. Raises what stands in its way."""
    now = queries.find_model(connection, model.id)
    if now is None or not now.removed:
        raise NotFound(
            hint=f"{model.ref} is {'gone for good' if now is None else 'back already'}. Nothing was restored."
        )
    provider = ways_back.place_of(connection, now)
    if provider is None:
        hint, remedy = ways_back.of_model(connection, now)
        raise ProviderNotConfigured(hint, remedy=remedy)
    there = ways_back.in_its_place(connection, now, provider)
    if there is not None:
        raise AlreadyExists(
            f"There is a model {quoted(there.ref)} already; nothing was restored.",
            "Its chats can use that one.",
            remedy=Remedy(Way.MOVE_CHATS, now.ref, there.ref),
        )
    validation.weights(provider.kind, now.model, now.path)  # the name may belong to a provider of another kind by now
    return now, provider


def _default_after(connection: sqlite3.Connection, removal: Removal, plan: _Plan, before: Model | None) -> Model | None:
    coming = [
        replace(model, deleted_at=None, provider=place.name, usable=model.enabled and place.enabled)
        for model, place in plan.back
    ]
    was = removal.default_before
    returns = next((model for model in coming if was is not None and model.id == was.id and model.usable), None)
    if returns is not None and log.nobody_chose_since(connection, removal.event_id):
        return returns
    if before is not None and before.usable:
        return before
    usable = [*queries.successors(connection), *(model for model in coming if model.usable)]
    return min(usable, key=lambda model: (model.provider, model.model), default=None)


# Doing it.


def restore(change: Change, shown: RestorePreview) -> Restored:
    """What was shown, and nothing else. Raises Changed, and what stands in its way."""
    now = _facts(change.tx, shown.removal)
    if differs := confirmation.of_restore(shown, now):
        raise Changed(f"{differs} Nothing was changed.")
    return undo(change, shown.removal)


def undo(change: Change, removal: Removal) -> Restored:
    """Bring back what can be brought back of it, and the chats that moved with it."""
    plan = _planned(change.tx, removal)
    if removal.provider is not None:
        change.tx.execute(
            "insert into providers (id, name, kind, base_url, key_source, key_name, enabled, created_at, updated_at,"
            " limits) values (:id, :name, :kind, :base_url, :key_source, :key_name, :enabled, :created_at, :updated_at,"
            " :limits)",
            {**log.provider_row(removal.provider), "limits": json.dumps(removal.provider.limits)},
        )
        change.tx.execute(  # those that went before it follow its name, too
            "update model_configs set provider = ? where provider_id = ? and provider <> ? and deleted_at is not null",
            (removal.provider.name, removal.provider.id, removal.provider.name),
        )
    for model, place in plan.back:
        _revive(change, model, place)
    if removal.moved is not None:
        moving.move_back(change.tx, removal.moved)
    _return_default(change, removal)
    subject = removal.provider.name if removal.provider else ", ".join(model.ref for model in removal.models)
    action: Action = "provider-restored" if removal.provider else "model-restored"
    provider_id = removal.provider.id if removal.provider else None
    settled = change.done(action, subject, {"undoes": removal.event_id}, provider_id)
    models = tuple(queries.model_by_id(change.tx, model.id) for model, _ in plan.back)
    place = queries.provider_by_id(change.tx, plan.place.id)
    return Restored(settled, place, models, removal.provider is not None)


def _revive(change: Change, model: Model, place: Provider) -> None:
    change.write(
        f"The model {model.ref}",
        "update model_configs set deleted_at = null, is_local = ?, provider_id = ?, provider = ?"
        " where id = ? and deleted_at is not null",
        int(is_local(place.kind, place.base_url)),
        place.id,
        place.name,
        model.id,
    )


def _return_default(change: Change, removal: Removal) -> None:
    """The default comes back too where no person chose another since."""
    was = removal.default_before
    if was is None or all(model.id != was.id for model in removal.models):
        return
    if not log.nobody_chose_since(change.tx, removal.event_id):
        return
    back = queries.model_by_id(change.tx, was.id)
    if back.usable:
        change.give_default(back)


# What was removed, from the log.


def last_removal(connection: sqlite3.Connection, provider: str) -> Removal:
    """The removal of a provider of that name that can be taken back: the newest one whose provider is not back."""
    rows = connection.execute(
        "select * from catalog_events where action = 'provider-removed' and subject = ? order by id desc",
        (storable(provider),),
    ).fetchall()
    if not rows:
        raise _never_removed(connection, provider)
    gone = (row for row in rows if not _is_there(connection, row["provider_id"]))
    return log.removal_of(connection, queries.event_of(next(gone, rows[0])))


def _is_there(connection: sqlite3.Connection, provider_id: object) -> bool:
    return isinstance(provider_id, int) and queries.find_provider_by_id(connection, provider_id) is not None


def _never_removed(connection: sqlite3.Connection, provider: str) -> NotFound:
    said = f"No provider {quoted(provider)} was ever removed here."
    graves = queries.tombstones(connection, provider)
    if not graves or queries.find_provider(connection, provider) is not None:
        return NotFound(said, "", remedy=Remedy(Way.SHOW_LOG))
    hint, remedy = ways_back.of_model(connection, graves[0])
    return NotFound(said, hint, remedy=remedy)


def last_model_removal(connection: sqlite3.Connection, ref: str) -> Removal:
    """Of the newest tombstone of that ref that can come back."""
    provider, name = queries.parsed(ref)
    graves = queries.tombstones_named(connection, provider, name)
    if not graves:
        said = f"No model {quoted(ref)} was ever removed here."
        if ways_back.renamed(connection, provider) is not None:
            raise ways_back.never_there(connection, provider, name, said)
        raise NotFound(said, "", remedy=Remedy(Way.LIST_ALL_MODELS))
    able = (grave for grave in graves if ways_back.place_of(connection, grave) is not None)
    return _removal_of_tombstone(connection, next(able, graves[0]))


def _removal_of_tombstone(connection: sqlite3.Connection, model: Model) -> Removal:
    if model.deleted_at is None:
        raise NotFound(hint=f"{model.ref} is back already. Nothing was restored.")
    if ways_back.place_of(connection, model) is None:
        hint, remedy = ways_back.of_model(connection, model)
        raise ProviderNotConfigured(hint, remedy=remedy)
    row = connection.execute(
        "select * from catalog_events where action in ('model-removed', 'provider-removed') and exists ("
        "  select 1 from json_each(detail, '$.models') where json_extract(detail, fullkey || '.id') = ?)"
        " order by id desc limit 1",
        (model.id,),
    ).fetchone()
    alive = replace(model, deleted_at=None)
    if row is None:  # the tombstone was made by another program
        return Removal(0, None, (alive,), None, None, model.deleted_at)
    try:
        logged = log.removal_of(connection, queries.event_of(row))
    except StoreUnreadable:  # the tombstone holds all that comes back of it
        return Removal(0, None, (alive,), None, None, model.deleted_at)
    moved = logged.moved
    if moved is not None:
        moved = replace(moved, before=tuple(pair for pair in moved.before if pair[1] == model.id))
    return replace(logged, provider=None, models=tuple(m for m in logged.models if m.id == model.id), moved=moved)
