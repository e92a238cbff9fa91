"""What a bug leaves behind: where it was, and no word of anybody."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from localchat.tui import crash_reports

WORDS = "a secret of mine"
AT = datetime(2026, 11, 24, 15, 59, 1)


def bug() -> Exception:
    try:
        try:
            "x".encode(WORDS.replace(" ", "_"))
        except LookupError as error:
            raise ValueError(f"Could not decode with text {WORDS!r}") from error
    except ValueError as error:
        return error


def test_a_report_says_where_it_was_and_repeats_nothing(tmp_path: Path) -> None:
    report = crash_reports.write(bug(), tmp_path / "chat.db", AT)
    assert report == tmp_path / "chat-bug-20261124-155901.txt"
    text = report.read_text()
    assert "builtins.ValueError" in text
    assert "builtins.LookupError" in text
    assert "test_crash_reports.py" in text
    assert WORDS not in text
    assert str(tmp_path) not in text
    assert WORDS.replace(" ", "_") not in text
    if os.name == "posix":
        assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_a_report_overwrites_nothing_and_follows_no_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "chat-bug-20261124-155901.txt").symlink_to(victim)
    first = crash_reports.write(bug(), tmp_path / "chat.db", AT)
    second = crash_reports.write(bug(), tmp_path / "chat.db", AT)
    assert first == tmp_path / "chat-bug-20261124-155901-2.txt"
    assert second == tmp_path / "chat-bug-20261124-155901-3.txt"
    assert victim.read_text() == "mine"


def test_where_nothing_can_be_written_there_is_no_report(tmp_path: Path) -> None:
    assert crash_reports.write(bug(), tmp_path / "missing" / "chat.db", AT) is None


def test_a_circle_of_causes_ends(tmp_path: Path) -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert crash_reports.write(one, tmp_path / "chat.db", AT) is not None


def test_the_app_names_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localchat.tui import app

    told = app._reported(bug(), tmp_path / "chat.db", None)
    (report,) = tmp_path.iterdir()
    assert str(report) in told.hint
