"""A shell with nothing on it but the search, over a store with something to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from localchat.store import Store
from localchat.testing import ScriptedClient, StillClock, add_chat
from localchat.tui.search.screen import SearchLine, SearchScreen
from localchat.tui.shell import Shell
from localchat.tui.themes import DARK, LIGHT

CHINESE = ("用SQLite锁库表的时候怎么办？", "先 BEGIN IMMEDIATE，再写入。")


class Bench(Shell):
    """Opens the search at once; ``answers``: what it was closed with."""

    def __init__(self, store: Store, chat_id: int | None = None, *, here: bool = False, light: bool = False) -> None:
        super().__init__(store, self._no_client)
        self.still = True
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if light else DARK.name
        self.search = SearchScreen(self, chat_id, here=here)
        self.answers: list[tuple[int, int] | None] = []

    @staticmethod
    def _no_client(provider: object) -> ScriptedClient:
        raise AssertionError("a search asks nobody")

    def compose(self) -> Iterator[Static]:
        yield Static("Below")

    def on_mount(self) -> None:
        self.push_screen(self.search, self.answers.append)


@pytest.fixture
def clock(localchat_clock: StillClock) -> StillClock:
    return localchat_clock


@pytest.fixture
def store(localchat_store: Store, clock: StillClock) -> Store:
    clock.advance(days=40)
    add_chat(localchat_store, "锁库的问题", "beta/b1", [CHINESE])
    long = "Nothing else matters here, " * 12
    add_chat(
        localchat_store,
        "Dates and locks [/x]",
        "alpha/a2",
        [
            ("How do I lock a row?", f"{long}but a lock on the file is what you get. {long}"),
            ("locks?", "Locks, locked."),
        ],
    )
    localchat_store.catalog.remove_provider("zeta")
    clock.advance(hours=3)
    return localchat_store


def screen_text(pilot: Pilot[None]) -> str:
    """What a person reads, line by line."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """As soon as it holds. Fails where it never does, with what is on the screen."""
    waited = 0.0
    await pilot.pause()
    while not holds():
        assert waited < seconds, f"never came:\n{screen_text(pilot)}"
        await pilot.pause(0.01)
        waited += 0.01
    await pilot.pause()


async def type_in(pilot: Pilot[None], text: str) -> None:
    """Into the line, as by a paste, instead of what stands there; until the search is through."""
    line = pilot.app.screen.query_one(SearchLine)
    line.clear()
    line.insert_text_at_cursor(text)
    await through(pilot)


async def through(pilot: Pilot[None]) -> None:
    """Until all that was asked for is there."""
    app = pilot.app
    assert isinstance(app, Bench)
    search = app.search
    await until(pilot, lambda: search.settled)
