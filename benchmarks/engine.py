"""The embedded model: time to the first token, cold and warm, and how long the event loop stalls meanwhile.

Run: python benchmarks/engine.py   (weights in place, or fetched first). Exits 1 beyond a limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from localchat.providers import connect
from localchat.providers.embedded import client, weights
from localchat.records import Line, Provider, Request, TextPiece

FIRST_TOKEN = 1.5  # seconds from the request, engine not loaded
STALL_P99 = 0.050  # seconds
STALL_MAX = 0.120
ROUNDS = 5
TICK = 0.005

LOCAL = Provider(1, "local", "embedded", None, "none", None, True, "", "")
STORY = Line("user", "Tell me a story about the sea.")
PROMPT = Request("smollm2", (STORY,), parameters={"max_tokens": 200, "seed": 1})


@contextlib.asynccontextmanager
async def watched(stalls: list[float]) -> AsyncIterator[None]:
    """Note, every 5 ms, by how much the loop was late."""

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            stalls.append(max(time.perf_counter() - due, 0.0))

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def first_token(stalls: list[float]) -> tuple[float, float]:
    """Seconds to the first token, and tokens a second after it."""
    client = connect(LOCAL)
    async with watched(stalls):
        began = time.perf_counter()
        first, count = 0.0, 0
        async for piece in client.stream(PROMPT):
            if isinstance(piece, TextPiece):
                first = first or time.perf_counter() - began
                count += 1
        rate = (count - 1) / (time.perf_counter() - began - first)
    return first, rate


async def measure() -> bool:
    if not weights.present():
        print("fetching the weights …")
        async for _ in weights.pull():
            pass
    stalls: list[float] = []
    cold, warm, rates = [], [], []
    for _ in range(ROUNDS):
        client.shutdown()
        for times in (cold, warm):
            first, rate = await first_token(stalls)
            times.append(first)
            rates.append(rate)
    client.shutdown()
    return report(cold, warm, rates, sorted(stalls))


def report(cold: list[float], warm: list[float], rates: list[float], stalls: list[float]) -> bool:
    p99 = stalls[int(len(stalls) * 0.99)]
    rows = [
        ("first token, cold: very first (with imports)", cold[0], FIRST_TOKEN),
        ("first token, cold: worst", max(cold), FIRST_TOKEN),
        ("first token, cold: median", statistics.median(cold), FIRST_TOKEN),
        ("first token, warm: worst", max(warm), FIRST_TOKEN),
        ("event loop stall: 99th percentile", p99, STALL_P99),
        ("event loop stall: worst", stalls[-1], STALL_MAX),
    ]
    for name, value, limit in rows:
        verdict = "ok" if value <= limit else "TOO MUCH"
        print(f"{name:<46} {value * 1000:8.0f} ms   limit {limit * 1000:5.0f}   {verdict}")
    print(f"{'tokens a second':<46} {statistics.median(rates):8.0f}")
    return all(value <= limit for _, value, limit in rows)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(measure()) else 1)
