"""The step of the schema that bounds what the index takes of one message.

All that is indexed of a message stands in memory until the next one, and writing letters in pairs takes a while: a text
of many megabytes, as only a program writes it, would take hundreds of megabytes, or hours in which nobody can write.
Its beginning is indexed: 2,000,000 characters, or 100,000 where letters are paired. What follows is stored, shown and
exported like any other text.
"""

from __future__ import annotations

from localchat.store.schema.search import CHAT, MODEL, PAIRED, ROLE, STEP, TIME

PLAIN, IN_PAIRS = 2_000_000, 100_000  # characters

_TWO, _ONE = "substr(part, i, 2)", "substr(part, i, 1)"

LONG_TEXTS = f"""
drop view message_texts;

-- ``said`` is the content, read once. ``rest`` is what comes after a part, so that no part is looked for from the
-- beginning of the text.
create view message_texts (id, words, facets, message_id) as
  select place, (
    select
      case
        when length(cast(said as blob)) = length(said) or said not glob '*[{PAIRED}]*' then said
        else (
          with recursive
            pieces (part, rest, mixed) as (
              select substr(said, 1, {STEP + 1}), substr(said, {STEP + 1}, {IN_PAIRS - STEP}),
                substr(said, 1, {STEP + 1}) glob '*[{PAIRED}]*'
              union all
              select substr(rest, 1, {STEP + 1}), substr(rest, {STEP + 1}),
                substr(rest, 1, {STEP + 1}) glob '*[{PAIRED}]*'
              from pieces where rest <> ''
            ),
            letters (i) as (select 1 union all select i + 1 from letters where i < {STEP})
          select group_concat(
            case
              when not mixed then substr(part, 1, {STEP})
              when {_TWO} glob '[{PAIRED}][{PAIRED}]' then ' ' || {_TWO} || ' '
              when {_ONE} glob '[{PAIRED}]' then ' ' || {_ONE} || ' '
              else {_ONE}
            end, '')
          from pieces cross join letters on i <= case when mixed then min(length(part), {STEP}) else 1 end
        )
      end
    from (select substr(content, 1, {PLAIN}) as said limit 1)
  ),
    '{ROLE}' || role || ' {CHAT}' || chat_id || coalesce(' {MODEL}' || model_config_id, '')
    || ' {TIME}' || substr(created_at, 1, 4) || ' {TIME}' || substr(created_at, 1, 4) || substr(created_at, 6, 2)
    || ' {TIME}' || substr(created_at, 1, 4) || substr(created_at, 6, 2) || substr(created_at, 9, 2),
    id
  from messages where status <> 'streaming' and content <> '';

insert into message_words (message_words)
  select 'rebuild' where exists (select 1 from messages where length(content) > {IN_PAIRS});
"""
