"""A short title for a new chat, by the model that answered it; never by another provider."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from localchat.errors import LocalChatError
from localchat.records import LOCAL_KINDS, Line, Message, Provider, Request, TextPiece
from localchat.store import Store, patiently
from localchat.text import one_line, title_from, visible
from localchat.turns.requests import Connect

if TYPE_CHECKING:
    from localchat.providers import Client
    from localchat.turns import Began

SWITCH = "titles by the model"  # its name in the store's state; "off" leaves the first words
LIMIT = 60  # characters
TASK = "Give this conversation a title of two to six words, in its language. Answer with the title and nothing else."


def wanted(store: Store, began: Began, provider: Provider) -> bool:
    """For new chats that still have their plain title. The model in the box is too small for it, echo says nothing."""
    return began.new_chat and provider.kind not in LOCAL_KINDS and store.state.get(SWITCH, "on") == "on"


async def entitle(store: Store, connect: Connect, began: Began, reply: Message) -> bool:
    """Ask for a title and give it, unless the person gave one meanwhile; whether it did.

    A title is a courtesy: what goes wrong here leaves the plain one and is not told.
    """
    used, prompt = began.resolution.used, began.prompt
    if prompt is None:
        return False
    try:
        provider = store.catalog.provider(used.provider)
        if not wanted(store, began, provider):
            return False
        said = f"user: {prompt.content[:2000]}\n\nassistant: {reply.content[:2000]}\n\n{TASK}"
        title = await _ask(connect(provider), Request(model=used.model, lines=(Line("user", said),)))
        if not visible(title):
            return False
        plain = title_from(prompt.content)
        return await patiently(lambda: store.chats.retitle(began.chat.id, plain, title))
    except LocalChatError:
        return False


async def _ask(client: Client, request: Request) -> str:
    words: list[str] = []
    try:
        async with aclosing(client.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    words.append(piece.text)
                if sum(map(len, words)) > 400:  # that is no title
                    return ""
    finally:
        await client.aclose()
    return one_line("".join(words).strip().strip("\"'“”«»*#. "), LIMIT)
