"""For people who test chat flows: a store with known content, a scripted client, a still clock, and a hand at the keys.

Public and documented in docs/testing-flows.md. localchat's own tests use nothing else for the same purposes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localchat import turns
from localchat.errors import ASK_AGAIN, LocalChatError, ReplyCut
from localchat.providers import Client, connect
from localchat.records import (
    Finished,
    Model,
    Piece,
    Progress,
    Provider,
    ReasoningPiece,
    RemoteModel,
    Request,
    TextPiece,
    Usage,
)
from localchat.store import Store
from localchat.validation import ReplayFile

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from localchat.tui.app import LocalChat

SIZE = (100, 30)  # columns and rows
START = datetime(2026, 3, 2, 14, 2, tzinfo=UTC)


class StillClock:
    """A clock that stands until it is told to go on: ``Store(path, clock=StillClock())``."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """``advance(minutes=5)``: the arguments of ``datetime.timedelta``."""
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Reply:
    """What the scripted client answers to one turn.

    ``pause``: seconds before each word. ``error``: raised after ``words`` words (None: before the first).
    ``cut``: the stream breaks after ``words`` words (None: after all of them). ``finish_reason``: None where the stream
    is to end without one. ``hold``: waits after the last word until ``Script.release`` is called: for tests that look
    at a reply while it comes.
    """

    text: str = ""
    reasoning: str = ""
    pause: float = 0.0
    error: LocalChatError | None = None
    cut: bool = False
    words: int | None = None
    hold: bool = False
    progress: tuple[Progress, ...] = ()
    usage: Usage | None = None
    finish_reason: str | None = "stop"


@dataclass
class Script:
    """Answers for every provider, in order; where none is left, the last one again. Stands in for ``connect``:
    ``LocalChat(store, script.connect)``, ``turns.send(store, script.connect, …)``."""

    replies: list[Reply] = field(default_factory=list)
    offers: list[RemoteModel] = field(default_factory=list)
    requests: list[tuple[str, Request]] = field(default_factory=list)
    """What was asked: the provider's name and the request, in order."""

    def __init__(self, *replies: Reply | str, offers: Iterable[str] = ()) -> None:
        self.replies = [Reply(reply) if isinstance(reply, str) else reply for reply in replies] or [Reply("Yes.")]
        self.offers = [RemoteModel(name) for name in offers]
        self.requests = []
        self._first = 0
        self._released = asyncio.Event()

    def says(self, *replies: Reply | str) -> None:
        """What is answered from now on, in place of what was left."""
        self.replies = [Reply(reply) if isinstance(reply, str) else reply for reply in replies]
        self._first = len(self.requests)

    def connect(self, provider: Provider) -> Client:
        """A provider of kind ``replay`` has a script of its own: it answers for itself."""
        return connect(provider) if provider.kind == "replay" else ScriptedClient(self, provider)

    def next(self) -> Reply:
        """The reply to the request that comes now."""
        return self.replies[min(len(self.requests) - self._first, len(self.replies) - 1)]

    def release(self) -> None:
        """Let the replies that hold go on to their end."""
        self._released.set()


class ScriptedClient:
    """A client that answers by its script; no socket, no engine."""

    def __init__(self, script: Script, provider: Provider) -> None:
        self._script = script
        self._provider = provider

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        script = self._script
        reply = script.next()
        script.requests.append((self._provider.name, request))
        for progress in reply.progress:
            yield progress
            await asyncio.sleep(reply.pause)
        if reply.reasoning:
            yield ReasoningPiece(reply.reasoning)
        words = reply.text.split(" ")
        stop = len(words) if reply.words is None else reply.words
        if reply.error is not None and reply.words is None:
            raise reply.error
        for number, word in enumerate(words[:stop]):
            await asyncio.sleep(reply.pause)
            yield TextPiece(word if number == 0 else f" {word}")
        if reply.hold:
            await script._released.wait()
        if reply.error is not None:
            raise reply.error
        if reply.cut:
            raise ReplyCut("The reply was cut off.", remedy=ASK_AGAIN)
        yield Finished(reply.finish_reason, reply.usage or Usage(len(request.lines), len(words)))

    async def models(self) -> list[RemoteModel]:
        return list(self._script.offers)

    async def aclose(self) -> None:
        return None


def known_store(path: Path, *, clock: Callable[[], datetime] | None = None, busy_timeout: float = 0) -> Store:
    """A new store with known content.

    Providers ``alpha`` (models ``a1``, the default, and ``a2``), ``beta`` (``b1``), ``zeta`` (``z1``), all of kind
    ``echo``, and ``local`` with the model in the box. Chats, oldest first: "Rain in Lisbon" of ``alpha/a1``, "Locks in
    SQLite" of ``zeta/z1``, each with one question and one answer.
    """
    store = Store(path, clock=clock or StillClock(), busy_timeout=busy_timeout)
    for name, models in (("alpha", ("a1", "a2")), ("beta", ("b1",)), ("zeta", ("z1",))):
        store.catalog.add_provider(name, "echo")
        for model in models:
            store.catalog.add_model(name, model)
    store.catalog.make_default(store.catalog.live("alpha/a1").id)
    add_chat(store, "Rain in Lisbon", "alpha/a1", [("Does it rain in Lisbon?", "In **winter**, often.")])
    add_chat(store, "Locks in SQLite", "zeta/z1", [("Why is the database locked?", "Two writers: `BEGIN IMMEDIATE`.")])
    return store


