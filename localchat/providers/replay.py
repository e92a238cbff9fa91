"""Answers as an exported chat did: its replies with their pace, reasoning, errors and ends. See docs/replay.md.

It keeps nothing between two turns. Which reply is meant follows from what is asked: the words, those before them, the
model, and how often this was asked already (``Request.version``). So a flow that is run twice gets the same replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from localchat.attachments.reading import with_words
from localchat.errors import (
    ContextTooLong,
    InvalidInput,
    LocalChatError,
    ModelMissing,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    Remedy,
    ReplyCut,
    Way,
)
from localchat.providers.echo import words_of
from localchat.records import (
    ErrorNote,
    Finished,
    Piece,
    Provider,
    ReasoningPiece,
    RemoteModel,
    Request,
    TextPiece,
)
from localchat.text import one_line
from localchat.transfer.portable import Unreadable, WholeChat, WholeMessage, in_order, line_of
from localchat.validation import ReplayFile

_ERRORS = (ProviderUnavailable, ProviderRejected, RateLimited, ContextTooLong, ReplyCut, ModelMissing, InvalidInput)
_BY_CODE: dict[str, type[LocalChatError]] = {kind.code: kind for kind in _ERRORS}
_NEEDED = "It needs the file of a chat that was exported as JSON."
_EXPORT = Remedy(Way.EXPORT_CHAT)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One prompt of an export with the replies it got, oldest first. ``asked``: the ways in which it may be sent, with
    the words of its files and without; ``path``: the words of all prompts from the chat's beginning to it."""

    asked: tuple[str, ...]
    path: tuple[str, ...]
    replies: tuple[WholeMessage, ...]

    def nearness(self, lines: Sequence[str]) -> tuple[int, bool] | None:
        """How far the prompts before it are the same as in this conversation; None where it is another prompt.

        Where a turn failed without a word, its prompt and the next are sent as one: then the end has to be the same.
        """
        last = lines[-1]
        if not any(_plain(last) == _plain(way) or last.endswith(f"\n\n{way}") for way in self.asked):
            return None
        said = tuple(word for line in lines for word in line.split())
        same = 0
        for mine, theirs in zip(reversed(self.path), reversed(said), strict=False):
            if mine != theirs:
                break
            same += 1
        return same, len(said) == len(self.path)


@dataclass(frozen=True, slots=True)
class Deck:
    """All that an export can answer. ``order``: the prompts along the line of its first chat, as it was read last."""

    recorded: tuple[Recorded, ...]
    order: tuple[Recorded, ...]
    models: tuple[str, ...]


