"""``localchat restore``: which backups there are, and one of them in the store's place."""

from __future__ import annotations

from pathlib import Path

import click

from localchat.cli.output import age, answer, notice, size, table
from localchat.cli.parameters import FileName, wrong_usage
from localchat.cli.program import Command
from localchat.cli.session import Session, interactive, pass_session
from localchat.text import count, one_line


@click.command(cls=Command)
@click.argument("file", type=FileName(), metavar="[FILE]", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def restore(session: Session, file: str | None, yes: bool) -> None:
    """Put the backup FILE in the store's place; without FILE, list the backups that localchat made.

    The backup is checked first, and stays where it is. The store that was there is not deleted: it gets another name.
    """
    from localchat.store.restore import look
    from localchat.store.restore import restore as put

    if file is None:
        _list(session)
        return
    backup = Path(file).expanduser()
    chats, messages = look(backup, session.path)
    if not yes:
        if session.json or not interactive():
            raise wrong_usage("Restoring asks a person, and there is no terminal: add --yes.")
        notice(f"{one_line(str(backup))} holds {_held(chats, messages)}. It is whole.")
        notice(f"It takes the place of {one_line(str(session.path))}, which is kept under another name.")
        if not click.confirm("Restore it?", err=True):
            notice("Nothing was changed.")
            raise click.exceptions.Exit(1)
    done = put(backup, session.path)
    kept = [str(path) for path in done.kept]
    lines = [f"Restored {_held(done.chats, done.messages)} to {one_line(str(done.store))}."]
    if kept:
        lines.append(f"What was there is kept: {', '.join(one_line(path) for path in kept)}.")
    document = {
        "store": str(done.store),
        "file": str(backup),
        "chats": done.chats,
        "messages": done.messages,
        "kept": kept,
    }
    answer(session, document, *lines)


def _held(chats: int, messages: int) -> str:
    return f"{count(chats, 'chat')} with {count(messages, 'message')}"


def _list(session: Session) -> None:
    """Not by the session's store: it may be damaged."""
    from localchat.store.backups import folder_of, listed

    found = listed(session.path, counted=True)
    document = [
        {
            "file": str(one.file),
            "kind": one.kind,
            "made_at": one.made_at,
            "bytes": one.bytes,
            "chats": one.chats,
            "messages": one.messages,
        }
        for one in found
    ]
    if not found:
        where = one_line(str(folder_of(session.path)))
        answer(session, document, f"No backups in {where}. `localchat backup` makes one.")
        return
    rows = [
        [str(one.file), one.kind, age(one.made_at), size(one.bytes), str("?" if one.chats is None else one.chats)]
        for one in found
    ]
    answer(session, document, *table(["FILE", "KIND", "AGE", "SIZE", "CHATS"], rows))
