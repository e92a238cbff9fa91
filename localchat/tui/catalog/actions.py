"""What one does with the catalog, from the question to the toast. Each awaits dialogs, so it runs in a worker.

All raise LocalChatError where the store refuses: nothing was changed then.
"""

from __future__ import annotations

import functools

from localchat.errors import Changed
from localchat.providers.presets import Template
from localchat.records import BUILT_IN_MODEL, LOCAL_KINDS, ChatsMoved, Model, MovePreview, MoveTarget, Provider, Removal
from localchat.store import Store
from localchat.text import count, one_line
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.restoring import offer_to_take_over
from localchat.tui.catalog.words import default_words, label, place_words, removal_words
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.shell import Shell
from localchat.tui.toasts import reporting

# Removing, and the way back.


async def remove_provider(shell: Shell, provider: Provider) -> None:
    """Show what would go, remove it, tell who is the default now; with undo."""
    done = await shell.push_screen_wait(RemovalDialog(shell.store.catalog.removal_of(provider)))
    if done is None:
        return
    _removed(shell, done.removal)
    if done.forget_key and done.removal.provider is not None:
        await _forget_key(shell, done.removal.provider)


async def remove_model(shell: Shell, model: Model) -> None:
    done = await shell.push_screen_wait(RemovalDialog(shell.store.catalog.removal_of(model)))
    if done is not None:
        _removed(shell, done.removal)


def _removed(shell: Shell, removal: Removal) -> None:
    _changed(shell)
    lost = removal.default_before is not None and removal.default_after is None
    moved = f" {count(len(removal.moved.before), 'chat')} moved." if removal.moved is not None else ""
    shell.undos.tell(f"{removal_words(removal)}{moved}", "warning" if lost else "information")


def _changed(shell: Shell) -> None:
    """Lists of chats mark what hangs on a removed model, so they are told too."""
    shell.catalog_changed()
    shell.chats_changed()


async def _forget_key(shell: Shell, provider: Provider) -> None:
    """Out of the keyring, and kept in memory for as long as the app runs: an undo brings it back."""
    with reporting(shell):
        await shell.undos.keys.forget(provider)


async def move_chats(shell: Shell, models: list[Model]) -> None:
    """Give every chat of removed models another one, for good; with undo. Where other chats use them by the time of
    the answer, nothing moves, and it is asked again with what there is now."""
    catalog, changed = shell.store.catalog, ""
    if not models:
        return
    what = one_line(models[0].model) if len(models) == 1 else models[0].provider
    while True:
        shown = await shell.written_apart("look for the chats", functools.partial(_move_of, models))
        number = len(shown.chats)
        if not number:
            return
        trash = f"{shown.in_trash:,} of them in the trash. " if shown.in_trash else ""
        picked = await shell.push_screen_wait(
            ModelPicker(
                title=f"Move {count(number, 'chat')} of {what} to …",
                text=f"{changed}{trash}They use it from their next turn on.",
            )
        )
        if picked is None:
            return
        to = catalog.target(picked)
        stayed_here = any(model.is_local is not False for model in models)
        if stayed_here and not to.model.is_local and not await _may_leave(shell, number, to.model):
            return
        try:
            moved = await shell.written_apart("move the chats", functools.partial(_moved, shown, to))
            break
        except Changed as error:
            changed = f"✗ {error.message}\n"

    shell.catalog_changed()
    shell.chats_changed()
    shell.undos.tell(f"Moved {count(len(moved.before), 'chat')} from {what} to {one_line(to.model.model)}.")


def _move_of(models: list[Model], store: Store) -> MovePreview:
    return store.catalog.move_of([model.id for model in models])


def _moved(shown: MovePreview, to: MoveTarget, store: Store) -> ChatsMoved:
    return store.catalog.move_chats(shown, to)


async def _may_leave(shell: Shell, number: int, to: Model) -> bool:
    place = place_words(shell.store.catalog.provider(to.provider))
    agreed = await shell.push_screen_wait(
        ConfirmDialog(
            "Move chats to another machine?",
            f"{count(number, 'chat')} ran on this machine. {label(to)} runs {place}: it sees the whole of each "
            "chat at its next turn.",
            yes="Move them",
            no="Keep them here",
            careful=True,
        )
    )
    return agreed is True


# Adding and editing.


async def add_provider(shell: Shell, called: str = "", like: Template | None = None) -> Provider | None:
    """The form; then what was removed under this name, and what the provider has. ``called``: its name at first;
    ``like``: the well-known place that it is filled in with."""
    from localchat.tui.catalog.provider_form import ProviderForm

    provider = await shell.push_screen_wait(ProviderForm(called=called, like=like))
    if provider is None:
        return None
    with reporting(shell):
        await offer_to_take_over(shell, provider)
    if provider.kind == "embedded":
        await add_model(shell, provider)
    else:
        await discover(shell, provider)
    return provider


async def edit_provider(shell: Shell, provider: Provider | None) -> None:
    from localchat.tui.catalog.provider_form import ProviderForm

    if provider is not None:
        await shell.push_screen_wait(ProviderForm(provider))


async def add_model(shell: Shell, provider: Provider) -> list[Model]:
    from localchat.tui.catalog.model_form import ModelForm

    model = await shell.push_screen_wait(ModelForm(provider))
    if model is None:
        return []
    await offer_default(shell, [model])
    return [model]


async def edit_model(shell: Shell, provider: Provider | None, model: Model | None) -> None:
    from localchat.tui.catalog.model_form import ModelForm

    if provider is not None and model is not None:
        await shell.push_screen_wait(ModelForm(provider, model))


async def discover(shell: Shell, provider: Provider) -> list[Model]:
    """Ask the provider for its models and add the chosen ones."""
    from localchat.tui.catalog.discover import DiscoverDialog

    added = await shell.push_screen_wait(DiscoverDialog(provider))
    if added:
        await offer_default(shell, added)
    return added or []


async def offer_default(shell: Shell, added: list[Model]) -> None:
    """The first model of a person's own, while the tiny built-in one is the default: offer to make it the default."""
    catalog = shell.store.catalog
    kinds = {provider.name: provider.kind for provider in catalog.providers()}

    def in_the_box(model: Model) -> bool:
        return model.model == BUILT_IN_MODEL and kinds.get(model.provider) in LOCAL_KINDS

    default = catalog.default()
    new = {model.id for model in added}
    own = [model for model in catalog.models() if not in_the_box(model) and model.id not in new]
    usable = [model for model in catalog.models() if model.id in new and model.usable]
    if default is None or not in_the_box(default) or own or not usable:
        return
    now = f"Now it is {one_line(default.model)}, the tiny one in the box."
    if len(usable) == 1:
        agreed = await shell.push_screen_wait(
            ConfirmDialog(
                f"Make {one_line(usable[0].model, 30)} your default?",
                f"New chats use the default, and it stands in for removed models. {now}",
                yes="Make default",
                no="Not now",
            )
        )
        chosen = usable[0].id if agreed else None
    else:
        chosen = await shell.push_screen_wait(
            ModelPicker(title="Make one of them your default?", text=f"{now} escape leaves it.", only=new)
        )
    if chosen is not None:
        with reporting(shell):
            change = await shell.written("change the default", lambda: catalog.make_default(chosen))
            shell.catalog_changed()
            if change.changed:
                shell.undos.tell(default_words(change))
