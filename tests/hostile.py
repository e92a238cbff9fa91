"""What a broken or hostile model server may do to its client, beyond the faults of ``fakes.py``: the model's name says
what. Used through ``FakeEndpoint``; every mode exists in all three wire formats, as far as the format has such a thing.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes import OpenAIFormat, _Handler

MB = 1024**2
USAGES: dict[str, Any] = {"usage-huge": 2**70, "usage-negative": -5, "usage-text": "many", "usage-null": None,
                          "usage-list": [1], "usage-float": 1e300}  # fmt: skip
WAITS = {"408": "3", "503-wait": "7", "429-date": "Fri, 01 Jan 2100 00:00:00 GMT", "429-odd": "soon"}


def _bomb(size: int, block: bytes = b"\0") -> Iterator[bytes]:
    """Gzip that grows to so many MB, in parts. A full flush makes every block the same, so it is made in no time."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = engine.compress(block * (MB // len(block))) + engine.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for _ in range(size):
        yield packed


def _endless(part: bytes) -> Iterator[bytes]:
    while True:
        yield part


def _slowly(part: bytes) -> Iterator[bytes]:
    while True:
        time.sleep(0.01)
        yield part


def _words(wire: OpenAIFormat, words: str) -> bytes:
    events = [*wire.start(), *wire.text(words)]
    return b"".join(wire.encode(_bare(event)) for event in events)


def _bare(event: Any) -> Any:
    return {name: value for name, value in event.items() if name != "once"} if isinstance(event, dict) else event


def _whole(wire: OpenAIFormat, words: str, reason: str = "stop") -> bytes:
    return _words(wire, words) + b"".join(wire.encode(_bare(event)) for event in wire.finish(reason))


def _with_usage(wire: OpenAIFormat, value: Any) -> bytes:
    names = ("prompt_tokens", "completion_tokens", "output_tokens", "promptTokenCount", "candidatesTokenCount")
    whole: list[bytes] = [_words(wire, "Hello, world")]
    for event in wire.finish("stop"):
        for usage in (event.get("usage"), event.get("usageMetadata")) if isinstance(event, dict) else ():
            if usage:
                usage.update({name: value for name in names if name in usage})
        whole.append(wire.encode(event))
    return b"".join(whole)


def _flood(wire: OpenAIFormat) -> Iterator[bytes]:
    yield _words(wire, "Hello")
    more = wire.encode(_bare(wire.text("words and words " * 10)[-1])) * 20
    yield from _endless(more)


def _huge(wire: OpenAIFormat, size: int) -> Iterator[bytes]:
    """An event whose words are so many MB."""
    before, _, after = _words(wire, "@@@").partition(b"@@@")
    yield before
    for _ in range(size):
        yield b"x" * MB
    yield after + b"".join(wire.encode(event) for event in wire.finish("stop"))


def _nested() -> bytes:
    return b"data: " + b'{"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n\n"


