"""Full text over all chats: messages and titles, the newest first.

The index and what keeps it: ``search_schema``. What is in the trash is not found. Long work belongs in a thread with a
connection of its own: ``Search.opened``; ``cancel`` ends it from any other thread.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from localchat.errors import SearchIndexDamaged
from localchat.records import ModelName, Role
from localchat.store.catalog import queries as catalog_rows
from localchat.store.chats import model_name
from localchat.store.connection import PATIENCE, connect
from localchat.store.fields import number, text
from localchat.store.messages import role_of
from localchat.store.schema.search import CHAT, MODEL, ROLE, TIME
from localchat.store.search.query_text import Term, fold, holds, snippet, terms_of
from localchat.store.soundness import index_is_sound, rebuild_index

PAGE = 50  # hits at once
TITLES = 20  # chats found by their title, at most
_GLANCE = 400  # of the newest messages, and
_GLANCE_SIZE = 500_000  # letters of them, are looked at before a short beginning is looked up: ten milliseconds
# Letters. A beginning of five has few enough words, also among a million messages. One of three may have many; it is
# looked up where the glance at the newest messages was not enough, before those that are shorter still.
_BEGINNINGS = (5, 3)
_YEARS = (1970, 2100)  # beyond them a time is no time

_MESSAGES = """
select m.id, m.chat_id, m.depth, m.role, m.created_at, m.content, c.title, c.archived_at is not null as archived,
  x.id as model_id, x.provider as model_provider, x.model as model_model, x.deleted_at is not null as model_removed
from {source} cross join chats c on c.id = m.chat_id left join model_configs x on x.id = m.model_config_id
where {where} and c.deleted_at is null
  and (:since is null or m.created_at >= :since) and (:until is null or m.created_at < :until)
"""
# Newest first is by the index's own rowid, which is the place in time: by a column the planner would sort every hit.
_INDEXED = (
    _MESSAGES.format(
        source="message_words f cross join messages m on m.place = f.rowid",
        where="message_words match :expression and f.rowid < :below",
    )
    + "order by f.rowid desc"
)
_NEWEST = (
    _MESSAGES.format(source="messages m", where="m.place < :below and m.status <> 'streaming' and m.content <> ''")
    + "order by m.place desc"
)
_TITLED = """
select c.id, c.title, c.updated_at, c.archived_at is not null as archived,
  x.id as model_id, x.provider as model_provider, x.model as model_model, x.deleted_at is not null as model_removed
from chat_words f cross join chats c on c.id = f.rowid left join model_configs x on x.id = c.model_config_id
where chat_words match :expression and c.deleted_at is null
  and (:since is null or c.updated_at >= :since) and (:until is null or c.updated_at < :until)
  and (:models is null or c.model_config_id in (select value from json_each(:models)))
order by c.updated_at desc, c.id desc limit :limit
"""


class Cancelled(Exception):
    """The search was ended by ``cancel``: nobody wants its answer any more."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for. Any text will do; one without a letter, digit or emoji finds nothing.

    ``models``: ids of model configurations, removed ones too; None: every one. ``since`` and ``until`` are times as the
    store writes them; the second one is no longer included.
    """

    text: str
    role: Role | None = None
    models: tuple[int, ...] | None = None
    since: str | None = None
    until: str | None = None
    chat_id: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found; without ``message_id``, ``depth`` and ``role``: a chat, by its title.

    ``matches``: (start, end) of what was found, in ``snippet``, which is cleaned and on one line.
    """

    chat_id: int
    title: str
    message_id: int | None
    depth: int
    role: Role | None
    model: ModelName | None
    created_at: str
    archived: bool
    snippet: str
    matches: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A model that answered something: every model configuration of that name, live and removed.

    ``removed``: none of them is live.
    """

    ref: str
    ids: tuple[int, ...]
    removed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, the newest first. ``complete``: the page is as full as it gets; else the rest is still looked for."""

    hits: tuple[Hit, ...]
    complete: bool


