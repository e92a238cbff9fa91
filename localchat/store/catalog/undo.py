"""Taking back a change of the catalog, from the log: of any window, also after a restart.

A line is undone once. An undo writes a line itself, so that two windows at once never both win. What was changed again
since by something else than localchat is not overwritten: the undo is refused then, and stays possible.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from localchat.errors import AlreadyExists, Changed, InvalidInput, NotFound, Remedy, StoreUnreadable, Way
from localchat.records import CatalogEvent, Model, Provider, Undone, is_local
from localchat.store.catalog import log, moving, queries, restoring, ways_back
from localchat.store.catalog.transaction import Change

_REMOVALS = ("provider-removed", "model-removed")
_SWITCHES = ("provider-enabled", "provider-disabled", "model-enabled", "model-disabled")
_CHOICES = ("default-chosen", "default-demoted")
UNDOABLE = (*_REMOVALS, *_SWITCHES, *log.EDITS, *_CHOICES, "chats-moved")
_RESTORES = {"provider-removed": "provider-restored", "model-removed": "model-restored"}


def undoable(connection: sqlite3.Connection, limit: int | None = None, *, refused: bool = False) -> list[CatalogEvent]:
    """Lines that can be taken back, the newest first. One that can never be again is left out: its provider or model is
    gone for good, something else than an undoable change wrote over it, or a default that was none before.
    ``refused``: with those that were written over, to say so to who was offered one."""
    found: list[CatalogEvent] = []
    touched: set[object] = set()
    undone: set[int] = set()
    for event in _newest_first(connection):
        target = log.undoes(event)
        if target is not None and event.action in ("undone", *_RESTORES.values()):
            undone |= _whole(connection, event, target)
        elif event.action in UNDOABLE and event.id not in undone and _possible(connection, event):
            if (
                not refused
                and event.action in log.EDITS
                and _of(event) not in touched
                and _overwritten(connection, event)
            ):
                continue
            found.append(event)
            touched.add(_of(event))
            if limit is not None and len(found) >= limit:
                break
    return found


def _newest_first(connection: sqlite3.Connection, page: int = 100) -> Any:
    """Page by page: the newest that can be undone is nearly always on the first."""
    below = 2**62
    while rows := connection.execute(
        "select * from catalog_events where id < ? order by id desc limit ?", (below, page)
    ).fetchall():
        yield from map(queries.event_of, rows)
        below = rows[-1]["id"]


def _whole(connection: sqlite3.Connection, event: CatalogEvent, target: int) -> set[int]:
    """The line that an undo took back; none where only a model of a removed provider was restored."""
    if event.action == "undone":
        return {target}
    row = connection.execute("select action from catalog_events where id = ?", (target,)).fetchone()
    return {target} if row is not None and _RESTORES.get(row["action"]) == event.action else set()


def _possible(connection: sqlite3.Connection, event: CatalogEvent) -> bool:
    """Whether there is anything to take back. What cannot be read stays: trying tells why."""
    if event.action in _REMOVALS:
        return not _is_back(connection, event)
    if event.action in (*_SWITCHES, *log.EDITS) and event.format > 1:
        return _concerns_something(connection, event)
    if event.action in _CHOICES and event.format == 1:
        return event.default_before is not None
    if event.action in _CHOICES:
        before = event.detail.get("default_before")
        return isinstance(before, int) and queries.find_model(connection, before) is not None
    return event.action != "chats-moved" or "chats_moved" in event.detail


def _is_back(connection: sqlite3.Connection, event: CatalogEvent) -> bool:
    """What was removed came back another way: it was added again, discovered, or written by another program."""
    if event.action == "provider-removed":
        return event.provider_id is not None and queries.find_provider_by_id(connection, event.provider_id) is not None
    ids = [model.get("id") for model in _dicts(event.detail.get("models"))]
    there = [queries.find_model(connection, each) for each in ids if isinstance(each, int)]
    return bool(there) and all(model is not None and not model.removed for model in there)


def _concerns_something(connection: sqlite3.Connection, event: CatalogEvent) -> bool:
    """Whether what was switched or edited is there, or can come back; and whether a switch is as it was left."""
    if event.action.startswith("provider"):
        thing: Provider | Model | None = _provider_by(connection, event.provider_id)
        if thing is None:
            return event.provider_id is None or _was_removed(connection, event.provider_id)
    else:
        model_id = event.detail.get("model")
        thing = queries.find_model(connection, model_id) if isinstance(model_id, int) else None
        if thing is None:
            return not isinstance(model_id, int)
        if thing.removed:
            return True
    return event.action in log.EDITS or thing.enabled == event.action.endswith("enabled")


def _of(event: CatalogEvent) -> object:
    """Which provider or model it is about."""
    return event.provider_id if event.action.startswith("provider") else ("model", event.detail.get("model"))


def _overwritten(connection: sqlite3.Connection, event: CatalogEvent) -> bool:
    """Whether an edited field is not what the edit made it: where no newer change explains that, none takes it back."""
    try:
        pairs = log.edited(event) if event.format > 1 else {}
    except StoreUnreadable:
        return False
    model_id = event.detail.get("model")
    thing: Provider | Model | None
    if event.action.startswith("provider"):
        thing = _provider_by(connection, event.provider_id)
    else:
        thing = queries.find_model(connection, model_id) if isinstance(model_id, int) else None
    if thing is None or (isinstance(thing, Model) and thing.removed):
        return False
    for name, (old, new) in pairs.items():
        there = getattr(thing, name, new)
        if all(isinstance(each, dict) for each in (old, new, there)):  # parameters are fields of their own
            if any(there.get(each) != new.get(each) for each in {*old, *new} if old.get(each) != new.get(each)):
                return True
        elif there != new:
            return True
    return False


def _provider_by(connection: sqlite3.Connection, provider_id: int | None) -> Provider | None:
    return None if provider_id is None else queries.find_provider_by_id(connection, provider_id)


def _was_removed(connection: sqlite3.Connection, provider_id: int) -> bool:
    row = connection.execute(
        "select 1 from catalog_events where action = 'provider-removed' and provider_id = ? limit 1", (provider_id,)
    ).fetchone()
    return row is not None


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def undo(change: Change, event_id: int) -> Undone:
    """Raises NotFound where it was undone already or is no change that can be; Changed, AlreadyExists, InvalidInput,
    ProviderNotConfigured where it cannot be now, and StoreUnreadable for a line that cannot be read."""
    event = next((each for each in undoable(change.tx, refused=True) if each.id == event_id), None)
    if event is None:
        raise NotFound("It was undone already, perhaps in another window.", "Nothing was changed.")
    if event.action in _REMOVALS:
        taken = log.removal_of(change.tx, event)
        back = restoring.undo(change, taken)
        return Undone(event, back.change, taken.provider, back.models, len(taken.moved.before) if taken.moved else 0)
    chats = 0
    if event.action in _SWITCHES:
        _switch_back(change, event)
    elif event.action == "provider-edited":
        _provider_as_before(change, event)
    elif event.action == "model-edited":
        _model_as_before(change, event)
    elif event.action == "chats-moved":
        moved = log.chats_moved(event)
        chats = moving.move_back(change.tx, moved) if moved is not None else 0
    _return_default(change, event)
    settled = change.settle()
    change.log("undone", event.subject, {"undoes": event.id, "action": event.action}, settled, event.provider_id)
    return Undone(event, settled, None, (), chats)


# Each kind.


def _switch_back(change: Change, event: CatalogEvent) -> None:
    was = int(event.action.endswith("disabled"))
    if event.action.startswith("provider"):
        provider = _provider_of(change, event)
        sql, thing = "update providers set enabled = ?, updated_at = ? where id = ? and enabled = ?", provider.name
        found = provider.id
    else:
        model = _model_of(change, event)
        sql, thing = "update model_configs set enabled = ?, updated_at = ? where id = ? and enabled = ?", model.ref
        found = model.id
    if change.tx.execute(sql, (was, change.at, found, 1 - was)).rowcount != 1:
        raise Changed(f"{thing} is switched {'on' if was else 'off'} already. Nothing was changed.")


def _provider_as_before(change: Change, event: CatalogEvent) -> None:
    provider = _provider_of(change, event)
    fields = _unchanged_since(provider, event, provider.name)
    name, base_url = fields.get("name", provider.name), fields.get("base_url", provider.base_url)
    if name != provider.name and queries.find_provider(change.tx, name) is not None:
        raise AlreadyExists(
            f"There is a provider {name} already; nothing was changed.",
            "Then this one can have its name back.",
            remedy=Remedy(Way.RENAME_PROVIDER, name, queries.free_name(change.tx, name)),
        )
    change.write(
        f"The provider {provider.name}",
        "update providers set name = ?, base_url = ?, key_source = ?, key_name = ?, limits = ?, updated_at = ?"
        " where id = ?",
        name,
        base_url,
        fields.get("key_source", provider.key_source),
        fields.get("key_name", provider.key_name),
        json.dumps(fields.get("limits", provider.limits)),
        change.at,
        provider.id,
    )
    change.tx.execute("update model_configs set provider = ? where provider_id = ?", (name, provider.id))
    change.tx.execute(
        "update model_configs set is_local = ? where provider_id = ? and deleted_at is null",
        (int(is_local(provider.kind, base_url)), provider.id),
    )


def _model_as_before(change: Change, event: CatalogEvent) -> None:
    model = _model_of(change, event)
    pairs = log.edited(event)
    parameters = dict(model.parameters)
    if "parameters" in pairs:
        old, new = ({**part} if isinstance(part, dict) else {} for part in pairs.pop("parameters"))
        for name in {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}:
            if parameters.get(name) != new.get(name):
                raise _edited_again(model.ref)
            parameters.pop(name, None)
            if name in old:
                parameters[name] = old[name]
    fields = _unchanged_since(model, event, model.ref, but="parameters")
    name = fields.get("model", model.model)
    there = queries.twin(change.tx, model.provider, name, but=model.id)
    if there is not None:
        raise AlreadyExists(
            f"There is a model {there.ref} already; nothing was changed.",
            "Then this one can have its name back.",
            remedy=Remedy(Way.RENAME_MODEL, there.ref, f"{there.model}-2"),
        )
    change.write(
        f"The model {model.ref}",
        "update model_configs set model = ?, path = ?, context = ?, parameters = ?, updated_at = ? where id = ?",
        name,
        fields.get("path", model.path),
        fields.get("context", model.context),
        json.dumps(parameters),
        change.at,
        model.id,
    )


def _unchanged_since(thing: Provider | Model, event: CatalogEvent, named: str, but: str = "") -> dict[str, Any]:
    """What each field of the edit was before. Raises Changed where one is not what the edit made it."""
    before: dict[str, Any] = {}
    for name, (old, new) in log.edited(event).items():
        if name == but:
            continue
        if getattr(thing, name, new) != new:
            raise _edited_again(named)
        before[name] = old
    return before


def _edited_again(named: str) -> Changed:
    return Changed(f"{named} was edited again since. Nothing was changed.")


def _provider_of(change: Change, event: CatalogEvent) -> Provider:
    if event.provider_id is not None:
        found = queries.find_provider_by_id(change.tx, event.provider_id)
    else:  # a line of the first format: by the name that it had, or got
        name = log.edited(event)["name"][1] if event.action == "provider-edited" and "name" in event.detail else None
        found = queries.find_provider(change.tx, name or event.subject)
    if found is None:
        raise ways_back.provider_gone(change.tx, event.subject)
    return found


def _model_of(change: Change, event: CatalogEvent) -> Model:
    model_id = event.detail.get("model") if event.format > 1 else None
    if isinstance(model_id, int):
        return queries.live_model_by_id(change.tx, model_id)
    name = event.subject
    if event.action == "model-edited" and "model" in event.detail:
        name = f"{name.partition('/')[0]}/{log.edited(event)['model'][1]}"
    return queries.live_model(change.tx, name)


# The default.


def _return_default(change: Change, event: CatalogEvent) -> None:
    if event.format == 1:
        before = _by_ref(change, event.default_before) if event.default_before != event.default_after else None
    else:
        was, then = log.defaults(event)
        before = None if was is None or was == then else queries.find_model(change.tx, was)
    if before is None or event.action in log.EDITS:
        return
    if event.action in _CHOICES and not before.usable:
        raise InvalidInput(
            f"{before.ref} cannot be the default again: it {'was removed' if before.removed else 'is switched off'}.",
            "Then this can be undone.",
            remedy=ways_back.to_use(change.tx, before),
        )
    if before.usable and log.nobody_chose_since(change.tx, event.id):
        change.give_default(before)


def _by_ref(change: Change, ref: str | None) -> Model | None:
    try:
        return None if ref is None else queries.live_model(change.tx, ref)
    except (NotFound, InvalidInput):
        return None
