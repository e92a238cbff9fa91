from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from localchat.errors import LocalChatError
from localchat.providers import Client
from localchat.records import Finished, KeySource, Line, Piece, Provider, ReasoningPiece, Request, TextPiece
from tests.fakes import FakeEndpoint

KEY = "sk-test-0123456789"
Make = Callable[..., Provider]


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as fake:
        yield fake


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a provider as the store would give it; its key, where it has one, stands in $ACME_KEY."""
    monkeypatch.setenv("ACME_KEY", KEY)

    def make(kind: str, base_url: str | None = None, key_source: KeySource = "env", name: str = "acme") -> Provider:
        key_name = {"none": None, "env": "ACME_KEY", "keyring": name}[key_source]
        return Provider(1, name, kind, base_url, key_source, key_name, True, "", "")

    return make


class Reply:
    """What came of one stream: its pieces, and the error that ended it."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.error: LocalChatError | None = None

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, TextPiece))

    @property
    def reasoning(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, ReasoningPiece))

    @property
    def finished(self) -> Finished:
        last = self.pieces[-1]
        assert isinstance(last, Finished), self.error
        return last

    @property
    def code(self) -> str | None:
        return self.error.code if self.error else None

    @property
    def words(self) -> str:
        """Message and hint, as a person reads them."""
        return f"{self.error.message} {self.error.hint}" if self.error else ""


async def read(client: Client, request: Request, into: Reply | None = None) -> Reply:
    """Read a stream to its end; errors that a person may meet end up in the reply, bugs are raised."""
    reply = into or Reply()
    try:
        async for piece in client.stream(request):
            reply.pieces.append(piece)
    except LocalChatError as error:
        reply.error = error
    return reply


def asking(model: str, *prompts: str, system: str = "", **parameters: object) -> Request:
    lines = tuple(Line("user", prompt) for prompt in prompts or ("hi",))
    return Request(model, lines, system, dict(parameters))


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what another thread or process does."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.005)
