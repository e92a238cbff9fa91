"""Go to a chat by some letters of its title: the newest first, archived ones too."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from localchat.errors import LocalChatError, NotFound
from localchat.records import Chat, moment
from localchat.text import one_line
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.list_filter import ListFilter
from localchat.tui.dialogs.table_list import QUIET, CatalogList, Cell, Row
from localchat.wording import age

ROWS = 50  # at most; more letters find the others
NO_CHATS = "No chats yet. Close this and write: that begins one."
MODEL_WIDTH = 24  # cells


class SwitcherLine(ListFilter):
    """The letters that a title must have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.open", "Open", id="switcher.open", tooltip="Open this chat", priority=True),
    ]


class ChatSwitcher(Dialog[int | None]):
    """The id of the chat to go to, or None."""

    CSS_PATH = ["../dialogs/dialog.tcss", "switcher.tcss"]

    def __init__(self) -> None:
        super().__init__("Go to a chat")
        self._shown = ""  # what was typed for the rows that are shown

    def body(self) -> ComposeResult:
        yield SwitcherLine("#found", placeholder="Some letters of its title")
        yield CatalogList(id="found")
        yield Words(id="empty", classes="hint")
        yield Trouble()

    def on_mount(self) -> None:
        self.query_one(CatalogList).can_focus = False
        if self.app.still:
            self.query_one(SwitcherLine).cursor_blink = False
        self.watch(self.app, "chats_version", self.show_chats)

    def show_chats(self) -> None:
        """Read anew and show what has the letters; new letters put the cursor on the first row."""
        typed = self.query_one(SwitcherLine).value
        store = self.app.store
        chats = store.chats.named(typed, limit=ROWS)
        found = self.query_one(CatalogList)
        found.display = bool(chats)
        first = str(chats[0].id) if chats and typed != self._shown else None
        gone = found.row_id if first is None else None
        now = moment(store.now())
        found.show_rows([_row(chat, now) for chat in chats], cursor=first, vanished=None)
        if gone is not None and found.row_id is None:
            self.query_one(Trouble).say("This chat is not in the lists any more. Choose another.")
        elif typed != self._shown:
            self.query_one(Trouble).clear()
        self._shown = typed
        nothing = f"No title has the letters of “{one_line(typed, 40)}” in this order." if typed.strip() else NO_CHATS
        self.query_one("#empty", Words).say("" if chats else nothing)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.query_one(SwitcherLine).value != self._shown:
            self.show_chats()

    @on(OptionList.OptionSelected)
    def action_open(self) -> None:
        """Go to the chat under the cursor, unless it went while this was open."""
        if self.query_one(SwitcherLine).value != self._shown:  # enter came in one burst with the letters
            self.show_chats()
        row = self.query_one(CatalogList).row_id
        if row is None:
            return
        try:
            if self.app.store.chats.get(int(row)).deleted_at is not None:
                raise NotFound("This chat was deleted meanwhile.", "Choose another.")
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
        else:
            self.dismiss(int(row))


def _row(chat: Chat, now: datetime) -> Row:
    model = "" if chat.model is None else one_line(chat.model.model, MODEL_WIDTH)
    return Row(
        str(chat.id),
        (
            Cell(""),
            Cell(one_line(chat.title) or "Untitled"),
            Cell("archived" if chat.archived_at is not None else "", QUIET),
            Cell(model, QUIET),
            Cell(age(moment(chat.updated_at), now).rjust(4), QUIET),
        ),
    )
