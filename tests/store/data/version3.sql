-- A dump of a store that the release with three steps wrote through its own methods. Not to be edited.
begin;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE TABLE providers (
  id integer primary key autoincrement,
  name text not null unique
    check (length(name) between 1 and 64 and name not glob '*[^a-z0-9._-]*'),
  kind text not null check (kind <> ''),
  base_url text,
  key_source text not null default 'none' check (key_source in ('none', 'env', 'keyring')),
  key_name text check ((key_source = 'none') = (key_name is null)),
  enabled integer not null default 1 check (enabled in (0, 1)),
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) strict;
CREATE TABLE model_configs (
  id integer primary key autoincrement,
  provider text not null,
  model text not null check (model <> ''),
  path text,
  context integer check (context > 0),
  parameters text not null default '{}' check (json_valid(parameters)),
  enabled integer not null default 1 check (enabled in (0, 1)),
  is_default integer not null default 0 check (is_default in (0, 1)),
  is_local integer not null default 0 check (is_local in (0, 1)),
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  deleted_at text,
  check (deleted_at is null or is_default = 0)
) strict;
CREATE TABLE chats (
  id integer primary key autoincrement,
  title text not null default '',
  model_config_id integer references model_configs (id),
  leaf_id integer,
  system text not null default '',
  draft text not null default '',
  parameters text not null default '{}' check (json_valid(parameters)),
  remote_ok integer not null default 0 check (remote_ok in (0, 1)),
  summary text not null default '', -- sent in place of all up to and with the message summary_of
  summary_of integer,
  archived_at text,
  pinned_at text,
  deleted_at text,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  updated_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) strict;
CREATE TABLE messages (
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
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  content text not null default '',
  reasoning text not null default '',
  check ((fallback_from is null) = (fallback_reason is null))
) strict;
CREATE TABLE catalog_events (
  id integer primary key autoincrement,
  at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  action text not null,
  subject text not null,
  default_before text,
  default_after text,
  by text not null default 'person' check (by in ('person', 'promotion')),
  detail text not null default '{}' check (json_valid(detail))
) strict;
CREATE TABLE state (name text primary key, value text not null) strict, without rowid;
CREATE TABLE personas (name text primary key check (name <> ''), system text not null) strict, without rowid;
CREATE TABLE attachments (
  id integer primary key autoincrement,
  message_id integer not null references messages (id) on delete cascade,
  position integer not null default 0,
  name text not null,
  media_type text not null,
  content blob not null
) strict;
CREATE VIRTUAL TABLE message_words using fts5(
  words, facets, content = 'message_texts', content_rowid = 'id', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2 categories ''L* N* Co M* So''');
CREATE VIRTUAL TABLE chat_words using fts5(
  words, content = 'chat_titles', content_rowid = 'id', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2 categories ''L* N* Co M* So''');
