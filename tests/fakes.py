"""A model endpoint on loopback that speaks three wire formats and breaks on demand: the model's name says how.

    with FakeEndpoint() as endpoint:
        endpoint.base_url("openai")     # what a provider of that kind is given
        endpoint.requests               # what came in

Models: ``plain reasoning length empty many slow refusal`` answer; ``400 401 403 404 429 quota 500 502 503 529
gone-404 gone-410 overflow`` refuse; ``error-first error-midway cut cut-first no-finish no-finish-first malformed
malformed-first wrong-shape silent silent-midway hang close html redirect`` break. Those of ``hostile.py`` flood,
swell and lie.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests import hostile

WORDS = ("Hello", ", ", "world")
THOUGHTS = ("Let me ", "think.")
USAGE = (11, 7)  # tokens in, tokens out
LIMIT, TOKENS = 4096, 5000  # what ``overflow`` tells
SECRET_WORDS = "Wrong\x1b[2J key"  # part of what 401 says


@dataclass
class Seen:
    """One request as it came in; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class OpenAIFormat:
    """Server-sent events of chat completions."""

    @staticmethod
    def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    def start(self) -> list[Any]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def text(self, words: str) -> list[Any]:
        return [self._chunk({"content": words})]

    def thought(self, words: str) -> list[Any]:
        return [self._chunk({"reasoning_content": words})]

    def finish(self, reason: str) -> list[Any]:
        usage = {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}
        return [self._chunk({}, reason), {**self._chunk({}), "choices": [], "usage": usage}, "[DONE]"]

    def error_event(self, message: str) -> list[Any]:
        return [{"error": {"message": message, "type": "server_error", "code": "server_error"}}]

    def error_body(self, status: int, message: str) -> Any:
        return {"error": {"message": message, "type": "invalid_request_error", "code": None}}

    def overflow_body(self) -> Any:
        words = f"This model's maximum context length is {LIMIT} tokens. Your messages resulted in {TOKENS} tokens."
        return {"error": {"message": words, "type": "invalid_request_error", "code": "context_length_exceeded"}}

    def encode(self, event: Any) -> bytes:
        return b"data: " + (event if isinstance(event, str) else json.dumps(event)).encode() + b"\n\n"


class AnthropicFormat(OpenAIFormat):
    """Server-sent events of Anthropic's messages."""

    def start(self) -> list[Any]:
        message = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
                   "stop_sequence": None, "usage": {"input_tokens": USAGE[0], "output_tokens": 1}}  # fmt: skip
        return [{"type": "message_start", "message": message}]

    def text(self, words: str) -> list[Any]:
        return self._block({"type": "text", "text": ""}, {"type": "text_delta", "text": words})

    def thought(self, words: str) -> list[Any]:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        return self._block(empty, {"type": "thinking_delta", "thinking": words})

    def _block(self, block: dict[str, Any], delta: dict[str, Any]) -> list[Any]:
        index = 0 if block["type"] == "thinking" else 1
        return [
            {"type": "content_block_start", "index": index, "content_block": block, "once": (index,)},
            {"type": "content_block_delta", "index": index, "delta": delta},
        ]

    def finish(self, reason: str) -> list[Any]:
        words = {"stop": "end_turn", "length": "max_tokens"}[reason]
        return [
            {"type": "message_delta", "delta": {"stop_reason": words, "stop_sequence": None},
             "usage": {"output_tokens": USAGE[1]}},
            {"type": "message_stop"},
        ]  # fmt: skip

    def error_event(self, message: str) -> list[Any]:
        return [{"type": "error", "error": {"type": "overloaded_error", "message": message}}]

    def error_body(self, status: int, message: str) -> Any:
        kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error",
                 500: "api_error", 529: "overloaded_error"}  # fmt: skip
        return {"type": "error", "error": {"type": kinds.get(status, "invalid_request_error"), "message": message}}

    def overflow_body(self) -> Any:
        return self.error_body(400, f"prompt is too long: {TOKENS} tokens > {LIMIT} maximum")

    def encode(self, event: Any) -> bytes:
        if isinstance(event, str):
            return b"event: content_block_delta\ndata: " + event.encode() + b"\n\n"
        return f"event: {event.get('type', 'x')}\n".encode() + super().encode(event)


