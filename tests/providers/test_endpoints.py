"""The three wire formats against a real server on loopback: what comes through, and what each fault becomes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from localchat.errors import ASK_AGAIN, ContextTooLong, RateLimited
from localchat.providers import Client, connect
from localchat.providers.chat_completions import OpenAIClient
from localchat.providers.limits import Budgets
from localchat.providers.sdk_client import DirectClient
from localchat.providers.vendors.anthropic import AnthropicClient
from localchat.providers.vendors.google import GoogleClient
from localchat.records import Line, Provider, Request, TextPiece, Usage
from tests.fakes import LIMIT, THOUGHTS, TOKENS, USAGE, WORDS, FakeEndpoint
from tests.providers.conftest import KEY, Make, Reply, asking, read, until

CLIENTS: dict[str, type[OpenAIClient | DirectClient]] = {
    "openai": OpenAIClient, "anthropic": AnthropicClient, "google": GoogleClient,
}  # fmt: skip
SOON = 0.3  # seconds


@pytest.fixture(params=list(CLIENTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def acme(kind: str, endpoint: FakeEndpoint, provider: Make) -> Provider:
    return provider(kind, endpoint.base_url(kind))


@pytest.fixture
def client(kind: str, acme: Provider) -> Client:
    return CLIENTS[kind](acme)


@pytest.fixture
def impatient(kind: str, acme: Provider) -> Callable[[str], Client]:
    """The client with little patience for this fault, where it is one of silence."""

    def make(fault: str) -> Client:
        budgets = {"silent": Budgets(first_word=SOON), "hang": Budgets(first_word=SOON),
                   "silent-midway": Budgets(between=SOON)}  # fmt: skip
        return CLIENTS[kind](acme, budgets=budgets.get(fault))

    return make


async def test_connect_finds_the_client_of_a_kind(kind: str, acme: Provider) -> None:
    assert type(connect(acme)) is CLIENTS[kind]


async def test_a_reply_comes_in_pieces_and_ends_with_its_reason_and_usage(client: Client) -> None:
    reply = await read(client, asking("plain"))
    assert [piece.text for piece in reply.pieces if isinstance(piece, TextPiece)] == list(WORDS)
    assert reply.finished.reason == "stop"
    assert reply.finished.usage == Usage(*USAGE)


async def test_reasoning_comes_apart_from_the_reply(client: Client) -> None:
    reply = await read(client, asking("reasoning"))
    assert (reply.reasoning, reply.text) == ("".join(THOUGHTS), "".join(WORDS))


async def test_a_reply_that_reached_its_limit_says_length(client: Client) -> None:
    assert (await read(client, asking("length"))).finished.reason == "length"


async def test_a_reply_without_a_word_is_no_reply(client: Client) -> None:
    reply = await read(client, asking("empty"))
    assert (reply.text, reply.code) == ("", "reply_empty")
    assert "The reply of acme ended without a word." in reply.words


async def test_many_small_pieces_all_come_in_order(client: Client) -> None:
    reply = await read(client, asking("many"))
    assert reply.text == "".join(f"{number} " for number in range(500)) + "".join(WORDS)


async def test_the_whole_chat_is_sent_with_its_system_prompt_and_parameters(
    kind: str, client: Client, endpoint: FakeEndpoint
) -> None:
    lines = (Line("user", "first"), Line("assistant", "answer"), Line("user", "[/] 数 \x00 second"))
    parameters = {"temperature": 0.5, "top_p": 0.9, "seed": 3, "max_tokens": 50}
    await read(client, Request("plain", lines, "be calm", parameters))
    sent = endpoint.requests[0].body
    match kind:
        case "openai":
            assert sent["messages"] == [
                {"role": "system", "content": "be calm"}, {"role": "user", "content": "first"},
                {"role": "assistant", "content": "answer"}, {"role": "user", "content": "[/] 数 \x00 second"},
            ]  # fmt: skip
            assert {name: sent[name] for name in parameters} == parameters
        case "anthropic":
            assert [(m["role"], m["content"][0]["text"]) for m in sent["messages"]] == [
                ("user", "first"), ("assistant", "answer"), ("user", "[/] 数 \x00 second"),
            ]  # fmt: skip
            assert sent["system"] == "be calm"
            assert (sent["temperature"], sent["top_p"], sent["max_tokens"]) == (0.5, 0.9, 50)
        case "google":
            assert [(m["role"], m["parts"][0]["text"]) for m in sent["contents"]] == [
                ("user", "first"), ("model", "answer"), ("user", "[/] 数 \x00 second"),
            ]  # fmt: skip
            assert sent["systemInstruction"]["parts"][0]["text"] == "be calm"
            wanted = {"temperature": 0.5, "topP": 0.9, "seed": 3, "maxOutputTokens": 50}
            assert {name: sent["generationConfig"][name] for name in wanted} == wanted


async def test_only_the_key_of_the_provider_is_sent_whatever_the_environment_holds(
    kind: str, client: Client, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN",
                 "GOOGLE_API_KEY", "GEMINI_API_KEY"):  # fmt: skip
        monkeypatch.setenv(name, "foreign-secret")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    assert (await read(client, asking("plain"))).text == "".join(WORDS)
    headers = endpoint.requests[0].headers
    assert "foreign-secret" not in str(headers)
    assert not [name for name in headers if name.startswith(("x-stainless", "openai-", "x-goog-api-client"))]
    assert headers["user-agent"].startswith("localchat/")
    where = {"openai": "authorization", "anthropic": "x-api-key", "google": "x-goog-api-key"}[kind]
    assert headers[where] == (f"Bearer {KEY}" if kind == "openai" else KEY)


async def test_a_provider_without_a_key_sends_none(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    client = CLIENTS[kind](provider(kind, endpoint.base_url(kind), "none"))
    assert (await read(client, asking("plain"))).text == "".join(WORDS)
    assert not {"authorization", "x-api-key", "x-goog-api-key"} & set(endpoint.requests[0].headers)


async def test_a_missing_key_is_told_by_name_before_anything_is_sent(
    client: Client, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (None, "", "   "):
        if value is None:
            monkeypatch.delenv("ACME_KEY")
        else:
            monkeypatch.setenv("ACME_KEY", value)
        reply = await read(client, asking("plain"))
        assert reply.code == "provider_rejected"
        assert "$ACME_KEY is not set" in reply.words
    assert endpoint.requests == []


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("400", "provider_rejected", "acme refused the request (400): fault 400."),
        ("401", "provider_rejected", "acme refused the key (401): Wrong"),
        ("403", "provider_rejected", "acme forbids this (403): fault 403."),
        ("404", "provider_rejected", "acme does not know 404 (404): fault 404."),
        ("429", "rate_limited", "Wait 7 s."),
        ("quota", "rate_limited", "waiting will not help"),
        ("500", "provider_unavailable", "acme failed (500): fault 500."),
        ("502", "provider_unavailable", "acme failed (502): 502 Bad Gateway."),
        ("503", "provider_unavailable", "acme failed (503): fault 503."),
        ("529", "provider_unavailable", "acme is overloaded (529): fault 529."),
        ("overflow", "context_too_long", "5,000 tokens, and 4,096 fit"),
        ("error-first", "provider_unavailable", "fault in the stream"),
        ("cut-first", "provider_unavailable", "(connection closed)"),
        ("malformed-first", "provider_unavailable", "sent something that cannot be understood"),
        ("silent", "provider_unavailable", "said nothing for 0.3 seconds"),
        ("hang", "provider_unavailable", "said nothing for 0.3 seconds"),
        ("close", "provider_unavailable", "(connection closed)"),
        ("html", "provider_rejected", "there is a web page, not a model server"),
        ("redirect", "provider_rejected", "points elsewhere (307: http://elsewhere.invalid/"),
    ],
)
async def test_a_fault_before_the_first_word_is_told_apart(
    impatient: Callable[[str], Client], endpoint: FakeEndpoint, fault: str, code: str, words: str
) -> None:
    reply = await read(impatient(fault), asking(fault))
    assert (reply.code, reply.pieces) == (code, [])
    assert words in reply.words
    assert len(endpoint.requests) == 1, "nothing is tried again behind the person's back"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("cut", "broke off (connection closed)"),
        ("no-finish", "ended without a finish reason"),
        ("error-midway", "broke off (fault in the stream)"),
        ("malformed", "broke off (something came that cannot be understood)"),
        ("silent-midway", "broke off (nothing came for 0.3 seconds)"),
    ],
)
async def test_a_fault_after_the_first_word_cuts_the_reply(
    impatient: Callable[[str], Client], fault: str, words: str
) -> None:
    reply = await read(impatient(fault), asking(fault))
    assert (reply.code, reply.text) == ("reply_cut", WORDS[0])
    assert words in reply.words


async def test_an_end_with_neither_a_word_nor_a_reason_is_a_cut_reply(client: Client) -> None:
    reply = await read(client, asking("no-finish-first"))
    assert (reply.code, reply.pieces) == ("reply_cut", [])


async def test_an_event_of_the_wrong_shape_is_passed_over(client: Client) -> None:
    reply = await read(client, asking("wrong-shape"))
    assert (reply.error, reply.text) == (None, "".join(WORDS))


async def test_a_rate_limit_tells_the_wait_in_seconds(client: Client) -> None:
    error = (await read(client, asking("429"))).error
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


async def test_a_chat_that_is_too_long_tells_both_numbers(client: Client) -> None:
    error = (await read(client, asking("overflow"))).error
    assert isinstance(error, ContextTooLong)
    assert (error.limit, error.tokens) == (LIMIT, TOKENS)


async def test_what_a_server_says_is_cleaned_cut_and_freed_of_the_key(client: Client) -> None:
    reply = await read(client, asking("401"))
    assert KEY not in reply.words
    assert "\x1b" not in reply.words
    assert "Check the key in $ACME_KEY." in reply.words
    assert len(reply.words) < 420


async def test_a_refused_connection_names_place_and_remedy(kind: str, provider: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    reply = await read(CLIENTS[kind](provider(kind, f"http://127.0.0.1:{port}/v1", name="ollama")), asking("plain"))
    assert reply.code == "provider_unavailable"
    assert reply.words == f"ollama does not answer at 127.0.0.1:{port} (connection refused). Start it."
    assert reply.error is not None
    assert reply.error.remedy == ASK_AGAIN


async def test_an_unknown_host_is_told(kind: str, provider: Make) -> None:
    reply = await read(CLIENTS[kind](provider(kind, "http://nowhere.invalid/v1")), asking("plain"))
    assert reply.code == "provider_unavailable"
    assert "nowhere.invalid (no such host)" in reply.words


async def test_https_to_a_server_without_it_is_told(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    reply = await read(CLIENTS[kind](provider(kind, f"https://127.0.0.1:{endpoint.port}")), asking("plain"))
    assert reply.code == "provider_unavailable"
    assert "no secure connection" in reply.words


async def test_no_proxy_is_used_for_this_machine(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await read(client, asking("plain"))).text == "".join(WORDS)


async def test_stopping_a_reply_closes_the_connection(client: Client, endpoint: FakeEndpoint) -> None:
    reply = Reply()
    task = asyncio.create_task(read(client, asking("slow"), reply))
    await until(lambda: len(reply.pieces) >= 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(endpoint.left.wait, 2), "the server noticed"


async def test_leaving_the_stream_early_closes_the_connection(client: Client, endpoint: FakeEndpoint) -> None:
    stream = client.stream(asking("slow"))
    async for _ in stream:
        break
    await stream.aclose()
    assert await asyncio.to_thread(endpoint.left.wait, 2)


async def test_stopping_before_the_first_word_closes_the_connection(
    kind: str, acme: Provider, endpoint: FakeEndpoint
) -> None:
    task = asyncio.create_task(read(CLIENTS[kind](acme, budgets=Budgets(first_word=30.0)), asking("hang")))
    await until(lambda: bool(endpoint.requests))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(endpoint.left.wait, 2)


async def test_two_replies_at_once_do_not_mix(client: Client) -> None:
    plain, many = await asyncio.gather(read(client, asking("plain")), read(client, asking("many")))
    assert plain.text == "".join(WORDS)
    assert many.text.startswith("0 1 2 ")


async def test_gemini_is_asked_to_show_what_it_thinks(endpoint: FakeEndpoint, provider: Make) -> None:
    reply = await read(GoogleClient(provider("google", endpoint.url)), asking("gemini-2.5-flash"))
    assert reply.text == "".join(WORDS)
    # Gemini's JSON takes both spellings of a name.
    assert endpoint.requests[0].body["generationConfig"]["thinkingConfig"]["include_thoughts"] is True


async def test_anthropic_gets_the_limit_that_it_insists_on(endpoint: FakeEndpoint, provider: Make) -> None:
    await read(AnthropicClient(provider("anthropic", endpoint.url)), asking("plain", seed=1))
    assert endpoint.requests[0].body["max_tokens"] == 8192


async def test_a_refusal_by_the_model_is_shown(endpoint: FakeEndpoint, provider: Make) -> None:
    reply = await read(OpenAIClient(provider("openai", endpoint.base_url("openai"))), asking("refusal"))
    assert reply.text == "I cannot help with that."
    assert reply.finished.reason == "content_filter"


async def test_a_server_without_the_path_in_its_address_gets_that_told(endpoint: FakeEndpoint, provider: Make) -> None:
    reply = await read(OpenAIClient(provider("openai", endpoint.url)), asking("plain"))
    assert reply.code == "provider_rejected"
    assert f"Its address may need a path: {endpoint.url}/v1." in reply.words


async def test_a_continued_reply_can_be_sent(endpoint: FakeEndpoint, provider: Make) -> None:
    lines = (Line("user", "Say it"), Line("assistant", "It beg"))
    reply = await read(OpenAIClient(provider("openai", endpoint.base_url("openai"))), Request("plain", lines))
    assert reply.text == "".join(WORDS)
    assert [message["role"] for message in endpoint.requests[0].body["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize(("think", "wanted"), [("off", "disabled"), ("high", "enabled")])
async def test_anthropic_is_told_whether_to_think_and_gets_fields_that_only_it_knows(
    endpoint: FakeEndpoint, provider: Make, think: str, wanted: str
) -> None:
    client = AnthropicClient(provider("anthropic", endpoint.url))
    await read(client, asking("claude-sonnet-4-5", think=think, container="c-1"))
    body = endpoint.requests[0].body
    assert body.get("thinking", {"type": "disabled"})["type"] == wanted
    assert body["container"] == "c-1"
    assert "think" not in body


async def test_gemini_is_told_how_much_to_think(endpoint: FakeEndpoint, provider: Make) -> None:
    for think in ("off", "low", "high"):
        await read(GoogleClient(provider("google", endpoint.url)), asking("gemini-2.5-flash", think=think))
    off, low, high = (request.body["generationConfig"]["thinkingConfig"] for request in endpoint.requests)
    assert off["thinking_budget"] == 0
    assert 0 < low["thinking_budget"] < high["thinking_budget"]
