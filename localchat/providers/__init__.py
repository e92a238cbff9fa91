"""The only room that knows the network and the engines.

``connect`` finds the client for a provider's kind and imports it then, not before: a vendor's SDK costs up to a second.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from localchat.errors import InvalidInput
from localchat.providers import extras
from localchat.records import Model, Piece, Provider, RemoteModel, Request


class Client(Protocol):
    """How a provider of one kind is spoken to. Made for one turn or one question; ``aclose`` frees what it holds."""

    def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """The reply as it comes; the last piece is ``Finished``. To be closed (``contextlib.aclosing``).

        Raises the errors of ``localchat.errors`` (ProviderUnavailable, ProviderRejected, RateLimited, ContextTooLong,
        ReplyCut, ReplyEmpty, ModelMissing). Cancelling the task that iterates, and closing, stop the endpoint's
        work too.
        """
        ...

    async def models(self) -> list[RemoteModel]:
        """What the endpoint offers, in its own order. Raises like ``stream``."""
        ...

    async def aclose(self) -> None: ...


def connect(provider: Provider) -> Client:
    """The client for this provider. Raises InvalidInput for a kind this version does not know, and NotInstalled where a
    package that the kind needs is missing."""
    extras.check(provider.kind)
    match provider.kind:
        case "echo":
            from localchat.providers.echo import EchoClient

            return EchoClient()
        case "replay":
            from localchat.providers.replay import ReplayClient

            return ReplayClient(provider)
        case "embedded":
            from localchat.providers.embedded.client import EmbeddedClient

            return EmbeddedClient(provider)
        case "openai":
            from localchat.providers.chat_completions import OpenAIClient

            return OpenAIClient(provider)
        case "anthropic":
            from localchat.providers.vendors.anthropic import AnthropicClient

            return AnthropicClient(provider)
        case "google":
            from localchat.providers.vendors.google import GoogleClient

            return GoogleClient(provider)
    raise InvalidInput(
        f"{provider.name} is of kind {provider.kind}, which this version of localchat does not know.",
        "Update localchat, or edit the provider.",
    )


async def warm(provider: Provider, model: Model) -> None:
    """Begin what the first word would wait for: loading the weights, importing the SDK. To be called when a person
    starts to type. Sends nothing, fetches nothing, never raises; costs nothing where it is done already."""
    match provider.kind:
        case "embedded":
            from localchat.providers.embedded import client as embedded

            await embedded.warm(model.model, model.path, model.context)
        case "openai":
            from localchat.providers.loading import HTTP, preload

            await preload(HTTP)
        case "anthropic" | "google":
            from localchat.providers.sdk_client import DirectClient

            client = connect(provider)
            if isinstance(client, DirectClient):
                await client.warm()


def shutdown() -> None:
    """End what clients left running (engines). Takes milliseconds; to be called when the program ends."""
    import sys

    launch = sys.modules.get("localchat.providers.embedded.launcher")
    if launch is not None:
        launch.shutdown()
