"""Server-sent events as the HTML standard has them, cut anywhere."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localchat.providers.events import events

CASES = [
    (b"data: one\n\ndata: two\n\n", ["one", "two"]),
    (b"data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]),
    (b"data: one\r\rdata: two\r\r", ["one", "two"]),
    (b"data: one\r\n\ndata: two\n\r\n", ["one", "two"]),
    (b"data: a\r\ndata: b\r\n\r\n", ["a\nb"]),
    (b"data:one\n\ndata:  two\n\n", ["one", " two"]),
    (b"data: a\ndata: b\ndata\ndata:\ndata: c\n\n", ["a\nb\n\n\nc"]),
    (b": comment\ndata: one\n: another\n\n:\n\n", ["one"]),
    (b"event: x\nid: 5\nretry: 3\nodd: y\ndata: one\n\nid: 6\n\nevent: z\n\n", ["one"]),
    (b"\xef\xbb\xbfdata: one\n\n\xef\xbb\xbfdata: two\n\n", ["one"]),
    ("data: 数据 🙂 é\n\n".encode(), ["数据 🙂 é"]),
    (b"data: a\xffb\n\n", ["a\ufffdb"]),
    (b"data: \xe2\x80\xa8\x0b\x0c\x1c\x85\n\n", ["\u2028\x0b\x0c\x1c\ufffd"]),
    (b"\n\n\n", []),
    (b"data\n\n", [""]),
    (b"data: one\n\ndata: the end without its line", ["one", "the end without its line"]),
    (b"data: one\n\ndata: two\n", ["one", "two"]),
    (b"Data: no\nDATA: no\n data: no\n\n", []),
    (b"", []),
]


async def read(parts: list[bytes]) -> list[str]:
    async def body() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return [data async for data in events(body())]


@pytest.mark.parametrize(("stream", "data"), CASES)
async def test_a_stream_is_read_as_the_standard_says(stream: bytes, data: list[str]) -> None:
    assert await read([stream]) == data


@pytest.mark.parametrize(("stream", "data"), CASES)
async def test_it_may_be_cut_after_any_byte(stream: bytes, data: list[str]) -> None:
    assert await read([stream[at : at + 1] for at in range(len(stream))]) == data
    for at in range(len(stream)):
        assert await read([stream[:at], b"", stream[at:]]) == data


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=5),
    ending=st.sampled_from(["\n", "\r", "\r\n"]),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
async def test_whatever_was_written_is_read(texts: list[str], ending: str, cuts: list[int]) -> None:
    stream = "".join(f"data: {text}{ending}{ending}" for text in texts).encode()
    at = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    assert await read([stream[a:b] for a, b in itertools.pairwise(at)]) == texts