CREATE TABLE chat_sources (
  source text not null check (source <> ''),
  source_id text not null check (source_id <> ''),
  chat_id integer not null references chats (id) on delete cascade,
  messages integer not null default 0,
  created_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  primary key (source, source_id)
) strict, without rowid;
insert into _sqlite_migrations values (1, 'localchat', 'core', '2026-11-24 15:15:18.126529+00:00');
insert into _sqlite_migrations values (2, 'localchat', 'search', '2026-11-24 15:15:18.150983+00:00');
insert into _sqlite_migrations values (3, 'localchat', 'sources', '2026-11-24 15:15:18.151860+00:00');
insert into providers values (1, 'local', 'embedded', NULL, 'none', NULL, 1, '2026-11-24T15:15:18.126Z', '2026-11-24T15:15:18.126Z');
insert into providers values (2, 'y', 'echo', NULL, 'none', NULL, 1, '2026-01-01T00:00:01.000Z', '2026-01-01T00:00:08.000Z');
insert into providers values (4, 'r', 'echo', NULL, 'none', NULL, 1, '2026-01-01T00:00:15.000Z', '2026-01-01T00:00:17.000Z');
insert into providers values (5, 'far', 'openai', 'https://far.example:8443/v1', 'env', 'FAR_KEY', 1, '2026-01-01T00:00:18.000Z', '2026-01-01T00:00:18.000Z');
insert into providers values (7, 'v', 'echo', NULL, 'none', NULL, 1, '2026-01-01T00:00:28.000Z', '2026-01-01T00:00:35.000Z');
insert into providers values (9, 't', 'echo', NULL, 'none', NULL, 1, '2026-01-01T00:00:42.000Z', '2026-01-01T00:00:42.000Z');
insert into model_configs values (1, 'local', 'smollm2', NULL, NULL, '{}', 1, 0, 1, '2026-11-24T15:15:18.126Z', '2026-11-24T15:15:18.126Z', NULL);
insert into model_configs values (2, 'y', 'z1', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:02.000Z', '2026-01-01T00:00:02.000Z', NULL);
insert into model_configs values (3, 'z', 'z2', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:03.000Z', '2026-01-01T00:00:03.000Z', '2026-01-01T00:00:06.000Z');
insert into model_configs values (4, 'r', 'q1', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:10.000Z', '2026-01-01T00:00:10.000Z', NULL);
insert into model_configs values (5, 'q', 'q2', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:11.000Z', '2026-01-01T00:00:11.000Z', '2026-01-01T00:00:14.000Z');
insert into model_configs values (6, 'far', 'f', NULL, 8192, '{"temperature": 0.5}', 1, 1, 0, '2026-01-01T00:00:19.000Z', '2026-01-01T00:00:19.000Z', NULL);
insert into model_configs values (7, 'home', 'qwen/qwen3:8b', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:21.000Z', '2026-01-01T00:00:21.000Z', '2026-01-01T00:00:26.000Z');
insert into model_configs values (8, 'home', 'off', NULL, NULL, '{}', 0, 0, 1, '2026-01-01T00:00:22.000Z', '2026-01-01T00:00:23.000Z', '2026-01-01T00:00:26.000Z');
insert into model_configs values (9, 'v', 'w1', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:29.000Z', '2026-01-01T00:00:29.000Z', NULL);
insert into model_configs values (10, 'w', 'w2', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:30.000Z', '2026-01-01T00:00:30.000Z', '2026-01-01T00:00:34.000Z');
insert into model_configs values (11, 'v', 'w3', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:36.000Z', '2026-01-01T00:00:36.000Z', '2026-01-01T00:00:37.000Z');
insert into model_configs values (12, 't', 'same', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:39.000Z', '2026-01-01T00:00:39.000Z', '2026-01-01T00:00:41.000Z');
insert into model_configs values (13, 't', 'same', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:43.000Z', '2026-01-01T00:00:43.000Z', NULL);
insert into model_configs values (14, 'p', 'm', NULL, NULL, '{}', 1, 0, 1, '2026-01-01T00:00:45.000Z', '2026-01-01T00:00:45.000Z', '2026-01-01T00:00:45.000Z');
insert into chats values (1, 'about z1', 2, 2, '', '', '{}', 0, '', NULL, NULL, NULL, '2026-01-01T00:00:47.000Z', '2026-01-01T00:00:04.000Z', '2026-01-01T00:00:04.000Z');
insert into chats values (2, 'about z2', 3, 6, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:05.000Z', '2026-01-01T00:00:07.000Z');
insert into chats values (3, 'about q1', 4, 8, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:12.000Z', '2026-01-01T00:00:12.000Z');
insert into chats values (4, 'about q2', 5, 10, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:13.000Z', '2026-01-01T00:00:13.000Z');
insert into chats values (5, 'about home', 7, 14, '', '', '{}', 1, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:24.000Z', '2026-01-01T00:00:27.000Z');
insert into chats values (6, 'about w1', 9, 16, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:31.000Z', '2026-01-01T00:00:31.000Z');
insert into chats values (7, 'about the earlier one', 12, 18, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:40.000Z', '2026-01-01T00:00:40.000Z');
insert into chats values (8, 'about the other one', 13, 20, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:44.000Z', '2026-01-01T00:00:44.000Z');
insert into chats values (9, 'about an import', 14, 22, '', '', '{}', 0, '', NULL, NULL, NULL, NULL, '2026-01-01T00:00:03.000Z', '2026-01-01T00:00:03.000Z');
insert into messages values (1, 1, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:04.000Z', 'about z1', '');
insert into messages values (2, 1, 1, 1, 'assistant', 'complete', 2, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:04.000Z', 'Yes.', '');
insert into messages values (3, 2, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:05.000Z', 'about z2', '');
insert into messages values (4, 2, 3, 1, 'assistant', 'complete', 3, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:05.000Z', 'Yes.', '');
insert into messages values (5, 2, 4, 2, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:07.000Z', 'still there?', '');
insert into messages values (6, 2, 5, 3, 'assistant', 'complete', 2, 3, 'removed', NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:07.000Z', 'Yes.', '');
insert into messages values (7, 3, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:12.000Z', 'about q1', '');
insert into messages values (8, 3, 7, 1, 'assistant', 'complete', 4, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:12.000Z', 'Yes.', '');
insert into messages values (9, 4, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:13.000Z', 'about q2', '');
insert into messages values (10, 4, 9, 1, 'assistant', 'complete', 5, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:13.000Z', 'Yes.', '');
insert into messages values (11, 5, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:24.000Z', 'about home', '');
insert into messages values (12, 5, 11, 1, 'assistant', 'complete', 7, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:24.000Z', 'Yes.', '');
insert into messages values (13, 5, 12, 2, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:27.000Z', 'and now?', '');
insert into messages values (14, 5, 13, 3, 'assistant', 'complete', 6, 7, 'removed', NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:27.000Z', 'Yes.', '');
insert into messages values (15, 6, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:31.000Z', 'about w1', '');
insert into messages values (16, 6, 15, 1, 'assistant', 'complete', 9, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:31.000Z', 'Yes.', '');
insert into messages values (17, 7, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:40.000Z', 'about the earlier one', '');
insert into messages values (18, 7, 17, 1, 'assistant', 'complete', 12, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:40.000Z', 'Yes.', '');
insert into messages values (19, 8, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:44.000Z', 'about the other one', '');
insert into messages values (20, 8, 19, 1, 'assistant', 'complete', 13, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:44.000Z', 'Yes.', '');
insert into messages values (21, 9, NULL, 0, 'user', 'complete', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:03.000Z', 'about an import', '');
insert into messages values (22, 9, 21, 1, 'assistant', 'complete', 14, NULL, NULL, NULL, NULL, NULL, 'stop', NULL, NULL, NULL, 0, NULL, '2026-01-01T00:00:03.000Z', 'Yes.', '');
insert into catalog_events values (1, '2026-01-01T00:00:01.000Z', 'provider-added', 'z', 'local/smollm2', 'local/smollm2', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (2, '2026-01-01T00:00:02.000Z', 'model-added', 'z/z1', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (3, '2026-01-01T00:00:03.000Z', 'model-added', 'z/z2', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (4, '2026-01-01T00:00:06.000Z', 'model-removed', 'z/z2', 'local/smollm2', 'local/smollm2', 'person', '{"provider": null, "models": [{"id": 3, "provider": "z", "model": "z2", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:03.000Z", "updated_at": "2026-01-01T00:00:03.000Z", "deleted_at": null, "usable": true}], "default_before": 1, "default_after": 1}');
insert into catalog_events values (5, '2026-01-01T00:00:08.000Z', 'provider-edited', 'z', 'local/smollm2', 'local/smollm2', 'person', '{"name": ["z", "y"]}');
insert into catalog_events values (6, '2026-01-01T00:00:09.000Z', 'provider-added', 'q', 'local/smollm2', 'local/smollm2', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (7, '2026-01-01T00:00:10.000Z', 'model-added', 'q/q1', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (8, '2026-01-01T00:00:11.000Z', 'model-added', 'q/q2', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (9, '2026-01-01T00:00:14.000Z', 'provider-removed', 'q', 'local/smollm2', 'local/smollm2', 'person', '{"provider": {"id": 3, "name": "q", "kind": "echo", "base_url": null, "key_source": "none", "key_name": null, "enabled": true, "created_at": "2026-01-01T00:00:09.000Z", "updated_at": "2026-01-01T00:00:09.000Z"}, "models": [{"id": 4, "provider": "q", "model": "q1", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:10.000Z", "updated_at": "2026-01-01T00:00:10.000Z", "deleted_at": null, "usable": true}, {"id": 5, "provider": "q", "model": "q2", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:11.000Z", "updated_at": "2026-01-01T00:00:11.000Z", "deleted_at": null, "usable": true}], "default_before": 1, "default_after": 1}');
insert into catalog_events values (10, '2026-01-01T00:00:15.000Z', 'provider-added', 'q', 'local/smollm2', 'local/smollm2', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (11, '2026-01-01T00:00:16.000Z', 'model-restored', 'q/q1', 'local/smollm2', 'local/smollm2', 'person', '{"removal": 9}');
insert into catalog_events values (12, '2026-01-01T00:00:17.000Z', 'provider-edited', 'q', 'local/smollm2', 'local/smollm2', 'person', '{"name": ["q", "r"]}');
insert into catalog_events values (13, '2026-01-01T00:00:18.000Z', 'provider-added', 'far', 'local/smollm2', 'local/smollm2', 'person', '{"kind": "openai", "base_url": "https://far.example:8443/v1"}');
insert into catalog_events values (14, '2026-01-01T00:00:19.000Z', 'model-added', 'far/f', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (15, '2026-01-01T00:00:20.000Z', 'provider-added', 'home', 'local/smollm2', 'local/smollm2', 'person', '{"kind": "openai", "base_url": "http://localhost:11434/v1"}');
insert into catalog_events values (16, '2026-01-01T00:00:21.000Z', 'model-added', 'home/qwen/qwen3:8b', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (17, '2026-01-01T00:00:22.000Z', 'model-added', 'home/off', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (18, '2026-01-01T00:00:23.000Z', 'model-disabled', 'home/off', 'local/smollm2', 'local/smollm2', 'person', '{}');
insert into catalog_events values (19, '2026-01-01T00:00:25.000Z', 'default-chosen', 'home/qwen/qwen3:8b', 'local/smollm2', 'home/qwen/qwen3:8b', 'person', '{}');
insert into catalog_events values (20, '2026-01-01T00:00:26.000Z', 'provider-removed', 'home', 'home/qwen/qwen3:8b', 'far/f', 'person', '{"provider": {"id": 6, "name": "home", "kind": "openai", "base_url": "http://localhost:11434/v1", "key_source": "none", "key_name": null, "enabled": true, "created_at": "2026-01-01T00:00:20.000Z", "updated_at": "2026-01-01T00:00:20.000Z"}, "models": [{"id": 8, "provider": "home", "model": "off", "path": null, "context": null, "parameters": {}, "enabled": false, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:22.000Z", "updated_at": "2026-01-01T00:00:23.000Z", "deleted_at": null, "usable": false}, {"id": 7, "provider": "home", "model": "qwen/qwen3:8b", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": true, "is_local": true, "created_at": "2026-01-01T00:00:21.000Z", "updated_at": "2026-01-01T00:00:21.000Z", "deleted_at": null, "usable": true}], "default_before": 7, "default_after": 6}');
insert into catalog_events values (21, '2026-01-01T00:00:28.000Z', 'provider-added', 'w', 'far/f', 'far/f', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (22, '2026-01-01T00:00:29.000Z', 'model-added', 'w/w1', 'far/f', 'far/f', 'person', '{}');
insert into catalog_events values (23, '2026-01-01T00:00:30.000Z', 'model-added', 'w/w2', 'far/f', 'far/f', 'person', '{}');
insert into catalog_events values (24, '2026-01-01T00:00:32.000Z', 'provider-removed', 'w', 'far/f', 'far/f', 'person', '{"provider": {"id": 7, "name": "w", "kind": "echo", "base_url": null, "key_source": "none", "key_name": null, "enabled": true, "created_at": "2026-01-01T00:00:28.000Z", "updated_at": "2026-01-01T00:00:28.000Z"}, "models": [{"id": 9, "provider": "w", "model": "w1", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:29.000Z", "updated_at": "2026-01-01T00:00:29.000Z", "deleted_at": null, "usable": true}, {"id": 10, "provider": "w", "model": "w2", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:30.000Z", "updated_at": "2026-01-01T00:00:30.000Z", "deleted_at": null, "usable": true}], "default_before": 6, "default_after": 6}');
insert into catalog_events values (25, '2026-01-01T00:00:33.000Z', 'provider-restored', 'w', 'far/f', 'far/f', 'person', '{"removal": 24}');
insert into catalog_events values (26, '2026-01-01T00:00:34.000Z', 'model-removed', 'w/w2', 'far/f', 'far/f', 'person', '{"provider": null, "models": [{"id": 10, "provider": "w", "model": "w2", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:30.000Z", "updated_at": "2026-01-01T00:00:30.000Z", "deleted_at": null, "usable": true}], "default_before": 6, "default_after": 6}');
insert into catalog_events values (27, '2026-01-01T00:00:35.000Z', 'provider-edited', 'w', 'far/f', 'far/f', 'person', '{"name": ["w", "v"]}');
insert into catalog_events values (28, '2026-01-01T00:00:36.000Z', 'model-added', 'v/w3', 'far/f', 'far/f', 'person', '{}');
insert into catalog_events values (29, '2026-01-01T00:00:37.000Z', 'model-removed', 'v/w3', 'far/f', 'far/f', 'person', '{"provider": null, "models": [{"id": 11, "provider": "v", "model": "w3", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:36.000Z", "updated_at": "2026-01-01T00:00:36.000Z", "deleted_at": null, "usable": true}], "default_before": 6, "default_after": 6}');
insert into catalog_events values (30, '2026-01-01T00:00:38.000Z', 'provider-added', 't', 'far/f', 'far/f', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (31, '2026-01-01T00:00:39.000Z', 'model-added', 't/same', 'far/f', 'far/f', 'person', '{}');
insert into catalog_events values (32, '2026-01-01T00:00:41.000Z', 'provider-removed', 't', 'far/f', 'far/f', 'person', '{"provider": {"id": 8, "name": "t", "kind": "echo", "base_url": null, "key_source": "none", "key_name": null, "enabled": true, "created_at": "2026-01-01T00:00:38.000Z", "updated_at": "2026-01-01T00:00:38.000Z"}, "models": [{"id": 12, "provider": "t", "model": "same", "path": null, "context": null, "parameters": {}, "enabled": true, "is_default": false, "is_local": true, "created_at": "2026-01-01T00:00:39.000Z", "updated_at": "2026-01-01T00:00:39.000Z", "deleted_at": null, "usable": true}], "default_before": 6, "default_after": 6}');
insert into catalog_events values (33, '2026-01-01T00:00:42.000Z', 'provider-added', 't', 'far/f', 'far/f', 'person', '{"kind": "echo", "base_url": null}');
insert into catalog_events values (34, '2026-01-01T00:00:43.000Z', 'model-added', 't/same', 'far/f', 'far/f', 'person', '{}');
insert into chat_sources values ('localchat', '582a9348-faff-447b-8f53-d15016cf2115', 9, 2, '2026-01-01T00:00:46.000Z');
CREATE VIEW known_models as
  select *, deleted_at is null and enabled = 1
    and exists (select 1 from providers p where p.name = provider and p.enabled = 1) as usable from model_configs;
CREATE VIEW live_models as select * from known_models where deleted_at is null;
CREATE VIEW usable_models as select * from known_models where usable;
CREATE VIEW message_texts (id, words, facets) as
  select id, 
  case when length(cast(content as blob)) = length(content) or content not glob '*[ก-᪭←-𲎯]*' then content else (
    with recursive
      pieces (at, part, size, mixed) as (
        select 1, substr(content, 1, 65), min(64, length(content)),
          substr(content, 1, 65) glob '*[ก-᪭←-𲎯]*'
        union all
        select at + 64, substr(content, at + 64, 65),
          min(64, length(content) - at - 63),
          substr(content, at + 64, 65) glob '*[ก-᪭←-𲎯]*'
        from pieces where at + 64 <= length(content)
      ),
      letters (i) as (select 1 union all select i + 1 from letters where i < 64)
    select group_concat(
      case
        when not mixed then substr(part, 1, 64)
        when substr(part, i, 2) glob '[ก-᪭←-𲎯][ก-᪭←-𲎯]' then ' ' || substr(part, i, 2) || ' '
        when substr(part, i, 1) glob '[ก-᪭←-𲎯]' then ' ' || substr(part, i, 1) || ' '
        else substr(part, i, 1)
      end, '')
    from pieces cross join letters on i <= case when mixed then size else 1 end
  ) end,
    '' || role || ' ' || chat_id || coalesce(' ' || model_config_id, '')
    || ' ' || substr(created_at, 1, 4) || ' ' || substr(created_at, 1, 4) || substr(created_at, 6, 2)
    || ' ' || substr(created_at, 1, 4) || substr(created_at, 6, 2) || substr(created_at, 9, 2)
  from messages where status <> 'streaming' and content <> '';
CREATE VIEW chat_titles (id, words) as select id, 
  case when length(cast(title as blob)) = length(title) or title not glob '*[ก-᪭←-𲎯]*' then title else (
    with recursive
      pieces (at, part, size, mixed) as (
        select 1, substr(title, 1, 65), min(64, length(title)),
          substr(title, 1, 65) glob '*[ก-᪭←-𲎯]*'
        union all
        select at + 64, substr(title, at + 64, 65),
          min(64, length(title) - at - 63),
          substr(title, at + 64, 65) glob '*[ก-᪭←-𲎯]*'
        from pieces where at + 64 <= length(title)
      ),
      letters (i) as (select 1 union all select i + 1 from letters where i < 64)
    select group_concat(
      case
        when not mixed then substr(part, 1, 64)
        when substr(part, i, 2) glob '[ก-᪭←-𲎯][ก-᪭←-𲎯]' then ' ' || substr(part, i, 2) || ' '
        when substr(part, i, 1) glob '[ก-᪭←-𲎯]' then ' ' || substr(part, i, 1) || ' '
        else substr(part, i, 1)
      end, '')
    from pieces cross join letters on i <= case when mixed then size else 1 end
  ) end from chats where title <> '';
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX one_live_model on model_configs (provider, model) where deleted_at is null;
CREATE UNIQUE INDEX one_default on model_configs (is_default) where is_default = 1 and deleted_at is null;
CREATE INDEX tombstones on model_configs (provider, model, deleted_at) where deleted_at is not null;
CREATE INDEX chats_by_time on chats (updated_at desc, id desc, title) where deleted_at is null and archived_at is null;
CREATE INDEX chats_archived on chats (updated_at desc, id desc, title)
  where deleted_at is null and archived_at is not null;
CREATE INDEX chats_in_trash on chats (updated_at desc, id desc, title) where deleted_at is not null;
CREATE INDEX chats_pinned on chats (pinned_at, id)
  where deleted_at is null and archived_at is null and pinned_at is not null;
CREATE INDEX chats_by_model on chats (model_config_id, updated_at desc, id desc) where deleted_at is null;
CREATE INDEX messages_by_line on messages (chat_id, depth, id);
CREATE INDEX messages_by_parent on messages (parent_id);
CREATE INDEX messages_streaming on messages (id) where status = 'streaming';
CREATE INDEX attachments_by_message on attachments (message_id, position);
CREATE INDEX chat_sources_by_chat on chat_sources (chat_id);
CREATE UNIQUE INDEX one_own_name on chat_sources (chat_id) where source = 'localchat';
CREATE TRIGGER messages_append after insert on messages when new.depth is null begin
  update messages set
    parent_id = coalesce(new.parent_id, (select leaf_id from chats where id = new.chat_id)),
    depth = coalesce((select p.depth + 1 from messages p
      where p.id = coalesce(new.parent_id, (select leaf_id from chats where id = new.chat_id))), 0)
    where id = new.id;
  update chats set leaf_id = new.id where id = new.chat_id;
end;
CREATE TRIGGER catalog_events_stay before update on catalog_events begin
  select raise(abort, 'the log of the catalog is append-only');
end;
CREATE TRIGGER catalog_events_remain before delete on catalog_events begin
  select raise(abort, 'the log of the catalog is append-only');
end;
CREATE TRIGGER message_words_added after insert on messages when new.status <> 'streaming' and new.content <> '' begin
  insert into message_words (rowid, words, facets)
    select id, words, facets from message_texts where id = new.id;
end;
CREATE TRIGGER message_words_removed before delete on messages
  when old.status <> 'streaming' and old.content <> '' begin
  insert into message_words (message_words, rowid, words, facets)
    select 'delete', id, words, facets from message_texts where id = old.id;
end;
CREATE TRIGGER message_words_before before update of id, content, status, role, chat_id, model_config_id, created_at
  on messages when old.status <> 'streaming' and old.content <> '' begin
  insert into message_words (message_words, rowid, words, facets)
    select 'delete', id, words, facets from message_texts where id = old.id;
end;
CREATE TRIGGER message_words_after after update of id, content, status, role, chat_id, model_config_id, created_at
  on messages when new.status <> 'streaming' and new.content <> '' begin
  insert into message_words (rowid, words, facets)
    select id, words, facets from message_texts where id = new.id;
end;
CREATE TRIGGER chat_words_added after insert on chats when new.title <> '' begin
  insert into chat_words (rowid, words) select id, words from chat_titles where id = new.id;
end;
CREATE TRIGGER chat_words_removed before delete on chats when old.title <> '' begin
  insert into chat_words (chat_words, rowid, words) select 'delete', id, words from chat_titles where id = old.id;
end;
CREATE TRIGGER chat_words_before before update of id, title on chats when old.title <> '' begin
  insert into chat_words (chat_words, rowid, words) select 'delete', id, words from chat_titles where id = old.id;
end;
CREATE TRIGGER chat_words_after after update of id, title on chats when new.title <> '' begin
  insert into chat_words (rowid, words) select id, words from chat_titles where id = new.id;
end;
delete from sqlite_sequence;
insert into sqlite_sequence values ('providers', 9);
insert into sqlite_sequence values ('model_configs', 14);
insert into sqlite_sequence values ('catalog_events', 34);
insert into sqlite_sequence values ('chats', 9);
insert into sqlite_sequence values ('messages', 22);
insert into message_words (message_words) values ('rebuild');
insert into chat_words (chat_words) values ('rebuild');
pragma user_version = 3;
commit;
