"""Choose the model that answers: the usable ones to choose from, the others with the reason why not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from localchat.errors import LocalChatError
from localchat.records import Model, Provider
from localchat.tui.catalog.words import context_words, default_words, place_words
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.dialogs.list_filter import ListFilter, matches
from localchat.tui.dialogs.table_list import QUIET, CatalogList, Cell, Heading, Row
from localchat.tui.toasts import tell
from localchat.wording import NOT_OFFERED

NO_MODELS = "No models yet. Close this, then press f2 to add a provider and its models."


class PickerFilter(ListFilter):
    """``*`` is a command here and not a letter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.choose", "Use it", id="picker.choose", tooltip="Use this model", priority=True),
        Binding(
            "asterisk",
            "screen.make_default",
            "Make default",
            key_display="*",
            id="picker.default",
            tooltip="New chats use this model, and it stands in for removed ones; on the default: another takes over",
            priority=True,
        ),
    ]


class ModelPicker(Dialog[int | None]):
    """The id of the chosen usable model, or None.

    ``current``: the model that is marked as the one in use. ``text`` says what the choice is for. ``only``: the models
    to choose from, where not all of them.
    """

    CSS_PATH = ["../dialogs/dialog.tcss", "model_picker.tcss"]

    def __init__(
        self,
        current: int | None = None,
        *,
        title: str = "Choose a model",
        text: str = "",
        only: Iterable[int] | None = None,
    ) -> None:
        super().__init__(title)
        self._current = current
        self._text = text
        self._only = None if only is None else frozenset(only)

    def body(self) -> ComposeResult:
        yield Words(self._text, id="text")
        yield PickerFilter("#models")
        yield CatalogList(id="models")
        yield Words(id="empty", classes="hint")
        yield Trouble()

    def on_mount(self) -> None:
        self.query_one(CatalogList).can_focus = False
        self.watch(self.app, "catalog_version", self.show_models)

    @on(Input.Changed)
    def show_models(self) -> None:
        """Read anew and show what matches, grouped by provider."""
        catalog = self.app.store.catalog
        words = self.query_one(PickerFilter).words
        every = [model for model in catalog.models() if self._only is None or model.id in self._only]
        found = [model for model in every if matches(model.ref, words)]
        providers = {provider.name: provider for provider in catalog.providers()}
        rows: list[Row | Heading] = []
        for name, models in groupby(found, key=lambda model: model.provider):
            provider = providers.get(name)
            rows.append(Heading(f"{name} · {place_words(provider)}" if provider else name))
            rows += [self._row(model, provider) for model in models]
        models_list = self.query_one(CatalogList)
        models_list.display = bool(rows)
        gone = models_list.row_id if not words else None
        models_list.show_rows(rows, prefer=self._preferred(found), cursor=_best(found, words), vanished=None)
        if gone is not None and models_list.row_id is None:
            self._tell_gone(int(gone))
        typed = self.query_one(PickerFilter).value.strip()
        empty = NO_MODELS if not every else f"No model matches “{typed}”." if not found else ""
        self.query_one("#empty", Words).say(empty)

    def _tell_gone(self, model_id: int) -> None:
        """The cursor stands on nothing now: enter must not take a model that nobody chose."""
        model = self.app.store.catalog.model(model_id)
        what = "removed" if model.removed else "switched off"
        self.query_one(Trouble).say(f"{model.model} was {what}. Choose another.")

    def _preferred(self, found: list[Model]) -> str | None:
        """Where the cursor begins: at the model in use, else at the default."""
        usable = [model for model in found if model.usable]
        best = min(usable, key=lambda model: (model.id != self._current, not model.is_default), default=None)
        return None if best is None else str(best.id)

    def _row(self, model: Model, provider: Provider | None) -> Row:
        if model.usable:
            marks = (
                "default" if model.is_default else "",
                "in use" if model.id == self._current else "",
                NOT_OFFERED if model.delisted_at is not None else "",
            )
            note = ", ".join(mark for mark in marks if mark)
        elif not model.enabled:
            note = "switched off"
        else:
            note = f"{provider.name if provider else model.provider} is switched off"
        return Row(
            str(model.id),
            (
                Cell("★" if model.is_default else " ", "$accent"),
                Cell(model.model, "bold" if model.id == self._current else ""),
                Cell(context_words(model.context), QUIET),
                Cell(note, QUIET),
            ),
            disabled=not model.usable,
        )

    @on(OptionList.OptionSelected)
    def action_choose(self) -> None:
        """Take the model under the cursor, unless it went while this was open."""
        model = self._chosen()
        if model is not None:
            self.dismiss(model.id)

    @work(group="default")
    async def action_make_default(self) -> None:
        model = self._chosen()
        if model is None:
            return
        catalog = self.app.store.catalog
        choose = catalog.demote_default if model.is_default else catalog.make_default
        try:
            change = await self.app.written("change the default", lambda: choose(model.id))
        except LocalChatError as error:
            self._gone(error)
        else:
            self.query_one(Trouble).clear()
            self.app.catalog_changed()
            if change.changed:
                self.app.undos.tell(default_words(change))
            else:
                tell(self.app, f"{model.model} is the default already.")

    def _chosen(self) -> Model | None:
        row = self.query_one(CatalogList).row_id
        if row is None:
            return None
        try:
            model = self.app.store.catalog.model(int(row))
        except LocalChatError as error:
            self._gone(error)
            return None
        if model.usable:
            return model
        self.query_one(Trouble).say(f"{model.ref} was {'removed' if model.removed else 'switched off'} meanwhile.")
        self.show_models()
        return None

    def _gone(self, error: LocalChatError) -> None:
        self.query_one(Trouble).report(error)
        self.show_models()


def _best(found: list[Model], words: list[str]) -> str | None:
    """While something is typed, the row that answers to it best: the whole name, its beginning, a part of it."""
    if not words:
        return None
    typed = " ".join(words)

    def distance(model: Model) -> tuple[bool, bool, bool]:
        name = model.model.casefold()
        return (name != typed, not name.startswith(words[0]), words[0] not in name)

    best = min((model for model in found if model.usable), key=distance, default=None)
    return None if best is None else str(best.id)
