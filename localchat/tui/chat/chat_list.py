"""The list of chats: newest first, by day, read a page at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from localchat.records import NO_TIME, Chat, moment
from localchat.store import Store
from localchat.store.chats import Shelf
from localchat.text import one_line
from localchat.tui.dialogs.list_filter import ListFilter
from localchat.wording import age

PAGE = 60  # chats read at once
NEAR_THE_END = 15  # rows before the last one read: then the next page is read
MOST_READ = 50 * PAGE  # chats looked through for the one that the cursor was on


Look = tuple[Shelf, str, int, datetime]


def day(then: datetime, now: datetime) -> str:
    """The heading a chat stands under."""
    if then == NO_TIME:
        return "No date"
    today, date = now.astimezone().date(), then.astimezone().date()
    if date >= today:
        return "Today"
    if date == today - timedelta(days=1):
        return "Yesterday"
    if date > today - timedelta(days=7):
        return "This week"
    return f"{date:%B %Y}"


class ChatOptions(OptionList):
    """The rows. Keys for what a row can have done stand here, so that they apply only while the list has the focus, and
    only a key gives it the focus: whoever clicks goes on writing."""

    FOCUS_ON_CLICK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open", id="chats.open", tooltip="Open this chat"),
        Binding("j", "cursor_down", "Down", show=False, id="chats.down"),
        Binding("k", "cursor_up", "Up", show=False, id="chats.up"),
        Binding("a", "ask('add')", "New", id="chats.add", tooltip="Begin a new chat"),
        Binding("e", "ask('rename')", "Rename", id="chats.rename", tooltip="Rename this chat"),
        Binding("d", "ask('delete')", "Delete", id="chats.delete", tooltip="Put this chat into the trash; u undoes it"),
        Binding(
            "p", "ask('pin')", "Pin", id="chats.pin", tooltip="Keep this chat at the top, or no longer", show=False
        ),
        Binding(
            "x", "ask('archive')", "Archive", id="chats.archive", tooltip="Into the archive, or out of it", show=False
        ),
        Binding("r", "ask('restore')", "Restore", id="chats.restore", tooltip="Back into the list"),
        Binding("E", "ask('empty')", "Empty trash", id="chats.empty", tooltip="Delete what is in the trash for good"),
        Binding(
            "v",
            "next_shelf",
            "Archive and trash",
            id="chats.shelf",
            tooltip="Show the archive, then the trash",
            show=False,
        ),
        Binding("u", "app.undo", "Undo", id="chats.undo", tooltip="Undo the last change"),
        Binding("slash", "filter", "Filter", id="chats.filter", tooltip="Show the chats whose title has these words"),
    ]

    def action_ask(self, what: str) -> None:
        self._list.action_ask(what)

    def action_filter(self) -> None:
        self._list.action_filter()

    def action_next_shelf(self) -> None:
        self._list.show_shelf(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the trash one restores or empties; elsewhere one deletes, pins and archives."""
        if action != "ask" or not isinstance(self.parent, ChatList):
            return True
        shelf = self.parent.shelf
        match parameters[0]:
            case "restore":
                return shelf != "open"
            case "empty":
                return shelf == "trash"
            case "delete" | "archive":
                return shelf != "trash"
            case "pin":
                return shelf == "open"
        return True

    @property
    def _list(self) -> ChatList:
        assert isinstance(self.parent, ChatList)
        return self.parent

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value > old_value:
            self._list.read_more_near_the_end()
        self._list.look_where_it_was_scrolled_to()


