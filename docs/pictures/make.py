"""Draw the pictures of the pages from the app itself: ``python docs/pictures/make.py`` or ``make pictures``.

``demo.svg`` moves: the whole of `localchat demo`. The others are single screens. A test holds the committed ones to
what this draws.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from localchat.store import Store
from localchat.testing import (
    Reply,
    Script,
    StillClock,
    add_chat,
    opened,
    say,
    screen_text,
    settled,
    still_app,
    still_environment,
)
from localchat.tui.app import LocalChat
from localchat.tui.demo.app import Demo
from localchat.tui.demo.content import furnish as furnish_demo
from localchat.tui.demo.guide import Guide

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


def typed(words: str) -> tuple[str, ...]:
    """The keys of these words."""
    names = {" ": "space", "?": "question_mark"}
    return tuple(names.get(letter, letter) for letter in words)


class Step(NamedTuple):
    """Of the demo: keys, what the guide says then, and how many seconds that is to be seen."""

    keys: tuple[str, ...]
    says: str
    seconds: float


DEMO = (
    Step((), "enter sends “And with WAL?”", 4),
    Step(("enter",), "f2 shows who answers here", 4),
    Step(("f2",), "With the cursor on atlas, d removes it", 3),
    Step(("d",), "enter removes it", 5),
    Step(("enter",), "atlas is gone; no chat is", 4),
    Step(("escape",), "press enter: parrot answers", 3),
    Step(typed("Anybody there?"), "press enter: parrot answers", 2),
    Step(("enter",), "f8 brings atlas back", 5),
    Step(("f8",), "ctrl+q ends the demo", 6),
)


class Look(NamedTuple):
    """At a screen: keys that lead there from the one before, words to wait for, keys that lead back.

    ``meanwhile``: what another window does before the last of the keys.
    """

    there: tuple[str, ...]
    says: str
    back: tuple[str, ...] = ("escape",)
    meanwhile: Callable[[Store], object] | None = None


def move_ollama(store: Store) -> None:
    """As another window would; the first one finds out when it saves."""
    store.catalog.edit_provider(store.catalog.provider("ollama").id, base_url="http://localhost:11435/v1")


OF_THE_CHAT = {
    "help": Look(("f1",), "Every key of this place"),
    "palette": Look(("ctrl+p", *"ask"), "Ask again, with"),
    "switcher": Look(("ctrl+k", *"re"), "Regex for dates"),
    "rename": Look(("ctrl+b", "e"), "Rename chat", ("escape", "escape")),
    "model-picker": Look(("ctrl+o",), "gpt-4o-mini"),
    "search": Look(("ctrl+f", *"lock"), "3 hits"),
    "instructions": Look(("f4",), "Temperature"),
    "sent": Look(("f9",), "about"),
    "export": Look(("ctrl+s",), "Markdown, to read"),
    "import": Look(("ctrl+p", *"import", "enter"), "elia"),
}
OF_THE_CATALOG = {
    "providers": Look(("f2",), "Models of", ()),
    "provider-form": Look(("a",), "Begin with"),
    "model-form": Look(("right", "a"), "Most tokens", ("escape", "left")),
    "discover": Look(("home", "down", "D"), "llama3.2:3b"),
    "history": Look(("h",), "default"),
    "changed-meanwhile": Look(("e", "tab", "end", "slash", "ctrl+s"), "Save mine", ("escape",), move_ollama),
    "question": Look(("escape",), "Discard what you typed?", ("y",)),
    "removal": Look(("end", "d"), "Remove openai?", ()),
}
OFFERS = ("qwen3:8b", "llama3.2:3b", "mistral:7b", "gemma3:4b")
RESTORE = Look(("f2", "end", "r"), "Restore openai?", (), lambda store: store.catalog.remove_provider("ollama"))
CONSENT = Look((*typed("What about times?"), "enter"), "api.openai.com", ())
SMALL = (28, 7)


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


Drawn = dict[str, type[Screen[Any]]]
"""Names of pictures, and the screen that each shows on top."""


async def draw(folder: Path) -> Drawn:
    """Every picture, into this folder."""
    still_environment()
    drawn: Drawn = {}
    with (
        tempfile.TemporaryDirectory() as home,
        patch.dict(os.environ, {"LOCALCHAT_MODELS": str(Path(home, "models"))}),
        patch.object(Path, "cwd", lambda: Path("/home/you/notes")),
    ):
        await draw_the_demo(folder)
        await draw_the_screens(folder, Path(home, "localchat.db"), drawn)
        await draw_what_asks_first(folder, Path(home, "consent.db"), drawn)
        await draw_a_new_store(folder, Path(home, "new.db"), drawn)
    return drawn


async def draw_the_screens(folder: Path, path: Path, drawn: Drawn) -> None:
    """``removal.svg``: the dialog before a removal; ``chat.svg``: the chat that goes on after it; ``restore.svg``: the
    way back, asked about because something else went meanwhile; and the others."""
    clock = StillClock(MORNING - timedelta(hours=27))
    with furnish(path, clock) as store:
        app = still_app(store, Script(Reply(WAL), offers=OFFERS))
        async with app.run_test(size=SIZE) as pilot:
            for name, look in (OF_THE_CHAT | OF_THE_CATALOG).items():
                await look_at(pilot, look)
                save(pilot, folder / f"{name}.svg", drawn)
                await pilot.press(*look.back)
                await settled(pilot)
            await remove_the_provider(pilot)
            await say(pilot, "And with WAL?")
            save(pilot, folder / "chat.svg", drawn)
            await look_at(pilot, RESTORE)
            save(pilot, folder / "restore.svg", drawn)


async def draw_what_asks_first(folder: Path, path: Path, drawn: Drawn) -> None:
    """``consent.svg``: a chat that stayed on this machine would go elsewhere now."""
    with furnish(path, StillClock(MORNING - timedelta(hours=27))) as store:
        store.catalog.remove_provider("ollama", store.catalog.live("openai/gpt-4o").id)
        async with opened(still_app(store), SIZE) as pilot:
            await pilot.press("ctrl+k", *"Regex", "enter")
            await settled(pilot)
            await look_at(pilot, CONSENT)
            save(pilot, folder / "consent.svg", drawn)


async def draw_a_new_store(folder: Path, path: Path, drawn: Drawn) -> None:
    with Store(path, clock=StillClock()) as store:
        async with opened(still_app(store), SIZE) as pilot:
            save(pilot, folder / "first-start.svg", drawn)
        async with opened(still_app(store), SMALL) as pilot:
            save(pilot, folder / "too-small.svg", drawn)


async def look_at(pilot: Pilot[Any], look: Look) -> None:
    *keys, last = look.there
    await pilot.press(*keys)
    await until(pilot, lambda: not works(pilot))  # the palette gathers what it offers
    if look.meanwhile is not None:
        assert isinstance(pilot.app, LocalChat)
        look.meanwhile(pilot.app.store)
    await pilot.press(last)
    for line in pilot.app.screen.query(Input):  # that of Textual's own palette blinks in a still app, too
        line.cursor_blink = False
    await until(pilot, lambda: look.says in screen_text(pilot.app) and not works(pilot))  # type: ignore[arg-type]


def works(pilot: Pilot[Any]) -> bool:
    """Whether a worker of the screen on top is not done yet."""
    return any(worker.node is pilot.app.screen and not worker.is_finished for worker in pilot.app.workers)


async def until(pilot: Pilot[Any], so: Callable[[], bool]) -> None:
    """Wait until that is so and drawn. Raises TimeoutError with what is to be seen instead."""
    try:
        async with asyncio.timeout(20):
            await settled(pilot)
            while not so():
                await asyncio.sleep(0.01)
                await settled(pilot)
    except TimeoutError:
        raise TimeoutError(screen_text(pilot.app)) from None  # type: ignore[arg-type]


async def remove_the_provider(pilot: Pilot[Any]) -> None:
    for _ in range(8):  # to the button that does it
        if pilot.app.focused is not None and pilot.app.focused.id == "yes":
            break
        await pilot.press("tab")
    await pilot.press("enter")
    await settled(pilot)
    await pilot.press("escape")
    pilot.app.clear_notifications()
    await settled(pilot)


# The picture that moves


async def follow(pilot: Pilot[Any], step: Step) -> None:
    """Press the keys, and wait until the guide has seen what they did."""

    def advised() -> bool:
        guides = pilot.app.screen.query(Guide)
        return bool(guides) and step.says in guides.first().advice

    pilot.app.clear_notifications()
    await pilot.press(*step.keys)
    await until(pilot, advised)


async def draw_the_demo(folder: Path) -> None:
    frames = []
    with tempfile.TemporaryDirectory() as home, furnish_demo(Path(home), StillClock()) as store:
        async with opened(Demo(store, still=True), (112, 30)) as pilot:
            for step in DEMO:
                await follow(pilot, step)
                frames.append((drawn(pilot, f"f{len(frames)}", "localchat demo"), step.seconds))
    folder.joinpath("demo.svg").write_text(animated(frames), "utf-8")


def animated(frames: list[tuple[str, float]]) -> str:
    """One SVG that shows each for its seconds, again and again; the first one alone where nothing may move."""
    whole = sum(seconds for _, seconds in frames)
    head = re.match(r"<svg[^>]*>", frames[0][0])
    assert head is not None
    rules, groups, at = [], [], 0.0
    for number, (svg, seconds) in enumerate(frames):
        begin, end = 100 * at / whole, 100 * (at + seconds) / whole
        at += seconds
        shown = "visible" if number == 0 else "hidden"
        middle = "" if number == 0 else f"{begin:.3f}% {{ visibility: visible }} "
        after = "" if number == len(frames) - 1 else f"{end:.3f}% {{ visibility: hidden }} "
        rules.append(f"@keyframes k{number} {{ 0% {{ visibility: {shown} }} {middle}{after}}}")
        rules.append(f"#frame{number} {{ visibility: {shown}; animation: k{number} {whole:g}s step-end infinite }}")
        inside = re.sub(r"^<svg[^>]*>|</svg>\s*$", "", svg)
        groups.append(f'<g id="frame{number}">\n{inside}\n</g>')
    rules.append("@media (prefers-reduced-motion: reduce) { g { animation: none !important } }")
    style = "<style>\n" + "\n".join(rules) + "\n</style>"
    return "\n".join([head[0], style, *groups, "</svg>"]) + "\n"


def save(pilot: Pilot[Any], path: Path, drawn_screens: Drawn) -> None:
    drawn_screens[path.name] = type(pilot.app.screen)
    path.write_text(drawn(pilot, "t", "localchat") + "\n", "utf-8")


def drawn(pilot: Pilot[Any], prefix: str, title: str) -> str:
    """As an SVG that loads no font from elsewhere. ``prefix`` keeps its classes apart from those of another one."""
    svg = pilot.app.export_screenshot(title=title, simplify=True)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono'", svg)
    svg = re.sub(r"terminal-\d+", prefix, svg)
    svg = re.sub(r'(-clip-terminal">\s*<rect [^>]*height=")([\d.]+)', _with_room_below, svg)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE).strip()


def _with_room_below(clip: re.Match[str]) -> str:
    """Rich cuts the window where the last line ends in its own font; others reach deeper."""
    return f"{clip[1]}{float(clip[2]) + 5:.1f}"


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE))
