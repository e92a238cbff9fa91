"""Draw the pictures of the README from the app itself: ``python docs/pictures/make.py`` or ``make pictures``."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import Reply, Script, StillClock, add_chat, say, settled, still_app, still_environment

HERE = Path(__file__).resolve().parent
SIZE = (112, 34)
MORNING = datetime(2026, 3, 2, 9, 12, tzinfo=UTC)
WHY = """Two writers. A **deferred** transaction takes its read lock first, and then neither of the two can upgrade:

```python
conn.execute("BEGIN IMMEDIATE")  # ask for the write lock at once
```

| transaction | waits for the other | may fail later |
|-------------|---------------------|----------------|
| deferred    | no                  | yes            |
| immediate   | yes                 | no             |
"""
WAL = """With WAL, readers no longer block the writer, but there is still **one writer at a time**. So:

1. keep write transactions short,
2. begin them with `IMMEDIATE`,
3. set a busy timeout."""
EARLIER = (
    ("Trip to Lisbon", "openai/gpt-4o", "What should I see in Lisbon in two days?"),
    ("Regex for dates", "ollama/qwen3:8b", "A regular expression for ISO dates?"),
    ("Haiku about rain", "openai/gpt-4o-mini", "A haiku about rain, please."),
)


def furnish(path: Path, clock: StillClock) -> Store:
    """A store as it is after some weeks. All providers answer by script, whatever their kind."""
    store = Store(path, clock=clock, busy_timeout=0)
    store.catalog.add_provider("ollama", "openai", "http://localhost:11434/v1")
    store.catalog.add_provider("openai", "openai", "https://api.openai.com/v1")
    for ref in ("ollama/qwen3:8b", "openai/gpt-4o", "openai/gpt-4o-mini"):
        provider, _, model = ref.partition("/")
        store.catalog.add_model(provider, model)
    store.catalog.switch_model(store.catalog.live("local/smollm2").id, False)
    store.catalog.make_default(store.catalog.live("openai/gpt-4o").id)
    for title, ref, question in EARLIER:
        add_chat(store, title, ref, [(question, "Here is one.")])
        clock.advance(hours=9)
    add_chat(store, "Locks in SQLite", "openai/gpt-4o", [("Why do I get “database is locked”?", WHY)])
    clock.advance(minutes=7)
    return store


async def draw(folder: Path) -> None:
    """``removal.svg``: the dialog before a removal; ``chat.svg``: the chat that goes on after it."""
    still_environment()
    clock = StillClock(MORNING - timedelta(hours=27))
    with tempfile.TemporaryDirectory() as home, furnish(Path(home, "localchat.db"), clock) as store:
        app = still_app(store, Script(Reply(WAL)))
        async with app.run_test(size=SIZE) as pilot:
            await remove_the_provider(pilot, folder)
            await say(pilot, "And with WAL?")
            save(pilot, folder / "chat.svg")


async def remove_the_provider(pilot: Pilot[None], folder: Path) -> None:
    await pilot.press("f2")
    await settled(pilot)
    await pilot.press("end", "d")  # local, ollama, openai
    await settled(pilot)
    save(pilot, folder / "removal.svg")
    for _ in range(8):  # to the button that does it
        if pilot.app.focused is not None and pilot.app.focused.id == "yes":
            break
        await pilot.press("tab")
    await pilot.press("enter")
    await settled(pilot)
    await pilot.press("escape")
    pilot.app.clear_notifications()
    await settled(pilot)


def save(pilot: Pilot[None], path: Path) -> None:
    """As an SVG that loads no font from elsewhere."""
    svg = pilot.app.export_screenshot(title="localchat")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono'", svg)
    svg = re.sub(r"terminal-\d+", "t", svg)
    path.write_text(svg + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE))
