"""One turn, from the user's words to the stored reply: an async stream of events. No screen, no socket.

The words are stored before the network is touched; the reply is saved as it grows; whatever happens, what came is kept
and the message says how it ended. Who answers, and when it falls back: docs/life-of-models.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localchat.errors import (
    ASK_AGAIN,
    Changed,
    ContextTooLong,
    InvalidInput,
    LocalChatError,
    NotFound,
    ProviderRejected,
    Remedy,
    ReplyCut,
    Way,
)
from localchat.records import (
    Attachment,
    AttachmentInfo,
    Chat,
    Finished,
    Message,
    Model,
    Progress,
    Provider,
    ReasoningPiece,
    Request,
    Resolution,
    TextPiece,
)
from localchat.store import PendingWrites, Store, patiently
from localchat.store.messages import Begun
from localchat.turns.context import budget_of, request_of, smaller_budget
from localchat.turns.events import Began, Chunk, Ended, Event, LeftOut, Thought, Waiting
from localchat.turns.reply_writer import ReplyWriter, internal
from localchat.turns.requests import Connect, Continue, Edit, NewTurn, Regenerate, TurnRequest
from localchat.turns.resolution import check_images, resolve, takes_images

if TYPE_CHECKING:
    from localchat.providers import Client


REFITS = 3  # how often a turn is cut shorter when the endpoint says that it does not fit


async def send(
    store: Store, connect: Connect, request: TurnRequest, *, pending: PendingWrites | None = None
) -> AsyncGenerator[Event, None]:
    """Answer a request. The first event is ``Began``, the last ``Ended``.

    Raises, before anything is stored, what ``resolve`` raises, NotFound and InvalidInput; and StoreBusy or DiskFull
    where the store cannot take the turn. What goes wrong after that is not raised: it is stored and in ``Ended``.
    Cancelling the task that iterates, or closing the generator, keeps what came as ``stopped``; where the store cannot
    take that, its error is raised. ``pending`` goes on trying to store an end that the store did not take.
    """
    begun, provider = await _begin(store, request)
    reply = ReplyWriter(store, begun, pending, deltas=[] if store.recordings.wanted(provider.id) else None)
    try:
        with reply.saved_as_it_grows():
            yield Began(
                begun.chat, begun.prompt, begun.reply, begun.resolution, begun.new_chat, unarchived=begun.unarchived
            )
            async with aclosing(_stream(store, connect, provider, reply, request.parameters)) as events:
                async for event in events:
                    yield event
    except (asyncio.CancelledError, GeneratorExit):
        await reply.stop()
        raise
    except LocalChatError as error:
        ended = await reply.fail(error)
    except Exception as bug:
        ended = await reply.fail(internal("localchat met a bug", bug))
    else:
        ended = await reply.over("complete")
    _note_offer(store, reply.used, ended)
    yield ended


def _note_offer(store: Store, used: Model, ended: Ended) -> None:
    """What the turn told about whether its model is offered. Where the store cannot take that now, the next turn will
    tell it again."""
    if tells_of_offers(used, ended):
        with contextlib.suppress(LocalChatError):
            (store.catalog.note_gone if ended.error is not None else store.catalog.note_answered)(used.id)


def tells_of_offers(used: Model, ended: Ended) -> bool:
    """Whether the end of a turn changes what is known of its model: that it is not offered, or that it is after all."""
    if ended.error is None:
        return used.delisted_at is not None
    return isinstance(ended.error, ProviderRejected) and ended.error.model_gone


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the chat's tree a request goes. ``text`` None: the message ``under`` is answered once more;
    ``given``: what the reply begins with."""

    text: str | None
    under: int | None = None
    at_root: bool = False
    given: str = ""
    attachments: tuple[Attachment, ...] = ()