class ChatList(Vertical):
    """Chats with their age and a mark where the chat's own model was removed."""

    DEFAULT_CSS = """
    ChatList {
      & > Input { display: none; height: 1; border: none; padding: 0 1; }
      &.-filtering > Input { display: block; }
      & > ChatOptions, & > ChatOptions:focus {
        height: 1fr; border: none; padding: 0; background: transparent; scrollbar-size-vertical: 1;
      }
    }
    """

    class Opened(Message):
        """A chat was chosen."""

        def __init__(self, chat_id: int) -> None:
            super().__init__()
            self.chat_id = chat_id

    class Asked(Message):
        """Something is to be done: ``add``, ``empty``; or with the chat highlighted: ``rename``, ``delete``, ``pin``,
        ``archive``, ``restore``."""

        def __init__(self, what: str, chat_id: int | None) -> None:
            super().__init__()
            self.what = what
            self.chat_id = chat_id

    def __init__(self, store: Store, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._store = store
        self._chats: list[Chat] = []
        self._more = True
        self._words = ""
        self.shelf: Shelf = "open"
        self._current: int | None = None
        self._last: Chat | None = None  # where the next page begins
        self._drawn: Look | None = None
        self._unread = False  # whether something may have changed out of sight that was not read

    def compose(self) -> ComposeResult:
        yield ListFilter("ChatOptions", placeholder="filter by title")
        yield ChatOptions(markup=False)

    @property
    def options(self) -> ChatOptions:
        return self.query_one(ChatOptions)

    def on_mount(self) -> None:
        self.reload()

    def mark(self, chat_id: int | None) -> None:
        """Highlight the chat that is open."""
        self._current = chat_id
        self._highlight(chat_id)

    def neighbour(self, chat_id: int | None, step: int) -> int | None:
        """The chat above (-1) or below (1) this one, where there is one; for a chat that is not listed, the first."""
        ids = [chat.id for chat in self._chats]
        if chat_id not in ids:
            return ids[0] if ids else None
        place = ids.index(chat_id) + step
        if place >= len(ids) and self._more:
            self._read_more()
            ids = [chat.id for chat in self._chats]
        return ids[place] if 0 <= place < len(ids) else None

    def _highlight(self, chat_id: int | None) -> None:
        options = self.options
        if chat_id is None or not any(chat.id == chat_id for chat in self._chats):
            if chat_id is None and not options.has_focus:
                options.highlighted = None
            return
        options.highlighted = options.get_option_index(str(chat_id))

    def reload(self) -> None:
        """Read anew down to a page below what is in sight, and keep the highlight on its chat. Called for whatever
        another window writes: so it draws only what is no longer as it is drawn, and far down a long list it reads
        only what is in sight."""
        kept = self._highlighted_id() if self.options.has_focus else self._current
        if self._is_far_down(kept) and self._sight_is_as_drawn():
            self._unread = True
            return
        self._unread = False
        read = self._read(self._needed(kept))
        position, row = self.options.scroll_offset, self.options.highlighted
        if read != self._chats or self._drawn != self._look():
            self._chats = read
            self._fill()
        self._highlight(kept)
        if self.options.has_focus:
            self._keep_a_row(row or 0)
        self.options.scroll_to(y=position.y, animate=False)

    def _needed(self, kept: int | None) -> int:
        """How many chats the rows in sight and the chat highlighted need, in whole pages."""
        in_sight = round(self.options.scroll_y) + self.options.size.height
        place = next((index for index, chat in enumerate(self._chats) if chat.id == kept), 0)
        return (max(in_sight, place) + NEAR_THE_END + 5) // PAGE * PAGE + PAGE

    def _place(self, chat_id: int | None) -> int | None:
        return next((index for index, chat in enumerate(self._chats) if chat.id == chat_id), None)

    def _is_far_down(self, kept: int | None) -> bool:
        """Whether a whole reading would be long, and nothing asks for it."""
        place = self._place(kept)
        return (kept is None or place is not None) and max(self.options.scroll_y, place or 0) > PAGE

    def _in_sight(self) -> tuple[int, int]:
        """The chats whose rows are in sight: the first, and the one after the last."""
        options = self.options
        top = round(options.scroll_y)
        rows = options.options[top : top + options.size.height]
        ids = [int(row.id) for row in rows if row.id]
        first, last = (self._place(ids[0]), self._place(ids[-1])) if ids else (None, None)
        return (first, last + 1) if first is not None and last is not None else (0, 0)

    def _sight_is_as_drawn(self) -> bool:
        """Whether the rows in sight are what would be drawn there now. Costs the same however far down that is."""
        first, stop = self._in_sight()
        drawn, now = self._chats[first:stop], moment(self._store.now())
        if not drawn or first == 0 or self._drawn is None:
            return False
        *how, minute = self._look()
        *drawn_how, drawn_at = self._drawn
        above = self._chats[first - 1]
        if how != drawn_how or minute.astimezone().date() != drawn_at.astimezone().date() or self._is_apart(above):
            return False
        pinned = sum(map(self._is_apart, self._chats))
        read = self._store.chats.listing(self.shelf, words=self._words, limit=len(drawn) + pinned, after=above)
        if [chat for chat in read if not self._is_apart(chat)][: len(drawn)] != drawn:
            return False
        return all(self.options.get_option(str(chat.id)).prompt == self._row(chat, now) for chat in drawn)

    def look_where_it_was_scrolled_to(self) -> None:
        """What comes into sight is read anew where it may have changed meanwhile."""
        if self._unread:
            self.call_later(self.reload)

    def _look(self) -> Look:
        """What rows are drawn by, beside their chats: they show ages, and fill the width."""
        return self.shelf, self._words, self._width, moment(self._store.now()).replace(second=0, microsecond=0)

    def _keep_a_row(self, row: int) -> None:
        """Where the highlighted chat left the list, the next one is what the keys act on."""
        options = self.options
        if options.highlighted is not None:
            return
        rows = [index for index, option in enumerate(options.options) if not option.disabled]
        if rows:
            options.highlighted = next((index for index in rows if index >= row), rows[-1])

    def _read(self, limit: int, after: Chat | None = None) -> list[Chat]:
        """One page. Pinned chats stand at the top of the open ones, but not in what a filter finds."""
        chats = self._store.chats
        pinned = chats.pinned() if after is None and self._pinned_apart else []
        listed = chats.listing(self.shelf, words=self._words, limit=limit, after=after)
        self._more = len(listed) == limit
        self._last = listed[-1] if listed else None
        return pinned + [chat for chat in listed if not self._is_apart(chat)]

    @property
    def _pinned_apart(self) -> bool:
        return self.shelf == "open" and not self._words

    def _is_apart(self, chat: Chat) -> bool:
        """Whether it stands at the top, whenever it was used."""
        return self._pinned_apart and chat.pinned_at is not None

    def show_shelf(self, shelf: Shelf | None) -> None:
        """The open chats, the archive, or the trash; None: the next of them."""
        shelves: tuple[Shelf, ...] = ("open", "archived", "trash")
        self.shelf = shelf or shelves[(shelves.index(self.shelf) + 1) % len(shelves)]
        self._chats = self._read(PAGE)
        self._fill()
        self._keep_a_row(0)
        self.screen.refresh_bindings()

    def _fill(self) -> None:
        options = self.options
        options.clear_options()
        options.add_options(self._rows(self._chats, None))
        self._drawn = self._look()

    def _rows(self, chats: list[Chat], above: Chat | None) -> list[Option]:
        now = moment(self._store.now())
        heading = self._heading(above, now) if above else None
        rows: list[Option] = []
        if above is None and self.shelf != "open":
            name = "Archive" if self.shelf == "archived" else "Trash"
            rows.append(Option(Content.assemble((f" {name}", "bold"), ("   v shows the next", "dim")), disabled=True))
        for chat in chats:
            here = self._heading(chat, now)
            if here != heading:
                rows.append(Option(Content.styled(f" {here}", "dim"), disabled=True))
                heading = here
            rows.append(Option(self._row(chat, now), id=str(chat.id)))
        if not chats and above is None:
            empty = "No chats yet." if self.shelf == "open" else "Nothing is here."
            if self._words:
                empty = "No chat has these words."
            rows.append(Option(Content.styled(f" {empty}", "dim"), disabled=True))
        return rows

    @staticmethod
    def _heading(chat: Chat, now: datetime) -> str:
        return "Pinned" if chat.pinned_at else day(moment(chat.updated_at), now)

    def _row(self, chat: Chat, now: datetime) -> Content:
        end = "⊘" if chat.model is not None and chat.model.removed else ""
        end = " ".join(part for part in (end, age(moment(chat.updated_at), now)) if part)
        title = Content(one_line(chat.title) or "Untitled")
        room = self._width - len(end)
        title = title.truncate(room, ellipsis=True, pad=True)
        return Content.assemble(" ", title, " ", (end, "dim"))

    @property
    def _width(self) -> int:
        """Cells of a row for the title and what stands at its end."""
        return max(self.size.width or 26, 20) - 5

    def on_resize(self, event: events.Resize) -> None:
        if self._chats:
            self.reload()

    def _highlighted_id(self) -> int | None:
        option = self.options.highlighted_option
        return int(option.id) if option is not None and option.id else None

    @on(OptionList.OptionHighlighted)
    def _near_the_end(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= event.option_list.option_count - NEAR_THE_END:
            self._read_more()

    def read_more_near_the_end(self) -> None:
        """Read on when the list was scrolled, not only when it was moved in."""
        if self.options.max_scroll_y - self.options.scroll_y < NEAR_THE_END:
            self._read_more()

    def _read_more(self) -> None:
        if not self._more or self._last is None:
            return
        above = self._chats[-1] if self._chats else None
        page = self._read(PAGE, after=self._last)
        if page:
            self.options.add_options(self._rows(page, above))
            self._chats += page

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option.id:
            self.post_message(self.Opened(int(event.option.id)))

    def action_ask(self, what: str) -> None:
        chat_id = self._highlighted_id()
        if what in ("add", "empty") or chat_id is not None:
            self.post_message(self.Asked(what, chat_id))

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.query_one(ListFilter).open()

    def action_close_filter(self) -> None:
        """Show all again; the cursor stays on its chat, however far down that stands."""
        kept = self._highlighted_id()
        self.remove_class("-filtering")
        with self.prevent(Input.Changed):
            self.query_one(ListFilter).close()
        self._words = ""
        self._chats = self._read(PAGE)
        self._fill()
        while kept is not None and self._more and all(chat.id != kept for chat in self._chats[:MOST_READ]):
            if len(self._chats) >= MOST_READ:
                break
            self._read_more()
        self._highlight(kept if kept is not None else self._current)
        self._keep_a_row(0)
        self.screen.set_focus(self.options)

    @property
    def filtering(self) -> bool:
        return self.has_class("-filtering")

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._words = event.value
        self._chats = self._read(PAGE)
        self._fill()
        self._keep_a_row(0)

    @on(Input.Submitted)
    def _to_the_list(self, event: Input.Submitted) -> None:
        event.stop()
        self.options.focus()
        if self.options.highlighted is None:
            self.options.action_first()
