"""Reading chats of other programs and of our own exports, chat by chat, without touching their source."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from localchat.errors import InvalidInput, Remedy, Way
from localchat.text import count, one_line
from localchat.transfer.importers.reading import DAMAGED, EMPTY
from localchat.transfer.portable import Found, Unreadable

KINDS = ("localchat", "chatgpt", "llm", "elia", "oterm")
_MODULES = {kind: f"localchat.transfer.importers.{kind}" for kind in KINDS} | {
    "localchat": "localchat.transfer.importers.localchat_json"
}
_IN_FOLDERS = ("logs.db", "elia.sqlite", "store.db")  # of llm, elia and oterm
_KNOWN = "localchat's own JSON, ChatGPT's export (zip or JSON), llm's logs.db, elia's elia.sqlite, oterm's store.db"


class Importer(Protocol):
    """One kind of file. ``chats`` yields what could be read and what not, chat by chat; it raises LocalChatError where
    nothing can be read, and sqlite3.Error or OSError where the file fails."""

    KIND: str
    LABEL: str

    def sniff(self, path: Path, /) -> bool: ...
    def chats(self, path: Path, /) -> Iterator[Found]: ...


@dataclass
class Imported:
    """What an import did, or with ``dry_run`` would do. ``models_added``: refs that arrived as tombstones.

    ``kind`` is the source for scripts, ``label`` for people. ``empty``: chats there without messages. ``problems``: how
    many SQLite finds in the source, where it is a damaged file of SQLite's.
    """

    kind: str
    label: str
    dry_run: bool
    chats_imported: int = 0
    chats_skipped: int = 0
    chats_failed: list[Unreadable] = field(default_factory=list)
    messages: int = 0
    models_added: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    empty: int = 0
    problems: int = 0

    def failed(self, given: str) -> InvalidInput | None:
        """Why it counts as failed, whatever came in: the source is damaged, or nothing of what it holds came."""
        if self.problems:
            return damaged(given, self.problems)
        if self.chats_imported or self.chats_skipped or not (self.chats_failed or self.empty):
            return None
        reason = one_line(self.chats_failed[0].reason, 300) if self.chats_failed else EMPTY.times(self.empty)
        return InvalidInput(f"Nothing of {one_line(given, 300)} could be imported.", reason)

    def document(self) -> dict[str, Any]:
        return {
            "from": self.kind,
            "dry_run": self.dry_run,
            "chats_imported": self.chats_imported,
            "chats_skipped": self.chats_skipped,
            "chats_failed": [
                {"title": one_line(each.title, 200), "reason": one_line(each.reason, 500)} for each in self.chats_failed
            ],
            "messages": self.messages,
            "models_added": self.models_added,
            "notes": self.notes,
            "damaged": bool(self.problems),
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        what = f"{count(self.chats_imported, 'chat')} with {count(self.messages, 'message')} from {self.label}"
        yield f"Would import {what}." if self.dry_run else f"Imported {what}."
        if self.chats_skipped:
            yield f"{count(self.chats_skipped, 'chat was', 'chats were')} here already."
        if self.models_added:
            yield "Models that are not here; chats show their names, and new turns use the default: " + ", ".join(
                self.models_added
            )
        yield from self.notes
        if self.chats_failed:
            yield f"{'Cannot be' if self.dry_run else 'Not'} imported:"
            yield from (f"  {one_line(bad.title, 80)}: {one_line(bad.reason, 300)}" for bad in self.chats_failed)


def guarded(importer: Importer, path: Path) -> Iterator[Found]:
    """What the file itself does wrong becomes an error of ours before the first chat, and one more entry after it."""
    import sqlite3

    begun = False
    try:
        for chat in importer.chats(path):
            begun = True
            yield chat
    except (OSError, sqlite3.Error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if not begun and getattr(error, "sqlite_errorname", "").startswith(DAMAGED):
            raise damaged(str(path), 1) from error
        if not begun:
            raise InvalidInput(
                f"{one_line(str(path), 300)} cannot be read ({one_line(reason, 200)}).", "Check the file."
            ) from error
        yield Unreadable("the rest of the file", reason)


def damaged(given: str, problems: int) -> InvalidInput:
    shown = one_line(given, 300)
    return InvalidInput(
        f"{shown} is damaged: SQLite finds {count(problems, 'problem')} in it.",
        f"`sqlite3 {shlex.quote(shown)} .recover | sqlite3 recovered.db` saves what can be saved; then import"
        " recovered.db.",
    )


def found(given: str, kind: str | None) -> tuple[Path, Importer]:
    """The file to read and who reads it. Raises InvalidInput."""
    shown = one_line(given, 300)
    if not given:
        raise InvalidInput("No file is named.", f"What can be imported: {_KNOWN}.")
    try:
        path = Path(given).expanduser()
        if not path.exists():
            raise InvalidInput(f"{shown} is not there.", "Check the path.")
        if path.is_file():
            with path.open("rb") as file:
                if not file.read(1):
                    raise InvalidInput(f"{shown} is empty.", "Export it again.")
        elif not path.is_dir():  # a pipe would wait for ever
            raise InvalidInput(f"{shown} is no ordinary file.", "Give a file or a folder.")
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidInput(
            f"{shown} cannot be read ({one_line(reason, 200)}).", "Check path and permissions."
        ) from error
    places = [path]
    if path.is_dir():
        places += [path / name for name in _IN_FOLDERS if (path / name).is_file()]
    for place in places:
        for name in [kind] if kind is not None else KINDS:
            importer = cast(Importer, importlib.import_module(_MODULES[name]))
            if importer.sniff(place):
                return place, importer
    raise _unknown(shown, path, kind)


def _unknown(shown: str, path: Path, kind: str | None) -> InvalidInput:
    """Why nobody reads it."""
    from localchat.transfer.importers.chatgpt import beginning
    from localchat.transfer.importers.reading import has, is_sqlite, problems
    from localchat.transfer.importers.services import whose

    wanted = f"one of {kind}" if kind else "one that localchat knows"
    if path.is_file() and is_sqlite(path):
        if has(path, model_configs="id provider model", messages="id chat_id content"):
            return InvalidInput(
                f"{shown} is a store of localchat, or a backup of one.",
                remedy=Remedy(Way.OPEN_AS_STORE, shown),
            )
        if number := problems(path):
            return damaged(shown, number)
        return InvalidInput(f"{shown} is an SQLite file, but not {wanted}.", f"What can be imported: {_KNOWN}.")
    if service := whose(beginning(path) or ""):
        return InvalidInput(f"{shown} is {service}, which localchat does not read.", f"What can be imported: {_KNOWN}.")
    return InvalidInput(f"{shown} is no export: not {wanted}.", f"What can be imported: {_KNOWN}.")
