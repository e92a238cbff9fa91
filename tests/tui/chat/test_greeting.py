"""The first minute: who answers and what it is good for, and the one step that gets more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from textual.pilot import Pilot

from localchat.providers import detect
from localchat.providers.embedded import weights
from localchat.providers.presets import TEMPLATES
from localchat.records import Kind
from localchat.store import Store
from localchat.testing import Script, opened, screen_text
from localchat.tui.app import LocalChat
from localchat.tui.chat.greeting import USUAL, Offer, next_step, services_with_a_key
from tests.fakes import FakeEndpoint

OLLAMA = Offer("Ollama", "localhost:11434", 3)
OPENAI, GROQ = (next(each for each in TEMPLATES if each.name == name) for name in ("OpenAI", "Groq"))


def test_a_server_found_comes_before_a_key_and_a_key_before_the_rest() -> None:
    found = "add Ollama at localhost:11434 (3 models), found on this machine"
    assert next_step((OLLAMA,), (OPENAI,)) == ("f3", found)
    assert next_step((), (OPENAI, GROQ)) == ("f3", "add OpenAI: its key is in $OPENAI_API_KEY")
    assert next_step((), ()) == ("f2", USUAL)


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "x"}])
def test_a_service_is_offered_where_its_key_is_set_and_it_is_not_there_yet(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with Store(tmp_path / "store.db") as store:
        expected = (OPENAI,) if environ.get("OPENAI_API_KEY") else ()
        assert services_with_a_key(store.catalog.providers(), environ) == expected
        store.catalog.add_provider("work", "openai", "https://api.openai.com/v1", "env", "OPENAI_API_KEY")
        assert services_with_a_key(store.catalog.providers(), environ) == ()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "new.db", busy_timeout=0) as store:
        yield store


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    """Listens where Ollama is expected; nothing else on this machine is asked."""
    with FakeEndpoint(models={"data": [{"id": "qwen3:8b"}, {"id": "llama3.2:3b"}]}) as fake:
        here = replace(TEMPLATES[0], base_url=fake.base_url("openai"))
        monkeypatch.setattr(detect.found, "__defaults__", ((here,), detect.PATIENCE))
        yield fake


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server on this machine, no key in the environment."""
    monkeypatch.setattr(detect.found, "__defaults__", ((), detect.PATIENCE))


async def shows(pilot: Pilot[None], *words: str) -> None:
    """Wait until all of these are on the screen."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while not all(each in screen_text(pilot.app) for each in words):  # type: ignore[arg-type]
                await pilot.pause(0.02)
    shown = screen_text(pilot.app)  # type: ignore[arg-type]
    assert all(each in shown for each in words), shown


async def test_a_new_store_says_who_answers_what_for_and_the_next_step(new: Store, alone: None) -> None:
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, f"f2   {USUAL}")
        shown = screen_text(pilot.app)  # type: ignore[arg-type]
        assert "Say something. SmolLM2 135M will answer, inside this program, offline." in shown
        assert "Good for a try; often wrong. The first message fetches 98 MB, once." in shown
        assert "f3" not in shown


async def test_a_server_found_is_the_next_step_and_f3_takes_it(new: Store, server: FakeEndpoint) -> None:
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, f"f3   add Ollama at {urlsplit(server.url).netloc} (2 models), found on this machine")
        await pilot.press("f3")
        await shows(pilot, "Make one of them your default?")
        await pilot.press("enter")
        await shows(pilot, "llama3.2:3b · ollama will answer, on this machine.")
        assert "f3" not in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_a_key_in_the_environment_is_the_next_step_and_f3_takes_it(
    new: Store, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x")
    script = Script(offers=["llama-3.3-70b"])
    async with opened(LocalChat(new, script.connect), (140, 30)) as pilot:
        await shows(pilot, "f3   add Groq: its key is in $GROQ_API_KEY")
        await pilot.press("f3")
        await shows(pilot, "Add a provider", "https://api.groq.com/openai/v1", "GROQ_API_KEY")
        await pilot.press("enter")
        await shows(pilot, "Models of groq", "llama-3.3-70b")
        await pilot.press("enter")
        await shows(pilot, "your default?")
        await pilot.press("y")
        await shows(pilot, "llama-3.3-70b · groq will answer, at api.groq.com.")


async def test_where_f3_fills_the_form_in_nothing_is_lost_by_leaving_it(
    new: Store, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x")
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, "f3   add Groq")
        await pilot.press("f3")
        await shows(pilot, "Add a provider")
        await pilot.press("escape")
        await shows(pilot, "f3   add Groq")
        assert [provider.name for provider in new.catalog.providers()] == ["local"]


@pytest.mark.parametrize(
    ("kind", "url", "said", "more"),
    [
        ("echo", None, "m · p will answer, inside this program.", "Good for tests: it repeats what it gets."),
        ("openai", "http://127.0.0.1:1/v1", "m · p will answer, on this machine.", ""),
        ("openai", "https://api.example/v1", "m · p will answer, at api.example.", ""),
    ],
)
async def test_it_says_of_every_kind_where_it_answers(
    new: Store, alone: None, kind: Kind, url: str | None, said: str, more: str
) -> None:
    new.catalog.add_provider("p", kind, url)
    new.catalog.make_default(new.catalog.add_model("p", "m").id)
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, said, more)
        assert (USUAL in screen_text(pilot.app)) is (kind == "echo")  # type: ignore[arg-type]


async def test_where_llama_cpp_is_not_installed_nobody_promises_an_answer_of_it(
    new: Store, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.providers.extras._there", lambda module: module != "xllamacpp")
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, "smollm2 cannot answer yet.", "It runs on llama.cpp, which is not installed here.", USUAL)
        assert "will answer" not in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_without_a_default_the_next_step_is_told_all_the_same(new: Store, alone: None) -> None:
    new.catalog.remove_provider("local")
    async with opened(LocalChat(new), (140, 30)) as pilot:
        await shows(pilot, "There is no default model, so nobody can answer yet.", f"f2   {USUAL}")


def test_the_fetch_tells_one_number_from_beginning_to_end() -> None:
    told = [weights._progress("x", done).total for done in (0, 1, weights.FETCHED_BYTES)]
    assert {f"{total / 1e6:.0f} MB" for total in told if total} == {weights.SIZE_WORDS}
    assert weights._progress("x", 0).done == 0
    assert weights._progress("x", weights.FETCHED_BYTES).done == weights.SIZE
