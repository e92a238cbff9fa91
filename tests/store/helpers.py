"""What several tests of the store use."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localchat.records import Model
from localchat.store.catalog.catalog import Catalog

ROOT = Path(__file__).parents[2]


class Ticking:
    """A clock on which every look is a second later than the one before."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def echo(catalog: Catalog, name: str, *models: str) -> list[Model]:
    """A provider that answers offline, with these models."""
    catalog.add_provider(name, "echo")
    return [catalog.add_model(name, model) for model in models]


def empty(catalog: Catalog) -> None:
    """Remove all that a new store holds."""
    for provider in catalog.providers():
        catalog.remove_provider(provider.name)


def default_ref(catalog: Catalog) -> str | None:
    model = catalog.default()
    return model.ref if model else None


def dump(connection: sqlite3.Connection, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of these tables (of all that the catalog writes but its log), as SQLite holds them."""
    wanted = tables or ("providers", "model_configs")
    return {name: [tuple(row) for row in connection.execute(f"select * from {name} order by id")] for name in wanted}


def chats_with(connection: sqlite3.Connection, model_id: int, number: int, title: str = "chat") -> None:
    connection.execute("begin")
    connection.executemany(
        "insert into chats (title, model_config_id, updated_at) values (?, ?, ?)",
        [(f"{title} {n}", model_id, f"2026-02-01T00:00:{n % 60:02d}.{n // 60:03d}Z") for n in range(number)],
    )
    connection.execute("commit")


def fingerprints(folder: Path) -> dict[str, str]:
    """Every file of a folder by name, with a digest of its bytes."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.is_file()}


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A process of its own that can import localchat and these tests."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def ended(process: subprocess.Popen[str], timeout: float = 60) -> str:
    """What it printed, once it is through; its errors fail the test."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as any other SQLite client sees it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        yield connection
