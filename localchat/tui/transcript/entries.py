"""What the transcript draws: entries, the notices between them, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

EntryRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that tells what localchat did. It is shown, never sent."""

    text: str
    kind: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as it is drawn. ``key`` is the message's id and stays the same as long as the message lives.

    ``content`` of an assistant or system entry is Markdown; a user's is shown as it was typed, with its code fences
    coloured. ``aside`` stands dimmed at the right of the speaker, ``version`` (``2/3``) beside the name. ``reasoning``
    is folded away until asked for. ``attachments``: what went with it, one line each.
    """

    key: int
    role: EntryRole
    speaker: str
    aside: str = ""
    content: str = ""
    removed: bool = False
    reasoning: str = ""
    before: tuple[Notice, ...] = ()
    after: tuple[Notice, ...] = ()
    version: str = ""
    live: bool = False
    attachments: tuple[str, ...] = ()


class Source(Protocol):
    """Where the entries come from. The transcript reads only the pages it is about to show."""

    def __len__(self) -> int: ...

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        """The entries of these positions, in order; cheap enough to be called on every scroll."""
        ...
