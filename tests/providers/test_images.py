"""Images on the wire, as each vendor wants them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from localchat.providers import connect
from localchat.records import Attachment, Line, Request
from tests.fakes import FakeEndpoint
from tests.providers.conftest import Make, read

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
ENCODED = base64.b64encode(PNG).decode()


def content(kind: str, body: dict[str, Any]) -> list[Any]:
    """The parts of the last message."""
    if kind == "google":
        return list(body["contents"][-1]["parts"])
    return list(body["messages"][-1]["content"])


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
async def test_an_image_goes_before_the_words(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    line = Line("user", "What is this?", (Attachment("photo.png", "image/png", PNG),))
    client = connect(provider(kind, endpoint.base_url(kind)))
    reply = await read(client, Request("plain", (line,)))
    assert reply.text
    image, words = content(kind, endpoint.requests[-1].body)
    match kind:
        case "openai":
            assert image["image_url"]["url"] == f"data:image/png;base64,{ENCODED}"
        case "anthropic":
            assert (image["source"]["media_type"], image["source"]["data"]) == ("image/png", ENCODED)
        case "google":
            assert base64.urlsafe_b64decode(image["inlineData"]["data"]) == PNG
            assert "image/png" in image["inlineData"].values()
    assert words["text"] == "What is this?"


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google"])
async def test_an_image_may_go_without_words(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    client = connect(provider(kind, endpoint.base_url(kind)))
    line = Line("user", "", (Attachment("photo.png", "image/png", PNG),))
    assert (await read(client, Request("plain", (line,)))).text
    assert len(content(kind, endpoint.requests[-1].body)) == 1
