"""One run's session: which store, and whether a script reads the answer.

Nothing heavy is imported here: starting the app passes through this file.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from localchat.errors import LocalChatError
    from localchat.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Session(contextlib.ExitStack):
    """One run of the program: which store, and whether a script reads the answer (``json``)."""

    def __init__(self) -> None:
        super().__init__()
        self.db: str | None = None
        self.json = False
        self.on_a_loop = False  # then nothing may wait inside SQLite: ctrl+c would not be heard
        self.heals = True  # what another program broke of the catalog; `doctor` only looks
        self._store: Store | None = None

    @property
    def path(self) -> Path:
        from localchat.paths import store_path

        return store_path(self.db)

    @property
    def store(self) -> Store:
        """The store, opened on first use and closed at the end of the run. Raises like ``Store``."""
        if self._store is None:
            from localchat.store import Store
            from localchat.store.connection import PATIENCE

            patience = 0.0 if self.on_a_loop else PATIENCE
            self._store = self.enter_context(Store(self.path, busy_timeout=patience))
            if self._store.not_backed_up is not None:
                _tell_no_backup(self._store.not_backed_up)
            if self._store.connection.strange_log is not None:
                _tell_strange_log(self._store.connection.strange_log)
            if self.heals:
                _heal(self._store)
        return self._store


def _tell_strange_log(path: Path) -> None:
    from localchat.cli.output import notice
    from localchat.wording import strange_log_words

    notice(strange_log_words(path))


def _heal(store: Store) -> None:
    """Another program may have taken the default away; then another model has it, and that is told."""
    change = store.heal()
    if change is not None:
        from localchat.cli.output import default_line, notice, ref_of
        from localchat.wording import ANOTHER_PROGRAM

        notice(f"{ANOTHER_PROGRAM} {default_line(ref_of(change.before), ref_of(change.after))}")


def back_up_daily(session: Session) -> None:
    """At the end of the run: the backup of this day, where there is none yet. It stops nothing."""
    from localchat.store.backups import daily

    def back_up() -> None:
        error = daily(session.path)
        if error is not None:
            _tell_no_backup(error)

    session.callback(back_up)


def _tell_no_backup(error: LocalChatError) -> None:
    from localchat.cli.output import advice, notice
    from localchat.wording import NO_BACKUP

    notice(f"{NO_BACKUP} {error.message} {advice(error)}".strip())


def pass_session(function: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Hand the run's session to a command as its first argument."""
    return click.make_pass_decorator(Session)(function)


def interactive(*, output: bool = False) -> bool:
    """Whether a person can be asked: standard input and error are a terminal (and with ``output`` standard output)."""
    streams = [sys.stdin, sys.stderr, *([sys.stdout] if output else [])]
    return all(stream is not None and not stream.closed and stream.isatty() for stream in streams)
