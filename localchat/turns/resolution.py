"""Who answers: the model asked for, the chat's own, or the default; and whether the person agreed to where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localchat import wording
from localchat.attachments.reading import is_image
from localchat.errors import ConfirmRemote, FallbackRefused, InvalidInput, NoDefaultModel, NotFound, Remedy, Way
from localchat.records import (
    LOCAL_KINDS,
    Attachment,
    AttachmentInfo,
    Chat,
    Fallback,
    Model,
    Provider,
    Reason,
    Resolution,
)
from localchat.store import Store
from localchat.text import one_line


def answerer(store: Store, chat: Chat | None, model_id: int | None = None, *, no_fallback: bool = False) -> Resolution:
    """Who answers: the model asked for, else the chat's own, else the default (a fallback). For what only shows it:
    this asks for no consent.

    Raises NoDefaultModel, FallbackRefused, NotFound and InvalidInput (the model asked for is gone, or switched off).
    """
    catalog = store.catalog
    own = catalog.model(chat.model.id) if chat is not None and chat.model is not None else None
    default = catalog.default()
    if model_id is not None:
        asked = catalog.model(model_id)
        if asked.removed:
            raise NotFound(f"{asked.ref} was removed.", "", remedy=Remedy(Way.LIST_MODELS))
        if not asked.usable:
            way = Way.SWITCH_ON_PROVIDER if asked.enabled else Way.SWITCH_ON_MODEL
            remedy = Remedy(way, asked.provider if asked.enabled else asked.ref)
            raise InvalidInput(f"{asked.ref} is switched off.", "Choose another model, or switch it on.", remedy=remedy)
        # A chat that has no model of its own yet (an import) does not get one by a turn with another.
        return Resolution(used=asked, own=own or (default if chat is not None and default else asked))
    if own is not None and own.usable:
        return Resolution(used=own, own=own)
    if default is None:
        raise NoDefaultModel
    if own is None:
        return Resolution(used=default, own=default)
    reason: Reason = "removed" if own.removed else "disabled"
    if no_fallback:
        raise FallbackRefused(*wording.told_apart(own, default, reason, refs=True), wording.went(reason))
    return Resolution(used=default, own=own, fallback=Fallback(wanted=own, used=default, reason=reason))


def resolve(
    store: Store,
    chat: Chat | None,
    model_id: int | None = None,
    agreed_host: str | None = None,
    *,
    no_fallback: bool = False,
) -> Resolution:
    """Who answers a turn that is sent. Called inside the transaction that stores it: the host that the person was shown
    and agreed to is compared with the one that would be asked now.

    Raises ConfirmRemote beside what ``answerer`` raises.
    """
    resolution = answerer(store, chat, model_id, no_fallback=no_fallback)
    # Who chooses a model by its name agrees with that; who was only offered it (agreed_host is given) does not yet.
    asks = resolution.fallback is not None or agreed_host is not None
    question = consent_to(store, chat, resolution.own, resolution.used) if asks else None
    if question is None:
        return resolution
    if question.host != agreed_host:
        raise question
    return replace(resolution, agreed=question.host)


def consent_to(store: Store, chat: Chat | None, own: Model, used: Model) -> ConfirmRemote | None:
    """What a person has to agree to before ``used`` gets to see a chat of ``own``; None where there is nothing."""
    if own.is_local is False or used.is_local:
        return None
    host = store.catalog.provider(used.provider).host
    if chat is not None and host in chat.remote_hosts:
        return None
    return ConfirmRemote(own.ref, used.ref, host, known=own.is_local is not None)


def takes_images(provider: Provider) -> bool:
    """Whether an image may be tried there. Which model of a service takes them, only the service knows: it says so."""
    return provider.kind == "replay" or provider.kind not in LOCAL_KINDS


def check_images(asked: Sequence[Attachment | AttachmentInfo], used: Model, provider: Provider) -> None:
    """Raises InvalidInput where an image is asked about and the model cannot see any."""
    if takes_images(provider):
        return
    names = [each.name for each in asked if is_image(each.media_type)]
    if names:
        shown = one_line(", ".join(names), 120)
        raise InvalidInput(
            f"{used.ref} cannot see images: {shown}. Nothing was sent.",
            "Leave the image out, or ask a model that sees.",
            remedy=Remedy(Way.PICK_MODEL),
        )
