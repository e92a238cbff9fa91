"""The store is busy, full, gone, or the chat is: what came is told whatever happens, and nothing crashes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from localchat.errors import DiskFull, Internal, LocalChatError, NotFound, StoreBusy, StoreUnreadable
from localchat.records import Finished, Piece, Request, TextPiece
from localchat.store import PendingWrites, Store, patiently, pending
from localchat.testing import Reply, Script
from localchat.turns import Began, Chunk, Ended, NewTurn, reply_writer, send, sending
from tests.store.helpers import raw
from tests.turns.helpers import RAIN, Asked, chat, ended, everything, last, line, plain, seen, turn, words


class Lock:
    """Another program that holds the store's write lock, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held = threading.Event()
        self.free = threading.Event()
        self.gone = threading.Event()

    def _hold(self, seconds: float) -> None:
        with raw(self.path) as other:
            other.execute("begin immediate")
            self.held.set()
            self.free.wait(seconds)
            self.gone.set()
            other.execute("commit")

    @contextlib.contextmanager
    def taken(self, seconds: float) -> Iterator[None]:
        """For so many seconds, or until ``free`` is set."""
        thread = threading.Thread(target=self._hold, args=(seconds,))
        thread.start()
        self.held.wait(10)
        try:
            yield
        finally:
            self.free.set()
            thread.join()


class Pulse:
    """Whether the event loop went on: the longest pause between two of its beats, in seconds."""

    async def __aenter__(self) -> Pulse:
        self.longest = 0.0
        self._task = asyncio.create_task(self._beat())
        return self

    async def _beat(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            self.longest = max(self.longest, time.monotonic() - before)

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()


# Busy.


async def test_a_turn_waits_for_a_busy_store_without_freezing_the_screen(store: Store, path: Path) -> None:
    began = time.monotonic()
    with Lock(path).taken(1.0):
        async with Pulse() as pulse:
            events = await turn(store, Script("Yes.").connect, "Hello")
    assert time.monotonic() - began >= 0.9
    assert pulse.longest < 0.8
    assert (ended(events).message.status, ended(events).kept) == ("complete", True)


async def test_a_store_that_is_busy_while_a_reply_comes_delays_no_word_and_loses_none(store: Store, path: Path) -> None:
    lock, told = Lock(path), []
    with contextlib.ExitStack() as stack:
        async for event in send(store, Script(Reply("one two three", pause=0.1)).connect, NewTurn("Hello")):
            told.append(event)
            if isinstance(event, Began):
                stack.enter_context(lock.taken(30))
            elif isinstance(event, Chunk):
                assert not lock.gone.is_set()
            if words(told) == "one two three":
                asyncio.get_running_loop().call_later(0.2, lock.free.set)
            assert isinstance(event, Ended) == lock.gone.is_set()  # the end waits for the store
    end = ended(told)
    assert (end.message.status, end.message.content, end.kept) == ("complete", "one two three", True)


async def test_a_save_that_met_a_lock_is_made_up_for_as_soon_as_the_lock_is_gone(store: Store, path: Path) -> None:
    found = []
    lock = Lock(path)

    async def slowly(_: Request) -> AsyncIterator[Piece]:
        with lock.taken(30):
            yield TextPiece("one")
            await asyncio.sleep(0.3)
            found.append(seen(path, "select content from messages where status = 'streaming'"))
        await asyncio.sleep(0.06)
        found.append(seen(path, "select content from messages where status = 'streaming'"))
        yield Finished("stop")

    await turn(store, Asked(slowly).connect, "Hello")
    assert found == [[("",)], [("one",)]]


async def test_a_stop_waits_for_a_busy_store_however_often_it_is_repeated(store: Store, path: Path) -> None:
    """Pressing escape again and again, or quitting meanwhile, does not lose what came."""
    there = asyncio.Event()

    async def run() -> None:
        async for event in send(store, Script(Reply("one two", hold=True)).connect, NewTurn("Hello")):
            if isinstance(event, Chunk) and event.text == " two":
                there.set()

    task = asyncio.create_task(run())
    await there.wait()
    with Lock(path).taken(30):
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0.02)
        assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen(path, "select status, content from messages order by id desc limit 1") == [("stopped", "one two")]


