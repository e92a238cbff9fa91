"""The step of the schema that keeps how a reply came, where someone asked for it."""

from __future__ import annotations

RECORDINGS = """
-- How a recorded reply came: `deltas` is an array of [milliseconds since it was asked, "text" or "reasoning", words].
create table recordings (
  message_id integer primary key references messages (id) on delete cascade,
  deltas text not null check (json_valid(deltas)),
  ended_ms integer not null check (ended_ms >= 0)
) strict;
"""