def _one_piece(wire: OpenAIFormat) -> Iterator[bytes]:
    """The reply as a document, in the shape that the format has without a stream."""
    anthropic = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                 "content": [{"type": "thinking", "thinking": "Hm.", "signature": ""},
                             {"type": "text", "text": "Hello, world"}],
                 "usage": {"input_tokens": 11, "output_tokens": 7}}  # fmt: skip
    parts = [{"text": "Hm.", "thought": True}, {"text": "Hello, world"}]
    google = {"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}],
              "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7}}  # fmt: skip
    openai = {"choices": [{"message": {"content": "Hello, world", "reasoning": "Hm."}, "finish_reason": "stop"}],
              "usage": {"prompt_tokens": 11, "completion_tokens": 7}}  # fmt: skip
    shapes = {"OpenAIFormat": openai, "AnthropicFormat": anthropic, "GoogleFormat": [google]}
    yield json.dumps(shapes[type(wire).__name__]).encode()


def _open_end() -> Iterator[bytes]:
    """All is said, but neither the end of it nor that of the connection comes."""
    yield _stream({"content": "Hello"}).removesuffix(b"data: [DONE]\n\n")
    yield from _slowly(b": ping\n\n")


EVENTS = "text/event-stream"
# name: status, media type, content encoding, what is sent
Mode = tuple[int, str, str, Callable[["OpenAIFormat"], Iterator[bytes]]]
MODES: dict[str, Mode] = {
    "endless-error": (400, "application/json", "", lambda w: _endless(b'{"error": ' + b" " * 65_000)),
    "huge-error": (500, "text/plain", "", lambda w: iter([b"wrong " * 10_000] * 2000)),
    "bomb-error": (500, "application/json", "gzip", lambda w: _bomb(1024)),
    "bomb-line": (200, EVENTS, "gzip", lambda w: _bomb(1024)),
    "bomb-pings": (200, EVENTS, "gzip", lambda w: _bomb(1024, b": ping\n\n")),
    "bomb-json": (200, "application/json", "gzip", lambda w: _bomb(1024, b" ")),
    "endless-line": (200, EVENTS, "", lambda w: _endless(b"data: " + b"x" * 65_000)),
    "endless-body": (200, "application/json", "", lambda w: _endless(b" " * 65_000)),
    "huge-delta": (200, EVENTS, "", lambda w: _huge(w, 100)),
    "flood": (200, EVENTS, "", _flood),
    "pings": (200, EVENTS, "", lambda w: _slowly(b": ping\n\n")),
    "empty-events": (200, EVENTS, "", lambda w: _slowly(b"".join(map(w.encode, w.start())) or b"data: {}\n\n")),
    "nested": (200, EVENTS, "", lambda w: iter([_nested()])),
    "open-end": (200, EVENTS, "", lambda w: _open_end()),
    "whole": (200, "application/json", "", _one_piece),
    "gzip": (200, EVENTS, "gzip", lambda w: iter([_gzipped(_whole(w, "Hello, world"))])),
    "deflate": (200, EVENTS, "deflate", lambda w: iter([zlib.compress(_whole(w, "Hello, world"))])),
    "raw-deflate": (200, EVENTS, "deflate", lambda w: iter([zlib.compress(_whole(w, "Hello, world"))[2:-4]])),
    "not-gzip": (200, EVENTS, "gzip", lambda w: iter([_whole(w, "Hello, world")])),
    "brotli": (200, EVENTS, "br", lambda w: iter([b"\x0b\x02\x80hello\x03"])),
    **{name: (200, EVENTS, "", lambda w, value=value: iter([_with_usage(w, value)])) for name, value in USAGES.items()},
}  # fmt: skip


def _gzipped(data: bytes) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return engine.compress(data) + engine.flush()


# Only in OpenAI's format.
def _reply(message: dict[str, Any], reason: str | None = "stop", **more: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": reason}], **more}).encode()


def _stream(*deltas: dict[str, Any], reason: str | None = "stop") -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def _thinks(*parts: str) -> bytes:
    return _stream(*({"content": part} for part in parts))


_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
_USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
OPENAI: dict[str, tuple[str, bytes]] = {
    "one-piece": ("application/json", _reply({"content": "Hello, world"}, usage=_USAGE)),
    "one-piece-no-reason": ("application/json", _reply({"content": "Hello, world"}, None)),
    "one-piece-thinking": ("application/json", _reply({"content": "Hello", "reasoning": "Hm."})),
    "one-piece-as-events": (EVENTS, _reply({"content": "Hello, world"})),
    "events-as-text": ("text/plain", _stream({"content": "Hello, "}, {"content": "world"})),
    "think-tags": (EVENTS, _thinks("<th", "ink>\n", "Hm.", "\n</thi", "nk>\n\n", "Hello, ", "world")),
    "think-empty": (EVENTS, _thinks("<think>\n\n</think>\n\nHello, world")),
    "think-later": (EVENTS, _thinks("Write ", "<think>", " to think")),
    "think-only": (EVENTS, _thinks("<think>", "Hm.")),
    "reasoning-twice": (EVENTS, _stream({"reasoning": "Hm.", "reasoning_content": "Hm."}, {"content": "Hello"})),
    "reasoning-details": (EVENTS, _stream({"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
                                          {"content": "Hello"})),
    "content-parts": (EVENTS, _stream({"content": [{"type": "thinking", "thinking": [{"text": "Hm."}]}]},
                                      {"content": [{"type": "text", "text": "Hello"}, 5, None]})),
    "thought-and-nothing": (EVENTS, _stream({"reasoning": "Hm."})),
    "thought-to-its-limit": (EVENTS, _stream({"reasoning": "Hm."}, reason="length")),
    "tool-calls": (EVENTS, _stream({"tool_calls": [_CALL]},
                                   {"tool_calls": [{"index": 0, "function": {"arguments": "{\"city\":"}}]},
                                   {"tool_calls": [{"index": 0, "function": {"arguments": "\"Paris\"}"}}]},
                                   reason="tool_calls")),
    "text-and-tool-calls": (EVENTS, _stream({"content": "Hello"}, {"tool_calls": [_CALL]}, reason="tool_calls")),
    "choices-null": (EVENTS, b'data: {"choices": null}\n\ndata: [DONE]\n\n'),
    "only-a-finish": (EVENTS, _stream()),
    "odd-contents": (EVENTS, _stream({"content": [1, 2]}, {"content": 5}, {"content": {}}, {"content": True})),
    "odd-finish": (EVENTS, _stream({"content": "Hello"}, reason=["x" * 500])),  # type: ignore[arg-type]
    "error-finish": (EVENTS, _stream({"content": "Hello"}, reason="error")),
    "error-with-status": (EVENTS, b'data: {"error": {"code": 429, "message": "slow down"}}\n\n'),
    "error-null": (EVENTS, b'data: {"error": null, "choices": [{"delta": {"content": "Hello"}, '
                          b'"finish_reason": "stop"}]}\n\n'),
    "no-blank-line": (EVENTS, _stream({"content": "Hello"}).removesuffix(b"data: [DONE]\n\n").rstrip()),
    "number": (EVENTS, b"data: 5\n\n"),
    "two-choices": (EVENTS, b'data: {"choices": [{"index": 1, "delta": {"content": "No"}}, {"index": 0, "delta": '
                            b'{"content": "Hello"}, "finish_reason": "stop"}]}\n\n'),
}  # fmt: skip


def knows(model: str) -> bool:
    return model in MODES or model in OPENAI or model in WAITS or model == "says-key" or model.startswith("gone-")


def play(handler: _Handler, wire: OpenAIFormat, model: str) -> None:
    """Answer one request in the way that the model's name says."""
    if model in WAITS:
        status = int(model[:3])
        handler._answer(status, wire.error_body(status, f"fault {status}"), retry_after=WAITS[model])
    elif model.startswith("gone-"):  # gone-404, gone-410
        status = int(model[-3:])
        handler._answer(status, wire.error_body(status, f"The model {model} does not exist."))
    elif model == "says-key":
        key = handler._key().removeprefix("Bearer ")
        parts = [key[:5], key[5:9], key[9:] + " and ", key, " it is."]
        texts = b"".join(wire.encode(_bare(wire.text(part)[-1])) for part in parts)
        _send(
            handler, 200, EVENTS, "", iter([_words(wire, "Your key: "), texts, *map(wire.encode, wire.finish("stop"))])
        )
    elif model in OPENAI:
        kind, body = OPENAI[model]
        _send(handler, 200, kind, "", iter([body]))
    else:
        status, kind, encoding, body_of = MODES[model]
        _send(handler, status, kind, encoding, body_of(wire))


def _send(handler: _Handler, status: int, kind: str, encoding: str, parts: Iterator[bytes]) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    if encoding:
        handler.send_header("content-encoding", encoding)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for part in parts:
        if handler.fake.closing.is_set():
            break
        handler._chunk(part)
    handler._chunk(b"")
