"""``localchat import`` and ``localchat backup``, and what ``localchat chats export`` does."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localchat.cli.output import answer, size
from localchat.cli.parameters import ChatId, FileName, wrong_usage
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.cli.streaming_output import StatusLine
from localchat.errors import LocalChatError
from localchat.text import clean, count, one_line

if TYPE_CHECKING:
    from localchat.transfer.export import Format
    from localchat.transfer.importers import Imported

SOURCES = ("localchat", "chatgpt", "llm", "elia", "oterm")  # as localchat.transfer.importers has them


@click.command(cls=Command)
@click.argument("ids", type=ChatId(), nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every chat but those in the trash.")
@click.option("--trash", is_flag=True, help="With --all: those in the trash too.")
@click.option("--format", "form", type=click.Choice(["md", "json"]), help="Default: by the file's name, else md.")
@click.option("-o", "--output", type=FileName(), metavar="FILE", help="Write to a file; - is standard output.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@pass_session
def export(
    session: Session,
    ids: tuple[int, ...],
    everything: bool,
    trash: bool,
    form: Format | None,
    output: str | None,
    force: bool,
) -> None:
    """Write chats as Markdown to read, or as JSON that holds everything.

    JSON has the whole tree of each chat and can be imported again.
    """
    from localchat.store.transfer import Exchange
    from localchat.transfer.atomic_files import target, write_text
    from localchat.transfer.export import rendered

    if everything == bool(ids):
        raise wrong_usage("Give the IDs of chats, or --all.")
    if trash and not everything:
        raise wrong_usage("--trash belongs to --all.")
    output = None if output == "-" else output
    if output is None and session.json and form == "md":
        raise wrong_usage("--json prints JSON; give --output FILE for Markdown.")
    form = form or _form_of(session, output)
    exchange = Exchange(session.store)
    if not everything:
        for chat_id in ids:
            session.store.chats.get(chat_id)  # all are there, or nothing is written
    wanted = exchange.ids(trash=trash) if everything else list(dict.fromkeys(ids))
    tally = {"chats": 0, "messages": 0}

    def counted() -> Iterable[Any]:
        for chat in exchange.read(wanted, lasting=form == "json"):
            tally["chats"] += 1
            tally["messages"] += len(chat.messages)
            yield chat

    pieces = rendered(counted(), form, session.store.now())
    if output is None:
        _print(pieces)
        return
    path = target(output, force=force)
    written = write_text(path, pieces)
    answer(
        session,
        {"file": str(path), "format": form, **tally, "bytes": written},
        f"Wrote {count(tally['chats'], 'chat')} with {count(tally['messages'], 'message')} to {_named(path)}"
        f" ({size(written)}).",
    )


def _form_of(session: Session, output: str | None) -> Format:
    from localchat.transfer.export import ENDINGS

    if output is None:
        return "json" if session.json else "md"
    return ENDINGS.get(Path(output).suffix.lower(), "md")


def _print(pieces: Iterable[str]) -> None:
    """As UTF-8, whatever the encoding of the terminal; to a terminal without what it would obey."""
    from localchat.transfer.atomic_files import writing

    terminal = sys.stdout.isatty()
    with writing("standard output"):
        for piece in pieces:
            if terminal:
                sys.stdout.write(clean(piece))
            else:
                sys.stdout.buffer.write(piece.encode("utf-8", "replace"))
        sys.stdout.flush()


@click.command("import", cls=Command)
@click.argument("file", type=FileName(), metavar="FILE")
@click.option("--from", "kind", type=click.Choice(SOURCES), help="The format, if detection gets it wrong.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported; change nothing.")
@pass_session
def import_chats(session: Session, file: str, kind: str | None, dry_run: bool) -> None:
    """Import chats from another program or a localchat export.

    - as FILE is standard input.
    What is here already is left as it is, so that the same FILE can be imported again. The source is only read.
    """
    from localchat.store.importing import import_file

    status = StatusLine()

    def tell(done: Imported) -> None:
        status.show(f"{count(done.chats_imported + done.chats_skipped, 'chat')} …")

    try:
        with _standing(file) as given:
            done = import_file(session.store, given, kind=kind, dry_run=dry_run, progress=tell)
    finally:
        status.clear()
    answer(session, done.document(), *done.lines())
    if failed := done.failed(file if file != "-" else "standard input"):
        raise failed


@contextlib.contextmanager
def _standing(file: str) -> Iterator[str]:
    """A file that can be read more than once: standard input is kept in one while it is imported."""
    if file != "-":
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="localchat-") as folder:
        path = Path(folder, "standard-input.json")
        with path.open("wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        try:
            yield str(path)
        except LocalChatError as error:  # the file's name is nobody's business
            error.message = error.message.replace(str(path), "standard input")
            raise


@click.command(cls=Command)
@click.argument("file", type=FileName(), metavar="[FILE]", required=False)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@pass_session
def backup(session: Session, file: str | None, force: bool) -> None:
    """Copy the whole store to FILE, while it is in use, and check the copy.

    Without FILE it goes into the folder STORE-backups beside the store. `localchat restore` brings one back.
    """
    from localchat.store.backup import back_up
    from localchat.store.backups import keep

    if force and file is None:
        raise wrong_usage("--force belongs to FILE.")
    status = StatusLine()

    def tell(copied: int, total: int) -> None:
        status.show(f"Copying {size(copied)} of {size(total)} …")

    try:
        if file is None:
            done = keep(session.store.connection, session.store.path, progress=tell)
            assert done is not None, "one that a person asks for is always due"
        else:
            done = back_up(session.store, file, force=force, progress=tell)
    finally:
        status.clear()
    answer(
        session,
        {"file": str(done.file), "bytes": done.bytes, "chats": done.chats, "messages": done.messages},
        f"Backed up {count(done.chats, 'chat')} with {count(done.messages, 'message')} to {_named(done.file)}"
        f" ({size(done.bytes)}). The copy was checked.",
    )


def _named(path: Path) -> str:
    return one_line(os.fspath(path), 300)
