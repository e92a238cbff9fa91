"""Removing as a conversation: what goes, who uses it, who takes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Select

from localchat.errors import Changed, LocalChatError
from localchat.records import Model, MovePreview, MoveTarget, Provider, Removal, RemovalPreview
from localchat.store.catalog import confirmation
from localchat.text import count, one_line
from localchat.tui.catalog.words import label, names, place_words
from localchat.tui.dialogs.checkbox import Tick
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words

STAY = 0  # in the place of a model's id: the chats keep the model that goes


@dataclass(frozen=True, slots=True)
class Removed:
    """What was done. ``forget_key``: its key is to leave the keyring too."""

    removal: Removal
    forget_key: bool


class RemovalDialog(Dialog[Removed | None]):
    """What was removed, or None. What stands here is what is removed: where another window changes what decides
    (what goes, the default, who takes over, the chats that move), nothing is done, the dialog shows how it is now, and
    the cursor goes to Cancel. Nothing is chosen then that was not chosen before."""

    CSS_PATH = ["../dialogs/dialog.tcss", "removal_dialog.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "remove", "Remove", id="removal.yes", tooltip="Remove it"),
        Binding("n", "close", "Cancel", id="removal.no", tooltip="Leave everything as it is"),
        Binding("left", "app.focus_previous", "Left", show=False),
        Binding("right", "app.focus_next", "Right", show=False),
    ]

    def __init__(self, preview: RemovalPreview) -> None:
        super().__init__(f"Remove {preview.provider.name if preview.provider else preview.models[0].ref}?")
        self._preview = preview
        self._target: Provider | Model = preview.provider or preview.models[0]
        self._targets: dict[int, MoveTarget] = {}  # what the chats can get, as it stands here
        self._chats: MovePreview | None = None  # those that are to move, once they are
        self._removing = False
        self._gone = False
        self._drawn = False

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="text"):
            yield Words(id="models")
            yield Words(id="chats")
            yield Words(id="titles", classes="hint")
            yield Select(self._movers(), value=STAY, allow_blank=False, compact=True, id="move")
            yield Words(id="default")
            with Vertical(id="successor"):
                yield Select(self._options(), prompt="choose who takes over", compact=True, id="after")
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
        """Another window wrote, or this one: what is shown follows."""
        if self._gone or self._removing:
            return
        before, heir = self._preview, self._heir_shown()
        moving, chats = self._destination(), self._chats
        try:
            self._preview = self.app.store.catalog.removal_of(self._target)
        except LocalChatError as error:
            self._lost(error)
            return
        differs = confirmation.of_removal(before, self._preview, heir)
        self._show(heir)
        if not differs and moving is not None and chats is not None:
            differs = self._differs(chats, moving)
        if differs:
            self._warn(f"{differs} Nothing was changed.")

    def _differs(self, chats: MovePreview, shown: MoveTarget) -> str:
        """What decides about the move, and is not what was shown."""
        now = self._destination()
        if now is None or self._chats is None:
            return f"{one_line(shown.model.ref)} cannot get the chats any more."
        return confirmation.of_move(chats, self._chats.chats) or confirmation.of_target(shown, now)

    def _lost(self, error: LocalChatError) -> None:
        """There is nothing left to remove."""
        self._gone = True
        self.query_one(Trouble).report(error)
        self.query_one("#yes").display = False
        self.query_one("#no").focus()
        self.refresh_bindings()

    def _warn(self, what: str) -> None:
        self.query_one(Trouble).report(Changed(what))
        self.query_one("#no").focus()
        self.changed_meanwhile()

    def _heir_shown(self) -> int | None:
        """The id of who takes over, as it stands here."""
        successor = self._successor() if self._preview.removes_default else self._preview.default_after
        return successor.id if successor else None

    def _show(self, keep: int | None = None) -> None:
        """``keep``: who was to take over before; chosen still where that is possible, else nobody is."""
        preview = self._preview
        self._show_movers()
        self.query_one("#models", Words).say(self._models_words(preview))
        titles = [one_line(title, 40) or "untitled" for title in preview.newest_titles]
        more = preview.chats_affected - len(titles)
        if more > 0 and titles:
            titles.append(f"{more:,} more")
        self.query_one("#titles", Words).say("  " + " · ".join(titles) if titles else "")
        self.query_one("#default", Words).say(self._default_words(preview))
        self._show_successors(preview, keep)
        with_key = preview.provider is not None and preview.provider.key_source == "keyring"
        self.query_one("#forget").display = with_key

    def _options(self) -> list[tuple[Text, int]]:
        return [(Text(label(model)), model.id) for model in self._preview.successors]

    def _movers(self) -> list[tuple[Text, int]]:
        """What can become of the chats: they stay, or get one of the models that can answer."""
        going = [model.id for model in self._preview.models]
        catalog = self.app.store.catalog
        hosts = {provider.name: provider.host for provider in catalog.providers()}
        others = catalog.successors(without=going) if self._preview.chats_affected else []
        self._targets = {model.id: MoveTarget(model, hosts.get(model.provider, "")) for model in others}
        return [(Text("The chats keep their model"), STAY)] + [
            (Text(f"Move them to {label(model)}"), model.id) for model in others
        ]

    def _show_movers(self) -> None:
        select, movers = self.query_one("#move", Select), self._movers()
        chosen = select.value
        with self.prevent(Select.Changed):
            select.set_options(movers)
            select.value = chosen if any(chosen == value for _, value in movers) else STAY
        select.display = len(movers) > 1
        self._count_chats()

    @on(Select.Changed, "#move")
    def _count_chats(self) -> None:
        """Which chats these are is asked only where they are to move: it may be many."""
        ids = [model.id for model in self._preview.models]
        self._chats = None if self._destination() is None else self.app.store.catalog.move_of(ids)

    def _destination(self) -> MoveTarget | None:
        """The model that the chats get, where they are to move, as it stands here."""
        value = self.query_one("#move", Select).value
        return self._targets.get(value) if isinstance(value, int) else None

    def _show_successors(self, preview: RemovalPreview, keep: int | None) -> None:
        self.query_one("#successor").display = preview.removes_default and bool(preview.successors)
        select = self.query_one("#after", Select)
        first = keep is None and not self._drawn
        chosen = preview.default_after.id if first and preview.default_after else keep
        with self.prevent(Select.Changed):
            select.set_options(self._options())
            if any(model.id == chosen for model in preview.successors):
                select.value = chosen
        self._drawn = True
        self._explain()

    @on(Select.Changed, "#after, #move")
    def _explain(self) -> None:
        """Why this one, and what it means for chats that ran on this machine."""
        self.query_one("#chats", Words).say(self._chats_words())
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
        target = self._destination()
        if target is not None:
            if ran_here and not target.model.is_local:
                caution = (
                    f"⚠ These chats ran on this machine. {one_line(target.model.model)} answers at "
                    f"{one_line(target.host)}: it sees the whole of each chat at its next turn."
                )
        elif stand_in is not None and not stand_in.is_local and ran_here and self._preview.chats_affected:
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

    def _chats_words(self) -> str:
        preview, target = self._preview, self._destination()
        if not preview.models:
            return ""
        them, number = "it" if len(preview.models) == 1 else "them", preview.chats_affected
        if not number:
            return f"No chat uses {them}."
        use = f"{count(number, 'chat uses', 'chats use')} {them}."
        if target is not None and self._chats is not None:
            trash = f" ({self._chats.in_trash:,} more in the trash)" if self._chats.in_trash else ""
            return f"{use} {'It gets' if number == 1 else 'They get'} {label(target.model)} for good{trash}."
        stay, inside = ("It stays", "it") if number == 1 else ("They stay", "them")
        after = preview.default_after
        if after is None:
            return f"{use} {stay} readable; nobody answers in {inside} until there is a default."
        return f"{use} {stay} readable; new turns in {inside} use the default."

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self._gone if action == "remove" else True

    @on(Button.Pressed, "#yes")
    @work(group="removal")
    async def action_remove(self) -> None:
        """Once, however often the key repeats. The whole request is made of what stands here, before anything waits."""
        if self._removing or self._gone or self.unread or self.app.screen is not self:
            return
        shown, successor, target, chats = self._preview, self._successor(), self._destination(), self._chats
        if shown.removes_default and shown.successors and successor is None:
            self._warn("Choose who takes over first.")
            self.query_one("#after").focus()
            return
        rule = shown.default_after.id if shown.default_after else None
        picked = successor.id if successor is not None and shown.removes_default and successor.id != rule else None
        moving = None if target is None or chats is None else (chats, target)
        forget = self.query_one("#forget", Tick)
        self._removing = True
        try:
            if moving is None:
                done = await self.app.written("remove it", lambda: self.app.store.catalog.remove(shown, picked))
            else:  # any number of chats
                done = await self.app.written_apart(
                    "remove it", lambda store: store.catalog.remove(shown, picked, moving)
                )
        except LocalChatError as error:
            self._removing = False
            self._refused(error)
            return
        self.dismiss(Removed(done, forget.display and forget.value))

    def _refused(self, error: LocalChatError) -> None:
        """Show how it is now, and what was refused."""
        self._read_again()
        if not self._gone:
            self.query_one(Trouble).report(error)
            self.query_one("#no").focus()
            self.changed_meanwhile()

    @on(Button.Pressed, "#no")
    def action_close(self) -> None:
        self.dismiss(None)
