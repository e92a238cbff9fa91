"""Saved system prompts, by name, to choose from for a chat."""

from __future__ import annotations

from localchat.errors import InvalidInput, NotFound
from localchat.records import Persona
from localchat.store.connection import Connection, immediate
from localchat.store.fields import text
from localchat.text import one_line, storable, visible

NAME_LIMIT = 60  # characters


class Personas:
    """Writes raise StoreBusy and DiskFull beside what they name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Persona]:
        """By name."""
        rows = self._connection.execute("select name, system from personas order by name collate nocase").fetchall()
        return [Persona(text(row[0]), text(row[1])) for row in rows]

    def save(self, name: str, system: str) -> Persona:
        """A new one, or another text for one that is there. Raises InvalidInput for an empty name or text."""
        line = one_line(storable(name), NAME_LIMIT)
        if not visible(line):
            raise InvalidInput("A persona needs a name.", "Such as “Translator”.")
        if not visible(system):
            raise InvalidInput("A persona needs a text.", "Write what the model is to be told before every chat.")
        with immediate(self._connection) as tx:
            tx.execute(
                "insert into personas (name, system) values (?, ?) on conflict (name) do update"
                " set system = excluded.system",
                (line, storable(system)),
            )
        return Persona(line, system)

    def remove(self, name: str) -> None:
        """Raises NotFound. Chats keep the text that they were given."""
        with immediate(self._connection) as tx:
            if tx.execute("delete from personas where name = ?", (name,)).rowcount != 1:
                raise NotFound
