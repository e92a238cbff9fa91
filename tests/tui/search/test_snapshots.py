"""How the search looks: in 80x24 dark, and in 160x50 light."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import add_chat
from tests.tui.search.conftest import Bench, through, type_in

Compare = Callable[..., bool]


@pytest.fixture(params=[((80, 24), False), ((160, 50), True)], ids=["small-dark", "wide-light"])
def look(request: pytest.FixtureRequest) -> tuple[tuple[int, int], bool]:
    return request.param  # type: ignore[no-any-return]


Look = tuple[tuple[int, int], bool]


def searched(text: str, *keys: str) -> Callable[[Pilot[None]], object]:
    async def before(pilot: Pilot[None]) -> None:
        await type_in(pilot, text)
        await pilot.press(*keys)
        await through(pilot)
        await pilot.pause()

    return before


def test_nothing_typed_yet(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look
    assert snap_compare(Bench(store, 1, light=light), terminal_size=size)


def test_titles_and_messages(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look
    assert snap_compare(
        Bench(store, 1, light=light), terminal_size=size, run_before=searched("lock", "down", "down", "down")
    )


def test_text_without_spaces(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look
    assert snap_compare(Bench(store, light=light), terminal_size=size, run_before=searched("锁"))


def test_more_than_one_page(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look
    add_chat(store, "Stripes", "alpha/a1", [(f"Zebra number {number}?", "Yes.") for number in range(120)])
    assert snap_compare(Bench(store, 1, light=light), terminal_size=size, run_before=searched("zebra", "pagedown"))


def test_filters_that_leave_nothing(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look
    keys = ("tab", "f4", "f5", "f5", "f6", "f6", "f6")
    assert snap_compare(Bench(store, 1, light=light), terminal_size=size, run_before=searched("begin", *keys))


def test_a_chat_that_went(snap_compare: Compare, store: Store, look: Look) -> None:
    size, light = look

    async def before(pilot: Pilot[None]) -> None:
        await type_in(pilot, "lisbon")
        store.chats.trash(1)
        await pilot.press("enter")
        await pilot.pause()

    assert snap_compare(Bench(store, light=light), terminal_size=size, run_before=before)
