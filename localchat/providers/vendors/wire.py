"""Between a vendor's server and its SDK: an event stream, with nothing in it that the SDK stumbles over.

The SDKs take comments for data, numbers beyond all measure for tokens, and stop with an exception of their own where a
document is nested too deep. What is no document at all is told as such.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from localchat.providers import deltas, failures
from localchat.providers.events import beginning, events, is_document, with_beginning
from localchat.providers.failures import Place

_COUNTS = ("tokens", "TokenCount")


async def rewritten(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """The same events, each on one line of data, with sane usage. Raises ProviderUnavailable for what is no JSON."""
    async for document in _documents(body, place):
        yield b"data: " + json.dumps(document).encode() + b"\n\n"


async def named(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[bytes, None]:
    """The same under the names that Anthropic's events have; an event without one says nothing there."""
    async for document in _documents(body, place):
        whole = isinstance(document, dict) and document.get("type") == "message"
        for event in _told_apart(document) if whole else [document]:
            kind = event.get("type") if isinstance(event, dict) else None
            if isinstance(kind, str) and kind.isidentifier():
                yield f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode()


async def _documents(body: AsyncIterator[bytes], place: Place) -> AsyncGenerator[Any, None]:
    """Those of an event stream, or of a body in one piece: asked for a stream, proxies answer like that."""
    start = await beginning(body)
    whole = with_beginning(start, body)
    if is_document(start):
        document = _parsed(b"".join([part async for part in whole]), place)
        for each in document if isinstance(document, list) else [document]:  # Gemini lists what it would have streamed
            yield _counted_sanely(each)
        return
    async for data in events(whole):
        if data.strip() != "[DONE]":
            yield _counted_sanely(_parsed(data, place))


def _parsed(data: str | bytes, place: Place) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise failures.not_understood(place) from error


def _told_apart(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message of Anthropic's in one piece, as the events that would have told it."""
    content = message.get("content")
    usage = message.get("usage") if isinstance(message.get("usage"), dict) else {"output_tokens": 0}
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(content if isinstance(content, list) else ()):
        kind = block.get("type") if isinstance(block, dict) else None
        field = {"text": "text", "thinking": "thinking"}.get(str(kind))
        if field is None:
            continue
        yield {"type": "content_block_start", "index": index, "content_block": {**block, field: ""}}
        delta = {"type": f"{field}_delta", field: block.get(field)}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message.get("stop_reason") or "end_turn", "stop_sequence": message.get("stop_sequence")}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop"}


def _counted_sanely(document: Any) -> Any:
    """Usage that cannot be is none: its counts become 0."""
    if isinstance(document, dict):
        _set_right(document, "usage")
        _set_right(document, "usageMetadata")
        if isinstance(message := document.get("message"), dict):
            _set_right(message, "usage")
    return document


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
