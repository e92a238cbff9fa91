"""What a command says: one JSON document for scripts, or lines and tables for people; and how an error looks."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from localchat.cli.session import Session
from localchat.errors import LocalChatError, Way
from localchat.records import BUILT_IN_MODEL, NO_TIME, ErrorNote, Model, moment
from localchat.text import clean, escaped, one_line

JSON_VERSION = 1  # of the documents that docs/command-line.md describes; see there when it changes
NARROWEST = 20  # columns that a table's wide column is never cut below
# Where there is no default, no model can answer: there is none to choose.
NO_DEFAULT_NEXT = "Add a model or switch one on: `localchat models add REF`, `localchat models enable REF`."
# What a remedy is on the command line: the command that works there and then.
_REMEDIES = {
    Way.ASK_AGAIN: "Ask again.",
    Way.PICK_MODEL: "`-m REF` names another model.",
    Way.ADD_MODEL: NO_DEFAULT_NEXT,
    Way.ADD_PROVIDER: "See `localchat providers list`, or add it: `localchat providers add NAME --kind KIND`.",
    Way.EDIT_PROVIDER: "`localchat providers edit {subject} --base-url URL` changes its address,"
    " `localchat providers edit {subject} --key-env VAR` its key.",
    Way.DISCOVER: "`localchat models discover {subject}` lists its models.",
    Way.RESTORE_PROVIDER: "`localchat providers restore {subject}` brings it back.",
    Way.RESTORE_MODEL: "`localchat models restore {subject}` brings it back.",
    Way.RESTORE_CHAT: "`localchat chats restore {subject}` takes it out.",
    Way.FETCH_WEIGHTS: f"`localchat models pull {BUILT_IN_MODEL}` fetches it.",
    Way.LIST_PROVIDERS: "See `localchat providers list`.",
    Way.LIST_MODELS: "See `localchat models list`.",
    Way.LIST_ALL_MODELS: "See `localchat models list --all`.",
    Way.LIST_CHATS: "See `localchat chats list`.",
    Way.SHOW_LOG: "See `localchat providers log`.",
    Way.CHECK_STORE: "`localchat doctor` checks the store.",
    Way.FIX_STORE: "`localchat doctor --fix` puts it right.",
    Way.MAKE_ROOM: "Rename that one, `localchat providers edit {subject} --name {other}`; then"
    " `localchat providers restore {subject}` brings back the other.",
    Way.TAKE_OVER: "Add one of that name, `localchat providers add {subject} --kind KIND --take-over`; then"
    " `localchat models restore {other}` brings it back.",
    Way.MOVE_CHATS: "`localchat chats move {subject} {other}` gives its chats that one.",
    Way.LIST_BACKUPS: "`localchat restore` lists the backups that localchat made.",
    Way.OTHER_STORE: "Give another file with `--db FILE`, or put a backup in its place: `localchat restore`.",
    Way.OPEN_AS_STORE: "Open it with `localchat --db {subject}`, or write its chats into a file to import:"
    " `localchat --db {subject} chats export --all --format json -o FILE`.",
    Way.EXPORT_CHAT: "`localchat chats export ID --format json -o FILE` writes one.",
    Way.KEY_IN_VARIABLE: "`--key-env VAR` names it.",
    Way.KEY_IN_KEYRING: "`--key-stdin` puts it there.",
    Way.SWITCH_ON_MODEL: "`localchat models enable {subject}` switches it on.",
    Way.SWITCH_ON_PROVIDER: "`localchat providers enable {subject}` switches its provider on.",
    Way.RENAME_PROVIDER: "`localchat providers edit {subject} --name {other}` renames that one.",
    Way.RENAME_MODEL: "`localchat models edit {subject} --name {other}` renames that one.",
    Way.ALLOW_REMOTE: "Choose a model with `-m REF`, or agree for this chat with `--allow-remote {subject}`.",
    Way.ALLOW_FALLBACK: "Choose a model for this turn with `-m REF`, or leave out `--no-fallback`.",
}


def answer(session: Session, document: Any, *lines: str) -> None:
    """The command's answer on standard output: the document where scripts read, else the lines."""
    if session.json:
        print_json(document)
        return
    for line in lines:
        print(clean(line))


