"""One turn, from the user's words to the stored reply: an async stream of events. No screen, no socket.

The words are stored before the network is touched; the reply is saved as it grows; whatever happens, what came is kept
and the message says how it ended. Who answers, and when it falls back: docs/life-of-models.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from localchat.attachments.reading import IMAGE_TOKENS, is_image, with_words
from localchat.errors import (
    ConfirmRemote,
    ContextTooLong,
    DiskFull,
    Internal,
    InvalidInput,
    LocalChatError,
    NoDefaultModel,
    NotFound,
    ProviderRejected,
    ProviderUnavailable,
    ReplyCut,
    StoreBusy,
    StoreUnreadable,
)
from localchat.records import (
    BUILT_IN_CONTEXT,
    BUILT_IN_MODEL,
    LOCAL_KINDS,
    Attachment,
    AttachmentInfo,
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
from localchat.text import one_line

if TYPE_CHECKING:
    from localchat.providers import Client

T = TypeVar("T")
Connect = Callable[[Provider], "Client"]

SAVE_EVERY = 0.2  # seconds between saves of a growing reply; the promise is 0.25
SAVE_AGAIN = 0.02  # seconds until the next try where the store was busy
KEEP_TRYING = 1.0  # seconds between tries to store the end of a reply that the store could not take
BYTES_PER_TOKEN = 3  # of UTF-8: cautious for prose (4 to 5), right for code and for scripts beyond ASCII
LINE_OVERHEAD = 8  # tokens that a message costs beside its text, by the chat templates seen
USUAL_REPLY = 1024  # tokens kept free for a reply whose length nobody set
GO_ON = (
    "Your last message was cut off. Go on exactly where it stops. Do not repeat any of it and do not comment on this."
)
REFITS = 3  # how often a turn is cut shorter when the endpoint says that it does not fit


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer. ``chat_id`` None begins a chat; ``text`` None asks the prompt ``under`` again.

    ``model_id``: answer this turn with that model, whatever the chat's own is. ``allow_remote``: the person agreed that
    a chat whose model ran on this machine may be sent to another one. ``goes_on``: the id of a reply that ended too
    early: its text begins a new version, and the model is asked for the rest. ``attachments`` go with the text.
    """

    text: str | None
    chat_id: int | None = None
    model_id: int | None = None
    allow_remote: bool = False
    under: int | None = None
    at_root: bool = False
    system: str | None = None
    goes_on: int | None = None
    attachments: tuple[Attachment, ...] = ()


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
    """The reply as it is stored; ``error`` where it failed or was cut.

    Where ``kept`` is false the store could not take the end of the reply, for the reason that ``error`` gives: then
    ``message`` is all that came, as it would have been stored.
    """

    message: Message
    error: LocalChatError | None = None
    kept: bool = True


Event = Began | LeftOut | Waiting | Chunk | Thought | Ended


def resolve(store: Store, chat: Chat | None, model_id: int | None = None, allow_remote: bool = False) -> Resolution:
    """Who answers: the model asked for, else the chat's own, else the default (a fallback).

    Raises NoDefaultModel, ConfirmRemote, NotFound and InvalidInput (the model asked for is gone, or switched off).
    """
    catalog = store.catalog
    own = catalog.model(chat.model.id) if chat is not None and chat.model is not None else None
    default = catalog.default()
    if model_id is not None:
        asked = catalog.model(model_id)
        if asked.removed:
            raise NotFound(f"{asked.ref} was removed.", "See `localchat models list`.")
        if not asked.usable:
            raise InvalidInput(f"{asked.ref} is switched off.", "Switch it on, or choose another model.")
        # A chat that has no model of its own yet (an import) does not get one by a turn with another.
        return Resolution(used=asked, own=own or (default if chat is not None and default else asked))
    if own is not None and own.usable:
        return Resolution(used=own, own=own)
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


def estimate_of(message: Message) -> int:
    """The same for a message with what goes with it."""
    files = sum(
        IMAGE_TOKENS if is_image(each.media_type) else each.size // BYTES_PER_TOKEN + LINE_OVERHEAD
        for each in message.attachments
    )
    return estimate(message.content) + files


def lines_that_fit(
    store: Store, chat: Chat, stop: int, budget: int | None, floor: int = 0, *, images: bool = True
) -> tuple[list[Line], int, int]:
    """What ``messages_that_fit`` finds, as it is sent: messages of one role in a row become one line, as chat templates
    demand. ``images`` False: to this model they are only named.
    """
    kept, left_out, spent = messages_that_fit(store, chat, stop, budget, floor)
    merged: list[Line] = []
    for message in kept:
        line = as_line(store, message, images=images)
        if merged and merged[-1].role == line.role:
            above = merged[-1]
            merged[-1] = Line(line.role, f"{above.content}\n\n{line.content}", above.images + line.images)
        else:
            merged.append(line)
    return merged, left_out, spent


