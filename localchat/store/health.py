"""What can be said about a store without opening it for writing: for a person whose store does not open."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from localchat.errors import LocalChatError
from localchat.records import Check
from localchat.store.catalog.queries import ORPHANED
from localchat.store.connection import translated
from localchat.store.fields import decoded
from localchat.store.file import named, version_of
from localchat.store.soundness import WAYS_OUT, damage_in, index_is_sound
from localchat.text import count
from localchat.validation import folded

LEAST_ROOM = 50_000_000  # bytes free on the disk; below that a long conversation is at risk
_PATIENCE = 5.0  # seconds


def check_store(path: Path) -> list[Check]:
    """The file's checks, the worst first to go wrong. Nothing is made or changed; nothing is raised."""
    version = sqlite3.sqlite_version_info >= (3, 37)
    checks = [Check("sqlite", version, f"SQLite {sqlite3.sqlite_version}", "store_unreadable")]
    try:
        if not path.exists():
            return [*checks, _not_there(path), _room(path)]
        readable = _readable(path)
        checks.append(readable)
        if readable.ok:
            checks += _inside(path)
        return [*checks, _writable(path), _private(path), _room(path)]
    except (OSError, ValueError, RuntimeError) as error:
        return [*checks, Check("store", False, f"{named(path)}: {error}", "store_unreadable")]


def _not_there(path: Path) -> Check:
    folder = _nearest_folder(path)
    if os.access(folder, os.W_OK):
        return Check("store", True, f"{named(path)} is not there yet; the first chat makes it")
    detail = f"{named(path)} is not there and cannot be made: {named(folder)} cannot be written"
    return Check("store", False, detail, "store_unreadable")


def _nearest_folder(path: Path) -> Path:
    return next((folder for folder in path.absolute().parents if folder.is_dir()), Path(path.anchor or "."))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with translated(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=_PATIENCE
        )
        connection.text_factory = decoded
        with contextlib.closing(connection):
            yield connection


def _readable(path: Path) -> Check:
    try:
        with _opened(path) as connection:
            version = version_of(connection, path)
            if version == 0:
                return Check("store", True, f"{named(path)} is empty; the first chat begins it")
            chats, messages = (
                connection.execute(f"select count(*) from {table}").fetchone()[0] for table in ("chats", "messages")
            )
    except LocalChatError as error:
        return Check("store", False, error.message, error.code)
    except sqlite3.Error as error:
        return Check("store", False, f"{named(path)} cannot be read: {error}", "store_unreadable")
    size = path.stat().st_size / 1e6
    detail = f"{named(path)}, version {version}, {count(chats, 'chat')}, {count(messages, 'message')}, {size:,.1f} MB"
    return Check("store", True, detail)


def _inside(path: Path) -> list[Check]:
    """Whether the file holds together, and what it promises."""
    try:
        with _opened(path) as connection:
            if version_of(connection, path) == 0:
                return []
            if damage := damage_in(connection):
                return [Check("integrity", False, f"{damage}. {WAYS_OUT}", "store_damaged")]
            checks = [_linked(connection), _promises(connection), _names(connection)]
        return [*checks, *_search(path)]
    except LocalChatError as error:
        return [Check("integrity", False, f"{error.message} {error.hint}", error.code)]
    except sqlite3.Error as error:
        return [Check("integrity", False, f"{error}. {WAYS_OUT}", "store_damaged")]


def _linked(connection: sqlite3.Connection) -> Check:
    dangling = connection.execute("pragma foreign_key_check").fetchall()
    if dangling:
        loose = count(len(dangling), "row points", "rows point") + " at nothing: `localchat doctor --fix`"
        return Check("integrity", False, loose, "store_damaged")
    return Check("integrity", True, "whole")


def _search(path: Path) -> list[Check]:
    """The index can only be asked by who may write; nothing is changed."""
    if not os.access(path, os.W_OK) or not os.access(path.absolute().parent, os.W_OK):
        return []
    with translated(path):
        address = f"{path.resolve().as_uri()}?mode=rw"
        connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_PATIENCE)
        with contextlib.closing(connection):
            sound = index_is_sound(connection)
    said = "the index of words is in order" if sound else "the index of words is damaged: `localchat doctor --fix`"
    return [Check("search", sound, said, "store_damaged")]


def _promises(connection: sqlite3.Connection) -> Check:
    """What no constraint of the schema can hold: another program may write the file too."""
    one = connection.execute(
        f"select (select count(*) from live_models m where {ORPHANED}),"
        " (select count(*) from usable_models where is_default = 1), (select count(*) from usable_models),"
        " (select count(*) from live_models where is_default = 1)"
    ).fetchone()
    orphans, usable_default, usable, default = one
    if orphans:
        detail = (
            count(orphans, "live model belongs", "live models belong") + " to no provider: `localchat doctor --fix`"
        )
        return Check("catalog", False, detail, "provider_not_configured")
    if default and not usable_default:
        detail = "the default model is switched off, by another program: `localchat doctor --fix`"
        return Check("catalog", False, detail, "no_default_model")
    if usable and not default:
        detail = "there are usable models, but no default: `localchat doctor --fix`"
        return Check("catalog", False, detail, "no_default_model")
    if not default:
        return Check("catalog", True, "no model can answer yet: `localchat models add REF`")
    name = connection.execute("select provider || '/' || model from live_models where is_default = 1").fetchone()[0]
    return Check("catalog", True, f"{count(usable, 'usable model')}, default {name}")


def _names(connection: sqlite3.Connection) -> Check:
    """Names that differ in case only: localchat makes none, another program may. Each can still be used, by its exact
    name, so it is no fault."""
    alike: dict[str, list[str]] = {}
    rows = connection.execute("select name from providers union all select provider || '/' || model from live_models")
    for (name,) in rows.fetchall():
        alike.setdefault(folded(str(name)), []).append(str(name))
    found = [" and ".join(sorted(names)) for names in alike.values() if len(names) > 1]
    if not found:
        return Check("names", True, "no two differ in case only")
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""
    return Check("names", True, f"these differ in case only: {', '.join(sorted(found)[:3])}{more}")


def _writable(path: Path) -> Check:
    for place in (path, path.absolute().parent):
        if not os.access(place, os.W_OK):
            return Check("writable", False, f"{named(place)} cannot be written", "store_unreadable")
    return Check("writable", True, "the file and its folder can be written")


def streaming(path: Path) -> int:
    """How many replies are marked as still coming; 0 where that cannot be read."""
    with contextlib.suppress(LocalChatError, sqlite3.Error), _opened(path) as connection:
        return int(connection.execute("select count(*) from messages where status = 'streaming'").fetchone()[0])
    return 0


def _private(path: Path) -> Check:
    if os.name == "nt":
        return Check("private", True, "by the folder's own permissions")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        detail = f"others can read it (mode {mode:04o}): chmod 600 {named(path)}"
        return Check("private", False, detail, "invalid_input")
    return Check("private", True, f"only you can read it (mode {mode:04o})")


def _room(path: Path) -> Check:
    free = shutil.disk_usage(_nearest_folder(path)).free
    return Check("disk", free >= LEAST_ROOM, f"{free / 1e9:,.1f} GB free", "disk_full")
