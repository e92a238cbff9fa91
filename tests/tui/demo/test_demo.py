"""The demo, key by key; and its guide, whatever is done instead."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Iterator
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
from textual.css.query import NoMatches
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import StillClock, opened, say, screen_text, settled
from localchat.tui.demo.app import Demo
from localchat.tui.demo.content import furnish
from localchat.tui.demo.guide import Facts, Guide, advice

PICTURES = Path(__file__).parents[3] / "docs" / "pictures" / "make.py"
Snap = Callable[..., Awaitable[None]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with furnish(tmp_path, StillClock()) as store:
        yield store


@pytest.fixture
def demo(store: Store) -> Demo:
    return Demo(store, still=True)


async def guided(pilot: Pilot[None], *words: str) -> None:
    """Wait until the guide of the screen on top says this."""
    async with asyncio.timeout(10):
        while True:
            await settled(pilot)
            try:
                said = pilot.app.screen.query_one(Guide).advice
            except NoMatches:
                said = ""
            if all(word in said for word in words):
                return
            await asyncio.sleep(0.01)


def pictures() -> ModuleType:
    """The script that draws the moving picture: the flow is written there, once."""
    spec = importlib.util.spec_from_file_location("make_pictures", PICTURES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_whole_way_in_pictures(demo: Demo, snap: Snap) -> None:
    """The flow of the moving picture; those of its screens that the guide leads through."""
    make = pictures()
    async with opened(demo, size=(100, 30)) as pilot:
        for number, step in enumerate(make.DEMO):
            await make.follow(pilot, step)
            if number in (0, 2, 3, 7, 8):
                await snap(pilot)


async def test_the_guide_follows_who_goes_another_way(demo: Demo) -> None:
    async with opened(demo, size=(80, 24)) as pilot:
        await pilot.press("f2")
        await guided(pilot, "d removes it")
        await pilot.press("d")
        await guided(pilot, "enter removes it")
        await pilot.press("escape")
        await guided(pilot, "d removes it")
        await pilot.press("d")
        await guided(pilot, "enter removes it")
        await pilot.press("enter")
        await guided(pilot, "atlas is gone")
        await pilot.press("f8")
        await guided(pilot, "atlas is back, with its models")
        await pilot.press("escape")
        await guided(pilot, "That was it")


async def test_the_guide_can_be_hidden_for_good(demo: Demo) -> None:
    async with opened(demo) as pilot:
        await guided(pilot, "enter sends")
        await pilot.press("f12", "f2")
        await settled(pilot)
        assert "Demo  " not in screen_text(demo)
        assert demo.screen.id == "catalog"


async def test_every_question_of_the_demo_can_be_asked_again(demo: Demo) -> None:
    async with opened(demo) as pilot:
        for question in ("Lisbon in two days?", "A haiku about rain, please."):
            await pilot.press("ctrl+n")
            await say(pilot, question)
            chat = demo.chat_screen.conversation.chat
            assert chat is not None
            assert demo.store.messages.line(chat)[-1].status == "complete"


def test_nothing_of_it_leaves_this_machine(store: Store) -> None:
    live = [provider for provider in store.catalog.providers() if provider.enabled]
    assert {provider.kind for provider in live} == {"replay", "echo"}
    assert all(provider.local for provider in live)


def test_advice_fits_a_narrow_terminal() -> None:
    switches = product((False, True), repeat=5)
    places = ("chat", "catalog", "RemovalDialog", "HelpScreen")
    said = {advice(Facts(place, *switch)) for switch, place in product(switches, places)}
    assert len(said) == 11
    assert max(map(len, said)) <= 72


async def test_a_look_while_the_app_opens_or_closes_breaks_nothing(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    def closing(app: object) -> Facts:
        raise NoMatches

    async with opened(demo) as pilot:
        await guided(pilot, "enter sends")
        guide = demo.screen.query_one(Guide)
        monkeypatch.setattr("localchat.tui.demo.guide.facts_of", closing)
        guide.look()
        assert "enter sends" in guide.advice
