"""The step of the schema that tells things from their names: a provider by its id, a model by its ref as it was then.

``provider_id`` has no foreign key: it outlives the provider's row, and an id is never used twice. In a store of before,
a live model belongs to the provider of its name. Which provider a tombstone belonged to is in the log: the line that
removed it names the provider, or names it indirectly, through the renames that followed. A tombstone without such a
line came with an import (or from another program): it belongs to nobody, and nobody knows where its model ran.
"""

from __future__ import annotations

IDENTITY = """
drop view usable_models;
drop view live_models;
drop view known_models;

alter table model_configs add column provider_id integer;
alter table model_configs add column delisted_at text;
alter table model_configs rename column is_local to was_local;
alter table model_configs add column is_local integer check (is_local in (0, 1));
alter table messages add column model_ref text;
alter table messages add column fallback_from_ref text;
alter table chats drop column remote_ok;
alter table chats add column remote_hosts text not null default '[]'
  check (json_valid(remote_hosts) and json_type(remote_hosts) = 'array');

drop trigger catalog_events_stay;
alter table catalog_events add column format integer not null default 1;
alter table catalog_events add column provider_id integer;
create index catalog_events_by_subject on catalog_events (action, subject);
create index catalog_events_by_provider on catalog_events (provider_id, action) where provider_id is not null;

-- Before any name follows its provider: what the messages said until today.
update messages set
  model_ref = (select m.provider || '/' || m.model from model_configs m where m.id = messages.model_config_id),
  fallback_from_ref = (select m.provider || '/' || m.model from model_configs m where m.id = messages.fallback_from)
  where model_config_id is not null or fallback_from is not null;

update catalog_events set provider_id = json_extract(detail, '$.provider.id')
  where action = 'provider-removed' and json_type(detail, '$.provider.id') = 'integer';

-- Each model that the log saw going, with the provider it went from. Where only a model was removed, its provider may
-- have been renamed or removed afterwards: the walk follows the name through the log.
create table removed_models as
with recursive
  newest (model_id, event_id, at, name, provider_id) as (
    select json_extract(e.detail, m.fullkey || '.id'), max(e.id), e.at,
      json_extract(e.detail, m.fullkey || '.provider'), e.provider_id
    from catalog_events e, json_each(e.detail, '$.models') m
    where e.action in ('provider-removed', 'model-removed')
      and json_type(e.detail, m.fullkey || '.id') = 'integer'
    group by 1
  ),
  walk (model_id, event_id, at, name, provider_id) as (
    select model_id, event_id, at, name, provider_id from newest
    union all
    select w.model_id, e.id, w.at,
      case e.action when 'provider-edited' then json_extract(e.detail, '$.name[1]') end, e.provider_id
    from walk w join catalog_events e on e.id = (
      select min(n.id) from catalog_events n
      where n.id > w.event_id and n.subject = w.name and (n.action = 'provider-removed'
        or (n.action = 'provider-edited' and json_type(n.detail, '$.name[1]') = 'text')))
    where w.provider_id is null
  )
select model_id, max(event_id) as event_id,
  coalesce(provider_id, (select p.id from providers p where p.name = walk.name and p.created_at <= walk.at))
    as provider_id
from walk group by model_id;

update model_configs set provider_id = (select p.id from providers p where p.name = model_configs.provider)
  where deleted_at is null;
update model_configs set provider_id = (select r.provider_id from removed_models r where r.model_id = model_configs.id)
  where deleted_at is not null;
update model_configs set is_local = was_local
  where deleted_at is null or id in (select model_id from removed_models);
drop table removed_models;
alter table model_configs drop column was_local;

-- A tombstone follows its provider's name, as a live model does.
update model_configs set provider = (select p.name from providers p where p.id = model_configs.provider_id)
  where deleted_at is not null and provider_id in (select id from providers);
create index tombstones_of_provider on model_configs (provider_id, model, deleted_at) where deleted_at is not null;

-- Who writes a model without provider_id means the provider of that name.
create view known_models as
  select *, deleted_at is null and enabled = 1
    and exists (select 1 from providers p where p.name = model_configs.provider and p.enabled = 1
      and (model_configs.provider_id is null or model_configs.provider_id = p.id)) as usable from model_configs;
create view live_models as select * from known_models where deleted_at is null;
create view usable_models as select * from known_models where usable;

create trigger catalog_events_stay before update on catalog_events begin
  select raise(abort, 'the log of the catalog is append-only');
end;
"""