def as_line(store: Store, message: Message, *, images: bool) -> Line:
    """The message with what went with it. ``images`` False: they are only named."""
    if not message.attachments:
        return Line(message.role, message.content)
    files = store.messages.attachments(message.id)
    seen = tuple(each for each in files if images and is_image(each.media_type))
    return Line(message.role, with_words(files, message.content, images=images), seen)


def messages_that_fit(
    store: Store, chat: Chat, stop: int, budget: int | None, floor: int = 0
) -> tuple[list[Message], int, int]:
    """The newest messages of the chat's line before depth ``stop`` that fit ``budget`` tokens, oldest first.

    ``floor``: the depth where to begin; what is above it is not looked at, and not counted as left out.

    Returns them, how many messages were left out, and the estimated tokens. The newest message always goes in.
    Reads backwards page by page, so a long chat costs what is sent, not what it holds. Failed replies without a word
    are no part of the conversation.
    """
    kept: list[Message] = []
    spent, full, page = 0, False, 100
    top = stop
    while top > floor and not full:
        start = max(floor, top - page)
        for message in reversed(store.messages.line(chat, start, top)):
            if not message.content and message.role == "assistant":
                continue
            cost = estimate_of(message)
            if budget is not None and kept and spent + cost > budget:
                full = True
                break
            spent += cost
            kept.append(message)
        top = start
    kept.reverse()
    while full and kept[0].role == "assistant" and len(kept) > 1:
        spent -= estimate_of(kept.pop(0))  # a reply without its question only confuses
    left_out = kept[0].depth - floor if full and kept else 0
    return kept, left_out, spent


def summarised(store: Store, chat: Chat) -> int:
    """How many messages, from the start of the current line, the chat's summary stands for."""
    if not chat.summary or chat.summary_of is None:
        return 0
    try:
        last = store.messages.get(chat.summary_of)
    except NotFound:
        return 0
    on_line = store.messages.line(chat, last.depth, last.depth + 1)
    return last.depth + 1 if [message.id for message in on_line] == [last.id] else 0


def system_of(chat: Chat, with_summary: bool) -> str:
    """What the model reads before the messages."""
    if not with_summary:
        return chat.system
    return f"{chat.system}\n\nSummary of the conversation so far:\n{chat.summary}".strip()


def context_of(store: Store, model: Model) -> int | None:
    """Tokens that the model can take in, as far as known here."""
    if model.context is not None or model.model != BUILT_IN_MODEL or model.path is not None:
        return model.context
    try:
        return BUILT_IN_CONTEXT if store.catalog.provider(model.provider).kind == "embedded" else None
    except NotFound:
        return None


def fill(store: Store, chat: Chat) -> float | None:
    """How full the chat's context is: 1.0 and more where the oldest messages are left out. None where not known."""
    try:
        used = resolve(store, chat, allow_remote=True).used
    except LocalChatError:
        return None
    budget = budget_of(store, chat, used)
    if budget is None:
        return None
    floor = summarised(store, chat)
    _, left_out, spent = messages_that_fit(store, chat, chat.length, budget, floor)
    spent += estimate(system_of(chat, floor > 0))
    return 1.0 if left_out else spent / budget


async def send(store: Store, connect: Connect, prompt: Prompt) -> AsyncGenerator[Event, None]:
    """Answer a prompt. The first event is ``Began``, the last ``Ended``.

    Raises, before anything is stored, what ``resolve`` raises, NotFound and InvalidInput; and StoreBusy or DiskFull
    where the store cannot take the turn. What goes wrong after that is not raised: it is stored and in ``Ended``.
    Cancelling the task that iterates, or closing the generator, keeps what came as ``stopped``; where the store cannot
    take that, its error is raised.
    """
    if prompt.text is not None and not prompt.text.strip() and not prompt.attachments:
        raise InvalidInput("There is nothing to send.", "Type a message first.")
    begun, provider = await _begin(store, prompt)
    reply = _Reply(store, begun)
    try:
        with reply.saved_as_it_grows():
            yield Began(begun.chat, begun.prompt, begun.reply, begun.resolution, begun.new_chat)
            async with aclosing(_stream(store, connect, provider, reply)) as events:
                async for event in events:
                    yield event
    except (asyncio.CancelledError, GeneratorExit):
        await reply.stop()
        raise
    except LocalChatError as error:
        ended = await reply.fail(error)
    except Exception as bug:
        ended = await reply.fail(_internal("localchat met a bug", bug))
    else:
        ended = await reply.over("complete")
    yield ended


