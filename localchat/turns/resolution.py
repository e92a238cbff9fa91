"""Who answers: the model asked for, the chat's own, or the default; and whether the person agreed to where it runs."""

from __future__ import annotations

from collections.abc import Sequence

from localchat import wording
from localchat.attachments.reading import is_image
from localchat.errors import ConfirmRemote, FallbackRefused, InvalidInput, NoDefaultModel, NotFound
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


def resolve(
    store: Store,
    chat: Chat | None,
    model_id: int | None = None,
    allow_remote: bool = False,
    *,
    no_fallback: bool = False,
) -> Resolution:
    """Who answers: the model asked for, else the chat's own, else the default (a fallback).

    Raises NoDefaultModel, FallbackRefused, ConfirmRemote, NotFound and InvalidInput (the model asked for is gone, or
    switched off).
    """
    catalog = store.catalog
    own = catalog.model(chat.model.id) if chat is not None and chat.model is not None else None
    default = catalog.default()
    if model_id is not None:
        asked = catalog.model(model_id)
        if asked.removed:
            raise NotFound(f"{asked.ref} was removed.", "See `localchat models list`.")
        if not asked.usable:
            raise InvalidInput(f"{asked.ref} is switched off.", "Switch it on, or choose another model.")
        # A chat that has no model of its own yet (an import) does not get one by a turn with another.
        return Resolution(used=asked, own=own or (default if chat is not None and default else asked))
    if own is not None and own.usable:
        return Resolution(used=own, own=own)
    if default is None or not default.usable:
        raise NoDefaultModel
    if own is None:
        return Resolution(used=default, own=default)
    reason: Reason = "removed" if own.removed else "disabled"
    if no_fallback:
        raise FallbackRefused(own.ref, default.ref, wording.went(reason))
    leaves = bool(own.is_local) and not default.is_local
    if leaves and not allow_remote and not (chat is not None and chat.remote_hosts):
        raise ConfirmRemote(own.ref, default.ref)
    fallback = Fallback(wanted=own, used=default, reason=reason)
    return Resolution(used=default, own=own, fallback=fallback, agreed=leaves and allow_remote)


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
            "Choose another model (ctrl+o), or leave the image out.",
        )
