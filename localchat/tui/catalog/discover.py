"""Ask a provider for its models and add the chosen ones."""

from __future__ import annotations

from time import monotonic
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from localchat.errors import LocalChatError
from localchat.records import Model, Provider, RemoteModel
from localchat.text import count
from localchat.tui.catalog.reachability import models_of, note_offers
from localchat.tui.catalog.words import context_words, host_of, names
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.list_filter import ListFilter, matches
from localchat.tui.dialogs.table_list import QUIET, CatalogList, Cell, Row
from localchat.tui.remedies import DISCOVER, Place
from localchat.tui.toasts import tell
from localchat.wording import alike_words, twice_words

SPINNER = "⣾⣽⣻⢿⡿⣟⣯⣷"
MOST_SHOWN = 1000  # rows; who offers more is filtered


class DiscoverDialog(Dialog[list[Model] | None]):
    """The models that were added, or None. Nothing is added before the person says so."""

    CSS_PATH = ["../dialogs/dialog.tcss", "discover.tcss"]
    AUTO_FOCUS = ""  # nothing to type or choose before the answer is there
    remedies: ClassVar[Place] = DISCOVER
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "Add", id="discover.add", tooltip="Add what is ticked, or this one", priority=True),
        Binding("space", "tick", "Tick", id="discover.tick", tooltip="Choose this one, or not"),
        Binding("ctrl+a", "tick_all", "All", id="discover.all", tooltip="Choose all that are shown", priority=True),
        Binding("slash", "filter", "Filter", key_display="/", id="discover.filter", tooltip="Filter the list"),
        Binding("r", "ask", "Ask again", id="discover.again", tooltip="Ask the provider again"),
    ]

    def __init__(self, provider: Provider) -> None:
        super().__init__(f"Models of {provider.name}")
        self._provider = provider
        self._offered: list[RemoteModel] | None = None
        self._ticked: set[str] = set()

    def body(self) -> ComposeResult:
        yield Words(id="progress", classes="hint")
        yield ListFilter("#offered", id="filter")
        yield CatalogList(id="offered")
        yield Words(id="chosen", classes="hint")
        yield Trouble()

    def on_mount(self) -> None:
        self.query_one("#filter").display = False
        self.query_one("#offered").display = False
        self.watch(self.app, "catalog_version", self._show, init=False)
        self.action_ask()

    # Asking

    @work(group="ask", exclusive=True)
    async def action_ask(self) -> None:
        """The escape key closes this and with it stops the question."""
        self.query_one(Trouble).clear()
        began = monotonic()
        spinner = self.set_interval(1 / 8, lambda: self._tell_progress(monotonic() - began))
        self._tell_progress(0)
        try:
            offered = await models_of(self.app, self._provider)
        except LocalChatError as error:
            self._asked()
            self.query_one(Trouble).report(error)
        else:
            self._asked()
            note_offers(self.app, self._provider, offered)
            from localchat.providers.listing import once_each

            self._offered = once_each(offered)
            self._show()
            self.query_one("#offered").focus()
        finally:
            spinner.stop()

    def _asked(self) -> None:
        self.query_one("#progress", Words).say("")
        self.refresh_bindings()

    def _tell_progress(self, seconds: float) -> None:
        where = host_of(self._provider.base_url) or self._provider.name
        mark = "…" if self.app.still else SPINNER[int(seconds * 8) % len(SPINNER)]
        long = f" {seconds:.0f} s," if seconds >= 2 and not self.app.still else ""
        self.query_one("#progress", Words).say(f"{mark} Asking {where} for its models …{long} escape stops.")

    # What is shown

    def _there(self) -> set[str]:
        return {model.model for model in self.app.store.catalog.models(self._provider.name)}

    def _removed(self) -> dict[int, str]:
        """The removed models of this very provider, by id: added again they come back, with their chats."""
        graves = self.app.store.catalog.models(self._provider.name, removed=True)
        return {model.id: model.model for model in graves if model.provider_id == self._provider.id}

    @on(Input.Changed)
    def _show(self) -> None:
        if self._offered is None:
            return
        there, words = self._there(), self.query_one(ListFilter).words
        removed = set(self._removed().values())
        self._ticked -= there
        found = [model for model in self._offered if matches(model.name, words)]
        shown = found[:MOST_SHOWN]
        rows = [
            Row(
                model.name,
                (
                    Cell("[✓]" if model.name in self._ticked else "   " if model.name in there else "[ ]"),
                    Cell(model.name),
                    Cell(context_words(model.context), QUIET),
                    Cell(
                        "added already" if model.name in there else "comes back" if model.name in removed else "", QUIET
                    ),
                ),
                disabled=model.name in there,
            )
            for model in shown
        ]
        offered = self.query_one("#offered", CatalogList)
        offered.display = bool(rows)
        offered.show_rows(rows)
        self.query_one("#chosen", Words).say(self._chosen_words(len(shown), len(found) - len(shown)))
        self.refresh_bindings()

    def _chosen_words(self, shown: int, more: int) -> str:
        if not self._offered:
            return f"{self._provider.name} offers no models. escape closes; a in the list of models adds one by name."
        if not shown:
            return "Nothing matches. escape clears the filter."
        if not self._ticked and (twice := twice_words(self._offered)):
            return twice
        if more and not self._ticked:
            return f"{shown:,} are shown, {more:,} more match. / filters them."
        if not self._ticked:
            return "space ticks a model, enter adds what is ticked, or the one under the cursor."
        return f"{count(len(self._ticked), 'model')} ticked. enter adds {'it' if len(self._ticked) == 1 else 'them'}."

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("add", "tick", "tick_all", "filter"):
            return bool(self._offered)
        return True

    # Choosing

    @on(OptionList.OptionSelected)
    def action_tick(self) -> None:
        """Also by mouse."""
        row = self.query_one("#offered", CatalogList).row_id
        if row is not None:
            self._ticked ^= {row}
            self._show()

    def action_tick_all(self) -> None:
        """All that the filter shows; where they are ticked already, none of them."""
        words, there = self.query_one(ListFilter).words, self._there()
        found = [model.name for model in self._offered or [] if matches(model.name, words)]
        shown = set(found[:MOST_SHOWN]) - there
        self._ticked = self._ticked - shown if shown <= self._ticked else self._ticked | shown
        self._show()

    def action_filter(self) -> None:
        self.query_one(ListFilter).open()

    def action_close(self) -> None:
        line = self.query_one(ListFilter)
        if line.display:
            line.close()
            self.set_focus(self.query_one("#offered"))
        else:
            self.dismiss(None)

    @work(group="add", exclusive=True)
    async def action_add(self) -> None:
        """From the filter, enter goes to the list first, so that a search is not an addition by accident."""
        offered = self.query_one("#offered", CatalogList)
        if self.focused is self.query_one(ListFilter) and not self._ticked:
            offered.focus()
            return
        wanted = self._ticked or ({offered.row_id} if offered.row_id is not None else set())
        chosen = [(model.name, model.context) for model in self._offered or [] if model.name in wanted]
        if not chosen or self.app.screen is not self:
            return
        catalog, removed = self.app.store.catalog, self._removed()
        try:
            added = await self.app.written(
                f"add models of {self._provider.name}",
                lambda: catalog.add_models(self._provider.name, chosen, shown=self._provider.id),
            )
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
            return
        self.app.catalog_changed()
        told = _added_words(self._provider, added, [model for model in added if model.id in removed])
        alike = alike_words((name for name, _ in chosen), self._there())
        tell(self.app, f"{told} {alike}".strip())
        self.dismiss(added)


def _added_words(provider: Provider, added: list[Model], revived: list[Model]) -> str:
    if not revived:
        return f"Added {count(len(added), 'model')} of {provider.name}."
    back = f"{names(revived)} {'is' if len(revived) == 1 else 'are'} back."
    new = len(added) - len(revived)
    return f"Added {count(new, 'model')} of {provider.name}; {back}" if new else back