async def test_a_stop_while_the_end_waits_for_the_store_leaves_a_complete_reply(store: Store, path: Path) -> None:
    locked = asyncio.Event()

    async def answer(_: Request) -> AsyncIterator[Piece]:
        yield TextPiece("all of it")
        stack.enter_context(Lock(path).taken(30))
        locked.set()
        yield Finished("stop")

    async def run() -> None:
        async for _ in send(store, Asked(answer).connect, NewTurn("Hello")):
            pass

    with contextlib.ExitStack() as stack:
        task = asyncio.create_task(run())
        await locked.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen(path, "select status, content from messages order by id desc limit 1") == [("complete", "all of it")]


async def test_a_turn_cancelled_while_it_waits_to_begin_stores_nothing(store: Store, path: Path) -> None:
    before = everything(path)
    with Lock(path).taken(30):
        task = asyncio.create_task(turn(store, Script().connect, "Hello"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert everything(path) == before


# What the store refuses at the end is told, and made up for.


@pytest.fixture
async def later(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PendingWrites]:
    """Takes the ends that the store refuses; gives up a busy store after a moment, and tries again soon."""
    tasks: list[asyncio.Task[None]] = []

    async def soon(write: object) -> object:
        return await patiently(write, 0.1)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "patiently", soon)
    monkeypatch.setattr(reply_writer, "END_PATIENCE", 0.1)
    monkeypatch.setattr(pending, "KEEP_TRYING", 0.05)
    yield PendingWrites(lambda work, name: tasks.append(asyncio.create_task(work, name=name)))
    for task in tasks:
        task.cancel()


@contextlib.contextmanager
def full(store: Store) -> Iterator[None]:
    """A disk on which the store cannot grow."""
    with raw(store.path) as other:  # what is free inside the file is used up
        other.execute("vacuum")
    pages = store.connection.execute("pragma page_count").fetchone()[0]
    store.connection.execute(f"pragma max_page_count = {pages}")
    try:
        yield
    finally:
        store.connection.execute("pragma max_page_count = 1000000000")


async def finally_stored(path: Path, content: str) -> None:
    for _ in range(100):
        await asyncio.sleep(0.02)
        if seen(path, "select status, content from messages order by id desc limit 1") == [("complete", content)]:
            return
    pytest.fail("the reply was never stored")


async def test_a_full_disk_refuses_the_turn_before_anything_is_sent(store: Store, path: Path) -> None:
    before, script = everything(path), Script()
    text = "x" * 100_000
    with full(store):
        for chat_id in (None, chat(store, RAIN).id):
            with pytest.raises(DiskFull):
                await turn(store, script.connect, text, chat_id)
    assert script.requests == []
    assert everything(path) == before
    await turn(store, script.connect, text)
    assert len(script.requests) == 1


async def test_a_disk_that_is_full_at_the_end_is_told_with_all_that_came_and_made_up_for(
    store: Store, path: Path, later: PendingWrites
) -> None:
    reply = "word " * 20_000
    events = []
    with contextlib.ExitStack() as stack:
        async for event in send(store, Script(Reply(reply)).connect, NewTurn("Hello"), pending=later):
            if isinstance(event, Began):
                stack.enter_context(full(store))
            events.append(event)
        end = ended(events)
        assert isinstance(end.error, DiskFull)
        assert not end.kept
        assert words(events) == end.message.content == reply
        assert end.message.status == "failed"
        assert end.message.error is not None
        assert end.message.error.code == "disk_full"
        assert seen(path, "select status, content from messages order by id desc limit 1") == [("streaming", "")]
    await finally_stored(path, reply)


async def test_a_disk_that_is_full_for_a_moment_in_the_middle_is_not_even_noticed(store: Store, path: Path) -> None:
    found = []

    async def answer(_: Request) -> AsyncIterator[Piece]:
        with full(store):
            yield TextPiece("word " * 20_000)
            await asyncio.sleep(0.25)
            found.append(seen(path, "select content from messages where status = 'streaming'"))
        await asyncio.sleep(0.25)
        found.append(seen(path, "select content from messages where status = 'streaming'"))
        yield Finished("stop")

    events = await turn(store, Asked(answer).connect, "Hello")
    assert found == [[("",)], [("word " * 20_000,)]]
    assert (ended(events).message.status, ended(events).error) == ("complete", None)


async def test_a_store_locked_for_good_at_the_end_is_told_and_made_up_for(
    store: Store, path: Path, later: PendingWrites
) -> None:
    lock, events = Lock(path), []
    with contextlib.ExitStack() as stack:
        async for event in send(store, Script("one two").connect, NewTurn("Hello"), pending=later):
            if isinstance(event, Chunk) and not lock.held.is_set():
                stack.enter_context(lock.taken(30))
            events.append(event)
        assert isinstance(ended(events).error, StoreBusy)
        assert ended(events).message.content == "one two"
    await finally_stored(path, "one two")


async def test_a_stop_that_cannot_be_stored_is_told_and_made_up_for(
    store: Store, path: Path, later: PendingWrites
) -> None:
    events = send(store, Script(Reply("one two")).connect, NewTurn("Hello"), pending=later)
    await anext(events)
    await anext(events)
    with Lock(path).taken(30), pytest.raises(StoreBusy):
        await events.aclose()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if seen(path, "select status, content from messages order by id desc limit 1") == [("stopped", "one")]:
            return
    pytest.fail("what came was never stored")


async def test_a_store_that_is_away_at_the_end_gets_the_reply_when_it_is_back(
    store: Store, path: Path, tmp_path: Path, later: PendingWrites
) -> None:
    """A disk that was unplugged for a moment, a folder that was renamed and named back."""
    events = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello"), pending=later):
        if isinstance(event, Chunk) and event.text == " two":
            os.rename(path, tmp_path / "aside.db")  # noqa: PTH104
        events.append(event)
    assert isinstance(ended(events).error, StoreUnreadable)
    os.rename(tmp_path / "aside.db", path)  # noqa: PTH104
    await finally_stored(path, "one two")


# The file is gone.


async def test_a_store_deleted_under_way_is_told_with_all_that_came(store: Store, path: Path) -> None:
    """SQLite itself goes on writing into the deleted file."""
    events = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello")):
        if isinstance(event, Began):
            for file in path.parent.iterdir():
                file.unlink()
        events.append(event)
    end = ended(events)
    assert isinstance(end.error, StoreUnreadable)
    assert "was moved or deleted" in end.error.message
    assert str(path) in end.error.message
    assert (end.kept, end.message.content, words(events)) == (False, "one two", "one two")
    script = Script()
    with pytest.raises(StoreUnreadable):
        await turn(store, script.connect, "Next")
    assert script.requests == []


async def test_a_store_moved_away_and_back_goes_on(store: Store, path: Path, tmp_path: Path) -> None:
    os.rename(path, tmp_path / "aside.db")  # noqa: PTH104
    with pytest.raises(StoreUnreadable):
        await turn(store, Script().connect, "Hello")
    os.rename(tmp_path / "aside.db", path)  # noqa: PTH104
    assert ended(await turn(store, Script().connect, "Hello")).kept


async def test_a_store_replaced_by_another_file_is_not_taken_for_ours(store: Store, path: Path, tmp_path: Path) -> None:
    Store(tmp_path / "other.db").close()
    (tmp_path / "other.db").replace(path)
    with pytest.raises(StoreUnreadable, match="was moved or deleted"):
        await turn(store, Script().connect, "Hello")


def damage(store: Store) -> None:
    """Overwrite all of the file but its first page, and forget what was read of it."""
    store.connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (store.path.stat().st_size - 4096))
    store.connection.execute("pragma shrink_memory")


