"""The step of the schema that gives each message its place in time, so that the newest are found first.

An index of words gives its rows back by their numbers, quickly, and by nothing else. Numbers of messages grow as they
come into this store, and an import brings old ones late: so the index numbers them by time. A place is the milliseconds
since 1970 and, within one of them, the last 21 bits of the message's id; a time that is none counts as 1970.
"""

from __future__ import annotations

from localchat.store.schema.search import SEARCH

_ANEW = (
    SEARCH.replace(
        "create view message_texts (id, words, facets) as\n  select id,",
        "create view message_texts (id, words, facets, message_id) as\n  select place,",
    )
    .replace("from messages where status <> 'streaming'", ", id from messages where status <> 'streaming'")
    .replace("from message_texts where id = new.id", "from message_texts where message_id = new.id")
    .replace("from message_texts where id = old.id", "from message_texts where message_id = old.id")
)
# What is about titles stays as it is.
_MESSAGES_ONLY = _ANEW[: _ANEW.index("create view chat_titles")]

PLACES = f"""
drop trigger message_words_added;
drop trigger message_words_removed;
drop trigger message_words_before;
drop trigger message_words_after;
drop table message_words;
drop view message_texts;

alter table messages add column place integer generated always as (
  max(0, min(coalesce(cast(round((julianday(created_at) - 2440587.5) * 86400000) as integer), 0), 2199023255551))
    * 2097152 + (id & 2097151)) virtual;
create index messages_by_place on messages (place);
{_MESSAGES_ONLY}
insert into message_words (message_words) values ('rebuild');
"""
