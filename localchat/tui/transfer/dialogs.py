"""Chats out to a file and in from one. The work is done in a thread with a store of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select

from localchat.errors import AlreadyExists, LocalChatError
from localchat.records import Chat
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.text import count, one_line
from localchat.transfer.export import ENDINGS, Format
from localchat.transfer.importers import Imported
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.form import Form
from localchat.tui.dialogs.safe_input import Line
from localchat.tui.toasts import tell
from localchat.validation import slug

FORMATS: tuple[tuple[str, Format], ...] = (("Markdown, to read", "md"), ("JSON, with everything", "json"))


class ExportDialog(Form[Path | None]):
    """The file that the chat was written to, or None."""

    CSS_PATH = ["../dialogs/dialog.tcss", "dialogs.tcss"]

    def __init__(self, chat: Chat) -> None:
        super().__init__(f"Export “{one_line(chat.title, 40)}”")
        self._chat = chat

    def body(self) -> ComposeResult:
        name = f"{slug(self._chat.title) or f'chat-{self._chat.id}'}.md"
        formats = Select([(Text(words), form) for words, form in FORMATS], value="md", allow_blank=False, compact=True)
        yield Field("File", Line(name, id="file"), note=f"in {Path.cwd()}, where no folder is named")
        yield Field("Format", formats)
        yield from self.end()

    def on_mount(self) -> None:
        self.query_one("#file").focus()

    @on(Select.Changed)
    def _change_ending(self, event: Select.Changed) -> None:
        """The name follows the format, where its ending is one that we know."""
        line = self.query_one("#file", Line)
        path = Path(line.value or "chat")
        if path.suffix.lower() in ENDINGS and ENDINGS[path.suffix.lower()] != event.value:
            line.value = str(path.with_suffix(f".{event.value}"))

    async def save(self) -> Path:
        """Raises what writing raises, and AlreadyExists where a file is not to be replaced."""
        name, form = self.query_one("#file", Line).value.strip(), self._format()
        try:
            return await asyncio.to_thread(_export, self.app.store.path, self._chat.id, form, name, False)
        except AlreadyExists as error:
            question = ConfirmDialog("Replace the file?", error.message, yes="Replace", careful=True)
            if not await self.app.push_screen_wait(question):
                raise AlreadyExists(error.message, "Give another name.") from error
            return await asyncio.to_thread(_export, self.app.store.path, self._chat.id, form, name, True)

    def _format(self) -> Format:
        chosen = self.query_one(Select).value
        return "json" if chosen == "json" else "md"

    def saved(self, done: Path | None) -> None:
        tell(self.app, f"Wrote the chat to {done}.")


def _export(store: Path, chat_id: int, form: Format, name: str, force: bool) -> Path:
    from localchat.store.transfer import Exchange
    from localchat.transfer.atomic_files import target, write_text
    from localchat.transfer.export import rendered

    path = target(name, force=force)
    with Store(store) as own:
        chats = [Exchange(own).one(chat_id, lasting=form == "json")]
        write_text(path, rendered(chats, form, own.now()))
    return path


class _Stopped(Exception):
    """The person closed the dialog: what is in stays in."""


class ImportDialog(Dialog[Imported | None]):
    """What was imported, or None. Looking first changes nothing."""

    CSS_PATH = ["../dialogs/dialog.tcss", "dialogs.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+l", "look", "Look", id="import.look", tooltip="See what would come; nothing changes", priority=True
        ),
        Binding("ctrl+s", "take", "Import", id="import.take", tooltip="Import what is not here yet", priority=True),
    ]

    def __init__(self, name: str = "") -> None:
        super().__init__("Import chats")
        self._given = name
        self._so_far: Imported | None = None
        self._imported: Imported | None = None
        self._stopping = threading.Event()

    def body(self) -> ComposeResult:
        line = Line(self._given, id="file", placeholder="a file, or the folder that it is in")
        yield Field(
            "File", line, note="JSON of localchat · ChatGPT's zip · logs.db of llm · elia.sqlite · store.db of oterm"
        )
        with VerticalScroll(id="result", can_focus=False):
            yield Words()
        yield Trouble()
        with Horizontal(classes="buttons"):
            yield Button(Content("Close"), id="close", compact=True)
            yield Button(Content("Look"), id="look", compact=True)
            yield Button(Content("Import"), id="take", compact=True)

    def on_mount(self) -> None:
        self.query_one("#file").focus()

    def on_unmount(self) -> None:
        self._stopping.set()

    @on(Input.Submitted)
    @on(Button.Pressed, "#look")
    def action_look(self) -> None:
        self._start(dry_run=True)

    @on(Button.Pressed, "#take")
    def action_take(self) -> None:
        self._start(dry_run=False)

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Also while it runs: the chat that is being written is written, the rest is not."""
        self._stopping.set()
        self.dismiss(self._imported)

    @on(Input.Changed)
    def _forget_trouble(self) -> None:
        self.query_one(Trouble).clear()

    @work(group="import", exclusive=True)
    async def _start(self, *, dry_run: bool) -> None:
        name = self.query_one("#file", Line).value.strip()
        self._stopping.set()  # one that still runs ends
        self._stopping = stop = threading.Event()
        self._so_far = None
        self.query_one(Trouble).clear()
        self._say(["Looking …" if dry_run else "Importing …"])
        timer = self.set_interval(0.2, self._tell_progress)
        try:
            done = await asyncio.to_thread(self._import, name, dry_run, stop)
        except LocalChatError as error:
            self._say([])
            self.query_one(Trouble).report(error)
        except _Stopped:
            pass
        else:
            self._say(done.lines())
            if failed := done.failed(name):
                self.query_one(Trouble).report(failed)
            self._imported = self._imported if dry_run else done
        finally:
            timer.stop()
            if not dry_run:
                self.app.catalog_changed()
                self.app.chats_changed()

    def _import(self, name: str, dry_run: bool, stop: threading.Event) -> Imported:
        def look_up(done: Imported) -> None:
            self._so_far = done
            if stop.is_set():
                raise _Stopped

        with Store(self.app.store.path) as store:
            return import_file(store, name, dry_run=dry_run, progress=look_up)

    def _tell_progress(self) -> None:
        if self._so_far is not None:
            seen = self._so_far.chats_imported + self._so_far.chats_skipped
            self._say([f"{count(seen, 'chat')} …"])

    def _say(self, lines: Iterable[str]) -> None:
        self.query_one("#result Words", Words).say("\n".join(lines))