async def _begin(store: Store, prompt: Prompt) -> tuple[Begun, Provider]:
    """Store the turn. The provider is read with it: removed the moment after, it still answers this turn."""
    providers: list[Provider] = []
    under, given = prompt.under, ""
    if prompt.goes_on is not None:
        early = store.messages.get(prompt.goes_on)
        if early.role != "assistant" or early.status == "streaming" or not early.content:
            raise InvalidInput("There is no reply here that could go on.", "Ask again with ctrl+r.")
        under, given = early.parent_id, early.content

    def answerer(chat: Chat | None) -> Resolution:
        resolution = resolve(store, chat, prompt.model_id, prompt.allow_remote)
        providers.append(store.catalog.provider(resolution.used.provider))
        _check_images(store, prompt, under, resolution.used, providers[-1])
        return resolution

    begun = await patiently(
        lambda: store.messages.begin_turn(
            answerer,
            chat_id=prompt.chat_id,
            text=prompt.text,
            under=under,
            at_root=prompt.at_root,
            system=prompt.system,
            given=given,
            attachments=prompt.attachments,
        )
    )
    return begun, providers[-1]


def takes_images(provider: Provider) -> bool:
    """Whether an image may be tried there. Which model of a service takes them, only the service knows: it says so."""
    return provider.kind not in LOCAL_KINDS


def _check_images(store: Store, prompt: Prompt, under: int | None, used: Model, provider: Provider) -> None:
    """Raises InvalidInput where the turn asks about an image and the model cannot see any."""
    if takes_images(provider):
        return
    asked: Iterable[Attachment | AttachmentInfo] = prompt.attachments
    if prompt.text is None and under is not None:
        asked = store.messages.get(under).attachments
    names = [each.name for each in asked if is_image(each.media_type)]
    if names:
        shown = one_line(", ".join(names), 120)
        raise InvalidInput(
            f"{used.ref} cannot see images: {shown}. Nothing was sent.",
            "Choose another model (ctrl+o), or leave the image out.",
        )


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

    @property
    def used(self) -> Model:
        return self.begun.resolution.used

    @property
    def given(self) -> str:
        """What the reply began with: the text of an earlier version that goes on here."""
        return self.begun.reply.content

    @property
    def content(self) -> str:
        return self.given + "".join(self.text)

    @property
    def reasoning(self) -> str:
        return "".join(self.thoughts)

    @property
    def pieces(self) -> int:
        """How many came that say something."""
        return len(self.text) + len(self.thoughts)

    @contextlib.contextmanager
    def saved_as_it_grows(self) -> Iterator[None]:
        """Saves run on the loop's clock, so that the last words are saved also while nothing more comes."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def save() -> None:
            nonlocal timer
            timer = loop.call_later(SAVE_EVERY if self._save() else SAVE_AGAIN, save)

        timer = loop.call_later(SAVE_EVERY, save)
        try:
            yield
        finally:
            timer.cancel()

    def _save(self) -> bool:
        """Whether the store took what came. Where it did not, the end of the turn tries once more and says so."""
        pieces = self.pieces
        if pieces == self.saved:
            return True
        try:
            self.store.messages.grow(self.begun.reply.id, self.content, self.reasoning)
        except StoreBusy:
            return False
        except Exception:
            return True
        self.saved = pieces
        return True

    async def stop(self) -> None:
        """Keep what came. Where the chat was deleted for good meanwhile, there is nothing to keep it in."""
        with contextlib.suppress(NotFound):
            await self._end("stopped", None)

    async def fail(self, error: LocalChatError) -> Ended:
        """A break after the first word cut the reply; before it, the endpoint was not there."""
        if self.pieces and isinstance(error, ProviderUnavailable):
            error = _same(ReplyCut, error)
        elif not self.pieces and isinstance(error, ReplyCut):
            error = _same(ProviderUnavailable, error)
        return await self.over("interrupted" if isinstance(error, ReplyCut) else "failed", error)

    async def over(self, status: Status, error: LocalChatError | None = None) -> Ended:
        try:
            return Ended(await self._end(status, error), error)
        except NotFound:
            chat = self.begun.chat
            gone = NotFound(
                f"The chat “{one_line(chat.title, 60)}” was deleted for good while {self.used.ref} answered.",
                "The reply is not kept.",
            )
            return Ended(self._as_message("failed", gone), gone, kept=False)
        except LocalChatError as refused:
            return Ended(self._as_message("failed", refused), refused, kept=False)
        except Exception as bug:
            internal = _internal("The reply could not be stored", bug)
            return Ended(self._as_message("failed", internal), internal, kept=False)

    def _as_message(self, status: Status, error: LocalChatError) -> Message:
        return replace(
            self.begun.reply, status=status, content=self.content, reasoning=self.reasoning, error=_note(error)
        )

    async def _end(self, status: Status, error: LocalChatError | None) -> Message:
        took = moment(self.store.now()) - moment(self.begun.reply.created_at)

        def write() -> Message:
            return self.store.messages.finish(
                self.begun.reply.id,
                status,
                self.content,
                self.reasoning,
                finish_reason=self.finish_reason,
                usage=self.usage,
                error=_note(error),
                duration_ms=max(round(took.total_seconds() * 1000), 0),
            )

        try:
            return await _to_its_end(patiently(write))
        except (DiskFull, StoreBusy, StoreUnreadable):
            later = asyncio.create_task(_keep_trying(write), name=f"store reply {self.begun.reply.id}")
            _UNSTORED.add(later)
            later.add_done_callback(_UNSTORED.discard)
            raise


# Ends of replies that wait for room in the store; asyncio itself holds tasks only weakly.
_UNSTORED: set[asyncio.Task[None]] = set()


async def _keep_trying(write: Callable[[], object]) -> None:
    """The disk may get room again: as long as the program runs, the words are not given up."""
    while True:
        await asyncio.sleep(KEEP_TRYING)
        try:
            write()
        except (DiskFull, StoreBusy, StoreUnreadable):
            continue
        except Exception:  # the chat is gone, or the store was closed: nothing more can be done
            return
        return


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await all of ``work``; a cancellation meanwhile takes effect after it."""
    task = asyncio.create_task(work)
    late: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            late = error
    result = task.result()
    if late is not None:
        raise late
    return result


