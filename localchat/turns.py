"""One turn, from the user's words to the stored reply: an async stream of events. No screen, no socket.

The words are stored before the network is touched; the reply is saved as it grows; whatever happens, what came is kept
and the message says how it ended. Who answers, and when it falls back: docs/life-of-models.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localchat.errors import (
    ConfirmRemote,
    ContextTooLong,
    Internal,
    InvalidInput,
    LocalChatError,
    NoDefaultModel,
    NotFound,
    ProviderUnavailable,
    ReplyCut,
)
from localchat.records import (
    Chat,
    ErrorNote,
    Fallback,
    Finished,
    Line,
    Message,
    Model,
    Progress,
    Provider,
    ReasoningPiece,
    Request,
    Resolution,
    Status,
    TextPiece,
    Usage,
    moment,
)
from localchat.store import Store, patiently
from localchat.store.messages import Begun

if TYPE_CHECKING:
    from localchat.providers import Client

Connect = Callable[[Provider], "Client"]

SAVE_EVERY = 0.2  # seconds between saves of a growing reply; the promise is 0.25
BYTES_PER_TOKEN = 3  # of UTF-8: cautious for prose (4 to 5), right for code and for scripts beyond ASCII
LINE_OVERHEAD = 8  # tokens that a message costs beside its text, by the chat templates seen
REFITS = 3  # how often a turn is cut shorter when the endpoint says that it does not fit


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer. ``chat_id`` None begins a chat; ``text`` None asks the prompt ``under`` again.

    ``model_id``: answer this turn with that model, whatever the chat's own is. ``allow_remote``: the person agreed that
    a chat whose model ran on this machine may be sent to another one.
    """

    text: str | None
    chat_id: int | None = None
    model_id: int | None = None
    allow_remote: bool = False
    under: int | None = None
    at_root: bool = False
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Began:
    """The words are stored. ``resolution`` says who answers and whether that is a fallback."""

    chat: Chat
    prompt: Message | None
    reply: Message
    resolution: Resolution
    new_chat: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """This many earlier messages do not fit the model's context and are not sent."""

    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something takes time before the first word."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Chunk:
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The reply as it is stored; ``error`` where it failed or was cut."""

    message: Message
    error: LocalChatError | None = None


Event = Began | LeftOut | Waiting | Chunk | Thought | Ended


def resolve(store: Store, chat: Chat | None, model_id: int | None = None, allow_remote: bool = False) -> Resolution:
    """Who answers: the model asked for, else the chat's own, else the default (a fallback).

    Raises NoDefaultModel, ConfirmRemote, NotFound and InvalidInput (the model asked for is gone, or switched off).
    """
    catalog = store.catalog
    own = catalog.model(chat.model.id) if chat is not None and chat.model is not None else None
    if model_id is not None:
        asked = catalog.model(model_id)
        if asked.removed:
            raise NotFound(f"{asked.ref} was removed.", "See `localchat models list`.")
        if not asked.usable:
            raise InvalidInput(f"{asked.ref} is switched off.", "Switch it on, or choose another model.")
        return Resolution(used=asked, own=own or asked)
    if own is not None and own.usable:
        return Resolution(used=own, own=own)
    default = catalog.default()
    if default is None or not default.usable:
        raise NoDefaultModel
    if own is None:
        return Resolution(used=default, own=default)
    leaves = own.is_local and not default.is_local
    if leaves and not allow_remote and not (chat is not None and chat.remote_ok):
        raise ConfirmRemote(own.ref, default.ref)
    fallback = Fallback(wanted=own, used=default, reason="removed" if own.removed else "disabled")
    return Resolution(used=default, own=own, fallback=fallback, agreed=leaves and allow_remote)


def estimate(text: str) -> int:
    """Tokens, roughly and rather too many: no tokenizer of a remote model is at hand."""
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + LINE_OVERHEAD


def lines_that_fit(store: Store, chat: Chat, stop: int, budget: int | None) -> tuple[list[Line], int, int]:
    """The newest messages of the chat's line before depth ``stop`` that fit ``budget`` tokens, oldest first.

    Returns the lines, how many messages were left out, and the estimated tokens. The newest message always goes in.
    Reads backwards page by page, so a long chat costs what is sent, not what it holds. Failed replies without a word
    are no part of the conversation; messages of one role in a row become one line, as chat templates demand.
    """
    kept: list[Message] = []
    spent, full, page = 0, False, 100
    top = stop
    while top > 0 and not full:
        start = max(0, top - page)
        for message in reversed(store.messages.line(chat, start, top)):
            if not message.content and message.role == "assistant":
                continue
            cost = estimate(message.content)
            if budget is not None and kept and spent + cost > budget:
                full = True
                break
            spent += cost
            kept.append(message)
        top = start
    kept.reverse()
    if full and kept and kept[0].role == "assistant" and len(kept) > 1:
        spent -= estimate(kept.pop(0).content)  # a reply without its question only confuses
    left_out = kept[0].depth if full and kept else 0
    merged: list[Line] = []
    for message in kept:
        if merged and merged[-1].role == message.role:
            merged[-1] = Line(message.role, f"{merged[-1].content}\n\n{message.content}")
        else:
            merged.append(Line(message.role, message.content))
    return merged, left_out, spent


async def send(store: Store, connect: Connect, prompt: Prompt) -> AsyncGenerator[Event, None]:
    """Answer a prompt. The first event is ``Began``, the last ``Ended``.

    Raises, before anything is stored, what ``resolve`` raises, NotFound and InvalidInput; and StoreBusy or DiskFull
    where the store cannot take the turn. What the endpoint does wrong is not raised: it is stored and in ``Ended``.
    Cancelling the task that iterates, or closing the generator, keeps what came as ``stopped``.
    """
    if prompt.text is not None and not prompt.text.strip():
        raise InvalidInput("There is nothing to send.", "Type a message first.")
    begun = await patiently(
        lambda: store.messages.begin_turn(
            lambda chat: resolve(store, chat, prompt.model_id, prompt.allow_remote),
            chat_id=prompt.chat_id,
            text=prompt.text,
            under=prompt.under,
            at_root=prompt.at_root,
            system=prompt.system,
        )
    )
    reply = _Reply(store, begun)
    try:
        yield Began(begun.chat, begun.prompt, begun.reply, begun.resolution, begun.new_chat)
        async with reply.saved_as_it_grows(), aclosing(_stream(store, connect, reply)) as events:
            async for event in events:
                yield event
    except (asyncio.CancelledError, GeneratorExit):
        await reply.end("stopped")
        raise
    except LocalChatError as error:
        yield await reply.fail(error)
    except Exception as error:
        reply.bug = error
        yield await reply.fail(Internal(f"localchat met a bug: {type(error).__name__}: {error}", "Please report it."))
    else:
        yield Ended(await reply.end("complete"))


@dataclass
class _Reply:
    """The reply as it grows, and its way into the store."""

    store: Store
    begun: Begun
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    saved: int = 0
    pieces: int = 0
    bug: Exception | None = None

    @property
    def used(self) -> Model:
        return self.begun.resolution.used

    @property
    def content(self) -> str:
        return "".join(self.text)

    @contextlib.asynccontextmanager
    async def saved_as_it_grows(self) -> AsyncGenerator[None, None]:
        saver = asyncio.create_task(self._save_regularly())
        try:
            yield
        finally:
            saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saver

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY)
            if self.pieces == self.saved:
                continue
            pieces = self.pieces
            # A full disk or a busy store may pass; the end of the turn tries once more and then says so.
            with contextlib.suppress(LocalChatError):
                self.store.messages.grow(self.begun.reply.id, self.content, "".join(self.thoughts))
                self.saved = pieces

    async def end(self, status: Status, error: LocalChatError | None = None) -> Message:
        note = ErrorNote(error.code, error.message, error.hint) if error else None
        took = moment(self.store.now()) - moment(self.begun.reply.created_at)
        return await patiently(
            lambda: self.store.messages.finish(
                self.begun.reply.id,
                status,
                self.content,
                "".join(self.thoughts),
                finish_reason=self.finish_reason,
                usage=self.usage,
                error=note,
                duration_ms=max(round(took.total_seconds() * 1000), 0),
            )
        )

    async def fail(self, error: LocalChatError) -> Ended:
        """A break after the first word cut the reply; before it, the endpoint was not there."""
        came = bool(self.text or self.thoughts)
        if came and isinstance(error, ProviderUnavailable):
            error = ReplyCut(error.message, error.hint)
        elif not came and isinstance(error, ReplyCut):
            error = ProviderUnavailable(error.message, error.hint)
        status: Status = "interrupted" if isinstance(error, ReplyCut) else "failed"
        return Ended(await self.end(status, error), error)


async def _stream(store: Store, connect: Connect, reply: _Reply) -> AsyncGenerator[Event, None]:
    """Ask the endpoint; where it says that the turn does not fit, send less, and tell."""
    client = connect(store.catalog.provider(reply.used.provider))
    try:
        budget = _budget(reply)
        left_out_told = 0
        for attempt in range(REFITS + 1):
            request, left_out, spent = _request(store, reply, budget)
            if left_out != left_out_told:
                left_out_told = left_out
                await patiently(lambda count=left_out: store.messages.note_left_out(reply.begun.reply.id, count))  # type: ignore[misc]
                yield LeftOut(left_out)
            try:
                async with aclosing(_ask(client, request, reply)) as events:
                    async for event in events:
                        yield event
                return
            except ContextTooLong as error:
                smaller = _smaller_budget(error, spent)
                if reply.pieces or attempt == REFITS or smaller is None or len(request.lines) <= 1:
                    raise
                budget = smaller
    finally:
        await client.aclose()


async def _ask(client: Client, request: Request, reply: _Reply) -> AsyncGenerator[Event, None]:
    stream = client.stream(request)
    finished = False
    try:
        async for piece in stream:
            match piece:
                case TextPiece(text):
                    reply.text.append(text)
                    reply.pieces += 1
                    yield Chunk(text)
                case ReasoningPiece(text):
                    reply.thoughts.append(text)
                    reply.pieces += 1
                    yield Thought(text)
                case Progress():
                    yield Waiting(piece)
                case Finished(reason, usage):
                    reply.finish_reason, reply.usage = reason, usage
                    finished = reason is not None
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    if not finished:
        raise ReplyCut(
            f"The reply of {reply.used.ref} ended without a finish reason; something may be missing.",
            "Press ctrl+r to ask again.",
        )


def _budget(reply: _Reply) -> int | None:
    """Tokens for what is sent, or None where the model's context is not known."""
    context = reply.used.context
    if context is None:
        return None
    room = reply.begun.chat.parameters.get("max_tokens") or reply.used.parameters.get("max_tokens") or 1024
    return max(context - min(int(room), context // 4), 1)


def _smaller_budget(error: ContextTooLong, spent: int) -> int | None:
    """What to try next: by the endpoint's own count where it gave one, else nothing."""
    if error.limit is None or error.tokens is None or error.tokens <= 0:
        return None
    return int(spent * min(error.limit / error.tokens, 1.0) * 0.8)


def _request(store: Store, reply: _Reply, budget: int | None) -> tuple[Request, int, int]:
    chat, used = reply.begun.chat, reply.used
    system = estimate(chat.system) if chat.system else 0
    lines, left_out, spent = lines_that_fit(
        store, chat, reply.begun.reply.depth, None if budget is None else max(budget - system, 1)
    )
    request = Request(
        model=used.model,
        lines=tuple(lines),
        system=chat.system,
        parameters={**used.parameters, **chat.parameters},
        path=used.path,
        context=used.context,
    )
    return request, left_out, spent + system
