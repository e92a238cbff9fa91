"""A reply on its way into the store: saved as it grows, ended once, tried again where the store could not take it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from localchat.errors import (
    Internal,
    LocalChatError,
    NotFound,
    ProviderUnavailable,
    ReplyCut,
    StoreBusy,
)
from localchat.log import LOG
from localchat.records import ErrorNote, Message, Model, Recording, Status, Usage, moment
from localchat.store import PendingWrites, Store, patiently
from localchat.store.connection import PATIENCE
from localchat.store.messages import Begun
from localchat.text import one_line
from localchat.turns.events import Ended

SAVE_EVERY = 0.2  # seconds between saves of a growing reply; the promise is 0.25
SAVE_AGAIN = 0.02  # seconds until the next try where the store was busy
END_PATIENCE = PATIENCE  # seconds until a person is told that the end of a reply could not be stored yet
T = TypeVar("T")


@dataclass
class ReplyWriter:
    """The reply as it grows, and its way into the store. ``pending`` takes its end where the store is busy or full, and
    tries on; without it, an end that the store refuses is given up with the error."""

    store: Store
    begun: Begun
    pending: PendingWrites | None = None
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: Usage | None = None
    pieces: int = 0  # how many came that say something
    saved: int = 0
    deltas: list[tuple[int, str, str]] | None = None  # where the provider is recorded
    asked_at: float = 0.0

    @property
    def used(self) -> Model:
        return self.begun.resolution.used

    @property
    def given(self) -> str:
        """What the reply began with: the text of an earlier version that goes on here."""
        return self.begun.reply.content

    @property
    def content(self) -> str:
        return self.given + _joined(self.text)

    @property
    def reasoning(self) -> str:
        return _joined(self.thoughts)

    def asked(self) -> None:
        """The endpoint is asked now: times of a recording count from here."""
        LOG.info("reply %d: asks %s", self.begun.reply.id, self.used.ref)
        self.asked_at = asyncio.get_running_loop().time()

    def came(self, kind: str, words: str) -> None:
        """A delta: ``text`` or ``reasoning``."""
        (self.text if kind == "text" else self.thoughts).append(words)
        self.pieces += 1
        if self.deltas is not None:
            self.deltas.append((self._since_asked(), kind, words))

    def _since_asked(self) -> int:
        return max(round((asyncio.get_running_loop().time() - self.asked_at) * 1000), 0)

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
            error = internal("The reply could not be stored", bug)
            return Ended(self._as_message("failed", error), error, kept=False)

    def _as_message(self, status: Status, error: LocalChatError) -> Message:
        return replace(
            self.begun.reply, status=status, content=self.content, reasoning=self.reasoning, error=note(error)
        )

    async def _end(self, status: Status, error: LocalChatError | None) -> Message:
        took = moment(self.store.now()) - moment(self.begun.reply.created_at)
        code = error.code if error is not None else "no error"
        size, seconds = len(self.content), took.total_seconds()
        LOG.info("reply %d: %s, %s, %d characters in %.1f s", self.begun.reply.id, status, code, size, seconds)

        recording = None if self.deltas is None else Recording(tuple(self.deltas), self._since_asked())

        def write() -> Message:
            return self.store.messages.finish(
                self.begun.reply.id,
                status,
                self.content,
                self.reasoning,
                finish_reason=self.finish_reason,
                usage=self.usage,
                error=note(error),
                duration_ms=max(round(took.total_seconds() * 1000), 0),
                recording=recording,
            )

        if self.pending is None:
            return await _to_its_end(asyncio.ensure_future(patiently(write)))
        what = f"store the reply of {self.used.ref} in “{one_line(self.begun.chat.title, 40)}”"
        return await _to_its_end(self.pending.put(what, write, words=self._words, patience=END_PATIENCE).outcome)

    def _words(self) -> str:
        """What would be lost with the end of the reply: all of it, since its growing may not be stored either."""
        return _joined(self.text) and self.content


def _joined(parts: list[str]) -> str:
    """The text of these parts, which are one part from then on: a million small ones take ten times their text."""
    if len(parts) > 1:
        parts[:] = ["".join(parts)]
    return parts[0] if parts else ""


async def _to_its_end(work: asyncio.Future[T]) -> T:
    """Await all of ``work``; a cancellation meanwhile takes effect after it."""
    late: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            late = error
    result = work.result()
    if late is not None:
        raise late
    return result


def note(error: LocalChatError | None) -> ErrorNote | None:
    return ErrorNote(error.code, error.message, error.hint, error.remedy) if error else None


def internal(what: str, bug: Exception) -> Internal:
    internal = Internal(f"{what}: {type(bug).__name__}: {bug}", "Please report it.")
    internal.__cause__ = bug
    return internal


def _same(kind: type[LocalChatError], error: LocalChatError) -> LocalChatError:
    """The same failure under its right name, keeping the cause."""
    new = kind(error.message, error.hint, remedy=error.remedy)
    new.__cause__ = error
    return new
