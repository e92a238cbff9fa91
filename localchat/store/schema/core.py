"""The schema's history: SQL, step by step. A step, once released, is never edited; a new one is added at the end.

The schema holds the promises; the code only explains them. No trigger needs a function of ours: any SQLite client may
write this file.
"""

from __future__ import annotations

from localchat.store.schema.budgets import BUDGETS
from localchat.store.schema.identity import IDENTITY
from localchat.store.schema.long_texts import LONG_TEXTS
from localchat.store.schema.places import PLACES
from localchat.store.schema.recordings import RECORDINGS
from localchat.store.schema.remedies import REMEDIES
from localchat.store.schema.search import SEARCH
from localchat.store.schema.sources import SOURCES

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

CORE = f"""
create table providers (
  id integer primary key autoincrement,
  name text not null unique
    check (length(name) between 1 and 64 and name not glob '*[^a-z0-9._-]*'),
  kind text not null check (kind <> ''),
  base_url text,
  key_source text not null default 'none' check (key_source in ('none', 'env', 'keyring')),
  key_name text check ((key_source = 'none') = (key_name is null)),
  enabled integer not null default 1 check (enabled in (0, 1)),
  created_at text not null default ({_NOW}),
  updated_at text not null default ({_NOW})
) strict;

-- provider is a name and no foreign key: a model outlives its provider as a tombstone.
create table model_configs (
  id integer primary key autoincrement,
  provider text not null,
  model text not null check (model <> ''),
  path text,
  context integer check (context > 0),
  parameters text not null default '{{}}' check (json_valid(parameters)),
  enabled integer not null default 1 check (enabled in (0, 1)),
  is_default integer not null default 0 check (is_default in (0, 1)),
  is_local integer not null default 0 check (is_local in (0, 1)),
  created_at text not null default ({_NOW}),
  updated_at text not null default ({_NOW}),
  deleted_at text,
  check (deleted_at is null or is_default = 0)
) strict;
create unique index one_live_model on model_configs (provider, model) where deleted_at is null;
create unique index one_default on model_configs (is_default) where is_default = 1 and deleted_at is null;
create index tombstones on model_configs (provider, model, deleted_at) where deleted_at is not null;

-- "Live" and "usable" are written once, here.
create view known_models as
  select *, deleted_at is null and enabled = 1
    and exists (select 1 from providers p where p.name = provider and p.enabled = 1) as usable from model_configs;
create view live_models as select * from known_models where deleted_at is null;
create view usable_models as select * from known_models where usable;

create table chats (
  id integer primary key autoincrement,
  title text not null default '',
  model_config_id integer references model_configs (id),
  leaf_id integer,
  system text not null default '',
  draft text not null default '',
  parameters text not null default '{{}}' check (json_valid(parameters)),
  remote_ok integer not null default 0 check (remote_ok in (0, 1)),
  summary text not null default '', -- sent in place of all up to and with the message summary_of
  summary_of integer,
  archived_at text,
  pinned_at text,
  deleted_at text,
  created_at text not null default ({_NOW}),
  updated_at text not null default ({_NOW})
) strict;
-- A list of chats is a page of one of these; with the title in them, a filter by it reads only what it shows.
create index chats_by_time on chats (updated_at desc, id desc, title) where deleted_at is null and archived_at is null;
create index chats_archived on chats (updated_at desc, id desc, title)
  where deleted_at is null and archived_at is not null;
create index chats_in_trash on chats (updated_at desc, id desc, title) where deleted_at is not null;
create index chats_pinned on chats (pinned_at, id)
  where deleted_at is null and archived_at is null and pinned_at is not null;
-- Holds all that a count of a model's chats and its newest ones need, so that neither reads the chats themselves.
create index chats_by_model on chats (model_config_id, updated_at desc, id desc) where deleted_at is null;

-- Small columns first: walking a chat's line reads no overflow page of content.
create table messages (
  id integer primary key autoincrement,
  chat_id integer not null references chats (id) on delete cascade,
  parent_id integer references messages (id), -- no cascade: a long line would exceed SQLite's trigger depth
  depth integer,
  role text not null check (role in ('system', 'user', 'assistant')),
  status text not null default 'complete'
    check (status in ('complete', 'streaming', 'stopped', 'interrupted', 'failed')),
  model_config_id integer references model_configs (id),
  fallback_from integer references model_configs (id),
  fallback_reason text check (fallback_reason in ('removed', 'disabled')),
  error_code text,
  error_message text,
  error_hint text,
  finish_reason text,
  input_tokens integer,
  output_tokens integer,
  duration_ms integer,
  left_out integer not null default 0,
  writer text,
  created_at text not null default ({_NOW}),
  content text not null default '',
  reasoning text not null default '',
  check ((fallback_from is null) = (fallback_reason is null))
) strict;
create index messages_by_line on messages (chat_id, depth, id);
create index messages_by_parent on messages (parent_id);
create index messages_streaming on messages (id) where status = 'streaming';

-- Who writes a message without knowing of the tree (depth left out) appends it to the chat's current line.
create trigger messages_append after insert on messages when new.depth is null begin
  update messages set
    parent_id = coalesce(new.parent_id, (select leaf_id from chats where id = new.chat_id)),
    depth = coalesce((select p.depth + 1 from messages p
      where p.id = coalesce(new.parent_id, (select leaf_id from chats where id = new.chat_id))), 0)
    where id = new.id;
  update chats set leaf_id = new.id where id = new.chat_id;
end;

-- Append-only: why the default changed, and what a restore needs. Never a key.
create table catalog_events (
  id integer primary key autoincrement,
  at text not null default ({_NOW}),
  action text not null,
  subject text not null,
  default_before text,
  default_after text,
  by text not null default 'person' check (by in ('person', 'promotion')),
  detail text not null default '{{}}' check (json_valid(detail))
) strict;
create trigger catalog_events_stay before update on catalog_events begin
  select raise(abort, 'the log of the catalog is append-only');
end;
create trigger catalog_events_remain before delete on catalog_events begin
  select raise(abort, 'the log of the catalog is append-only');
end;

-- What the app remembers between starts: the chat used last, the draft of a chat not begun, the theme.
create table state (name text primary key, value text not null) strict, without rowid;

-- Saved system prompts to choose from.
create table personas (name text primary key check (name <> ''), system text not null) strict, without rowid;

-- Files and images that went with a message, in their order.
create table attachments (
  id integer primary key autoincrement,
  message_id integer not null references messages (id) on delete cascade,
  position integer not null default 0,
  name text not null,
  media_type text not null,
  content blob not null
) strict;
create index attachments_by_message on attachments (message_id, position);

insert into providers (name, kind) values ('local', 'embedded');
insert into model_configs (provider, model, is_default, is_local) values ('local', 'smollm2', 1, 1);
"""

# Name and SQL of each step, in order. ``core``: providers, models, chats, messages, and the model in the box as the
# default. ``search``: the index of all words, filled with those that are there. ``sources``: where chats came from.
# ``identity``: providers by id, refs on messages as they were, the hosts a chat may go to.
# ``recordings``: how replies came, where a provider is recorded.
# ``remedies``: what can be done about a failed reply. ``places``: messages found by their time.
# ``budgets``: what a provider's server may cost.
# ``long_texts``: how much of one message is in the index.
STEPS: tuple[tuple[str, str], ...] = (
    ("core", CORE),
    ("search", SEARCH),
    ("sources", SOURCES),
    ("identity", IDENTITY),
    ("recordings", RECORDINGS),
    ("remedies", REMEDIES),
    ("places", PLACES),
    ("budgets", BUDGETS),
    ("long_texts", LONG_TEXTS),
)
CURRENT = len(STEPS)
