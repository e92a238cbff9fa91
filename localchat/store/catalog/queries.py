"""Reading providers and models: rows as records, each question one statement, fetched whole."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from itertools import count
from typing import Any

from localchat import validation
from localchat.errors import InvalidInput, NotFound, Remedy, Way
from localchat.records import KEY_SOURCES, CatalogEvent, Model, Provider, Ref
from localchat.store.fields import document, number, number_or_none, one_of, text, text_or_none
from localchat.text import storable
from localchat.validation import folded, quoted

GONE = NotFound().message  # the contract's words for a row that is not there any more


def provider_of(row: sqlite3.Row) -> Provider:
    return Provider(
        id=row["id"],
        name=text(row["name"]),
        kind=text(row["kind"]),
        base_url=text_or_none(row["base_url"]),
        key_source=one_of(row["key_source"], KEY_SOURCES, "none"),
        key_name=text_or_none(row["key_name"]),
        enabled=bool(row["enabled"]),
        created_at=text(row["created_at"]),
        updated_at=text(row["updated_at"]),
        limits=validation.sound_limits(document(row["limits"])),
    )


def model_of(row: sqlite3.Row) -> Model:
    return Model(
        id=row["id"],
        provider=text(row["provider"]),
        model=text(row["model"]),
        path=text_or_none(row["path"]),
        context=number_or_none(row["context"]),
        parameters=document(row["parameters"]),
        enabled=bool(row["enabled"]),
        is_default=bool(row["is_default"] and row["usable"]),  # another program may have left one that cannot answer
        is_local=None if row["is_local"] is None else bool(row["is_local"]),
        created_at=text(row["created_at"]),
        updated_at=text(row["updated_at"]),
        deleted_at=text_or_none(row["deleted_at"]),
        usable=bool(row["usable"]),
        provider_id=number_or_none(row["provider_id"]),
        delisted_at=text_or_none(row["delisted_at"]),
    )


def event_of(row: sqlite3.Row) -> CatalogEvent:
    return CatalogEvent(
        id=row["id"],
        at=text(row["at"]),
        action=text(row["action"]),
        subject=text(row["subject"]),
        default_before=text_or_none(row["default_before"]),
        default_after=text_or_none(row["default_after"]),
        by=text(row["by"]),
        detail=document(row["detail"]),
        format=number(row["format"], 1),
        provider_id=row["provider_id"] if isinstance(row["provider_id"], int) else None,
    )


def _models(connection: sqlite3.Connection, sql: str, *values: Any) -> list[Model]:
    asked = [storable(value) if isinstance(value, str) else value for value in values]
    return [model_of(row) for row in connection.execute(sql, asked).fetchall()]


def providers(connection: sqlite3.Connection) -> list[Provider]:
    return [provider_of(row) for row in connection.execute("select * from providers order by name").fetchall()]


def find_provider(connection: sqlite3.Connection, name: str) -> Provider | None:
    row = connection.execute("select * from providers where name = ?", (storable(name),)).fetchone()
    return None if row is None else provider_of(row)


def provider_named(connection: sqlite3.Connection, name: str) -> Provider:
    """Raises NotFound; the hint names it and says whether it was ever there."""
    found = find_provider(connection, name)
    if found is None:
        from localchat.store.catalog.ways_back import provider_gone

        raise provider_gone(connection, name)
    return found


def find_provider_by_id(connection: sqlite3.Connection, provider_id: int) -> Provider | None:
    row = connection.execute("select * from providers where id = ?", (provider_id,)).fetchone()
    return None if row is None else provider_of(row)


def provider_by_id(connection: sqlite3.Connection, provider_id: int) -> Provider:
    """Raises NotFound."""
    found = find_provider_by_id(connection, provider_id)
    if found is None:
        raise NotFound(hint="This provider was removed, perhaps in another window.")
    return found


def live_models(connection: sqlite3.Connection, provider: str | None = None) -> list[Model]:
    if provider is None:
        return _models(connection, "select * from live_models order by provider, model, id")
    return _models(connection, "select * from live_models where provider = ? order by model, id", provider)


ORPHANED = (
    "not exists (select 1 from providers p where p.name = m.provider"
    " and (m.provider_id is null or m.provider_id = p.id))"
)
"""Of a live model ``m``: another program took its provider away. One of that name is not enough: it is another."""


def orphans(connection: sqlite3.Connection) -> list[Model]:
    return _models(connection, f"select * from live_models m where {ORPHANED} order by provider, model, id")


def tombstones(connection: sqlite3.Connection, provider: str | None = None) -> list[Model]:
    """Newest first."""
    return _models(
        connection,
        "select * from known_models where deleted_at is not null and (? is null or provider = ?)"
        " order by deleted_at desc, id desc",
        provider,
        provider,
    )


def find_model(connection: sqlite3.Connection, model_id: int) -> Model | None:
    found = _models(connection, "select * from known_models where id = ?", model_id)
    return found[0] if found else None


def model_by_id(connection: sqlite3.Connection, model_id: int) -> Model:
    """Live or removed. Raises NotFound."""
    found = find_model(connection, model_id)
    if found is None:
        raise NotFound(hint=f"No model has the id {model_id}.")
    return found


def live_model_by_id(connection: sqlite3.Connection, model_id: int) -> Model:
    """Raises NotFound; the hint names the model where it was removed."""
    model = model_by_id(connection, model_id)
    if model.removed:
        raise NotFound(hint=f"{model.ref} was removed, perhaps in another window.")
    return model


def live_model(connection: sqlite3.Connection, ref: str) -> Model:
    """Raises InvalidInput where it is no ref; NotFound, whose message tells a removed model from one never there."""
    provider, name = parsed(ref)
    as_written = storable(ref.partition("/")[2])  # another program may have stored a form that we would not
    found = _models(
        connection, "select * from live_models where provider = ? and model in (?, ?)", provider, name, as_written
    )
    if found:
        return max(found, key=lambda model: model.model == as_written)
    graves = tombstones_named(connection, provider, name)
    from localchat.store.catalog import ways_back

    if graves:
        hint, remedy = ways_back.of_model(connection, graves[0])
        raise NotFound(f"{GONE}: {ref} was removed.", hint, remedy=remedy)
    alike = twin(connection, provider, name)
    said = f"There is no model {quoted(ref)}."
    if alike is not None:
        raise NotFound(said, f"Did you mean {alike.ref}?")
    raise ways_back.never_there(connection, provider, name, said)


def parsed(ref: str) -> Ref:
    """A ref as it is stored. Raises InvalidInput."""
    import unicodedata

    try:
        return Ref.parse(unicodedata.normalize("NFC", storable(ref)))
    except ValueError:
        raise InvalidInput(
            f"{quoted(ref)} names no model.", "Write PROVIDER/MODEL.", remedy=Remedy(Way.LIST_MODELS)
        ) from None


def tombstones_named(connection: sqlite3.Connection, provider: str, model: str) -> list[Model]:
    """Those of that ref, newest first."""
    return _models(
        connection,
        "select * from known_models where deleted_at is not null and provider = ? and model = ?"
        " order by deleted_at desc, id desc",
        provider,
        model,
    )


def tombstone_of(connection: sqlite3.Connection, provider_id: int, model: str) -> Model | None:
    """The newest tombstone of that name that belongs to that very provider."""
    found = _models(
        connection,
        "select * from known_models where deleted_at is not null and provider_id = ? and model = ?"
        " order by deleted_at desc, id desc limit 1",
        provider_id,
        model,
    )
    return found[0] if found else None


def live_named(connection: sqlite3.Connection, provider: str, model: str) -> Model | None:
    """The live model of exactly that name."""
    found = _models(connection, "select * from live_models where provider = ? and model = ?", provider, model)
    return found[0] if found else None


def twin(connection: sqlite3.Connection, provider: str, model: str, but: int | None = None) -> Model | None:
    """The live model of that provider whose name is the same up to case and Unicode form; ``but``: not this id."""
    return next((live for live in twins(connection, provider, model) if live.id != but), None)


def twins(connection: sqlite3.Connection, provider: str, model: str) -> list[Model]:
    """All of them: another program may have written several. The one of exactly that name is the first."""
    wanted = folded(model)
    found = [live for live in live_models(connection, provider) if folded(live.model) == wanted]
    return sorted(found, key=lambda live: live.model != model)


def free_name(connection: sqlite3.Connection, name: str) -> str:
    """A name near to that of a provider, which none has."""
    taken = {provider.name for provider in providers(connection)}
    return next(free for number in count(2) if (free := f"{name[:60]}-{number}") not in taken)


def default(connection: sqlite3.Connection) -> Model | None:
    found = _models(connection, "select * from live_models where is_default = 1")
    return found[0] if found else None


def successors(connection: sqlite3.Connection, without: Iterable[int] = ()) -> list[Model]:
    """Usable models but those, by the order of promotion."""
    gone = set(without)
    usable = _models(connection, "select * from usable_models order by provider, model, updated_at desc, id desc")
    return [model for model in usable if model.id not in gone]


def chats_using(connection: sqlite3.Connection, model_ids: Iterable[int]) -> int:
    row = connection.execute(
        "select count(*) from chats where deleted_at is null and model_config_id in (select value from json_each(?))",
        (json.dumps(list(model_ids)),),
    ).fetchone()
    return int(row[0])


def chats_of(connection: sqlite3.Connection, model_ids: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Each chat of these models with the model it has, by id; those in the trash too."""
    wanted = json.dumps(sorted(set(model_ids)))
    rows = connection.execute(
        """
        select model_config_id, id from chats
          where deleted_at is null and model_config_id in (select value from json_each(:wanted))
        union all
        select model_config_id, id from chats
          where deleted_at is not null and model_config_id in (select value from json_each(:wanted))
        """,
        {"wanted": wanted},
    ).fetchall()
    return tuple(sorted((int(chat), int(model)) for model, chat in rows))


def newest_titles(connection: sqlite3.Connection, model_ids: Iterable[int], limit: int = 3) -> tuple[str, ...]:
    """Titles of the chats used last among those with one of these models; reads ``limit`` rows a model."""
    rows = connection.execute(
        """
        select chats.title from json_each(?) as wanted join chats on chats.id in (
          select id from chats where model_config_id = wanted.value and deleted_at is null
          order by updated_at desc, id desc limit ?)
        order by chats.updated_at desc, chats.id desc limit ?
        """,
        (json.dumps(list(model_ids)), limit, limit),
    ).fetchall()
    return tuple(text(row[0]) for row in rows)


def use_counts(connection: sqlite3.Connection) -> dict[int, int]:
    rows = connection.execute(
        "select model_config_id, count(*) from chats"
        " where deleted_at is null and model_config_id is not null group by model_config_id"
    ).fetchall()
    return {model_id: number(times) for model_id, times in rows if isinstance(model_id, int)}


def events(connection: sqlite3.Connection, limit: int) -> list[CatalogEvent]:
    rows = connection.execute("select * from catalog_events order by id desc limit ?", (limit,)).fetchall()
    return [event_of(row) for row in rows]
