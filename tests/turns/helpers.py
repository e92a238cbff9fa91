"""What the tests of the turn use: clients made of a function, turns run to their end, the file as others see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from localchat.records import Chat, Finished, Message, Piece, Provider, RemoteModel, Request, Role, TextPiece
from localchat.store import Store
from localchat.turns import Began, Chunk, Connect, Ended, Event, NewTurn, TurnRequest, send
from tests.store.helpers import raw

E = TypeVar("E", bound=Event)
Answer = Callable[[Request], AsyncIterator[Piece]]
RAIN = "Rain in Lisbon"  # chats of the known store: of alpha/a1, the default
LOCKS = "Locks in SQLite"  # of zeta/z1


class Asked:
    """A client whose answer is a function; notes what it was asked and whether it was closed."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.providers: list[Provider] = []
        self.requests: list[Request] = []
        self.closed = 0

    def connect(self, provider: Provider) -> Asked:
        self.providers.append(provider)
        return self

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        self.requests.append(request)
        async for piece in self.answer(request):
            yield piece

    async def models(self) -> list[RemoteModel]:
        return []

    async def aclose(self) -> None:
        self.closed += 1


async def plain(_: Request) -> AsyncIterator[Piece]:
    yield TextPiece("Yes.")
    yield Finished("stop")


def chat(store: Store, title: str) -> Chat:
    return next(chat for chat in store.chats.listing() if chat.title == title)


def line(store: Store, chat_id: int) -> list[tuple[Role, str]]:
    """What a person sees in the chat: roles and words."""
    return [(m.role, m.content) for m in store.messages.line(store.chats.get(chat_id))]


def last(store: Store, chat_id: int) -> Message:
    chat = store.chats.get(chat_id)
    return store.messages.line(chat, chat.length - 1)[0]


async def turn(store: Store, connect: Connect, request: TurnRequest | str, chat_id: int | None = None) -> list[Event]:
    """All events of one turn."""
    if isinstance(request, str):
        request = NewTurn(request, chat_id=chat_id)
    async with aclosing(send(store, connect, request)) as events:
        return [event async for event in events]


def one(events: list[Event], kind: type[E]) -> E:
    """The only event of that kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def began(events: list[Event]) -> Began:
    assert isinstance(events[0], Began)
    return one(events, Began)


def ended(events: list[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return one(events, Ended)


def words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Chunk))


def seen(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What another program reads in the file now."""
    with raw(path) as other:
        return other.execute(sql, values).fetchall()


def everything(path: Path) -> list[tuple[Any, ...]]:
    """Every chat and every message, to see that nothing was stored."""
    return [*seen(path, "select * from chats order by id"), *seen(path, "select * from messages order by id")]
