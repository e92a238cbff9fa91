"""Providers, models, the default, tombstones, removal and undo.

Every write is one method and one ``immediate()`` transaction that re-reads inside; no caller composes two writes.
The rules: docs/life-of-models.md. How: ``queries`` reads, ``validation`` checks input, ``transaction`` holds the rule
and the log; ``editing``, ``removal`` and ``restoring`` write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from localchat.records import (
    CatalogEvent,
    ChatsMoved,
    DefaultChange,
    KeySource,
    Model,
    MovePreview,
    MoveTarget,
    Offers,
    Provider,
    Removal,
    RemovalPreview,
    Restored,
    RestorePreview,
    TakeOver,
    Undone,
)
from localchat.store.catalog import editing, moving, offers, queries, removal, restoring, taking_over, undo, ways_back
from localchat.store.catalog.transaction import Change, broken, changing
from localchat.store.connection import snapshot


class Catalog:
    """``now`` gives the time as the store writes it."""

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], str]) -> None:
        self._connection = connection
        self._now = now

    def _changing(self) -> AbstractContextManager[Change]:
        return changing(self._connection, self._now)

    # Reading: each is one statement, fetched whole.

    def providers(self) -> list[Provider]:
        """All, by name."""
        return queries.providers(self._connection)

    def provider(self, name: str) -> Provider:
        """Raises NotFound."""
        return queries.provider_named(self._connection, name)

    def models(self, provider: str | None = None, *, removed: bool = False) -> list[Model]:
        """Live models by provider and model; with ``removed`` the tombstones (of that provider's name), newest
        first."""
        return (queries.tombstones if removed else queries.live_models)(self._connection, provider)

    def model(self, model_id: int) -> Model:
        """Live or removed. Raises NotFound."""
        return queries.model_by_id(self._connection, model_id)

    def live(self, ref: str) -> Model:
        """The live model of that ref. Raises InvalidInput (no ref), NotFound (removed or never there; the message
        names it and says which)."""
        return queries.live_model(self._connection, ref)

    def default(self) -> Model | None:
        """The default; None where there is none, or another program left one that cannot answer."""
        found = queries.default(self._connection)
        return found if found is not None and found.usable else None

    def successors(self, without: Iterable[int] = ()) -> list[Model]:
        """Usable models but those (ids), by the order of promotion: provider, model, updated_at desc, id desc."""
        return queries.successors(self._connection, without)

    def chats_using(self, model_ids: Iterable[int]) -> int:
        """How many chats (not in the trash) have one of them as their own model."""
        return queries.chats_using(self._connection, model_ids)

    def use_counts(self) -> dict[int, int]:
        """Chats (not in the trash) by the id of their own model, for lists."""
        return queries.use_counts(self._connection)

    def events(self, limit: int = 200) -> list[CatalogEvent]:
        """The log, newest first."""
        return queries.events(self._connection, limit)

    # Writing. All raise StoreBusy and DiskFull beside what they name, and Internal where a promise of the store itself
    # was broken inside the transaction; nothing is changed then. A change that changes nothing writes nothing.

    def add_provider(
        self,
        name: str,
        kind: str,
        base_url: str | None = None,
        key_source: KeySource = "none",
        key_name: str | None = None,
        *,
        limits: Mapping[str, float | None] | None = None,
        taking_over: TakeOver | None = None,
    ) -> Provider:
        """Raises InvalidInput (name, kind, base URL, key variable, limits), AlreadyExists. A key in the keyring lies
        under ``key_name``, else under the provider's name. ``taking_over``: what was shown of ``left_behind`` and goes
        to the new provider in the same step; raises Changed where that is not as it was shown."""
        new = editing.NewProvider.checked(name, kind, base_url, key_source, key_name, limits)
        with self._changing() as change:
            return editing.add_provider(change, new, taking_over)

    def edit_provider(
        self,
        provider_id: int,
        *,
        name: str | None = None,
        base_url: str | None = None,
        key_source: KeySource | None = None,
        key_name: str | None = None,
        limits: Mapping[str, float | None] | None = None,
        seen: Mapping[str, Any] | None = None,
        taking_over: TakeOver | None = None,
    ) -> Provider:
        """Change what is given; an empty ``base_url`` takes the address away. A new name is followed by its models, the
        removed ones too, in the same transaction. A new address sets ``is_local`` of the live models.
        ``limits`` are set by name; None leaves one to localchat.
        ``taking_over`` as in ``add_provider``. Raises NotFound, InvalidInput, AlreadyExists, and Changed (with ``now``)
        where one of ``seen``, what stood in the edited fields before, is neither that any more nor what it is to be."""
        with self._changing() as change:
            if taking_over is not None:
                editing.take_over(change, provider_id, taking_over)
            return editing.edit_provider(change, provider_id, name, base_url, key_source, key_name, limits, seen)

    def switch_provider(self, provider_id: int, enabled: bool) -> DefaultChange:
        """Raises NotFound."""
        with self._changing() as change:
            return editing.switch_provider(change, provider_id, enabled)

    def add_model(
        self,
        provider: str,
        model: str,
        *,
        path: str | None = None,
        context: int | None = None,
        parameters: dict[str, Any] | None = None,
        make_default: bool = False,
        provider_kind: str | None = None,
        shown: int | None = None,
    ) -> Model:
        """Raises ProviderNotConfigured, AlreadyExists, InvalidInput (with ``make_default`` also where it could not be
        the default). It becomes the default where there is none and it is usable. ``context`` in tokens. ``path`` is
        needed by, and only for, kind ``embedded`` (but ``smollm2``). ``provider_kind``: where there is no such
        provider, it is added too, of that kind. ``shown``: the id of the provider that the person saw; raises Changed
        where another one has its name by now."""
        new = editing.NewModel.checked(model, path, context, parameters)
        place = None if provider_kind is None else editing.NewProvider.checked(provider, provider_kind)
        with self._changing() as change:
            return editing.add_model(change, provider, new, make_default=make_default, place=place, shown=shown)

    def add_models(
        self, provider: str, models: Iterable[tuple[str, int | None]], *, shown: int | None = None
    ) -> list[Model]:
        """Several (name, context) in one transaction; those that are there already are passed over. All or none:
        raises InvalidInput for the first name that cannot be used, ProviderNotConfigured. ``shown`` as for one."""
        new = [editing.NewModel.checked(name, None, context, None) for name, context in models]
        with self._changing() as change:
            return editing.add_models(change, provider, new, shown)

    def edit_model(
        self,
        model_id: int,
        *,
        model: str | None = None,
        path: str | None = None,
        context: int | None = None,
        clear_context: bool = False,
        parameters: dict[str, Any] | None = None,
        seen: Mapping[str, Any] | None = None,
    ) -> Model:
        """Change what is given. ``parameters`` are set by name, None unsets one; those that are not named stay.
        ``seen``: by name, what stood in the edited fields before (each parameter is a field). Raises NotFound,
        ProviderNotConfigured, AlreadyExists, InvalidInput, and Changed (with ``now``) where one of ``seen`` is neither
        that any more nor what it is to be."""
        edit = editing.ModelEdit.checked(model, path, context, clear_context, parameters, seen)
        with self._changing() as change:
            return editing.edit_model(change, model_id, edit)

    def switch_model(self, model_id: int, enabled: bool) -> DefaultChange:
        """Raises NotFound."""
        with self._changing() as change:
            return editing.switch_model(change, model_id, enabled)

    def make_default(self, model_id: int) -> DefaultChange:
        """Raises NotFound, InvalidInput where it is not usable."""
        with self._changing() as change:
            return editing.make_default(change, model_id)

    def demote_default(self, model_id: int) -> DefaultChange:
        """Promote another usable model. Raises NotFound, InvalidInput where it is not the default or is the only
        usable one (and then changes nothing)."""
        with self._changing() as change:
            return editing.demote_default(change, model_id)

    # What endpoints offer.

    def note_offers(self, asked: Provider, names: Collection[str]) -> Offers:
        """``asked`` listed these models: those of its own that are not among them are marked as delisted, those that
        are lose the mark. ``asked`` is the provider as it was asked; where it changed since, nothing is marked."""
        with self._changing() as change:
            return offers.compare(change, asked, names)

    def note_gone(self, model_id: int) -> None:
        """The endpoint answered that it does not have this model."""
        with self._changing() as change:
            offers.mark(change, [model_id], change.at)

    def note_answered(self, model_id: int) -> None:
        """It answered, so it is offered, whatever a list said."""
        with self._changing() as change:
            offers.mark(change, [model_id], None)

    # After other programs: they may write the file too, and know nothing of the rule of the default.

    def heal(self) -> DefaultChange | None:
        """Give the default to a model that can answer, where another program took that away. None where the rule of
        the default holds: that costs one statement and no lock."""
        if not broken(self._connection):
            return None
        with self._changing() as change:
            return change.heal()

    def heal_within(self) -> None:
        """The same inside a write that has begun already."""
        Change(self._connection, self._now()).heal()

    def bury_orphans(self) -> list[Model]:
        """Tombstones for the live models whose provider another program deleted; which those were."""
        with self._changing() as change:
            return removal.bury_orphans(change)

    # Removal and undo.

    def removal_of_provider(self, name: str, successor: str | None = None) -> RemovalPreview:
        """What removing it would do; changes nothing. ``successor`` is a ref. Raises NotFound, InvalidInput."""
        return removal.preview_of_provider(self._connection, name, successor)

    def removal_of_model(self, ref: str, successor: str | None = None) -> RemovalPreview:
        """Raises NotFound, InvalidInput."""
        return removal.preview_of_model(self._connection, ref, successor)

    def removal_of(self, target: Provider | Model) -> RemovalPreview:
        """What removing that very provider or model would do, whatever it is called by now. Raises NotFound."""
        return removal.preview_of(self._connection, target)

    def remove(
        self,
        shown: RemovalPreview,
        picked: int | None = None,
        moving_chats: tuple[MovePreview, MoveTarget] | None = None,
    ) -> Removal:
        """Do what a person was shown and confirmed, and nothing else.

        ``picked``: the id of another successor than the one that was shown. ``moving_chats``: what ``move_of`` showed
        of the chats, and the target of those, which they get in the same transaction.
        Raises Changed where provider, models, default, successor, chats or their new model are not what was shown,
        NotFound where what was to go is gone, InvalidInput where the chats cannot get that model."""
        with self._changing() as change:
            return removal.remove(change, shown, picked, moving_chats)

    def move_of(self, model_ids: Iterable[int]) -> MovePreview:
        """What giving every chat of these models another one would do; changes nothing. Raises NotFound."""
        with snapshot(self._connection):
            return moving.preview(self._connection, [self.model(model_id) for model_id in model_ids])

    def target(self, model_id: int) -> MoveTarget:
        """The live model that chats are to get, and where it answers. Raises NotFound."""
        with snapshot(self._connection):
            return moving.target(self._connection, model_id)

    def target_of(self, ref: str, going: RemovalPreview) -> MoveTarget:
        """The same by ref, for the chats of what is to be removed. Raises NotFound, and InvalidInput where it goes too
        or is switched off."""
        with snapshot(self._connection):
            return removal.target_of(self._connection, ref, going.models)

    def move_chats(self, shown: MovePreview, to: MoveTarget) -> ChatsMoved:
        """Give every chat that was shown that model. Raises Changed where the chats of these models are others now, or
        the new one is gone, or answers elsewhere or not at all."""
        with self._changing() as change:
            return moving.move_chats(change, shown, to)

    def remove_provider(self, name: str, successor: int | None = None, chats_to: int | None = None) -> Removal:
        """Remove what is found under that name, for who was shown nothing; ``remove`` is for who was.

        Removes a provider for good; its live models stay as tombstones; ``successor`` (a model's id), else the first
        usable one, becomes the default where the default goes. A successor is checked, but changes nothing, where the
        default stays. ``chats_to`` (a model's id) gets all chats of what goes.
        Raises NotFound where it is gone already, InvalidInput for a successor that cannot be one,
        Internal where the successor vanishes inside the transaction."""
        with self._changing() as change:
            return removal.remove_provider(change, name, successor, chats_to)

    def remove_model(self, model_id: int, successor: int | None = None, chats_to: int | None = None) -> Removal:
        """Like ``remove_provider``, for one model."""
        with self._changing() as change:
            return removal.remove_model(change, model_id, successor, chats_to)

    def undoable(self, limit: int | None = None) -> list[CatalogEvent]:
        """Changes that can be taken back, of any window, the newest first."""
        return undo.undoable(self._connection, limit)

    def undo_event(self, event_id: int) -> Undone:
        """Take back one change, in one transaction; the default comes back too unless a person chose another since.
        Raises NotFound where it was undone already; AlreadyExists, Changed, InvalidInput, ProviderNotConfigured where
        something stands in the way, and then it stays possible; StoreUnreadable for a line that cannot be read."""
        with self._changing() as change:
            return undo.undo(change, event_id)

    def undo(self, done: Removal) -> DefaultChange:
        """Provider and models as before, in one transaction, and the default too if the promoted successor still holds
        it. Raises AlreadyExists where something has taken a name meanwhile, NotFound where they are back already,
        ProviderNotConfigured where a single model's provider is gone; nothing changes then."""
        with self._changing() as change:
            return restoring.undo(change, done).change

    def removed_providers(self) -> list[str]:
        """Names under which a provider was removed that can come back; also one that had no models."""
        return ways_back.removed_providers(self._connection)

    def restore_of_provider(self, name: str) -> RestorePreview:
        """What bringing back the provider of that name that was removed last would do; changes nothing. Raises
        NotFound, and AlreadyExists where another one has its name."""
        return restoring.preview_of_provider(self._connection, name)

    def restore_of_model(self, ref: str) -> RestorePreview:
        """The same for the newest tombstone of that ref. Raises NotFound, InvalidInput, AlreadyExists where the name
        lives, ProviderNotConfigured where its provider is gone (the remedy says how that comes back)."""
        return restoring.preview_of_model(self._connection, ref)

    def restore_of(self, model_id: int) -> RestorePreview:
        """The same for that very tombstone."""
        return restoring.preview_of_tombstone(self._connection, model_id)

    def restore(self, shown: RestorePreview) -> Restored:
        """Bring back what a person was shown, and nothing else. Raises Changed where what comes back, where to, or the
        default is not what was shown, and what ``restore_of_model`` raises."""
        with self._changing() as change:
            return restoring.restore(change, shown)

    def last_removal(self, provider: str) -> Removal:
        """What the newest removal of a provider of that name took with it, from the log. Raises NotFound."""
        return restoring.last_removal(self._connection, provider)

    def last_model_removal(self, ref: str) -> Removal:
        """The newest tombstone of that ref as a removal that can be undone. Raises NotFound, ProviderNotConfigured."""
        return restoring.last_model_removal(self._connection, ref)

    # Removed models that belong to no provider.

    def left_behind(self, name: str) -> TakeOver:
        """Tombstones under that provider's name that belong to none that is there: a provider of that name may take
        them over."""
        return taking_over.of_name(self._connection, name)

    def take_over(self, provider_id: int, shown: TakeOver) -> None:
        """They belong to that provider, and come back when they are added, discovered or restored. Raises Changed where
        they are others now, NotFound where the provider is gone."""
        with self._changing() as change:
            editing.take_over(change, provider_id, shown)
