"""How it looks: dark and light, small and wide, marked, narrow, and while a reply comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from localchat.tui.transcript import Entry, Notice, Transcript
from tests.tui.transcript.helpers import Listed, Page

ANSWER = """Two *deferred* transactions both hold a **read lock** and neither can upgrade, so one of them is told \
`SQLITE_BUSY` at once, [whatever the timeout](https://sqlite.org/lang_transaction.html). Take the write lock when you \
begin:

```python
import sqlite3

def writer(path: str) -> None:
    \"\"\"Open the store and take the write lock at once.\"\"\"
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    connection.execute("BEGIN IMMEDIATE")  # waits here, not in the middle
    connection.execute("update t set n = n + 1 where id = ?", (42,))
    connection.execute("COMMIT")
```

## What each mode does

| mode | readers | writers | wait |
|:-----|:-------:|:--------|-----:|
| deferred | many | fails where it must upgrade | 0 ms |
| immediate | many | one at a time | up to 5,000 ms |
| exclusive | none, but in WAL | one | up to 5,000 ms |

1. Set `journal_mode=wal` once.
2. Keep transactions short:
   - no network inside,
   - no waiting for a person.

- [x] readers no longer block
- [ ] one writer at a time

> It does not work over a network file system.
"""

QUESTION = 'Why do I get "database is locked" with two writers?\n\n```sql\nbegin; -- deferred\n```'
THOUGHT = "The person asks about locking. They likely use the default, deferred transactions."
FELL_BACK = Notice("gpt-4o was removed. qwen3:8b, your default, answers now.", "warning")
FAILED = Notice("ollama does not answer at localhost:11434 (connection refused). Start it and press ctrl+r.", "error")
CUT = "Readers no longer block the writer, but"

CHAT = [
    Entry(1, "user", "you", "14:02", QUESTION),
    Entry(2, "assistant", "gpt-4o · openai", "1.2 s · 214 tokens", ANSWER, True, THOUGHT, version="2/3"),
    Entry(3, "user", "you", "14:09", "And with WAL?", before=(FELL_BACK,)),
    Entry(4, "assistant", "qwen3:8b · ollama", "0.4 s", CUT, after=(FAILED,)),
]

Prepare = Callable[[Pilot[None]], Awaitable[None]]
Compare = Callable[..., bool]


def transcript(pilot: Pilot[Any]) -> Transcript:
    return pilot.app.query_one(Transcript)


async def to_start(pilot: Pilot[None]) -> None:
    transcript(pilot).jump_to_start()
    await pilot.pause()


async def at_end(pilot: Pilot[None]) -> None:
    await pilot.pause()


async def marked(pilot: Pilot[None]) -> None:
    transcript(pilot).focus()
    transcript(pilot).toggle_thought(2)
    transcript(pilot).jump_to(1, "deferred timeout")
    await pilot.press("j", "k")


async def streaming(pilot: Pilot[None]) -> None:
    transcript(pilot).begin_live(Entry(5, "assistant", "qwen3:8b · ollama", "", live=True))
    transcript(pilot).append_live("Readers no longer **block** the writer:\n\n```python\nconnection = sqlite3.conn")
    await pilot.pause(0.2)


CASES = [
    ("localchat-dark", (80, 24), to_start),
    ("localchat-dark", (80, 24), at_end),
    ("localchat-light", (80, 24), to_start),
    ("localchat-dark", (160, 50), to_start),
    ("localchat-light", (160, 50), at_end),
    ("localchat-dark", (80, 30), marked),
    ("localchat-dark", (80, 24), streaming),
    ("ansi-dark", (80, 24), to_start),
    ("localchat-dark", (20, 40), to_start),
]


@pytest.mark.parametrize(("theme", "size", "prepare"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_it_looks_like_this(snap_compare: Compare, theme: str, size: tuple[int, int], prepare: Prepare) -> None:
    assert snap_compare(Page(Listed(CHAT), theme), terminal_size=size, run_before=prepare)
