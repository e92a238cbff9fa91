"""Removed models that belong to no provider that is there, taken over by one of that name.

They came with an import, or went with an earlier provider of that name. Taken over they belong to that provider and
stay removed: adding, discovering or restoring one of them brings it back, with its chats.
"""

from __future__ import annotations

import json
import sqlite3

from localchat.errors import Changed
from localchat.records import Provider, TakeOver
from localchat.store.catalog import confirmation, queries
from localchat.store.catalog.transaction import Change


def of_name(connection: sqlite3.Connection, name: str) -> TakeOver:
    """What a provider of that name could take over, the newest first; nothing, where ``models`` is empty."""
    there = {provider.id for provider in queries.providers(connection)}
    models = tuple(model for model in queries.tombstones(connection, name) if model.provider_id not in there)
    return TakeOver(name, models, queries.chats_using(connection, [model.id for model in models]))


def take_over(change: Change, provider: Provider, shown: TakeOver) -> list[int]:
    """The ids of what was shown, which now belong to the provider. Raises Changed where that differs by now."""
    now = of_name(change.tx, shown.name)
    if differs := confirmation.of_take_over(shown, now):
        raise Changed(f"{differs} Nothing was changed.")
    ids = [model.id for model in now.models]
    change.tx.execute(
        "update model_configs set provider_id = ?, provider = ?"
        " where deleted_at is not null and id in (select value from json_each(?))",
        (provider.id, provider.name, json.dumps(ids)),
    )
    return ids
