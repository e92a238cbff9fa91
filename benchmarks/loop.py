"""How long the event loop is held by what grows with the store: ``python benchmarks/loop.py``.

In the whole app (without a terminal): a fork of a chat of 6,000 messages, the emptying of a trash of 20,000 chats, the
move of 20,000 chats to another model and back, alone and with the removal of their own. Every millisecond the loop is
asked what its thread has worked since: the longest such stretch may be 50 ms. It is processor time: what else the
machine does does not count, a wait for the disk or for a lock would; so the longest time by the clock stands beside it.

And a look at another window that streams, with 2,000 chats of the list read and the cursor on the last: at most 1.5
times what it costs with 50.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import Row, compiled, report

HELD = 50.0  # ms
TIMES = 1.5
MANY = 20_000
LONG = 6_000  # messages
FEW_ROWS, MANY_ROWS = 50, 2_000
ROUNDS = 30


class Watch:
    """The longest stretch that the loop's thread worked without letting others in, and the longest by the clock."""

    def __init__(self) -> None:
        self.worked = self.clock = 0.0  # ms

    async def tick(self) -> None:
        while True:
            worked, clock = time.thread_time(), time.perf_counter()
            await asyncio.sleep(0.001)
            self.worked = max(self.worked, (time.thread_time() - worked) * 1000)
            self.clock = max(self.clock, (time.perf_counter() - clock) * 1000)


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Watch]:
    watch = Watch()
    task = asyncio.create_task(watch.tick())
    try:
        await asyncio.sleep(0)
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def fill(store: Any) -> None:
    """20,000 chats of a removed model, 20,000 in the trash, and the newest: a long one."""
    one = store.connection.execute
    gone, other = (store.catalog.live(ref).id for ref in ("zeta/z1", "alpha/a1"))
    one("begin immediate")
    chat = "insert into chats (title, model_config_id, created_at, updated_at, deleted_at) values (?, ?, ?, ?, ?)"
    at = "2026-01-01T00:00:00.000Z"
    store.connection.executemany(chat, ((f"Rain {n}", gone, at, at, None) for n in range(MANY)))
    first = one("select max(id) from chats").fetchone()[0]
    store.connection.executemany(chat, ((f"Snow {n}", other, at, at, at) for n in range(MANY)))
    one(
        "insert into messages (chat_id, depth, role, content, created_at)"
        " select id, 0, 'user', title || ' again and again', created_at from chats where id > ?",
        (first,),
    )
    long_chat = one(chat, ("Long", other, at, "2030-01-01T00:00:00.000Z", None)).lastrowid
    message = one("select max(id) from messages").fetchone()[0]
    store.connection.executemany(
        "insert into messages (id, chat_id, parent_id, depth, role, content, created_at) values (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                message + 1 + n,
                long_chat,
                message + n if n else None,
                n,
                ("user", "assistant")[n % 2],
                "It rains. " * 20,
                at,
            )
            for n in range(LONG)
        ),
    )
    one("update chats set leaf_id = ? where id = ?", (message + LONG, long_chat))
    one("commit")


async def remove(app: Any, pilot: Any) -> None:
    from localchat.testing import settled
    from localchat.tui.catalog.actions import remove_model

    app.run_worker(remove_model(app, app.store.catalog.live("zeta/z1")))
    await settled(pilot)
    app.screen.query_one("#move").value = app.store.catalog.live("beta/b1").id
    await settled(pilot)
    await pilot.press("y")


async def fork(app: Any, pilot: Any) -> None:
    app.chat_screen.conversation.transcript.focus()
    await pilot.press("f")


async def empty_the_trash(app: Any, pilot: Any) -> None:
    from localchat.testing import settled
    from localchat.tui.chat.actions import empty_trash

    app.run_worker(empty_trash(app))
    await settled(pilot)
    await pilot.click("#yes")


async def move(app: Any, pilot: Any) -> None:
    from localchat.testing import settled
    from localchat.tui.catalog.actions import move_chats

    if not app.store.catalog.models(removed=True):
        app.store.catalog.remove_model(app.store.catalog.live("zeta/z1").id)
    app.run_worker(move_chats(app, list(app.store.catalog.models(removed=True))))
    await settled(pilot)
    await pilot.press("enter")


