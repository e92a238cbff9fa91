"""Finding servers on this machine, and the well-known endpoints."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pytest

from localchat.providers.detect import found
from localchat.providers.presets import LOCAL, TEMPLATES, Template
from localchat.records import KINDS
from tests.fakes import FakeEndpoint


async def test_a_server_that_answers_is_found_with_its_models(endpoint: FakeEndpoint) -> None:
    here = Template("Fake", "fake", "openai", f"{endpoint.url}/v1")
    away = Template("Away", "away", "openai", "http://127.0.0.1:9/v1")
    (only,) = await found([away, here])
    assert (only.template, only.base_url) == (here, f"{endpoint.url}/v1")
    assert [model.name for model in only.models][:2] == ["plain", "slow"]
    assert "authorization" not in endpoint.requests[0].headers


async def test_another_kind_of_server_is_not_taken_for_one(endpoint: FakeEndpoint) -> None:
    assert await found([Template("Web", "web", "openai", f"{endpoint.url}/app")]) == []


async def test_a_server_that_keeps_silent_costs_half_a_second_at_most() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert await found([Template("S", "s", "openai", f"http://127.0.0.1:{silent.getsockname()[1]}/v1")] * 4) == []
        assert time.monotonic() - began < 1.5


async def test_nothing_but_this_machine_is_asked() -> None:
    assert await found([Template("Elsewhere", "x", "openai", "http://elsewhere.invalid/v1")]) == []


def test_every_template_can_be_saved_as_it_is() -> None:
    assert len({template.slug for template in TEMPLATES}) == len(TEMPLATES)
    for template in TEMPLATES:
        assert re.fullmatch(r"[a-z0-9._-]{1,64}", template.slug)
        assert template.kind in KINDS
        parts = urlsplit(template.base_url)
        assert parts.hostname
        assert parts.scheme == ("http" if template.local else "https")
        assert (template.key_env is None) == template.local


@pytest.mark.parametrize("name", ["Ollama", "LM Studio", "llama.cpp"])
def test_the_servers_people_run_are_looked_for(name: str) -> None:
    assert name in [template.name for template in LOCAL]
