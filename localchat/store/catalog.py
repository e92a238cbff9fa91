"""Providers, models, the default, tombstones, removal and undo.

Every write is one method and one ``immediate()`` transaction that re-reads inside; no caller composes two writes.
The rules: docs/life-of-models.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from localchat.records import (
    CatalogEvent,
    DefaultChange,
    KeySource,
    Model,
    Provider,
    Removal,
    RemovalPreview,
)


class Catalog:
    def __init__(self, connection: sqlite3.Connection, now: Callable[[], str]) -> None:
        self._connection = connection
        self._now = now

    # Reading: each is one statement, fetched whole.

    def providers(self) -> list[Provider]:
        """All, by name."""
        raise NotImplementedError

    def provider(self, name: str) -> Provider:
        """Raises NotFound."""
        raise NotImplementedError

    def models(self, provider: str | None = None, *, removed: bool = False) -> list[Model]:
        """Live models by provider and model; with ``removed`` the tombstones (of that provider's name), newest first."""
        raise NotImplementedError

    def model(self, model_id: int) -> Model:
        """Live or removed. Raises NotFound."""
        raise NotImplementedError

    def live(self, ref: str) -> Model:
        """The live model of that ref. Raises InvalidInput (no ref), NotFound (removed or never there; the message
        names it and says which)."""
        raise NotImplementedError

    def default(self) -> Model | None:
        """The default, usable or not there."""
        raise NotImplementedError

    def successors(self, without: Iterable[int] = ()) -> list[Model]:
        """Usable models but those (ids), by the order of promotion: provider, model, updated_at desc, id desc."""
        raise NotImplementedError

    def chats_using(self, model_ids: Iterable[int]) -> int:
        """How many chats (not in the trash) have one of them as their own model."""
        raise NotImplementedError

    def use_counts(self) -> dict[int, int]:
        """Chats by the id of their own model, for lists."""
        raise NotImplementedError

    def events(self, limit: int = 200) -> list[CatalogEvent]:
        """The log, newest first."""
        raise NotImplementedError

    # Writing. All raise StoreBusy and DiskFull beside what they name.

    def add_provider(
        self,
        name: str,
        kind: str,
        base_url: str | None = None,
        key_source: KeySource = "none",
        key_name: str | None = None,
    ) -> Provider:
        """Raises InvalidInput (name, kind, base URL, key variable), AlreadyExists."""
        raise NotImplementedError

    def edit_provider(
        self,
        provider_id: int,
        *,
        name: str | None = None,
        base_url: str | None = None,
        key_source: KeySource | None = None,
        key_name: str | None = None,
    ) -> Provider:
        """Change what is given. A new name is followed by the live models in the same transaction; tombstones keep
        theirs. A new address sets ``is_local`` of the live models. Raises NotFound, InvalidInput, AlreadyExists."""
        raise NotImplementedError

    def switch_provider(self, provider_id: int, enabled: bool) -> DefaultChange:
        """Raises NotFound."""
        raise NotImplementedError

    def add_model(
        self,
        provider: str,
        model: str,
        *,
        path: str | None = None,
        context: int | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> Model:
        """Raises ProviderNotConfigured, AlreadyExists, InvalidInput. It becomes the default where there is none and
        it is usable. ``context`` in tokens. ``path`` is needed by, and only for, kind ``embedded`` (but ``smollm2``)."""
        raise NotImplementedError

    def add_models(self, provider: str, models: Iterable[tuple[str, int | None]]) -> list[Model]:
        """Several (name, context) in one transaction; those that are there already are passed over."""
        raise NotImplementedError

    def edit_model(
        self,
        model_id: int,
        *,
        model: str | None = None,
        path: str | None = None,
        context: int | None = None,
        clear_context: bool = False,
        parameters: dict[str, Any] | None = None,
    ) -> Model:
        """Raises NotFound, ProviderNotConfigured, AlreadyExists, InvalidInput."""
        raise NotImplementedError

    def switch_model(self, model_id: int, enabled: bool) -> DefaultChange:
        """Raises NotFound."""
        raise NotImplementedError

    def make_default(self, model_id: int) -> DefaultChange:
        """Raises NotFound, InvalidInput where it is not usable."""
        raise NotImplementedError

    def demote_default(self, model_id: int) -> DefaultChange:
        """Promote another usable model. Raises NotFound, InvalidInput where it is not the default or is the only
        usable one (and then changes nothing)."""
        raise NotImplementedError

    # Removal and undo.

    def removal_of_provider(self, name: str, successor: str | None = None) -> RemovalPreview:
        """What removing it would do; changes nothing. ``successor`` is a ref. Raises NotFound, InvalidInput."""
        raise NotImplementedError

    def removal_of_model(self, ref: str, successor: str | None = None) -> RemovalPreview:
        """Raises NotFound, InvalidInput."""
        raise NotImplementedError

    def remove_provider(self, name: str, successor: int | None = None) -> Removal:
        """Remove a provider for good; its live models stay as tombstones; ``successor`` (a model's id), else the first
        usable one, becomes the default where the default goes. Raises NotFound where it is gone already, InvalidInput
        for a successor that cannot be one, Internal where the successor vanishes inside the transaction."""
        raise NotImplementedError

    def remove_model(self, model_id: int, successor: int | None = None) -> Removal:
        """Like ``remove_provider``, for one model."""
        raise NotImplementedError

    def undo(self, removal: Removal) -> DefaultChange:
        """Provider and models as before, in one transaction, and the default too if the promoted successor still holds
        it. Raises AlreadyExists where something has taken a name meanwhile, NotFound where its models are back already;
        nothing changes then."""
        raise NotImplementedError

    def last_removal(self, provider: str) -> Removal:
        """What the newest removal of a provider of that name took with it, from the log. Raises NotFound."""
        raise NotImplementedError

    def last_model_removal(self, ref: str) -> Removal:
        """The newest tombstone of that ref as a removal that can be undone. Raises NotFound,
        ProviderNotConfigured where its provider is gone (the hint names `providers restore`)."""
        raise NotImplementedError
