"""The room as a whole: which client for which kind, and what an import of it costs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from localchat.errors import InvalidInput, NotInstalled
from localchat.providers import connect, extras, warm
from localchat.providers.echo import EchoClient
from localchat.providers.embedded.client import EmbeddedClient
from localchat.records import KINDS, Model
from tests.providers.conftest import Make

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pydantic_ai", "openai", "anthropic", "google.genai", "httpx2", "keyring", "psutil", "xllamacpp", "platformdirs",
)  # fmt: skip


def test_every_kind_has_a_client(provider: Make) -> None:
    assert type(connect(provider("echo"))) is EchoClient
    assert type(connect(provider("embedded"))) is EmbeddedClient
    for kind in KINDS:
        assert connect(provider(kind, "/chat.json" if kind == "replay" else None))


def test_a_kind_of_a_newer_version_is_told(provider: Make) -> None:
    with pytest.raises(InvalidInput) as caught:
        connect(provider("telepathy"))
    assert "acme is of kind telepathy" in caught.value.message
    assert "Update localchat" in caught.value.hint


def modules_after(statements: str) -> set[str]:
    script = f"{statements}\nimport sys\nprint(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    names = {file.stem for file in (ROOT / "localchat" / "providers").glob("*.py")}
    early = sorted(names - {"__init__", "http"})  # http is what is loaded on first use
    assert modules_after("\n".join(f"import localchat.providers.{name}" for name in early)) == set()


def test_the_engine_imports_nothing_of_localchat() -> None:
    source = (ROOT / "localchat" / "providers" / "embedded" / "engine.py").read_text()
    assert "import localchat" not in source
    assert "from localchat" not in source


def warmed(kind: str) -> set[str]:
    return modules_after(
        "import asyncio\nfrom localchat.providers import warm\nfrom localchat.records import Provider\n"
        f"provider = Provider(1, 'a', {kind!r}, 'http://127.0.0.1:9/v1', 'none', None, True, '', '')\n"
        "asyncio.run(warm(provider, None))"
    )


def test_a_turn_in_openais_format_needs_no_sdk() -> None:
    assert warmed("openai") == {"httpx2"}


def test_a_turn_with_one_vendor_does_not_import_another() -> None:
    loaded = warmed("anthropic")
    assert {"httpx2", "pydantic_ai", "anthropic"} <= loaded
    assert not loaded & {"openai", "google.genai", "xllamacpp", "keyring"}


async def test_warming_a_provider_without_anything_to_warm_is_fine(provider: Make) -> None:
    model = Model(1, "acme", "echo", None, None, {}, True, True, True, "", "", None, True)
    for kind in ("echo", "telepathy"):
        await warm(provider(kind), model)


@pytest.mark.parametrize(
    ("kind", "module", "line"),
    [
        ("anthropic", "anthropic", "-m pip install 'pydantic-ai-slim[anthropic]>=2.68,<3'`."),
        ("google", "google.genai", "-m pip install 'pydantic-ai-slim[google]>=2.68,<3'`."),
        ("google", "pydantic_ai", "-m pip install 'pydantic-ai-slim[google]>=2.68,<3'`."),
        ("embedded", "xllamacpp", "-m pip install 'xllamacpp>=2026.10'`, where"),
    ],
)
def test_a_missing_package_is_told_with_the_line_that_adds_it(
    kind: str, module: str, line: str, provider: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else there(name))
    with pytest.raises(NotInstalled) as caught:
        connect(provider(kind))
    assert caught.value.code == "not_installed"
    assert f"Providers of kind {kind} need a package" in caught.value.message
    assert line in caught.value.hint
    assert connect(provider("openai"))


def test_the_lines_that_add_packages_are_those_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for _, package in extras._NEEDED.values():
        assert f'"{package}' in project, package
