"""The one file that knows pydantic-ai: its streams become our pieces, its exceptions our errors.

Each vendor's client says in its own file what its address, its headers and its list of models look like. Everything
heavy (an SDK takes up to two seconds to import) is imported at the first turn, in a thread.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from localchat.errors import ASK_AGAIN, ContextTooLong, LocalChatError, ProviderUnavailable
from localchat.providers import deltas, failures, limits, listing
from localchat.providers.failures import Place
from localchat.providers.keys import key_of
from localchat.providers.limits import Budgets
from localchat.providers.loading import HTTP, preload
from localchat.providers.vendors import wire
from localchat.records import Finished, Line, Piece, Provider, ReasoningPiece, RemoteModel, Request, TextPiece, ToolCall
from localchat.text import one_line

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

_KEPT = 64 * 1024  # characters of a reply that pydantic-ai may keep beside us
_PARAMETERS = ("temperature", "top_p", "seed", "max_tokens")


class DirectClient:
    """A client for one vendor's wire format."""

    default_url: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]
    rewrite = staticmethod(wire.rewritten)

    def __init__(self, provider: Provider, *, budgets: Budgets | None = None) -> None:
        self._provider = provider
        self._base_url = (provider.base_url or self.default_url).rstrip("/")
        self._budgets = budgets

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
        given = {name: value for name, value in parameters.items() if value is not None}
        settings: dict[str, Any] = {name: given.pop(name) for name in _PARAMETERS if name in given}
        if (think := given.pop("think", None)) is not None:
            settings["thinking"] = False if think == "off" else think
        return {**settings, "extra_body": given} if given else settings

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Raises like ``Client.stream``; ProviderRejected before anything is sent where the key is missing."""
        await self.warm()
        from localchat.providers.http import open_http

        place, headers, budgets = await self._prepared()
        # Given no limit the SDKs use their own; the clock of the reply ends before this one does.
        silence = budgets.whole
        http = await asyncio.to_thread(
            open_http, self._base_url, headers, place, budgets, silence=silence, rewrite=self.rewrite
        )
        async with http:
            model = await asyncio.to_thread(self._model, request.model, http)
            coming = limits.watched(self._pieces(model, request, place), place, budgets)
            async with aclosing(coming) as pieces:
                async for piece in pieces:
                    yield piece

    async def warm(self) -> None:
        """Import what the first turn needs."""
        await preload(HTTP, *self.modules)

    async def aclose(self) -> None:
        """Nothing is held between two turns."""

    async def _prepared(self) -> tuple[Place, dict[str, str], Budgets]:
        budgets = self._budgets or limits.budgets_of(self._provider)
        key = await asyncio.to_thread(key_of, self._provider)
        await preload(HTTP)
        return failures.place_of(self._provider, self._base_url, key), self._auth(key), budgets

    async def _listed(self, path: str) -> list[Any]:
        """The rows of a list of models at this path."""
        place, headers, budgets = await self._prepared()
        return await listing.listed(self._base_url, path, headers, place, budgets)

    def _forget(self, stream: Any) -> None:
        """The words that pydantic-ai keeps for an end where nobody looks at them: whoever asked has had them."""
        from pydantic_ai.messages import TextPart, ThinkingPart

        for part in stream.get().parts:
            if isinstance(part, TextPart | ThinkingPart):
                part.content = ""

    async def _pieces(self, model: Model, request: Request, place: Place) -> AsyncGenerator[Piece, None]:
        from pydantic_ai.direct import model_request_stream

        settings: Any = {**self._settings(request.parameters), "max_retries": 0}
        began, kept = False, 0
        try:
            async with model_request_stream(model, _history(request), model_settings=settings) as stream:
                async for event in stream:
                    for piece in _pieces_of(event):
                        began = True
                        yield piece
                        kept += len(piece.text)
                    if kept > _KEPT:
                        kept = 0
                        self._forget(stream)
            reply = stream.get()
        except _faults() as error:
            raise _translated(error, place, request.model, began) from error
        for last in _last_pieces(reply, place):
            yield last


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


def _pieces_of(event: object) -> list[TextPiece | ReasoningPiece]:
    """Text and reasoning of one event; kinds of events that we do not know are passed over."""
    from pydantic_ai.messages import (
        PartDeltaEvent,
        PartStartEvent,
        TextPart,
        TextPartDelta,
        ThinkingPart,
        ThinkingPartDelta,
    )

    # The first words of a part stand in its start, not in a delta; what a server sends in place of text is passed on.
    match event:
        case (
            PartStartEvent(part=TextPart(content=str(text)))
            | PartDeltaEvent(delta=TextPartDelta(content_delta=str(text)))
        ):
            return [TextPiece(text)] if text else []
        case PartStartEvent(part=ThinkingPart(content=str(text))):
            return [ReasoningPiece(text)] if text else []
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(thought))):
            return [ReasoningPiece(thought)] if thought else []
    return []


def _last_pieces(reply: ModelResponse, place: Place) -> list[Piece]:
    """The end of the stream. Raises ReplyCut where the endpoint did not say why it ended: pydantic-ai itself takes a
    stream that breaks off between two events for a complete one."""
    details = reply.provider_details or {}
    refused = details.get("refusal")
    if not details.get("finish_reason") and not refused:
        raise failures.cut(place)
    usage = deltas.usage(reply.usage.input_tokens, reply.usage.output_tokens)
    reason = reply.finish_reason or one_line(str(details.get("finish_reason"))[:1000], 64)
    said: list[Piece] = [TextPiece(str(refused))] if refused else []
    counted = usage is not None and (usage.input_tokens or usage.output_tokens)
    calls = tuple(ToolCall(call.tool_call_id, call.tool_name, call.args_as_json_str()) for call in reply.tool_calls)
    return [*said, Finished(reason, usage if counted else None, calls)]


def _faults() -> tuple[type[Exception], ...]:
    """What a stream may raise that is the endpoint's doing. The last six are how the SDKs stumble over an event of the
    wrong shape."""
    import httpx2
    from pydantic_ai.exceptions import AgentRunError

    known = (LocalChatError, AgentRunError, httpx2.HTTPError, httpx2.InvalidURL)
    return (*known, ValueError, TypeError, AttributeError, LookupError, AssertionError, RecursionError)


def _translated(error: Exception, place: Place, model: str, began: bool) -> LocalChatError:
    """Our error. After the first word it is a cut reply, whatever was the reason."""
    ours = _ours(error, place, model)
    if not began or ours.code == "reply_cut":
        return ours
    return failures.cut(place, _in_short(error, ours, place))


def _ours(error: Exception, place: Place, model: str) -> LocalChatError:
    from pydantic_ai import exceptions as theirs

    if (cause := _cause(error)) is not None:
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
            return failures.no_answer(place, "no answer in time")
        case theirs.ModelConnectionError():
            return failures.no_answer(place, failures.reason_of(error))
        case theirs.ModelHTTPError():
            return failures.refusal(place, error.status_code, error.body, model=model, retry_after=_wait(error))
        case theirs.ModelAPIError() if words := _words(error):
            overflow = failures.too_long(place, error.body or words)
            return overflow or ProviderUnavailable(f"{place.name} failed: {place.quote(words)}", remedy=ASK_AGAIN)
    return failures.not_understood(place)


def _in_short(error: Exception, ours: LocalChatError, place: Place) -> str:
    """Why a reply was cut, in the few words that go into brackets."""
    from pydantic_ai import exceptions as theirs

    match error:
        case theirs.ModelConnectionError():
            return failures.reason_of(error)
        case theirs.ModelAPIError() if words := _words(error):
            return place.quote(words)
    if isinstance(_cause(error), LocalChatError):
        return failures.short(ours)
    return "something came that cannot be understood"


def _cause(error: Exception) -> LocalChatError | None:
    """An error of our own, made on the way through our HTTP client, in whatever an SDK wrapped it."""
    return next((each for each in _chain(error) if isinstance(each, LocalChatError)), None)


def _wait(error: Any) -> float | None:
    """What the headers of a refusal ask to wait."""
    response = next((each.response for each in _chain(error) if hasattr(each, "response")), None)
    return failures.wait_told(response.headers, time.time()) if response is not None else error.retry_after


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
    """pydantic-ai warns on standard error where it leaves out a parameter that a model does not take, and where there
    is no usage."""
    warnings.filterwarnings("ignore", module=r"pydantic_ai\.")
