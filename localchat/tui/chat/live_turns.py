"""Turns under way. They belong to the app, not to a screen: a reply goes on when the person opens another chat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from localchat import turns
from localchat.errors import InvalidInput, LocalChatError
from localchat.records import Progress
from localchat.tui.chat.chat_session import Outgoing
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell_error
from localchat.turns import titles


@dataclass(eq=False)
class LiveReply:
    """One reply as it comes. Times are of ``time.monotonic``."""

    began: turns.Began
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    progress: Progress | None = None
    left_out: int = 0
    started: float = field(default_factory=time.monotonic)
    first_word: float | None = None

    @property
    def content(self) -> str:
        """The reply as far as it came, with what it began with."""
        return self.began.reply.content + "".join(self.text)

    def take(self, event: turns.Event) -> None:
        match event:
            case turns.Chunk(text):
                self.text.append(text)
            case turns.Thought(text):
                self.thoughts.append(text)
            case turns.Waiting(progress):
                self.progress = progress
            case turns.LeftOut(count):
                self.left_out = count
        if isinstance(event, turns.Chunk | turns.Thought) and self.first_word is None:
            self.first_word = time.monotonic()
            self.progress = None

    @property
    def pace(self) -> float | None:
        """Pieces (about tokens) a second since the first word, once that is worth saying."""
        if self.first_word is None:
            return None
        seconds = time.monotonic() - self.first_word
        return (len(self.text) + len(self.thoughts)) / seconds if seconds > 0.5 else None


@dataclass(eq=False)
class LiveTurn:
    """One request of one chat, from the key to the end of its reply. ``replies`` is empty until the words are stored;
    more than one would be a comparison. ``chat_id`` None: a chat that has not begun. ``since``: ``time.monotonic``."""

    outgoing: Outgoing
    chat_id: int | None
    replies: list[LiveReply] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    reading: bool = True  # files, before the words can be stored
    request: turns.TurnRequest = field(init=False)  # with its files, once they are read
    stopping: bool = False
    ended: bool = False
    error: LocalChatError | None = None
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.request = self.outgoing.request

    @property
    def reply(self) -> LiveReply | None:
        return self.replies[0] if self.replies else None


class Listener(Protocol):
    """Whoever shows turns. Exactly one of ``turn_withdrawn`` and ``turn_over`` is the last that is told of a turn."""

    def turn_began(self, turn: LiveTurn, began: turns.Began) -> None:
        """The words are stored, a reply is on its way."""

    def turn_told(self, turn: LiveTurn, reply: LiveReply, event: turns.Event) -> None:
        """Something came."""

    def turn_over(self, turn: LiveTurn) -> None:
        """Nothing more will come; what came is stored, or in the list of what is not stored yet."""

    def turn_withdrawn(self, turn: LiveTurn, error: LocalChatError | None) -> None:
        """Nothing was stored: the person took it back (no ``error``), or it was refused."""


class LiveTurns:
    """At most one request a chat, reserved before anything is awaited, and released by itself alone."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._turns: dict[int | None, LiveTurn] = {}
        self.listener: Listener | None = None

    def of(self, chat_id: int | None) -> LiveTurn | None:
        """The turn under way in that chat; None is the chat that has not begun."""
        return self._turns.get(chat_id)

    def __len__(self) -> int:
        return len(self._turns)

    def check_free(self, chat_id: int | None) -> None:
        """Raises InvalidInput where a request of that chat is under way."""
        turn = self.of(chat_id)
        if turn is None:
            return
        if turn.reply is None:
            raise InvalidInput(
                "A message is still on its way.", "escape takes it back; what you typed since stays here."
            )
        raise InvalidInput("A reply is still coming.", "escape stops it; what you typed stays here.")

    def begin(self, outgoing: Outgoing, ready: Callable[[], Awaitable[turns.TurnRequest]]) -> LiveTurn:
        """Reserve the chat and start; ``ready`` gives the request once its files are read. Raises InvalidInput where a
        request of that chat is under way. All else is told to the listener."""
        self.check_free(outgoing.chat_id)
        turn = LiveTurn(outgoing, outgoing.chat_id)
        self._turns[turn.chat_id] = turn
        turn.task = self._shell.tasks.start(self._run(turn, ready), f"turn of chat {turn.chat_id or 'to begin'}")
        turn.task.add_done_callback(lambda task: self._settle(turn))
        return turn

    async def _run(self, turn: LiveTurn, ready: Callable[[], Awaitable[turns.TurnRequest]]) -> None:
        try:
            turn.request = request = await ready()
            turn.reading = False
            shell = self._shell
            async with aclosing(turns.send(shell.store, shell.connect, request, pending=shell.pending)) as events:
                began = await anext(events)
                assert isinstance(began, turns.Began)
                reply = self._begin_reply(turn, began)
                async for event in events:
                    reply.take(event)
                    if isinstance(event, turns.Ended):
                        self._end(turn, reply, event)
                    elif self.listener is not None:
                        self.listener.turn_told(turn, reply, event)
        except LocalChatError as error:
            turn.error = error

    def _begin_reply(self, turn: LiveTurn, began: turns.Began) -> LiveReply:
        reply = LiveReply(began)
        turn.replies.append(reply)
        if turn.chat_id is None:
            self._release(turn)
            turn.chat_id = began.chat.id
            self._turns[turn.chat_id] = turn
            if turn.task is not None:
                turn.task.set_name(f"turn of chat {turn.chat_id}")
        if self.listener is not None:
            self.listener.turn_began(turn, began)
        return reply

    def _end(self, turn: LiveTurn, reply: LiveReply, event: turns.Ended) -> None:
        turn.ended = True
        self._release(turn)
        if not event.kept and event.error is not None:  # the disk is full, the store locked, …
            tell_error(self._shell, event.error)
        if turns.tells_of_offers(reply.began.resolution.used, event):
            self._shell.catalog_changed()
        if self.listener is not None:
            self.listener.turn_told(turn, reply, event)
        if event.message.status == "complete":
            self._entitle(reply, event)

    def _release(self, turn: LiveTurn) -> None:
        if self._turns.get(turn.chat_id) is turn:
            del self._turns[turn.chat_id]

    def _settle(self, turn: LiveTurn) -> None:
        """However the task ended, also before its first step, or by a bug."""
        self._release(turn)
        if turn.reply is not None and turn.error is not None:  # a stopped reply could not be stored
            tell_error(self._shell, turn.error)
        if self.listener is None:
            return
        if turn.reply is None:
            self.listener.turn_withdrawn(turn, turn.error)
        else:
            self.listener.turn_over(turn)

    def _entitle(self, reply: LiveReply, ended: turns.Ended) -> None:
        """A better title, in the background and by the model that answered."""

        async def ask() -> None:
            if await titles.entitle(self._shell.store, self._shell.connect, reply.began, ended.message):
                self._shell.chats_changed()

        self._shell.tasks.start(ask(), f"title of chat {reply.began.chat.id}")

    def cancel(self, chat_id: int | None) -> bool:
        """Take back what is not stored yet, or keep what came as ``stopped``; whether there was anything. The end comes
        as soon as the store takes it."""
        turn = self.of(chat_id)
        if turn is None or turn.task is None or turn.stopping:
            return False
        turn.stopping = True
        turn.task.cancel()
        return True

    async def stop(self, chat_id: int) -> None:
        """The same, and wait for the end."""
        turn = self.of(chat_id)
        if turn is not None and turn.task is not None:
            self.cancel(chat_id)
            await asyncio.wait([turn.task])

    async def stop_all(self, seconds: float) -> None:
        """For the end of the app: so long, no longer."""
        tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
        for chat_id in list(self._turns):
            self.cancel(chat_id)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