class ReplayClient:
    """The replies of an export; a model that answered in it is answered for by its own replies, any other by all."""

    def __init__(self, provider: Provider) -> None:
        self._name = provider.name
        self._file = ReplayFile.parse(provider.base_url or "")

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Raises ProviderRejected where the export has no reply to this, ProviderUnavailable where its file cannot be
        read, and what the reply itself ended with."""
        begun = asyncio.get_running_loop().time()  # reading the file is no pause of its own
        deck = await asyncio.to_thread(deck_of, self._file.path)
        reply, given = self._reply(deck, request)
        for at, piece in played(reply, given):
            await self._until(begun + at)
            yield piece
        await self._until(begun + lasted(reply))
        error = end_of(reply)
        if error is not None:
            raise error
        yield Finished(reply.finish_reason or "stop", reply.usage)

    async def _until(self, moment: float) -> None:
        """Until that moment of the loop's clock; no time is lost from piece to piece."""
        if not self._file.at_once:
            await asyncio.sleep(max(moment - asyncio.get_running_loop().time(), 0))

    def _reply(self, deck: Deck, request: Request) -> tuple[WholeMessage, str]:
        """What is meant, and what of it is there already (where a reply goes on)."""
        lines = [line.content for line in request.lines if line.role == "user"]
        if self._file.in_order:
            found = deck.order[request.turn - 1] if 1 <= request.turn <= len(deck.order) else None
        else:
            found = _nearest(deck, lines) if lines else None
        if found is not None:
            return _version(found.replies, request), ""
        begun = request.lines[-2].content if len(lines) > 1 and request.lines[-2].role == "assistant" else ""
        before = _nearest(deck, lines[:-1]) if begun else None
        longer = [m for m in before.replies if m.content.startswith(begun) and m.content != begun] if before else []
        if longer:
            return longer[-1], begun
        raise self._no_answer(deck, request, lines)

    def _no_answer(self, deck: Deck, request: Request, lines: Sequence[str]) -> ProviderRejected:
        name = one_line(self._file.path.name, 60)
        if self._file.in_order:
            told = f"{name} has no reply for turn {request.turn}; it ends after {len(deck.order)}."
            return ProviderRejected(told, "Begin a new chat to hear it again.")
        asked = one_line(lines[-1], 60) if lines else ""
        nearest = _nearest(deck, lines[:-1]) if len(lines) > 1 else None
        later = list(deck.order)
        if nearest in later:
            later = later[later.index(nearest) + 1 :]
        known = ", ".join(f"“{one_line(each.asked[0], 60)}”" for each in later[:2])
        hint = f"It knows {known}." if known else "It was not asked anything after that."
        return ProviderRejected(f"{name} has no reply to “{asked}”.", hint)

    async def models(self) -> list[RemoteModel]:
        """Those that answered in the export. Raises ProviderUnavailable."""
        deck = await asyncio.to_thread(deck_of, self._file.path)
        return [RemoteModel(name) for name in deck.models]

    async def aclose(self) -> None:
        """Nothing is held."""


def _plain(text: str) -> str:
    return " ".join(text.split())


def _nearest(deck: Deck, lines: Sequence[str]) -> Recorded | None:
    """The prompt of these words whose chat went like this one so far; the first of equals."""
    best: tuple[tuple[int, bool], Recorded] | None = None
    for each in deck.recorded:
        near = each.nearness(lines)
        if near is not None and (best is None or near > best[0]):
            best = near, each
    return best[1] if best else None


def _version(replies: Sequence[WholeMessage], request: Request) -> WholeMessage:
    """Of its own model where that answered; asked again, the next one, and the last for good."""
    own = [reply for reply in replies if reply.model is not None and reply.model.model == request.model]
    among = own or replies
    return among[min(max(request.version, 1), len(among)) - 1]


def played(reply: WholeMessage, given: str = "") -> Iterator[tuple[float, Piece]]:
    """The reply piece by piece, with the second at which each comes: as it was recorded, else word by word, evenly over
    the time that it took. ``given``: the part of it that is there already."""
    there = reply.content.removeprefix(given)
    recorded = _recorded_deltas(reply, there)
    if recorded is not None:
        yield from recorded
        return
    words: list[Piece] = [ReasoningPiece(word) for word in words_of(reply.reasoning)]
    words += [TextPiece(word) for word in words_of(there)]
    step = (reply.duration_ms or 0) / 1000 / (len(words) + 1)
    for number, piece in enumerate(words, 1):
        yield number * step, piece


def _recorded_deltas(reply: WholeMessage, text: str) -> list[tuple[float, Piece]] | None:
    """None where it was not recorded, or another program has changed its words since."""
    if reply.recording is None:
        return None
    said = {"text": "", "reasoning": ""}
    for _, kind, words in reply.recording.deltas:
        said[kind] += words
    if said != {"text": text, "reasoning": reply.reasoning}:
        return None
    return [
        (at / 1000, TextPiece(words) if kind == "text" else ReasoningPiece(words))
        for at, kind, words in reply.recording.deltas
    ]


def lasted(reply: WholeMessage) -> float:
    """Seconds until it ended."""
    return (reply.recording.ended_ms if reply.recording is not None else reply.duration_ms or 0) / 1000


