"""A store that cannot be written is read all the same, and says why nothing is saved."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.errors import DiskFull, StoreReadonly, StoreUnreadable
from localchat.store import Store
from localchat.store.search.search import Query
from localchat.store.transfer import Exchange
from localchat.testing import known_store
from tests.store.helpers import fingerprints, python

OLD_STORE = Path(__file__).parent / "data" / "version3.sql"


def fill(folder: Path) -> None:
    """Until not a byte more goes there."""
    for name, size in (("filler", 65536), ("filler2", 1)):
        with contextlib.suppress(OSError), (folder / name).open("wb", buffering=0) as file:
            while file.write(b"x" * size):
                pass


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def without_power() -> Iterator[None]:
    """As a user whom permissions stop: no permission stops root. What a test imports it has imported before."""
    import sqlite_utils  # noqa: F401

    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that such a user reaches, which a folder of pytest is not; what lies in it becomes his by ``his``."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o700)


def his(folder: Path, *, files: int = 0o600, itself: int = 0o700) -> None:
    for place, mode in [*((file, files) for file in folder.iterdir()), (folder, itself)]:
        place.chmod(mode)
        if os.geteuid() == 0:
            os.chown(place, 65534, 65534)


def everything_can_be_read(path: Path) -> Store:
    store = Store(path)
    titles = [chat.title for chat in store.chats.listing()]
    assert "Locks in SQLite" in titles
    assert store.search.find(Query("locked"))
    assert len(list(Exchange(store).read(Exchange(store).ids()))) == len(titles)
    assert store.catalog.default() is not None
    return store


@pytest.mark.parametrize("place", ["file", "folder", "both"])
def test_a_read_only_file_or_folder_is_read_and_a_write_says_why(folder: Path, place: str) -> None:
    path = folder / "store.db"
    known_store(path).close()
    his(folder, files=0o600 if place == "folder" else 0o400, itself=0o700 if place == "file" else 0o500)
    before = fingerprints(folder)
    with without_power(), everything_can_be_read(path) as store:
        assert isinstance(store.readonly, StoreReadonly)
        with pytest.raises(StoreReadonly, match="read-only") as refused:
            store.state.put("a", "1")
        assert "--db" in refused.value.hint
    assert fingerprints(folder) == before


def killed_while_it_wrote(path: Path) -> None:
    """Its newest chat stands in the log alone."""
    writer = python(
        "-c",
        "import os, signal, sys; from pathlib import Path; from localchat.store import Store;"
        "store = Store(Path(sys.argv[1]));"
        "store.connection.execute(\"insert into chats (title) values ('In the log')\");"
        "os.kill(os.getpid(), signal.SIGKILL)",
        str(path),
    )
    assert writer.wait(timeout=30) == -signal.SIGKILL
    assert Path(f"{path}-wal").stat().st_size > 0


@pytest.mark.parametrize("index", [True, False])
def test_what_stands_in_a_log_alone_is_read_too(folder: Path, index: bool) -> None:
    path = folder / "store.db"
    known_store(path).close()
    killed_while_it_wrote(path)
    if not index:
        Path(f"{path}-shm").unlink()
    his(folder, files=0o400, itself=0o500)
    before = fingerprints(folder)
    with without_power(), everything_can_be_read(path) as store:
        assert "In the log" in [chat.title for chat in store.chats.listing()]
    assert fingerprints(folder) == before


def test_an_old_store_that_cannot_be_written_is_read_without_being_brought_to_this_version(folder: Path) -> None:
    path = folder / "store.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_STORE.read_text("utf-8"))
    his(folder, files=0o400)
    before = fingerprints(folder)
    with without_power(), Store(path) as store:
        assert isinstance(store.readonly, StoreReadonly)
        assert store.catalog.providers()
    assert fingerprints(folder) == before


@pytest.mark.parametrize("log", [False, True])
def test_on_a_full_disk_everything_can_be_read_and_a_write_says_that_it_is_full(disk: Path, log: bool) -> None:
    path = disk / "store.db"
    known_store(path).close()
    if log:
        killed_while_it_wrote(path)
        Path(f"{path}-shm").unlink()
    fill(disk)
    with everything_can_be_read(path) as store, pytest.raises(DiskFull, match="The disk is full"):
        store.state.put("a", "1")


def test_a_full_disk_on_which_nothing_is_begins_no_store(disk: Path) -> None:
    fill(disk)
    with pytest.raises(DiskFull):
        Store(disk / "store.db")


def test_a_store_of_somebody_else_is_read(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    path = folder / "store.db"
    known_store(path).close()
    path.chmod(0o644)
    with without_power():
        everything_can_be_read(path).close()


def test_what_may_not_even_be_read_is_refused(folder: Path) -> None:
    path = folder / "store.db"
    known_store(path).close()
    his(folder, files=0)
    with without_power(), pytest.raises(StoreUnreadable, match=r"store\.db"):
        Store(path)
