"""Adding, editing, switching on and off, and choosing the default. Input is checked before the transaction where it
can be, and against the rows inside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localchat import validation
from localchat.errors import AlreadyExists, Changed, InvalidInput, ProviderNotConfigured, Remedy, Way
from localchat.records import DefaultChange, KeySource, Model, Provider, TakeOver, is_local
from localchat.store.catalog import confirmation, offers, queries, taking_over, ways_back
from localchat.store.catalog.transaction import Action, Change
from localchat.validation import folded, quoted

# Providers.


@dataclass(frozen=True, slots=True)
class NewProvider:
    name: str
    kind: str
    base_url: str | None
    key_source: KeySource
    key_name: str | None
    limits: dict[str, float]

    @classmethod
    def checked(
        cls,
        name: str,
        kind: str,
        base_url: str | None = None,
        key_source: str = "none",
        key_name: str | None = None,
        limits: Mapping[str, float | None] | None = None,
    ) -> NewProvider:
        name = validation.provider_name(name)
        kind = validation.kind(kind)
        source, entry = validation.key(key_source, key_name, name)
        return cls(name, kind, validation.base_url(kind, base_url), source, entry, validation.limits({}, limits or {}))


def add_provider(change: Change, new: NewProvider, shown: TakeOver | None = None) -> Provider:
    _free_provider_name(change, new.name)
    change.tx.execute(
        "insert into providers (name, kind, base_url, key_source, key_name, limits, created_at, updated_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (new.name, new.kind, new.base_url, new.key_source, new.key_name, json.dumps(new.limits), change.at, change.at),
    )
    added = queries.provider_named(change.tx, new.name)
    taken = {} if shown is None else {"taken_over": taking_over.take_over(change, added, shown)}
    change.done("provider-added", new.name, {"kind": new.kind, "base_url": new.base_url, **taken}, added.id)
    return added


def take_over(change: Change, provider_id: int, shown: TakeOver) -> None:
    provider = queries.provider_by_id(change.tx, provider_id)
    taken = taking_over.take_over(change, provider, shown)
    if taken:
        change.done("models-taken-over", provider.name, {"taken_over": taken}, provider.id)


def _free_provider_name(change: Change, name: str) -> None:
    if queries.find_provider(change.tx, name) is not None:
        raise AlreadyExists(f"There is a provider {name} already.", "Choose another name, or edit that one.")


def edit_provider(
    change: Change,
    provider_id: int,
    name: str | None,
    base_url: str | None,
    key_source: KeySource | None,
    key_name: str | None,
    limits: Mapping[str, float | None] | None,
    seen: Mapping[str, Any] | None,
) -> Provider:
    old = queries.provider_by_id(change.tx, provider_id)
    new = replace(
        _edited(old, name, base_url, key_source, key_name), limits=validation.limits(old.limits, limits or {})
    )
    edited = ("name", "base_url", "key_source", "key_name", "limits")
    confirmation.check_edit(
        f"The provider {old.name}",
        seen or {},
        *({field: getattr(one, field) for field in edited} for one in (old, new)),
    )
    detail = {field: [getattr(old, field), getattr(new, field)] for field in edited}
    detail = {field: pair for field, pair in detail.items() if pair[0] != pair[1]}
    if not detail:
        return old
    if new.name != old.name:
        _free_provider_name(change, new.name)
        change.tx.execute(
            "update model_configs set provider = ?, provider_id = ?"
            " where provider_id = ? or (provider_id is null and deleted_at is null and provider = ?)",
            (new.name, old.id, old.id, old.name),
        )
    change.write(
        f"The provider {old.name}",
        "update providers set name = ?, base_url = ?, key_source = ?, key_name = ?, limits = ?, updated_at = ?"
        " where id = ?",
        new.name,
        new.base_url,
        new.key_source,
        new.key_name,
        json.dumps(new.limits),
        change.at,
        old.id,
    )
    change.tx.execute(
        "update model_configs set is_local = ? where provider = ? and deleted_at is null", (int(new.local), new.name)
    )
    if new.base_url != old.base_url:  # what another address does not offer says nothing about this one
        change.tx.execute(
            "update model_configs set delisted_at = null where provider = ? and deleted_at is null", (new.name,)
        )
    change.done("provider-edited", old.name, {"fields": detail}, old.id)
    return queries.provider_by_id(change.tx, provider_id)


def _edited(
    old: Provider, name: str | None, base_url: str | None, key_source: KeySource | None, key_name: str | None
) -> Provider:
    new_name = old.name if name is None else validation.provider_name(name)
    source, entry = old.key_source, old.key_name
    if key_source is not None or key_name is not None:
        wanted = key_source or old.key_source
        kept = old.key_name if wanted == old.key_source else None
        source, entry = validation.key(wanted, key_name if key_name is not None else kept, new_name)
    return replace(
        old,
        name=new_name,
        base_url=old.base_url if base_url is None else validation.base_url(old.kind, base_url),
        key_source=source,
        key_name=entry,
    )


def switch_provider(change: Change, provider_id: int, enabled: bool) -> DefaultChange:
    provider = queries.provider_by_id(change.tx, provider_id)
    if provider.enabled == enabled:
        return _unchanged(change)
    change.write(
        f"The provider {provider.name}",
        "update providers set enabled = ?, updated_at = ? where id = ?",
        int(enabled),
        change.at,
        provider.id,
    )
    return change.done("provider-enabled" if enabled else "provider-disabled", provider.name, None, provider.id)


def _unchanged(change: Change) -> DefaultChange:
    return DefaultChange(change.before, change.before, promoted=False)


# Models.


@dataclass(frozen=True, slots=True)
class NewModel:
    name: str
    path: str | None
    context: int | None
    parameters: dict[str, Any]

    @classmethod
    def checked(cls, name: str, path: str | None, context: int | None, parameters: dict[str, Any] | None) -> NewModel:
        return cls(validation.model_name(name), path, validation.context(context), validation.parameters(parameters))


def add_model(
    change: Change,
    provider_name: str,
    new: NewModel,
    *,
    make_default: bool = False,
    place: NewProvider | None = None,
    shown: int | None = None,
) -> Model:
    """``place``: the provider to add with it, where there is none of that name."""
    if place is not None and queries.find_provider(change.tx, place.name) is None:
        add_provider(change, place)
    provider = _provider_of_model(change, provider_name, shown)
    _free_model_name(change, provider, new.name)
    model, action = _revived_or_new(change, provider, new)
    if make_default:
        change.give_default(_able_to_be_default(change, model))
    change.done(action, model.ref, {"model": model.id}, model.provider_id)
    return queries.model_by_id(change.tx, model.id)


def add_models(change: Change, provider_name: str, new: Sequence[NewModel], shown: int | None = None) -> list[Model]:
    provider = _provider_of_model(change, provider_name, shown)
    taken = {folded(model.model) for model in queries.live_models(change.tx, provider.name)}
    added = []
    for wanted in new:
        if folded(wanted.name) not in taken:
            taken.add(folded(wanted.name))
            added.append(_revived_or_new(change, provider, wanted))
    settled = change.settle()
    holder = settled.before
    for model, action in added:  # a line each; the one that became the default tells so, the others that it stayed
        if settled.after is not None and settled.after.id == model.id:
            change.log(action, model.ref, {"model": model.id}, settled, model.provider_id)
            holder = settled.after
        else:
            stayed = DefaultChange(holder, holder, promoted=False)
            change.log(action, model.ref, {"model": model.id}, stayed, model.provider_id)
    return [queries.model_by_id(change.tx, model.id) for model, _ in added]


def _revived_or_new(change: Change, provider: Provider, new: NewModel) -> tuple[Model, Action]:
    """A tombstone of that very provider and name comes to life: its chats are its own again. What is given goes before
    what it had."""
    grave = queries.tombstone_of(change.tx, provider.id, new.name)
    if grave is None:
        return _insert(change, provider, new), "model-added"
    path = validation.weights(provider.kind, new.name, new.path or grave.path)
    change.write(
        f"The model {grave.ref}",
        "update model_configs set deleted_at = null, delisted_at = null, enabled = 1, provider = ?, path = ?,"
        " context = ?, parameters = ?, is_local = ?, updated_at = ? where id = ? and deleted_at is not null",
        provider.name,
        path,
        new.context or grave.context,
        json.dumps(new.parameters or grave.parameters),
        int(is_local(provider.kind, provider.base_url)),
        change.at,
        grave.id,
    )
    return queries.model_by_id(change.tx, grave.id), "model-restored"


def _provider_of_model(change: Change, name: str, shown: int | None = None) -> Provider:
    """The explicit look-up inside the transaction: two writers never both win. ``shown``: the id of the provider that a
    person had before their eyes, whatever it is called by now. Raises ProviderNotConfigured, and Changed where
    another one has its name."""
    provider = queries.find_provider(change.tx, name)
    own = provider if shown is None else queries.find_provider_by_id(change.tx, shown)
    if own is None and provider is not None:
        raise Changed(f"{name} was removed, and another provider has its name now. Nothing was added.")
    if own is None:
        raise ProviderNotConfigured()
    return own


def _free_model_name(change: Change, provider: Provider, name: str, but: int | None = None) -> None:
    there = queries.twin(change.tx, provider.name, name, but)
    if there is not None and there.provider_id not in (None, provider.id):
        raise AlreadyExists(
            f"There is a model {quoted(there.ref)} already.",
            "It belongs to an earlier provider of that name, which another program took away.",
            remedy=Remedy(Way.FIX_STORE),
        )
    if there is not None:
        raise AlreadyExists(
            f"There is a model {quoted(there.ref)} already.",
            "It can be edited or switched on." if there.model == name else "Names that differ in case only are one.",
        )


def _insert(change: Change, provider: Provider, new: NewModel) -> Model:
    path = validation.weights(provider.kind, new.name, new.path)
    inserted = change.tx.execute(
        "insert into model_configs (provider, provider_id, model, path, context, parameters, is_local, created_at,"
        " updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            provider.name,
            provider.id,
            new.name,
            path,
            new.context,
            json.dumps(new.parameters),
            int(is_local(provider.kind, provider.base_url)),
            change.at,
            change.at,
        ),
    )
    return queries.model_by_id(change.tx, int(inserted.lastrowid or 0))


@dataclass(frozen=True, slots=True)
class ModelEdit:
    """What is not None changes; ``clear_context`` goes before ``context``; ``parameters`` are set by name, None unsets.
    ``seen``: what stood in the fields before they were edited. The row says how to check the rest."""

    model: str | None
    path: str | None
    context: int | None
    clear_context: bool
    parameters: dict[str, Any] | None
    seen: Mapping[str, Any]

    @classmethod
    def checked(
        cls,
        model: str | None,
        path: str | None,
        context: int | None,
        clear_context: bool,
        parameters: dict[str, Any] | None,
        seen: Mapping[str, Any] | None,
    ) -> ModelEdit:
        return cls(
            None if model is None else validation.model_name(model),
            path,
            validation.context(context),
            clear_context,
            parameters,
            seen or {},
        )


def _fields(model: Model) -> dict[str, Any]:
    """What can be edited, by name; each parameter is a field of its own."""
    return {**model.parameters, "model": model.model, "path": model.path, "context": model.context}


def edit_model(change: Change, model_id: int, edit: ModelEdit) -> Model:
    old = queries.live_model_by_id(change.tx, model_id)
    provider = _provider_of_model(change, old.provider)
    name = old.model if edit.model is None else edit.model
    path = old.path if edit.path is None else edit.path
    # What stays as it is is not judged again: another program may have written it, and the rest can be edited still.
    if name != old.model:
        _free_model_name(change, provider, name, but=old.id)
    if (name, path) != (old.model, old.path):
        path = validation.weights(provider.kind, name, path)
    new = replace(
        old,
        model=name,
        path=path,
        context=None if edit.clear_context else old.context if edit.context is None else edit.context,
        parameters=validation.patched(old.parameters, edit.parameters or {}),
    )
    confirmation.check_edit(f"The model {old.ref}", edit.seen, _fields(old), _fields(new))
    edited = ("model", "path", "context", "parameters")
    detail = {field: [getattr(old, field), getattr(new, field)] for field in edited}
    detail = {field: pair for field, pair in detail.items() if pair[0] != pair[1]}
    if not detail:
        return old
    change.write(
        f"The model {old.ref}",
        "update model_configs set model = ?, path = ?, context = ?, parameters = ?, updated_at = ?"
        " where id = ? and deleted_at is null",
        new.model,
        new.path,
        new.context,
        json.dumps(new.parameters),
        change.at,
        old.id,
    )
    if new.model != old.model:
        offers.mark(change, [old.id], None)
    change.done("model-edited", old.ref, {"model": old.id, "fields": detail}, old.provider_id)
    return queries.model_by_id(change.tx, old.id)


def switch_model(change: Change, model_id: int, enabled: bool) -> DefaultChange:
    model = queries.live_model_by_id(change.tx, model_id)
    if model.enabled == enabled:
        return _unchanged(change)
    change.write(
        f"The model {model.ref}",
        "update model_configs set enabled = ?, updated_at = ? where id = ? and deleted_at is null",
        int(enabled),
        change.at,
        model.id,
    )
    return change.done(
        "model-enabled" if enabled else "model-disabled", model.ref, {"model": model.id}, model.provider_id
    )


# The default.


def make_default(change: Change, model_id: int) -> DefaultChange:
    model = queries.live_model_by_id(change.tx, model_id)
    if model.is_default:
        return _unchanged(change)
    change.give_default(_able_to_be_default(change, model))
    return change.done("default-chosen", model.ref, {"model": model.id}, model.provider_id)


def _able_to_be_default(change: Change, model: Model) -> Model:
    """The model itself. Raises InvalidInput where it could not answer."""
    if not model.usable:
        off = model.ref if not model.enabled else f"its provider {model.provider}"
        raise InvalidInput(
            f"{model.ref} cannot be the default: {off} is switched off.",
            "Choose another model, or switch it on first.",
            remedy=ways_back.to_use(change.tx, model),
        )
    return model


def demote_default(change: Change, model_id: int) -> DefaultChange:
    model = queries.live_model_by_id(change.tx, model_id)
    if not model.is_default:
        raise InvalidInput(f"{model.ref} is not the default.", "Nothing was changed.")
    others = queries.successors(change.tx, without=[model.id])
    if not others:
        raise InvalidInput(
            f"{model.ref} is the only model that can answer; it stays the default.",
            "Add or switch on another one first.",
        )
    change.give_default(others[0], promoted=True)
    return change.done("default-demoted", model.ref, {"model": model.id}, model.provider_id)
