"""The known store for every test, as the app opens it: it does not wait for locks by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import StillClock


@pytest.fixture
def path(localchat_store: Store) -> Path:
    return localchat_store.path


@pytest.fixture
def clock(localchat_clock: StillClock) -> StillClock:
    return localchat_clock
