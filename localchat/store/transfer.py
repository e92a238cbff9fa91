"""Chats out of the store and into it, whole: read as plain data, taken over in one transaction each, never twice."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localchat.errors import DiskFull, NotFound, Remedy, StoreDamaged, StoreReadonly, Way
from localchat.store import Store, recordings
from localchat.store import attachments as attachment_rows
from localchat.store.chats import TITLE_LIMIT
from localchat.store.connection import immediate, snapshot
from localchat.store.fields import document, number, number_or_none, text, text_or_none
from localchat.store.messages import error_of, reason_of, role_of, status_of, usage_of
from localchat.text import one_line, storable, title_from
from localchat.transfer.portable import BY_WORDS, OWN, ByWords, NamedModel, WholeChat, WholeMessage, in_order, line_of

_PAGE = 200  # chats that get their lasting names in one transaction

_CHAT = """
select c.*, m.provider as model_provider, m.model as model_model, m.is_local as model_local,
  m.deleted_at is not null as model_removed
from chats c left join model_configs m on m.id = c.model_config_id where c.id = ?
"""
_MESSAGES = """
select x.*, exists (select 1 from attachments a where a.message_id = x.id) as attached, r.deltas, r.ended_ms,
  coalesce(substr(x.model_ref, 1, instr(x.model_ref, '/') - 1), m.provider) as model_provider,
  coalesce(substr(x.model_ref, instr(x.model_ref, '/') + 1), m.model) as model_model, m.is_local as model_local,
  m.deleted_at is not null as model_removed,
  coalesce(substr(x.fallback_from_ref, 1, instr(x.fallback_from_ref, '/') - 1), f.provider) as from_provider,
  coalesce(substr(x.fallback_from_ref, instr(x.fallback_from_ref, '/') + 1), f.model) as from_model,
  f.is_local as from_local, f.deleted_at is not null as from_removed
