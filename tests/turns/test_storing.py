"""Words first, the reply as it grows, and what a stop keeps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localchat.errors import InvalidInput
from localchat.records import Finished, Piece, Progress, ReasoningPiece, Request, TextPiece, Usage
from localchat.store import Store
from localchat.testing import Reply, Script, StillClock
from localchat.turns import Began, Chunk, Connect, Ended, Event, NewTurn, Thought, Waiting, send
from tests.turns.helpers import (
    RAIN,
    Asked,
    began,
    chat,
    ended,
    everything,
    last,
    line,
    one,
    plain,
    seen,
    turn,
    words,
)

LAST_TWO = "select role, status, content, writer is not null from messages order by id desc limit 2"
NEWEST = "select status, content, reasoning from messages order by id desc limit 1"


async def test_words_and_an_empty_reply_are_in_the_file_before_the_client_is_even_made(
    store: Store, path: Path
) -> None:
    found = []

    async def answer(_: Request) -> AsyncIterator[Piece]:
        found.append(seen(path, LAST_TWO))
        yield TextPiece("Yes.")
        yield Finished("stop")

    asked = Asked(answer)

    def connect(provider: object) -> Asked:
        found.append(seen(path, LAST_TWO))
        return asked

    await turn(store, connect, "Is it stored?")
    both = [("assistant", "streaming", "", 1), ("user", "complete", "Is it stored?", 0)]
    assert found == [both, both]


async def test_a_turn_tells_who_answers_then_the_words_then_the_reply_as_it_is_stored(
    store: Store, clock: StillClock
) -> None:
    script = Script(Reply("It does rain.", reasoning="Hm.", progress=(Progress("loads", 1, 2),), usage=Usage(7, 3)))
    events = []
    async for event in send(store, script.connect, NewTurn("Rain?")):
        clock.advance(seconds=0.5)
        events.append(event)
    assert [type(event) for event in events] == [Began, Waiting, Thought, Chunk, Chunk, Chunk, Ended]
    assert words(events) == "It does rain."
    start, end = began(events), ended(events)
    assert start.new_chat
    assert start.prompt is not None
    assert start.prompt.content == "Rain?"
    assert start.reply.id == end.message.id
    assert end.error is None
    assert end.kept
    message = store.messages.get(end.message.id)
    assert message == end.message
    assert (message.content, message.reasoning, message.status) == ("It does rain.", "Hm.", "complete")
    assert (message.finish_reason, message.usage, message.duration_ms) == ("stop", Usage(7, 3), 3000)
    assert message.model is not None
    assert message.model.ref == "alpha/a1"


async def test_a_new_chat_is_named_after_its_first_words_and_a_next_turn_goes_on_in_it(store: Store) -> None:
    script = Script("One.", "Two.")
    first = began(await turn(store, script.connect, "  What is\n a monad?  ")).chat
    await turn(store, script.connect, "And a functor?", first.id)
    assert store.chats.get(first.id).title == "What is a monad?"
    assert line(store, first.id) == [
        ("user", "  What is\n a monad?  "),
        ("assistant", "One."),
        ("user", "And a functor?"),
        ("assistant", "Two."),
    ]
    assert store.chats.last() == store.chats.get(first.id)


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
async def test_nothing_to_say_is_refused_and_stores_nothing(store: Store, path: Path, text: str) -> None:
    before = everything(path)
    for chat_id in (None, chat(store, RAIN).id):
        with pytest.raises(InvalidInput, match="nothing to send"):
            await turn(store, Script().connect, text, chat_id)
    assert everything(path) == before


@pytest.mark.parametrize(
    "text",
    ["[/] [@click=app.quit]x", "nul \0 inside", "\x1b]0;title\x07", "\ud800 half", "🙂 مرحبا \u202e", "x" * 1_000_000],
    ids=["markup", "nul", "escape", "surrogate", "scripts", "a megabyte"],
)
async def test_nasty_words_are_stored_sent_and_answered_as_they_are(store: Store, text: str) -> None:
    async def echo(request: Request) -> AsyncIterator[Piece]:
        yield TextPiece(request.lines[-1].content)
        yield Finished("stop")

    events = await turn(store, Asked(echo).connect, text)
    kept = text.replace("\ud800", "\ufffd")
    assert ended(events).message.status == "complete"
    assert line(store, began(events).chat.id) == [("user", kept), ("assistant", kept)]


# Saved as it grows.


async def test_what_came_is_in_the_file_within_250_ms_also_when_the_next_word_comes_much_later(
    store: Store, path: Path
) -> None:
    found = []

    async def slowly(_: Request) -> AsyncIterator[Piece]:
        for number, pause in enumerate((0.25, 0.6, 0.25)):
            yield ReasoningPiece(f"t{number} ")
            yield TextPiece(f"w{number} ")
            await asyncio.sleep(pause)
            found.append(seen(path, NEWEST))
        yield Finished("stop")

    await turn(store, Asked(slowly).connect, "Slowly, please.")
    assert found == [
        [("streaming", "w0 ", "t0 ")],
        [("streaming", "w0 w1 ", "t0 t1 ")],
        [("streaming", "w0 w1 w2 ", "t0 t1 t2 ")],
    ]


async def test_a_reply_that_says_nothing_for_a_while_writes_nothing(store: Store, path: Path) -> None:
    changes = []

    async def slowly(_: Request) -> AsyncIterator[Piece]:
        yield TextPiece("once")
        for _pause in range(3):
            await asyncio.sleep(0.22)
            changes.append(store.connection.total_changes)
        yield Finished("stop")

    await turn(store, Asked(slowly).connect, "Slowly, please.")
    assert changes[0] == changes[1] == changes[2]


async def test_a_reply_comes_through_while_the_reader_of_the_events_is_slow(store: Store, path: Path) -> None:
    """A screen may take its time with an event; what came before is saved all the same."""
    found = []
    async for event in send(store, Script("one two").connect, NewTurn("Hello")):
        if isinstance(event, Chunk):
            await asyncio.sleep(0.25)
            found.append(seen(path, NEWEST)[0][1])
    assert found == ["one", "one two"]


# Stopped.


def stops_at(
    store: Store, connect: Connect, kind: type[Event], number: int = 1
) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A turn that has told the event of that kind so many times, in a task to cancel."""
    there = asyncio.Event()

    async def run() -> None:
        count = 0
        async for event in send(store, connect, NewTurn("Go on", chat_id=chat(store, RAIN).id)):
            count += isinstance(event, kind)
            if count == number:
                there.set()

    return asyncio.create_task(run()), there