async def test_a_store_damaged_under_way_is_told_with_all_that_came(store: Store) -> None:
    events = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello")):
        if isinstance(event, Chunk) and event.text == "one":
            damage(store)
        events.append(event)
    end = ended(events)
    assert isinstance(end.error, StoreUnreadable)
    assert "damaged" in end.error.message
    assert (end.kept, end.message.content) == (False, "one two")


async def test_a_store_damaged_before_the_endpoint_is_asked_asks_nobody(store: Store) -> None:
    events, script = [], Script("one two")
    async for event in send(store, script.connect, NewTurn("Hello")):
        if isinstance(event, Began):
            damage(store)
        events.append(event)
    assert isinstance(ended(events).error, StoreUnreadable)
    assert script.requests == []


async def test_a_store_that_was_closed_under_way_ends_the_turn_and_does_not_crash(tmp_path: Path) -> None:
    store = Store(tmp_path / "closed.db", busy_timeout=0)
    store.catalog.add_provider("e", "echo")
    store.catalog.make_default(store.catalog.add_model("e", "m").id)
    events = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello")):
        if isinstance(event, Chunk):
            store.close()
        events.append(event)
    end = ended(events)
    assert isinstance(end.error, Internal | StoreUnreadable)
    assert end.message.content == words(events) == "one two"


