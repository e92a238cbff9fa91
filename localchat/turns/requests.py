"""What may be asked, by type. A request is complete: nothing of it is looked up later on the screen it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localchat.records import Attachment, Provider

if TYPE_CHECKING:
    from localchat.providers import Client

Connect = Callable[[Provider], "Client"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Who may answer, the same for every request.

    ``model_id``: answer this turn with that model, whatever the chat's own is. ``agreed_host``: the person was
    shown this host and agreed that a chat whose model ran on this machine, or nobody knows where, may go there. Empty:
    nothing was agreed to yet, and ``model_id`` was offered and not chosen by its name, so that somebody has to.
    ``no_fallback``: the chat's own model or none. ``system``: the chat's system prompt from now on. ``expects``: the
    model that the person saw would answer; where it would be another by now, nothing is sent. ``parameters``: for this
    turn, before those of the chat and the model; None leaves one to the endpoint.
    """

    model_id: int | None = None
    agreed_host: str | None = None
    no_fallback: bool = False
    system: str | None = None
    expects: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewTurn(_Terms):
    """The next words of a chat; ``chat_id`` None begins one. ``under``: the message after which the person wrote them,
    else the chat's last one when the turn is stored. ``attachments`` go with the text."""

    text: str
    chat_id: int | None = None
    under: int | None = field(default=None, kw_only=True)
    attachments: tuple[Attachment, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Edit(_Terms):
    """A new version of a message of the person's, with a reply of its own; the old one stays."""

    text: str
    chat_id: int
    message_id: int
    attachments: tuple[Attachment, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Regenerate(_Terms):
    """Another reply to a message of the person's; the one that is there stays as a version."""

    chat_id: int
    prompt_id: int


@dataclass(frozen=True, slots=True)
class Continue(_Terms):
    """The rest of a reply that ended too early: its text begins a new version, and the model is asked for what
    follows."""

    chat_id: int
    reply_id: int


TurnRequest = NewTurn | Edit | Regenerate | Continue
