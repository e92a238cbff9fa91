"""``localchat chats versions`` and ``chats parameters``: the other lines of a chat, and how its turns are asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from localchat.cli.output import answer, table
from localchat.cli.parameters import ChatId, Words, given, parameters_option
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.errors import NotFound


@click.command(cls=Command)
@click.option("--show", "message_id", type=ChatId(), metavar="MESSAGE", help="Show the line that this version is on.")
@click.argument("chat_id", type=ChatId(), metavar="ID")
@pass_session
def versions(session: Session, chat_id: int, message_id: int | None) -> None:
    """List the messages of a chat that have several versions, or show another one.

    An edited prompt and a reply that was asked for again are versions; the chat shows one line of them.
    """
    store = session.store
    store.chats.get(chat_id)
    if message_id is not None:
        try:
            there = store.messages.get(message_id).chat_id == chat_id
        except NotFound:
            there = False
        if not there:
            raise NotFound(
                f"Chat {chat_id} has no message {message_id}.", f"See the ids: `localchat chats show {chat_id} --json`."
            )
        store.chats.set_leaf(chat_id, store.messages.newest_leaf(message_id))
    chat = store.chats.get(chat_id)
    found = []
    for message in store.messages.line(chat):
        siblings = store.messages.versions(message)
        if len(siblings) > 1:
            found += [(store.messages.get(version), version == message.id) for version in siblings]
    document: list[dict[str, Any]] = [
        {
            "id": each.id,
            "depth": each.depth,
            "role": each.role,
            "content": each.content,
            "model": each.model.ref if each.model is not None else None,
            "status": each.status,
            "shown": shown,
            "created_at": each.created_at,
        }
        for each, shown in found
    ]
    rows = [
        (str(entry["id"]), "shown" if entry["shown"] else "", entry["role"], entry["model"] or "", entry["content"])
        for entry in document
    ]
    lines = table(("ID", "", "ROLE", "MODEL", "TEXT"), rows, wide=4) if rows else ["No message has another version."]
    answer(session, document, *lines)


@click.command(cls=Command)
@parameters_option("For all turns of this chat from now on.")
@click.option("--unset", type=Words(), multiple=True, metavar="NAME", help="Leave that parameter to the model again.")
@click.argument("chat_id", type=ChatId(), metavar="ID")
@pass_session
def parameters(session: Session, chat_id: int, parameters: Sequence[str], unset: Sequence[str]) -> None:
    """Show the parameters of a chat, or set some."""
    chat = session.store.chats.get(chat_id)
    wanted = given(parameters, unset)
    if wanted:
        chat = session.store.chats.set_instructions(chat_id, parameters=wanted)
    lines = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(chat.parameters.items())]
    answer(
        session,
        {"chat_id": chat_id, "parameters": chat.parameters},
        *(lines or [f"Chat {chat_id} has no parameters of its own."]),
    )
