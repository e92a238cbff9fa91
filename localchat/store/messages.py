"""Messages: a tree per chat, of which the chat shows the line from its leaf up to the root.

A line is read by depth, a page at a time, without reading the rest. A reply is written as it grows, by the process
whose mark stands in ``writer``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from localchat.errors import InvalidInput, NotFound, Remedy, StoreUnreadable, Way
from localchat.records import (
    REASONS,
    ROLES,
    STATUSES,
    Attachment,
    AttachmentInfo,
    Chat,
    ErrorNote,
    Message,
    Reason,
    Recording,
    Resolution,
    Role,
    Status,
    Usage,
)
from localchat.store import attachments as attachment_rows
from localchat.store import recordings
from localchat.store.chats import SELECT_CHAT, chat_of, model_name
from localchat.store.connection import immediate
from localchat.store.fields import number, number_or_none, one_of, text, text_or_none
from localchat.store.file import named
from localchat.text import storable, title_from

_SELECT = """
select x.id, x.chat_id, x.parent_id, x.depth, x.role, x.status, x.content, x.reasoning, x.fallback_reason,
  x.error_code, x.error_message, x.error_hint, x.error_remedy, x.finish_reason, x.input_tokens, x.output_tokens,
  x.duration_ms, x.left_out, x.created_at, coalesce(x.model_ref, m.provider || '/' || m.model) as model_ref,
  coalesce(x.fallback_from_ref, f.provider || '/' || f.model) as fallback_from_ref,
  exists (select 1 from attachments a where a.message_id = x.id) as attached,
  m.id as model_id, m.deleted_at is not null as model_removed,
  coalesce(substr(x.model_ref, 1, instr(x.model_ref, '/') - 1), m.provider) as model_provider,
  coalesce(substr(x.model_ref, instr(x.model_ref, '/') + 1), m.model) as model_model,
  f.id as from_id, f.deleted_at is not null as from_removed,
  coalesce(substr(x.fallback_from_ref, 1, instr(x.fallback_from_ref, '/') - 1), f.provider) as from_provider,
  coalesce(substr(x.fallback_from_ref, instr(x.fallback_from_ref, '/') + 1), f.model) as from_model,
  case when x.parent_id is null
    then (select count(*) from messages s where s.chat_id = x.chat_id and s.depth = 0)
    else (select count(*) from messages s where s.parent_id = x.parent_id) end as versions,
  case when x.parent_id is null
    then (select count(*) from messages s where s.chat_id = x.chat_id and s.depth = 0 and s.id <= x.id)
    else (select count(*) from messages s where s.parent_id = x.parent_id and s.id <= x.id) end as version
from messages x
left join model_configs m on m.id = x.model_config_id
left join model_configs f on f.id = x.fallback_from
"""

_UP = """
with recursive up (id, parent_id, depth) as (
  select id, parent_id, depth from messages where id = ?
  union all
  select m.id, m.parent_id, m.depth from messages m join up on m.id = up.parent_id
    where up.depth > ? and m.depth < up.depth
) select id, depth from up
"""

# From a message up to its root, whatever their depths say; a circle ends where it closes.
_PATH = """
with recursive path (id, parent_id) as (
  select id, parent_id from messages where id = ?
  union
  select m.id, m.parent_id from messages m join path on m.id = path.parent_id
) select id from path
"""

_DOWN = """
with recursive down (id, depth) as (
  select id, depth from messages where id = ?
  union all
  select m.id, m.depth from down
    join messages m on m.id = (select max(c.id) from messages c where c.parent_id = down.id)
    where m.depth > down.depth
) select id from down order by depth desc limit 1
"""


@dataclass(frozen=True, slots=True)
class MessageSize:
    """A message without its text. ``size``: bytes of UTF-8."""

    depth: int
    role: str
    size: int
    attachments: tuple[AttachmentInfo, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn as it was stored before the network was touched. ``prompt`` is None where an old one is asked again;
    ``unarchived``: the chat came out of the archive by it."""

    chat: Chat
    prompt: Message | None
    reply: Message
    resolution: Resolution
    new_chat: bool
    unarchived: bool = False


