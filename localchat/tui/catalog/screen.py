"""Providers and models: both lists, what was removed, and everything one does with them."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static

from localchat.errors import Way
from localchat.records import Model, Provider
from localchat.text import count, one_line
from localchat.tui.catalog import actions as flows
from localchat.tui.catalog.panes import CatalogPanes, Side
from localchat.tui.catalog.reachability import Reachability, note_offers
from localchat.tui.catalog.restoring import restore
from localchat.tui.catalog.words import default_words
from localchat.tui.footer import KeyBar
from localchat.tui.remedies import CATALOG, Place
from localchat.tui.shell import Shell
from localchat.tui.toasts import reporting, tell
from localchat.tui.top_bar import TopBar
from localchat.wording import recording_words

NARROW = 100  # columns; below, the lists stand one above the other


class ProvidersScreen(Screen[None]):
    """Whatever the cursor is on is what the keys act on; what does not apply there is not in the footer."""

    CSS_PATH = "screen.tcss"
    AUTO_FOCUS = "#providers CatalogList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]
    remedies: ClassVar[Place] = CATALOG
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "Add", id="catalog.add", tooltip="Add a provider; in the list of models, add a model"),
        Binding("e", "edit", "Edit", id="catalog.edit", tooltip="Edit what the cursor is on"),
        Binding("d", "remove", "Delete", id="catalog.delete", tooltip="Remove it; first you see what goes"),
        Binding("space", "switch", "On/off", id="catalog.switch", tooltip="Switch it on or off"),
        Binding(
            "asterisk",
            "make_default",
            "Default",
            key_display="*",
            id="catalog.default",
            tooltip="New chats use this model, and it stands in for removed ones; on the default: another takes over",
        ),
        Binding("r", "restore", "Restore", id="catalog.restore", tooltip="Bring back what was removed"),
        Binding("m", "move_chats", "Move chats", id="catalog.move", tooltip="Give its chats another model for good"),
        Binding("D", "discover", "Discover", id="catalog.discover", tooltip="Ask the provider which models it has"),
        Binding("t", "test", "Test", id="catalog.test", tooltip="Ask the provider whether it answers"),
        Binding(
            "R",
            "record",
            "Record",
            show=False,
            id="catalog.record",
            tooltip="Keep how its replies come, delta by delta, for replay; again: no more",
        ),
        Binding("u", "undo", "Undo", id="catalog.undo", tooltip="Undo the last change"),
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            show=False,
            id="catalog.filter",
            tooltip="Filter this list",
        ),
        Binding(
            "h",
            "history",
            "History",
            show=False,
            id="catalog.history",
            tooltip="What happened to providers and models, and why the default is what it is",
        ),
        Binding("escape", "back", "Back", key_display="esc", id="catalog.back", tooltip="Close the filter, then this"),
        Binding("left", "go_to('providers')", "Providers", show=False, id="catalog.left", tooltip="To the providers"),
        Binding("right", "go_to('models')", "Models", show=False, id="catalog.right", tooltip="To the models"),
    ]

    app = getters.app(Shell)

    def compose(self) -> ComposeResult:
        self._applied: list[bool | None] = []
        self.reach = Reachability(self.app, self._reached)
        self.panes = CatalogPanes(self.app.store, self.reach.state)
        yield TopBar()
        yield self.panes
        yield Static(id="detail", markup=False)
        yield KeyBar(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(TopBar).title = "Providers and models"
        self.watch(self.app, "default_model", self._default_changed)
        self.watch(self.app, "catalog_version", self._catalog_changed)
        self.watch(self.app, "chats_version", self.panes.reload, init=False)

    def _default_changed(self) -> None:
        self.query_one(TopBar).model = self.app.default_model

    def _catalog_changed(self) -> None:
        if self.app.catalog_changed_elsewhere:
            self.panes.follow()
        else:
            self.panes.reload()
        self._look_around()

    def _reached(self) -> None:
        if self.is_mounted:
            self.panes.reload()

    @work(group="look around", exclusive=True)
    async def _look_around(self) -> None:
        """Whether keys are there, and whether servers on this machine answer. Nothing leaves this machine unasked."""
        await self.reach.look_around(self.app.store.catalog.providers())

    @on(CatalogPanes.Moved)
    def _tell_detail(self) -> None:
        self.query_one("#detail", Static).update(Content(one_line(self.panes.detail())))
        self._renew_footer()

    def _renew_footer(self) -> None:
        """Only where something else applies now: composing the footer costs more than drawing the lists."""
        bindings = [binding for binding in self.BINDINGS if isinstance(binding, Binding)]
        applies = [self.check_action(binding.action, ()) for binding in bindings]
        if applies != self._applied:
            self._applied = applies
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer shows what applies to what the cursor is on."""
        if not self.is_mounted or not self.panes.there:
            return True
        panes = self.panes
        provider, in_models = panes.provider, panes.side == "models"
        model = panes.model if in_models and panes.model is not None and not panes.model.removed else None
        match action:
            case "edit" | "remove" | "switch":
                return model is not None if in_models else provider is not None
            case "make_default":
                return model is not None
            case "restore":
                return panes.way_back.by_key
            case "move_chats":
                return panes.uses(panes.tombstones) > 0
            case "add":
                return provider is not None or not in_models
            case "discover" | "test" | "record":
                return provider is not None
            case "undo":
                return bool(self.app.undos.label)
        return True

    # Moving

    def action_back(self) -> None:
        """Close the filter that is open, else this screen."""
        for pane in (self.panes.pane, self.panes.providers, self.panes.models):
            if pane.filter.display:
                pane.show_filter(False)
                return
        if self.app.screen is self:  # a key that repeats comes once more after it has gone
            self.dismiss()

    def action_go_to(self, side: Side) -> None:
        self.panes.go_to(side)

    def action_filter(self) -> None:
        self.panes.pane.show_filter(True)

    @on(OptionList.OptionSelected, "#providers CatalogList")
    def _open_provider(self) -> None:
        self.panes.go_to("models")

    @on(OptionList.OptionSelected, "#models CatalogList")
    def _open_model(self) -> None:
        if self.panes.model is not None and not self.panes.model.removed:
            self.action_edit()

    # Changing. Each is a worker, because it may ask first; none begins while one asks. None cancels another: between
    # a write and its undo there must be no gap.

    @work(group="catalog")
    async def action_add(self) -> None:
        if not self.is_active:
            return
        provider = self.panes.provider
        if self.panes.side == "providers":
            self._show(await flows.add_provider(self.app))
        elif provider is not None:
            self._show(provider, await flows.add_model(self.app, provider))

    @work(group="catalog")
    async def action_edit(self) -> None:
        if not self.is_active:
            return
        if self.panes.side == "providers":
            await flows.edit_provider(self.app, self.panes.provider)
        else:
            await flows.edit_model(self.app, self.panes.provider, self.panes.model)

    @work(group="catalog")
    async def action_remove(self) -> None:
        if not self.is_active:
            return
        with reporting(self.app):
            if self.panes.side == "models" and self.panes.model is not None:
                await flows.remove_model(self.app, self.panes.model)
            elif self.panes.side == "providers" and self.panes.provider is not None:
                await flows.remove_provider(self.app, self.panes.provider)

    @work(group="catalog")
    async def action_switch(self) -> None:
        """On or off, and what that did to the default."""
        provider, model = self.panes.provider, self.panes.model
        catalog = self.app.store.catalog
        with reporting(self.app):
            if self.panes.side == "models" and model is not None:
                name, on_now = model.model, not model.enabled
                change = await self.app.written("switch it", lambda: catalog.switch_model(model.id, on_now))
            elif self.panes.side == "providers" and provider is not None:
                name, on_now = provider.name, not provider.enabled
                change = await self.app.written("switch it", lambda: catalog.switch_provider(provider.id, on_now))
            else:
                return
            self.app.catalog_changed()
            self.app.undos.tell(f"Switched {'on' if on_now else 'off'} {name}. {default_words(change)}".strip())

    @work(group="catalog")
    async def action_make_default(self) -> None:
        model = self.panes.model
        if model is None:
            return
        catalog = self.app.store.catalog
        choose = catalog.demote_default if model.is_default else catalog.make_default
        with reporting(self.app):
            change = await self.app.written("choose the default", lambda: choose(model.id))
            self.app.catalog_changed()
            if change.changed:
                self.app.undos.tell(default_words(change))
            else:
                tell(self.app, default_words(change) or f"{model.model} is the default already.")

    @work(group="catalog")
    async def action_restore(self) -> None:
        if not self.is_active:
            return
        way = self.panes.way_back
        with reporting(self.app):
            if way.remedy is not None and way.remedy.way is Way.TAKE_OVER:
                self._show(await flows.add_provider(self.app, way.remedy.subject))
            else:
                self._show(await restore(self.app, way))

    @work(group="catalog")
    async def action_move_chats(self) -> None:
        if not self.is_active:
            return
        with reporting(self.app):
            await flows.move_chats(self.app, self.panes.tombstones)

    @work(group="undo")
    async def action_undo(self) -> None:
        await self.app.undos.undo_newest()
        self._renew_footer()

    # Asking the provider

    @work(group="catalog")
    async def action_discover(self) -> None:
        if not self.is_active:
            return
        provider = self.panes.provider
        if provider is not None:
            self._show(provider, await flows.discover(self.app, provider))

    @work(group="test", exclusive=True)
    async def action_test(self) -> None:
        provider = self.panes.provider
        if provider is None:
            return
        with reporting(self.app):
            models = await self.reach.ask(provider)
            note_offers(self.app, provider, models)
            tell(self.app, f"{provider.name} answers: {count(len(models), 'model')}.")

    def action_record(self) -> None:
        """Record what it streams from the next reply on, or no more. It changes nothing of who answers: nothing to
        undo."""
        provider, recordings = self.panes.provider, self.app.store.recordings
        if provider is None:
            return
        on = not recordings.wanted(provider.id)

        def told(_: None) -> None:
            self._reached()
            tell(self.app, recording_words(provider.name, on))

        self.app.write("switch the recording", lambda: recordings.switch(provider.id, on), told)

    def action_history(self) -> None:
        from localchat.tui.catalog.history import HistoryScreen

        self.app.push_screen(HistoryScreen())

    def _show(self, provider: Provider | None, models: list[Model] | None = None) -> None:
        """Put the cursor on what was just made."""
        if provider is not None and self.is_mounted:
            self.panes.reload()
            self.panes.select(provider, models[0] if models else None)
