"""Models that run in this program: the built-in one, and any GGUF file.

The engine is a child process that speaks OpenAI's chat completions on loopback: ``chat_completions.py`` reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from localchat.errors import LocalChatError, ModelMissing
from localchat.providers import chat_completions, failures, limits
from localchat.providers.embedded import launcher, weights
from localchat.providers.loading import HTTP, preload
from localchat.records import (
    BUILT_IN_CONTEXT,
    BUILT_IN_MODEL,
    Line,
    Piece,
    Progress,
    Provider,
    RemoteModel,
    Request,
)
from localchat.text import one_line

# What its makers recommend, and two measures against going round in circles, which it likes to do.
BUILT_IN_PARAMETERS = {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1, "max_tokens": 1024}
_STALL = 60.0  # seconds; the engine gives a sign of life every ten


class EmbeddedClient:
    """Streams from an engine of ours, started where it does not run yet; fetches the built-in weights where missing."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
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
        await preload(HTTP)
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
        budgets = limits.budgets_of(self._provider)
        # A long prompt takes a small machine minutes, and a hung engine is known by its silence.
        budgets = replace(budgets, first_word=budgets.whole, between=budgets.whole)
        engine.busy += 1
        try:
            chat = _chat(engine, body_of(request), place, request.model, budgets)
            async with aclosing(limits.watched(chat, place, budgets)) as pieces:
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
    await preload(HTTP)
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


def body_of(request: Request) -> dict[str, Any]:
    """What the engine is sent."""
    lines = [Line("system", request.system), *request.lines] if request.system else list(request.lines)
    set_here = {name: value for name, value in request.parameters.items() if value is not None}
    usual = BUILT_IN_PARAMETERS if request.path is None else {}
    merged = replace(request, lines=tuple(_alternating(lines)), system="", parameters={**usual, **set_here})
    return chat_completions.body_of(merged)


def _alternating(lines: list[Line]) -> list[Line]:
    """Neighbours of one role as one line: several chat templates refuse anything else."""
    merged: list[Line] = []
    for line in lines:
        if merged and merged[-1].role == line.role:
            merged[-1] = Line(line.role, f"{merged[-1].content}\n\n{line.content}")
        else:
            merged.append(line)
    return merged


async def _chat(
    engine: launcher.Engine, body: dict[str, Any], place: failures.Place, model: str, budgets: limits.Budgets
) -> AsyncGenerator[Piece, None]:
    """One request to the engine; closing this generator closes the connection, which stops the engine's work."""
    import httpx2

    from localchat.providers.http import open_http

    began = False
    # One connection a request: llama.cpp closes it after a stream.
    headers = {"authorization": f"Bearer {engine.key}", "connection": "close"}
    try:
        async with (
            open_http(engine.url, headers, place, budgets, silence=_STALL) as http,
            aclosing(chat_completions.chat(http, f"{engine.url}/v1/chat/completions", body, place, model)) as pieces,
        ):
            async for piece in pieces:
                began = True
                yield piece
    except httpx2.TransportError as error:
        # It hangs, or it is dead or dying (the socket closes before the process is gone): the next turn gets a new one.
        await asyncio.to_thread(engine.stop)
        if isinstance(error, httpx2.TimeoutException):
            raise (failures.cut(place, "the engine hung") if began else failures.silent(place, _STALL)) from error
        if began:
            raise failures.cut(place, "the engine ended") from error
        raise _EngineDied(failures.no_answer(place, "the engine ended")) from error
