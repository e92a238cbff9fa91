"""OpenAI's chat format in all the ways in which servers speak it."""

from __future__ import annotations

import re
import time

import pytest

from localchat.errors import RateLimited
from localchat.providers.chat_completions import OpenAIClient, body_of
from localchat.providers.redaction import Redactor
from localchat.providers.thinking import ThinkTags
from localchat.records import Attachment, Line, ReasoningPiece, Request, TextPiece, ToolCall, Usage
from tests.fakes import FakeEndpoint
from tests.providers.conftest import Make, Reply, asking, read


@pytest.fixture
def client(endpoint: FakeEndpoint, provider: Make) -> OpenAIClient:
    return OpenAIClient(provider("openai", endpoint.base_url("openai")))


@pytest.mark.parametrize(
    ("model", "thought", "text", "reason"),
    [
        ("one-piece", "", "Hello, world", "stop"),
        ("one-piece-no-reason", "", "Hello, world", "stop"),
        ("one-piece-thinking", "Hm.", "Hello", "stop"),
        ("one-piece-as-events", "", "Hello, world", "stop"),
        ("events-as-text", "", "Hello, world", "stop"),
        ("think-tags", "Hm.\n", "Hello, world", "stop"),
        ("think-empty", "", "Hello, world", "stop"),
        ("think-later", "", "Write <think> to think", "stop"),
        ("reasoning-twice", "Hm.", "Hello", "stop"),
        ("reasoning-details", "Hm.", "Hello", "stop"),
        ("content-parts", "Hm.", "Hello", "stop"),
        ("text-and-tool-calls", "", "Hello", "tool_calls"),
        ("error-null", "", "Hello", "stop"),
        ("no-blank-line", "", "Hello", "stop"),
        ("two-choices", "", "Hello", "stop"),
    ],
)
async def test_every_way_of_saying_it_is_understood(
    client: OpenAIClient, model: str, thought: str, text: str, reason: str
) -> None:
    reply = await read(client, asking(model))
    assert reply.error is None
    assert (reply.reasoning, reply.text, reply.finished.reason) == (thought, text, reason)


@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("think-only", "reply_empty", "thought, and then ended without a word"),
        ("thought-and-nothing", "reply_empty", "thought, and then ended without a word"),
        ("thought-to-its-limit", "reply_empty", "reached its limit of tokens while it thought"),
        ("tool-calls", "reply_empty", "answered with a call of a tool (weather)"),
        ("only-a-finish", "reply_empty", "ended without a word"),
        ("odd-contents", "reply_empty", "ended without a word"),
        ("choices-null", "reply_cut", "ended without a finish reason"),
        ("error-finish", "reply_cut", "broke off (it says that something went wrong)"),
        ("number", "provider_unavailable", "sent something that cannot be understood"),
        ("nested", "provider_unavailable", "sent something that cannot be understood"),
    ],
)
async def test_an_end_that_is_no_reply_is_told(client: OpenAIClient, model: str, code: str, words: str) -> None:
    reply = await read(client, asking(model))
    assert reply.code == code
    assert words in reply.words


async def test_usage_of_a_reply_in_one_piece_counts(client: OpenAIClient) -> None:
    assert (await read(client, asking("one-piece"))).finished.usage == Usage(3, 2)


async def test_calls_of_tools_are_put_together_from_their_parts(client: OpenAIClient) -> None:
    reply = Reply()
    async for piece in client._ask(*await parts_of(client)):
        reply.pieces.append(piece)
    assert reply.finished.tool_calls == (ToolCall("call_1", "weather", '{"city":"Paris"}'),)


async def parts_of(client: OpenAIClient):  # type: ignore[no-untyped-def]
    """What ``_ask`` wants: a reply that is only a call of a tool is none, so it ends before its pieces come out."""
    place, headers, budgets = await client._prepared()
    from localchat.providers.http import open_http

    return open_http(client._base_url, headers, place, budgets), asking("tool-calls"), place


async def test_a_finish_reason_of_any_kind_is_kept_short(client: OpenAIClient) -> None:
    reply = await read(client, asking("odd-finish"))
    assert reply.finished.reason is not None
    assert len(reply.finished.reason) <= 64


async def test_an_error_in_the_stream_counts_by_its_own_status(client: OpenAIClient) -> None:
    error = (await read(client, asking("error-with-status"))).error
    assert isinstance(error, RateLimited)
    assert "slow down" in error.message


