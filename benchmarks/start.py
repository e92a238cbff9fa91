"""From the start of the process to a screen one can use, and the memory it takes, with many chats in the store.

Usable: the list of chats is drawn, and a key pressed at the very start is on the screen, in the composer. The chat used
last is drawn a moment later; that is told beside it. The floor is the smallest Textual app that has a place to write
in, measured in the same way: its text is drawn, and the key is in its input. (With nothing to type into it starts a few
per cent sooner.)

Run: python benchmarks/start.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, Row, by_turns, compiled, report, terminal
from localchat.testing import add_chat, known_store

TIMES = 1.8  # the floor's time
MEMORY = 1.8  # the floor's resident memory
ROUNDS = 9
KEY = "§"  # stands nowhere else on the screen
LISTED = "Chat number 7"  # among the newest: in the list, not in the chat that opens
ANSWER = """**Three ways** lead there, and none of them is short:

1. by sea, with the *monsoon*;
2. by air, over `DAR`;
3. on foot, as far as the [shore](https://example.org).

```python
def journey(days: int) -> str:
    return "long" if days > 3 else "short"
```

| by  | days |
|-----|-----:|
| sea |    9 |
| air |    1 |
"""


def fill(path: Path, chats: int) -> None:
    """A store with this many chats of four messages, the one used last with everything that Markdown has."""
    with known_store(path) as store:
        store.connection.execute("pragma synchronous=off")
        for number in reversed(range(chats - 3)):
            add_chat(store, f"Chat number {number}", "alpha/a1", [("Where to?", "There."), ("And then?", "Back.")])
        add_chat(store, "Zanzibar", "alpha/a1", [("How do I get there?", ANSWER), ("And back?", ANSWER)])


class Start(NamedTuple):
    usable: float  # seconds
    busy: float  # processor seconds until then
    drawn: float  # seconds until the chat used last is there too
    memory: float  # MB, a second later


def started(command: list[str], listed: str, drawn: str) -> Start:
    with terminal(command) as program:
        program.type(KEY)
        usable = program.seconds_until(KEY, listed)
        busy = program.processor_seconds()
        complete = program.seconds_until(drawn)
        program.rest(1.0)
        return Start(usable, busy, complete, program.rss())


def measure(rounds: int) -> int:
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        fill(few, 100)
        fill(many, 1000)
        hello = [sys.executable, str(ROOT / "benchmarks" / "hello.py")]
        localchat = [sys.executable, "-m", "localchat", "--db"]
        starts = by_turns(
            rounds,
            floor=lambda: started(hello, "Hello, world", "Hello, world"),
            few=lambda: started([*localchat, str(few)], LISTED, "journey"),
            many=lambda: started([*localchat, str(many)], LISTED, "journey"),
        )
    floor, few_chats, many_chats = (
        Start(*map(statistics.median, zip(*starts[name], strict=True))) for name in ("floor", "few", "many")
    )
    rows = [
        Row("smallest Textual app", floor.usable * 1000, "ms"),
        Row("localchat, 100 chats", few_chats.usable * 1000, "ms"),
        Row("localchat, 1,000 chats", many_chats.usable * 1000, "ms"),
        Row("   the chat used last drawn", many_chats.drawn * 1000, "ms"),
        Row("1,000 chats to the smallest app", many_chats.usable / floor.usable, "x", TIMES),
        Row("   in processor time", many_chats.busy / floor.busy, "x"),
        Row("1,000 chats to 100", many_chats.usable / few_chats.usable, "x"),
        Row("memory of the smallest app", floor.memory, "MB"),
        Row("memory with 100 chats", few_chats.memory, "MB"),
        Row("memory with 1,000 chats", many_chats.memory, "MB"),
        Row("1,000 chats to the smallest app", many_chats.memory / floor.memory, "x", MEMORY),
    ]
    return report(f"Start to usable, medians of {rounds} rounds", rows)


if __name__ == "__main__":
    sys.exit(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
