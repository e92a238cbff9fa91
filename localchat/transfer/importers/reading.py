"""What importers share: times and names from anywhere, and other programs' SQLite files without disturbing them."""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import sqlite3
import tempfile
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from localchat import validation
from localchat.attachments.reading import IMAGE_LIMIT, NAME_LIMIT, image_type
from localchat.errors import InvalidInput
from localchat.records import Attachment, stamp
from localchat.text import one_line, storable
from localchat.transfer.portable import NamedModel, Note, WholeMessage

IMAGE = Note("1 image was not imported; its name stands where it was.",
             "{n} images were not imported; their names stand where they were.")  # fmt: skip
FILE = Note("1 file was not imported; its name stands where it was.",
            "{n} files were not imported; their names stand where they were.")  # fmt: skip
UNKNOWN = Note("1 part of an unknown kind was kept as it came.", "{n} parts of unknown kinds were kept as they came.")
NO_TIMES = Note("1 chat has no times at its source; it has that of the file.",
                "{n} chats have no times at their source; they have that of the file.")  # fmt: skip
LOOSE = Note("1 message hung on nothing and begins a line of its own.",
             "{n} messages hung on nothing and begin lines of their own.")  # fmt: skip
ORPHANS = Note("1 chat was recovered from messages whose chat is gone there.",
               "{n} chats were recovered from messages whose chats are gone there.")  # fmt: skip
EMPTY = Note("1 chat there has no messages.", "{n} chats there have no messages.")

