"""Turns of a chat against an export of it: which turn this is, and how often it was asked, come from the store."""

from __future__ import annotations

from pathlib import Path

from localchat.providers import connect
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.testing import Script, add_replay, known_store
from localchat.transfer.export import json_document
from localchat.turns import Connect, Ended, NewTurn, Regenerate, TurnRequest, send


async def said(store: Store, by: Connect, request: TurnRequest) -> Ended:
    last = [event async for event in send(store, by, request)][-1]
    assert isinstance(last, Ended)
    return last


def export(store: Store, path: Path) -> None:
    """The chat used last."""
    chat = Exchange(store).one(store.chats.listing()[0].id)
    path.write_text("".join(json_document([chat], store.now())), "utf-8")


async def conversation(store: Store, by: Connect) -> list[str]:
    """A question, asked again once, and another question."""
    first = await said(store, by, NewTurn("Why?"))
    chat_id, prompt = first.message.chat_id, first.message.parent_id
    assert prompt is not None
    again = await said(store, by, Regenerate(chat_id, prompt))
    other = await said(store, by, NewTurn("And now?", chat_id=chat_id))
    return [ended.message.content for ended in (first, again, other)]


async def test_a_conversation_with_versions_goes_the_same_way_again(tmp_path: Path) -> None:
    with known_store(tmp_path / "one.db") as store:
        told = await conversation(store, Script("One.", "Two.", "Three.").connect)
        chat_id = store.chats.listing()[0].id
        (tmp_path / "chat.json").write_text(
            "".join(json_document([Exchange(store).one(chat_id)], store.now())), "utf-8"
        )
    assert told == ["One.", "Two.", "Three."]
    with known_store(tmp_path / "two.db") as store:
        add_replay(store, tmp_path / "chat.json")
        assert await conversation(store, connect) == told


async def test_in_order_the_turn_decides(tmp_path: Path) -> None:
    with known_store(tmp_path / "one.db") as store:
        await conversation(store, Script("One.", "Two.", "Three.").connect)
        chat_id = store.chats.listing()[0].id
        (tmp_path / "chat.json").write_text(
            "".join(json_document([Exchange(store).one(chat_id)], store.now())), "utf-8"
        )
    with known_store(tmp_path / "two.db") as store:
        add_replay(store, tmp_path / "chat.json")
        provider = store.catalog.provider("replay")
        store.catalog.edit_provider(provider.id, base_url=f"{provider.base_url}&in-order")
        first = await said(store, connect, NewTurn("Anything"))
        other = await said(store, connect, NewTurn("Else", chat_id=first.message.chat_id))
        assert [first.message.content, other.message.content] == ["One.", "Three."]
