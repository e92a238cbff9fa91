"""Find in all chats, or in the open one: as one types, the newest first; enter goes to the place.

Each search runs in a thread with a connection of its own and is cancelled by the next one. What comes in late for a
search that nobody waits for any more is dropped by its number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList

from localchat.errors import InvalidInput, LocalChatError, NotFound, Remedy, Way
from localchat.records import Chat, Role, moment, stamp
from localchat.store.search.query_text import terms_of
from localchat.store.search.search import PAGE, Answered, Cancelled, Found, Hit, Query, Search
from localchat.text import count, one_line
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.list_filter import ListFilter
from localchat.tui.remedies import SEARCH
from localchat.tui.search.hit_list import HitList
from localchat.tui.shell import Shell

PAUSE = 0.06  # seconds without a key until the search begins: shorter than a pause one notices
WHO: tuple[tuple[Role | None, str], ...] = ((None, "anyone"), ("user", "only you"), ("assistant", "only models"))
WHEN: tuple[tuple[int | None, str], ...] = (
    (None, "any time"),
    (1, "the last 24 hours"),
    (7, "the last 7 days"),
    (30, "the last 30 days"),
    (365, "the last year"),
)
HELP = """Type words: messages and titles with all of them are found, the newest first.

  lock            also locks and locked
  "begin now"     these words next to each other
  锁              any part of a text without spaces"""


class SearchLine(ListFilter):
    """The line that is searched for. Keys that an input or the focus would take are commands here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "screen.jump", "Open", id="search.open", tooltip="Open the chat at this message", priority=True
        ),
        Binding(
            "tab,ctrl+f",
            "screen.cycle_scope",
            "This chat",
            key_display="tab",
            id="search.scope",
            tooltip="Search all chats, or only the open one",
            priority=True,
        ),
        Binding("f4", "screen.cycle_who", "Who", id="search.who", tooltip="Only you, only models, anyone"),
        Binding("f5", "screen.cycle_when", "When", id="search.when", tooltip="Only the last day, week, month, year"),
        Binding("f6", "screen.cycle_model", "Model", id="search.model", tooltip="Only one model, removed ones too"),
        Binding("f7", "screen.clear_filters", "All", id="search.all", tooltip="Search everything again"),
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched, as a person set it: places in WHO and WHEN, and in the list of models (0: any)."""

    text: str = ""
    here: bool = False
    who: int = 0
    when: int = 0
    model: int = 0


class SearchScreen(Dialog[tuple[int, int] | None]):
    """The chat and the depth of the message to go to, or None.

    ``chat_id``: the open chat; ``here``: begin with searching only that one. A message on another line of its chat
    (another version of a reply) makes that line the chat's current one before this closes.
    """

    CSS_PATH = ["../dialogs/dialog.tcss", "screen.tcss"]
    remedies = SEARCH

    class Came(Message):
        """Hits of the search with that number; ``more``: they go below those that are shown."""

        def __init__(self, number: int, titles: tuple[Hit, ...], found: Found, *, more: bool) -> None:
            super().__init__()
            self.number = number
            self.titles = titles
            self.found = found
            self.more = more

    class Failed(Message):
        def __init__(self, number: int, error: LocalChatError) -> None:
            super().__init__()
            self.number = number
            self.error = error

    def __init__(self, shell: Shell, chat_id: int | None = None, *, here: bool = False) -> None:
        super().__init__("Search")
        self._store = shell.store
        self._chat_id = chat_id
        self._asked = Asked(here=here and chat_id is not None)
        self._models: list[Answered] = []
        self._number = 0  # of the search that is waited for
        self._shown = 0  # of the search whose hits are shown
        self._going = False  # enter was pressed before they were
        self._looking: Search | None = None
        self._pause: Timer | None = None
        self._told = ""  # the count that is shown
        self._complete = True  # what was asked for is all here
        self._more = False  # there may be older hits

    def body(self) -> ComposeResult:
        line = SearchLine("#hits", id="words")
        line.placeholder = "Search"
        yield line
        with Horizontal(id="scope"):
            yield Words(id="filters")
            yield Words(id="count")
        yield HitList(id="hits")
        yield Words(HELP, id="empty", classes="hint")
        yield Trouble()

    def on_mount(self) -> None:
        self.hits.can_focus = False
        self.hits.display = False
        self.watch(self.hits, "scroll_y", self._read_on, init=False)
        if self.app.still:
            self.query_one(SearchLine).cursor_blink = False
        self._say_filters()

    def on_unmount(self) -> None:
        self._cancel()

    @property
    def hits(self) -> HitList:
        return self.query_one(HitList)

    @property
    def settled(self) -> bool:
        """Whether all that was asked for is here."""
        return self._complete and self._pause is None

    @property
    def words(self) -> str:
        """What matched in the hit under the cursor, as its text has it; empty for a title."""
        hit = self.hits.hit
        if hit is None or hit.message_id is None:
            return ""
        return " ".join(dict.fromkeys(hit.snippet[start:end] for start, end in hit.matches))

    # What is asked

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._ask(replace(self._asked, text=event.value), PAUSE)

    def action_cycle_scope(self) -> None:
        if self._chat_id is not None:
            self._ask(replace(self._asked, here=not self._asked.here))

    def action_cycle_who(self) -> None:
        self._ask(replace(self._asked, who=(self._asked.who + 1) % len(WHO)))

    def action_cycle_when(self) -> None:
        self._ask(replace(self._asked, when=(self._asked.when + 1) % len(WHEN)))

    def action_cycle_model(self) -> None:
        if not self._models:
            self._models = self._store.search.answered()
        self._ask(replace(self._asked, model=(self._asked.model + 1) % (len(self._models) + 1)))

    def action_clear_filters(self) -> None:
        self._ask(Asked(self._asked.text))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cycle_scope":
            return self._chat_id is not None
        return self._narrowed if action == "clear_filters" else True

    @property
    def _narrowed(self) -> bool:
        """Whether anything is left out."""
        return self._asked != Asked(self._asked.text)

    def _ask(self, asked: Asked, pause: float = 0.0) -> None:
        """Search for this from now on; what is shown stays until something newer is there."""
        if asked == self._asked:
            return
        filters_changed = replace(asked, text="") != replace(self._asked, text="")
        self._asked = asked
        self._cancel()
        if self.query_one(Trouble).display:
            self.query_one(Trouble).clear()
        if filters_changed:
            self._say_filters()
            self.refresh_bindings()
        if not terms_of(asked.text):
            self._complete, self._more = True, False
            self._show((), Found((), True))
        elif pause:
            self._pause = self.set_timer(pause, self._begin)
        else:
            self._begin()

    def _cancel(self) -> None:
        self._number += 1
        self._going = False
        if self._pause is not None:
            self._pause.stop()
            self._pause = None
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _query(self) -> Query:
        asked = self._asked
        days = WHEN[asked.when][0]
        now = moment(self._store.now())
        return Query(
            asked.text,
            role=WHO[asked.who][0],
            models=self._models[asked.model - 1].ids if asked.model else None,
            since=None if days is None else stamp(now - timedelta(days=days)),
            chat_id=self._chat_id if asked.here else None,
        )

    # Searching, in a thread

    def _begin(self) -> None:
        self._pause = None
        self._complete = False
        self._look(self._number, self._query())

    def _read_on(self) -> None:
        """Read the next page where the end comes near."""
        last = self.hits.hits[-1].message_id if self.hits.hits else None
        if self._complete and self._more and last is not None and self.hits.near_the_end:
            self._complete = False
            self._look(self._number, self._query(), last)

    @work(thread=True, group="search", exit_on_error=True)
    def _look(self, number: int, query: Query, after: int | None = None) -> None:
        try:
            with Search.opened(self._store.path) as search:
                if number != self._number:
                    return
                self._looking = search
                titles = search.titles(query) if after is None else ()
                for found in search.progress(query, after=after):
                    self.post_message(self.Came(number, titles, found, more=after is not None))
        except Cancelled:
            pass
        except LocalChatError as error:
            self.post_message(self.Failed(number, error))

    @on(Came)
    def _came(self, event: Came) -> None:
        if event.number != self._number:
            return
        if event.more:
            if not event.found.complete:
                return  # pages further down come whole
            self.hits.add_hits(event.found.hits, self._now())
        elif event.found.complete or event.found.hits or event.titles:
            self._show(event.titles, event.found)
        self._complete = event.found.complete
        self._more = len(event.found.hits) == PAGE
        self._say_count()
        self._read_on()
        if self._going and self._shown == self._number:
            self._going = False
            self.action_jump()

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        if event.number == self._number:
            self._complete, self._more, self._going = True, False, False
            self._show((), Found((), True))  # what was there belongs to another search
            self.query_one("#empty", Words).say("")
            self.query_one(Trouble).report(event.error)

    # What is shown

    def _now(self) -> datetime:
        return moment(self._store.now())

    def _show(self, titles: tuple[Hit, ...], found: Found) -> None:
        hits = (*titles, *found.hits)
        self._shown = self._number
        self.hits.show_hits(hits, self._now())
        empty = self.query_one("#empty", Words)
        self.hits.display = bool(hits)
        if not hits or empty.display:
            empty.say("" if hits else self._nothing())
        self._say_count()

    def _nothing(self) -> str:
        """Why there is nothing, and what to do."""
        text = self._asked.text.strip()
        if not text:
            return HELP
        if not terms_of(text):
            return f"“{one_line(text, 40)}” has nothing to search for. Type a word, a letter or a digit."
        if self._narrowed:
            return f"Nothing here has all of “{one_line(text, 60)}”. f7 searches everything."
        return f"Nothing has all of “{one_line(text, 60)}”. Try fewer words, or only their beginnings."

    def _say_filters(self) -> None:
        asked = self._asked
        model = "any model"
        if asked.model:
            name = self._models[asked.model - 1]
            model = f"only {one_line(name.ref, 40)}{' removed' if name.removed else ''}"
        scope = "this chat" if asked.here else "all chats"
        self.query_one("#filters", Words).say(" · ".join((scope, WHO[asked.who][1], WHEN[asked.when][1], model)))

    def _say_count(self) -> None:
        number = len(self.hits.hits)
        if not self._complete:
            told = f"{number} so far" if number else "searching"
        elif self._more:
            told = f"the newest {number}"
        else:
            told = count(number, "hit") if number else ""
        if told != self._told:  # each change lays out the line anew
            self._told = told
            self.query_one("#count", Words).say(told)

    # Going there

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._read_on()

    @on(OptionList.OptionSelected)
    def action_jump(self) -> None:
        """Open the hit under the cursor, unless its chat went meanwhile; where the hits of what was typed last are not
        here yet, the first of those."""
        if self._shown != self._number:
            self._going = True
            return
        if self.hits.hit is not None:
            self._jump(self.hits.hit)

    @work(exclusive=True, group="jump")
    async def _jump(self, hit: Hit) -> None:
        try:
            chat = self._store.chats.get(hit.chat_id)
            if chat.deleted_at is not None:
                raise NotFound("This chat was deleted meanwhile.", "", remedy=Remedy(Way.RESTORE_CHAT))
            depth = max(chat.length - 1, 0) if hit.message_id is None else await self._brought_up(chat, hit)
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
        else:
            self.dismiss((hit.chat_id, depth))

    async def _brought_up(self, chat: Chat, hit: Hit) -> int:
        """The depth of the message, on the chat's current line. Raises NotFound, InvalidInput, StoreBusy."""
        assert hit.message_id is not None
        assert chat.leaf_id is not None, "a chat with a message has a leaf"
        message = self._store.messages.get(hit.message_id)
        here = self._store.messages.line(chat, message.depth, message.depth + 1)
        if not here or here[0].id != message.id:
            if self._store.messages.get(chat.leaf_id).status == "streaming":
                raise InvalidInput(
                    "This is another version, and a reply is coming in its chat.", "Stop that one first."
                )
            leaf = self._store.messages.newest_leaf(message.id)
            await self.app.written("show another version", lambda: self._store.chats.set_leaf(chat.id, leaf))
            self.app.chats_changed()
        return message.depth
