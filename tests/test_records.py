"""Refs, and what runs on this machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localchat.records import KINDS, Ref, is_local, moment, stamp

# Refs.


@pytest.mark.parametrize(
    ("text", "provider", "model"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openrouter/qwen/qwen3", "openrouter", "qwen/qwen3"),
        ("a//b", "a", "/b"),
        ("a/b/", "a", "b/"),
        ("ollama/qwen3:8b", "ollama", "qwen3:8b"),
        ("a/[/] x", "a", "[/] x"),
        ("a/数据", "a", "数据"),
    ],
)
def test_a_ref_is_split_at_the_first_slash(text: str, provider: str, model: str) -> None:
    assert Ref.parse(text) == (provider, model)
    assert str(Ref.parse(text)) == text


@pytest.mark.parametrize("text", ["", "/", "a", "a/", "/b", "//b", "openai"])
def test_what_names_no_provider_or_no_model_is_no_ref(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        Ref.parse(text)


@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.text(min_size=1))
def test_any_ref_comes_back_as_it_was_put_together(provider: str, model: str) -> None:
    assert Ref.parse(f"{provider}/{model}") == Ref(provider, model)


# This machine or another.

HERE = [
    "http://localhost",
    "http://localhost:11434/v1",
    "https://LOCALHOST/v1",
    "http://LocalHost:1",
    "http://127.0.0.1:8080",
    "http://127.1.2.3",
    "http://127.255.255.254/v1",
    "http://[::1]",
    "http://[::1]:11434/v1",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://user@localhost/",
    "http://evil.com@localhost/",  # the name before the @ is a user
    "http://localhost:99999",  # no port at all, but certainly not elsewhere
    "http://localhost:x",
]
ELSEWHERE = [
    "",
    "http://",
    "localhost",
    "localhost:11434",
    "127.0.0.1",
    "/v1",
    "https://api.openai.com/v1",
    "http://localhost.evil.com",
    "http://localhost.",
    "http://127.0.0.1.evil.com",
    "http://127.0.0.1@evil.com/v1",
    "http://localhost@evil.com/v1",
    "http://localhost:11434@evil.com/v1",
    "http://evil.com/localhost",
    "http://evil.com?@localhost",
    "http://evil.com#@localhost",
    "http://0.0.0.0:11434",
    "http://[::]:11434",
    "http://[::ffff:127.0.0.1]/v1",
    "http://[::ffff:7f00:1]/v1",
    "http://[::127.0.0.1]/v1",
    "http://[fe80::1]/",
    "http://[::1%25eth0]/",
    "http://[::1%eth0]/",
    "http://[::1",
    "http://::1/",
    "http://128.0.0.1",
    "http://127.0.0.1%2eevil.com",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://127.0.0.01",
    "http://127.0.0.256",
    "http://１２７.0.0.1",
    "http://ｌocalhost",
    "http://localhos\u202et",
    "http://lоcalhost",  # a Cyrillic о
    "http://192.168.0.1",
    "http://10.0.0.1",
    "http://host.docker.internal",
    "http://ip6-localhost",
    "http://localhost\\@evil.com",
    "http://[",
    "http://[v1.a]/",
    "//localhost\x00.evil.com",
    "http://" + "a" * 100_000,
]


@pytest.mark.parametrize("url", HERE)
def test_addresses_on_this_machine(url: str) -> None:
    for kind in ("openai", "anthropic", "google"):
        assert is_local(kind, url)


@pytest.mark.parametrize("url", ELSEWHERE, ids=lambda url: repr(url)[:40])
def test_addresses_that_are_or_may_be_elsewhere(url: str) -> None:
    for kind in ("openai", "anthropic", "google"):
        assert not is_local(kind, url)


def test_without_an_address_only_the_kinds_inside_the_program_are_local() -> None:
    assert {kind for kind in KINDS if is_local(kind, None)} == {"embedded", "echo", "replay"}
    assert is_local("echo", "https://api.openai.com")


@given(st.text())
def test_no_address_is_too_strange_to_be_judged(url: str) -> None:
    assert is_local("openai", url) in (True, False)
    assert not is_local("openai", f"https://llm.example.org/{url}")


# Times.


def test_times_are_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 3, 2, 1, 2, 3, 4_999, tzinfo=timezone(timedelta(hours=3)))
    assert stamp(at) == "2026-03-01T22:02:03.004Z"


@given(st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_a_time_comes_back_to_the_millisecond_and_sorts_as_text(at: datetime) -> None:
    assert moment(stamp(at)) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    later = at + timedelta(milliseconds=1)
    assert stamp(at) < stamp(later)
    assert len(stamp(at)) == 24