async def test_a_server_that_keeps_the_connection_open_after_its_end_is_not_waited_for(
    client: OpenAIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.providers.chat_completions._AFTERWARDS", 0.2)
    began = time.monotonic()
    reply = await read(client, asking("open-end"))
    assert (reply.error, reply.text) == (None, "Hello")
    assert time.monotonic() - began < 5


async def test_parameters_that_localchat_does_not_know_go_along(client: OpenAIClient, endpoint: FakeEndpoint) -> None:
    kwargs = {"enable_thinking": False}
    await read(client, asking("plain", top_k=40, chat_template_kwargs=kwargs, temperature=None))
    sent = endpoint.requests[0].body
    assert (sent["top_k"], sent["chat_template_kwargs"]) == (40, kwargs)
    assert "temperature" not in sent


def test_no_parameter_bends_what_a_turn_needs() -> None:
    parameters = {"stream": False, "messages": [], "model": "other", "stream_options": None}
    body = body_of(Request("plain", (Line("user", "hi"),), parameters=parameters))
    assert (body["stream"], body["model"]) == (True, "plain")
    assert body["messages"] == [{"role": "user", "content": "hi"}]


def test_openai_itself_is_told_the_limit_by_its_new_name() -> None:
    request = asking("gpt", max_tokens=5)
    assert body_of(request, own=True)["max_completion_tokens"] == 5
    assert "max_tokens" not in body_of(request, own=True)
    assert body_of(request)["max_tokens"] == 5


def test_images_go_as_data_before_the_words() -> None:
    line = Line("user", "What?", (Attachment("a.png", "image/png", b"\x89PNG"),))
    [message] = body_of(Request("m", (line,)))["messages"]
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": "What?"},
    ]


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>a</think>b", "a", "b"),
        ("<thinking>\n a\n</thinking>\n\nb </think>", "a\n", "b </think>"),
        (" \n<think>a < b </thin</think> b", "a < b </thin", "b"),
        ("<think></think>", "", ""),
        ("<think>only", "only", ""),
        ("<thin air", "", "<thin air"),
        ("<th", "", "<th"),
        ("plain <think>b</think>", "", "plain <think>b</think>"),
        ("", "", ""),
    ],
)
def test_thoughts_between_tags_are_taken_apart_wherever_the_text_is_cut(text: str, thought: str, said: str) -> None:
    for size in range(1, len(text) + 2):
        tags = ThinkTags()
        pieces = [p for at in range(0, len(text), size) for p in tags.pieces(text[at : at + size])] + tags.end()
        assert "".join(p.text for p in pieces if isinstance(p, ReasoningPiece)) == thought, size
        assert "".join(p.text for p in pieces if isinstance(p, TextPiece)) == said, size


KEY = "sk-proj-abcdef-12345"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a {KEY} b", "a … b"),
        (f"{KEY}{KEY}", "……"),
        (f"{KEY[:-1]}x", f"{KEY[:-1]}x"),
        (f"the end {KEY[:9]}", f"the end {KEY[:9]}"),
        (f"sk-proj-sk-proj-{KEY}", "sk-proj-sk-proj-…"),
    ],
)
def test_a_key_is_taken_out_wherever_the_text_is_cut(text: str, shown: str) -> None:
    for size in range(1, len(text) + 1):
        redactor = Redactor(KEY)
        pieces = [p for at in range(0, len(text), size) for p in redactor.passed(TextPiece(text[at : at + size]))]
        said = "".join(p.text for p in [*pieces, *redactor.rest()] if isinstance(p, TextPiece))
        assert re.sub("(sk-|sk|s)…", "…", said) == shown, size  # so much of it may pass before it is known


@pytest.mark.parametrize("word", ["ollama", "lm-studio", "not-needed", "EMPTY", "x", None])
def test_a_word_in_place_of_a_key_may_stand_in_a_reply(word: str | None) -> None:
    text = f"Say {word} twice: {word}"
    assert Redactor(word).passed(TextPiece(text)) == [TextPiece(text)]


@pytest.mark.parametrize(("think", "effort"), [("off", "none"), ("low", "low"), ("medium", "medium"), ("high", "high")])
def test_how_long_to_think_is_sent_as_the_effort(think: str, effort: str) -> None:
    body = body_of(Request(model="m", lines=(Line("user", "hi"),), parameters={"think": think, "top_k": 40}))

    assert (body["reasoning_effort"], body["top_k"]) == (effort, 40)
    assert "think" not in body