HOLDING = Reply("one two three", reasoning="Hm.", hold=True)


async def test_cancelling_the_task_keeps_what_came_as_stopped(store: Store, path: Path) -> None:
    task, there = stops_at(store, Script(HOLDING).connect, Chunk, 3)
    await there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    message = last(store, chat(store, RAIN).id)
    assert (message.status, message.content, message.reasoning) == ("stopped", "one two three", "Hm.")
    assert message.error is None
    assert seen(path, "select count(*) from messages where writer is not null") == [(0,)]


@pytest.mark.parametrize("progress", [(), (Progress("fetches"),)], ids=["asked", "waiting"])
async def test_cancelling_before_the_first_word_keeps_an_empty_stopped_reply(
    store: Store, progress: tuple[Progress, ...]
) -> None:
    task, there = stops_at(store, Script(Reply("never", pause=60, progress=progress)).connect, Began)
    await there.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert line(store, chat(store, RAIN).id)[-2:] == [("user", "Go on"), ("assistant", "")]
    assert last(store, chat(store, RAIN).id).status == "stopped"


@pytest.mark.parametrize("told", range(1, 7))
async def test_closing_the_events_after_any_of_them_keeps_what_came(store: Store, told: int) -> None:
    script = Script(Reply("one two three", reasoning="Hm.", progress=(Progress("loads"),)))
    events = send(store, script.connect, NewTurn("Go on", chat_id=chat(store, RAIN).id))
    came = [await anext(events) for _ in range(told)]
    await events.aclose()
    message = last(store, chat(store, RAIN).id)
    assert (message.status, message.content) == ("stopped", words(came))
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_closing_the_events_after_the_last_of_them_changes_nothing(store: Store) -> None:
    asked = Asked(plain)
    events = send(store, asked.connect, NewTurn("Go on", chat_id=chat(store, RAIN).id))
    while not isinstance(await anext(events), Ended):
        pass
    await events.aclose()
    message = last(store, chat(store, RAIN).id)
    assert (message.status, message.content) == ("complete", "Yes.")
    assert asked.closed == 1