def _place_of(store: Store, request: TurnRequest) -> _Place:
    """Raises NotFound where the message meant is gone or in another chat, InvalidInput where it is of a wrong kind."""
    match request:
        case NewTurn(text, under=under, attachments=files):
            _check_words(text, files)
            return _Place(text, under, attachments=files)
        case Edit(text, chat_id, message_id, attachments=files):
            _check_words(text, files)
            old = _message_in(store, chat_id, message_id)
            if old.role != "user":
                raise InvalidInput("Only messages of yours can be edited.", "Ask again for another reply.")
            return _Place(text, old.parent_id, at_root=old.parent_id is None, attachments=files)
        case Regenerate(chat_id, prompt_id):
            return _Place(None, _message_in(store, chat_id, prompt_id).id)
        case Continue(chat_id, reply_id):
            early = _message_in(store, chat_id, reply_id)
            if early.role != "assistant" or early.status == "streaming" or not early.content:
                raise InvalidInput("There is no reply here that could go on.", remedy=ASK_AGAIN)
            return _Place(None, early.parent_id, given=early.content)


def _check_words(text: str, files: tuple[Attachment, ...]) -> None:
    if not text.strip() and not files:
        raise InvalidInput("There is nothing to send.", "The message is empty.")


def _message_in(store: Store, chat_id: int, message_id: int) -> Message:
    message = store.messages.get(message_id)
    if message.chat_id != chat_id:
        raise NotFound
    return message


def _check_expected(store: Store, expected: int | None, used: Model) -> None:
    """Words that were written for one model go to no other."""
    if expected is not None and used.id != expected:
        shown = store.catalog.model(expected)
        raise Changed(
            f"{shown.ref} was shown; {used.ref} would answer by now. Nothing was sent.",
            "Send it again to ask that one.",
        )


async def _begin(store: Store, request: TurnRequest) -> tuple[Begun, Provider]:
    """Store the turn. The provider is read with it: removed the moment after, it still answers this turn."""
    providers: list[Provider] = []
    place = _place_of(store, request)

    def answerer(chat: Chat | None) -> Resolution:
        store.catalog.heal_within()
        resolution = resolve(store, chat, request.model_id, request.agreed_host, no_fallback=request.no_fallback)
        _check_expected(store, request.expects, resolution.used)
        providers.append(store.catalog.provider(resolution.used.provider))
        asked: Sequence[Attachment | AttachmentInfo] = place.attachments
        if place.text is None and place.under is not None:
            asked = store.messages.get(place.under).attachments
        check_images(asked, resolution.used, providers[-1])
        return resolution

    begun = await patiently(
        lambda: store.messages.begin_turn(
            answerer,
            chat_id=request.chat_id,
            text=place.text,
            under=place.under,
            at_root=place.at_root,
            system=request.system,
            given=place.given,
            attachments=place.attachments,
        )
    )
    return begun, providers[-1]


async def _stream(
    store: Store, connect: Connect, provider: Provider, reply: ReplyWriter, parameters: Mapping[str, Any]
) -> AsyncGenerator[Event, None]:
    """Ask the endpoint; where it says that the turn does not fit, send less, and tell."""
    images = takes_images(provider)
    client = connect(provider)
    try:
        budget = budget_of(store, reply.begun.chat, reply.used, parameters)
        left_out_told = 0
        for attempt in range(REFITS + 1):
            request, left_out, spent = request_of(store, reply.begun, budget, images, parameters)
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
                if reply.pieces or attempt == REFITS or len(request.lines) <= 1:
                    raise
                budget = smaller_budget(error, spent)
            except ProviderRejected as error:
                raise _told_of_images(error, request) from error
    finally:
        await client.aclose()


async def _ask(client: Client, request: Request, reply: ReplyWriter) -> AsyncGenerator[Event, None]:
    reply.asked()
    stream = client.stream(request)
    finished = False
    try:
        async for piece in stream:
            match piece:
                case TextPiece(text) if text:
                    reply.came("text", text)
                    yield Chunk(text)
                case ReasoningPiece(text) if text:
                    reply.came("reasoning", text)
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
            f"The reply of {reply.used.ref} ended without a finish reason; something may be missing.", remedy=ASK_AGAIN
        )


def _told_of_images(error: ProviderRejected, request: Request) -> ProviderRejected:
    """Where nothing better is known to do and images were sent, they may be what it does not take."""
    if error.hint or not any(line.images for line in request.lines):
        return error
    return ProviderRejected(
        error.message,
        "An image went with it, and not every model takes images.",
        remedy=Remedy(Way.PICK_MODEL),
    )