def _file_at(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Which file lies at the connection's path now; None where there is none."""
    try:
        found = Path(str(getattr(connection, "path", ""))).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def error_of(row: sqlite3.Row) -> ErrorNote | None:
    """What went wrong with a message, from its own columns."""
    if row["error_code"] is None:
        return None
    remedy = Remedy.read(text(row["error_remedy"]))
    return ErrorNote(text(row["error_code"]), text(row["error_message"]), text(row["error_hint"]), remedy)


def usage_of(row: sqlite3.Row) -> Usage | None:
    """Tokens, where the endpoint counted any."""
    tokens = number_or_none(row["input_tokens"]), number_or_none(row["output_tokens"])
    return None if tokens == (None, None) else Usage(tokens[0] or 0, tokens[1] or 0)


def role_of(value: object) -> Role:
    """What is no role of ours is shown as what a model said: never as the person's own words."""
    return one_of(value, ROLES, "assistant")


def status_of(value: object) -> Status:
    return one_of(value, STATUSES, "complete")


def reason_of(value: object) -> Reason | None:
    return one_of(value, REASONS, "removed") if value in REASONS else None


def message_of(row: sqlite3.Row, attachments: tuple[AttachmentInfo, ...] = ()) -> Message:
    reason = reason_of(row["fallback_reason"])
    return Message(
        id=row["id"],
        chat_id=row["chat_id"],
        parent_id=row["parent_id"],
        depth=number(row["depth"]),
        role=role_of(row["role"]),
        content=text(row["content"]),
        reasoning=text(row["reasoning"]),
        status=status_of(row["status"]),
        model=model_name(row, "model"),
        fallback_from=model_name(row, "from") if reason else None,
        fallback_reason=reason,
        error=error_of(row),
        finish_reason=text_or_none(row["finish_reason"]),
        usage=usage_of(row),
        duration_ms=number_or_none(row["duration_ms"]),
        left_out=number(row["left_out"]),
        created_at=text(row["created_at"]),
        version=row["version"],
        versions=row["versions"],
        attachments=attachments,
        model_ref=text_or_none(row["model_ref"]),
        fallback_from_ref=text_or_none(row["fallback_from_ref"]),
    )


def _hosts(chat: Chat | None, resolution: Resolution) -> str:
    """The hosts that the person agreed to for this chat, with the one of this turn, as they are stored."""
    before = chat.remote_hosts if chat is not None else ()
    return json.dumps(sorted({*before, resolution.agreed} - {None}))


class Messages:
    """The messages of one store. Writes raise StoreBusy and DiskFull beside what they name."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], str]) -> None:
        self._connection = connection
        self._now = now
        self._file = _file_at(connection)

    # Reading

    def get(self, message_id: int) -> Message:
        """Raises NotFound."""
        row = self._connection.execute(f"{_SELECT} where x.id = ?", (message_id,)).fetchone()
        if row is None:
            raise NotFound
        return self._messages_of([row])[0]

    def _messages_of(self, rows: list[sqlite3.Row]) -> list[Message]:
        ids = [row["id"] for row in rows if row["attached"]]
        found = attachment_rows.infos(self._connection, ids) if ids else {}
        return [message_of(row, found.get(row["id"], ())) for row in rows]

    def attachments(self, message_id: int) -> list[Attachment]:
        """What went with a message, in its order, with the content; empty where the message is gone."""
        return attachment_rows.read(self._connection, message_id)

    def line(self, chat: Chat, start: int = 0, stop: int | None = None) -> list[Message]:
        """The messages of the chat's current line with ``start <= depth < stop``, oldest first.

        Reads only those, however long the chat is, unless versions stand at the depth where the page ends.
        """
        stop = chat.length if stop is None else min(stop, chat.length)
        start = max(start, 0)
        if chat.leaf_id is None or start >= stop:
            return []
        ids = self._ids(chat, start, stop)
        rows = self._connection.execute(
            f"{_SELECT} where x.id in (select value from json_each(?)) order by x.depth", (json.dumps(ids),)
        ).fetchall()
        if len(rows) < stop - start:
            return self._line_astray(chat, start, stop)
        return self._messages_of(rows)

    def sizes(self, chat: Chat, start: int, stop: int) -> list[MessageSize]:
        """What ``line`` finds, by its size alone: no text leaves SQLite."""
        start, stop = max(start, 0), min(stop, chat.length)
        if chat.leaf_id is None or start >= stop:
            return []
        ids = json.dumps(self._ids(chat, start, stop))
        rows = self._connection.execute(
            "select id, depth, role, length(cast(content as blob)) as size from messages"
            " where id in (select value from json_each(?)) order by depth",
            (ids,),
        ).fetchall()
        if len(rows) < stop - start:
            astray = self._line_astray(chat, start, stop)
            return [
                MessageSize(m.depth, m.role, len(m.content.encode("utf-8", "replace")), m.attachments) for m in astray
            ]
        files = attachment_rows.infos(self._connection, [row["id"] for row in rows])
        return [
            MessageSize(number(row["depth"]), text(row["role"]), number(row["size"]), files.get(row["id"], ()))
            for row in rows
        ]

    def _line_astray(self, chat: Chat, start: int, stop: int) -> list[Message]:
        """The same where the depths that another program wrote lead nowhere: the whole line is walked."""
        path = [row[0] for row in self._connection.execute(_PATH, (chat.leaf_id,)).fetchall()][::-1]
        wanted = {message_id: depth for depth, message_id in enumerate(path) if start <= depth < stop}
        rows = self._connection.execute(
            f"{_SELECT} where x.id in (select value from json_each(?))", (json.dumps(list(wanted)),)
        ).fetchall()
        found = [replace(message, depth=wanted[message.id]) for message in self._messages_of(rows)]
        return sorted(found, key=lambda message: message.depth)

    def _ids(self, chat: Chat, start: int, stop: int) -> list[int]:
        """Ids of the line by depth. A message alone at its depth is on every line, so one can begin there."""
        here = self._connection.execute(
            "select id from messages where chat_id = ? and depth = ? limit 2", (chat.id, stop - 1)
        ).fetchall()
        bottom = here[0][0] if len(here) == 1 else chat.leaf_id
        rows = self._connection.execute(_UP, (bottom, start)).fetchall()
        return [row[0] for row in rows if row[1] is not None and start <= number(row[1]) < stop]

    def versions(self, message: Message) -> list[int]:
        """The ids of a message and its siblings, oldest first."""
        if message.parent_id is None:
            rows = self._connection.execute(
                "select id from messages where chat_id = ? and depth = 0 order by id", (message.chat_id,)
            )
        else:
            rows = self._connection.execute(
                "select id from messages where parent_id = ? order by id", (message.parent_id,)
            )
        return [row[0] for row in rows.fetchall()]

    def newest_leaf(self, message_id: int) -> int:
        """The leaf under a message that is reached by always taking the newest child. Raises NotFound."""
        row = self._connection.execute(_DOWN, (message_id,)).fetchone()
        if row is None:
            raise NotFound
        return int(row[0])

    def prompts(self, limit: int = 100) -> list[str]:
        """What the person sent last, newest first: the composer's history."""
        rows = self._connection.execute(
            "select content from messages where role = 'user' order by id desc limit ?", (limit,)
        ).fetchall()
        return [text(row[0]) for row in rows]

    # Writing a turn

    def begin_turn(
        self,
        resolve: Callable[[Chat | None], Resolution],
        *,
        chat_id: int | None,
        text: str | None,
        under: int | None = None,
        at_root: bool = False,
        system: str | None = None,
        given: str = "",
        attachments: Sequence[Attachment] = (),
    ) -> Begun:
        """Store the words and an empty reply together and synced, or nothing.

        ``resolve`` is called inside the transaction and raises where nobody can answer. ``text`` None asks the prompt
        ``under`` again. ``under``: the message to hang the turn under (else the chat's leaf); ``at_root``: begin a new
        line from the root. ``given``: what the reply begins with. ``attachments`` go with the words. A chat that was
        archived comes back into the list.
        Raises NotFound (chat or message gone, or the chat is in the trash), InvalidInput, StoreUnreadable where the
        store's file is not where it was, and what ``resolve`` raises.
        """
        self._check_file()
        now = self._now()
        with immediate(self._connection, synced=True) as tx:
            chat = self._chat(chat_id) if chat_id is not None else None
            parent = None if at_root or chat is None else (under if under is not None else chat.leaf_id)
            above = self.get(parent) if parent is not None else None
            if above is not None and (chat is None or above.chat_id != chat.id):
                raise NotFound
            if text is None and (above is None or above.role != "user"):
                raise InvalidInput("There is nothing to ask again here.", "Send a message first.")
            resolution = resolve(chat)
            hosts = _hosts(chat, resolution)
            if chat is None:
                chat_id = tx.execute(
                    "insert into chats (title, model_config_id, system, remote_hosts, created_at, updated_at)"
                    " values (?, ?, ?, ?, ?, ?)",
                    (
                        title_from(storable(text or "") or " ".join(each.name for each in attachments)),
                        resolution.own.id,
                        storable(system or ""),
                        hosts,
                        now,
                        now,
                    ),
                ).lastrowid
            assert chat_id is not None
            depth = above.depth + 1 if above is not None else 0
            prompt_id = None
            if text is not None:
                prompt_id = self._insert(chat_id, parent, depth, "user", storable(text), now)
                attachment_rows.insert(tx, prompt_id, attachments)
                parent, depth = prompt_id, depth + 1
            reply_id = self._insert(chat_id, parent, depth, "assistant", storable(given), now, resolution)
            tx.execute(
                "update chats set leaf_id = ?, updated_at = ?, archived_at = null,"
                " model_config_id = coalesce(model_config_id, ?),"
                " remote_hosts = ?, system = coalesce(?, system) where id = ?",
                (
                    reply_id,
                    now,
                    resolution.own.id,
                    hosts,
                    None if system is None else storable(system),
                    chat_id,
                ),
            )
            return Begun(
                chat=self._chat(chat_id),
                prompt=self.get(prompt_id) if prompt_id is not None else None,
                reply=self.get(reply_id),
                resolution=resolution,
                new_chat=chat is None,
                unarchived=chat is not None and chat.archived_at is not None,
            )

    def _chat(self, chat_id: int) -> Chat:
        row = self._connection.execute(f"{SELECT_CHAT} where c.id = ?", (chat_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no chat {chat_id}.", "", remedy=Remedy(Way.LIST_CHATS))
        if row["deleted_at"] is not None:
            raise NotFound(f"Chat {chat_id} is in the trash.", "", remedy=Remedy(Way.RESTORE_CHAT, str(chat_id)))
        return chat_of(row)

    def _insert(
        self,
        chat_id: int,
        parent: int | None,
        depth: int,
        role: str,
        content: str,
        now: str,
        resolution: Resolution | None = None,
    ) -> int:
        from localchat.store.writers import me

        fallback = resolution.fallback if resolution else None
        row = self._connection.execute(
            "insert into messages (chat_id, parent_id, depth, role, content, status, model_config_id, fallback_from,"
            " fallback_reason, model_ref, fallback_from_ref, writer, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chat_id,
                parent,
                depth,
                role,
                content,
                "streaming" if resolution else "complete",
                resolution.used.id if resolution else None,
                fallback.wanted.id if fallback else None,
                fallback.reason if fallback else None,
                resolution.used.ref if resolution else None,
                fallback.wanted.ref if fallback else None,
                me() if resolution else None,
                now,
            ),
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def grow(self, reply_id: int, content: str, reasoning: str) -> None:
        """Save a reply as far as it came. A reply whose chat was deleted for good meanwhile is no error."""
        with immediate(self._connection) as tx:
            tx.execute(
                "update messages set content = ?, reasoning = ? where id = ? and status = 'streaming'",
                (storable(content), storable(reasoning), reply_id),
            )

    def note_left_out(self, reply_id: int, count: int) -> None:
        """How many earlier messages were not sent, because they do not fit."""
        with immediate(self._connection) as tx:
            tx.execute("update messages set left_out = ? where id = ?", (count, reply_id))

    def finish(
        self,
        reply_id: int,
        status: Status,
        content: str,
        reasoning: str = "",
        *,
        finish_reason: str | None = None,
        usage: Usage | None = None,
        error: ErrorNote | None = None,
        duration_ms: int | None = None,
        recording: Recording | None = None,
    ) -> Message:
        """The end of a reply, and how it came, synced. Raises NotFound where its chat was deleted for good meanwhile,
        StoreUnreadable where the store's file is not where it was."""
        self._check_file()
        with immediate(self._connection, synced=True) as tx:
            tx.execute(
                "update messages set status = ?, content = ?, reasoning = ?, finish_reason = ?, input_tokens = ?,"
                " output_tokens = ?, error_code = ?, error_message = ?, error_hint = ?, error_remedy = ?,"
                " duration_ms = ?, writer = null where id = ?",
                (
                    status,
                    storable(content),
                    storable(reasoning),
                    finish_reason,
                    number_or_none(usage.input_tokens) if usage else None,  # what a server counted may be any number
                    number_or_none(usage.output_tokens) if usage else None,
                    error.code if error else None,
                    storable(error.message) if error else None,
                    storable(error.hint) if error else None,
                    storable(str(error.remedy)) if error and error.remedy else None,
                    duration_ms,
                    reply_id,
                ),
            )
            reply = self.get(reply_id)
            if recording is not None:
                recordings.insert(tx, reply_id, recording)
            return reply

    def _check_file(self) -> None:
        """SQLite goes on writing into a file that was deleted or replaced, and nobody would ever read it again."""
        if self._file is not None and _file_at(self._connection) != self._file:
            raise StoreUnreadable(
                f"The store {named(getattr(self._connection, 'path', ''))} was moved or deleted while it was in use.",
                "Put it back where it was, or copy what you need and start localchat again.",
            )

    def mark_interrupted(self) -> int:
        """Mark every ``streaming`` reply whose writer is dead; how many those were. Nothing is ever sent again."""
        rows = self._connection.execute("select id, writer from messages where status = 'streaming'").fetchall()
        if not rows:
            return 0
        from localchat.store.writers import alive

        dead = [(row["id"], row["writer"]) for row in rows if not alive(text_or_none(row["writer"]))]
        if not dead:
            return 0
        with immediate(self._connection) as tx:
            return sum(
                tx.execute(
                    "update messages set status = 'interrupted', writer = null"
                    " where id = ? and writer is ? and status = 'streaming'",
                    gone,
                ).rowcount
                for gone in dead
            )
