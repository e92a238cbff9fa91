"""A known store for every test, as the app opens it: it does not wait for locks by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import StillClock, known_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def store(path: Path, clock: StillClock) -> Iterator[Store]:
    with known_store(path, clock=clock) as store:
        yield store
