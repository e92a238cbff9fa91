"""Chats: their list, their life (rename, pin, archive, trash), their own model and what belongs to them.

``updated_at`` is the time of the last turn: renaming or moving a chat does not make lists jump.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from localchat import validation
from localchat.errors import InvalidInput, NotFound, Remedy, Way
from localchat.records import NO_TIME, Chat, ModelName, moment
from localchat.store import attachments as attachment_rows
from localchat.store.catalog.confirmation import check_edit
from localchat.store.connection import immediate
from localchat.store.fields import document, number, number_or_none, text, text_or_none, texts
from localchat.text import one_line, storable, visible

TITLE_LIMIT = 200  # characters
FILTER_LIMIT = 500  # characters; SQLite refuses endless patterns
SWITCH_LIMIT = 100  # characters, for the same reason
PART = 1_000  # chats and messages that are deleted in one transaction

# A depth that another program made up is not believed: no line is longer than its chat has messages.
_LENGTH = """
  case when leaf.id is null then 0 when leaf.depth between 0 and 9999 then cast(leaf.depth as integer) + 1
    else max(min(leaf.depth + 1, (select count(*) from messages x where x.chat_id = c.id)), 1) end"""
# Another program may have deleted the message that the chat's line ended in; then the newest one is the end.
SELECT_CHAT = f"""
select c.id, c.title, leaf.id as leaf_id, c.system, c.draft, c.parameters, c.remote_hosts, c.created_at, c.updated_at,
  c.archived_at, c.pinned_at, c.deleted_at, c.summary, c.summary_of, {_LENGTH} as length,
  m.id as model_id, m.provider as model_provider, m.model as model_model, m.deleted_at is not null as model_removed
from chats c
left join model_configs m on m.id = c.model_config_id
left join messages leaf on leaf.id = coalesce(
  (select id from messages where id = c.leaf_id), (select max(id) from messages where chat_id = c.id))
"""

# The line from the root down to one message of a chat; nothing where the message is not of that chat.
_LINE_TO = """
with recursive up (id, parent_id, depth) as (
  select id, parent_id, depth from messages where id = ? and chat_id = ?
  union
  select m.id, m.parent_id, m.depth from messages m join up on m.id = up.parent_id
) select id from up order by depth
"""
_LAST_ID = "select max(coalesce((select seq from sqlite_sequence where name = 'messages'), 0), coalesce(max(id), 0))"
# A line (ids from the root down, as JSON) copied in one statement: the copies have the ids after ``last``, in order.
_COPY = """
insert into messages (id, chat_id, parent_id, depth, role, status, model_config_id, fallback_from, fallback_reason,
  error_code, error_message, error_hint, error_remedy, finish_reason, input_tokens, output_tokens, duration_ms,
  left_out, created_at, content, reasoning, model_ref, fallback_from_ref)
select :last + 1 + line.key, :chat, case when line.key > 0 then :last + line.key end, depth, role,
  case status when 'streaming' then 'interrupted' else status end, model_config_id,
  fallback_from, fallback_reason, error_code, error_message, error_hint, error_remedy, finish_reason, input_tokens,
  output_tokens, duration_ms, left_out, created_at, content, reasoning, model_ref, fallback_from_ref
