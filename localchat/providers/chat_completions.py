"""OpenAI's chat completions, as everyone speaks them: OpenAI itself, OpenRouter, Ollama, LM Studio, vLLM, llama.cpp …
and our own engine.

https://platform.openai.com/docs/api-reference/chat; what others add to it is read where it is known, and passed over
where it is not: one odd event never costs the reply.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from localchat.errors import LocalChatError
from localchat.providers import failures, limits, listing
from localchat.providers.deltas import Deltas, message_of
from localchat.providers.events import beginning, events, is_document, with_beginning
from localchat.providers.failures import Place
from localchat.providers.keys import key_of
from localchat.providers.limits import Budgets
from localchat.providers.loading import HTTP, preload
from localchat.records import Line, Piece, Provider, RemoteModel, Request

if TYPE_CHECKING:
    import httpx2

_OWN_HOST = "api.openai.com"
# After the finish reason only usage and the end are due; a server that keeps the connection open is not waited for.
_AFTERWARDS = 5.0  # seconds


class OpenAIClient:
    """Any OpenAI-compatible endpoint, with or without a key."""

    default_url = f"https://{_OWN_HOST}/v1"

    def __init__(self, provider: Provider, *, budgets: Budgets | None = None) -> None:
        self._provider = provider
        self._base_url = (provider.base_url or self.default_url).rstrip("/")
        self._budgets = budgets

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Raises like ``Client.stream``; ProviderRejected before anything is sent where the key is missing."""
        place, headers, budgets = await self._prepared()
        from localchat.providers.http import open_http

        async with await asyncio.to_thread(open_http, self._base_url, headers, place, budgets) as http:
            coming = limits.watched(self._ask(http, request, place), place, budgets)
            async with aclosing(coming) as pieces:
                async for piece in pieces:
                    yield piece

    async def _ask(self, http: httpx2.AsyncClient, request: Request, place: Place) -> AsyncGenerator[Piece, None]:
        import httpx2

        body = body_of(request, own=urlsplit(self._base_url).hostname == _OWN_HOST)
        url, began = f"{self._base_url}/chat/completions", False
        try:
            async with aclosing(chat(http, url, body, place, request.model)) as pieces:
                async for piece in pieces:
                    began = True
                    yield piece
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = failures.reason_of(error)
            raise (failures.cut(place, reason) if began else failures.no_answer(place, reason)) from error

    async def models(self) -> list[RemoteModel]:
        """``GET {base}/models``, with the context where the endpoint tells it."""
        place, headers, budgets = await self._prepared()
        return listing.remote_models(await listing.listed(self._base_url, "/models", headers, place, budgets))

    async def warm(self) -> None:
        """Import what the first turn needs."""
        await preload(HTTP)

    async def aclose(self) -> None:
        """Nothing is held between two turns."""

    async def _prepared(self) -> tuple[Place, dict[str, str], Budgets]:
        budgets = self._budgets or limits.budgets_of(self._provider)
        key = await asyncio.to_thread(key_of, self._provider)
        await self.warm()
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return failures.place_of(self._provider, self._base_url, key), headers, budgets


def body_of(request: Request, *, own: bool = False) -> dict[str, Any]:
    """What is sent. Parameters that localchat does not know go along as they are; what a turn needs to work does not
    bend to them. ``own``: it goes to OpenAI, who wants ``max_completion_tokens``; most others know ``max_tokens`` only
    and would pass over the limit."""
    extra = {name: value for name, value in request.parameters.items() if value is not None}
    if (think := extra.pop("think", None)) is not None:
        # https://platform.openai.com/docs/api-reference/chat/create#chat-create-reasoning_effort
        extra.setdefault("reasoning_effort", "none" if think == "off" else think)
    if own and "max_tokens" in extra:
        extra["max_completion_tokens"] = extra.pop("max_tokens")
    lines = [Line("system", request.system), *request.lines] if request.system else request.lines
    return {
        **extra,
        "model": request.model,
        "messages": _messages(lines),
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _messages(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [{"role": line.role, "content": _content(line)} for line in lines]


def _content(line: Line) -> str | list[dict[str, Any]]:
    """Images come before the words, as the vendors advise."""
    if not line.images:
        return line.content
    parts: list[dict[str, Any]] = []
    for image in line.images:
        encoded = base64.b64encode(image.content).decode("ascii")
        parts.append({"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{encoded}"}})
    return [*parts, {"type": "text", "text": line.content}] if line.content else parts


async def chat(
    http: httpx2.AsyncClient, url: str, body: Mapping[str, Any], place: Place, model: str
) -> AsyncGenerator[Piece, None]:
    """One request and its reply, as a stream or in one piece. Closing this generator closes the connection.

    Raises the endpoint's refusal, ProviderUnavailable for what cannot be understood, ReplyCut where it is told in the
    middle of the reply or where there is no finish reason; httpx2's own errors pass.
    """
    from localchat.providers.http import parsed

    async with http.stream("POST", url, json=body) as response:
        if response.status_code >= 400:
            error = parsed(await response.aread())
            wait = failures.wait_told(response.headers, time.time())
            raise failures.refusal(place, response.status_code, error, model=model, retry_after=wait)
        parts = response.aiter_bytes()
        start = await beginning(parts)
        deltas = Deltas()
        if is_document(start):  # asked for a stream, it answers in one piece, as proxies do
            whole = b"".join([start, *[part async for part in parts]])
            for piece in _understood(deltas, message_of(parsed(whole)), place, model):
                yield piece
        else:
            async with aclosing(_events(start, parts, deltas)) as coming:
                async for event in coming:
                    for piece in _understood(deltas, parsed(event), place, model):
                        yield piece
        for piece in deltas.end(place):
            yield piece


async def _events(start: bytes, parts: AsyncIterator[bytes], deltas: Deltas) -> AsyncGenerator[str, None]:
    """The data of the events until one says that it was the last."""

    async with aclosing(events(with_beginning(start, parts))) as coming:
        while True:
            try:
                async with asyncio.timeout(_AFTERWARDS if deltas.reason else None):
                    data = await anext(coming, None)
            except TimeoutError:
                return
            if data is None or data.strip() == "[DONE]":
                return
            yield data


def _understood(deltas: Deltas, chunk: Any, place: Place, model: str) -> list[Piece]:
    """The pieces of one event. Raises where it is an error, or nothing that can be read."""
    if not isinstance(chunk, dict):
        raise failures.not_understood(place)
    if chunk.get("error"):
        raise _told(deltas, chunk, place, model)
    return deltas.pieces(chunk)


def _told(deltas: Deltas, chunk: dict[str, Any], place: Place, model: str) -> LocalChatError:
    """An error in place of an event."""
    if deltas.began:
        return failures.cut(place, failures.said(chunk) or "it says that something went wrong")
    inner = chunk["error"]
    code = inner.get("code") if isinstance(inner, dict) else None
    status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    return failures.refusal(place, status, chunk, model=model)
