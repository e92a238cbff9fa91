"""Opening a long chat in the whole app, over a real store, beside opening one of ten messages.

Each chat is opened in a process of its own: the app without a terminal, from the key to the frame that shows its end.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, Row, by_turns, compiled, environment, report, rss

LENGTHS = (10, 2_000, 10_000)
LIMIT = 1.5
ROUNDS = 7
PARAGRAPH = (
    "A **line** of an answer with `code`, a [link](https://example.org) and enough words to be wrapped once or so."
)


def answer(number: int) -> str:
    """About 60 lines of Markdown."""
    code = "\n".join(f"    value_{line} = compute({number}, {line})" for line in range(12))
    points = "\n".join(f"- point {line} of answer {number}" for line in range(10))
    prose = "\n\n".join([PARAGRAPH] * 8)
    return f"## Answer {number}\n\n{prose}\n\n{points}\n\n```python\ndef work():\n{code}\n```\n\n{prose}"


def build(path: Path) -> None:
    """A store with a chat of each length, and the chat that is open at the start."""
    from localchat.store import Store

    with Store(path) as store:
        connection = store.connection
        connection.execute("begin")
        for chat_id, length in enumerate((2, *LENGTHS), 1):
            connection.execute(
                "insert into chats (id, title, model_config_id) values (?, ?, 1)", (chat_id, str(length))
            )
            first = int(connection.execute("select coalesce(max(id), 0) from messages").fetchone()[0]) + 1
            connection.executemany(
                "insert into messages (id, chat_id, parent_id, depth, role, content, model_config_id)"
                " values (?, ?, ?, ?, ?, ?, 1)",
                (
                    (
                        first + depth,
                        chat_id,
                        first + depth - 1 if depth else None,
                        depth,
                        "assistant" if depth % 2 else "user",
                        (answer(depth) if length > 2 else "Yes.") if depth % 2 else f"Question {depth}?",
                    )
                    for depth in range(length)
                ),
            )
            connection.execute("update chats set leaf_id = ? where id = ?", (first + length - 1, chat_id))
        connection.execute("commit")
        store.state.put("last chat", "1")


async def open_one(path: Path, chat_id: int) -> dict[str, float]:
    """Seconds until the end of the chat is drawn, and MB of the process then."""
    from localchat.store import Store
    from localchat.testing import Script, screen_text
    from localchat.tui.app import LocalChat

    with Store(path, busy_timeout=0) as store:
        app = LocalChat(store, Script().connect, still=True)
        async with app.run_test(size=(140, 40)) as pilot:
            await pilot.pause()
            last = "A line of an answer"
            began = time.perf_counter()
            await app.chat_screen.open_chat(chat_id)
            while last not in screen_text(app):
                await pilot.pause()
            return {"seconds": time.perf_counter() - began, "mb": rss()}


def measured(path: Path, chat_id: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.open_chat", str(path), str(chat_id)],
        capture_output=True, text=True, check=True, cwd=ROOT, env=environment(),
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> int:
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run(open_one(Path(sys.argv[1]), int(sys.argv[2])))))
        return 0
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.db"
        build(path)
        works = {str(length): (lambda n=number: measured(path, n)) for number, length in enumerate(LENGTHS, 2)}
        results = by_turns(ROUNDS, **works)
    rows: list[Row] = []
    floor = {unit: statistics.median(r[unit] for r in results["10"]) for unit in ("seconds", "mb")}
    for length in map(str, LENGTHS):
        for unit, name in (("seconds", "ms"), ("mb", "MB")):
            median = statistics.median(r[unit] for r in results[length])
            shown = median * 1000 if unit == "seconds" else median
            rows.append(Row(f"open {int(length):,} messages", shown, name))
            if length != "10":
                rows.append(Row(f"  beside 10 messages, {name}", median / floor[unit], "x", LIMIT))
    return report("Opening a chat in the whole app, 60-line answers", rows)


if __name__ == "__main__":
    sys.exit(main())
