"""The rules of docs/life-of-models.md as a person sees them: pressed by keys, offline, at 80 by 24, in pictures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from localchat.errors import ProviderRejected
from localchat.store import Store
from localchat.testing import Reply, Script, opened, say, screen_text, settled
from localchat.testing import press as pressed
from localchat.tui.app import LocalChat

Snap = Callable[..., Awaitable[None]]

SMALL = (80, 24)
GONE = ProviderRejected("zeta does not know z1 (404).", "Check the name.", model_gone=True)


def at(word: str) -> tuple[str, ...]:
    """To the row of that name, in the list that has the focus."""
    return ("slash", *word, "enter")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Each when what the one before began is on the screen: keys that are typed ahead of a dialog are another test."""
    for key in keys:
        await pressed(pilot, key)


PROVIDER_ZETA = ("f2", *at("zeta"))
MODEL_Z1 = (*PROVIDER_ZETA, "right")


async def test_changed(localchat_store: Store, localchat_app: LocalChat, snap: Snap) -> None:
    async with opened(localchat_app, SMALL) as pilot:
        await press(pilot, *PROVIDER_ZETA, "d")
        with Store(localchat_store.path, busy_timeout=5) as other:
            other.catalog.add_model("zeta", "z2")
        await press(pilot, "y")
        assert localchat_store.catalog.provider("zeta")
        async with asyncio.timeout(20):
            while not re.search("zeta +2 models", screen_text(localchat_app)):  # the list behind follows
                await pilot.pause(0.01)
        await snap(pilot)
        await press(pilot, "y")
        await snap(pilot)


async def test_the_consent_names_the_host(
    localchat_store: Store, localchat_app: LocalChat, localchat_script: Script, snap: Snap
) -> None:
    localchat_store.catalog.add_provider("far", "openai", "https://far.example/v1")
    localchat_store.catalog.make_default(localchat_store.catalog.add_model("far", "f1").id)
    async with opened(localchat_app, SMALL) as pilot:
        await press(pilot, *MODEL_Z1, "d", "y", "escape", "escape")
        await say(pilot, "And with WAL?", wait=False)
        await settled(pilot)
        assert localchat_script.requests == []
        await snap(pilot)
        await press(pilot, "y")
        await snap(pilot)


async def test_a_model_that_is_added_again_is_the_one_that_went(
    localchat_store: Store, localchat_app: LocalChat, snap: Snap
) -> None:
    before = localchat_store.catalog.live("zeta/z1").id
    async with opened(localchat_app, SMALL) as pilot:
        await press(pilot, *MODEL_Z1, "d", "y", "a", *"z1", "ctrl+s")
        assert localchat_store.catalog.live("zeta/z1").id == before
        await snap(pilot)
        await press(pilot, "escape", "escape")
        await say(pilot, "And with WAL?")
        await snap(pilot)


async def test_no_longer_offered(
    localchat_store: Store, localchat_app: LocalChat, localchat_script: Script, snap: Snap
) -> None:
    localchat_script.says(Reply(error=GONE), "With WAL, one writes and many read.")
    async with opened(localchat_app, SMALL) as pilot:
        await say(pilot, "And with WAL?")
        await snap(pilot)
        await press(pilot, "alt+d")
        await snap(pilot)
        await press(pilot, *MODEL_Z1)
        await snap(pilot)


async def test_the_standing_line(localchat_app: LocalChat, snap: Snap) -> None:
    async with opened(localchat_app, SMALL) as pilot:
        await press(pilot, *MODEL_Z1, "d", "y", "escape", "escape")
        await snap(pilot)
        await say(pilot, "And with WAL?")
        await snap(pilot)
        await press(pilot, "f8")
        await say(pilot, "And now?")
        await snap(pilot)


UNDO: dict[str, tuple[tuple[str, ...], str]] = {
    "removal": ((*PROVIDER_ZETA, "d", "y"), "the removal of zeta"),
    "switch": ((*MODEL_Z1, "space"), "switching zeta/z1 off"),
    "default": ((*MODEL_Z1, "asterisk"), "the default zeta/z1"),
    "edit": ((*PROVIDER_ZETA, "e", "end", *"-2", "ctrl+s"), "the edit of zeta"),
    "move": ((*MODEL_Z1, "d", "y", *at("z1"), "m", *"b1", "enter"), "moving the chats of zeta/z1"),
    "chat in the trash": (("ctrl+b", "d"), "deleting Locks in SQLite"),
}


@pytest.mark.parametrize("kind", UNDO)
async def test_undo(localchat_store: Store, localchat_app: LocalChat, snap: Snap, kind: str) -> None:
    keys, label = UNDO[kind]
    before = what_is_there(localchat_store)
    async with opened(localchat_app, SMALL) as pilot:
        await press(pilot, *keys)
        assert localchat_app.undos.label == label
        await snap(pilot)
        while localchat_app.undos.label not in ("", "the default alpha/a1"):
            await press(pilot, "f8")
        assert what_is_there(localchat_store) == before
        await snap(pilot)


def what_is_there(store: Store) -> list[dict[str, Any]]:
    """Every provider, model and chat but for the times of their last change, which an undo is too."""
    rows = [
        dict(row)
        for table in ("providers", "model_configs", "chats")
        for row in store.connection.execute(f"select * from {table} order by id")
    ]
    return [{name: value for name, value in row.items() if name != "updated_at"} for row in rows]


async def test_undo_of_a_chip(localchat_app: LocalChat, snap: Snap) -> None:
    async with opened(localchat_app, SMALL) as pilot:
        pilot.app.screen.focused.post_message(events.Paste("line\n" * 40))
        await settled(pilot)
        await press(pilot, "backspace")
        await snap(pilot)
        await press(pilot, "f8")
        await snap(pilot)
