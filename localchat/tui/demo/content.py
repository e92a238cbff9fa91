"""What the demo's store holds: the chats, and the export from which its models answer once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from localchat.records import Usage, stamp, utc_now
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.transfer.export import json_document
from localchat.transfer.portable import NamedModel, WholeChat, WholeMessage
from localchat.validation import ReplayFile

PROVIDER = "atlas"  # the one that the demo removes; first by name, so that the cursor is on it
LARGE, MINI = NamedModel(PROVIDER, "atlas-large", local=True), NamedModel(PROVIDER, "atlas-mini", local=True)
PARROT = NamedModel("parrot", "parrot", local=True)
NEXT = "And with WAL?"  # written and not sent yet in the chat that the demo opens

_LOCKED = """Two writers. A **deferred** transaction takes its read lock first, and then neither of the two can upgrade:

```python
conn.execute("BEGIN IMMEDIATE")  # take the write lock at once
```

| transaction | waits for the other | may fail later |
|-------------|---------------------|----------------|
| deferred    | no                  | yes            |
| immediate   | yes                 | no             |
"""
_WAL = """With WAL, readers no longer block the writer, but there is still **one writer at a time**. So:

1. keep write transactions short,
2. begin them with `IMMEDIATE`,
3. set a busy timeout."""
_LISBON = """**Day one**: Alfama on foot, the cathedral, the castle at sunset.

**Day two**: the tram to Belém, the monastery, and custard tarts while they are warm."""
_HAIKU = "Rain on the old roof,\nthe cat counts every drop twice.\nSunday forgets us."


def furnish(folder: Path, clock: Callable[[], datetime] = utc_now) -> Store:
    """A new store in this folder, and beside it the export that its provider replays."""
    now = clock()
    export = folder / "atlas.json"
    export.write_text("".join(json_document(_chats(now, told=True), stamp(now))), "utf-8")
    store = Store(folder / "localchat.db", busy_timeout=0, clock=clock)
    catalog = store.catalog
    in_the_box = catalog.providers()
    catalog.add_provider(PROVIDER, "replay", ReplayFile(export).url)
    catalog.add_provider(PARROT.provider, "echo")
    for model in (LARGE, MINI, PARROT):
        catalog.add_model(model.provider, model.model)
    for provider in in_the_box:  # its weights would have to be fetched; the first of the others becomes the default
        catalog.switch_provider(provider.id, False)
    exchange = Exchange(store)
    for chat in _chats(now, told=False):
        exchange.take(chat)
    return store


def _chats(now: datetime, *, told: bool) -> list[WholeChat]:
    """Oldest first. ``told``: with what is still to be asked in the newest, as the replay needs it."""
    locks = ["Why do I get “database is locked”?", _LOCKED, *([NEXT, _WAL] if told else [])]
    return [
        _chat("Trip to Lisbon", LARGE, now - timedelta(days=1, hours=3), ["Lisbon in two days?", _LISBON]),
        _chat("Haiku about rain", MINI, now - timedelta(hours=2), ["A haiku about rain, please.", _HAIKU]),
        _chat("Locks in SQLite", LARGE, now - timedelta(minutes=4), locks, draft="" if told else NEXT),
    ]


def _chat(title: str, model: NamedModel, at: datetime, said: list[str], draft: str = "") -> WholeChat:
    """Questions and answers by turns; an answer takes as long as a quick endpoint needs for it."""
    time = stamp(at)
    messages = []
    for number, text in enumerate(said):
        parent = str(number - 1) if number else None
        if number % 2 == 0:
            messages.append(WholeMessage(str(number), parent, "user", text, time))
            continue
        words = len(text.split())
        messages.append(
            WholeMessage(
                str(number),
                parent,
                "assistant",
                text,
                time,
                model=model,
                finish_reason="stop",
                usage=Usage(12, words),
                duration_ms=400 + 30 * words,
            )
        )
    last = messages[-1].key
    return WholeChat("localchat", f"demo {title}", title, tuple(messages), time, time, last, model, draft=draft)
