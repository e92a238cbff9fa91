"""What the gates before the terminal write down, and that a test fails for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localchat.text import REPORT


@contextmanager
def nothing_stopped(report: Path) -> Iterator[None]:
    """Fail where a gate had to stop anything within: in an app of this process, or in a program that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(REPORT, str(report))
        yield
    if report.exists():
        stopped = report.read_text(encoding="utf-8")
        report.unlink()
        pytest.fail(f"a gate before the terminal had to stop what came round text.clean:\n{stopped}", pytrace=False)
