"""What may take long is never done on the loop's thread, in the order of what was asked for, and never waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Select

from localchat.errors import StoreBusy
from localchat.store import Store
from localchat.store.catalog import moving
from localchat.store.chats import Chats
from localchat.testing import add_chat, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog import actions
from localchat.tui.chat import actions as chat_actions
from tests.tui.chat.words import locked, shows, until

SIZE = (110, 32)


async def fork(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.conversation.transcript.focus()
    await pilot.press("f")
    await settled(pilot)
    assert "(fork)" in screen_text(app)


async def empty_the_trash(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.chat_list.options.focus()
    await pilot.press("v", "v", "E")
    await settled(pilot)
    await pilot.click("#yes")
    await settled(pilot)
    assert app.store.chats.count("trash") == 0


async def move_and_take_back(app: LocalChat, pilot: Pilot[Any]) -> None:
    catalog = app.store.catalog
    gone = catalog.models(removed=True)[0]
    app.run_worker(actions.move_chats(app, [gone]))
    await settled(pilot)
    await pilot.press("enter")
    await settled(pilot)
    assert catalog.move_of([gone.id]).chats == ()
    await app.undos.undo_newest()
    assert len(catalog.move_of([gone.id]).chats) == 2


async def remove_and_take_back(app: LocalChat, pilot: Pilot[Any]) -> None:
    catalog = app.store.catalog
    model = catalog.live("alpha/a1")
    app.store.chats.set_model(2, model.id)
    app.run_worker(actions.remove_model(app, model))
    await settled(pilot)
    to = app.screen.query_one("#move", Select)
    to.value = catalog.live("alpha/a2").id
    await settled(pilot)
    await pilot.press("y", "y")
    await settled(pilot)
    own = app.store.chats.get(2).model
    assert own is not None
    assert own.ref == "alpha/a2"
    await app.undos.undo_newest()
    own = app.store.chats.get(2).model
    assert own is not None
    assert own.ref == "alpha/a1"


@pytest.fixture
def threads(store: Store, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, bool]]:
    """What was called, and whether on the loop's thread."""
    called: set[tuple[str, bool]] = set()

    def note(home: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(home, name)

        def noted(*args: Any, **how: Any) -> Any:
            called.add((name, threading.current_thread() is threading.main_thread()))
            return real(*args, **how)

        monkeypatch.setattr(home, name, noted)

    for name in ("fork", "erase_trashed", "trash_in_parts"):
        note(Chats, name)
    note(moving, "move")
    note(moving, "move_back")
    store.chats.trash(add_chat(store, "old", "zeta/z1", [("Q", "A")]))
    store.catalog.remove_model(store.catalog.live("zeta/z1").id)
    return called


@pytest.mark.parametrize(
    ("deed", "names"),
    [
        (fork, {"fork"}),
        (empty_the_trash, {"trash_in_parts", "erase_trashed"}),
        (move_and_take_back, {"move", "move_back"}),
        (remove_and_take_back, {"move", "move_back"}),
    ],
)
async def test_what_grows_with_the_store_is_done_in_a_thread(
    store: Store, threads: set[tuple[str, bool]], deed: Callable[..., Any], names: set[str]
) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await deed(app, pilot)
    assert threads == {(name, False) for name in names}


async def test_it_is_told_what_is_waited_for_and_goes_on_when_the_store_is_free(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with locked(store.path):
            app.chat_screen.conversation.transcript.focus()
            await pilot.press("f", "f")  # the second press is for the fork that is under way
            await shows(pilot, "Waiting to fork the chat.")
        await shows(pilot, "(fork)")
        await settled(pilot)
        assert app.waiting == ""
    assert store.chats.count() == 3


async def test_it_comes_after_what_waits_for_the_store_already(store: Store) -> None:
    app = still_app(store)
    done: list[str] = []
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with locked(store.path):

            def first() -> None:
                store.state.put("x", "1")
                done.append("first")

            app.write("be first", first)
            app.run_worker(app.written_apart("be second", lambda own: done.append(own.state.get("x"))))
            await until(pilot, lambda: app.waiting != "")
            assert done == []
        await until(pilot, lambda: len(done) == 2)
    assert done == ["first", "1"]


async def test_the_end_of_the_program_does_not_wait_for_it(store: Store) -> None:
    app = still_app(store)
    began = time.monotonic()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        release = threading.Event()
        app.run_worker(app.written_apart("sleep", lambda own: release.wait(20)))
        await until(pilot, lambda: app.working_apart == 1)
        await pilot.press("ctrl+q")
    assert time.monotonic() - began < 15
    release.set()


async def test_what_was_cancelled_while_the_store_was_locked_is_never_done(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        with locked(store.path):
            worker = app.run_worker(app.written_apart("put it", lambda own: own.state.put("x", "1")))
            await until(pilot, lambda: app.waiting != "")
            worker.cancel()
            await until(pilot, lambda: app.working_apart == 0)
            assert app.waiting == ""
        for thread in threading.enumerate():
            if thread.name == "apart":
                thread.join(10)
    assert store.state.get("x") == ""


async def test_what_was_cancelled_a_moment_before_the_store_was_free_is_never_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, free, over = (threading.Event() for _ in range(3))

    def asleep(attempt: Callable[[], object], tell: Callable[[float], None]) -> object:
        """Between two tries."""
        reached.set()
        free.wait(20)
        try:
            return attempt()
        finally:
            over.set()

    monkeypatch.setattr("localchat.tui.shell.persistently", asleep)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        worker = app.run_worker(app.written_apart("put it", lambda own: own.state.put("x", "1")))
        await until(pilot, reached.is_set)
        worker.cancel()
        await until(pilot, lambda: app.working_apart == 0)
        free.set()
        assert over.wait(20)
    assert store.state.get("x") == ""


async def test_what_it_raises_is_raised_where_it_was_asked_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(own: Store) -> None:
        raise StoreBusy("No.")

    app = still_app(store)
    async with app.run_test(size=SIZE):
        monkeypatch.setattr("localchat.tui.shell.persistently", lambda do, tell: do())
        with pytest.raises(StoreBusy):
            await app.written_apart("be refused", refused)
        assert app.working_apart == 0


async def test_a_chat_taken_out_of_the_trash_while_one_is_asked_stays(store: Store) -> None:
    kept, gone = (add_chat(store, name, "zeta/z1", [("Q", "A")]) for name in ("kept", "gone"))
    store.chats.trash(kept), store.chats.trash(gone)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.run_worker(chat_actions.empty_trash(app))
        await settled(pilot)
        assert "2 chats will be deleted for good" in screen_text(app)
        with Store(store.path) as other:
            other.chats.restore(kept)
            late = add_chat(other, "late", "zeta/z1", [("Q", "A")])
            other.chats.trash(late)
        await pilot.click("#yes")
        await settled(pilot)
        assert "Deleted 1 chat for good." in "".join(note.message for note in app._notifications)
    assert [store.chats.get(each).deleted_at is None for each in (kept, late)] == [True, False]
