"""What a hostile server can cost: bytes and seconds, over all three wire formats."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from dataclasses import fields, replace

import pytest

from localchat.errors import InvalidInput, ProviderRejected, ProviderUnavailable, RateLimited, ReplyCut
from localchat.providers import connect, failures, limits
from localchat.providers.limits import MB, Budgets, budgets_of
from localchat.records import Provider, Usage
from localchat.validation import LIMITS
from tests import hostile
from tests.fakes import WORDS, FakeEndpoint
from tests.providers.conftest import KEY, Make, asking, read, until
from tests.providers.test_endpoints import CLIENTS


@pytest.fixture(params=list(CLIENTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def acme(kind: str, endpoint: FakeEndpoint, provider: Make) -> Provider:
    return provider(kind, endpoint.base_url(kind))


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("endless-error", "provider_unavailable", "an error (400) longer than 1 MB"),
        ("huge-error", "provider_unavailable", "an error (500) longer than 1 MB"),
        ("bomb-error", "provider_unavailable", "an error (500) longer than 1 MB"),
        ("bomb-line", "provider_unavailable", "a line longer than 1 MB"),
        ("bomb-pings", "provider_unavailable", "more than 64 MB for one reply"),
        ("bomb-json", "provider_unavailable", "more than 16 MB"),
        ("endless-line", "provider_unavailable", "a line longer than 1 MB"),
        ("endless-body", "provider_unavailable", "more than 16 MB"),
        ("huge-delta", "provider_unavailable", "a line longer than 1 MB"),
        ("flood", "reply_cut", "it is longer than 16 MB"),
    ],
)
async def test_what_is_too_much_ends_the_turn_and_is_told_with_the_number(
    kind: str, acme: Provider, fault: str, code: str, words: str
) -> None:
    # The SDKs copy all that came with each word: that takes them minutes for 16 MB.
    budgets = Budgets() if kind == "openai" or fault != "flood" else Budgets(reply=MB)
    reply = await read(CLIENTS[kind](acme, budgets=budgets), asking(fault))
    assert reply.code == code
    assert words.replace("16 MB", failures.size_words(budgets.reply)) in reply.words
    assert len(reply.text) <= budgets.reply


@pytest.mark.parametrize("fault", ["pings", "empty-events"])
async def test_signs_of_life_are_no_words(kind: str, acme: Provider, fault: str) -> None:
    client = CLIENTS[kind](acme, budgets=Budgets(first_word=0.4))
    await client.warm()
    reply = await read(client, asking(fault))
    assert reply.code == "provider_unavailable"
    assert "said nothing for 0.4 seconds" in reply.words


async def test_a_reply_takes_no_longer_than_the_whole_of_it_may(kind: str, acme: Provider) -> None:
    client = CLIENTS[kind](acme, budgets=Budgets(whole=3.0))
    await client.warm()
    reply = await read(client, asking("slow"))
    assert reply.code == "reply_cut"
    assert "it took longer than 3 seconds" in reply.words


@pytest.mark.parametrize("fault", ["endless-line", "flood", "huge-delta", "bomb-line", "bomb-pings", "pings", "hang"])
async def test_it_can_be_stopped_at_any_moment(kind: str, acme: Provider, endpoint: FakeEndpoint, fault: str) -> None:
    client = CLIENTS[kind](acme)
    await client.warm()
    task = asyncio.create_task(read(client, asking(fault)))
    await until(lambda: bool(endpoint.requests))
    began = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    assert time.monotonic() - began < 3, "a second, and what a busy machine adds"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw-deflate"])
async def test_a_compressed_reply_is_read(kind: str, acme: Provider, encoding: str) -> None:
    assert (await read(CLIENTS[kind](acme), asking(encoding))).text == "Hello, world"


async def test_a_reply_in_one_piece_is_a_reply(kind: str, acme: Provider) -> None:
    reply = await read(CLIENTS[kind](acme), asking("whole"))
    assert reply.error is None
    assert (reply.reasoning, reply.text, reply.finished.usage) == ("Hm.", "Hello, world", Usage(11, 7))


@pytest.mark.parametrize("encoding", ["not-gzip", "brotli"])
async def test_what_cannot_be_decompressed_is_told(kind: str, acme: Provider, encoding: str) -> None:
    reply = await read(CLIENTS[kind](acme), asking(encoding))
    assert reply.code == "provider_unavailable"
    assert "sent something that cannot be understood" in reply.words


@pytest.mark.parametrize("usage", list(hostile.USAGES))
async def test_absurd_usage_never_costs_the_reply(kind: str, acme: Provider, usage: str) -> None:
    reply = await read(CLIENTS[kind](acme), asking(usage))
    assert (reply.error, reply.text) == (None, "Hello, world")
    assert reply.finished.usage is None or reply.finished.usage.output_tokens <= 2**53


async def test_a_document_nested_beyond_all_measure_is_told(kind: str, acme: Provider) -> None:
    assert (await read(CLIENTS[kind](acme), asking("nested"))).code in ("provider_unavailable", "reply_cut")


async def test_a_wait_that_an_overloaded_server_asks_for_stands_on_the_error(kind: str, acme: Provider) -> None:
    error = (await read(CLIENTS[kind](acme), asking("503-wait"))).error
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == 7
    assert "Wait 7 s" in error.hint


async def test_a_server_that_gave_up_waiting_can_be_asked_again(kind: str, acme: Provider) -> None:
    error = (await read(CLIENTS[kind](acme), asking("408"))).error
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == 3


@pytest.mark.parametrize("fault", ["429-date", "429-odd"])
async def test_a_wait_beyond_a_day_or_in_no_known_form_is_none(kind: str, acme: Provider, fault: str) -> None:
    error = (await read(CLIENTS[kind](acme), asking(fault))).error
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.hint) == (None, "Wait a moment.")


@pytest.mark.parametrize("status", ["404", "410"])
async def test_a_model_that_is_gone_is_told_apart(kind: str, acme: Provider, status: str) -> None:
    error = (await read(CLIENTS[kind](acme), asking(f"gone-{status}"))).error
    assert isinstance(error, ProviderRejected)
    assert error.model_gone
    assert f"acme does not know gone-{status} ({status})" in error.message


async def test_a_wrong_path_is_no_missing_model(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    error = (await read(CLIENTS[kind](provider(kind, f"{endpoint.url}/wrong")), asking("plain"))).error
    assert isinstance(error, ProviderRejected)
    assert not error.model_gone
    assert "acme has nothing at this address (404)" in error.message


async def test_a_key_that_the_server_says_is_not_repeated(kind: str, acme: Provider) -> None:
    reply = await read(CLIENTS[kind](acme), asking("says-key"))
    assert reply.error is None
    assert KEY not in reply.text
    assert KEY[8:] not in reply.text
    assert reply.text.endswith(" and … it is.")


async def test_a_hundred_thousand_models_are_listed(kind: str, acme: Provider, endpoint: FakeEndpoint) -> None:
    name = "models" if kind == "google" else "data"
    endpoint.models = {name: [{"id": f"model-{number}"} for number in range(100_000)]}
    assert len(await connect(acme).models()) == 100_000


async def test_a_list_of_models_has_its_budgets_too(kind: str, acme: Provider, endpoint: FakeEndpoint) -> None:
    endpoint.models = {"data": [{"id": "x" * 10_000} for _ in range(2000)]}
    with pytest.raises(ProviderUnavailable, match="more than 16 MB"):
        await connect(acme).models()


def test_budgets_are_set_for_all_providers_and_for_one(provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "first_word=600 acme.first_word=900 acme.reply=1000 my.acme-2.whole=5.5")
    assert budgets_of(provider("openai")) == Budgets(first_word=900, reply=1000)
    assert budgets_of(provider("openai", name="other")) == Budgets(first_word=600)
    assert budgets_of(provider("openai", name="my.acme-2")) == Budgets(first_word=600, whole=5.5)


def test_limits_of_a_provider_go_before_those_of_all_and_its_own_variable_before_them(
    provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = replace(provider("openai"), limits={"first_word": 700.0, "reply": 5000})
    assert budgets_of(acme) == Budgets(first_word=700, reply=5000)
    monkeypatch.setenv(limits.VARIABLE, "first_word=600 whole=60 acme.reply=1000")
    assert budgets_of(acme) == Budgets(first_word=700, whole=60, reply=1000)


def test_every_limit_that_can_be_stored_is_a_budget_and_the_other_way_round() -> None:
    assert {name: unit == "bytes" for name, (unit, _) in LIMITS.items()} == {
        each.name: each.type == "int" for each in fields(Budgets)
    }


@pytest.mark.parametrize("setting", ["first_word", "first_word=", "word=5", "whole=-1", "whole=nan", "reply=1.5", "=3"])
def test_a_budget_that_is_none_is_told(setting: str, provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, setting)
    with pytest.raises(InvalidInput, match="LOCALCHAT_LIMITS is no limit"):
        budgets_of(provider("openai"))


async def test_budgets_of_the_environment_hold(kind: str, acme: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, "acme.reply=2000")
    reply = await read(connect(acme), asking("flood"))
    assert "it is longer than 1.95 KB" in reply.words


async def test_no_sdk_keeps_what_was_passed_on(acme: Provider, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kept 3 KB for every event, in case a function was called; all of them kept the words for the end."""
    tracemalloc = pytest.importorskip("tracemalloc")
    monkeypatch.setenv(limits.VARIABLE, "acme.reply=400000")
    client, came, most = connect(acme), 0, []
    with contextlib.suppress(ReplyCut):
        async for piece in client.stream(asking("flood")):
            came += len(getattr(piece, "text", ""))
            if came > 100_000 and not most:
                tracemalloc.start()
                most.append(0)
            if came > 300_000 and tracemalloc.is_tracing():
                gc.collect()
                most.append(tracemalloc.get_traced_memory()[0])
                tracemalloc.stop()
    assert most[1] < 300_000, "200,000 characters came meanwhile, in 1,250 events"


async def test_usage_is_still_told_where_it_is_some(acme: Provider, kind: str) -> None:
    reply = await read(CLIENTS[kind](acme), asking("plain"))
    assert (reply.text, reply.finished.usage) == ("".join(WORDS), Usage(11, 7))