_SQLITE = b"SQLite format 3\0"
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")  # names of SQLite's errors
_AT_ONCE = 500  # rows of a chat
MOST = (
    128 << 20
)  # bytes of one value, or of one chat in another program's tables; in memory it takes several times that
_FAMILIES = (
    (re.compile(r"(?!gpt-oss)(gpt|chatgpt|o[1-9]|text-davinci|davinci|ft:gpt)\b"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gemini"), "google"),
)
_SAME = {"gemini": "google", "vertex_ai": "google", "ollama_chat": "ollama", "lm-studio": "lmstudio"}
LOCAL = ("ollama", "lmstudio", "llamacpp", "llamafile", "gpt4all", "gguf", "mlx", "local")
ELSEWHERE = ("anthropic", "google", "azure", "bedrock", "cohere", "deepseek", "fireworks", "groq", "mistral",
             "openrouter", "perplexity", "together", "together_ai", "xai")  # fmt: skip
_TAGGED = re.compile(r"[\w.-]+:[\w.-]+")  # as ollama names them: qwen3:8b


# Times


def stamped(value: object, *, local: bool = False) -> str | None:
    """A time as the store writes it; None where there is none, or none that can be (0 is what nobody knew).

    Numbers are seconds since 1970, or milliseconds where that many seconds cannot be meant. Text is ISO 8601; one
    without a zone is UTC, or with ``local`` of this machine's zone.
    """
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            if not math.isfinite(value):
                return None
            found = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        else:
            found = datetime.fromisoformat(str(value).strip())
            if found.tzinfo is None and not local:
                found = found.replace(tzinfo=UTC)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return stamp(found) if found.year > 1970 else None


def file_time(path: Path) -> str:
    """When the file was written last."""
    try:
        return stamped(path.stat().st_mtime) or stamp(datetime.now(UTC))
    except OSError:
        return stamp(datetime.now(UTC))


# Names


def model_named(
    provider: str,
    model: str,
    *,
    local: bool | Literal["by name"] | None = "by name",
    other: str = "unknown",
    same: bool = True,
) -> NamedModel:
    """A model as this program would name it; ``other`` stands where nothing usable is left of the provider's name.

    ``same``: what other programs call a provider becomes what this one calls it.
    """
    try:
        name = validation.provider_name(provider)
    except InvalidInput:
        name = validation.slug(provider) or other
    name = _SAME.get(name, name) if same else name
    try:
        shown = validation.model_name(storable(model))
    except InvalidInput:
        plain = unicodedata.normalize("NFC", one_line(storable(model)))
        plain = "".join(letter for letter in plain if letter.isprintable())
        shown = plain[: validation.MODEL_LENGTH].strip() or "unknown"
    return NamedModel(name, shown, _locality(name, shown) if local == "by name" else local)


def _locality(provider: str, model: str) -> bool | None:
    """What the names alone tell of where it ran: with ``openai`` many programs name any server of that kind."""
    if provider in LOCAL:
        return True
    known = provider in ELSEWHERE or any(family.match(model.lower()) for family, _ in _FAMILIES)
    return False if known else None


def model_of(name: str, other: str) -> NamedModel:
    """From a name that stands alone: ``gemini/x`` tells its provider, ``gpt-4o`` belongs to a family; what tells
    nothing belongs to ``other``, the program that used it."""
    provider, slash, model = name.partition("/")
    if slash and provider and model:
        return model_named(provider, model, other=other)
    if _TAGGED.fullmatch(name) and not name.startswith("ft:"):
        return model_named("ollama", name)
    for family, owner in _FAMILIES:
        if family.match(name.lower()):
            return model_named(owner, name)
    return model_named(other, name, local=True if name.lower().startswith("smollm") else "by name")


def settings(given: object) -> dict[str, Any]:
    """Those parameters of another program that mean the same here."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    found: dict[str, Any] = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        own = "max_tokens" if name == "num_predict" else name
        if own not in validation.PARAMETERS:
            continue  # a field of that program's server; ours may not know it
        with contextlib.suppress(InvalidInput):
            found |= validation.parameters({own: value})
    return found


def text_of(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def whole(value: object) -> int | None:
    """A count, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return None
    return int(value)


def fenced(text: str, language: str = "") -> str:
    """As a block of code that nothing inside can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{re.sub(r'[^a-z0-9+#-]', '', language.lower())}\n{text}\n{fence}"


def kept_raw(value: object, kind: str) -> str:
    """A part of a kind that nobody here knows, visible and complete."""
    raw = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    return f"[part of an unknown kind, kept as it came: {one_line(kind, 60) or 'unnamed'}]\n{fenced(raw, 'json')}"


def span(messages: Iterable[WholeMessage], begun: str | None, used: str | None, other: str) -> tuple[str, str]:
    """When a chat was begun and used last: what its source says, else its messages, else ``other``."""
    times = [message.created_at for message in messages]
    first = begun or (min(times) if times else other)
    return first, max(used or (max(times) if times else first), first)


# Images


def image(name: str, content: bytes | None) -> Attachment | None:
    """An image as a message can have it; None for what is none that models take, or too large."""
    media_type = image_type(content) if content and len(content) <= IMAGE_LIMIT else None
    if media_type is None or content is None:
        return None
    return Attachment(one_line(storable(name), NAME_LIMIT) or "image", media_type, content)


# Files


def is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def problems(path: Path) -> int:
    """How many problems SQLite finds in one of its files, at most 100; 0 for a sound one, and for any other file."""
    if not is_sqlite(path):
        return 0
    try:
        with opened(path) as connection:
            found = [str(row[0]) for row in connection.execute("pragma quick_check(100)").fetchall()]
    except (sqlite3.Error, OSError) as error:  # what is not damage is told by whoever reads it
        return int(getattr(error, "sqlite_errorname", "").startswith(DAMAGED))
    return 0 if found == ["ok"] else max(sum(len(text.splitlines()) for text in found), 1)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's file, only to be read, also while that program writes. Raises sqlite3.Error.

    Where it cannot be read in place (a program crashed and left a journal, or the folder is read-only and its log is
    not there) a private copy is read.
    """
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(contextlib.closing(_connect(path)))
            connection.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", "")
            if not name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="localchat-")))
            connection = stack.enter_context(contextlib.closing(_connect(_copied(path, folder), mode="rw")))
            connection.execute("select count(*) from sqlite_master").fetchone()
        yield connection


