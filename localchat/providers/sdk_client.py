"""The one file that knows pydantic-ai: its streams become our pieces, its exceptions our errors.

Each vendor's client says in its own file what its address, its headers and its list of models look like. Everything
heavy (an SDK takes up to two seconds to import) is imported at the first turn, in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from localchat import __version__
from localchat.errors import ContextTooLong, LocalChatError, ProviderRejected, ProviderUnavailable
from localchat.providers import failures, listing
from localchat.providers.failures import Place
from localchat.providers.keys import key_of
from localchat.records import Finished, Line, Piece, Provider, ReasoningPiece, RemoteModel, Request, TextPiece, Usage
from localchat.text import one_line

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

CONNECT_SECONDS = 10.0
STALL_SECONDS = 120.0  # between two pieces; a large model on a small machine reads a long prompt for a while
LISTING_SECONDS = 30.0
_PARAMETERS = ("temperature", "top_p", "seed", "max_tokens")
# What of the SDKs' own headers is sent on. The rest tells about this machine, or comes from environment variables that
# are meant for another endpoint (organisation, project, token).
_KEPT_HEADERS = frozenset({
    "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "transfer-encoding",
    "anthropic-version", "anthropic-beta",
})  # fmt: skip


class DirectClient:
    """A client for one vendor's wire format. ``stall``: seconds of silence that are taken for the end."""

    default_url: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]

    def __init__(self, provider: Provider, *, stall: float = STALL_SECONDS) -> None:
        self._provider = provider
        self._base_url = (provider.base_url or self.default_url).rstrip("/")
        self._stall = stall

    def _auth(self, key: str | None) -> dict[str, str]:
        """The headers that carry the key."""
        raise NotImplementedError

    def _model(self, name: str, http: httpx2.AsyncClient) -> Model:
        """pydantic-ai's model, speaking through our HTTP client. Called in a thread."""
        raise NotImplementedError

    async def models(self) -> list[RemoteModel]:
        """What the endpoint offers, in its own order. Raises like ``Client.stream``."""
        raise NotImplementedError

    def _settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as pydantic-ai takes them."""
        return {name: parameters[name] for name in _PARAMETERS if parameters.get(name) is not None}

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """Raises like ``Client.stream``; ProviderRejected before anything is sent where the key is missing."""
        place, key = await self._place()
        await self.warm()
        http = await asyncio.to_thread(open_http, self._base_url, self._auth(key), place, self._stall)
        try:
            model = await asyncio.to_thread(self._model, request.model, http)
            async with aclosing(self._pieces(model, request, place)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            await http.aclose()

    async def warm(self) -> None:
        """Import what the first turn needs."""
        await preload(self.modules)

    async def aclose(self) -> None:
        """Nothing is held between two turns."""

    async def _place(self) -> tuple[Place, str | None]:
        key = await asyncio.to_thread(key_of, self._provider)
        return failures.place_of(self._provider, self._base_url, key), key

    async def _listed(self, path: str) -> list[Any]:
        """The rows of a list of models at this path."""
        place, key = await self._place()
        await preload(("httpx2",))
        http = await asyncio.to_thread(open_http, self._base_url, self._auth(key), place, LISTING_SECONDS)
        async with http:
            return await listing.fetch(http, self._base_url, path, place)

    async def _pieces(self, model: Model, request: Request, place: Place) -> AsyncGenerator[Piece, None]:
        from pydantic_ai.direct import model_request_stream

        settings: Any = {**self._settings(request.parameters), "max_retries": 0}
        began = False
        try:
            async with model_request_stream(model, _history(request), model_settings=settings) as stream:
                async for event in stream:
                    for piece in _pieces_of(event):
                        began = True
                        yield piece
            reply = stream.get()
        except _faults() as error:
            raise _translated(error, place, request.model, self._stall, began) from error
        for piece in _last_pieces(reply, place):
            yield piece


async def preload(modules: tuple[str, ...]) -> None:
    """Import what a client needs, in a thread, so that the screen does not stand still."""
    await asyncio.to_thread(lambda: [importlib.import_module(name) for name in modules])


def open_http(base_url: str, auth: dict[str, str], place: Place, stall: float) -> httpx2.AsyncClient:
    """A client that sends the headers in ``auth`` and no other secret, and follows no one elsewhere."""
    import httpx2

    async def only_ours(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if name.lower() not in _KEPT_HEADERS]:
            del request.headers[name]
        request.headers.update({"user-agent": f"localchat/{__version__}", **auth})

    async def no_web_page(response: httpx2.Response) -> None:
        status, kind = response.status_code, response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if 300 <= status < 400:
            there = place.quote(response.headers.get("location", "elsewhere"))
            raise ProviderRejected(
                f"{place.name} at {place.address} points elsewhere ({status}: {there}).",
                "If you trust that, edit its address: f2, then e.",
            )
        if status < 300 and kind == "text/html":
            raise ProviderRejected(
                f"At {place.address} there is a web page, not a model server.",
                f"The address of {place.name} may need a path such as /v1. Edit it: f2, then e.",
            )

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(stall, connect=min(CONNECT_SECONDS, stall)),
        event_hooks={"request": [only_ours], "response": [no_web_page]},
        follow_redirects=False,
        trust_env=not place.local,  # a proxy does not lead to this machine
        verify=base_url.startswith("https"),
    )


def _history(request: Request) -> list[ModelMessage]:
    """What is sent, with neighbours of one role in one message."""
    from pydantic_ai.messages import (
        BinaryContent,
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        UserContent,
        UserPromptPart,
    )

    def words(line: Line) -> str | list[UserContent]:
        """Images come before the words, as the vendors advise."""
        if not line.images:
            return line.content
        seen: list[UserContent] = [BinaryContent(image.content, media_type=image.media_type) for image in line.images]
        return [*seen, line.content] if line.content else seen

    history: list[ModelMessage] = []
    asked: list[SystemPromptPart | UserPromptPart] = [SystemPromptPart(request.system)] if request.system else []
    for line in request.lines:
        if line.role != "assistant":
            asked.append(UserPromptPart(words(line)) if line.role == "user" else SystemPromptPart(line.content))
            continue
        if asked:
            history.append(ModelRequest(parts=asked))
            asked = []
        history.append(ModelResponse(parts=[TextPart(line.content)]))
    if asked:
        history.append(ModelRequest(parts=asked))
    return history


def _pieces_of(event: object) -> list[Piece]:
    """Text and reasoning of one event; kinds of events that we do not know are passed over."""
    from pydantic_ai.messages import (
        PartDeltaEvent,
        PartStartEvent,
        TextPart,
        TextPartDelta,
        ThinkingPart,
        ThinkingPartDelta,
    )

    match event:  # the first words of a part stand in its start, not in a delta
        case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return [TextPiece(text)] if text else []
        case PartStartEvent(part=ThinkingPart(content=text)):
            return [ReasoningPiece(text)] if text else []
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=thought)):
            return [ReasoningPiece(thought)] if thought else []
    return []


def _last_pieces(reply: ModelResponse, place: Place) -> list[Piece]:
    """The end of the stream. Raises ReplyCut where the endpoint did not say why it ended: pydantic-ai itself takes a
    stream that breaks off between two events for a complete one."""
    details = reply.provider_details or {}
    refused = details.get("refusal")
    if not details.get("finish_reason") and not refused:
        raise failures.cut(place)
    usage = Usage(reply.usage.input_tokens, reply.usage.output_tokens)
    reason = reply.finish_reason or str(details.get("finish_reason"))
    said: list[Piece] = [TextPiece(str(refused))] if refused else []
    return [*said, Finished(reason, usage if usage.input_tokens or usage.output_tokens else None)]


def _faults() -> tuple[type[Exception], ...]:
    """What a stream may raise that is the endpoint's doing. The last five are how the SDKs stumble over an event of the
    wrong shape."""
    import httpx2
    from pydantic_ai.exceptions import AgentRunError

    known = (LocalChatError, AgentRunError, httpx2.HTTPError, httpx2.InvalidURL)
    return (*known, ValueError, TypeError, AttributeError, LookupError, AssertionError)


def _translated(error: Exception, place: Place, model: str, stall: float, began: bool) -> LocalChatError:
    """Our error. After the first word it is a cut reply, whatever was the reason."""
    ours = _ours(error, place, model, stall)
    if not began or ours.code == "reply_cut":
        return ours
    return failures.cut(place, _in_short(error, ours, place, stall))


def _ours(error: Exception, place: Place, model: str, stall: float) -> LocalChatError:
    from pydantic_ai import exceptions as theirs

    cause = next((each for each in _chain(error) if isinstance(each, LocalChatError)), None)
    if cause is not None:
        return cause
    match error:
        case theirs.ModelContextWindowExceededError():
            return failures.too_long(place, error.body) or ContextTooLong(
                f"This chat is too long for {one_line(model, 120)}.",
                "Begin a new chat, or choose a model with a larger context.",
            )
        case theirs.UnexpectedModelBehavior(__cause__=None):  # a stream of Google's that ended with nothing in it
            return failures.cut(place)
        case theirs.ModelTimeoutError(phase="connect" | "pool"):
            return failures.no_answer(place, "no connection in time")
        case theirs.ModelTimeoutError():
            return failures.silent(place, stall)
        case theirs.ModelConnectionError():
            return failures.no_answer(place, failures.reason_of(error))
        case theirs.ModelHTTPError():
            return failures.refusal(place, error.status_code, error.body, model=model, retry_after=error.retry_after)
        case theirs.ModelAPIError() if words := _words(error):
            overflow = failures.too_long(place, error.body or words)
            return overflow or ProviderUnavailable(f"{place.name} failed: {place.quote(words)}", failures.AGAIN)
    return ProviderUnavailable(
        f"{place.name} at {place.address} sent something that cannot be understood.",
        f"Check its address and its kind. {failures.AGAIN}",
    )


def _in_short(error: Exception, ours: LocalChatError, place: Place, stall: float) -> str:
    """Why a reply was cut, in the few words that go into brackets."""
    from pydantic_ai import exceptions as theirs

    match error:
        case theirs.ModelTimeoutError():
            return f"nothing came for {stall:g} seconds"
        case theirs.ModelConnectionError():
            return failures.reason_of(error)
        case theirs.ModelAPIError() if words := _words(error):
            return place.quote(words)
        case LocalChatError():
            return ours.message
    return "something came that cannot be understood"


def _words(error: Any) -> str:
    """The endpoint's own words; empty where the SDK could not read what it sent."""
    if error.body is not None:
        return failures.said(error.body)
    return "" if error.__cause__ is not None and isinstance(error.__cause__, ValueError) else str(error.message)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain


def quiet() -> None:
    """pydantic-ai warns on standard error where it leaves out a parameter that a model does not take."""
    from pydantic_ai.exceptions import UnsupportedSettingWarning

    warnings.filterwarnings("ignore", category=UnsupportedSettingWarning)
