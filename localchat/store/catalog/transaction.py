"""One write of the catalog: what every one of them shares.

A change re-reads the default when it begins, holds the rule of the default when it ends, and leaves a line in the log.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from localchat.errors import Internal, Remedy, Way
from localchat.records import DefaultChange, Model
from localchat.store.catalog import queries
from localchat.store.connection import immediate

# The closed set of what the log can say. docs/life-of-models.md lists them.
Action = Literal[
    "provider-added",
    "provider-edited",
    "provider-enabled",
    "provider-disabled",
    "provider-removed",
    "provider-restored",
    "model-added",
    "model-edited",
    "model-enabled",
    "model-disabled",
    "model-removed",
    "model-restored",
    "default-chosen",
    "default-demoted",
    "default-healed",
    "models-taken-over",
    "chats-moved",
    "undone",
]

FORMAT = 2  # of what this version writes; ``log`` tells what a line holds

# Whether the rule of the default does not hold: one that cannot answer, or none though a model could.
_BROKEN = """
select case
  when exists (select 1 from model_configs where is_default = 1 and deleted_at is null)
  then not exists (select 1 from usable_models where is_default = 1 and deleted_at is null)
  else exists (select 1 from usable_models where deleted_at is null) end
"""


class Change:
    """Inside its transaction. ``before``: the default as it was; ``at``: the time of everything written here."""

    def __init__(self, tx: sqlite3.Connection, at: str) -> None:
        self.tx = tx
        self.at = at
        self.before = queries.default(tx)
        self._promoted = False

    def write(self, what: str, sql: str, *values: Any) -> None:
        """A statement that must hit exactly one row. Raises Internal where it does not: ``what`` names the row."""
        if self.tx.execute(sql, values).rowcount != 1:
            raise self.vanished(what)

    def vanished(self, what: str) -> Internal:
        return Internal(
            f"{what} vanished inside the transaction; nothing was changed.",
            "Try again.",
            remedy=Remedy(Way.CHECK_STORE),
        )

    def give_default(self, model: Model, *, promoted: bool = False) -> None:
        """To this model and no other; ``promoted``: not by a person's choice. Raises Internal where it vanishes."""
        self._promoted = promoted
        # What happens to the default is no edit of the model: updated_at stays, so that an undo is exact.
        self.tx.execute("update model_configs set is_default = 0 where is_default = 1 and id <> ?", (model.id,))
        self.write(
            f"The successor {model.ref}",
            "update model_configs set is_default = 1 where id = ? and deleted_at is null",
            model.id,
        )

    def settle(self) -> DefaultChange:
        """Hold the rule: a default that cannot answer loses its place, and where there is none the first usable
        model, by the order of promotion, becomes it."""
        holder = queries.default(self.tx)
        if holder is None or not holder.usable:
            self.tx.execute("update model_configs set is_default = 0 where is_default = 1")
            self._promoted = True
            for first in queries.successors(self.tx)[:1]:
                self.give_default(first, promoted=True)
        change = DefaultChange(self.before, queries.default(self.tx), promoted=self._promoted)
        return change if change.changed else replace(change, promoted=False)

    def heal(self) -> DefaultChange | None:
        """Settle what another program left; None where the rule holds, and then nothing is written."""
        if not broken(self.tx):
            return None
        settled = self.settle()
        holder = settled.after or settled.before
        self.log("default-healed", holder.ref if holder else "", None, settled)
        return settled

    def log(
        self,
        action: Action,
        subject: str,
        detail: dict[str, Any] | None = None,
        change: DefaultChange | None = None,
        provider_id: int | None = None,
    ) -> int:
        """One line of the log, in the format of ``log``; its id. Without ``change`` it says that the default stayed."""
        before, after = (self.before, queries.default(self.tx)) if change is None else (change.before, change.after)
        holders = {"default_before": before.id if before else None, "default_after": after.id if after else None}
        inserted = self.tx.execute(
            "insert into catalog_events (at, action, subject, default_before, default_after, by, detail,"
            " format, provider_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.at,
                action,
                subject,
                before.ref if before else None,
                after.ref if after else None,
                "promotion" if change is not None and change.promoted else "person",
                json.dumps({**(detail or {}), **holders}, ensure_ascii=False),
                FORMAT,
                provider_id,
            ),
        )
        return int(inserted.lastrowid or 0)

    def done(
        self, action: Action, subject: str, detail: dict[str, Any] | None = None, provider_id: int | None = None
    ) -> DefaultChange:
        """The end of most changes: settle, then log."""
        change = self.settle()
        self.log(action, subject, detail, change, provider_id)
        return change


def broken(connection: sqlite3.Connection) -> bool:
    """Whether another program broke the rule of the default. Two lookups in indexes."""
    return bool(connection.execute(_BROKEN).fetchone()[0])


@contextlib.contextmanager
def changing(connection: sqlite3.Connection, now: Callable[[], str]) -> Iterator[Change]:
    """A change in one immediate transaction: all of it or nothing.

    Raises StoreBusy, DiskFull, and Internal where the schema's promises stop a statement that our own checks let pass.
    """
    try:
        with immediate(connection) as tx:
            yield Change(tx, now())
    except sqlite3.IntegrityError as error:
        raise Internal(
            f"The store refused a change ({error}); nothing was changed.", remedy=Remedy(Way.CHECK_STORE)
        ) from error