def _connect(path: Path, mode: str = "ro") -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST)
    # SQLite refuses all of a file that is shorter than it says; so that what is in it can be read. Nothing is written:
    # the connection is read-only, or that of a private copy.
    connection.execute("pragma writable_schema=on")
    return connection


def _copied(path: Path, folder: Path) -> Path:
    copy = folder / "copy.db"
    shutil.copyfile(path, copy)
    for ending in ("-wal", "-journal"):
        beside = Path(f"{path}{ending}")
        if beside.exists():
            shutil.copyfile(beside, f"{copy}{ending}")
    return copy


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Empty where there is no such table. A view is none: reading one may have no end."""
    wanted = (
        "select name from pragma_table_info(?1)"
        " where exists (select 1 from sqlite_master where type = 'table' and name = ?1 collate nocase)"
    )
    return {str(row["name"]) for row in connection.execute(wanted, (table,))}


def has(path: Path, **tables: str) -> bool:
    """Whether it is an SQLite file with these tables, each with these columns (named with spaces between)."""
    if not is_sqlite(path):
        return False
    try:
        with opened(path) as connection:
            return all(set(wanted.split()) <= columns(connection, table) for table, wanted in tables.items())
    except (sqlite3.Error, OSError):
        return False


def rows(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    """Fetched at once: a read that is left half done would keep the other program from writing."""
    return [dict(row) for row in connection.execute(sql, values).fetchall()]


def salvaged(connection: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    """The rows up to where the file is damaged: that it is, is told for the whole file."""
    found: list[dict[str, Any]] = []
    try:
        for row in connection.execute(sql):
            found.append(dict(row))  # noqa: PERF401 # what was read before an error is kept
    except sqlite3.DatabaseError as error:
        if not getattr(error, "sqlite_errorname", "").startswith(DAMAGED):
            raise
    return found


class ByChat:
    """The rows of ``table`` by the chat in its column ``by``, in the order of their ``id``.

    Other programs have no index by chat: a question for each would look through the whole table each time. Here it is
    looked through once, for the numbers of its rows. ``damaged``: why that ended early, where it did.
    """

    def __init__(self, connection: sqlite3.Connection, table: str, by: str = "chat_id") -> None:
        self._connection = connection
        self._table = table
        self._numbers: dict[Any, array[int]] = {}
        self.damaged = ""
        try:
            for chat, number in connection.execute(f"select {by}, rowid from {table} order by id"):
                self._numbers.setdefault(chat, array("q")).append(number)
        except sqlite3.DatabaseError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(DAMAGED):
                raise
            self.damaged = str(error)

    def __iter__(self) -> Iterator[Any]:
        """The chats."""
        return iter(self._numbers)

    def of(self, chat: object) -> list[dict[str, Any]]:
        """Raises ValueError where one chat holds more than an import takes into memory."""
        numbers = self._numbers.get(chat, array("q"))
        found: list[dict[str, Any]] = []
        size = 0
        for start in range(0, len(numbers), _AT_ONCE):
            asked = list(numbers[start : start + _AT_ONCE])
            sql = f'select t.rowid as "row of the table", t.* from {self._table} t'
            wanted = f"{sql} where t.rowid in (select value from json_each(?))"
            there = {row.pop("row of the table"): row for row in rows(self._connection, wanted, json.dumps(asked))}
            found += [there[number] for number in asked if number in there]
            size += sum(
                len(value) for row in there.values() for value in row.values() if isinstance(value, str | bytes)
            )
            if size > MOST:
                raise ValueError(f"it is larger than {MOST >> 20} MB")
        return found


@contextlib.contextmanager
def at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """One chat's reads, all of the same moment, and short."""
    connection.execute("begin")
    try:
        yield
    finally:
        connection.rollback()
