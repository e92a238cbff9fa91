"""A store for one turn that nobody wants to keep: the same providers and models, no chats."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from localchat.store.connection import immediate

if TYPE_CHECKING:
    from localchat.store import Store

_COPIED = ("providers", "model_configs")


@contextlib.contextmanager
def temporary(store: Store, *, busy_timeout: float) -> Iterator[Store]:
    """A store in a folder that only this person can read and that is gone afterwards. Nothing is written to ``store``.
    Raises like ``Store``."""
    from localchat.store import Store as Opened

    with (
        tempfile.TemporaryDirectory(prefix="localchat-", ignore_cleanup_errors=True) as folder,
        Opened(Path(folder, "temporary.db"), busy_timeout=busy_timeout) as other,
    ):
        with immediate(other.connection) as tx:
            for table in reversed(_COPIED):
                tx.execute(f"delete from {table}")
            for table in _COPIED:
                columns = [
                    row["name"]
                    for row in tx.execute(f"pragma table_xinfo({table})").fetchall()
                    if not row["hidden"]  # generated ones are made again
                ]
                names, marks = ", ".join(columns), ", ".join("?" * len(columns))
                rows = store.connection.execute(f"select {names} from {table}").fetchall()
                tx.executemany(f"insert into {table} ({names}) values ({marks})", [tuple(row) for row in rows])
        yield other
