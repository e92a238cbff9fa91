"""Whether the app grows with what is done in it: ``python benchmarks/growth.py``.

Each deed is done over and over in a process of its own (the whole app, without a terminal). Its memory after many times
is held against its memory after a few, in the same process: whatever keeps what was closed shows as a ratio. The chats
are opened one after the other, each for the first time; once by their number, once by alt+down, which reads on in the
list.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, Row, compiled, environment, report, rss

LIMIT = 1.2
FEW = {"chats": 50, "chats by alt+down": 50, "turns": 20, "searches": 20, "dialogs": 10}
MANY = {"chats": 1_000, "chats by alt+down": 1_000, "turns": 200, "searches": 200, "dialogs": 100}
ANSWER = "Yes, **mostly**.\n\n- in `winter`\n- in summer\n\n```python\nprint('rain')\n```\n\n" + "It rains often. " * 40


async def open_a_chat(app: Any, _pilot: Any, number: int) -> None:
    await app.chat_screen.open_chat(number + 1)


async def go_down(_app: Any, pilot: Any, _number: int) -> None:
    await pilot.press("alt+down")


async def take_a_turn(_app: Any, pilot: Any, number: int) -> None:
    from localchat.testing import say

    await say(pilot, f"Question {number}?")


async def search(_app: Any, pilot: Any, number: int) -> None:
    from localchat.testing import settled

    await pilot.press("ctrl+f", *f"rain {number}")
    await settled(pilot)
    await pilot.press("escape", "escape")


async def open_a_dialog(_app: Any, pilot: Any, number: int) -> None:
    from localchat.testing import settled

    await pilot.press("f2" if number % 2 else "f1")
    await settled(pilot)
    await pilot.press("escape")


DEEDS: dict[str, Callable[[Any, Any, int], Awaitable[None]]] = {
    "chats": open_a_chat,
    "chats by alt+down": go_down,
    "turns": take_a_turn,
    "searches": search,
    "dialogs": open_a_dialog,
}


async def grown(folder: Path, what: str) -> dict[str, float]:
    """MB of this process after a few times and after many."""
    from localchat.testing import Script, add_chat, known_store, settled, still_app

    few, many, result = FEW[what], MANY[what], dict[str, float]()
    with known_store(folder / "store.db") as store:
        for number in range(many if what.startswith("chats") else 20):
            add_chat(store, f"chat {number}", "zeta/z1", [(f"Rain {number}?", ANSWER)] * 4)
        app = still_app(store, Script(*[ANSWER] * (many + 1)))
        async with app.run_test(size=(120, 36)) as pilot:
            await settled(pilot)
            for number in range(many):
                await DEEDS[what](app, pilot, number)
                await settled(pilot)
                if number + 1 in (few, many):
                    gc.collect()
                    result["few" if number + 1 == few else "many"] = rss()
    return result


def measured(what: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", folder, what],
            stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment(),
        )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> int:
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run(grown(Path(sys.argv[1]), sys.argv[2]))))
        return 0
    compiled()
    rows: list[Row] = []
    for what in DEEDS:
        result = measured(what)
        rows.append(Row(f"after {MANY[what]:,} {what}", result["many"], "MB"))
        rows.append(Row(f"  beside {FEW[what]} {what}", result["many"] / result["few"], "x", LIMIT))
    return report("Memory of the whole app", rows)


if __name__ == "__main__":
    sys.exit(main())
