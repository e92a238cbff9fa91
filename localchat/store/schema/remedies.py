"""The step of the schema that keeps what can be done about a failed reply apart from the words about it.

Hints named the app's keys until then, which no command line has. Those of replies that failed before are rewritten.
"""

from __future__ import annotations

REMEDIES = """
alter table messages add column error_remedy text;

update messages set
  error_remedy = case
    when error_hint like '%press ctrl+r%' then 'ask_again'
    when error_hint like '%(ctrl+o)%' then 'pick_model'
    else case when error_hint like '%: f2, then D.' then 'discover ' else 'edit_provider ' end
      || coalesce(substr(model_ref, 1, instr(model_ref, '/') - 1), '')
  end,
  error_hint = trim(
    replace(replace(replace(replace(replace(replace(replace(replace(error_hint,
      'Press ctrl+r to ask again.', ''), ' and press ctrl+r.', '.'), ', then press ctrl+r.', '.'),
      ' Edit it: f2, then e.', ''), ': f2, then e.', '.'), ', or let it list its models: f2, then D.', '.'),
      ' (ctrl+o)', ''), ' (e)', ''))
where error_hint like '%press ctrl+r%' or error_hint like '%(ctrl+o)%' or error_hint like '%: f2, then _.';
"""
