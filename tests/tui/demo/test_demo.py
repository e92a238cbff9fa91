"""The demo, key by key; and its guide, whatever is done instead."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
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
    switches = product((False, True), repeat=6)
    places = ("chat", "catalog", "RemovalDialog", "HelpScreen")
    said = {advice(Facts(place, *switch)) for switch, place in product(switches, places)}
    assert len(said) == 12
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


async def test_f8_takes_back_what_was_done_in_the_demo_and_nothing_else(demo: Demo) -> None:
    async with opened(demo) as pilot:
        before = [model.ref for model in demo.store.catalog.models()]
        assert demo.undos.label == ""
        await pilot.press("f8", "f8", "f2", "u", "d")
        await guided(pilot, "enter removes it")
        await pilot.press("enter")
        await guided(pilot, "atlas is gone")
        for _ in range(3):
            await pilot.press("f8")
            await guided(pilot, "atlas is back")
    assert [model.ref for model in demo.store.catalog.models()] == before


async def test_whoever_is_added_in_the_demo_nobody_outside_is_asked(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("the demo asked for a connection"))
    monkeypatch.setattr(asyncio, "open_connection", lambda *_, **__: pytest.fail("the demo asked for a connection"))
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    catalog = demo.store.catalog
    catalog.add_provider("ollama", "openai", "http://localhost:11434/v1")
    catalog.make_default(catalog.add_model("ollama", "qwen3:8b").id)
    async with opened(demo, size=(160, 30)) as pilot:
        demo.catalog_changed()
        await pilot.press("ctrl+n")
        await settled(pilot)
        assert "its key is in the environment" not in screen_text(demo)
        await say(pilot, "Anybody there?")
        assert "The demo asks nobody outside of it, so ollama does not answer here." in screen_text(demo)
        await pilot.press("f2")
        await settled(pilot)


@pytest.mark.parametrize("width", [80, 100, 120])
async def test_the_guide_is_never_cut(demo: Demo, width: int) -> None:
    async with opened(demo, size=(width, 24)) as pilot:
        await guided(pilot, "enter sends")
        (line,) = [line for line in screen_text(demo).splitlines() if line.startswith(" Demo")]
        assert "…" not in line
        assert line.endswith("f12 hides" if width == 80 else "f12 hides this")


async def test_whatever_is_changed_first_the_guide_says_what_is_so(demo: Demo) -> None:
    catalog = demo.store.catalog
    async with opened(demo) as pilot:
        catalog.edit_provider(catalog.provider("atlas").id, name="globe")
        demo.catalog_changed()
        await guided(pilot, "enter sends")
        catalog.remove_provider("parrot")
        catalog.remove_provider("globe")
        demo.catalog_changed()
        await guided(pilot, "Nobody is left to answer")
        for _ in range(3):
            await pilot.press("f8")
            await settled(pilot)
        await guided(pilot, "enter sends")
        assert {provider.name for provider in catalog.providers()} == {"atlas", "local", "parrot"}