class GoogleFormat(OpenAIFormat):
    """Server-sent events of Gemini's streamGenerateContent."""

    def start(self) -> list[Any]:
        return []

    def _part(self, part: dict[str, Any]) -> list[Any]:
        return [{"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], "modelVersion": "m"}]

    def text(self, words: str) -> list[Any]:
        return self._part({"text": words})

    def thought(self, words: str) -> list[Any]:
        return self._part({"text": words, "thought": True})

    def finish(self, reason: str) -> list[Any]:
        words = {"stop": "STOP", "length": "MAX_TOKENS"}[reason]
        usage = {"promptTokenCount": USAGE[0], "candidatesTokenCount": USAGE[1], "totalTokenCount": sum(USAGE)}
        candidate = {"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0, "finishReason": words}
        return [{"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}]

    def error_event(self, message: str) -> list[Any]:
        return [self.error_body(503, message)]

    def error_body(self, status: int, message: str) -> Any:
        kinds = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
        return {"error": {"code": status, "message": message, "status": kinds.get(status, "UNKNOWN")}}

    def overflow_body(self) -> Any:
        words = f"The input token count ({TOKENS}) exceeds the maximum number of tokens allowed ({LIMIT})."
        return self.error_body(400, words)


FORMATS: dict[str, OpenAIFormat] = {"openai": OpenAIFormat(), "anthropic": AnthropicFormat(), "google": GoogleFormat()}
PREFIXES = {"openai": "/v1", "anthropic": "", "google": ""}
MODELS: dict[str, Any] = {
    "openai": {"object": "list", "data": [
        {"id": "plain", "object": "model", "context_length": 8192},
        {"id": "slow", "object": "model", "meta": {"n_ctx_train": 2048}},
        {"id": "vendor/with/slashes", "object": "model", "max_model_len": 32768},
        {"id": "plain", "object": "model"}, {"object": "model"}, "loose", None,
    ]},
    "anthropic": {"data": [
        {"type": "model", "id": "plain", "display_name": "Plain", "max_input_tokens": 200000},
        {"type": "model", "id": "slow", "display_name": "Slow"},
    ], "has_more": False},
    "google": {"models": [
        {"name": "models/plain", "inputTokenLimit": 1048576, "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embedder", "inputTokenLimit": 2048, "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/slow", "supportedGenerationMethods": ["generateContent", "countTokens"]},
    ]},
}  # fmt: skip
STATUSES = {"400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "quota": 429, "500": 500, "502": 502,
            "503": 503, "529": 529, "gone-404": 404, "gone-410": 410}  # fmt: skip


@dataclass
class FakeEndpoint:
    """The server. ``left`` is set when a client goes away in the middle of a stream; ``models`` is what it lists, where
    that is not ``MODELS``."""

    requests: list[Seen] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    key: str | None = None
    models: Any = None

    def __enter__(self) -> FakeEndpoint:
        endpoint = self

        class Handler(_Handler):
            fake = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def base_url(self, kind: str) -> str:
        """What a provider of this kind is given as its address."""
        return self.url + PREFIXES[kind]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeEndpoint

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # clients go away here as they please
            super().handle()

    def _note(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.fake.requests.append(Seen(self.path, headers, body))

    def _key(self) -> str:
        names = ("authorization", "x-api-key", "x-goog-api-key")
        return " ".join(filter(None, (self.headers.get(name) for name in names)))

    def do_GET(self) -> None:
        self._note({})
        kind = "google" if "/v1beta/" in self.path else "anthropic" if self.headers.get("x-api-key") else "openai"
        path = self.path.partition("?")[0]
        key = self._key()
        if self.fake.key and self.fake.key not in key:
            self._answer(401, FORMATS[kind].error_body(401, f"{SECRET_WORDS} {key}"))
        elif path in ("/v1/models", "/v1beta/models"):
            self._answer(200, MODELS[kind] if self.fake.models is None else self.fake.models)
        else:
            self._answer(404, FORMATS[kind].error_body(404, "no such path"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        self._note(body)
        path = self.path.partition("?")[0]
        if path == "/v1/chat/completions":
            kind, model = "openai", body["model"]
        elif path == "/v1/messages":
            kind, model = "anthropic", body["model"]
        elif path.startswith("/v1beta/models/") and path.endswith(":streamGenerateContent"):
            kind, model = "google", path.rpartition("/")[2].partition(":")[0]
        else:
            self._answer(404, FORMATS["openai"].error_body(404, "no such path"))
            return
        with contextlib.suppress(ConnectionError):
            self._play(FORMATS[kind], model)

    def _play(self, wire: OpenAIFormat, model: str) -> None:
        if model in STATUSES:
            self._refuse(wire, model)
        elif hostile.knows(model):
            hostile.play(self, wire, model)
        elif model == "overflow":
            self._answer(400, wire.overflow_body())
        elif model == "hang":
            self._wait_for_leave()
        elif model == "close":
            self.close_connection = True
        elif model == "html":
            self._answer(200, "<html><title>Welcome</title></html>", "text/html; charset=utf-8")
        elif model == "redirect":
            self.send_response(307)
            self.send_header("location", "http://elsewhere.invalid/v1/chat/completions")
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            self._stream(wire, model)

    def _refuse(self, wire: OpenAIFormat, model: str) -> None:
        status = STATUSES[model]
        if model == "502":
            self._answer(502, "<html><head><title>502 Bad Gateway</title></head></html>", "text/html")
        elif model == "quota":
            self._answer(429, {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}})
        elif model.startswith("gone"):
            self._answer(status, wire.error_body(status, f"The model `{model}` does not exist or was retired."))
        else:
            words = f"{SECRET_WORDS} {self._key()} " + "very long " * 200 if status == 401 else f"fault {status}"
            self._answer(status, wire.error_body(status, words), retry_after="7" if status == 429 else None)

    def _answer(self, status: int, body: Any, kind: str = "application/json", retry_after: str | None = None) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        if retry_after:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, wire: OpenAIFormat, model: str) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        sent: set[object] = set()
        for event in _script(wire, model):
            if event == "CUT":
                self.close_connection = True
                return
            if event == "WAIT":
                self._wait_for_leave()
                return
            if event == "PAUSE":
                time.sleep(0.01)
                continue
            once = event.pop("once", None) if isinstance(event, dict) else None
            if once is not None:
                if once in sent:
                    continue
                sent.add(once)
            self._chunk(wire.encode(event))
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        except ConnectionError:
            self.fake.left.set()
            self.close_connection = True
            raise

    def _wait_for_leave(self) -> None:
        """Say nothing until the client goes or the server is closed."""
        self.close_connection = True
        self.connection.settimeout(0.02)
        while not self.fake.closing.is_set():
            try:
                if not self.connection.recv(1024):
                    self.fake.left.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.fake.left.set()
                return


def _script(wire: OpenAIFormat, model: str) -> Iterator[Any]:
    """The events of a stream; CUT drops the connection, WAIT says nothing more, PAUSE is ten milliseconds."""
    yield from wire.start()
    match model:
        case "error-first":
            yield from wire.error_event("fault in the stream")
            return
        case "cut-first":
            yield "CUT"
        case "malformed-first":
            yield "{this is no JSON"
        case "wrong-shape":
            yield {"type": "content_block_delta", "choices": "none", "candidates": "none", "delta": 5, "index": "x"}
        case "silent":
            yield "WAIT"
        case "no-finish-first":
            return
        case "reasoning":
            for thought in THOUGHTS:
                yield from wire.thought(thought)
        case "refusal":
            yield OpenAIFormat._chunk({"refusal": "I cannot help with that."})
            yield from wire.finish("stop")
            return
        case "many":
            for number in range(500):
                yield from wire.text(f"{number} ")
    first, *others = WORDS if model != "empty" else ("",)
    yield from wire.text(first)
    match model:
        case "error-midway":
            yield from wire.error_event("fault in the stream")
            return
        case "cut":
            yield "CUT"
        case "no-finish":
            return
        case "malformed":
            yield "{this is no JSON"
        case "silent-midway":
            yield "WAIT"
        case "slow":
            for number in range(100_000):
                yield "PAUSE"
                yield from wire.text(f" {number}")
    for word in others:
        yield from wire.text(word)
    yield from wire.finish("length" if model == "length" else "stop")
