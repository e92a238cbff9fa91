"""What replies cost, for the transcript: the list of prices is read in a thread, after the first frame."""

from __future__ import annotations

from collections.abc import Callable

from localchat.records import Message
from localchat.store import Store

Cost = Callable[[Message], str]


def load() -> None:
    """Blocks for a moment: the list of prices takes 0.15 s to import. For a thread."""
    from localchat.providers import prices

    prices.load()


def wanted(store: Store) -> bool:
    """Whether any provider could have a price: what runs on this machine has none."""
    return any(not provider.local for provider in store.catalog.providers())


def costs(store: Store) -> Cost:
    """The cost of a reply as text, empty where it is not known. To be called after ``load``."""
    from localchat.providers.prices import dollars, price

    def cost(message: Message) -> str:
        name = message.model
        if name is None or message.usage is None:
            return ""
        provider = next((p for p in store.catalog.providers() if p.name == name.provider), None)
        amount = price(provider, name.model, message.usage) if provider is not None else None
        return dollars(amount) if amount is not None else ""

    return cost
