"""Between a vendor's server and its SDK: an event stream with nothing in it that the SDK stumbles over.

The SDKs take comments for data, numbers beyond all measure for tokens, and stop with an exception of their own where a
document is nested too deep. What is no document at all is told as such.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from localchat.providers import deltas, failures
from localchat.providers.events import events
from localchat.providers.failures import Place

_COUNTS = ("tokens", "TokenCount")


async def rewritten(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """The same events, each on one line of data, with sane usage. Raises ProviderUnavailable for what is no JSON."""
    async for document in _documents(body, place):
        yield b"data: " + json.dumps(document).encode() + b"\n\n"


async def named(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """The same under the names that Anthropic's events have; an event without one says nothing there."""
    async for document in _documents(body, place):
        kind = document.get("type") if isinstance(document, dict) else None
        if isinstance(kind, str) and kind.isidentifier():
            yield f"event: {kind}\ndata: {json.dumps(document)}\n\n".encode()


async def _documents(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[Any, None]:
    async for data in events(body):
        if data.strip() == "[DONE]":
            continue
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise failures.not_understood(place) from error
        if isinstance(document, dict):
            _count_sanely(document)
        yield document


def _count_sanely(document: dict[str, Any]) -> None:
    """Usage that cannot be is none: its counts become 0."""
    _set_right(document, "usage")
    _set_right(document, "usageMetadata")
    if isinstance(message := document.get("message"), dict):
        _set_right(message, "usage")


def _set_right(holder: dict[str, Any], name: str) -> None:
    usage = holder.get(name)
    if usage is None:
        return
    if not isinstance(usage, dict):
        del holder[name]
        return
    counts = [each for each in usage if each.endswith(_COUNTS)]
    if not all(usage[each] is None or deltas.is_count(usage[each]) for each in counts):
        usage.update(dict.fromkeys(counts, 0))
