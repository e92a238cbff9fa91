"""What a line of the catalog's log holds: its own format, by named fields, whatever the records look like.

Format 2. Each line: ``default_before``, ``default_after`` (ids of models, or null). A removal: ``provider`` (its row,
by the columns named below; null where only a model went), ``models`` (``id`` and ``ref`` of each: the tombstone holds
the rest), and ``chats_moved`` where chats went with it (``moving.as_detail``). An edit: ``fields``, each
pair of before and after, and ``model`` (its id). A switch or a choice: ``model`` (its id). What undoes another line:
``undoes`` (that line's id). The provider concerned is in the column ``provider_id``.

Format 1 is what the first version wrote: its records as they were then. Both are read; a line of a format that is not
known here, or that another program broke, is told and stays as it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from localchat import validation
from localchat.errors import StoreUnreadable
from localchat.records import CatalogEvent, ChatsMoved, Model, Provider, Removal
from localchat.store.catalog import moving, queries
from localchat.store.catalog.transaction import FORMAT

# With what stands for a column that a line does not have; None: the line cannot be read without it.
_PROVIDER: dict[str, Any] = {
    "id": None,
    "name": None,
    "kind": None,
    "base_url": "",
    "key_source": "none",
    "key_name": "",
    "enabled": True,
    "created_at": "1970-01-01T00:00:00.000Z",
    "updated_at": "1970-01-01T00:00:00.000Z",
    "limits": {},
}


EDITS = ("provider-edited", "model-edited")  # a rename changes the name of the default, not the default


def provider_row(provider: Provider) -> dict[str, Any]:
    """Its columns, by name."""
    return {name: getattr(provider, name) for name in _PROVIDER}


def removal_detail(provider: Provider | None, models: Sequence[Model], moved: ChatsMoved | None) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "provider": provider_row(provider) if provider else None,
        "models": [{"id": model.id, "ref": model.ref} for model in models],
    }
    return detail if moved is None else {**detail, "chats_moved": moving.as_detail(moved)}


def removal_of(connection: sqlite3.Connection, event: CatalogEvent) -> Removal:
    """What a removal took out. Raises StoreUnreadable."""
    with _reading(event):
        detail = known(event)
        provider = detail["provider"]
        before, after = defaults(event)
        place = _provider(provider) if provider else None
        models = tuple(_model(connection, each, place, before) for each in detail["models"])
        return Removal(
            event_id=event.id,
            provider=place,
            models=models,
            default_before=next((m for m in models if m.id == before), None) or _logged(connection, before),
            default_after=_logged(connection, after),
            at=event.at,
            moved=chats_moved(event),
        )


def edited(event: CatalogEvent) -> dict[str, tuple[Any, Any]]:
    """Each field that an edit changed, with what it was before and after. Raises StoreUnreadable."""
    with _reading(event):
        detail = known(event)
        changed = detail["fields"] if event.format > 1 else detail
        return {name: (pair[0], pair[1]) for name, pair in changed.items()}


def defaults(event: CatalogEvent) -> tuple[int | None, int | None]:
    """The ids of the default before and after. Raises StoreUnreadable."""
    with _reading(event):
        detail = known(event)
        before, after = detail.get("default_before"), detail.get("default_after")
        return None if before is None else int(before), None if after is None else int(after)


def chats_moved(event: CatalogEvent) -> ChatsMoved | None:
    """Raises StoreUnreadable."""
    with _reading(event):
        moved = known(event).get("chats_moved")
        return None if moved is None else moving.from_detail(moved)


def undoes(event: CatalogEvent) -> int | None:
    """The line that this one undid."""
    undone = event.detail.get("undoes", event.detail.get("removal") if event.format == 1 else None)
    return undone if isinstance(undone, int) else None


def known(event: CatalogEvent) -> Mapping[str, Any]:
    """The line's fields. Raises StoreUnreadable for a format of a later version."""
    if event.format not in (1, FORMAT):
        raise StoreUnreadable(
            f"Line {event.id} of the catalog's log was written by a newer version of localchat.",
            "Use that version to undo it. Nothing was changed.",
        )
    return event.detail


class _reading:
    """What does not have the shape of its format becomes StoreUnreadable."""

    def __init__(self, event: CatalogEvent) -> None:
        self._event = event

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | IndexError | AttributeError):
            raise StoreUnreadable(
                f"Line {self._event.id} of the catalog's log cannot be read.", "Another program may have written it."
            ) from error


def _provider(line: Mapping[str, Any]) -> Provider:
    """Raises KeyError where a column is missing that nothing can stand for."""
    row = {name: line[name] if default is None else line.get(name, default) for name, default in _PROVIDER.items()}
    return Provider(
        **{
            **row,
            "base_url": row["base_url"] or None,
            "key_name": row["key_name"] or None,
            "enabled": bool(row["enabled"]),
            "limits": validation.sound_limits(row["limits"]),
        }
    )


def _model(
    connection: sqlite3.Connection, line: Mapping[str, Any], place: Provider | None, default: int | None
) -> Model:
    """As it was when it went: from its tombstone, else, where another program deleted that, from what the line says."""
    model_id = int(line["id"])
    there = queries.find_model(connection, model_id)
    if there is None:
        provider, _, name = str(line.get("ref", "")).partition("/")
        known_fields = {each.name for each in fields(Model)}
        told = {
            "provider": provider, "model": name, "path": None, "context": None, "parameters": {}, "enabled": True,
            "is_default": False, "is_local": None, "created_at": "", "updated_at": "", "deleted_at": None,
            "usable": False, **{key: value for key, value in line.items() if key in known_fields},
        }  # fmt: skip
        return Model(**told)
    if place is None and there.provider_id is not None:
        place = queries.find_provider_by_id(connection, there.provider_id)
    usable = there.enabled and place is not None and place.enabled
    return replace(there, deleted_at=None, is_default=there.id == default, usable=usable)


def _logged(connection: sqlite3.Connection, model_id: int | None) -> Model | None:
    return None if model_id is None else queries.find_model(connection, model_id)


def nobody_chose_since(connection: sqlite3.Connection, event_id: int) -> bool:
    """Whether the default is where that line left it, or where only the rule put it since: then an undo may return it.

    Where a person chose one since, or added one where there was none, it stays; also where the undo of an older line
    gave it back. A line that was undone since counts as if it had never been.
    """
    undone: set[int] = set()
    for row in connection.execute("select * from catalog_events where id > ? order by id desc", (event_id,)).fetchall():
        event = queries.event_of(row)
        target = undoes(event)
        if target is not None and target > event_id:
            undone.add(target)
        elif event.id not in undone and event.default_before != event.default_after and event.action not in EDITS:
            return event.by == "promotion" and target is None and event.action != "model-added"
    return True
