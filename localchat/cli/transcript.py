"""A conversation as lines to read: who spoke, what was said, and what localchat did in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localchat.attachments.reading import label
from localchat.cli.output import advice, age
from localchat.records import Chat, Message
from localchat.text import count, one_line
from localchat.wording import fell_back

ENDS = {
    "streaming": "(the reply is still coming)",
    "stopped": "(stopped; what came is kept)",
    "interrupted": "(interrupted; something may be missing)",
}


def lines_of(chat: Chat, messages: Sequence[Message]) -> Iterator[str]:
    """The whole chat. Text of people and models is not cleaned here: whoever prints it does."""
    yield chat.title or "(no title)"
    yield f"Chat {chat.id} · {_model(chat)} · {count(len(messages), 'message')} · used {_ago(chat.updated_at)}"
    if chat.deleted_at is not None:
        yield f"In the trash. `localchat chats restore {chat.id}` takes it out."
    elif chat.archived_at is not None:
        yield f"Archived. `localchat chats unarchive {chat.id}` brings it back to the list."
    if chat.system:
        yield from ("", "system:", chat.system)
    for message in messages:
        yield from _message(message)


def _model(chat: Chat) -> str:
    if chat.model is None:
        return "no model yet"
    return f"{chat.model.ref} (removed)" if chat.model.removed else chat.model.ref


def _ago(stamped: str) -> str:
    spoken = age(stamped)
    return f"{spoken} ago" if spoken[-1:].isalpha() and spoken != "now" else spoken


def _message(message: Message) -> Iterator[str]:
    yield ""
    yield from _before(message)
    yield f"{_speaker(message)}:"
    for attachment in message.attachments:
        yield label(attachment)
    if message.content:
        yield message.content
    yield from _after(message)


def _speaker(message: Message) -> str:
    if message.role == "user":
        return "you"
    if message.role == "system":
        return "system"
    if message.model is None:
        return "assistant"
    return f"{message.model.ref} (removed)" if message.model.removed else message.model.ref


def _before(message: Message) -> Iterator[str]:
    """What stands between question and answer."""
    if message.fallback_from is not None:
        yield f"─ {fell_back(message.fallback_from, message.model, message.fallback_reason, refs=True)}"
    if message.left_out:
        yield f"─ {count(message.left_out, 'earlier message')} did not fit the model's context and were not sent."


def _after(message: Message) -> Iterator[str]:
    if message.error is not None:
        told = one_line(message.error.message)
        yield f"(interrupted: {told})" if message.status == "interrupted" else f"(failed: {told})"
        if todo := advice(message.error):
            yield f"({one_line(todo)})"
    elif message.status == "failed":
        yield "(failed)"
    elif message.status in ENDS:
        yield ENDS[message.status]
    elif message.finish_reason == "length":
        yield "(the reply reached its limit of tokens and ends there)"
