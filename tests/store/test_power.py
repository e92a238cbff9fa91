"""What a power cut leaves: the order of writes, syncs and the network, as the system saw it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import command
from tests.fakes import FakeEndpoint
from tests.tools import needs

needs("strace")

CALLS = "pwrite64,write,fsync,fdatasync,connect"
WORDS = "Are these words on the disk"


def traced(store: Path, folder: Path, port: int) -> list[str]:
    """What `localchat ask` did, in order: written and synced files by their endings, and the request."""
    log = folder / "trace"
    environment = {**os.environ, "ACME_KEY": "sk-acme-0123456789", "LOCALCHAT_DB": str(store)}
    done = subprocess.run(
        ["strace", "-f", "-y", "-s", "20000", "-e", f"trace={CALLS}", "-o", str(log), *command("ask", WORDS)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "ptrace" in done.stderr:
        pytest.skip("no process may be traced here")
    assert done.returncode == 0, done.stderr
    steps = []
    for line in log.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        name = call[1] if call else ""
        if name == "connect" and f"htons({port})" in line:
            steps.append("request")
        elif f"<{store}-wal>" in line and name == "pwrite64":
            steps.append("words" if WORDS in line else "write")
        elif f"<{store}-wal>" in line and name in ("fsync", "fdatasync"):
            steps.append("sync")
    return steps


@pytest.fixture
def steps(tmp_path: Path) -> list[str]:
    path = tmp_path / "chat.db"
    with FakeEndpoint() as endpoint, Store(path) as opened:  # open: so that no checkpoint at the end syncs for them
        opened.catalog.add_provider("acme", "openai", endpoint.base_url("openai"), "env", "ACME_KEY")
        opened.catalog.make_default(opened.catalog.add_model("acme", "hello").id)
        port = int(re.findall(r":(\d+)", endpoint.base_url("openai"))[0])
        return traced(path, tmp_path, port)


def test_the_words_are_on_the_disk_before_the_request_and_the_end_of_the_reply_before_the_program_ends(
    steps: list[str],
) -> None:
    asked, stored = steps.index("request"), steps.index("words")
    assert "sync" in steps[stored:asked], "the words were not synced before the request"
    assert "sync" not in steps[:stored], "it waited for the disk where nothing was said yet"
    last = max(at for at, step in enumerate(steps) if step in ("write", "words"))
    assert last > asked
    assert steps[last:] == [steps[last], "sync"], "the end of the reply was not synced"


def test_nothing_else_of_a_turn_waits_for_the_disk(steps: list[str]) -> None:
    assert steps.count("sync") == 2
