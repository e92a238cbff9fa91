"""Removing as a conversation: what goes, who uses it, who takes over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Select

from localchat.errors import LocalChatError
from localchat.records import Model, RemovalPreview
from localchat.text import count, one_line
from localchat.tui.catalog.words import label, names, place_words
from localchat.tui.dialogs.checkbox import Tick
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words


@dataclass(frozen=True, slots=True)
class RemovalChoice:
    """``successor``: the id of the model that becomes the default; None where the default stays or nobody can."""

    successor: int | None
    forget_key: bool


class RemovalDialog(Dialog[RemovalChoice | None]):
    """What the person decided, or None. ``again`` reads the preview anew when the catalog changes underneath."""

    CSS_PATH = ["../dialogs/dialog.tcss", "removal_dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "Left", show=False),
        Binding("right", "app.focus_next", "Right", show=False),
    ]

    def __init__(self, preview: RemovalPreview, again: Callable[[], RemovalPreview] | None = None) -> None:
        super().__init__(f"Remove {preview.provider.name if preview.provider else preview.models[0].ref}?")
        self._preview = preview
        self._again = again

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="text"):
            yield Words(id="models")
            yield Words(id="chats")
            yield Words(id="titles", classes="hint")
            yield Words(id="default")
            with Vertical(id="successor"):
                yield Select(self._options(), allow_blank=False, compact=True, id="after")
                yield Words(id="why", classes="hint")
            yield Words(id="caution", classes="caution")
            yield Tick("Forget its key in the keyring too", id="forget")
        yield Trouble()
        with Horizontal(classes="buttons"):
            yield Button(Content("Cancel"), id="no", compact=True)
            yield Button(Content("Remove"), id="yes", compact=True, variant="warning")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#yes").focus()
        self.watch(self.app, "catalog_version", self._read_again, init=False)
        self.watch(self.app, "chats_version", self._read_again, init=False)

    def _read_again(self) -> None:
        if self._again is None:
            return
        try:
            self._preview = self._again()
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
            self.query_one("#yes").display = False
            self.query_one("#no").focus()
        else:
            self._show()

    def _show(self) -> None:
        preview = self._preview
        self.query_one("#models", Words).say(self._models_words(preview))
        self.query_one("#chats", Words).say(self._chats_words(preview))
        titles = [one_line(title, 40) or "untitled" for title in preview.newest_titles]
        more = preview.chats_affected - len(titles)
        if more > 0 and titles:
            titles.append(f"{more:,} more")
        self.query_one("#titles", Words).say("  " + " · ".join(titles) if titles else "")
        self.query_one("#default", Words).say(self._default_words(preview))
        self._show_successors(preview)
        with_key = preview.provider is not None and preview.provider.key_source == "keyring"
        self.query_one("#forget").display = with_key

    def _options(self) -> list[tuple[Content, int]]:
        """Never empty, as a Select must be: where nobody can take over it is not shown."""
        return [(Content(label(model)), model.id) for model in self._preview.successors] or [(Content("nobody"), 0)]

    def _show_successors(self, preview: RemovalPreview) -> None:
        self.query_one("#successor").display = preview.removes_default and bool(preview.successors)
        select = self.query_one("#after", Select)
        chosen = self._successor() or preview.default_after
        with self.prevent(Select.Changed):
            select.set_options(self._options())
            if chosen is not None and preview.successors:
                select.value = chosen.id
        self._explain()

    @on(Select.Changed)
    def _explain(self) -> None:
        """Why this one, and what it means for chats that ran on this machine."""
        successor = self._successor()
        why, caution = "", ""
        if successor is not None and self._preview.removes_default:
            providers = {provider.name: provider for provider in self.app.store.catalog.providers()}
            place = providers.get(successor.provider)
            first = successor.id == self._preview.successors[0].id
            if len(self._preview.successors) == 1:
                reason = "the only other model that can answer"
            else:
                reason = "the first usable one by name" if first else "your choice"
            why = f"  {reason}; it runs {place_words(place) if place else 'elsewhere'}"
        stand_in = successor if self._preview.removes_default else self._preview.default_before
        ran_here = any(model.is_local for model in self._preview.models)
        if stand_in is not None and not stand_in.is_local and ran_here and self._preview.chats_affected:
            caution = (
                f"⚠ These chats ran on this machine; {one_line(stand_in.model)} does not. "
                "localchat asks before the first turn of each goes there."
            )
        self.query_one("#why", Words).say(why)
        self.query_one("#caution", Words).say(caution)

    def _successor(self) -> Model | None:
        value = self.query_one("#after", Select).value
        return next((model for model in self._preview.successors if model.id == value), None)

    @staticmethod
    def _models_words(preview: RemovalPreview) -> str:
        if preview.provider is None:
            model = preview.models[0]
            return f"The model {'★ ' if model.is_default else ''}{one_line(model.model)} of {model.provider} goes."
        if not preview.models:
            return "It has no models."
        verb = "goes" if len(preview.models) == 1 else "go"
        return f"{count(len(preview.models), 'model')} {verb}: {names(preview.models)}."

    @staticmethod
    def _chats_words(preview: RemovalPreview) -> str:
        if not preview.models:
            return ""
        them = "it" if len(preview.models) == 1 else "them"
        if not preview.chats_affected:
            return f"No chat uses {them}."
        if preview.chats_affected == 1:
            return f"1 chat uses {them}. It stays readable; new turns in it use the default."
        return f"{preview.chats_affected:,} chats use {them}. They stay readable; new turns in them use the default."

    @staticmethod
    def _default_words(preview: RemovalPreview) -> str:
        default = preview.default_before
        if default is None:
            return "There is no default model."
        if not preview.removes_default:
            return f"Your default stays ★ {label(default)}."
        if not preview.successors:
            return (
                f"{one_line(default.model)} is your default, and no other model can answer. There will be no default "
                "until you add a model or switch one on."
            )
        return f"{one_line(default.model)} is your default. It will be:"

    @on(Button.Pressed, "#yes")
    def _remove(self) -> None:
        successor = self._successor() if self._preview.removes_default else None
        forget = self.query_one("#forget", Tick)
        self.dismiss(RemovalChoice(successor.id if successor else None, forget.display and forget.value))

    @on(Button.Pressed, "#no")
    def _cancel(self) -> None:
        self.dismiss(None)