from json_each(:line) line join messages m on m.id = line.value order by line.key
"""

Shelf = Literal["open", "archived", "trash"]
_SHELVES: dict[Shelf, str] = {
    "open": "c.deleted_at is null and c.archived_at is null",
    "archived": "c.deleted_at is null and c.archived_at is not null",
    "trash": "c.deleted_at is not null",
}


def model_name(row: sqlite3.Row, prefix: str) -> ModelName | None:
    """A joined model from the columns ``PREFIX_id``, ``_provider``, ``_model``, ``_removed``."""
    if row[f"{prefix}_id"] is None:
        return None
    return ModelName(
        row[f"{prefix}_id"],
        text(row[f"{prefix}_provider"]),
        text(row[f"{prefix}_model"]),
        bool(row[f"{prefix}_removed"]),
    )


def chat_of(row: sqlite3.Row) -> Chat:
    return Chat(
        id=row["id"],
        title=text(row["title"]),
        model=model_name(row, "model"),
        leaf_id=row["leaf_id"],
        length=number(row["length"]),
        system=text(row["system"]),
        draft=text(row["draft"]),
        parameters=document(row["parameters"]),
        remote_hosts=tuple(texts(row["remote_hosts"])),
        created_at=text(row["created_at"]),
        updated_at=text(row["updated_at"]),
        archived_at=text_or_none(row["archived_at"]),
        pinned_at=text_or_none(row["pinned_at"]),
        deleted_at=text_or_none(row["deleted_at"]),
        summary=text(row["summary"]),
        summary_of=number_or_none(row["summary_of"]),
    )


_LIKE = r"c.title like :{} escape '\'"


def _like(letter: str) -> str:
    """The LIKE pattern of one character. LIKE is fast, but knows the case of ASCII only: others match anything."""
    return f"\\{letter}" if letter in "\\%_" else letter if letter.isascii() else "_"


def _either_case(letter: str) -> str:
    """The GLOB pattern of one character, small or capital."""
    if letter == "^":  # at the beginning of a set it means all but the set
        return letter
    forms = {form for form in (letter, letter.lower(), letter.upper()) if len(form) == 1}
    return f"[{''.join(sorted(forms))}]"


class Chats:
    """The chats of one store. Writes raise StoreBusy and DiskFull beside what they name."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], str]) -> None:
        self._connection = connection
        self._now = now

    def get(self, chat_id: int) -> Chat:
        """Whether in the trash or not. Raises NotFound."""
        row = self._connection.execute(f"{SELECT_CHAT} where c.id = ?", (chat_id,)).fetchone()
        if row is None:
            raise NotFound(f"There is no chat {chat_id}.", "", remedy=Remedy(Way.LIST_CHATS))
        return chat_of(row)

    def last(self) -> Chat | None:
        """The chat used last that is neither archived nor in the trash."""
        found = self.listing(limit=1)
        return found[0] if found else None

    def listing(
        self, shelf: Shelf = "open", *, words: str = "", limit: int = 50, after: Chat | None = None
    ) -> list[Chat]:
        """One page, newest first. ``after`` is the last chat of the page before; ``words`` filters by the title."""
        where, values = [_SHELVES[shelf]], list[Any]()
        for word in storable(words)[:FILTER_LIMIT].split():
            # SQLite's LIKE knows small and capital letters of ASCII only.
            forms = sorted({word, word.lower(), word.upper(), word.capitalize()})
            where.append("(" + " or ".join([r"c.title like ? escape '\'"] * len(forms)) + ")")
            values += ["%" + re.sub(r"([\\%_])", r"\\\1", form) + "%" for form in forms]
        if after is not None:
            # A time that was not readable is not what stands there: the row itself tells where the page ended.
            known = moment(after.updated_at) != NO_TIME
            then = "?" if known else "(select updated_at from chats where id = ?)"
            where.append(f"(c.updated_at, c.id) < ({then}, ?)")
            values += [after.updated_at if known else after.id, after.id]
        rows = self._connection.execute(
            f"{SELECT_CHAT} where {' and '.join(where)} order by c.updated_at desc, c.id desc limit ?", (*values, limit)
        ).fetchall()
        return [chat_of(row) for row in rows]

    def named(self, typed: str, *, limit: int = 50) -> list[Chat]:
        """Chats, archived ones too, whose title has the letters of ``typed`` in this order, whatever the case: first
        those where they stand together, each newest first. Not those in the trash."""
        words = storable(typed)[:SWITCH_LIMIT].strip()
        letters = "".join(words.split())
        if not letters:
            shapes = {"any": "true"}
        else:
            shapes = {"together": _LIKE.format("together"), "anywhere": _LIKE.format("anywhere")}
            if not letters.isascii():
                shapes = {name: f"{how} and c.title glob :{name}_either" for name, how in shapes.items()}
        # Each by the index of its shelf, which has the title too: the chats themselves are read for what is shown only.
        found = " union all ".join(
            f"select * from (select c.id from chats c where {_SHELVES[shelf]} and {how}"
            " order by c.updated_at desc, c.id desc limit :limit)"
            for shelf in ("open", "archived")
            for how in shapes.values()
        )
        first = f"({next(iter(shapes.values()))}) desc, "
        rows = self._connection.execute(
            f"{SELECT_CHAT} where c.id in ({found}) order by {first}c.updated_at desc, c.id desc limit :limit",
            {
                "together": f"%{''.join(map(_like, words))}%",
                "anywhere": f"%{''.join(_like(letter) + '%' for letter in letters)}",
                "together_either": f"*{''.join(map(_either_case, words))}*",
                "anywhere_either": f"*{''.join(_either_case(letter) + '*' for letter in letters)}",
                "limit": limit,
            },
        ).fetchall()
        return [chat_of(row) for row in rows]

    def pinned(self) -> list[Chat]:
        """The pinned ones that are not archived or in the trash, the one pinned first first."""
        rows = self._connection.execute(
            f"{SELECT_CHAT} where {_SHELVES['open']} and c.pinned_at is not null order by c.pinned_at, c.id"
        ).fetchall()
        return [chat_of(row) for row in rows]

    def count(self, shelf: Shelf = "open") -> int:
        """How many chats stand there."""
        return int(self._connection.execute(f"select count(*) from chats c where {_SHELVES[shelf]}").fetchone()[0])

    def any(self) -> bool:
        """Whether there is any chat at all, on whatever shelf."""
        return self._connection.execute("select 1 from chats limit 1").fetchone() is not None

    # What a person changes. Each raises NotFound where the chat is gone.

    def rename(self, chat_id: int, title: str) -> Chat:
        """Raises InvalidInput for an empty title."""
        line = one_line(storable(title), TITLE_LIMIT)
        if not visible(line):
            raise InvalidInput("A title cannot be empty.", "Type a title, or keep the old one with escape.")
        return self._change(chat_id, title=line)

    def retitle(self, chat_id: int, plain: str, title: str) -> bool:
        """Give a better title where the chat still has its plain one; whether it had."""
        with immediate(self._connection) as tx:
            done = tx.execute(
                "update chats set title = ? where id = ? and title = ?",
                (one_line(storable(title), TITLE_LIMIT), chat_id, plain),
            )
            return done.rowcount == 1

    def pin(self, chat_id: int, pinned: bool) -> Chat:
        return self._change(chat_id, pinned_at=self._now() if pinned else None)

    def archive(self, chat_id: int, archived: bool) -> Chat:
        return self._change(chat_id, archived_at=self._now() if archived else None)

    def trash(self, chat_id: int) -> Chat:
        """Into the trash. NotFound where it is there already."""
        return self._change(chat_id, only="deleted_at is null", deleted_at=self._now())

    def untrash(self, chat_id: int) -> Chat:
        """Out of the trash; into the archive where it was archived before."""
        return self._change(chat_id, deleted_at=None)

    def restore(self, chat_id: int) -> Chat:
        """Out of the trash, and out of the archive."""
        return self._change(chat_id, deleted_at=None, archived_at=None)

    def erase(self, chat_id: int) -> None:
        """Delete a chat for good, in the trash or not. Raises NotFound where it is gone already."""
        with immediate(self._connection) as tx:
            if tx.execute("delete from chats where id = ?", (chat_id,)).rowcount != 1:
                raise NotFound

    def trash_in_parts(self) -> list[list[int]]:
        """The chats in the trash, in parts that ``erase_trashed`` keeps the store locked for some 50 ms with; a chat is
        never divided."""
        sizes = self._connection.execute(
            "select id, (select count(*) from messages m where m.chat_id = c.id) from chats c"
            f" where {_SHELVES['trash']} order by id"
        )
        parts: list[list[int]] = []
        room = 0
        for chat_id, messages in sizes:
            if messages + 1 > room:
                parts.append([])
                room = PART
            parts[-1].append(chat_id)
            room -= messages + 1
        return parts

    def erase_trashed(self, chat_ids: Iterable[int]) -> int:
        """Delete these for good where they are still in the trash; how many those were."""
        with immediate(self._connection) as tx:
            return tx.execute(
                "delete from chats where deleted_at is not null and id in (select value from json_each(?))",
                (json.dumps(list(chat_ids)),),
            ).rowcount

    def empty_trash(self) -> int:
        """Delete for good what is in the trash now; how many chats that were. A second for each 100 MB, in parts
        between which others can write."""
        return sum(map(self.erase_trashed, self.trash_in_parts()))

    def set_draft(self, chat_id: int, draft: str) -> None:
        """What is typed and not sent yet. A chat that is gone has no draft; that is no error."""
        with immediate(self._connection) as tx:
            tx.execute("update chats set draft = ? where id = ?", (storable(draft), chat_id))

    def set_system(self, chat_id: int, system: str) -> Chat:
        """The chat's system prompt, for the turns from now on."""
        return self._change(chat_id, system=storable(system))

    def set_parameters(self, chat_id: int, parameters: dict[str, Any]) -> Chat:
        """What goes along with every turn, before what the model has set."""
        return self._change(chat_id, parameters=json.dumps(parameters))

    def set_instructions(
        self,
        chat_id: int,
        *,
        system: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        seen: Mapping[str, Any] | None = None,
    ) -> Chat:
        """System prompt and parameters of the turns from now on: what is given. ``parameters`` are set by name, None
        unsets one. ``seen``: by name, what stood there before. Raises NotFound, InvalidInput for a parameter that
        cannot be, and Changed (with ``now``) where one of ``seen`` is neither that any more nor what it is to be."""
        with immediate(self._connection) as tx:
            old = self.get(chat_id)
            new_system = old.system if system is None else storable(system)
            new = validation.patched(old.parameters, parameters or {})
            before, after = {**old.parameters, "system": old.system}, {**new, "system": new_system}
            check_edit(f"What chat {chat_id} is told", seen or {}, before, after)
            tx.execute(
                "update chats set system = ?, parameters = ? where id = ?", (new_system, json.dumps(new), chat_id)
            )
            return self.get(chat_id)

    def set_summary(self, chat_id: int, summary: str, message_id: int | None) -> Chat:
        """What is sent in place of all up to and with this message; an empty one sends everything again."""
        return self._change(chat_id, summary=storable(summary), summary_of=message_id if summary else None)

    def set_leaf(self, chat_id: int, leaf_id: int) -> Chat:
        """Show the line that ends in this message. Raises NotFound where the message is not of this chat."""
        return self._change(
            chat_id,
            only="exists (select 1 from messages m where m.id = :leaf_id and m.chat_id = chats.id)",
            leaf_id=leaf_id,
        )

    def set_model(self, chat_id: int, model_id: int) -> Chat:
        """Give the chat another model for good. Raises NotFound where chat or model is gone or removed."""
        return self._change(
            chat_id,
            only="exists (select 1 from live_models m where m.id = :model_config_id)",
            model_config_id=model_id,
            remote_hosts="[]",
        )

    def fork(self, chat_id: int, message_id: int) -> Chat:
        """A new chat with a copy of the line up to and with this message; the old chat stays as it is.

        Raises NotFound where the chat or the message is gone.
        """
        now = self._now()
        with immediate(self._connection) as tx:
            made = tx.execute(
                "insert into chats (title, model_config_id, system, parameters, remote_hosts, created_at, updated_at)"
                " select title || ' (fork)', model_config_id, system, parameters, remote_hosts, ?, ? from chats"
                " where id = ?",
                (now, now, chat_id),
            )
            line = [row["id"] for row in tx.execute(_LINE_TO, (message_id, chat_id))]
            if made.rowcount != 1 or not line:
                raise NotFound
            new_chat = made.lastrowid
            last = tx.execute(f"{_LAST_ID} from messages").fetchone()[0]
            tx.execute(_COPY, {"line": json.dumps(line), "last": last, "chat": new_chat})
            attachment_rows.copy(tx, line, last + 1)
            tx.execute("update chats set leaf_id = ? where id = ?", (last + len(line), new_chat))
            assert new_chat is not None
            return self.get(new_chat)

    def _change(self, chat_id: int, only: str = "", **columns: Any) -> Chat:
        """Set columns (names are ours, values are anybody's) where the chat is there and ``only`` holds."""
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        with immediate(self._connection) as tx:
            done = tx.execute(
                f"update chats set {sets} where id = :chat_id" + (f" and {only}" if only else ""),
                {**columns, "chat_id": chat_id},
            )
            if done.rowcount != 1:
                raise NotFound
            return self.get(chat_id)
