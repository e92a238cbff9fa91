"""After another program wrote the catalog, the app shows a default that can answer within two seconds."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from tests.store.helpers import raw

SIZE = (100, 30)
DELETED = "delete from providers where name = 'alpha'"
DISABLED = "update providers set enabled = 0 where name = 'alpha'"
BURIED = "update model_configs set deleted_at = '2026-01-01T00:00:00.000Z', is_default = 0 where provider = 'alpha'"
GONE = "update model_configs set enabled = 0 where provider = 'alpha'"


def top(app: LocalChat) -> str:
    return screen_text(app).splitlines()[0]


async def seen(pilot: Pilot[None], app: LocalChat, words: str) -> None:
    """Wait until the bar on top says that: two seconds are the promise, the rest is for a busy machine."""
    async with asyncio.timeout(20):
        while words not in top(app):
            await pilot.pause(0.02)


@pytest.mark.parametrize("sql", [DELETED, DISABLED, BURIED, GONE])
async def test_the_bar_names_the_one_that_took_over(store: Store, sql: str) -> None:
    app = still_app(store, Script("Here."))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        assert "★ a1" in top(app)
        with raw(store.path) as other:
            other.execute(sql)
        await seen(pilot, app, "★ b1")
        await settled(pilot)
        assert [note.message for note in app._notifications] == [
            "Another program changed providers or models. Default: a1 → b1."
        ]
        await pilot.press("ctrl+n")
        await say(pilot, "Who are you?")
        assert "b1 · beta" in screen_text(app)


async def test_a_locked_store_shows_no_dud_and_is_healed_once_it_is_free(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with raw(store.path) as other:
            other.execute(DISABLED)
            other.execute("begin immediate")
            await seen(pilot, app, "no default model")
            assert "a1" not in top(app)
        await seen(pilot, app, "★ b1")


async def test_a_start_after_such_a_write_shows_no_dud(store: Store) -> None:
    with raw(store.path) as other:
        other.execute(DISABLED)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "★ b1" in top(app)
