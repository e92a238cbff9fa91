"""What an endpoint offers of the models that are configured: the mark ``delisted_at``. Who answers does not hang on it.

Set where the endpoint lists its models without this one, or answers that it does not have it; never because a
connection failed. Taken away where it is listed again, or answers after all: some do not list all that they have.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from localchat.records import LOCAL_KINDS, Offers, Provider
from localchat.store.catalog import queries
from localchat.store.catalog.transaction import Change
from localchat.validation import folded

MOST_LISTED = 5000  # names; a longer list was cut, so what is not in it may be offered all the same
_LATEST = ":latest"  # Ollama's tag of a model that is named without one
_ALIAS = "-latest"  # a vendor's name for whichever is the newest: it works, and is in no list


def compare(change: Change, asked: Provider, names: Collection[str]) -> Offers:
    """Mark by a list that the provider gave. Nothing where it is gone or answers elsewhere by now."""
    now = queries.find_provider_by_id(change.tx, asked.id)
    if now is None or (now.kind, now.base_url) != (asked.kind, asked.base_url) or now.kind in LOCAL_KINDS:
        return Offers((), ())
    listed = {folded(name) for name in names}
    models = queries.live_models(change.tx, now.name)
    cut = len(names) >= MOST_LISTED
    gone = [m for m in models if m.delisted_at is None and not cut and not _offered(m.model, listed)]
    back = [m for m in models if m.delisted_at is not None and _offered(m.model, listed)]
    mark(change, (m.id for m in gone), change.at)
    mark(change, (m.id for m in back), None)
    return Offers(tuple(gone), tuple(back))


def _offered(model: str, listed: Collection[str]) -> bool:
    name = folded(model)
    return name.endswith(_ALIAS) or bool({name, name + _LATEST, name.removesuffix(_LATEST)} & set(listed))


def mark(change: Change, model_ids: Iterable[int], at: str | None) -> None:
    """``at``: when that was seen; None takes the mark away. ``updated_at`` stays: nobody edited the model."""
    change.tx.execute(
        "update model_configs set delisted_at = ? where deleted_at is null and id in (select value from json_each(?))",
        (at, json.dumps(list(model_ids))),
    )