class Search:
    """Finding in one store, and the health of its index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cancelled = False

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path) -> Iterator[Search]:
        """A search with a connection of its own, for the thread that opens it. Raises like ``Store``."""
        connection = connect(path, busy_timeout=PATIENCE)
        try:
            yield cls(connection)
        finally:
            connection.close()

    def cancel(self) -> None:
        """End what runs, from any thread: it raises Cancelled. This search is of no more use then."""
        self._cancelled = True
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed meanwhile
            self._connection.interrupt()

    def find(self, query: Query, *, limit: int = PAGE, after: int | None = None) -> tuple[Hit, ...]:
        """One page of messages. ``after`` is the id of the last message of the page before. Raises Cancelled."""
        *_, found = self.progress(query, limit=limit, after=after)
        return found.hits

    def progress(self, query: Query, *, limit: int = PAGE, after: int | None = None) -> Iterator[Found]:
        """One page of messages as it comes: what a glance at the newest shows, then all of it. Raises Cancelled.

        Each holds what the one before held; the last is complete. A very short beginning of words stands in so many
        messages that looking it up takes up to a second among a million of them; but so it stands in the newest ones
        too.
        """
        terms = terms_of(query.text)
        if not terms:
            yield Found((), True)
            return
        every = [term.expression for term in terms]
        looked_among: list[str] | None = None
        for least in _BEGINNINGS:
            quick = [expression for term in terms if (expression := term.quick(least))]
            if quick == every:
                break
            if quick != looked_among:
                found = self._glance(query, quick, terms, limit, after)
                yield found
                if found.complete:
                    return
            looked_among = quick
        yield Found(tuple(self._hit(row, terms) for row in self._rows(query, every, after, limit)), True)

    def _glance(self, query: Query, quick: list[str], terms: tuple[Term, ...], limit: int, after: int | None) -> Found:
        """What is among the newest messages that answer to the quick expressions; complete where it fills the page."""
        hits: list[Hit] = []
        size = 0
        for looked, row in enumerate(self._rows(query, quick, after)):
            if looked == _GLANCE or size > _GLANCE_SIZE:
                return Found(tuple(hits), False)
            said = text(row["content"])
            size += len(said)
            if holds(fold(said), terms):
                hits.append(self._hit(row, terms))
                if len(hits) == limit:
                    break
        return Found(tuple(hits), True)

    def titles(self, query: Query, *, limit: int = TITLES) -> tuple[Hit, ...]:
        """Chats whose title holds it, the newest first. A role or a chat leaves out titles. Raises Cancelled."""
        terms = terms_of(query.text)
        if not terms or query.role is not None or query.chat_id is not None:
            return ()
        values: dict[str, object] = {
            "expression": " ".join(term.expression for term in terms),
            "since": query.since,
            "until": query.until,
            "models": None if query.models is None else str(list(query.models)),
            "limit": limit,
        }
        return tuple(self._titled(row, terms) for row in self._fetched(_TITLED, values))

    def models_of(self, ref: str) -> tuple[int, ...]:
        """The ids of every model of that name, live and removed. Raises InvalidInput, NotFound."""
        provider, name = catalog_rows.parsed(ref)
        rows = self._connection.execute(
            "select id from model_configs where provider = ? and model = ? order by id", (provider, name)
        ).fetchall()
        if not rows:
            catalog_rows.live_model(self._connection, ref)  # says why, and what is meant perhaps
        return tuple(row[0] for row in rows)

    def answered(self) -> list[Answered]:
        """Every model that answered something, the one that did so last first."""
        rows = self._connection.execute(
            "select provider || '/' || model as ref, group_concat(id) as ids, min(deleted_at is not null) as removed"
            " from model_configs group by provider, model"
        ).fetchall()
        found: list[tuple[int, Answered]] = []
        for row in rows:
            ids = tuple(int(model_id) for model_id in row["ids"].split(","))
            newest = self._connection.execute(
                "select rowid from message_words where message_words match ? order by rowid desc limit 1",
                (_expression(Query("", models=ids), ()),),
            ).fetchone()
            if newest is not None:
                found.append((newest[0], Answered(text(row["ref"]), ids, bool(row["removed"]))))
        return [model for _, model in sorted(found, key=lambda pair: -pair[0])]

    # Reading rows

    def _rows(
        self, query: Query, expressions: Sequence[str], after: int | None, limit: int | None = None
    ) -> Iterator[sqlite3.Row]:
        """Messages that answer to the expressions and pass the filters, read as they are asked for."""
        expression = _expression(query, expressions)
        values: dict[str, object] = {
            "expression": expression,
            "below": self._below(after),
            "since": query.since,
            "until": query.until,
        }
        sql = _INDEXED if expression else _NEWEST
        return self._fetched(sql + (f" limit {limit:d}" if limit is not None else ""), values)

    def _below(self, after: int | None) -> int:
        """The place that a page begins below. Where the last message of the page before has gone, nothing follows."""
        if after is None:
            return 2**63 - 1
        row = self._connection.execute("select place from messages where id = ?", (after,)).fetchone()
        return 0 if row is None else int(row[0])

    def _fetched(self, sql: str, values: dict[str, object]) -> Iterator[sqlite3.Row]:
        """Rows in handfuls; the statement is over when this is, so that no snapshot stays pinned."""
        cursor = self._connection.cursor()
        try:
            try:
                cursor.execute(sql, values)
            except SearchIndexDamaged:
                guard = getattr(self._connection, "guard", None)
                if guard is None:
                    raise
                guard.mend_index(self._connection)
                cursor.execute(sql, values)
            while not self._cancelled and (rows := cursor.fetchmany(50)):
                yield from rows
            if self._cancelled:
                raise Cancelled
        except sqlite3.OperationalError as error:
            # An interrupt may also come as another error: one that falls while the index is opened is "vtable
            # constructor failed". After ``cancel`` nobody wants the answer, whatever it is.
            if self._cancelled or getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                raise Cancelled from None
            raise
        finally:
            cursor.close()

    @staticmethod
    def _hit(row: sqlite3.Row, terms: tuple[Term, ...]) -> Hit:
        shown = snippet(text(row["content"]), terms)
        return Hit(
            chat_id=row["chat_id"],
            title=text(row["title"]),
            message_id=row["id"],
            depth=number(row["depth"]),
            role=role_of(row["role"]),
            model=model_name(row, "model"),
            created_at=text(row["created_at"]),
            archived=bool(row["archived"]),
            snippet=shown.text,
            matches=shown.matches,
        )

    @staticmethod
    def _titled(row: sqlite3.Row, terms: tuple[Term, ...]) -> Hit:
        title = text(row["title"])
        shown = snippet(title, terms, room=len(title))
        return Hit(
            chat_id=row["id"],
            title=title,
            message_id=None,
            depth=0,
            role=None,
            model=model_name(row, "model"),
            created_at=text(row["updated_at"]),
            archived=bool(row["archived"]),
            snippet=shown.text,
            matches=shown.matches,
        )

    # The index

    def sound(self) -> bool:
        """Whether the index says what the messages and titles say. Reads all of them. Raises StoreBusy."""
        return index_is_sound(self._connection)

    def rebuild(self) -> None:
        """Write the index anew from what is there, in one transaction. Raises StoreBusy, DiskFull."""
        rebuild_index(self._connection)


def _expression(query: Query, expressions: Sequence[str]) -> str:
    """The search as FTS5 reads it; empty where it asks for nothing."""
    parts = [f"words : ({' '.join(expressions)})"] if expressions else []
    if query.role is not None:
        parts.append(_any([f"{ROLE}{query.role}"]))
    if query.models is not None:
        parts.append(_any([f"{MODEL}{model_id:d}" for model_id in query.models]))
    if query.chat_id is not None:
        parts.append(_any([f"{CHAT}{query.chat_id:d}"]))
    if query.since is not None or query.until is not None:
        parts.append(_any([TIME + span for span in spans_between(query.since, query.until)]))
    return " AND ".join(parts)


def _any(facets: list[str]) -> str:
    quoted = [f'"{facet}"' for facet in facets] or ['""']  # nothing is found by an empty word
    return f"facets : ({' OR '.join(quoted)})"


def spans_between(since: str | None, until: str | None) -> list[str]:
    """The years, months and days that cover the time between two stamps: ``2025``, ``202601``, ``20260131``."""
    first = _day(since, datetime(_YEARS[0], 1, 1, tzinfo=UTC))
    last = _day(until, datetime(_YEARS[1], 1, 1, tzinfo=UTC))
    spans: list[str] = []
    while first <= last:
        year_end = first.replace(month=12, day=31)
        month_end = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        if first.day == 1 and first.month == 1 and year_end <= last:
            spans.append(f"{first:%Y}")
            first = year_end
        elif first.day == 1 and month_end <= last:
            spans.append(f"{first:%Y%m}")
            first = month_end
        else:
            spans.append(f"{first:%Y%m%d}")
        first += timedelta(days=1)
    return spans


def _day(stamped: str | None, otherwise: datetime) -> datetime:
    """The day of a stamp, within the years that are looked at."""
    if stamped is None:
        return otherwise
    earliest, latest = (datetime(year, 1, 1, tzinfo=UTC) for year in _YEARS)
    day = datetime.fromisoformat(stamped[:10]).replace(tzinfo=UTC)
    return min(max(day, earliest), latest)
