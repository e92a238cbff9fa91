"""Turns under way. They belong to the app, not to a screen: a reply goes on when the person opens another chat."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from localchat import turns
from localchat.errors import LocalChatError
from localchat.records import Progress
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell_error
from localchat.turns import titles

Listener = Callable[["LiveTurn", turns.Event], None]


@dataclass(eq=False)
class LiveTurn:
    """One reply as it comes. Times are of ``time.monotonic``."""

    began: turns.Began
    events: AsyncGenerator[turns.Event, None]
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    progress: Progress | None = None
    left_out: int = 0
    started: float = field(default_factory=time.monotonic)
    first_word: float | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def chat_id(self) -> int:
        return self.began.chat.id

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


class Running:
    """The turns under way, one per chat."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._live: dict[int, LiveTurn] = {}
        self._titles: set[asyncio.Task[None]] = set()
        self.listener: Listener | None = None
        self.connect = shell.connect

    def of(self, chat_id: int | None) -> LiveTurn | None:
        return self._live.get(chat_id) if chat_id is not None else None

    def __len__(self) -> int:
        return len(self._live)

    async def begin(self, request: turns.TurnRequest) -> LiveTurn:
        """Store the words and start the reply. Raises what ``turns.send`` raises before anything is stored."""
        events = turns.send(self._shell.store, self._shell.connect, request, pending=self._shell.pending)
        began = await anext(events)
        assert isinstance(began, turns.Began)
        live = LiveTurn(began, events)
        self._live[live.chat_id] = live
        live.task = asyncio.create_task(self._consume(live), name=f"turn of chat {live.chat_id}")
        return live

    async def _consume(self, live: LiveTurn) -> None:
        try:
            async with aclosing(live.events):
                async for event in live.events:
                    live.take(event)
                    if isinstance(event, turns.Ended):
                        self._live.pop(live.chat_id, None)
                        if not event.kept and event.error is not None:  # the disk is full, the store locked, …
                            tell_error(self._shell, event.error)
                    self._tell(live, event)
                    if isinstance(event, turns.Ended) and event.message.status == "complete":
                        self._entitle(live, event)
        except LocalChatError as error:  # a stopped reply could not be stored
            tell_error(self._shell, error)
        finally:
            self._live.pop(live.chat_id, None)
            live.done.set()

    def _entitle(self, live: LiveTurn, ended: turns.Ended) -> None:
        """A better title, in the background and by the model that answered."""

        async def ask() -> None:
            if await titles.entitle(self._shell.store, self.connect, live.began, ended.message):
                self._shell.chats_changed()

        task = asyncio.create_task(ask(), name=f"title of chat {live.chat_id}")
        self._titles.add(task)
        task.add_done_callback(self._titles.discard)

    def _tell(self, live: LiveTurn, event: turns.Event) -> None:
        if self.listener is not None:
            self.listener(live, event)

    async def stop(self, chat_id: int) -> bool:
        """Keep what came as ``stopped``; whether there was anything to stop."""
        live = self._live.get(chat_id)
        if live is None or live.task is None:
            return False
        live.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await live.task
        await live.events.aclose()  # a task cancelled before its first step has not closed them
        live.done.set()
        self._live.pop(chat_id, None)
        return True

    async def stop_all(self) -> None:
        """For the end of the app."""
        for task in self._titles:
            task.cancel()
        for chat_id in list(self._live):
            await self.stop(chat_id)