async def take_back(app: Any, _pilot: Any) -> None:
    app.run_worker(app.undos.undo_newest())


async def open_help(_app: Any, pilot: Any) -> None:
    from localchat.testing import settled

    await pilot.press("f1")
    await settled(pilot)
    await pilot.press("escape")


DEEDS: dict[str, Callable[[Any, Any], Awaitable[None]]] = {
    "opening and closing the help, to compare": open_help,
    f"fork of {LONG:,} messages": fork,
    f"emptying a trash of {MANY:,} chats": empty_the_trash,
    f"removing a model, its {MANY:,} chats move": remove,
    "taking the removal back": take_back,
    f"moving {MANY:,} chats": move,
    f"taking the move of {MANY:,} back": take_back,
}


async def held(folder: Path) -> list[Row]:
    from localchat.testing import known_store, settled, still_app
    from localchat.tui.catalog.actions import move_chats, remove_model
    from localchat.tui.chat.actions import empty_trash

    rows: list[Row] = []
    with known_store(folder / "store.db") as store:
        fill(store)
        app = still_app(store)
        async with app.run_test(size=(120, 36)) as pilot:
            await settled(pilot)
            await open_help(app, pilot)
            model = store.catalog.live("zeta/z1")
            for opened in (empty_trash(app), remove_model(app, model), move_chats(app, [model])):
                app.run_worker(opened)  # a dialog's sheet is read when it is opened for the first time
                await settled(pilot)
                await pilot.press("escape")
                await settled(pilot)
            gc.collect()
            gc.freeze()  # as the program does when its first screen stands
            for what, deed in DEEDS.items():
                async with watched() as watch:
                    await deed(app, pilot)
                    await settled(pilot, 120)
                rows.append(Row(what, watch.worked, "ms", None if deed is open_help else HELD))
                rows.append(Row("   by the clock", watch.clock, "ms"))
            left = (
                store.chats.count("trash"),
                len(store.catalog.move_of([store.catalog.models(removed=True)[0].id]).chats),
            )
            assert store.chats.count() == MANY + 4, store.chats.count()
            assert left == (0, MANY + 1), left
    return rows


async def looked(folder: Path, rows: int) -> float:
    """Median of milliseconds that a look at another window costs, with so many chats read and the cursor at the end."""
    from localchat.store import Store
    from localchat.testing import add_chat, known_store, settled, still_app

    path = folder / f"{rows}.db"
    with known_store(path) as store:
        streaming = add_chat(store, "Streaming", "zeta/z1", [("Q", "A")])
        store.connection.execute("begin immediate")
        store.connection.executemany(
            "insert into chats (title, created_at, updated_at)"
            " values (?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', ?))",
            ((f"Rain {n}", "2026-01-01T00:00:00.000Z", f"+{n} minutes") for n in range(rows)),
        )
        store.connection.execute("commit")
        app = still_app(store)
        async with app.run_test(size=(120, 36)) as pilot:
            await settled(pilot)
            options = app.chat_screen.chat_list.options
            options.focus()
            while options.option_count < rows:
                await pilot.press("end")
                await settled(pilot)
            await pilot.press("end")
            await settled(pilot)
            times = []
            with Store(path) as other:
                for number in range(ROUNDS):
                    other.connection.execute(
                        "update messages set content = ? where chat_id = ?", (f"{number}", streaming)
                    )
                    began = time.thread_time()
                    app._look_around()
                    await settled(pilot)
                    times.append((time.thread_time() - began) * 1000)
    return statistics.median(times)


def main() -> int:
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(held(Path(folder)))
        few, many = (asyncio.run(looked(Path(folder), number)) for number in (FEW_ROWS, MANY_ROWS))
    rows.append(Row(f"a look at another window, {FEW_ROWS} chats read", few, "ms"))
    rows.append(Row(f"   {MANY_ROWS:,} chats read, the last in sight", many, "ms"))
    rows.append(Row("   beside each other", many / few, "x", TIMES))
    return report("The event loop, processor time", rows)


if __name__ == "__main__":
    sys.exit(main())
