"""The only room that knows the network and the engines.

``connect`` finds the client for a provider's kind and imports it then, not before: a vendor's SDK costs up to a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from localchat.errors import InvalidInput
from localchat.records import Piece, Provider, RemoteModel, Request


class Client(Protocol):
    """How a provider of one kind is spoken to. Made for one turn or one question; ``aclose`` frees what it holds."""

    def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The reply as it comes; the last piece is ``Finished``.

        Raises the errors of ``localchat.errors`` (ProviderUnavailable, ProviderRejected, RateLimited, ContextTooLong,
        ReplyCut, ModelMissing). Cancelling the task that iterates stops the endpoint's work too.
        """
        ...

    async def models(self) -> list[RemoteModel]:
        """What the endpoint offers, in its own order. Raises like ``stream``."""
        ...

    async def aclose(self) -> None: ...


def connect(provider: Provider) -> Client:
    """The client for this provider. Raises InvalidInput for a kind this version does not know."""
    match provider.kind:
        case "echo":
            from localchat.providers.echo import EchoClient

            return EchoClient()
        case "embedded":
            from localchat.providers.embedded import EmbeddedClient

            return EmbeddedClient(provider)
        case "openai":
            from localchat.providers.openai import OpenAIClient

            return OpenAIClient(provider)
        case "anthropic":
            from localchat.providers.anthropic import AnthropicClient

            return AnthropicClient(provider)
        case "google":
            from localchat.providers.google import GoogleClient

            return GoogleClient(provider)
    raise InvalidInput(
        f"{provider.name} is of kind {provider.kind}, which this version of localchat does not know.",
        "Update localchat, or edit the provider.",
    )
