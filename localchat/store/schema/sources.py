"""The step of the schema that lets chats come and go: under which names they are known elsewhere."""

from __future__ import annotations

SOURCES = """
-- Where a chat came from, and the name under which it travels: no chat is imported twice. `messages`: how many it had.
create table chat_sources (
  source text not null check (source <> ''),
  source_id text not null check (source_id <> ''),
  chat_id integer not null references chats (id) on delete cascade,
  messages integer not null default 0,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  primary key (source, source_id)
) strict, without rowid;
create index chat_sources_by_chat on chat_sources (chat_id);
create unique index one_own_name on chat_sources (chat_id) where source = 'localchat';
"""