def add_chat(store: Store, title: str, ref: str, exchanges: Iterable[tuple[str, str]]) -> int:
    """A chat of that model with these questions and answers, all complete; its id."""
    model = store.catalog.live(ref)
    chat_id: int | None = None
    for question, answer in exchanges:
        begun = store.messages.begin_turn(
            lambda chat: turns.resolve(store, chat, model.id), chat_id=chat_id, text=question
        )
        store.messages.finish(begun.reply.id, "complete", answer, finish_reason="stop")
        chat_id = begun.chat.id
    if chat_id is None:
        raise ValueError("a chat needs at least one exchange")
    store.chats.rename(chat_id, title)
    return chat_id


def add_replay(store: Store, path: Path | str, name: str = "replay") -> list[Model]:
    """A provider that answers as this export did, at once, with the models of it; the first becomes the default.

    Raises InvalidInput where the file has no replies.
    """
    from localchat.providers.replay import check, deck_of

    file = ReplayFile(Path(path).absolute(), at_once=True)
    check(file)
    provider = store.catalog.add_provider(name, "replay", file.url)
    models = [store.catalog.add_model(provider.name, model) for model in deck_of(file.path).models]
    store.catalog.make_default(models[0].id)
    return models


class Statements(list[str]):
    """SQL in the order in which SQLite was told it: the ``trace`` of a connection."""

    @property
    def transactions(self) -> list[list[str]]:
        """What was written: the statements from each ``BEGIN IMMEDIATE`` to its ``COMMIT`` or ``ROLLBACK``, with both.

        One that has not ended yet counts too.
        """
        found: list[list[str]] = []
        inside = False
        for statement in self:
            words = statement.upper().split()
            if words[:2] == ["BEGIN", "IMMEDIATE"]:
                found.append([])
                inside = True
            if inside:
                found[-1].append(statement)
            if words[:1] in (["COMMIT"], ["ROLLBACK"]) and words[1:2] != ["TO"]:
                inside = False
        return found


@contextlib.asynccontextmanager
async def opened(app: LocalChat, size: tuple[int, int] = SIZE) -> AsyncGenerator[Pilot[Any], None]:
    """The app running without a terminal, with its toasts, as soon as its first screen stands: a hand at its keys."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield pilot


def still_app(store: Store, script: Script | None = None) -> LocalChat:
    """The app as snapshots need it: nothing blinks, nothing on this machine is looked for."""
    from localchat.tui.app import LocalChat

    return LocalChat(store, (script or Script()).connect, still=True)


def still_environment(environ: Any = os.environ) -> None:
    """What makes screens differ between machines, set right: the time zone, colours, themes, and no keys of well-known
    services. For a ``conftest.py``."""
    environ["TZ"] = "UTC"
    for name in machine_variables():
        environ.pop(name, None)
    if hasattr(time, "tzset"):
        time.tzset()


def machine_variables() -> list[str]:
    """The environment variables that ``still_environment`` takes away."""
    from localchat.providers.presets import TEMPLATES

    return [
        *("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS", "COLORTERM"),
        *(template.key_env for template in TEMPLATES if template.key_env),
    ]


async def settled(pilot: Pilot[Any], seconds: float = 10.0) -> None:
    """Wait until no reply is coming any more, nothing is written in a thread, and the screen shows it. Raises
    TimeoutError after ``seconds``."""
    app = _app(pilot)
    async with asyncio.timeout(seconds):
        await pilot.pause()
        while len(app.turns) or app.working_apart:
            await pilot.pause(0.01)
    for _ in range(3):  # a change is noticed, read, and then drawn: each in a turn of the loop of its own
        await pilot.pause()


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press these keys, one after the other, and wait until what they began is done: ``settled``."""
    await pilot.press(*keys)
    await settled(pilot)


async def say(pilot: Pilot[Any], text: str, *, wait: bool = True) -> None:
    """Write a text into the composer, press enter, and wait for the end of the reply (not with ``wait=False``)."""
    app = _app(pilot)
    app.chat_screen.conversation.composer.insert(text)
    await pilot.press("enter")
    if wait:
        await settled(pilot)


def screen_text(app: LocalChat) -> str:
    """What the terminal shows now, line by line, without colours."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width].rstrip() for strip in lines[:height])


def _app(pilot: Pilot[Any]) -> LocalChat:
    from localchat.tui.app import LocalChat

    assert isinstance(pilot.app, LocalChat)
    return pilot.app