from messages x
left join recordings r on r.message_id = x.id
left join model_configs m on m.id = x.model_config_id
left join model_configs f on f.id = x.fallback_from
where x.chat_id = ? order by x.id
"""
_INSERT = """
insert into messages (chat_id, parent_id, depth, role, status, model_config_id, fallback_from, fallback_reason,
  error_code, error_message, error_hint, error_remedy, finish_reason, input_tokens, output_tokens, duration_ms,
  left_out, created_at, content, reasoning, model_ref, fallback_from_ref)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one chat. ``new``: it was not here. ``trashed``: it is here, in the trash.

    ``grown``: how many more messages it has at its source than it had when it was taken over. ``models``: refs that
    arrived as tombstones. ``messages``: how many were written. ``loose``: how many of those hung on nothing, or in a
    circle, and begin lines of their own.
    """

    chat_id: int | None
    new: bool
    trashed: bool = False
    grown: int = 0
    messages: int = 0
    models: tuple[str, ...] = ()
    loose: int = 0


class Exchange:
    """Of one store. Writes raise StoreBusy and DiskFull beside what they name."""

    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        self._now = store.now

    # Out

    def ids(self, *, trash: bool = False) -> list[int]:
        """Every chat, archived ones too, in the order in which they were begun; those in the trash where asked."""
        rows = self._connection.execute(
            "select id from chats where deleted_at is null or ? order by created_at, id", (trash,)
        ).fetchall()
        return [row[0] for row in rows]

    def read(self, chat_ids: Sequence[int], *, lasting: bool = True) -> Iterator[WholeChat]:
        """These chats one by one. ``lasting``: give each the name under which it is known again wherever it goes, if
        the store can be written.

        A chat that was deleted for good meanwhile is passed over.
        """
        for start in range(0, len(chat_ids), _PAGE):
            page = chat_ids[start : start + _PAGE]
            if lasting:
                self._give_names(page)
            for chat_id in page:
                chat = self._read(chat_id)
                if chat is not None:
                    yield chat

    def one(self, chat_id: int, *, lasting: bool = True) -> WholeChat:
        """Raises NotFound."""
        for chat in self.read([chat_id], lasting=lasting):
            return chat
        raise NotFound(f"There is no chat {chat_id}.", "", remedy=Remedy(Way.LIST_CHATS))

    def _give_names(self, chat_ids: Iterable[int]) -> None:
        asked = json.dumps(list(chat_ids))
        missing = (
            "select id from chats where id in (select value from json_each(?))"
            " and not exists (select 1 from chat_sources s where s.chat_id = chats.id and s.source = ?)"
        )
        if not self._connection.execute(missing, (asked, OWN)).fetchall():
            return
        # Whoever needs his chats most, from a full or failing disk, gets them without lasting names.
        with contextlib.suppress(DiskFull, StoreDamaged, StoreReadonly), immediate(self._connection) as tx:
            for row in tx.execute(missing, (asked, OWN)).fetchall():
                tx.execute(
                    "insert into chat_sources (source, source_id, chat_id, messages, created_at)"
                    " values (?, ?, ?, (select count(*) from messages where chat_id = ?), ?)",
                    (OWN, str(uuid.uuid4()), row[0], row[0], self._now()),
                )

    def _read(self, chat_id: int) -> WholeChat | None:
        with snapshot(self._connection):
            row = self._connection.execute(_CHAT, (chat_id,)).fetchone()
            if row is None:
                return None
            rows = self._connection.execute(_MESSAGES, (chat_id,)).fetchall()
            names = self._connection.execute(
                "select source, source_id from chat_sources where chat_id = ? order by source <> ?, source, source_id",
                (chat_id, OWN),
            ).fetchall()
            files = {
                row["id"]: tuple(attachment_rows.read(self._connection, row["id"])) for row in rows if row["attached"]
            }
        messages, _ = in_order([replace(_message_of(row), attachments=files.get(row["id"], ())) for row in rows])
        there = {each.key for each in messages}
        own = text(names[0][1]) if names and names[0][0] == OWN else str(chat_id)
        return WholeChat(
            source=OWN,
            source_id=own,
            title=text(row["title"]),
            messages=tuple(messages),
            created_at=text(row["created_at"]),
            updated_at=text(row["updated_at"]),
            leaf=str(row["leaf_id"]) if str(row["leaf_id"]) in there else _last(messages),
            model=_named(row, "model"),
            system=text(row["system"]),
            draft=text(row["draft"]),
            summary=text(row["summary"]),
            summary_of=str(row["summary_of"]) if str(row["summary_of"]) in there else None,
            parameters=document(row["parameters"]),
            archived_at=text_or_none(row["archived_at"]),
            pinned_at=text_or_none(row["pinned_at"]),
            deleted_at=text_or_none(row["deleted_at"]),
            also=tuple((text(name[0]), text(name[1])) for name in names if name[0] != OWN),
        )

    # In

    def look(self, chat: WholeChat) -> Taken:
        """What ``take`` would do; nothing is written. Raises ValueError as ``take`` does."""
        chat, loose = _in_order(chat)
        with snapshot(self._connection):
            return self._there(chat) or Taken(
                None,
                new=True,
                messages=len(chat.messages),
                models=tuple(model.ref for model in _models_in(chat) if self._model_id(model) is None),
                loose=loose,
            )

    def take(self, chat: WholeChat) -> Taken:
        """Write the chat with all its messages, or nothing where it is here already.

        Models that are not here arrive as tombstones; live ones are used as they are, and the default stays.
        Raises ValueError where two of the chat's messages have the same key, or the schema refuses one.
        """
        chat, loose = _in_order(chat)  # before the lock is taken
        try:
            with immediate(self._connection) as tx:
                there = self._there(chat)
                if there is not None:
                    return there
                models, added = self._give_models(tx, chat)
                chat_id = self._write_chat(tx, chat, models)
                self._write_messages(tx, chat_id, chat, models)
                for source, source_id in ((chat.source, _lasting(chat)), *chat.also):
                    tx.execute(
                        "insert or ignore into chat_sources (source, source_id, chat_id, messages, created_at)"
                        " values (?, ?, ?, ?, ?)",
                        (storable(source), storable(source_id), chat_id, len(chat.messages), self._now()),
                    )
                return Taken(chat_id, new=True, messages=len(chat.messages), models=added, loose=loose)
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
            raise ValueError(f"the store refused it ({error})") from error

    def _there(self, chat: WholeChat) -> Taken | None:
        for source, source_id in ((chat.source, chat.source_id), *chat.also):
            by_words = source in BY_WORDS
            full = _lasting(chat) if source == chat.source else source_id if "@" in source_id else ""
            base = storable(ByWords.parse(source_id).base if by_words else source_id)
            rows = self._connection.execute(
                "select c.id, c.deleted_at, s.source_id, s.messages as then_there,"
                " (select count(*) from messages m where m.chat_id = c.id) as here"
                " from chat_sources s join chats c on c.id = s.chat_id"
                " where s.source = ? and (s.source_id = ? or (s.source_id >= ? and s.source_id < ?))",
                (storable(source), base, *((f"{base}@", f"{base}A") if by_words else ("", ""))),
            ).fetchall()
            for row in rows:
                if by_words and text(row["source_id"]) != full and not self._same_words(row, chat):
                    continue
                trashed = row["deleted_at"] is not None
                # What came from another program may have gone on there; what is ours, in another store of ours.
                known = row["then_there"] if source == chat.source != OWN else row["here"]
                return Taken(row["id"], new=False, trashed=trashed, grown=max(len(chat.messages) - known, 0))
        return None

    def _same_words(self, row: sqlite3.Row, chat: WholeChat) -> bool:
        """Whether what came under this name, and the chat, are one and the same, of which one may have gone on."""
        line = line_of(chat)
        begins = ByWords.parse(text(row["source_id"])).begins(line)
        if begins is not None:
            return begins
        above: list[int | None] = [None]
        for message in line[: number(row["then_there"]) or None]:
            found = self._connection.execute(
                "select m.id from messages m, json_each(?) p where m.chat_id = ? and m.parent_id is p.value"
                " and m.role = ? and m.content = ?",
                (json.dumps(above), row["id"], message.role, storable(message.content)),
            ).fetchall()
            above = [each[0] for each in found]
            if not above:
                return False
        return True

    def _model_id(self, model: NamedModel) -> int | None:
        """The model of that name here. One that ran on its machine is never taken for one that runs elsewhere."""
        row = self._connection.execute(
            "select id from model_configs where provider = ? and model = ? and not (? and is_local is 0)"
            " order by deleted_at is not null, deleted_at desc, id desc limit 1",
            (storable(model.provider), storable(model.model), model.local is True),
        ).fetchone()
        return None if row is None else int(row[0])

    def _give_models(self, tx: sqlite3.Connection, chat: WholeChat) -> tuple[dict[str, int], tuple[str, ...]]:
        """By ref the id of each model in the chat; and the refs of those that had to be made."""
        ids: dict[str, int] = {}
        added = []
        for model in _models_in(chat):
            found = self._model_id(model)
            local = None if model.local is None else int(model.local)
            if found is not None and local is not None:
                learnt = "update model_configs set is_local = ? where id = ? and is_local is null"
                tx.execute(learnt, (local, found))
            if found is None:
                now = self._now()
                made = tx.execute(
                    "insert into model_configs (provider, model, is_local, created_at, updated_at, deleted_at)"
                    " values (?, ?, ?, ?, ?, ?)",
                    (storable(model.provider), storable(model.model), local, now, now, now),
                )
                found = int(made.lastrowid or 0)
                added.append(model.ref)
            ids[model.ref] = found
        return ids, tuple(added)

    def _write_chat(self, tx: sqlite3.Connection, chat: WholeChat, models: dict[str, int]) -> int:
        own = chat.model or next((m.model for m in reversed(line_of(chat)) if m.model is not None), None)
        made = tx.execute(
            "insert into chats (title, model_config_id, system, draft, parameters, archived_at, pinned_at, deleted_at,"
            " created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                _title(chat),
                models[own.ref] if own is not None else None,
                storable(chat.system),
                storable(chat.draft),
                json.dumps(chat.parameters),
                chat.archived_at,
                chat.pinned_at,
                chat.deleted_at,
                chat.created_at,
                chat.updated_at,
            ),
        )
        return int(made.lastrowid or 0)

    @staticmethod
    def _write_messages(tx: sqlite3.Connection, chat_id: int, chat: WholeChat, models: dict[str, int]) -> None:
        places: dict[str | None, tuple[int | None, int]] = {None: (None, -1)}  # by key: id and depth
        for message in chat.messages:
            parent, depth = places[message.parent]
            done = tx.execute(_INSERT, (chat_id, parent, depth + 1, *_values(message, models)))
            places[message.key] = (done.lastrowid, depth + 1)
            attachment_rows.insert(tx, done.lastrowid or 0, message.attachments)
            if message.recording is not None:
                recordings.insert(tx, done.lastrowid or 0, message.recording)
        leaf = places.get(chat.leaf) if chat.leaf is not None else None
        if leaf is None and chat.messages:
            leaf = places[chat.messages[-1].key]
        tx.execute("update chats set leaf_id = ? where id = ?", (leaf[0] if leaf else None, chat_id))
        summed = places.get(chat.summary_of) if chat.summary_of is not None else None
        if summed is not None:
            given = (storable(chat.summary), summed[0], chat_id)
            tx.execute("update chats set summary = ?, summary_of = ? where id = ?", given)


def _lasting(chat: WholeChat) -> str:
    """The name under which it is known again."""
    return str(ByWords.of(chat.source_id, line_of(chat))) if chat.source in BY_WORDS else chat.source_id


def _in_order(chat: WholeChat) -> tuple[WholeChat, int]:
    messages, loose = in_order(chat.messages)
    return replace(chat, messages=tuple(messages)), loose


def _models_in(chat: WholeChat) -> list[NamedModel]:
    """Each once, in the order in which they come up."""
    named = [chat.model, *(model for m in chat.messages for model in (m.model, m.fallback_from))]
    return list({model.ref: model for model in named if model is not None}.values())


def _values(message: WholeMessage, models: dict[str, int]) -> tuple[Any, ...]:
    error, usage = message.error, message.usage
    fell = message.fallback_from is not None and message.fallback_reason is not None
    return (
        message.role,
        "interrupted" if message.status == "streaming" else message.status,  # nobody writes it any more
        models[message.model.ref] if message.model is not None else None,
        models[message.fallback_from.ref] if message.fallback_from is not None and fell else None,
        message.fallback_reason if fell else None,
        storable(error.code) if error else None,
        storable(error.message) if error else None,
        storable(error.hint) if error else None,
        storable(str(error.remedy)) if error and error.remedy else None,
        storable(message.finish_reason) if message.finish_reason is not None else None,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        message.duration_ms,
        message.left_out,
        message.created_at,
        storable(message.content),
        storable(message.reasoning),
        storable(message.model.ref) if message.model is not None else None,
        storable(message.fallback_from.ref) if message.fallback_from is not None and fell else None,
    )


def _title(chat: WholeChat) -> str:
    given = one_line(storable(chat.title), TITLE_LIMIT)
    if given:
        return given
    return title_from(storable(next((m.content for m in chat.messages if m.role == "user"), "")))


def _last(messages: Sequence[WholeMessage]) -> str | None:
    return messages[-1].key if messages else None


def _named(row: sqlite3.Row, prefix: str) -> NamedModel | None:
    if row[f"{prefix}_provider"] is None:
        return None
    return NamedModel(
        text(row[f"{prefix}_provider"]),
        text(row[f"{prefix}_model"]),
        None if row[f"{prefix}_local"] is None else bool(row[f"{prefix}_local"]),
        bool(row[f"{prefix}_removed"]),
    )


def _message_of(row: sqlite3.Row) -> WholeMessage:
    reason = reason_of(row["fallback_reason"])
    return WholeMessage(
        key=str(row["id"]),
        parent=str(row["parent_id"]) if row["parent_id"] is not None else None,
        role=role_of(row["role"]),
        content=text(row["content"]),
        created_at=text(row["created_at"]),
        reasoning=text(row["reasoning"]),
        status=status_of(row["status"]),
        model=_named(row, "model"),
        fallback_from=_named(row, "from") if reason else None,
        fallback_reason=reason,
        error=error_of(row),
        finish_reason=text_or_none(row["finish_reason"]),
        usage=usage_of(row),
        duration_ms=number_or_none(row["duration_ms"]),
        recording=recordings.read(row) if row["deltas"] is not None else None,
        left_out=number(row["left_out"]),
    )
