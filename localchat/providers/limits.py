"""What a server may cost: bytes and seconds, for every client alike.

Bytes are counted as they come out of decompression (``http.py``), words and seconds as they reach the reply (here).
What exceeds its budget ends the turn and is told with the number.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from localchat import validation
from localchat.errors import ASK_AGAIN, InvalidInput, ProviderUnavailable, ReplyEmpty
from localchat.providers import failures
from localchat.providers.failures import Place
from localchat.providers.redaction import Redactor
from localchat.records import Finished, Piece, Provider, ReasoningPiece, TextPiece
from localchat.text import one_line, visible

MB = 1024**2
VARIABLE = "LOCALCHAT_LIMITS"
_BREATHS = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Budgets:
    """Bytes (``error``: the body of a refusal; ``line``: one line of an event stream; ``reply``: the words of a reply,
    or a body that is no stream; ``stream``: all that comes for one reply, with its wrapping) and seconds (``connect``;
    ``first_word`` and ``between`` two words, whatever else comes meanwhile; ``whole``: one reply; ``listing``: a list
    of models)."""

    error: int = MB
    line: int = MB
    reply: int = 16 * MB
    stream: int = 64 * MB
    connect: float = 10.0
    first_word: float = 300.0
    between: float = 120.0
    whole: float = 3600.0
    listing: float = 30.0


class Breath:
    """Lets others have their turn, and a cancellation be heard, where much comes at once and nothing is waited for."""

    def __init__(self) -> None:
        self._latest = time.monotonic()

    async def taken(self) -> None:
        """To be awaited often; costs a look at the clock."""
        if time.monotonic() - self._latest > _BREATHS:
            await asyncio.sleep(0)
            self._latest = time.monotonic()


def budgets_of(provider: Provider) -> Budgets:
    """The budgets of this provider: the defaults, changed by ``$LOCALCHAT_LIMITS`` and by its own limits.

    The variable holds ``NAME=NUMBER`` for every provider and ``PROVIDER.NAME=NUMBER`` for one, separated by spaces.
    What is said of one provider goes before what is said of all, and the variable before what is stored. Raises
    InvalidInput for anything else in it.
    """
    general: dict[str, float] = {}
    own: dict[str, float] = {}
    for setting in os.environ.get(VARIABLE, "").split():
        name, _, value = setting.partition("=")
        whose, _, name = name.rpartition(".")
        number = _checked(name, value, setting)
        if whose in ("", provider.name):
            (own if whose else general)[name] = number
    changed: dict[str, Any] = {**general, **provider.limits, **own}
    return dataclasses.replace(Budgets(), **changed)


def _checked(name: str, value: str, setting: str) -> float:
    try:
        return validation.limit(name, value, setting)
    except InvalidInput as error:
        raise InvalidInput(
            f"{one_line(setting, 60)} in ${VARIABLE} is no limit.",
            f"Write NAME=NUMBER or PROVIDER.NAME=NUMBER; names: {', '.join(validation.LIMITS)}.",
        ) from error


async def watched(pieces: AsyncGenerator[Piece, None], place: Place, budgets: Budgets) -> AsyncGenerator[Piece, None]:
    """The pieces of one reply, within the budgets of words and seconds, and without the provider's key.

    Raises ProviderUnavailable before the first word and ReplyCut after it; ReplyEmpty where the reply ends without a
    word. Reaching a limit, being cancelled or being closed closes the connection at once.
    """
    loop = asyncio.get_running_loop()
    words, thought, size, redactor, breath = False, False, 0, Redactor(place.key), Breath()
    began, latest = loop.time(), loop.time()
    async with aclosing(pieces):
        while True:
            patience = budgets.between if words or thought else budgets.first_word
            deadline = min(latest + patience, began + budgets.whole)
            try:
                async with asyncio.timeout_at(deadline):
                    await breath.taken()
                    piece = await anext(pieces, None)
            except TimeoutError as error:
                raise _late(place, budgets, loop.time() - began, words or thought) from error
            except ProviderUnavailable as error:
                if words or thought:
                    raise failures.cut(place, failures.short(error)) from error
                raise
            match piece:
                case None:
                    raise failures.cut(place)
                case TextPiece(text=text) | ReasoningPiece(text=text):
                    latest = loop.time()
                    size += len(text.encode("utf-8", "replace"))
                    if size > budgets.reply:
                        raise failures.cut(place, f"it is longer than {failures.size_words(budgets.reply)}")
                    thought = thought or isinstance(piece, ReasoningPiece)
                    words = words or (isinstance(piece, TextPiece) and visible(text))
                    for safe in redactor.passed(piece):
                        yield safe
                case Finished():
                    for safe in redactor.rest():
                        yield safe
                    if not words:
                        raise _empty(place, piece, thought)
                    yield piece
                    return
                case _:
                    latest = loop.time()
                    yield piece


def _late(place: Place, budgets: Budgets, took: float, began: bool) -> Exception:
    if took >= budgets.whole:
        return failures.cut(place, f"it took longer than {budgets.whole:g} seconds")
    if began:
        return failures.cut(place, f"nothing came for {budgets.between:g} seconds")
    return failures.silent(place, budgets.first_word)


def _empty(place: Place, end: Finished, thought: bool) -> ReplyEmpty:
    if end.tool_calls:
        names = ", ".join(one_line(call.name, 60) for call in end.tool_calls[:3])
        return ReplyEmpty(
            f"{place.name} answered with a call of a tool ({names}) and without a word.", remedy=ASK_AGAIN
        )
    if thought and end.reason == "length":
        return ReplyEmpty(
            f"{place.name} reached its limit of tokens while it thought, before the first word of a reply.",
            "Allow it more with the parameter max_tokens, or ask again.",
        )
    after = "thought, and then ended" if thought else "ended"
    return ReplyEmpty(f"The reply of {place.name} {after} without a word.", remedy=ASK_AGAIN)
