"""When a chat outgrows its model: older messages as a summary. The transcript stays whole; what is sent changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localchat import turns
from localchat.errors import InvalidInput, ReplyCut
from localchat.records import Chat, Finished, Line, Message, Model, Progress, Request, TextPiece
from localchat.store import Store, patiently
from localchat.text import count
from localchat.turns.requests import Connect

if TYPE_CHECKING:
    from localchat.providers import Client

KEPT = 4  # the newest messages, which are always sent as they are
USUAL_CONTEXT = 16_000  # tokens read at once where the model's context is not known
TASK = (
    "Summarise the conversation above for yourself, so that it can go on without its text. Keep facts, names, numbers,"
    " decisions, open questions and the language it is in. Write at most 200 words and nothing else."
)


@dataclass(frozen=True, slots=True)
class Compacted:
    """The chat with its summary, which stands for this many messages."""

    chat: Chat
    messages: int


async def compact(
    store: Store, connect: Connect, chat_id: int, *, agreed_host: str | None = None
) -> AsyncGenerator[Progress | Compacted, None]:
    """Summarise all but the newest messages, by the model that would answer the next turn; part by part where they do
    not fit at once. The last event is ``Compacted``. Nothing is stored before the end; cancelling leaves all as it was.

    Raises InvalidInput where there is too little to summarise, what ``turns.resolve`` raises, and what the endpoint
    does wrong.
    """
    chat = store.chats.get(chat_id)
    used = turns.resolve(store, chat, agreed_host=agreed_host).used
    start, stop = turns.summarised(store, chat), _stop(store, chat)
    if stop - start < 2:
        raise InvalidInput(
            "This chat is too short to be compacted.", f"The newest {KEPT} messages are kept as they are."
        )
    client = connect(store.catalog.provider(used.provider))
    summary, at = chat.summary if start else "", start
    try:
        while at < stop:
            yield Progress(f"Compacting {count(stop - start, 'message')}", at - start, stop - start)
            part = _part(store, chat, used, at, stop)
            summary = await _summary(client, used, summary, part)
            at = part[-1].depth + 1
    finally:
        await client.aclose()
    last = part[-1].id
    chat = await patiently(lambda: store.chats.set_summary(chat_id, summary, last))
    yield Compacted(chat, stop)


def _stop(store: Store, chat: Chat) -> int:
    """The depth of the first message that is kept: a question of the person's, so that its answer stays with it."""
    stop = max(chat.length - KEPT, 0)
    for message in store.messages.line(chat, stop, chat.length):
        if message.role == "user":
            return message.depth
    return stop


def _part(store: Store, chat: Chat, used: Model, start: int, stop: int) -> list[Message]:
    """As many messages as the model can read at once, at least one."""
    room = (turns.context_of(store, used) or USUAL_CONTEXT) // 2
    part: list[Message] = []
    spent = 0
    for begin in range(start, stop, 50):
        for message in store.messages.line(chat, begin, min(begin + 50, stop)):
            cost = turns.estimate_of(message)
            if part and spent + cost > room:
                return part
            spent += cost
            part.append(replace(message, content=turns.as_line(store, message, images=False).content))
    return part


async def _summary(client: Client, used: Model, before: str, part: list[Message]) -> str:
    told = [f"{message.role}: {message.content}" for message in part if message.content]
    earlier = f"Summary of what came before:\n{before}\n\n" if before else ""
    text = f"{earlier}Conversation:\n\n" + "\n\n".join(told)
    parameters = {name: value for name, value in used.parameters.items() if name != "max_tokens"}
    request = Request(
        model=used.model,
        lines=(Line("user", f"{text}\n\n{TASK}"),),
        parameters={**parameters, "max_tokens": 600},
        path=used.path,
        context=used.context,
    )
    words: list[str] = []
    finished = False
    async with aclosing(_pieces(client, request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextPiece):
                words.append(piece.text)
            elif isinstance(piece, Finished):
                finished = piece.reason is not None
    summary = "".join(words).strip()
    if not finished or not summary:
        raise ReplyCut(f"{used.ref} gave no whole summary.", "Nothing was changed. Try again.")
    return summary


async def _pieces(client: Client, request: Request) -> AsyncGenerator[object, None]:
    async for piece in client.stream(request):
        yield piece
