"""How a removed model comes back, as things are: which step works there and then. Each interface words the remedy."""

from __future__ import annotations

import sqlite3

from localchat import validation
from localchat.errors import InvalidInput, NotFound, Remedy, Way
from localchat.records import Model, Provider
from localchat.store.catalog import queries
from localchat.text import storable
from localchat.validation import quoted


def place_of(connection: sqlite3.Connection, model: Model) -> Provider | None:
    """Where a tombstone would come to life: its own provider, whatever that is called by now, else the one that has
    its provider's name; None where there is neither."""
    own = None if model.provider_id is None else queries.find_provider_by_id(connection, model.provider_id)
    return own or queries.find_provider(connection, model.provider)


def in_its_place(connection: sqlite3.Connection, model: Model, place: Provider) -> Model | None:
    """The live model that has a tombstone's name by now, up to case. One that lived beside it (another program may
    write such twins) is not in its way."""
    for there in queries.twins(connection, place.name, model.model):
        if there.model == model.model or there.created_at > (model.deleted_at or ""):
            return there
    return None


def of_model(connection: sqlite3.Connection, model: Model) -> tuple[str, Remedy]:
    """A hint and the remedy for a removed model."""
    place = place_of(connection, model)
    if place is not None:
        there = in_its_place(connection, model, place)
        if there is None:
            return "", Remedy(Way.RESTORE_MODEL, model.ref)
        return f"{quoted(there.ref)} has its place.", Remedy(Way.MOVE_CHATS, model.ref, there.ref)
    name = removed_provider(connection, model)
    if name is not None:
        return "It went with its provider.", Remedy(Way.RESTORE_PROVIDER, name)
    try:
        validation.provider_name(model.provider)
    except InvalidInput:  # another program wrote a name that no provider can have
        return f"No provider can be called {quoted(model.provider)}.", Remedy(Way.MOVE_CHATS, model.ref)
    return "It came without its provider.", Remedy(Way.TAKE_OVER, model.provider, model.ref)


def to_use(connection: sqlite3.Connection, model: Model) -> Remedy:
    """What makes a model that cannot answer answer again."""
    if model.removed:
        return of_model(connection, model)[1]
    if not model.enabled:
        return Remedy(Way.SWITCH_ON_MODEL, model.ref)
    return Remedy(Way.SWITCH_ON_PROVIDER, model.provider)


def removed_provider(connection: sqlite3.Connection, model: Model) -> str | None:
    """The name under which its provider was removed, as the log has it; None where the log has no such line."""
    if model.provider_id is None:
        return None
    row = connection.execute(
        "select subject from catalog_events where provider_id = ? and action = 'provider-removed'"
        " order by id desc limit 1",
        (model.provider_id,),
    ).fetchone()
    return None if row is None else str(row["subject"])


def removed_providers(connection: sqlite3.Connection) -> list[str]:
    """Names of the providers that were removed and are not back, as the log has them; those whose name is free."""
    rows = connection.execute(
        "select distinct subject from catalog_events where action = 'provider-removed'"
        " and provider_id not in (select id from providers) and subject not in (select name from providers)"
        " order by subject"
    ).fetchall()
    return [str(row["subject"]) for row in rows]


def provider_gone(connection: sqlite3.Connection, name: str) -> NotFound:
    """The error for a provider that is not there; it tells one that was removed from one never there, and from one
    that has another name by now."""
    removed = connection.execute(
        "select 1 from catalog_events where action = 'provider-removed' and subject = ?"
        " and provider_id not in (select id from providers) limit 1",
        (storable(name),),
    ).fetchone()
    if removed is not None:
        return NotFound(hint=f"The provider {name} was removed.", remedy=Remedy(Way.RESTORE_PROVIDER, name))
    now = renamed(connection, name)
    called = f" It is called {now.name} now." if now is not None else ""
    return NotFound(hint=f"There is no provider {quoted(name)}.{called}", remedy=Remedy(Way.LIST_PROVIDERS))


def renamed(connection: sqlite3.Connection, name: str) -> Provider | None:
    """The provider that had this name last and has another one now; None where a provider has it still."""
    row = connection.execute(
        "select p.* from catalog_events e join providers p on p.id = e.provider_id"
        " where e.action = 'provider-edited' and e.subject = ? and p.name <> e.subject"
        " and not exists (select 1 from providers q where q.name = e.subject) order by e.id desc limit 1",
        (storable(name),),
    ).fetchone()
    return None if row is None else queries.provider_of(row)


def never_there(connection: sqlite3.Connection, provider: str, name: str, said: str) -> NotFound:
    """The error for a ref that names no model; it tells where its provider has another name by now."""
    now = renamed(connection, provider)
    if now is None:
        return NotFound(said, "", remedy=Remedy(Way.LIST_MODELS))
    called = f"{provider} is called {now.name} now."
    grave = queries.tombstone_of(connection, now.id, name)
    if queries.live_named(connection, now.name, name) is None and grave is not None:
        return NotFound(said, called, remedy=Remedy(Way.RESTORE_MODEL, grave.ref))
    return NotFound(said, called, remedy=Remedy(Way.LIST_MODELS))
