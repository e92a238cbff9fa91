"""An endpoint asks to wait: the wait is counted down, and then it is asked again, unless the person says otherwise."""

from __future__ import annotations

import time
from typing import Any

from textual.pilot import Pilot

from localchat.errors import ProviderUnavailable, RateLimited
from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat

LIMITED = Reply(error=RateLimited("Too many requests.", "Wait 60 s.", retry_after=60))
SOON = Reply(error=ProviderUnavailable("Overloaded.", "Wait 1 s.", retry_after=0.3))


async def shows(pilot: Pilot[Any], app: LocalChat, text: str, *, there: bool = True) -> None:
    until = time.monotonic() + 20
    while (text in screen_text(app)) is not there:
        assert time.monotonic() < until, screen_text(app)
        await pilot.pause(0.02)


async def test_a_wait_is_counted_down_and_then_it_is_asked_again(known: Store) -> None:
    script = Script(SOON, "Here it is.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Here it is.")
        await settled(pilot)
        assert "Asks again" not in screen_text(app)
        assert len(script.requests) == 2


async def test_escape_cancels_it(known: Store) -> None:
    script = Script(LIMITED, "Here it is.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Asks again in 60 s")
        await pilot.press("escape")
        await shows(pilot, app, "Asks again", there=False)
        assert len(script.requests) == 1


async def test_ctrl_r_does_not_wait(known: Store) -> None:
    script = Script(LIMITED, "Here it is.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Asks again in 60 s")
        await pilot.press("ctrl+r")
        await shows(pilot, app, "Here it is.")
        assert "Asks again" not in screen_text(app)


async def test_what_is_sent_meanwhile_takes_its_place(known: Store) -> None:
    script = Script(LIMITED, "Something else, then.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Asks again in 60 s")
        await say(pilot, "Never mind")
        await shows(pilot, app, "Something else, then.")
        assert "Asks again" not in screen_text(app)


async def test_another_chat_ends_it(known: Store) -> None:
    script = Script(LIMITED, "Here it is.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Asks again in 60 s")
        await pilot.press("ctrl+n")
        await shows(pilot, app, "Asks again", there=False)


async def test_it_does_not_ask_for_ever(known: Store) -> None:
    script = Script(SOON)
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        until = time.monotonic() + 20
        while len(script.requests) < 4 and time.monotonic() < until:
            await pilot.pause(0.02)
        await settled(pilot)
        await pilot.pause(0.8)
        assert len(script.requests) == 4
        assert "Asks again" not in screen_text(app)


async def test_a_wait_of_hours_is_told_and_not_counted_down(known: Store) -> None:
    script = Script(Reply(error=RateLimited("Too many requests.", "Wait 2 h.", retry_after=7200)))
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Hello")
        await shows(pilot, app, "Wait 2 h.")
        assert "Asks again" not in screen_text(app)
