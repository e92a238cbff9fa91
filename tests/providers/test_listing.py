"""Discovering: what an endpoint offers, and what it says when it does not."""

from __future__ import annotations

import pytest

from localchat.errors import LocalChatError
from localchat.providers import connect, listing
from localchat.records import RemoteModel
from tests.fakes import FakeEndpoint
from tests.providers.conftest import KEY, Make

OFFERED = {
    "openai": [RemoteModel("plain", 8192, 2), RemoteModel("slow", 2048), RemoteModel("vendor/with/slashes", 32768),
               RemoteModel("loose")],
    "anthropic": [RemoteModel("plain", 200_000), RemoteModel("slow")],
    "google": [RemoteModel("plain", 1_048_576), RemoteModel("slow")],
}  # fmt: skip


@pytest.mark.parametrize("kind", list(OFFERED))
async def test_the_models_come_in_the_endpoints_order_each_once(
    kind: str, endpoint: FakeEndpoint, provider: Make
) -> None:
    endpoint.key = KEY
    assert await connect(provider(kind, endpoint.base_url(kind))).models() == OFFERED[kind]


@pytest.mark.parametrize(("kind", "suffix"), [("openai", "/v1/"), ("anthropic", "/v1"), ("google", "/v1beta/")])
async def test_an_address_works_with_and_without_its_usual_end(
    kind: str, suffix: str, endpoint: FakeEndpoint, provider: Make
) -> None:
    assert await connect(provider(kind, endpoint.url + suffix)).models() == OFFERED[kind]


async def test_an_address_that_lacks_v1_gets_that_told(endpoint: FakeEndpoint, provider: Make) -> None:
    with pytest.raises(LocalChatError) as caught:
        await connect(provider("openai", endpoint.url)).models()
    assert caught.value.code == "provider_rejected"
    assert f"it has one at {endpoint.url}/v1" in caught.value.message
    assert f"Set its address to {endpoint.url}/v1" in caught.value.hint


@pytest.mark.parametrize("kind", list(OFFERED))
async def test_a_refused_key_is_told_without_the_key(kind: str, endpoint: FakeEndpoint, provider: Make) -> None:
    endpoint.key = "another"
    with pytest.raises(LocalChatError) as caught:
        await connect(provider(kind, endpoint.base_url(kind))).models()
    assert caught.value.code == "provider_rejected"
    assert "acme refused the key (401)" in caught.value.message
    assert KEY not in caught.value.message


@pytest.mark.parametrize("kind", list(OFFERED))
async def test_a_server_that_is_not_there_is_told(kind: str, provider: Make) -> None:
    with pytest.raises(LocalChatError) as caught:
        await connect(provider(kind, "http://127.0.0.1:9/v1", name="ollama")).models()
    assert caught.value.code == "provider_unavailable"
    assert caught.value.message == "ollama does not answer at 127.0.0.1:9 (connection refused)."


async def test_a_path_without_a_list_is_told(endpoint: FakeEndpoint, provider: Make) -> None:
    with pytest.raises(LocalChatError, match=r"has nothing at this address \(404\)") as caught:
        await connect(provider("openai", endpoint.url + "/nothing/here")).models()
    assert caught.value.code == "provider_rejected"


@pytest.mark.parametrize(
    ("rows", "models"),
    [
        ([], []),
        ([None, 5, {}, {"id": None}, {"id": ""}, {"id": 7}, [], {"name": "by name"}], [RemoteModel("by name")]),
        ([{"id": "m", "context_length": "8192"}], [RemoteModel("m")]),
        ([{"id": "m", "context_length": True}], [RemoteModel("m")]),
        ([{"id": "m", "context_length": 0, "max_model_len": 512}], [RemoteModel("m", 512)]),
        ([{"id": "m", "meta": {"n_ctx": 1024, "n_ctx_train": 2048}}], [RemoteModel("m", 1024)]),
        ([{"id": "m", "meta": "none"}], [RemoteModel("m")]),
        ([{"id": "[/] \x1b[2J"}], [RemoteModel("[/] \x1b[2J")]),
    ],
)
def test_rows_of_any_shape_are_read(rows: list[object], models: list[RemoteModel]) -> None:
    assert listing.remote_models(rows) == models
