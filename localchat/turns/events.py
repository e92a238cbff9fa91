"""What happens in a turn, as it is told: the first event is ``Began``, the last ``Ended``."""

from __future__ import annotations

from dataclasses import dataclass

from localchat.errors import LocalChatError
from localchat.records import Chat, Message, Progress, Resolution


@dataclass(frozen=True, slots=True)
class Began:
    """The words are stored. ``resolution`` says who answers and whether that is a fallback; ``unarchived``: the chat
    came out of the archive by this turn."""

    chat: Chat
    prompt: Message | None
    reply: Message
    resolution: Resolution
    new_chat: bool
    unarchived: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """This many earlier messages do not fit the model's context and are not sent."""

    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something takes time before the first word."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Chunk:
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The reply as it is stored; ``error`` where it failed or was cut.

    Where ``kept`` is false the store could not take the end of the reply, for the reason that ``error`` gives: then
    ``message`` is all that came, as it would have been stored.
    """

    message: Message
    error: LocalChatError | None = None
    kept: bool = True


Event = Began | LeftOut | Waiting | Chunk | Thought | Ended