async def test_events_that_nobody_reads_on_are_stopped_and_not_left_streaming(store: Store) -> None:
    """A reader that leaves its loop without closing: Python closes the generator when it is collected."""
    async for event in send(store, Script("one two").connect, NewTurn("Go on", chat_id=chat(store, RAIN).id)):
        if isinstance(event, Chunk):
            break
    del event
    for _ in range(50):
        await asyncio.sleep(0.01)
        if last(store, chat(store, RAIN).id).status == "stopped":
            break
    assert last(store, chat(store, RAIN).id).content == "one"


async def test_a_stop_at_any_step_of_the_event_loop_leaves_no_reply_streaming(store: Store) -> None:
    """Cancelled after 0, 1, 2 … steps until a turn came through: what was told is kept, and nothing else."""

    async def run(told: list[Event]) -> None:
        async for event in send(store, Script("one two three").connect, NewTurn("Go on")):
            told.append(event)  # noqa: PERF401

    for steps in range(100):
        told: list[Event] = []
        before = store.chats.last()
        task = asyncio.create_task(run(told))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        after = store.chats.last()
        assert after is not None
        if not told:
            assert after == before
            continue
        message = last(store, after.id)
        assert message.status in ("stopped", "complete")
        assert message.content == words(told)
        if isinstance(told[-1], Ended):
            assert message.status == "complete"
            assert steps > 5
            return
    pytest.fail("no turn came through")


async def test_stopping_closes_the_client_and_its_stream(store: Store) -> None:
    closed = asyncio.Event()

    async def endless(_: Request) -> AsyncIterator[Piece]:
        try:
            yield TextPiece("one")
            await asyncio.sleep(600)
        finally:
            closed.set()

    asked = Asked(endless)
    task, there = stops_at(store, asked.connect, Chunk)
    await there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed.is_set()
    assert asked.closed == 1


async def test_closing_the_events_between_two_words_closes_the_stream_at_once(store: Store) -> None:
    """And not whenever Python collects it: until then the endpoint would go on working."""
    closed = []

    async def endless(_: Request) -> AsyncIterator[Piece]:
        try:
            while True:
                yield TextPiece("on and ")
        finally:
            closed.append(True)

    stream = endless(Request("m", ()))
    asked = Asked(plain)
    asked.stream = lambda _: stream  # type: ignore[method-assign, assignment]
    events = send(store, asked.connect, NewTurn("Go on", chat_id=chat(store, RAIN).id))
    while not isinstance(await anext(events), Chunk):
        pass
    await events.aclose()
    assert closed == [True]


async def test_a_stopped_reply_is_sent_with_the_next_turn_as_far_as_it_came(store: Store) -> None:
    script = Script(HOLDING, "Next.")
    task, there = stops_at(store, script.connect, Chunk, 3)
    await there.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await turn(store, script.connect, "And then?", chat(store, RAIN).id)
    sent = [(sent.role, sent.content) for sent in script.requests[-1][1].lines]
    assert sent[-3:] == [("user", "Go on"), ("assistant", "one two three"), ("user", "And then?")]


async def test_the_last_of_the_words_come_with_the_end_however_late_the_last_save_was(store: Store, path: Path) -> None:
    events = await turn(store, Script("a b c").connect, "Hello")
    assert one(events, Ended).message.content == "a b c"
    assert seen(path, NEWEST) == [("complete", "a b c", "")]
