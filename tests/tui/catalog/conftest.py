"""A small shell around the screens of the catalog, a store with known content, a keyring in memory."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from keyring import get_keyring, set_keyring
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.errors import PasswordDeleteError
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from localchat.errors import LocalChatError
from localchat.providers import Client
from localchat.records import Piece, Provider, RemoteModel, Request
from localchat.store import Store
from localchat.tui.shell import Connect, Shell
from localchat.tui.themes import DARK, LIGHT

FRAME = 1 / 50  # seconds; Textual draws 60 times in one
NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)


class Endpoint:
    """A client that only lists models, as it is told to; ``asked`` keeps who was asked."""

    def __init__(self) -> None:
        self.offers: dict[str, list[RemoteModel] | LocalChatError] = {}
        self.asked: list[Provider] = []
        self.hold: asyncio.Event | None = None
        self.on_ask: Callable[[Provider], object] | None = None

    def __call__(self, provider: Provider) -> Client:
        return _Listing(self, provider)


class _Listing:
    def __init__(self, endpoint: Endpoint, provider: Provider) -> None:
        self._endpoint = endpoint
        self._provider = provider

    def stream(self, request: Request) -> AsyncIterator[Piece]:
        raise AssertionError("no turn is sent here")

    async def models(self) -> list[RemoteModel]:
        self._endpoint.asked.append(self._provider)
        if self._endpoint.on_ask is not None:
            self._endpoint.on_ask(self._provider)
        if self._endpoint.hold is not None:
            await self._endpoint.hold.wait()
        answer = self._endpoint.offers.get(self._provider.name, [])
        if isinstance(answer, LocalChatError):
            raise answer
        return answer

    async def aclose(self) -> None:
        return None


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


class Keyring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    backend, before = Keyring(), get_keyring()
    set_keyring(backend)
    yield backend
    set_keyring(before)


@pytest.fixture
def no_keyring() -> Iterator[None]:
    before = get_keyring()
    set_keyring(FailKeyring())
    yield
    set_keyring(before)


class Bench(Shell):
    """The shell with nothing on it: a screen is pushed by the test, and what it was closed with is kept."""

    TITLE = "localchat"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, store: Store, screen: Screen[Any] | None = None, connect: Connect | None = None) -> None:
        super().__init__(store, connect or Endpoint())
        self.answers: list[object] = []
        self._told: list[str] = []
        self.first = screen
        self.still = True  # nothing is looked for on the machine that runs the tests
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def compose(self) -> Iterator[Static]:
        yield Static("Below the screens")

    def toasts(self) -> list[str]:
        """What was told, oldest first; also what has gone from the screen since."""
        return self._told

    def notify(self, message: str, **how: Any) -> None:
        self._told.append(message)
        super().notify(message, **how)

    def on_mount(self) -> None:
        self.catalog_changed()
        if self.first is not None:
            self.push_screen(self.first, self.answers.append)


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: NOW


@pytest.fixture
def store(tmp_path: Path, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with Store(tmp_path / "store.db", busy_timeout=0, clock=clock) as opened:
        yield opened


@pytest.fixture
def second(store: Store, clock: Callable[[], datetime]) -> Iterator[Store]:
    """The same file, opened by another window."""
    with Store(store.path, busy_timeout=0, clock=clock) as opened:
        yield opened


@pytest.fixture
def stocked(store: Store) -> Store:
    """Four providers, live models, tombstones and chats."""
    catalog = store.catalog
    catalog.add_provider("ollama", "openai", "http://localhost:11434/v1")
    catalog.add_provider("openai", "openai", "https://api.openai.com/v1", "env", "OPENAI_API_KEY")
    catalog.add_provider("groq", "openai", "https://api.groq.com/openai/v1", "env", "GROQ_API_KEY")
    catalog.add_models("ollama", [("qwen3:8b", 32768), ("llama3.2:3b", 131072), ("mistral:7b", 32768)])
    catalog.add_models("openai", [("gpt-4o", 128000), ("gpt-4o-mini", 128000), ("o4-mini", 200000)])
    catalog.add_model("groq", "llama-3.3-70b", context=131072)
    catalog.make_default(catalog.live("openai/gpt-4o").id)
    for title, ref in (
        ("Locks in SQLite", "openai/gpt-4o"),
        ("Regex for dates", "openai/gpt-4o"),
        ("Trip to Lisbon", "openai/o4-mini"),
        ("Haiku about rain", "ollama/qwen3:8b"),
        ("Bread without yeast", "openai/gpt-4o"),
        ("Old plans", "ollama/mistral:7b"),
    ):
        add_chat(store, title, catalog.live(ref).id)
    catalog.remove_model(catalog.live("ollama/mistral:7b").id)
    catalog.switch_provider(catalog.provider("groq").id, False)
    return store


def add_chat(store: Store, title: str, model_id: int) -> int:
    """A chat as another program would write it."""
    done = store.connection.execute("insert into chats (title, model_config_id) values (?, ?)", (title, model_id))
    return int(done.lastrowid or 0)


def screen_text(pilot: Pilot[None]) -> str:
    """What a person reads on the screen, line by line."""
    return "\n".join(strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips())


def words(pilot: Pilot[None]) -> str:
    """The same as one run of words: frames and line ends apart."""
    return " ".join(re.sub(r"[─│╭╮╰╯▌]", " ", screen_text(pilot)).split())


def footer(app: Bench) -> str:
    """What the footer offers, in its order."""
    shown: dict[str, str] = {}
    for key, active in app.screen.active_bindings.items():
        if active.binding.show and active.enabled:
            shown.setdefault(active.binding.description, app.get_key_display(active.binding) or key)
    return ", ".join(f"{key} {description}" for description, key in shown.items() if description != "palette")


async def settled(pilot: Pilot[None], until: Callable[[], bool] | None = None, seconds: float = 30.0) -> None:
    """All messages handled; with ``until``, as soon as that holds. Fails where it never does."""
    await pilot.pause()
    if until is None:
        await asyncio.sleep(FRAME)
        await pilot.pause()
        return
    waited = 0.0
    while not until():
        assert waited < seconds, f"never came:\n{screen_text(pilot)}"
        await pilot.pause(0.01)
        waited += 0.01
