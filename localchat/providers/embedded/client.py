"""Models that run in this program: the built-in one, and any GGUF file.

It speaks plain HTTP to our own engine. The vendor's SDK would do, but importing it takes up to two seconds, and the
first message of a new user would wait for that.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from localchat.errors import LocalChatError, ModelMissing
from localchat.providers import failures
from localchat.providers.embedded import launcher, weights
from localchat.records import (
    BUILT_IN_CONTEXT,
    BUILT_IN_MODEL,
    Finished,
    Line,
    Piece,
    Progress,
    Provider,
    ReasoningPiece,
    RemoteModel,
    Request,
    TextPiece,
    Usage,
)
from localchat.text import one_line

# What its makers recommend, and two measures against going round in circles, which it likes to do.
BUILT_IN_PARAMETERS = {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1, "max_tokens": 1024}
_SENT = ("temperature", "top_p", "repeat_penalty", "seed", "max_tokens")
_STALL = 60.0  # seconds; the engine gives a sign of life every ten


class EmbeddedClient:
    """Streams from an engine of ours, started where it does not run yet; fetches the built-in weights where missing."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """First ``Progress`` where something takes time, then the reply.

        Raises like ``Client.stream``; InvalidInput for a file that is no GGUF model, DiskFull where the weights do not
        fit on the disk.
        """
        if request.path is None and request.model == BUILT_IN_MODEL:
            async with aclosing(weights.pull()) as pulled:
                async for progress in pulled:
                    yield progress
        path, context = file_of(request.model, request.path, request.context)
        launcher.engine(path, context)  # begins to load while httpx2 is imported
        await asyncio.to_thread(importlib.import_module, "httpx2")
        for last_try in (False, True):
            engine = launcher.engine(path, context)
            if not engine.ready.done():
                yield Progress(f"Loading {one_line(_title(request), 60)}")
            engine = await launcher.ready(engine)
            try:
                async with aclosing(self._ask(engine, request)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except _EngineDied as died:  # perhaps while nobody looked: not the fault of this turn
                if last_try:
                    raise died.error from died.__cause__

    async def _ask(self, engine: launcher.Engine, request: Request) -> AsyncGenerator[Piece, None]:
        place = failures.Place(self._provider.name, "this machine", local=True, key_hint="")
        engine.busy += 1
        try:
            async with aclosing(_chat(engine, _body(request), place)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            engine.busy -= 1

    async def models(self) -> list[RemoteModel]:
        """Only the built-in one: other files have no list."""
        return [RemoteModel(BUILT_IN_MODEL, BUILT_IN_CONTEXT)]

    async def aclose(self) -> None:
        """Nothing is held: engines stay warm for the next turn and end with the program."""


def file_of(model: str, path: str | None, context: int | None) -> tuple[Path, int | None]:
    """The file that a model is, and the context to load it with. Raises ModelMissing where it names none."""
    if path is not None:
        try:
            return Path(path).expanduser(), context
        except RuntimeError:
            return Path(path), context
    if model == BUILT_IN_MODEL:
        return weights.path(), context or BUILT_IN_CONTEXT
    raise ModelMissing(f"{one_line(model, 120)} names no GGUF file.", "Edit it and give the path of its file.")


async def warm(model: str = BUILT_IN_MODEL, path: str | None = None, context: int | None = None) -> None:
    """Begin to load a model that is likely to be used soon, and return at once. Never fetches, never raises."""
    try:
        file, tokens = file_of(model, path, context)
    except LocalChatError:
        return
    await asyncio.to_thread(importlib.import_module, "httpx2")
    if path is not None or weights.present():
        launcher.engine(file, tokens)


def shutdown() -> None:
    """End all engines of this process; takes milliseconds. They end with it in any case."""
    launcher.shutdown()


class _EngineDied(Exception):
    """Before the first word, so that another engine may be tried. ``error`` is what to tell where that fails too."""

    def __init__(self, error: LocalChatError) -> None:
        super().__init__(error.message)
        self.error = error


def _title(request: Request) -> str:
    return weights.TITLE if request.path is None else request.model


def _body(request: Request) -> dict[str, Any]:
    parameters = dict(request.parameters)
    if request.path is None:
        parameters = {**BUILT_IN_PARAMETERS, **{k: v for k, v in parameters.items() if v is not None}}
    lines = [Line("system", request.system), *request.lines] if request.system else list(request.lines)
    return {
        "messages": [{"role": line.role, "content": line.content} for line in _alternating(lines)],
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: parameters[name] for name in _SENT if parameters.get(name) is not None},
    }


def _alternating(lines: list[Line]) -> list[Line]:
    """Neighbours of one role as one line: several chat templates refuse anything else."""
    merged: list[Line] = []
    for line in lines:
        if merged and merged[-1].role == line.role:
            merged[-1] = Line(line.role, f"{merged[-1].content}\n\n{line.content}")
        else:
            merged.append(line)
    return merged


async def _chat(engine: launcher.Engine, body: dict[str, Any], place: failures.Place) -> AsyncGenerator[Piece, None]:
    """One request to the engine; closing this generator closes the connection, which stops the engine's work."""
    import httpx2

    began = False
    reason: str | None = None
    usage: Usage | None = None
    # No proxy and no certificates: it is on loopback. One connection a request: llama.cpp closes it after a stream.
    client = httpx2.AsyncClient(
        base_url=engine.url,
        headers={"Authorization": f"Bearer {engine.key}", "Connection": "close"},
        timeout=httpx2.Timeout(10.0, read=_STALL),
        trust_env=False,
        verify=False,
    )
    try:
        async with client, client.stream("POST", "/v1/chat/completions", json=body) as response:
            if response.status_code >= 400:
                raise failures.refusal(place, response.status_code, _parsed(await response.aread()))
            async for event in httpx2.EventSource(response):
                chunk = _parsed(event.data) if event.data != "[DONE]" else {}
                if not isinstance(chunk, dict) or "error" in chunk:
                    raise failures.cut(place, failures.said(chunk)) if began else failures.refusal(place, 500, chunk)
                for piece in _pieces(chunk):
                    began = True
                    yield piece
                reason = _finish(chunk) or reason
                usage = _usage(chunk) or usage
    except httpx2.TransportError as error:
        # It hangs, or it is dead or dying (the socket closes before the process is gone): the next turn gets a new one.
        await asyncio.to_thread(engine.stop)
        if isinstance(error, httpx2.TimeoutException):
            raise (failures.cut(place, "the engine hung") if began else failures.silent(place, _STALL)) from error
        if began:
            raise failures.cut(place, "the engine ended") from error
        raise _EngineDied(failures.no_answer(place, "the engine ended")) from error
    if reason is None:
        raise failures.cut(place)
    yield Finished(reason, usage)


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _pieces(chunk: dict[str, Any]) -> list[Piece]:
    pieces: list[Piece] = []
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        if thought := delta.get("reasoning_content"):
            pieces.append(ReasoningPiece(thought))
        if text := delta.get("content"):
            pieces.append(TextPiece(text))
    return pieces


def _finish(chunk: dict[str, Any]) -> str | None:
    return next((c["finish_reason"] for c in chunk.get("choices") or () if c.get("finish_reason")), None)


def _usage(chunk: dict[str, Any]) -> Usage | None:
    told = chunk.get("usage")
    return Usage(told["prompt_tokens"], told["completion_tokens"]) if told else None