def end_of(reply: WholeMessage) -> LocalChatError | None:
    """How it ended, where it did not end well: the error as it was told then."""
    if reply.error is not None:
        return _as_it_was(reply.error)
    if reply.status == "complete":
        return None
    return ReplyCut("The recorded reply ends here.", "It was stopped or cut off when it was recorded.")


def _as_it_was(note: ErrorNote) -> LocalChatError:
    kind = _BY_CODE.get(note.code, ProviderUnavailable)
    return kind(note.message or "The recorded turn failed.", note.hint, remedy=note.remedy)


def check(file: ReplayFile) -> None:
    """Raises InvalidInput where there is nothing in it that could be replayed."""
    try:
        deck_of(file.path)
    except ProviderUnavailable as error:
        raise InvalidInput(error.message, error.hint, remedy=error.remedy) from error


def deck_of(path: Path) -> Deck:
    """Read an export; while its file stays as it is, once. Raises ProviderUnavailable, saying what is wrong with it."""
    try:
        found = path.stat()
        if not path.is_file():
            raise ProviderUnavailable(f"{_shown(path)} is no file.", _NEEDED, remedy=_EXPORT)
    except (OSError, ValueError) as error:
        raise ProviderUnavailable(f"{_shown(path)} is not there or cannot be read.", _NEEDED, remedy=_EXPORT) from error
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Deck:
    from localchat.transfer.importers import localchat_json

    if not localchat_json.sniff(path):
        raise ProviderUnavailable(f"{_shown(path)} is no JSON export of localchat.", _NEEDED, remedy=_EXPORT)
    try:
        found = [_sound(each) if isinstance(each, WholeChat) else each for each in localchat_json.chats(path)]
    except (OSError, InvalidInput) as error:
        raise ProviderUnavailable(
            f"{_shown(path)} cannot be read: {one_line(str(error), 200)}", _NEEDED, remedy=_EXPORT
        ) from error
    chats = [each for each in found if isinstance(each, WholeChat)]
    by_chat = [_recorded(chat) for chat in chats]
    recorded = tuple(each for told in by_chat for each in told.values())
    damage = next((each for each in found if isinstance(each, Unreadable)), None)
    if not recorded and damage is not None:
        told = f"{_shown(path)} is damaged: {one_line(damage.title, 60)}: {one_line(damage.reason, 200)}."
        raise ProviderUnavailable(told, _NEEDED, remedy=_EXPORT)
    if not recorded:
        raise ProviderUnavailable(f"{_shown(path)} holds no reply.", "Export a chat that has one.")
    first = next(number for number, told in enumerate(by_chat) if told)
    order = tuple(by_chat[first][m.key] for m in line_of(chats[first]) if m.key in by_chat[first])
    models = dict.fromkeys(m.model.model for each in recorded for m in each.replies if m.model is not None)
    return Deck(recorded, order, tuple(models))


def _sound(chat: WholeChat) -> WholeChat | Unreadable:
    """No message before its parent, also where somebody took some out of the file."""
    try:
        return replace(chat, messages=tuple(in_order(chat.messages)[0]))
    except ValueError as error:
        return Unreadable(chat.title, str(error))


def _recorded(chat: WholeChat) -> dict[str, Recorded]:
    """By the key of each prompt that was answered."""
    replies: dict[str, list[WholeMessage]] = {}
    for message in chat.messages:
        if message.role == "assistant" and message.parent is not None:
            replies.setdefault(message.parent, []).append(message)
    found: dict[str, Recorded] = {}
    paths: dict[str | None, tuple[str, ...]] = {None: ()}
    for message in chat.messages:
        path = paths[message.parent]
        if message.role == "user":
            sent = with_words(message.attachments, message.content)
            path = (*path, *sent.split())
            if message.key in replies:
                ways = (message.content, sent, with_words(message.attachments, message.content, images=False))
                found[message.key] = Recorded(tuple(dict.fromkeys(ways)), path, tuple(replies[message.key]))
        paths[message.key] = path
    return found


def _shown(path: Path) -> str:
    return one_line(str(path), 300)
