"""What docs/echo.md promises."""

from __future__ import annotations

import asyncio
import time

import pytest

from localchat.errors import BY_CODE, InvalidInput, LocalChatError, ProviderUnavailable, RateLimited, ReplyCut
from localchat.providers.echo import EchoClient, words_of
from localchat.records import Finished, Line, Piece, ReasoningPiece, Request, TextPiece, Usage


def asking(*prompts: str, **parameters: object) -> Request:
    return Request("echo", tuple(Line("user", prompt) for prompt in prompts), parameters=dict(parameters))


async def pieces(request: Request, into: list[Piece] | None = None) -> list[Piece]:
    """All pieces; those before an error are left in ``into``."""
    came = [] if into is None else into
    async for piece in EchoClient().stream(request):
        came.append(piece)
    return came


async def reply(prompt: str) -> str:
    return "".join(piece.text for piece in await pieces(asking(prompt)) if isinstance(piece, TextPiece))


@pytest.mark.parametrize(
    "text",
    ["hello", "two words", "  led by spaces", "trailing \n\n", "tabs\tand\n\n  indented\n", "", "   \n ",
     "数据库 🙂 مرحبا", "/echoes are no steering",
     " /echo slow 1 x", "nul\x00 and \x1b[2J stay raw", "[/] [@click=app.quit]x"],
)  # fmt: skip
async def test_the_reply_to_a_text_is_that_text(text: str) -> None:
    assert await reply(text) == text
    assert "".join(words_of(text)) == text


async def test_a_reply_comes_word_by_word_and_ends_with_usage_in_words() -> None:
    lines = (Line("user", "first"), Line("assistant", "first"), Line("user", "one two  three"))
    request = Request("echo", lines, "be calm")
    assert await pieces(request) == [
        TextPiece("one"), TextPiece(" two"), TextPiece("  three"), Finished("stop", Usage(7, 3)),
    ]  # fmt: skip


async def test_it_answers_the_last_line_of_the_user() -> None:
    request = Request("echo", (Line("user", "old"), Line("user", "new"), Line("assistant", "half")))
    assert (await pieces(request))[0] == TextPiece("new")


async def test_slow_waits_between_words_and_keeps_the_text() -> None:
    began = time.monotonic()
    assert await reply("/echo slow 0.05 one  two three") == "one  two three"
    assert 0.1 <= time.monotonic() - began < 1


async def test_a_slow_reply_can_be_cancelled() -> None:
    came: list[Piece] = []
    task = asyncio.create_task(pieces(asking("/echo slow 600 one two"), came))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert came == [TextPiece("one")]


@pytest.mark.parametrize("code", list(BY_CODE))
async def test_fail_raises_the_error_of_that_code_before_the_first_word(code: str) -> None:
    for prompt in (f"/echo fail {code} because I say so", f"/echo fail {code}"):
        with pytest.raises(LocalChatError) as caught:
            await pieces(asking(prompt))
        assert type(caught.value) is BY_CODE[code]
        assert caught.value.code == code
        assert caught.value.message
    with pytest.raises(LocalChatError) as caught:
        await pieces(asking(f"/echo fail {code} because I say so"))
    assert "because I say so" in f"{caught.value.message} {caught.value.hint}"


async def test_rate_limited_says_how_long_to_wait() -> None:
    with pytest.raises(RateLimited) as caught:
        await pieces(asking("/echo fail rate_limited slow down"))
    assert caught.value.retry_after == 1.0


async def test_cut_breaks_the_stream_after_that_many_words() -> None:
    came: list[Piece] = []
    with pytest.raises(ReplyCut, match="after 2 words"):
        await pieces(asking("/echo cut 2 one two three"), came)
    assert came == [TextPiece("one"), TextPiece(" two")]


async def test_cut_beyond_the_text_breaks_at_its_end() -> None:
    with pytest.raises(ReplyCut, match="after 1 word,"):
        await pieces(asking("/echo cut 9 one"))


async def test_a_break_before_the_first_word_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable):
        await pieces(asking("/echo cut 0 one two"))


async def test_think_reasons_first() -> None:
    came = await pieces(asking("/echo think one two"))
    kinds = [type(piece) for piece in came]
    assert kinds == sorted(kinds, key=[ReasoningPiece, TextPiece, Finished].index)
    reasoning = "".join(piece.text for piece in came if isinstance(piece, ReasoningPiece))
    assert reasoning == "I was told 2 words. I will say them again.\n"
    assert "".join(p.text for p in came if isinstance(p, TextPiece)) == "one two"


async def test_markdown_is_long_and_always_the_same() -> None:
    sample = await reply("/echo markdown")
    assert sample == await reply("/echo markdown and more words")
    for part in ("# ", "\n- ", "\n1. ", "   - nested", "|:---", "```python", "```sql", "```rust", "> ", "](https://"):
        assert part in sample
    assert all(letter in sample for letter in "🙂数ש")
    assert len(sample.splitlines()) > 60


async def test_max_tokens_counts_words_and_ends_with_length() -> None:
    assert await pieces(asking("one two three", max_tokens=2)) == [
        TextPiece("one"), TextPiece(" two"), Finished("length", Usage(3, 2)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("/echo", "no such instruction"),
        ("/echo dance", "dance"),
        ("/echo slow", "seconds"),
        ("/echo slow soon text", "soon"),
        ("/echo slow -1 text", "-1"),
        ("/echo slow nan text", "nan"),
        ("/echo slow inf text", "inf"),
        ("/echo slow 1e9 text", "1e9"),
        ("/echo slow 3601 text", "3601"),
        ("/echo slow " + "9" * 5000 + " text", "999"),
        ("/echo fail", "provider_unavailable"),
        ("/echo fail nonsense text", "nonsense"),
        ("/echo cut", "whole number"),
        ("/echo cut -3 text", "-3"),
        ("/echo cut 1.5 text", "1.5"),
        ("/echo cut " + "9" * 5000 + " text", "999"),
        ("/echo cut \x1b[2Jx text", "[2Jx"),
    ],
)
async def test_wrong_steering_is_refused_by_name(prompt: str, named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await pieces(asking(prompt))
    assert named in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 500
    assert "/echo slow" in caught.value.hint


async def test_it_offers_a_few_models() -> None:
    assert "echo" in [model.name for model in await EchoClient().models()]
