"""Google's Gemini."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localchat.providers.listing import remote_models
from localchat.providers.sdk_client import DirectClient, quiet
from localchat.records import RemoteModel

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

_VERSION = "v1beta"


class GoogleClient(DirectClient):
    """The Gemini API, with a key of Google AI Studio."""

    default_url = "https://generativelanguage.googleapis.com"
    modules = ("pydantic_ai.direct", "pydantic_ai.models.google", "pydantic_ai.providers.google")

    def _auth(self, key: str | None) -> dict[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def _model(self, name: str, http: httpx2.AsyncClient) -> Model:
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        quiet()
        base_url = self._base_url.removesuffix(f"/{_VERSION}")
        provider = GoogleProvider(api_key="unused", http_client=http, base_url=base_url)
        _without_calls(provider.client.aio.models)
        return GoogleModel(name, provider=provider)

    def _settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        # To be shown what it thinks; pydantic-ai leaves it out where a model cannot.
        return {"thinking": True, **super()._settings(parameters)}

    def _forget(self, stream: Any) -> None:
        """It also adds each word to all the words before, for citations, which takes time by their square."""
        super()._forget(stream)
        for run in getattr(stream, "_text_runs", ()):
            run.content = ""

    async def models(self) -> list[RemoteModel]:
        """``GET {base}/v1beta/models``: those that can hold a conversation, without ``models/`` before each name."""
        prefix = "" if self._base_url.endswith(f"/{_VERSION}") else f"/{_VERSION}"
        rows = await self._listed(f"{prefix}/models?pageSize=1000")
        found = remote_models([row for row in rows if _talks(row)])
        return [replace(model, name=model.name.removeprefix("models/")) for model in found]


def _without_calls(models: Any) -> None:
    """The SDK would call functions by itself, and to that end keeps every event of a reply: 3 KB for each of them."""
    stream = models.generate_content_stream

    async def streamed(*, model: str, contents: Any, config: Any) -> Any:
        config = {**config, "automatic_function_calling": {"disable": True}}
        return await stream(model=model, contents=contents, config=config)

    models.generate_content_stream = streamed


def _talks(row: Any) -> bool:
    methods = row.get("supportedGenerationMethods") if isinstance(row, dict) else None
    return not isinstance(methods, list) or "generateContent" in methods
