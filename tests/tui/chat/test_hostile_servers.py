"""Model servers that flood, swell or say nothing: escape is heard within a second, and the app goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import screen_text, settled
from localchat.tui.app import LocalChat
from tests.fakes import FakeEndpoint


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as fake:
        yield fake


@pytest.fixture
def store(tmp_path: Path, endpoint: FakeEndpoint) -> Iterator[Store]:
    with Store(tmp_path / "store.db", busy_timeout=0) as opened:
        opened.catalog.add_provider("acme", "openai", endpoint.base_url("openai"), "none", None)
        yield opened


@pytest.mark.parametrize("fault", ["pings", "hang", "bomb-pings", "slow"])
async def test_escape_is_heard_within_a_second(store: Store, endpoint: FakeEndpoint, fault: str) -> None:
    store.catalog.make_default(store.catalog.add_model("acme", fault).id)
    app = LocalChat(store, still=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press(*"hi", "enter")
        until = time.monotonic() + 20
        conversation = app.chat_screen.conversation
        # No pause here: a bomb of pings reaches its limit, and ends by itself, in less than half a second.
        while not (endpoint.requests and conversation.live is not None) and time.monotonic() < until:
            await pilot.pause(0.01)
        assert conversation.live is not None
        began = time.monotonic()
        await pilot.press("escape")
        while conversation.live is not None and time.monotonic() < until:
            await pilot.pause(0.01)
        took = time.monotonic() - began
    assert took < 3, "a second, and what a busy machine adds"


@pytest.mark.parametrize("fault", ["endless-line", "bomb-error", "huge-delta", "nested"])
async def test_the_app_says_what_it_was_and_goes_on(store: Store, fault: str) -> None:
    store.catalog.make_default(store.catalog.add_model("acme", fault).id)
    app = LocalChat(store, still=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press(*"hi", "enter")
        until = time.monotonic() + 20
        while "acme at 127.0.0.1" not in screen_text(app) and time.monotonic() < until:
            await pilot.pause(0.02)
        await settled(pilot)
        await pilot.press(*"next")
        assert "acme at 127.0.0.1" in screen_text(app)
        assert "next" in screen_text(app)
