"""Pictures of the chat screen and of every notice in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from localchat.errors import ProviderRejected, ProviderUnavailable
from localchat.records import Usage
from localchat.store import Store
from localchat.testing import Reply, Script, StillClock, add_chat, opened, say, settled, still_app

Snap = Callable[..., Awaitable[None]]
SMALL, WIDE = (80, 24), (160, 50)
ANSWER = """Readers no longer block the writer, and the writer no longer blocks readers.

1. Open the file with `pragma journal_mode=wal`.
2. Begin every write with **`BEGIN IMMEDIATE`**.

```python
conn.execute("BEGIN IMMEDIATE")
try:
    conn.execute("insert into notes values (?)", (text,))
finally:
    conn.execute("commit")
```

| mode | readers | writers |
|---|---|---|
| delete | wait | one |
| wal | never wait | one |

See the [documentation](https://sqlite.org/wal.html) for *all* of it.
"""


async def shown(
    store: Store,
    snap: Snap,
    flow: Callable[[Pilot[Any]], Awaitable[None]],
    size: tuple[int, int],
    *replies: Reply | str,
) -> None:
    async with opened(still_app(store, Script(*replies)), size) as pilot:
        await flow(pilot)
        await snap(pilot)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_first_start(tmp_path: Path, snap: Snap, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)

    await shown(Store(tmp_path / "new.db", clock=StillClock(), busy_timeout=0), snap, flow, size)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_chat_with_markdown(store: Store, snap: Snap, size: tuple[int, int]) -> None:
    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?")

    await shown(store, snap, flow, size, Reply(ANSWER, usage=Usage(40, 214)))


async def test_a_chat_in_the_light_theme(store: Store, snap: Snap) -> None:
    async def flow(pilot: Pilot[Any]) -> None:
        pilot.app.theme = "localchat-light"
        await settled(pilot)
        await say(pilot, "And with WAL?")

    await shown(store, snap, flow, (110, 40), Reply(ANSWER, usage=Usage(40, 214)))


@pytest.mark.parametrize("size", [SMALL, (110, 32)])
async def test_a_fallback_and_the_line_that_stands_meanwhile(store: Store, snap: Snap, size: tuple[int, int]) -> None:
    store.catalog.remove_provider("zeta")

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?")
        await say(pilot, "Why?")

    await shown(store, snap, flow, size, "Readers no longer block.", "Because of the log.")


async def test_how_replies_end_that_do_not_end_by_themselves(store: Store, snap: Snap) -> None:
    chat = add_chat(store, "Endings", "alpha/a1", [("One?", "Yes.")])
    replies = (
        Reply("It was cut in the", cut=True),
        Reply(error=ProviderUnavailable("alpha does not answer at localhost:11434 (connection refused).", "Start it.")),
        Reply("As long as it may be", finish_reason="length"),
    )

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        assert store.chats.get(chat).id == pilot.app.chat_screen.conversation.chat.id  # type: ignore[attr-defined]
        for text in ("Two?", "Three?", "Four?"):
            await say(pilot, text)

    await shown(store, snap, flow, (110, 32), *replies)


async def test_no_default_and_nobody_to_answer(store: Store, snap: Snap) -> None:
    for provider in ("alpha", "beta", "zeta", "local"):
        store.catalog.remove_provider(provider)

    async def flow(pilot: Pilot[Any]) -> None:
        await pilot.press("ctrl+n")
        await say(pilot, "Anybody there?")

    await shown(store, snap, flow, SMALL)


async def test_the_list_alone_in_a_narrow_window(store: Store, snap: Snap) -> None:
    store.catalog.remove_provider("zeta")

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press("ctrl+b")
        await settled(pilot)

    await shown(store, snap, flow, SMALL)


async def test_nasty_texts_are_shown_as_they_are(store: Store, snap: Snap) -> None:
    nasty = "[/foo] [@click=app.quit]x[/] \x1b]0;t\x07 \u202eabc 家族 👩‍👩‍👧"
    chat = add_chat(store, nasty, "alpha/a1", [(nasty, f"{nasty}\n\n`{nasty}`")])

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.app.chat_screen.open_chat(chat)  # type: ignore[attr-defined]
        await settled(pilot)

    await shown(store, snap, flow, (110, 24))


@pytest.mark.parametrize("key", ["f1", "f4", "f9", "ctrl+p"])
async def test_what_opens_over_a_chat(store: Store, snap: Snap, key: str) -> None:
    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await pilot.press(key)
        await pilot.pause(0.3)
        await settled(pilot)
        screen = pilot.app.screen  # the palette gathers its commands in workers, and its cursor blinks
        for line in screen.query(Input):
            line.cursor_blink = False
        while any(worker.node is screen and not worker.is_finished for worker in pilot.app.workers):
            await pilot.pause(0.01)
        await settled(pilot)

    await shown(store, snap, flow, (100, 30))


async def test_the_smallest_window_says_so(store: Store, snap: Snap) -> None:
    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)

    await shown(store, snap, flow, (28, 7))


def stranded(store: Store) -> None:
    """The chat that is open lost its local model; the default runs elsewhere."""
    store.catalog.add_provider("far", "openai", "https://far.example:8443/v1")
    store.catalog.make_default(store.catalog.add_model("far", "f1").id)
    store.catalog.remove_provider("zeta")


async def test_the_consent_names_its_host(store: Store, snap: Snap) -> None:
    stranded(store)

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?", wait=False)
        await settled(pilot)

    await shown(store, snap, flow, SMALL)


async def test_the_consent_for_a_chat_of_which_nobody_knows_where_it_ran(store: Store, snap: Snap) -> None:
    stranded(store)
    store.connection.execute("update model_configs set is_local = null where provider = 'zeta'")

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?", wait=False)
        await settled(pilot)

    await shown(store, snap, flow, SMALL)


async def test_the_consent_after_its_host_changed_meanwhile(store: Store, snap: Snap) -> None:
    stranded(store)
    store.catalog.add_provider("other", "openai", "https://other.example/v1")
    other = store.catalog.add_model("other", "o1")

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?", wait=False)
        await settled(pilot)
        store.catalog.make_default(other.id)
        pilot.app.catalog_changed()  # type: ignore[attr-defined]
        await settled(pilot)

    await shown(store, snap, flow, SMALL)


async def test_a_turn_whose_model_is_no_longer_offered(store: Store, snap: Snap) -> None:
    gone = ProviderRejected("zeta does not know z1 (404).", "Check the name.", model_gone=True)

    async def flow(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await say(pilot, "And with WAL?")

    await shown(store, snap, flow, SMALL, Reply(error=gone))
