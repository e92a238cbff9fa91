"""Nothing that was closed is kept: the app may stay open all day."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.strip import Strip

from localchat.testing import Script, add_chat, known_store, say, settled, still_app
from localchat.tui.app import LocalChat

Deed = Callable[[LocalChat, Pilot[Any], int], Awaitable[None]]


async def open_a_chat(app: LocalChat, pilot: Pilot[Any], number: int) -> None:
    await app.chat_screen.open_chat(number % 6 + 1)
    await settled(pilot)


async def take_a_turn(_app: LocalChat, pilot: Pilot[Any], number: int) -> None:
    await say(pilot, f"Question {number}?")


async def open_help(_app: LocalChat, pilot: Pilot[Any], _number: int) -> None:
    await pilot.press("f1", "escape")
    await settled(pilot)


async def look_at_the_providers(_app: LocalChat, pilot: Pilot[Any], _number: int) -> None:
    await pilot.press("f2")
    await settled(pilot)
    await pilot.press("escape")
    await settled(pilot)


async def search(_app: LocalChat, pilot: Pilot[Any], number: int) -> None:
    await pilot.press("ctrl+f", *f"rain {number}")
    await settled(pilot)
    await pilot.press("escape", "escape")
    await settled(pilot)


def kept() -> Counter[str]:
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, DOMNode | Strip))


@pytest.mark.parametrize("deed", [open_a_chat, take_a_turn, open_help, look_at_the_providers, search])
async def test_what_was_closed_is_not_kept(tmp_path: Path, deed: Deed) -> None:
    with known_store(tmp_path / "store.db") as store:
        for number in range(6):
            add_chat(store, f"chat {number}", "zeta/z1", [(f"Rain {number}?", "Yes, *mostly*.\n\n- in\n- winter")] * 4)
        app = still_app(store, Script(*["It rains."] * 40))
        async with app.run_test(size=(120, 36)) as pilot:
            for number in range(8):
                await deed(app, pilot, number)
            before = kept()
            for number in range(8, 20):
                await deed(app, pilot, number)
            grown = {name: more for name, more in (kept() - before).items() if name != "Strip"}
            strips = kept()["Strip"] - before["Strip"]
    assert not any(more >= 6 for more in grown.values()), grown  # one kept each time would be twelve
    assert strips < 12 * 20, strips  # a turn adds a few lines on the screen, not a screen of lines
