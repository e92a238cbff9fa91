"""The transcript of a chat with what keys do to one of its messages: edit, versions, fork, go on."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from localchat.errors import InvalidInput
from localchat.records import Chat
from localchat.records import Message as ChatMessage
from localchat.store import Store
from localchat.tui.transcript import Transcript


class ChatTranscript(Transcript):
    """Posts ``Asked`` with the id of the marked message."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "e", "ask('edit')", "Edit", id="message.edit", tooltip="Edit this message and send it as a new version"
        ),
        Binding(
            "left_square_bracket,left",
            "ask('older')",
            "Older version",
            id="message.older",
            key_display="[",
            tooltip="Show the version of this message before",
            show=False,
        ),
        Binding(
            "right_square_bracket,right",
            "ask('newer')",
            "Newer version",
            id="message.newer",
            key_display="]",
            tooltip="Show the version of this message after",
            show=False,
        ),
        Binding("f", "ask('fork')", "Fork", id="message.fork", tooltip="Begin a new chat with all up to this message"),
    ]

    class Asked(Message):
        """Something is to be done with a message: ``edit``, ``older``, ``newer``, ``fork``."""

        def __init__(self, what: str, message_id: int) -> None:
            super().__init__()
            self.what = what
            self.message_id = message_id

    def action_ask(self, what: str) -> None:
        marked = self.selected_message
        if marked is not None:
            self.post_message(self.Asked(what, marked))


def leaf_of_version(store: Store, message: ChatMessage, step: int) -> int:
    """The leaf to show for the version of a message that is ``step`` further. Raises InvalidInput at either end."""
    versions = store.messages.versions(message)
    place = versions.index(message.id) + step
    if not 0 <= place < len(versions):
        which = "the first" if step < 0 else "the last"
        only = "There is no other version of this message." if len(versions) == 1 else f"This is {which} version."
        raise InvalidInput(only, "ctrl+r makes another version of a reply, e of a message of yours.")
    return store.messages.newest_leaf(versions[place])


def with_versions(store: Store, chat: Chat, message_id: int) -> ChatMessage:
    """The message itself, or where it has one version only, the nearest above it that has more."""
    message = store.messages.get(message_id)
    if message.versions > 1:
        return message
    line = store.messages.line(chat, max(0, message.depth - 50), message.depth)
    return next((above for above in reversed(line) if above.versions > 1), message)
