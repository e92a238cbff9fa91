"""What a reply cost, where the price list of the package knows it."""

from __future__ import annotations

import pytest

from localchat.providers.prices import dollars, price
from localchat.records import Provider, Usage


def provider(kind: str, base_url: str | None) -> Provider:
    return Provider(1, "p", kind, base_url, "none", None, True, "", "")


@pytest.mark.parametrize(
    ("kind", "base_url", "model"),
    [
        ("openai", "https://api.openai.com/v1", "gpt-4o"),
        ("anthropic", None, "claude-sonnet-4-5"),
        ("openai", "https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4"),
    ],
)
def test_a_known_model_has_a_price_that_grows_with_its_tokens(kind: str, base_url: str | None, model: str) -> None:
    little = price(provider(kind, base_url), model, Usage(1000, 100))
    much = price(provider(kind, base_url), model, Usage(1000, 200))
    assert little is not None
    assert much is not None
    assert 0 < little < much


@pytest.mark.parametrize(
    ("kind", "base_url", "model"),
    [
        ("openai", "http://localhost:11434/v1", "gpt-4o"),
        ("embedded", None, "smollm2"),
        ("openai", "https://example.org/v1", "gpt-4o"),
        ("openai", "https://api.openai.com/v1", "no such model [/]"),
    ],
)
def test_what_runs_here_or_is_unknown_has_none(kind: str, base_url: str | None, model: str) -> None:
    assert price(provider(kind, base_url), model, Usage(1000, 100)) is None


def test_amounts_are_short() -> None:
    assert [dollars(amount) for amount in (0.0000001, 0.0031, 0.25, 1234.5)] == [
        "<$0.001",
        "$0.003",
        "$0.25",
        "$1,234.50",
    ]
