"""The two lists of the catalog side by side: providers, and the models of the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from localchat.records import Model, Provider, moment
from localchat.store import Store
from localchat.text import clean, one_line
from localchat.tui.catalog.restoring import WayBack, way_back
from localchat.tui.catalog.rows import State, model_detail, model_rows, provider_detail, provider_rows
from localchat.tui.dialogs.list_filter import ListFilter, matches
from localchat.tui.dialogs.table_list import CatalogList

NO_PROVIDERS = (
    "No providers.\n\na adds one: Ollama, LM Studio, OpenAI, Anthropic, any compatible server, or the model in the box."
)

Side = Literal["providers", "models"]
Vanished = Literal["neighbour"] | None  # where a cursor goes whose row went, as in ``CatalogList.show_rows``


class Pane(Vertical):
    """One list with its heading, its filter, and what it says while there is nothing in it."""

    rows = getters.query_one(CatalogList)
    filter = getters.query_one(ListFilter)

    def compose(self) -> ComposeResult:
        yield Static(classes="heading", markup=False)
        yield ListFilter(f"#{self.id} CatalogList")
        yield Static(classes="empty", markup=False)
        yield CatalogList(click_opens=False)

    def on_mount(self) -> None:
        self.filter.display = False

    def head(self, text: str) -> None:
        self.query_one(".heading", Static).update(Content(one_line(text)))

    def say(self, text: str) -> None:
        """Words below the heading, in place of rows; nothing where there are rows."""
        words = self.query_one(".empty", Static)
        words.update(Content(clean(text)))
        words.display = bool(text)

    def show_filter(self, wanted: bool) -> None:
        """Closing it shows everything again."""
        if wanted:
            self.filter.open()
        else:
            self.screen.set_focus(self.rows)
            self.filter.close()


class CatalogPanes(Container):
    """What the cursors are on is ``provider``, ``removed_provider`` and ``model``; ``side`` tells which list counts.

    ``state`` tells how a provider is doing.
    """

    class Moved(Message):
        """A cursor or the focus moved, or what is under it changed."""

    providers = getters.query_one("#providers", Pane)
    models = getters.query_one("#models", Pane)

    def __init__(self, store: Store, state: Callable[[Provider], State]) -> None:
        super().__init__()
        self._store = store
        self._state = state
        self._providers: list[Provider] = []
        self._models: dict[str, Model] = {}
        self._used: dict[int, int] = {}
        self._recorded: frozenset[int] = frozenset()
        self._of: str | None = None  # the provider whose models are shown
        self._way = WayBack()  # from what is removed under the cursor
        self._gone = ""  # what was under the cursor until another program took it away

    def compose(self) -> ComposeResult:
        yield Pane(id="providers")
        yield Pane(id="models")

    @property
    def there(self) -> bool:
        """Whether both lists are: not before they are composed, nor once the screen closes."""
        return len(self.query(CatalogList)) == 2

    # What is shown

    def reload(self) -> None:
        """Read anew; the cursors stay where they are, or go to the row that took the place."""
        self._read("neighbour")

    def follow(self) -> None:
        """Read anew what another program changed. A cursor whose row went stands on nothing: no key must act on what
        nobody chose."""
        provider, model = self.name_selected, self.model
        self._read(None)
        if self.providers.rows.lost and provider is not None:
            self._gone = provider
        elif self.models.rows.lost and model is not None:
            self._gone = model.model
        self._tell_moved()

    def _read(self, vanished: Vanished) -> None:
        catalog = self._store.catalog
        self._providers = catalog.providers()
        self._used = catalog.use_counts()
        words = self.providers.filter.words
        shown = [provider for provider in self._providers if matches(provider.name, words)]
        there = {provider.name for provider in self._providers}
        gone = dict.fromkeys((name for name in catalog.removed_providers() if matches(name, words)), 0)
        for model in catalog.models(removed=True):
            if model.provider not in there and matches(model.provider, words):
                gone[model.provider] = gone.get(model.provider, 0) + 1
        self._recorded = self._store.recordings.recorded()
        rows = provider_rows(shown, catalog.models(), gone, {p.id: self._state(p) for p in shown}, self._recorded)
        default = catalog.default()
        holder = next((f"p{p.id}" for p in shown if default and p.name == default.provider), None)
        self.providers.head("Providers")
        nothing = _no_match(words) if words else "" if self._providers else NO_PROVIDERS
        self.providers.say("" if shown or (words and rows) else nothing)
        self.providers.rows.show_rows(rows, prefer=holder, vanished=vanished)
        self._show_models(vanished)

    def _show_models(self, vanished: Vanished = "neighbour") -> None:
        catalog = self._store.catalog
        provider, name = self.provider, self.name_selected
        if name != self._of:
            self.models.rows.find_again()
            self._of, vanished = name, "neighbour"
        words = self.models.filter.words
        live = catalog.models(name) if provider is not None else []
        removed = catalog.models(name, removed=True) if name is not None else []
        live, removed = ([m for m in some if matches(m.model, words)] for some in (live, removed))
        self._models = {f"m{m.id}": m for m in live} | {f"t{m.id}": m for m in removed}
        self.models.head(f"Models of {name}" if name else "Models")
        nothing = _no_match(words) if words else _no_models(provider)
        self.models.say("" if live or (words and removed) else nothing)
        rows = model_rows(live, removed, self._used, moment(self._store.now()))
        self.models.rows.show_rows(rows, vanished=vanished)
        self._tell_moved()

    @on(OptionList.OptionHighlighted, "#providers CatalogList")
    def _provider_chosen(self) -> None:
        self._show_models()

    @on(OptionList.OptionHighlighted, "#models CatalogList")
    @on(DescendantFocus)
    def _tell_moved(self) -> None:
        """What ``r`` would do is read here: it does what the person sees, or asks."""
        if len(self.query(CatalogList)) < 2:  # the focus moves once more while the screen goes
            return
        provider = self.removed_provider if self.side == "providers" else None
        removed = self.tombstones
        self._way = way_back(self._store.catalog, provider, removed) if removed or provider else WayBack()
        self.post_message(self.Moved())

    @on(Input.Changed)
    def _filtered(self) -> None:
        self.reload()

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        self.pane.rows.focus()

    # What the cursors are on

    @property
    def side(self) -> Side:
        focused = self.screen.focused
        return "models" if focused is not None and self.models in focused.ancestors else "providers"

    @property
    def pane(self) -> Pane:
        return self.models if self.side == "models" else self.providers

    @property
    def provider(self) -> Provider | None:
        """The live provider under the cursor of its list."""
        row = self.providers.rows.row_id
        return next((p for p in self._providers if f"p{p.id}" == row), None)

    @property
    def removed_provider(self) -> str | None:
        """The name of the removed provider under the cursor."""
        row = self.providers.rows.row_id
        return row[1:] if row is not None and row.startswith("g") else None

    @property
    def name_selected(self) -> str | None:
        return self.provider.name if self.provider is not None else self.removed_provider

    @property
    def model(self) -> Model | None:
        """The model under the cursor, live or removed."""
        return self._models.get(self.models.rows.row_id or "")

    @property
    def tombstones(self) -> list[Model]:
        """The removed models that the cursor stands for: one, or all those of a removed provider."""
        if self.side == "models":
            return [self.model] if self.model is not None and self.model.removed else []
        return [] if self.removed_provider is None else [m for m in self._models.values() if m.removed]

    @property
    def way_back(self) -> WayBack:
        """From what is removed under the cursor, as it is shown."""
        return self._way

    def uses(self, models: list[Model]) -> int:
        """How many chats have one of them as their own model."""
        return sum(self._used.get(model.id, 0) for model in models)

    def detail(self) -> str:
        """One line on what the cursor is on, or why it is on nothing."""
        if self.providers.rows.lost or (self.side == "models" and self.models.rows.lost):
            return f"{one_line(self._gone, 60)} went from here in another window. Nothing is chosen."
        if self.side == "models" and self.model is not None and self.model.removed:
            return self._way.words(one_line(self.model.model, 40), chats=self.uses([self.model]) > 0)
        if self.side == "models" and self.model is not None:
            return model_detail(self.model)
        if self.provider is not None:
            return provider_detail(self.provider, self._state(self.provider), self.provider.id in self._recorded)
        if self.removed_provider is not None:
            return self._way.words(self.removed_provider, chats=self.uses(self.tombstones) > 0)
        return ""

    # Moving

    def go_to(self, side: Side) -> None:
        """Put the focus on that list."""
        (self.models if side == "models" else self.providers).rows.focus()

    def select(self, provider: Provider | None = None, model: Model | None = None) -> None:
        """Put the cursors on these, where they are there."""
        if provider is not None:
            self.providers.rows.go_to(f"p{provider.id}")
            self._show_models()
        if model is not None:
            self.models.rows.go_to(f"m{model.id}")


def _no_match(words: list[str]) -> str:
    return f"Nothing matches “{' '.join(words)}”. escape clears the filter." if words else ""


def _no_models(provider: Provider | None) -> str:
    if provider is None:
        return ""
    if provider.kind == "embedded":
        return "No models yet.\n\na adds smollm2, the small one in the box, or a GGUF file of yours."
    return f"No models yet.\n\nD asks {provider.name} what it has, a adds one by its name."
