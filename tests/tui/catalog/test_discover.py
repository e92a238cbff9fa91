"""Asking a provider for its models, and adding the chosen ones."""

from __future__ import annotations

import asyncio
import time

from localchat.errors import ASK_AGAIN, ProviderRejected, ProviderUnavailable
from localchat.records import RemoteModel
from localchat.store import Store
from localchat.tui.catalog.discover import DiscoverDialog
from tests.tui.catalog.conftest import Bench, Endpoint, screen_text, settled, words

OFFERED = [
    RemoteModel("qwen3:8b", 32768),
    RemoteModel("gemma3:4b", 131072),
    RemoteModel("phi4"),
    RemoteModel("phi4"),
    RemoteModel("phi4-mini"),
]


def bench(store: Store, endpoint: Endpoint) -> Bench:
    endpoint.offers.setdefault("ollama", OFFERED)
    return Bench(store, DiscoverDialog(store.catalog.provider("ollama")), endpoint)


async def test_ticked_models_are_added_at_once_and_those_there_already_are_marked(
    stocked: Store, endpoint: Endpoint
) -> None:
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "phi4-mini" in screen_text(pilot))
        assert "added already" in screen_text(pilot)
        await pilot.press("space", "down", "down", "space")
        await settled(pilot)
        assert "2 models ticked. enter adds them." in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.answers))
        added = app.answers[0]
        assert isinstance(added, list)
        assert [model.ref for model in added] == ["ollama/gemma3:4b", "ollama/phi4-mini"]
        assert stocked.catalog.live("ollama/gemma3:4b").context == 131072


async def test_the_filter_narrows_and_all_that_is_shown_can_be_ticked(stocked: Store, endpoint: Endpoint) -> None:
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "phi4-mini" in screen_text(pilot))
        await pilot.press("slash", *"phi", "ctrl+a")
        await settled(pilot)
        assert "gemma3" not in screen_text(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.answers))
        assert {m.model for m in stocked.catalog.models("ollama")} == {"llama3.2:3b", "qwen3:8b", "phi4", "phi4-mini"}


async def test_of_a_hundred_thousand_models_the_first_are_shown_and_the_filter_finds_the_others(
    stocked: Store, endpoint: Endpoint
) -> None:
    endpoint.offers["ollama"] = [RemoteModel(f"model-{number}") for number in range(100_000)]
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "1,000 are shown, 99,000 more match." in screen_text(pilot))
        await pilot.press("slash", *"99999")
        await settled(pilot, lambda: "model-99999" in screen_text(pilot))
        began = time.monotonic()
        await pilot.press("escape", "escape")
        await settled(pilot, lambda: bool(app.answers))
        assert time.monotonic() - began < 3


async def test_while_it_asks_it_says_so_and_escape_stops_it(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.hold = asyncio.Event()
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "Asking localhost:11434 for its models" in screen_text(pilot))
        await pilot.press("escape")
        await settled(pilot, lambda: app.answers == [None])


async def test_an_error_is_told_in_place_and_asking_again_helps(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.offers["ollama"] = ProviderRejected("ollama refused the key [/x] \x1b[2J.", "Check the key.")
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "ollama refused the key [/x] [2J. Check the key." in words(pilot))
        endpoint.offers["ollama"] = OFFERED
        await pilot.press("r")
        await settled(pilot, lambda: "phi4-mini" in screen_text(pilot))
        assert "refused" not in screen_text(pilot)


async def test_a_provider_removed_meanwhile_is_told_and_nothing_is_lost(
    stocked: Store, second: Store, endpoint: Endpoint
) -> None:
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "phi4-mini" in screen_text(pilot))
        await pilot.press("space")
        second.catalog.remove_provider("ollama")
        await pilot.press("enter")
        await settled(pilot, lambda: "Chat provider is not configured." in words(pilot))
        assert "[✓] gemma3:4b" in screen_text(pilot)
        assert app.answers == []


async def test_names_that_an_endpoint_made_up_are_shown_literally_and_refused_by_name(
    stocked: Store, endpoint: Endpoint
) -> None:
    endpoint.offers["ollama"] = [RemoteModel("[/] [@click=app.quit]x\x1b[2J\u202e"), RemoteModel("")]
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "[/] [@click=app.quit]x[2J" in screen_text(pilot))
        await pilot.press("enter")
        await settled(pilot, lambda: "holds a character that cannot be seen" in words(pilot))
        assert "\x1b" not in screen_text(pilot)
        assert app.answers == []


async def test_a_provider_without_models_says_what_to_do(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.offers["ollama"] = []
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "ollama offers no models." in words(pilot))


async def test_a_refusal_names_the_key_that_asks_again_here(stocked: Store, endpoint: Endpoint) -> None:
    endpoint.offers["ollama"] = ProviderUnavailable("ollama does not answer.", "Start it.", remedy=ASK_AGAIN)
    app = bench(stocked, endpoint)
    async with app.run_test() as pilot:
        await settled(pilot, lambda: "does not answer. Start it. r asks again." in words(pilot))
        asked = len(endpoint.asked)
        endpoint.offers["ollama"] = OFFERED
        await pilot.press("r")
        await settled(pilot, lambda: "phi4-mini" in screen_text(pilot))
        assert len(endpoint.asked) == asked + 1
