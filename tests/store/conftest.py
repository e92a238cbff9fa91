"""A store of its own for every test, on a clock that ticks by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from tests.store.helpers import Ticking


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, clock=Ticking()) as store:
        yield store


@pytest.fixture
def catalog(store: Store) -> Catalog:
    return store.catalog
