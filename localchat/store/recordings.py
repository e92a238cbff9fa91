"""How replies came, delta by delta with their times, of those providers that are switched to be recorded.

The switch stands in the store's state and not in the catalog: it changes nothing of who answers, so there is nothing to
undo. It belongs to the provider by its id, so that it outlives a rename and a removal that is undone.
"""

from __future__ import annotations

import json
import sqlite3

from localchat.records import Recording
from localchat.store.connection import Connection
from localchat.store.fields import text
from localchat.store.settings import State
from localchat.text import storable

_SWITCH = "record:"  # and the provider's id


class Recordings:
    """Writes raise StoreBusy and DiskFull."""

    def __init__(self, connection: Connection, state: State) -> None:
        self._connection = connection
        self._state = state

    def wanted(self, provider_id: int) -> bool:
        return self._state.get(f"{_SWITCH}{provider_id}") == "on"

    def recorded(self) -> frozenset[int]:
        """The ids of the providers that are recorded."""
        rows = self._connection.execute("select name from state where name glob ? and value = 'on'", (f"{_SWITCH}*",))
        numbers = (text(row["name"]).removeprefix(_SWITCH) for row in rows)
        return frozenset(int(number) for number in numbers if number.isdecimal())

    def switch(self, provider_id: int, on: bool) -> None:
        """From the next turn on."""
        self._state.put(f"{_SWITCH}{provider_id}", "on" if on else "off")

    def of(self, message_id: int) -> Recording | None:
        """None where there is none, or none that can be read."""
        row = self._connection.execute(
            "select deltas, ended_ms from recordings where message_id = ?", (message_id,)
        ).fetchone()
        return read(row) if row is not None else None


def insert(tx: sqlite3.Connection, message_id: int, recording: Recording) -> None:
    tx.execute(
        "insert or replace into recordings (message_id, deltas, ended_ms) values (?, ?, ?)",
        (message_id, json.dumps([[at, kind, storable(words)] for at, kind, words in recording.deltas],
         ensure_ascii=False), recording.ended_ms),
    )  # fmt: skip


def read(row: sqlite3.Row) -> Recording | None:
    """From a row with ``deltas`` and ``ended_ms``; None where another program left there what is none."""
    try:
        return Recording.parse(json.loads(row["deltas"]), row["ended_ms"])
    except (ValueError, TypeError, RecursionError):
        return None
