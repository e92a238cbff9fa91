"""The index of the search, as a step of the schema's history: plain SQL, kept by triggers, whoever writes.

Words and their beginnings are found through FTS5's ``unicode61``. Scripts that put no space between words (Chinese,
Japanese, Thai, Khmer …), Korean and emoji are written into the index as overlapping pairs: ``锁库表`` as ``锁库 库表
表``. So any part of such a text is a phrase of pairs, and its last letter alone stands for a text that ends there.
A ``trigram`` index would need three letters, where most Chinese words have two.

The view says what is in the index; triggers and rebuilding read it from there. A reply is indexed when it ends, so
that a growing one costs nothing. Filters are words too (``facets``), so that FTS5 skips what they leave out; each
begins with a letter of Unicode's private use, which no word of a text shares. There is no prefix index: it would make
the index three times as large and as slow to write. ``Search`` looks at the newest messages itself before it asks for
a short beginning of words.
"""

from __future__ import annotations

# The letters that are indexed in pairs. The ends are letters that are assigned, so that they can be read here.
PAIRED = "ก-᪭←-\U000323af"

CHAT, MODEL, ROLE, TIME = "\ue000", "\ue001", "\ue002", "\ue003"

STEP = 64  # letters that are looked at together: most hold nothing to pair


def _in_words(column: str) -> str:
    """The text with its paired letters written in pairs; a text without any is itself."""
    two, one = "substr(part, i, 2)", "substr(part, i, 1)"
    return f"""
  case when length(cast({column} as blob)) = length({column}) or {column} not glob '*[{PAIRED}]*' then {column} else (
    with recursive
      pieces (at, part, size, mixed) as (
        select 1, substr({column}, 1, {STEP + 1}), min({STEP}, length({column})),
          substr({column}, 1, {STEP + 1}) glob '*[{PAIRED}]*'
        union all
        select at + {STEP}, substr({column}, at + {STEP}, {STEP + 1}),
          min({STEP}, length({column}) - at - {STEP - 1}),
          substr({column}, at + {STEP}, {STEP + 1}) glob '*[{PAIRED}]*'
        from pieces where at + {STEP} <= length({column})
      ),
      letters (i) as (select 1 union all select i + 1 from letters where i < {STEP})
    select group_concat(
      case
        when not mixed then substr(part, 1, {STEP})
        when {two} glob '[{PAIRED}][{PAIRED}]' then ' ' || {two} || ' '
        when {one} glob '[{PAIRED}]' then ' ' || {one} || ' '
        else {one}
      end, '')
    from pieces cross join letters on i <= case when mixed then size else 1 end
  ) end"""


_TOKENIZE = "unicode61 remove_diacritics 2 categories ''L* N* Co M* So''"

SEARCH = f"""
create view message_texts (id, words, facets) as
  select id, {_in_words("content")},
    '{ROLE}' || role || ' {CHAT}' || chat_id || coalesce(' {MODEL}' || model_config_id, '')
    || ' {TIME}' || substr(created_at, 1, 4) || ' {TIME}' || substr(created_at, 1, 4) || substr(created_at, 6, 2)
    || ' {TIME}' || substr(created_at, 1, 4) || substr(created_at, 6, 2) || substr(created_at, 9, 2)
  from messages where status <> 'streaming' and content <> '';

create virtual table message_words using fts5(
  words, facets, content = 'message_texts', content_rowid = 'id', columnsize = 0, tokenize = '{_TOKENIZE}');

create trigger message_words_added after insert on messages when new.status <> 'streaming' and new.content <> '' begin
  insert into message_words (rowid, words, facets)
    select id, words, facets from message_texts where id = new.id;
end;
create trigger message_words_removed before delete on messages
  when old.status <> 'streaming' and old.content <> '' begin
  insert into message_words (message_words, rowid, words, facets)
    select 'delete', id, words, facets from message_texts where id = old.id;
end;
create trigger message_words_before before update of id, content, status, role, chat_id, model_config_id, created_at
  on messages when old.status <> 'streaming' and old.content <> '' begin
  insert into message_words (message_words, rowid, words, facets)
    select 'delete', id, words, facets from message_texts where id = old.id;
end;
create trigger message_words_after after update of id, content, status, role, chat_id, model_config_id, created_at
  on messages when new.status <> 'streaming' and new.content <> '' begin
  insert into message_words (rowid, words, facets)
    select id, words, facets from message_texts where id = new.id;
end;

create view chat_titles (id, words) as select id, {_in_words("title")} from chats where title <> '';

create virtual table chat_words using fts5(
  words, content = 'chat_titles', content_rowid = 'id', columnsize = 0, tokenize = '{_TOKENIZE}');

create trigger chat_words_added after insert on chats when new.title <> '' begin
  insert into chat_words (rowid, words) select id, words from chat_titles where id = new.id;
end;
create trigger chat_words_removed before delete on chats when old.title <> '' begin
  insert into chat_words (chat_words, rowid, words) select 'delete', id, words from chat_titles where id = old.id;
end;
create trigger chat_words_before before update of id, title on chats when old.title <> '' begin
  insert into chat_words (chat_words, rowid, words) select 'delete', id, words from chat_titles where id = old.id;
end;
create trigger chat_words_after after update of id, title on chats when new.title <> '' begin
  insert into chat_words (rowid, words) select id, words from chat_titles where id = new.id;
end;

insert into message_words (message_words) values ('rebuild');
insert into chat_words (chat_words) values ('rebuild');
"""
