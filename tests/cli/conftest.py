"""Running the program: inside this process where that is enough, as a real one where signals and pipes matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from localchat.cli import localchat
from localchat.store import Store

Run = Callable[..., "Answer"]


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error that stands in the last line of standard error."""
        return dict(json.loads(self.err.splitlines()[-1])["error"])


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store's file, not there yet; nothing of the user's is in reach."""
    for name in ("LOCALCHAT_DEBUG", "_LOCALCHAT_COMPLETE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALCHAT_DB", str(tmp_path / "chat.db"))
    monkeypatch.setenv("LOCALCHAT_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "chat.db"


@pytest.fixture
def run(path: Path) -> Run:
    """The program on its store, in this process; standard input is no terminal."""

    def run(*words: str, stdin: str | bytes = "") -> Answer:
        result = CliRunner().invoke(localchat, list(words), input=stdin)
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def real(path: Path) -> Run:
    """The program as a process of its own."""

    def real(*words: str, stdin: str | bytes = "", **more: Any) -> Answer:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(command(*words), input=given, capture_output=True, timeout=30, **more)
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return real


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "localchat", *words]


def start(*words: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process of its own that is still running."""
    return subprocess.Popen(
        command(*words),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """The same file, beside the program."""
    with Store(path) as opened:
        yield opened


@pytest.fixture
def echo(store: Store) -> Store:
    """A store whose default is `play/echo`."""
    store.catalog.add_provider("play", "echo")
    store.catalog.make_default(store.catalog.add_model("play", "echo").id)
    return store
