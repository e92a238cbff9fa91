"""What several rooms' tests share."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import localchat.store
from localchat.errors import LocalChatError
from localchat.providers.embedded import weights as fetching
from localchat.store import Store
from localchat.testing import still_environment
from tests.gates import nothing_stopped

pytest_plugins = ["localchat.pytest_plugin"]  # as an installed localchat has it; also for a path that is not installed

still_environment()  # screens are the same on every machine
# No test reads or writes what is the person's own; those that need a store or weights say where.
_NOBODY = Path(tempfile.gettempdir()) / "localchat-tests-have-nothing-here"
os.environ["LOCALCHAT_MODELS"] = str(_NOBODY / "models")
os.environ["LOCALCHAT_DB"] = str(_NOBODY / "localchat.db")
os.environ["LOCALCHAT_BACKUPS"] = "0"  # those that localchat makes by itself; tests of them set it
# Programs that tests start would compile all of localchat anew each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
if threading.current_thread() is threading.main_thread():
    # A job in the background is started with ctrl+c switched off, and hands that down to what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_migrate = localchat.store.migrate


@cache
def _template() -> sqlite3.Connection:
    template = sqlite3.connect(":memory:", check_same_thread=False)
    _migrate(template, Path("template"))
    return template


def _copied(connection: sqlite3.Connection, path: Path) -> LocalChatError | None:
    """A new store is copied from one that was migrated once; any other is migrated as it is outside of tests."""
    empty = connection.execute("select not exists (select 1 from sqlite_master)").fetchone()[0]
    if empty and connection.execute("pragma user_version").fetchone()[0] == 0:
        _template().backup(connection)
    return _migrate(connection, path)


localchat.store.migrate = _copied  # programs that tests start do it themselves


@pytest.fixture
def store(localchat_store: Store) -> Store:
    """The known store of the plugin: where a room's tests say nothing else, they run on what flows of others run on."""
    return localchat_store


@pytest.fixture
def known(localchat_store: Store) -> Store:
    """The same, for rooms whose ``store`` is an empty one."""
    return localchat_store


@pytest.fixture(autouse=True)
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever a test does: nothing of another's may have come as far as the last gates before the terminal."""
    with nothing_stopped(tmp_path_factory.getbasetemp() / "stopped.txt"):
        yield


async def _pull() -> None:
    async for _ in fetching.pull():
        pass


@pytest.fixture(scope="session")
def weights() -> Path:
    """The built-in model's file, fetched once by the product's own ``pull`` and kept between runs, in
    ``$LOCALCHAT_TEST_CACHE`` or in ``.cache/models`` of the repository. To use it, set ``LOCALCHAT_MODELS`` to its
    folder."""
    kept = os.environ.get("LOCALCHAT_TEST_CACHE") or Path(__file__).resolve().parent.parent / ".cache" / "models"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALCHAT_MODELS", str(kept))
        asyncio.run(_pull())
        return fetching.path()
