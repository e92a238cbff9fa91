"""Giving every chat of some models another one, for good: what it would do, doing it, and the way back.

Chats in the trash move too, so that none of them comes back to a model that is gone. 20,000 chats keep the
store locked for about 70 ms: to compare them one by one costs as much as to write them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from localchat.errors import Changed, NotFound
from localchat.records import ChatsMoved, Model, MovePreview, MoveTarget
from localchat.store.catalog import confirmation, queries
from localchat.store.catalog.transaction import Change


def preview(connection: sqlite3.Connection, models: Sequence[Model]) -> MovePreview:
    ids = [model.id for model in models]
    chats = queries.chats_of(connection, ids)
    return MovePreview(
        models=tuple(models),
        chats=chats,
        in_trash=len(chats) - queries.chats_using(connection, ids),
        newest_titles=queries.newest_titles(connection, ids),
    )


def target(connection: sqlite3.Connection, model_id: int) -> MoveTarget:
    """Raises NotFound."""
    model = queries.live_model_by_id(connection, model_id)
    place = queries.find_provider(connection, model.provider)
    return MoveTarget(model, place.host if place is not None else "")


def move(tx: sqlite3.Connection, chats: tuple[tuple[int, int], ...], to: Model) -> ChatsMoved:
    """Give these chats the model. They are asked again before their words leave this machine."""
    ids = json.dumps([chat for chat, _ in chats])
    agreed = tx.execute(
        "select id, remote_hosts from chats where remote_hosts <> '[]' and id in (select value from json_each(?))",
        (ids,),
    ).fetchall()
    tx.execute(
        "update chats set model_config_id = ?, remote_hosts = '[]' where id in (select value from json_each(?))",
        (to.id, ids),
    )
    return ChatsMoved(chats, to.id, tuple((row[0], row[1]) for row in agreed))


def confirmed(change: Change, shown: MovePreview, to: MoveTarget) -> Model:
    """The new model as it is now. Raises Changed where the chats, or where they go, are not what was shown."""
    try:
        now = target(change.tx, to.model.id)
    except NotFound as error:
        raise Changed(f"{to.model.ref} was removed. Nothing was changed.") from error
    chats = queries.chats_of(change.tx, [model.id for model in shown.models])
    if differs := confirmation.of_move(shown, chats) or confirmation.of_target(to, now):
        raise Changed(f"{differs} Nothing was changed.")
    return now.model


def move_chats(change: Change, shown: MovePreview, to: MoveTarget) -> ChatsMoved:
    """The chats that were shown, and no others. One line of the log."""
    new = confirmed(change, shown, to)
    moved = move(change.tx, shown.chats, new)
    if moved.before:
        subject = ", ".join(model.ref for model in shown.models)
        change.log("chats-moved", subject, {"chats_moved": as_detail(moved), "to": new.ref})
    return moved


def move_back(tx: sqlite3.Connection, moved: ChatsMoved) -> int:
    """Give those that still have the new model their old one, and what was agreed to with it; how many those were."""
    tx.executemany(
        "update chats set remote_hosts = ? where id = ? and model_config_id = ? and remote_hosts = '[]'",
        [(hosts, chat, moved.to) for chat, hosts in moved.hosts],
    )
    return sum(
        tx.execute(
            "update chats set model_config_id = ? where model_config_id = ? and id in (select value from json_each(?))",
            (model, moved.to, json.dumps(chats)),
        ).rowcount
        for model, chats in _by_model(moved).items()
    )


# In the log: 20,000 chats are a few runs of ids, not 20,000 numbers.


def as_detail(moved: ChatsMoved) -> dict[str, Any]:
    """``{"to": 9, "from": [{"model": 4, "chats": [[1, 20], [22, 22]]}], "hosts": [[2, "[…]"]]}``: runs of ids, first
    and last."""
    hosts = {"hosts": [list(pair) for pair in moved.hosts]} if moved.hosts else {}
    return {
        "to": moved.to,
        **hosts,
        "from": [{"model": model, "chats": _runs(chats)} for model, chats in _by_model(moved).items()],
    }


def from_detail(detail: Mapping[str, Any]) -> ChatsMoved:
    """Raises KeyError, TypeError, ValueError where it is none."""
    before = [
        (chat, int(part["model"]))
        for part in detail["from"]
        for first, last in part["chats"]
        for chat in range(int(first), int(last) + 1)
    ]
    hosts = tuple((int(chat), str(text)) for chat, text in detail.get("hosts", ()))
    return ChatsMoved(tuple(sorted(before)), int(detail["to"]), hosts)


def _by_model(moved: ChatsMoved) -> dict[int, list[int]]:
    by_model: dict[int, list[int]] = {}
    for chat, model in moved.before:
        by_model.setdefault(model, []).append(chat)
    return by_model


def _runs(ids: Sequence[int]) -> list[list[int]]:
    """Growing ids as runs without gaps."""
    groups = groupby(enumerate(ids), lambda place: place[1] - place[0])
    return [[run[0][1], run[-1][1]] for _, group in groups if (run := list(group))]
