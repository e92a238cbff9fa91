"""What a reply cost, by the price list of ``genai-prices``: data of the package, no look-up in the network."""

from __future__ import annotations

from functools import lru_cache

from localchat.records import Provider, Usage


@lru_cache(maxsize=2000)
def _price(kind: str, base_url: str | None, model: str, tokens_in: int, tokens_out: int) -> float | None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(input_tokens=tokens_in, output_tokens=tokens_out)
    try:
        if base_url:
            return float(calc_price(tokens, model, provider_api_url=base_url).total_price)
        return float(calc_price(tokens, model, provider_id=kind).total_price)
    except (LookupError, ValueError):
        return None


def load() -> None:
    """Import the list (0.15 s): to be called in a thread before the first ``price`` on an event loop."""
    import genai_prices  # noqa: F401


def price(provider: Provider, model: str, usage: Usage) -> float | None:
    """In US dollars, or None where it is not known. What runs on this machine has no price."""
    if provider.local:
        return None
    return _price(provider.kind, provider.base_url, model, usage.input_tokens, usage.output_tokens)


def dollars(amount: float) -> str:
    """``$0.003``, ``$1.20``; ``<$0.001`` where it is less."""
    if amount < 0.001:
        return "<$0.001"
    return f"${amount:.3f}" if amount < 0.1 else f"${amount:,.2f}"
