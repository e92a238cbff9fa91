"""Searching a million messages as one types, newest first: python benchmarks/search.py [--messages N]

Each search is typed letter by letter, and every letter searches anew with a connection of its own, as the search screen
does. Measured are the time until hits can be shown and until the page is complete, and by how much an event loop beside
it is late meanwhile. A very short beginning shows what is among the newest first; its rest may take longer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Row, compiled, percentile, report
from benchmarks.large import MESSAGES, MODELS, sentences, store_of
from localchat.store import Store
from localchat.store.search.query_text import terms_of
from localchat.store.search.search import Query, Search

FIRST = 100.0  # ms until hits can be shown, 95th percentile
STALL = 50.0  # ms that the event loop may be late, 99th percentile
SHORT = 2  # letters; a search with such a beginning may bring its rest later
SAVING = 50.0  # ms that saving a message with its words may take, 99th percentile
SAVED = 1_000  # messages
TICK = 0.005  # seconds

TYPED = {
    "common words": ["database", "that", "the function", "with this", "because you", "system results"],
    "rare words": ["zutionpro", "wegilokan", "xylophone", "tionstcom", "bacede gufo"],
    "common and rare": ["that zutionpro", "database wegilo", "the zzz"],
    "phrases": ['"of the"', '"database results"', '"and that is not"'],
    "Chinese": ["锁", "数据库", "中文数据库的锁", "事务 索引", "用SQLite"],
    "Thai, others": ["กำลังใจ", "ฐานข้อมูล", "schön", "работает", "👍", "✅"],
    "odd": ["c++", "it's", "a:b", '"', "-x", "%_*", "foo AND OR"],
}


def filters(store: Store, messages: int) -> dict[str, dict[str, object]]:
    """Narrow ones: a model that answered one message in two thousand, a chat, a week three years back."""
    search = store.search
    return {
        "role": {"role": "user"},
        "model": {"models": search.models_of("bench/m3")},
        "rare removed model": {"models": search.models_of(f"bench/m{MODELS - 1}")},
        "one chat": {"chat_id": messages // 30},
        "a week long ago": {"since": "2024-02-05T00:00:00.000Z", "until": "2024-02-12T00:00:00.000Z"},
        "rare model, long ago": {
            "models": search.models_of(f"bench/m{MODELS - 1}"),
            "until": "2024-06-12T00:00:00.000Z",
        },
    }


def typed(text: str) -> list[str]:
    return [text[: length + 1] for length in range(len(text))]


def searched(path: Path, query: Query) -> tuple[float, float, int]:
    """Milliseconds until there is something to show, and until the page is complete; how many hits it has."""
    begun = time.perf_counter()
    first: float | None = None
    hits = 0
    with Search.opened(path) as search:
        for found in search.progress(query):
            hits = len(found.hits)
            if first is None and (hits or found.complete):
                first = (time.perf_counter() - begun) * 1000
    complete = (time.perf_counter() - begun) * 1000
    return first if first is not None else complete, complete, hits


def short_beginning(query: Query) -> bool:
    return any(0 < term.length <= SHORT for term in terms_of(query.text))


def saved(path: Path) -> list[float]:
    """Milliseconds for each message that is added to a copy of the store, words and all."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder, "copy.db")
        shutil.copyfile(path, copy)
        said = sentences(random.Random(3), 2_000)
        times: list[float] = []
        with Store(copy) as store:
            for number in range(SAVED):
                content = " ".join(said[number : number + 17])[:1000]
                begun = time.perf_counter()
                store.connection.execute(
                    "insert into messages (chat_id, role, content) values (1, 'user', ?)", (content,)
                )
                times.append((time.perf_counter() - begun) * 1000)
    return times


@contextlib.asynccontextmanager
async def watched(late: list[float]) -> AsyncIterator[None]:
    """Note, every 5 ms, by how many milliseconds the loop was late."""

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(max(time.perf_counter() - due, 0.0) * 1000)

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def measure(messages: int) -> int:
    compiled()
    path = store_of(messages)
    kinds: dict[str, list[Query]] = {
        name: [Query(part) for text in texts for part in typed(text)] for name, texts in TYPED.items()
    }
    with Store(path) as store:
        for name, chosen in filters(store, messages).items():
            texts = ("database", "that", "zutionpro", "数据库")
            kinds[f"only {name}"] = [Query(part, **chosen) for text in texts for part in typed(text)]  # type: ignore[arg-type]
    late: list[float] = []
    rows: list[Row] = []
    every: list[tuple[Query, float, float]] = []
    async with watched(late):
        for name, queries in kinds.items():
            times = [(query, *await asyncio.to_thread(searched, path, query)) for query in queries]
            every += [(query, first, complete) for query, first, complete, _ in times]
            first = [first for _, first, _, _ in times]
            rows.append(Row(f"{name}: half of them", statistics.median(first), "ms"))
            rows.append(Row("   95th percentile", percentile(first, 0.95), "ms"))
    longer = [complete for query, _, complete in every if not short_beginning(query)]
    short = [complete for query, _, complete in every if short_beginning(query)]
    saving = saved(path)
    rows += [
        Row(
            "every search: hits to show, 95th percentile",
            percentile([first for _, first, _ in every], 0.95),
            "ms",
            FIRST,
        ),
        Row("beginnings of three letters or more: complete, 95th percentile", percentile(longer, 0.95), "ms", FIRST),
        Row("   slowest", max(longer), "ms"),
        Row("one or two letters among them: complete, 95th percentile", percentile(short, 0.95), "ms"),
        Row("   slowest", max(short), "ms"),
        Row("event loop late, 99th percentile", percentile(late, 0.99), "ms", STALL),
        Row("   worst", max(late), "ms"),
        Row("saving a message of 1,000 letters: half of them", statistics.median(saving), "ms"),
        Row("   99th percentile", percentile(saving, 0.99), "ms", SAVING),
    ]
    status = report(f"{len(every)} searches in {messages:,} messages", rows)
    slowest = sorted(every, key=lambda one: -one[2])[:5]
    print("slowest to complete: " + ", ".join(f"{query.text!r} {complete:.0f} ms" for query, _, complete in slowest))
    return status


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--messages", type=int, default=MESSAGES)
    sys.exit(asyncio.run(measure(words.parse_args().messages)))
