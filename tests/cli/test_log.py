"""The log: off unless asked for, and never a word of a chat."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat import log
from localchat.store import Store
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def _off() -> object:
    yield
    log.stop()


def test_a_log_says_what_happened_and_not_what_was_said(run: Run, echo: Store, tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    assert run("ask", "--log", str(file), "secretwords here").code == 0
    assert run("ask", "/echo fail rate_limited secretwords").code == 1
    text = file.read_text()
    assert "asks play/echo" in text
    assert "complete, no error, 16 characters" in text
    assert "failed: rate_limited" in text
    assert "secretwords" not in text
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_being_asked_for_nothing_is_written(run: Run, echo: Store, tmp_path: Path) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    assert run("ask", "hello").code == 0
    assert {path.name for path in tmp_path.iterdir()} == before
    assert not log.running()


def test_a_log_that_cannot_be_written_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    answer = run("chats", "list", "--log", str(tmp_path))
    assert answer.code == 2
    assert "cannot be written" in answer.err
