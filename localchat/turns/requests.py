"""What may be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localchat.records import Attachment, Provider

if TYPE_CHECKING:
    from localchat.providers import Client


Connect = Callable[[Provider], "Client"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to answer. ``chat_id`` None begins a chat; ``text`` None asks the prompt ``under`` again.

    ``model_id``: answer this turn with that model, whatever the chat's own is. ``allow_remote``: the person agreed that
    a chat whose model ran on this machine may be sent to another one. ``goes_on``: the id of a reply that ended too
    early: its text begins a new version, and the model is asked for the rest. ``attachments`` go with the text.
    """

    text: str | None
    chat_id: int | None = None
    model_id: int | None = None
    allow_remote: bool = False
    under: int | None = None
    at_root: bool = False
    system: str | None = None
    goes_on: int | None = None
    attachments: tuple[Attachment, ...] = ()