def _note(error: LocalChatError | None) -> ErrorNote | None:
    return ErrorNote(error.code, error.message, error.hint) if error else None


def _internal(what: str, bug: Exception) -> Internal:
    internal = Internal(f"{what}: {type(bug).__name__}: {bug}", "Please report it.")
    internal.__cause__ = bug
    return internal


def _same(kind: type[LocalChatError], error: LocalChatError) -> LocalChatError:
    """The same failure under its right name, keeping the cause."""
    new = kind(error.message, error.hint)
    new.__cause__ = error
    return new


async def _stream(store: Store, connect: Connect, provider: Provider, reply: _Reply) -> AsyncGenerator[Event, None]:
    """Ask the endpoint; where it says that the turn does not fit, send less, and tell."""
    images = takes_images(provider)
    client = connect(provider)
    try:
        budget = budget_of(store, reply.begun.chat, reply.used)
        left_out_told = 0
        for attempt in range(REFITS + 1):
            request, left_out, spent = _request(store, reply, budget, images)
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
                budget = _smaller_budget(error, spent)
            except ProviderRejected as error:
                raise _told_of_images(error, request) from error
    finally:
        await client.aclose()


async def _ask(client: Client, request: Request, reply: _Reply) -> AsyncGenerator[Event, None]:
    stream = client.stream(request)
    finished = False
    try:
        async for piece in stream:
            match piece:
                case TextPiece(text) if text:
                    reply.text.append(text)
                    yield Chunk(text)
                case ReasoningPiece(text) if text:
                    reply.thoughts.append(text)
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


def budget_of(store: Store, chat: Chat, used: Model) -> int | None:
    """Tokens for what is sent, or None where the model's context is not known."""
    context = context_of(store, used)
    if context is None:
        return None
    room = {**used.parameters, **chat.parameters}.get("max_tokens")
    if not isinstance(room, int) or room <= 0:
        room = USUAL_REPLY
    return max(context - min(room, context // 4), 1)


def _told_of_images(error: ProviderRejected, request: Request) -> ProviderRejected:
    """Where nothing better is known to do and images were sent, they may be what it does not take."""
    if error.hint or not any(line.images for line in request.lines):
        return error
    return ProviderRejected(
        error.message,
        "An image went with it, and not every model takes images: choose another (ctrl+o), or edit the message (e).",
    )


def _smaller_budget(error: ContextTooLong, spent: int) -> int:
    """What to try next: by the endpoint's own count where it gave one, else half."""
    if not error.limit or not error.tokens or error.limit >= error.tokens:
        return max(spent // 2, 1)
    return max(int(spent * error.limit / error.tokens * 0.8), 1)


def _request(store: Store, reply: _Reply, budget: int | None, images: bool) -> tuple[Request, int, int]:
    chat, used = reply.begun.chat, reply.used
    floor = summarised(store, chat)
    before = system_of(chat, floor > 0)
    system = estimate(before) if before else 0
    rest = [Line("assistant", reply.given), Line("user", GO_ON)] if reply.given else []
    system += sum(estimate(line.content) for line in rest)
    lines, left_out, spent = lines_that_fit(
        store, chat, reply.begun.reply.depth, None if budget is None else max(budget - system, 1), floor, images=images
    )
    request = Request(
        model=used.model,
        lines=(*lines, *rest),
        system=before,
        parameters={**used.parameters, **chat.parameters},
        path=used.path,
        context=used.context,
    )
    return request, left_out, spent + system
