"""Real processes that send: ``python -m tests.turns.workers PATH CHAT TIMES TEXT``. Each word they tell is a line of
their output with the time (monotonic, the same for all processes), and each turn ends with a line ``ended``."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import aclosing
from pathlib import Path

from localchat.providers import connect
from localchat.store import Store
from localchat.turns import Chunk, Ended, NewTurn, send


async def work(store: Store, chat_id: int, times: int, text: str) -> None:
    for number in range(times):
        async with aclosing(send(store, connect, NewTurn(text.replace("N", str(number)), chat_id=chat_id))) as events:
            async for event in events:
                if isinstance(event, Chunk):
                    print(f"{time.monotonic():.4f} {event.text}", flush=True)
                elif isinstance(event, Ended):
                    print(f"ended {event.message.status}", flush=True)


if __name__ == "__main__":
    path, chat_id, times, text = sys.argv[1:]
    with Store(Path(path), busy_timeout=0) as store:
        asyncio.run(work(store, int(chat_id), int(times), text))
