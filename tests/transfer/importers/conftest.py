"""Importing into a store of its own, and reading back what a person would see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localchat.store import Store
from localchat.store.importing import import_file
from localchat.store.transfer import Exchange
from localchat.transfer.importers import Imported
from localchat.transfer.portable import WholeChat, WholeMessage, line_of

Take = Callable[..., Imported]


@pytest.fixture
def take(store: Store) -> Take:
    """Import a file; a second time must change nothing at all."""

    def take(path: Path, **options: Any) -> Imported:
        done = import_file(store, str(path), **options)
        if not options.get("dry_run"):
            before = contents(store)
            again = import_file(store, str(path), **options)
            assert (again.chats_imported, again.messages, again.models_added) == (0, 0, [])
            assert again.chats_skipped == done.chats_imported + done.chats_skipped
            assert contents(store) == before
        return done

    return take


def contents(store: Store) -> list[tuple[Any, ...]]:
    tables = ("chats", "messages", "model_configs", "chat_sources")
    return [tuple(row) for table in tables for row in store.connection.execute(f"select * from {table}")]


def chats(store: Store) -> list[WholeChat]:
    exchange = Exchange(store)
    return list(exchange.read(exchange.ids(trash=True), lasting=False))


def titled(store: Store, title: str) -> WholeChat:
    found = [chat for chat in chats(store) if chat.title == title]
    assert len(found) == 1, [chat.title for chat in chats(store)]
    return found[0]


def lines(chat: WholeChat) -> list[tuple[str, str]]:
    """Who said what, along the line that was read last."""
    return [(message.role, message.content) for message in line_of(chat)]


def replies(chat: WholeChat) -> list[WholeMessage]:
    return [message for message in chat.messages if message.role == "assistant"]
