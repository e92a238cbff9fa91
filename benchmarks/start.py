"""From the start of the process to a screen one can use, and the memory it takes, with many chats in the store.

Usable: the chat used last and the list are drawn, and a key pressed at the very start is on the screen, in the
composer. The floor is the smallest Textual app that has a place to write in, measured in the same way: its text is
drawn, and the key is in its input. (Without that input, with nothing to type into, it starts a few per cent sooner.)

Run: python benchmarks/start.py [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, by_turns, compiled, median, ratio, report, terminal
from localchat.testing import add_chat, known_store

TIMES = 1.8  # the floor's time
MEMORY = 1.8  # the floor's resident memory
ROUNDS = 9
KEY = "§"  # stands nowhere else on the screen
NEWEST = "Zanzibar"
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
    """A store with this many chats of four messages, the newest of them with everything that Markdown has."""
    with known_store(path) as store:
        store.connection.execute("pragma synchronous=off")
        for number in range(chats - 3):
            add_chat(store, f"Chat number {number}", "alpha/a1", [("Where to?", "There."), ("And then?", "Back.")])
        add_chat(store, NEWEST, "alpha/a1", [("How do I get there?", ANSWER), ("And back?", ANSWER)])


def started(command: list[str], *shown: str) -> tuple[float, float, float]:
    """Seconds until these texts and the key are on the screen, processor seconds until then, and MB a second later."""
    with terminal(command) as program:
        program.type(KEY)
        seconds = program.seconds_until(KEY, *shown)
        busy = program.processor_seconds()
        program.rest(1.0)
        return seconds, busy, program.rss()


def measure(rounds: int) -> int:
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few.db"), Path(folder, "many.db")
        fill(few, 100)
        fill(many, 1000)
        localchat = [sys.executable, "-m", "localchat", "--db"]
        results = by_turns(
            rounds,
            floor=lambda: started([sys.executable, str(ROOT / "benchmarks" / "hello.py")], "Hello, world"),
            few=lambda: started([*localchat, str(few)], NEWEST, "journey"),
            many=lambda: started([*localchat, str(many)], NEWEST, "journey"),
        )
    (floor, floor_busy, floor_mb), (few_s, _, few_mb), (many_s, many_busy, many_mb) = (
        list(zip(*results[name], strict=True)) for name in ("floor", "few", "many")
    )
    rows = [
        median("smallest Textual app", floor, "ms"),
        median("localchat, 100 chats", few_s, "ms"),
        median("localchat, 1,000 chats", many_s, "ms"),
        ratio("1,000 chats to the smallest app", many_s, floor, TIMES),
        ratio("   in processor time", many_busy, floor_busy),
        ratio("1,000 chats to 100", many_s, few_s),
        median("memory of the smallest app", floor_mb, "MB"),
        median("memory with 100 chats", few_mb, "MB"),
        median("memory with 1,000 chats", many_mb, "MB"),
        ratio("1,000 chats to the smallest app", many_mb, floor_mb, MEMORY),
    ]
    return report(f"Start to usable, medians of {rounds} rounds", rows)


if __name__ == "__main__":
    sys.exit(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
