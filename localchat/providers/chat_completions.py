"""Everything that speaks OpenAI's chat completions: OpenAI itself, OpenRouter, Ollama, LM Studio, llama.cpp, vLLM …"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from localchat.providers.listing import remote_models
from localchat.providers.sdk_client import DirectClient, quiet
from localchat.records import RemoteModel

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

_OWN_HOST = "api.openai.com"


class OpenAIClient(DirectClient):
    """Any OpenAI-compatible endpoint, with or without a key."""

    default_url = f"https://{_OWN_HOST}/v1"
    modules = ("pydantic_ai.direct", "pydantic_ai.models.openai", "pydantic_ai.providers.openai")

    def _auth(self, key: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def _model(self, name: str, http: httpx2.AsyncClient) -> Model:
        from openai import AsyncOpenAI
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.profiles.openai import OpenAIModelProfile
        from pydantic_ai.providers.openai import OpenAIProvider

        quiet()
        # The key travels in our own HTTP client; the SDK only insists on having one.
        client = AsyncOpenAI(api_key="unused", base_url=self._base_url, http_client=http, max_retries=0)
        # OpenAI wants max_completion_tokens; most others know max_tokens only and would pass over the limit.
        own = urlsplit(self._base_url).hostname == _OWN_HOST
        profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=own)
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client), profile=profile)

    async def models(self) -> list[RemoteModel]:
        """``GET {base}/models``, with the context where the endpoint tells it."""
        return remote_models(await self._listed("/models"))
