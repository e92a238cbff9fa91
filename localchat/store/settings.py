"""What the app remembers between starts, by name."""

from __future__ import annotations

import sqlite3

from localchat.store.connection import immediate
from localchat.store.fields import text
from localchat.text import storable


class State:
    """Small named values: the chat used last, the draft of a chat not begun yet, the theme."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str, default: str = "") -> str:
        row = self._connection.execute("select value from state where name = ?", (name,)).fetchone()
        return default if row is None else text(row[0])

    def put(self, name: str, value: str) -> None:
        """Raises StoreBusy, DiskFull."""
        with immediate(self._connection) as tx:
            tx.execute(
                "insert into state (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
                (name, storable(value)),
            )
