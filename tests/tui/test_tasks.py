"""Every task has an owner, and what it raises is as loud as a crash in a key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import Reply, Script, say, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.chat.conversation import Conversation
from localchat.tui.tasks import Tasks
from localchat.turns import titles
from tests.tui.chat.words import until


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("a bug")


async def crashes(app: LocalChat, do: Callable[[Pilot[None]], Awaitable[object]]) -> None:
    """Run the app until a bug ends it."""

    async def run() -> None:
        async with app.run_test(size=(110, 32)) as pilot:
            await settled(pilot)
            await do(pilot)
            await until(pilot, lambda: app.bug is not None)

    with pytest.raises(RuntimeError, match="a bug"):
        await run()


async def test_a_bug_while_a_reply_is_drawn_ends_the_app_and_is_kept_for_the_report(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conversation, "draw_event", broken)
    app = still_app(store, Script(Reply("one two three", hold=True)))
    await crashes(app, lambda pilot: say(pilot, "Go on", wait=False))
    assert isinstance(app.bug, RuntimeError)
    assert app.return_code == 1
    chat = store.chats.last()
    assert chat is not None
    assert [(m.content, m.status) for m in store.messages.line(chat)[2:]] == [
        ("Go on", "complete"),
        ("one", "stopped"),
    ], "what was sent and what came is stored"


async def test_a_bug_in_the_making_of_a_title_is_loud(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(titles, "entitle", broken)
    app = still_app(store)
    await crashes(app, lambda pilot: say(pilot, "Go on", wait=False))


@pytest.mark.parametrize("where", ["do", "then", "draft"])
async def test_a_bug_in_a_save_is_loud(store: Store, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    app = still_app(store)

    async def save(pilot: Pilot[None]) -> None:
        if where == "draft":
            monkeypatch.setattr(store.chats, "set_draft", broken)
            await pilot.press("x")
        else:
            app.write("try", broken if where == "do" else lambda: None, broken)

    await crashes(app, save)


async def test_ending_cancels_what_still_runs_and_waits_for_it() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    tasks = Tasks(ended.append)  # type: ignore[arg-type]
    tasks.start(work(), "work")
    await asyncio.sleep(0)
    await tasks.end()
    assert ended == ["work"]


async def test_ending_waits_for_nobody_who_will_not_end() -> None:
    async def stubborn() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await free.wait()
                return

    free = asyncio.Event()
    tasks = Tasks(lambda bug: None)
    task = tasks.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await tasks.end(0.01)
    assert not task.done()
    free.set()
    await task
