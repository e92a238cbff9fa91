"""Anthropic's messages, and what speaks like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localchat.providers.listing import remote_models
from localchat.providers.sdk_client import DirectClient, quiet
from localchat.providers.vendors import wire
from localchat.records import RemoteModel

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

_VERSION = "2023-06-01"
# Anthropic wants a limit with every request. Every model of today takes this one; a longer reply ends with `length`.
MAX_TOKENS = 8192


class AnthropicClient(DirectClient):
    """Anthropic, or an endpoint that speaks its format."""

    default_url = "https://api.anthropic.com"
    modules = ("pydantic_ai.direct", "pydantic_ai.models.anthropic", "pydantic_ai.providers.anthropic")
    rewrite = staticmethod(wire.named)

    def _auth(self, key: str | None) -> dict[str, str]:
        return {"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})}

    def _settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        settings = super()._settings(parameters)
        settings.pop("seed", None)  # it has none
        return {"max_tokens": MAX_TOKENS, **settings}

    def _model(self, name: str, http: httpx2.AsyncClient) -> Model:
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        quiet()
        # The SDK puts /v1 in front of every path itself.
        base_url = self._base_url.removesuffix("/v1")
        client = AsyncAnthropic(api_key="unused", base_url=base_url, http_client=http, max_retries=0)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))

    async def models(self) -> list[RemoteModel]:
        """``GET {base}/v1/models``, newest first, as Anthropic lists them."""
        prefix = "" if self._base_url.endswith("/v1") else "/v1"
        return remote_models(await self._listed(f"{prefix}/models?limit=1000"))