def print_json(document: Any) -> None:
    """One document; no character in it would be obeyed by a terminal, and it is the same document."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    parts = json.JSONEncoder(indent=2, ensure_ascii=not utf8).iterencode(document)
    while some := "".join(islice(parts, 10_000)):  # a long list is never in memory as a text, let alone in its parts
        sys.stdout.write(escaped(some))
    sys.stdout.write("\n")


def notice(text: str) -> None:
    """What localchat did, on standard error: standard output is for the answer."""
    print(clean(text), file=sys.stderr, flush=True)


def print_error(error: LocalChatError, *, as_json: bool) -> None:
    """``Error: MESSAGE`` and the hint; as JSON one line."""
    hint = advice(error)
    if as_json:
        _print_error_line(error.code, error.message, hint)
        return
    notice(f"Error: {error.message}")
    if hint:
        notice(hint)


def advice(error: LocalChatError | ErrorNote) -> str:
    """What to do: the error's hint, then the command for its remedy."""
    if error.remedy is None:
        return error.hint
    remedy = error.remedy
    command = _REMEDIES[remedy.way].replace("{subject}", shlex.quote(one_line(remedy.subject)))
    command = command.replace("{other}", shlex.quote(one_line(remedy.other)) if remedy.other else "REF")
    return f"{error.hint} {command}".strip()


def print_usage_error(error: click.ClickException, *, as_json: bool) -> None:
    """Wrong usage: what was wrong, and how the command is used."""
    missing = isinstance(error, click.exceptions.NoArgsIsHelpError)
    if missing and not as_json:
        notice(error.format_message())
        return
    context = getattr(error, "ctx", None)
    usage = context.get_usage() if context is not None else ""
    more = f"See `{context.command_path} --help`." if context is not None else "See `localchat --help`."
    message = "A command is missing." if missing else error.format_message()
    if as_json:
        _print_error_line("invalid_input", message, f"{' '.join(usage.split())} {more}".strip())
        return
    if usage:
        notice(usage)
    notice(f"Error: {message}")
    notice(more)


def _print_error_line(code: str, message: str, hint: str) -> None:
    line = {"error": {"code": code, "message": clean(message), "hint": clean(hint)}}
    print(json.dumps(line), file=sys.stderr, flush=True)


def width_of(text: str) -> int:
    """Columns that a text takes in a terminal: wide scripts take two, marks that combine none."""
    return sum(
        0 if unicodedata.category(letter) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def cut(text: str, width: int) -> str:
    """The text in at most that many columns, with an ellipsis where something was cut."""
    if width_of(text) <= width:
        return text
    kept = text
    while kept and width_of(kept) > width - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, wide: int = 0) -> list[str]:
    """Aligned lines. On a terminal the column ``wide`` is cut so that a row fits on one line; a pipe gets all of it."""
    cells = [list(header), *[[one_line(cell) for cell in row] for row in rows]]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(header))]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns - sum(widths) - 2 * (len(widths) - 1) + widths[wide]
        widths[wide] = min(widths[wide], max(room, NARROWEST))
        for row in cells:
            row[wide] = cut(row[wide], widths[wide])
    return [
        "  ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def age(stamped: str, now: datetime | None = None) -> str:
    """How long ago, for lists: ``now``, ``5 m``, ``3 h``, ``2 d``, then the date; a time that is none, as it is."""
    then = moment(stamped)
    if then == NO_TIME:
        return one_line(stamped, 24)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    day = then.astimezone().strftime("%Y-%m-%d")
    if seconds < 60:
        return "now" if seconds > -60 else day
    if seconds < 3600:
        return f"{seconds // 60:.0f} m"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:.0f} d" if seconds < 7 * 86400 else day


def size(count: int) -> str:
    """Bytes for people, in the decimal units that disks are sold in."""
    for unit, bytes_in in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= bytes_in:
            return f"{count / bytes_in:.1f} {unit}" if count < 10 * bytes_in else f"{count / bytes_in:.0f} {unit}"
    return f"{count} bytes"


def ref_of(model: Model | None) -> str | None:
    return model.ref if model is not None else None


def default_line(before: str | None, after: str | None) -> str:
    """The default before and after, in one line; empty where nothing changed."""
    if before == after:
        return ""
    if after is None:
        return f"There is no default model any more; it was {before}. {NO_DEFAULT_NEXT}"
    return f"Default: {before} → {after}." if before else f"Default: {after}."