# The chat is gone.


async def test_a_chat_put_into_the_trash_under_way_keeps_its_reply(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    async for event in send(store, Script("one two").connect, NewTurn("Hello", chat_id=chat_id)):
        if isinstance(event, Began):
            store.chats.trash(chat_id)
    store.chats.restore(chat_id)
    assert (last(store, chat_id).status, last(store, chat_id).content) == ("complete", "one two")


@pytest.mark.parametrize("wait", [0.0, 0.25])
async def test_a_chat_deleted_for_good_under_way_still_tells_its_words(store: Store, path: Path, wait: float) -> None:
    chat_id = chat(store, RAIN).id
    events = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello", chat_id=chat_id)):
        if isinstance(event, Began):
            with Store(path) as other:
                other.chats.trash(chat_id)
                other.chats.empty_trash()
        await asyncio.sleep(wait)
        events.append(event)
    end = ended(events)
    assert words(events) == end.message.content == "one two"
    assert isinstance(end.error, NotFound)
    assert "“Rain in Lisbon” was deleted for good" in end.error.message
    assert not end.kept
    assert seen(path, "select count(*) from messages where chat_id = ?", chat_id) == [(0,)]


async def test_stopping_a_reply_whose_chat_was_deleted_for_good_is_quiet(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    events = send(store, Script("one two").connect, NewTurn("Hello", chat_id=chat_id))
    await anext(events)
    store.chats.trash(chat_id)
    store.chats.empty_trash()
    await events.aclose()


async def test_a_chat_deleted_while_its_turn_fails_tells_the_deletion(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    script = Script(Reply("", error=LocalChatError("Something.")))
    events = []
    async for event in send(store, script.connect, NewTurn("Hello", chat_id=chat_id)):
        if isinstance(event, Began):
            store.chats.trash(chat_id)
            store.chats.empty_trash()
        events.append(event)
    assert isinstance(ended(events).error, NotFound)


# Several turns at once in one process.


async def test_two_turns_in_two_chats_at_once_do_not_mix(store: Store) -> None:
    script = Script(Reply("one two three", pause=0.01))
    both = await asyncio.gather(*(turn(store, script.connect, f"Question {number}") for number in range(5)))
    for number, events in enumerate(both):
        first = events[0]
        assert isinstance(first, Began)
        assert line(store, first.chat.id) == [("user", f"Question {number}"), ("assistant", "one two three")]


async def test_two_turns_in_one_chat_at_once_lose_no_message(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    script = Script(Reply("one two three", pause=0.01))
    await asyncio.gather(*(turn(store, script.connect, f"Question {number}", chat_id) for number in range(5)))
    said = line(store, chat_id)[2:]
    assert [content for role, content in said if role == "user"] == [f"Question {number}" for number in range(5)]
    assert [content for role, content in said if role == "assistant"] == ["one two three"] * 5


async def test_a_turn_leaves_no_task_behind(store: Store) -> None:
    before = asyncio.all_tasks()
    await turn(store, Asked(plain).connect, "Hello")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
