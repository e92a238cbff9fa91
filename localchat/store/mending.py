"""What another program, a crash or a rescue left in disorder, put right without losing a word."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from localchat.store.connection import immediate
from localchat.store.soundness import index_is_sound, rebuild_index
from localchat.text import count

# Rows that point at nothing. What a message says is kept: its chat comes back under a name of its own.
_LOST_CHATS = "select distinct chat_id from messages where chat_id not in (select id from chats)"
_LOOSE = (
    ("messages", "parent_id", "", "messages"),
    ("messages", "model_config_id", "", "model_configs"),
    ("messages", "fallback_from", ", fallback_reason = null", "model_configs"),
    ("chats", "model_config_id", "", "model_configs"),
    ("chats", "leaf_id", "", "messages"),
    ("chats", "summary_of", "", "messages"),
)
_FOREIGN_LEAVES = """
select c.id from chats c where exists (select 1 from messages m where m.chat_id = c.id)
  and not exists (select 1 from messages m where m.id = c.leaf_id and m.chat_id = c.id)
"""
# The true depth of every message that hangs on a root of its own chat.
_DEPTHS = """
with recursive tree (id, chat_id, depth) as (
  select id, chat_id, 0 from messages where parent_id is null
  union all
  select m.id, m.chat_id, tree.depth + 1 from messages m join tree on m.parent_id = tree.id and m.chat_id = tree.chat_id
) select tree.id, tree.depth from tree join messages m on m.id = tree.id where m.depth is not tree.depth
"""
_ASTRAY = "select m.id from messages m join messages p on p.id = m.parent_id where p.chat_id <> m.chat_id"


def mend_tree(connection: sqlite3.Connection) -> list[str]:
    """Put right what points at nothing, at another chat, or to a wrong depth; a line for each kind.

    Raises like any write.
    """
    done = []
    with immediate(connection) as tx:
        lost = [row[0] for row in tx.execute(_LOST_CHATS).fetchall()]
        for chat_id in lost:
            tx.execute("insert into chats (id, title) values (?, ?)", (chat_id, f"Found again, chat {chat_id}"))
        if lost:
            done.append(f"{count(len(lost), 'chat')} of which only messages were left found again")
        loose = sum(
            tx.execute(
                f"update {table} set {column} = null{also} where {column} is not null"
                f" and {column} not in (select id from {other})"
            ).rowcount
            for table, column, also, other in _LOOSE
        )
        astray = [row[0] for row in tx.execute(_ASTRAY).fetchall()]
        tx.executemany("update messages set parent_id = null where id = ?", [(each,) for each in astray])
        if loose + len(astray):
            done.append(f"{count(loose + len(astray), 'link')} to what is not there taken out")
        leaves = [row[0] for row in tx.execute(_FOREIGN_LEAVES).fetchall()]
        tx.executemany(
            "update chats set leaf_id = (select max(id) from messages where chat_id = chats.id) where id = ?",
            [(each,) for each in leaves],
        )
        if leaves:
            done.append(f"{count(len(leaves), 'chat')} without the end of the line found it again")
        depths = [tuple(row) for row in tx.execute(_DEPTHS).fetchall()]
        tx.executemany("update messages set depth = ? where id = ?", [(depth, each) for each, depth in depths])
        if depths:
            done.append(f"{count(len(depths), 'message')} had a wrong place in the tree")
    return done


def mend_index(connection: sqlite3.Connection) -> list[str]:
    """Make the search index anew where it does not say what the messages say."""
    if index_is_sound(connection):
        return []
    rebuild_index(connection)
    return ["the search index was damaged and was made anew"]


def sweep_leftovers(store: Path) -> list[str]:
    """Remove what killed backups and restores left; the lock of the folder keeps those that run."""
    from localchat.store.backups import sweep_killed

    swept = sweep_killed(store)
    return [f"{count(swept, 'unfinished backup')} removed"] if swept else []
