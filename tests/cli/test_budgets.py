"""`localchat ask` against hostile servers, as a process of its own: what it says, what it takes, how it is stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import command, start
from tests.fakes import FakeEndpoint

MOST = 200 * 1024**2  # bytes of memory at the highest
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as fake:
        yield fake


def added(path: Path, endpoint: FakeEndpoint, model: str, kind: str = "openai") -> None:
    with Store(path) as store:
        store.catalog.add_provider("acme", kind, endpoint.base_url(kind), "none", None)
        store.catalog.add_model("acme", model)


def highest(process: subprocess.Popen[bytes]) -> int:
    """Bytes of memory at the highest, until its end. Not by ``wait4``: that counts what this process had when it
    started the other one."""
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError, IndexError):
            told = Path(f"/proc/{process.pid}/status").read_text().partition("VmHWM:")[2].split()
            most = int(told[0]) * 1024  # of its own memory: the last reading is the highest
        time.sleep(0.01)
    return most


CASES = [
    ("endless-error", "provider_unavailable", "longer than 1 MB"),
    ("bomb-error", "provider_unavailable", "longer than 1 MB"),
    ("bomb-line", "provider_unavailable", "a line longer than 1 MB"),
    ("bomb-pings", "provider_unavailable", "more than 64 MB"),
    ("bomb-json", "provider_unavailable", "more than 16 MB"),
    ("endless-line", "provider_unavailable", "a line longer than 1 MB"),
    ("huge-delta", "provider_unavailable", "a line longer than 1 MB"),
    ("flood", "reply_cut", "longer than 16 MB"),
    ("pings", "provider_unavailable", "said nothing for 2 seconds"),
    ("hang", "provider_unavailable", "said nothing for 2 seconds"),
]


@pytest.mark.parametrize(("model", "code", "words"), CASES)
def test_a_hostile_server_costs_less_than_200_mb(
    path: Path, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, model: str, code: str, words: str
) -> None:
    monkeypatch.setenv("LOCALCHAT_LIMITS", "first_word=2" if model in ("pings", "hang") else "")
    added(path, endpoint, model)
    with (path.parent / "out").open("wb") as out, (path.parent / "err").open("wb") as err:
        process = subprocess.Popen(command("ask", "-m", f"acme/{model}", "--json", "hi"), stdout=out, stderr=err)
        usage = highest(process)
    assert process.returncode == 1
    error = json.loads((path.parent / "err").read_text().splitlines()[-1])["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert usage < MOST


def test_a_hundred_thousand_models_cost_less_than_200_mb_and_are_all_there(path: Path, endpoint: FakeEndpoint) -> None:
    endpoint.models = {"data": [{"id": f"model-{number}", "object": "model"} for number in range(100_000)]}
    added(path, endpoint, "plain")
    with (path.parent / "out").open("wb") as out:
        process = subprocess.Popen(command("models", "discover", "acme", "--json"), stdout=out)
        usage = highest(process)
    assert process.returncode == 0
    assert len(json.loads((path.parent / "out").read_text())) == 100_000
    assert usage < MOST


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        *(("openai", model) for model in ("flood", "bomb-pings", "pings", "hang", "slow")),  # the others end themselves
        ("anthropic", "flood"), ("anthropic", "hang"), ("google", "flood"), ("google", "pings"),
    ],
)  # fmt: skip
def test_ctrl_c_ends_it_within_a_second(path: Path, endpoint: FakeEndpoint, kind: str, model: str) -> None:
    added(path, endpoint, model, kind)
    process = start("ask", "-m", f"acme/{model}", "hi")
    until = time.monotonic() + 20
    while not endpoint.requests and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate()
    took = time.monotonic() - began
    assert process.returncode == 130
    assert took < 3, "a second, and what a busy machine adds"
