"""The way back from what was removed: what ``r`` does, as the list shows it; the question; taking over an import."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button

from localchat.errors import Changed, LocalChatError, Remedy, Way
from localchat.records import Model, Provider, Restored, RestorePreview, TakeOver
from localchat.store.catalog import confirmation
from localchat.store.catalog.catalog import Catalog
from localchat.text import count, one_line
from localchat.tui.catalog.words import default_words, label, names
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.dialog import Dialog, Trouble, Words
from localchat.tui.shell import Shell
from localchat.tui.toasts import reporting, tell

# What the list shows.


@dataclass(frozen=True, slots=True)
class WayBack:
    """What ``r`` does for what is under the cursor: it restores ``shown``, or takes another step first (``remedy``)."""

    shown: RestorePreview | None = None
    remedy: Remedy | None = None
    hint: str = ""

    @property
    def by_key(self) -> bool:
        """Whether ``r`` leads anywhere."""
        return self.shown is not None or (
            self.remedy is not None and self.remedy.way in (Way.RESTORE_PROVIDER, Way.TAKE_OVER)
        )

    def words(self, what: str, *, chats: bool) -> str:
        """One line on the removed thing under the cursor; every key that it names works there and then."""
        move = ", m moves its chats to another model" if chats else ""
        give = ", m gives its chats another model" if chats else ""
        if self.shown is not None and self.shown.provider is not None:
            back = count(len(self.shown.models), "model") if self.shown.models else "no model"
            stays = f" ({len(self.shown.stays)} of its models stay elsewhere)" if self.shown.stays else ""
            return f"{what} was removed. r restores it with {back}{stays}{give}."
        if self.shown is not None:
            return f"Removed. r restores it{move}."
        way = self.remedy.way if self.remedy is not None else None
        if way is Way.RESTORE_PROVIDER and self.remedy is not None:
            return f"Went with its provider. r restores {self.remedy.subject}{give}."
        if way is Way.TAKE_OVER and self.remedy is not None:
            return f"Came without a provider. r adds {self.remedy.subject}{give}."
        instead = " m moves its chats to another model." if chats else ""
        if self.remedy is not None and self.remedy.other:
            return f"Removed; another {what} is here.{instead}"
        return f"Removed. {self.hint}{instead}".strip()


def way_back(catalog: Catalog, provider: str | None, models: list[Model]) -> WayBack:
    """Of a removed provider by its name, with its tombstones; or of the first of these alone."""
    try:
        if provider is not None:
            return WayBack(catalog.restore_of_provider(provider))
        return WayBack(catalog.restore_of(models[0].id))
    except LocalChatError as error:
        return WayBack(None, error.remedy, error.hint)


# Doing it.


async def restore(shell: Shell, way: WayBack) -> Provider | None:
    """What the list showed. Where it is not that any more, it is shown how it is now, and asked."""
    catalog, shown, remedy = shell.store.catalog, way.shown, way.remedy
    if shown is None:
        if remedy is not None and remedy.way is Way.RESTORE_PROVIDER:
            find = functools.partial(catalog.restore_of_provider, remedy.subject)
            return await _ask(shell, find, find())
        return None
    try:
        done = await shell.written("restore", lambda: catalog.restore(shown))
    except Changed as changed:
        _changed(shell)
        again = _same_again(catalog, shown)
        return await _ask(shell, again, again(), changed)
    return await _restored(shell, done, shown)


def _same_again(catalog: Catalog, shown: RestorePreview) -> Callable[[], RestorePreview]:
    if shown.provider is not None:
        return functools.partial(catalog.restore_of_provider, shown.provider.name)
    return functools.partial(catalog.restore_of, shown.models[0].id)


async def _ask(
    shell: Shell, find: Callable[[], RestorePreview], shown: RestorePreview, changed: Changed | None = None
) -> Provider | None:
    done = await shell.push_screen_wait(RestoreDialog(find, shown, changed))
    return None if done is None else await _restored(shell, done, shown)


async def _restored(shell: Shell, done: Restored, shown: RestorePreview) -> Provider:
    _changed(shell)
    if done.whole and done.provider.key_source == "keyring":
        with reporting(shell):
            if told := await shell.undos.keys.give_back(done.provider):
                tell(shell, told)
    tell(shell, f"{_back(done)}{_leaves(shown)} {default_words(done.change)}".strip())
    return done.provider


def _back(done: Restored) -> str:
    """``openai and 3 models are back.``"""
    if not done.whole:
        return f"{one_line(done.models[0].model)} is back."
    with_models = f" and {count(len(done.models), 'model')}" if done.models else ""
    return f"{done.provider.name}{with_models} {'are' if with_models else 'is'} back."


def _leaves(shown: RestorePreview) -> str:
    """How many chats use it again, and where that is no longer this machine."""
    chats = shown.chats_affected
    if not chats or (shown.provider is not None and shown.place.local):
        return ""
    away = any(model.is_local is not False for model in shown.models) and not shown.place.local
    if shown.provider is not None:
        return f" Their chats are answered at {shown.place.host}." if away else ""
    again = f" {count(chats, 'chat')} {'uses' if chats == 1 else 'use'} it again"
    return f"{again}, at {shown.place.host} from now on." if away else f"{again}."


def _changed(shell: Shell) -> None:
    """Lists of chats mark what hangs on a removed model, so they are told too."""
    shell.catalog_changed()
    shell.chats_changed()


class RestoreDialog(Dialog[Restored | None]):
    """What came back, or None. What stands here is what comes back: where another window changes it, nothing is done,
    the dialog shows how it is now, and the cursor goes to Cancel."""

    CSS_PATH = ["../dialogs/dialog.tcss", "restoring.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "restore", "Restore", id="restore.yes", tooltip="Bring it back"),
        Binding("n", "close", "Cancel", id="restore.no", tooltip="Leave everything as it is"),
        Binding("left", "app.focus_previous", "Left", show=False),
        Binding("right", "app.focus_next", "Right", show=False),
    ]

    def __init__(
        self, find: Callable[[], RestorePreview], shown: RestorePreview, changed: Changed | None = None
    ) -> None:
        what = shown.provider.name if shown.provider is not None else shown.models[0].ref
        super().__init__(f"Restore {what}?")
        self._find = find
        self._shown = shown
        self._told = changed
        self._restoring = False

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="text"):
            yield Words(id="facts")
        yield Trouble()
        with Horizontal(classes="buttons"):
            yield Button(Content("Cancel"), id="no", compact=True)
            yield Button(Content("Restore"), id="yes", compact=True, variant="primary")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#yes").focus()
        if self._told is not None:
            self._report(self._told)
        self.watch(self.app, "catalog_version", self._read_again, init=False)

    def _show(self) -> None:
        shown = self._shown
        if shown.provider is None:
            lines = [f"{names(shown.models)} comes back, under {shown.place.name}."]
        elif shown.models:
            lines = [f"{shown.provider.name} comes back, with {names(shown.models)}."]
        else:
            lines = [f"{shown.provider.name} comes back, without a model."]
        if shown.stays:
            lines.append(f"{names(shown.stays)} stays where it is: it lives elsewhere by now, or is gone for good.")
        if shown.chats_affected:
            them = "it" if len(shown.models) == 1 else "them"
            lines.append(f"{count(shown.chats_affected, 'chat uses', 'chats use')} {them} again.")
        before, after = shown.default_before, shown.default_after
        if after is not None and (before is None or before.id != after.id):
            lines.append(f"Your default becomes ★ {label(after)}.")
        self.query_one("#facts", Words).say("\n".join(lines))

    def _report(self, error: LocalChatError) -> None:
        self.query_one(Trouble).report(error)
        self.query_one("#no").focus()
        self.changed_meanwhile()

    def _read_again(self) -> None:
        """Another window wrote: what is shown follows."""
        if self._restoring:
            return
        before = self._shown
        try:
            self._shown = self._find()
        except LocalChatError as error:
            self.query_one("#yes").display = False
            self._report(error)
            return
        self.query_one("#yes").display = True
        self._show()
        if differs := confirmation.of_restore(before, self._shown):
            self._report(Changed(f"{differs} Nothing was changed."))

    @on(Button.Pressed, "#yes")
    @work(group="restore")
    async def action_restore(self) -> None:
        """Once, however often the key repeats."""
        unsure = self.unread or not self.query_one("#yes").display
        if self._restoring or unsure or self.app.screen is not self:
            return
        shown, self._restoring = self._shown, True
        try:
            done = await self.app.written("restore", lambda: self.app.store.catalog.restore(shown))
        except LocalChatError as error:
            self._restoring = False
            self._read_again()
            self._report(error)
            return
        self.dismiss(done)

    @on(Button.Pressed, "#no")
    def action_close(self) -> None:
        self.dismiss(None)


# Taking over.


async def offer_to_take_over(shell: Shell, provider: Provider) -> None:
    """What an import left under this name, or an earlier provider of it: whether it belongs to this one from now on.
    Where that changed by the time of the answer, it is asked again with what there is now."""
    catalog, again = shell.store.catalog, ""
    while True:
        left = catalog.left_behind(provider.name)
        if not left.models:
            return
        agreed = await shell.push_screen_wait(
            ConfirmDialog(
                f"Take over the removed models of {provider.name}?",
                f"{again}{_left_words(left, provider)}",
                yes="Take over",
                no="Leave them",
            )
        )
        if not agreed:
            return
        try:
            await shell.written("take over the models", functools.partial(catalog.take_over, provider.id, left))
        except Changed as changed:
            again = f"✗ {changed.message}\n\n"
            continue
        _changed(shell)
        return


def _left_words(left: TakeOver, provider: Provider) -> str:
    models = list({model.model: model for model in left.models}.values())
    them = "it" if len(models) == 1 else "them"
    verb = "is" if len(models) == 1 else "are"
    chats = left.chats_affected
    point = f" {count(chats, 'chat points', 'chats point')} at {them}." if chats else ""
    away = ""
    if chats and not provider.local and any(model.is_local is not False for model in left.models):
        away = f"\n⚠ Perhaps they ran on this machine. Their chats are answered at {provider.host} then."
    return (
        f"{count(len(models), 'removed model')} of this name {verb} there, of an import or an earlier provider: "
        f"{names(models)}.{point}\n\nTaken over, each comes back with its chats as soon as you add it.{away}"
    )
