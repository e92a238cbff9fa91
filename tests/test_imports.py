"""What is loaded when: heavy libraries wait for their first use, so that the program starts at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.helpers import ended, python

TEXTUAL = {"textual", "rich"}
MODELS = {"pydantic_ai", "openai", "anthropic", "google", "genai_prices", "httpx2", "httpx", "xllamacpp"}
HEAVY = {*MODELS, "keyring", "psutil", "sqlite_utils", "pygments.lexers", "platformdirs", "tomlkit"}


def loaded(code: str, *arguments: str) -> set[str]:
    """The modules that a new process has when it has run this."""
    return set(ended(python("-c", f"import sys\n{code}\nprint(*sys.modules)", *arguments)).split())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("localchat.store", {*TEXTUAL, *HEAVY, "click", "asyncio"}),
        ("localchat.turns", {*TEXTUAL, *HEAVY, "click"}),
        ("localchat.providers", {*TEXTUAL, *HEAVY, "click", "sqlite3"}),
        ("localchat.testing", {*TEXTUAL, *HEAVY, "click", "pytest"}),
        ("localchat.cli", {*TEXTUAL, *HEAVY, "sqlite3", "asyncio"}),
        ("localchat.__main__", {*TEXTUAL, *HEAVY, "sqlite3", "asyncio"}),
        ("localchat.tui.app", {*HEAVY, "click", "pytest"} - {"platformdirs"}),  # Textual itself loads that one
    ],
)
def test_importing_a_room_loads_only_what_it_stands_on(module: str, forbidden: set[str]) -> None:
    found = loaded(f"import {module}")
    assert module in found
    assert found & forbidden == set()


def test_a_whole_turn_with_echo_loads_no_screen_and_no_library_of_a_vendor(tmp_path: Path) -> None:
    code = """
import asyncio
from pathlib import Path
from localchat.providers import connect
from localchat.store import Store
from localchat.turns import Ended, NewTurn, Regenerate, send

async def main():
    with Store(Path(sys.argv[1])) as store:
        store.catalog.add_provider("play", "echo")
        model = store.catalog.add_model("play", "echo")
        events = [event async for event in send(store, connect, NewTurn("hello", model_id=model.id))]
        assert isinstance(events[-1], Ended) and events[-1].message.content == "hello"

asyncio.run(main())
"""
    found = loaded(code, str(tmp_path / "store.db"))
    assert "localchat.providers.echo" in found
    assert found & {*TEXTUAL, *MODELS, "keyring"} == set()


def test_the_version_is_said_without_the_program_around_it_and_the_help_without_any_command() -> None:
    ran = "import sys, localchat.__main__ as m\nsys.argv[1:] = [{!r}]\ntry: m.main()\nexcept SystemExit: pass"
    assert not loaded(ran.format("--version")) & {"click", "asyncio", "localchat.cli"}
    commands = {f"localchat.cli.{name}" for name in ("ask", "chats", "models", "providers", "doctor", "shells")}
    assert not loaded(ran.format("--help")) & {*commands, "asyncio", "sqlite3", "localchat.records"}


def test_this_test_would_notice() -> None:
    assert {"sqlite_utils", "click"} <= loaded("import sqlite_utils")
    assert "pygments.lexers" in loaded("import pygments.lexers")
