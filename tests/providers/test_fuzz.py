"""Event streams of all three wire formats, damaged in their shapes and in their bytes: whatever comes is a reply, or an
error that a person can do something about, and it comes soon. What the examples are is the same in every run."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localchat.providers.limits import Budgets
from localchat.records import Finished
from tests.fakes import FORMATS
from tests.hostile import _CALL
from tests.providers.conftest import Make, Reply, asking, read
from tests.providers.test_endpoints import CLIENTS

CODES = {None, "provider_unavailable", "provider_rejected", "rate_limited", "context_too_long", "reply_cut",
         "reply_empty"}  # fmt: skip
SECONDS = 20.0  # for one stream of a few kilobytes, on a machine with much else to do

odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20), st.just([]), st.just({}),
    st.sampled_from(["<think>", "</think>", "\ud800", "\x00", "\x1b[2J", "stop", "error", "[DONE]", "x" * 3000]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["type", "text", "index", "content", "delta"]), st.none() | st.text(max_size=3)),
)  # fmt: skip


def events_of(kind: str) -> list[Any]:
    """A whole reply with everything that the format knows."""
    wire = FORMATS[kind]
    events = [*wire.start(), *wire.thought("Let me think."), *wire.text("Hello, "), *wire.text("world")]
    if kind == "openai":
        events.append(wire._chunk({"tool_calls": [_CALL]}))
        events.append(wire._chunk({"content": [{"type": "text", "text": "!"}], "reasoning_details": [{"text": "Hm"}]}))
    events += wire.finish("stop")
    events += wire.error_event("fault in the stream")
    return [{k: v for k, v in event.items() if k != "once"} if isinstance(event, dict) else event for event in events]


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a document something may be put."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [place for name, value in inner for place in [(*path, name), *places(value, (*path, name))]]


@st.composite
def streams(draw: st.DrawFn, kind: str) -> list[bytes]:
    """A reply with events left out, doubled and put elsewhere, values of any kind in any place, bytes changed, and the
    whole of it cut into parts anywhere."""
    wire = FORMATS[kind]
    events = [copy.deepcopy(event) for event in events_of(kind)]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(events) - 1))
        match draw(st.sampled_from(["leave out", "double", "move", "value", "value", "value"])):
            case "leave out" if len(events) > 1:
                events.pop(at)
            case "double":
                events.insert(at, copy.deepcopy(events[at]))
            case "move":
                events.insert(draw(st.integers(0, len(events) - 1)), events.pop(at))
            case "value" if found := places(events[at]):
                *way, last = draw(st.sampled_from(found))
                holder = events[at]
                for name in way:
                    holder = holder[name]
                holder[last] = draw(odd)
    if draw(st.booleans()):
        events = [event for event in events if "error" not in json.dumps(event)]
    stream = bytearray(b"".join(wire.encode(event) for event in events))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        stream[draw(st.integers(0, len(stream) - 1))] = draw(st.integers(0, 255))
    stream = stream[: draw(st.sampled_from([len(stream), len(stream), len(stream) * 2 // 3]))]
    cuts = sorted({0, len(stream), *draw(st.lists(st.integers(0, len(stream)), max_size=4))})
    return [bytes(stream[a:b]) for a, b in zip(cuts, cuts[1:] or cuts, strict=False)]


class Body(httpx2.AsyncByteStream):
    def __init__(self, parts: list[bytes]) -> None:
        self.parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part


Answer = Callable[[list[bytes]], None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """What every request gets, without a socket."""
    body: list[bytes] = []

    async def answer(self: object, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Body(list(body)))

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", answer)

    def use(parts: list[bytes]) -> None:
        body[:] = parts

    return use


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("kind", "examples"), [("openai", 250), ("anthropic", 60), ("google", 60)])
def test_no_stream_is_a_bug_and_none_takes_long(kind: str, examples: int, provider: Make, answering: Answer) -> None:
    acme = provider(kind, "http://127.0.0.1:1/v1")
    loop = asyncio.new_event_loop()
    loop.run_until_complete(CLIENTS[kind](acme).warm())

    @settings(max_examples=examples, derandomize=True, deadline=None, database=None,
              suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip
    @given(parts=streams(kind))
    def whatever_comes(parts: list[bytes]) -> None:
        answering(parts)
        reply, began = Reply(), time.monotonic()
        client = CLIENTS[kind](acme, budgets=Budgets(first_word=SECONDS, between=SECONDS))
        loop.run_until_complete(read(client, asking("plain"), reply))
        assert reply.code in CODES
        assert (reply.error is None) == bool(reply.pieces and isinstance(reply.pieces[-1], Finished))
        assert time.monotonic() - began < SECONDS

    try:
        whatever_comes()
    finally:
        loop.set_exception_handler(lambda *_: None)  # Google's SDK leaves generators to the collector, which complains
        gc.collect()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.mark.parametrize("kind", list(CLIENTS))
async def test_the_stream_that_is_damaged_is_a_reply_while_it_is_whole(
    kind: str, provider: Make, answering: Answer
) -> None:
    wire = FORMATS[kind]
    answering([b"".join(wire.encode(event) for event in events_of(kind)[:-1])])
    reply = await read(CLIENTS[kind](provider(kind, "http://127.0.0.1:1/v1")), asking("plain"))
    assert reply.error is None
    assert reply.text.startswith("Hello, world")
    assert reply.reasoning.startswith("Let me think.")
