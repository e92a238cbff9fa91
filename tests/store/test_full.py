"""The disk fills at any moment of a change: SQLITE_FULL at every page (`pragma max_page_count`). The change is made
whole or not at all, it is said that the disk is full, and the store stays sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from localchat.errors import DiskFull
from localchat.records import Status
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.testing import add_chat, known_store
from tests.store.helpers import dump

LONG = "words that need room " * 900


def turn(store: Store) -> None:
    add_chat(store, "A new chat", "alpha/a1", [(LONG, LONG)])


def end_of_a_reply(store: Store) -> None:
    status: Status = "complete"
    store.messages.finish(2, status, LONG * 3)


def removal(store: Store) -> None:
    store.catalog.remove_provider("alpha")


def imported(store: Store) -> None:
    [chat] = Exchange(store).read([1], lasting=False)
    messages = tuple(replace(each, content=LONG) for each in chat.messages)
    Exchange(store).take(replace(chat, source="elsewhere", source_id="1", messages=messages))


def draft(store: Store) -> None:
    store.chats.set_draft(1, LONG)


def fork(store: Store) -> None:
    chat = store.chats.get(1)
    store.chats.fork(chat.id, chat.leaf_id or 0)


TABLES = ("providers", "model_configs", "chats", "messages", "catalog_events")


@pytest.mark.parametrize("work", [turn, end_of_a_reply, removal, imported, draft, fork])
def test_the_disk_fills_at_any_page_of_a_change(tmp_path: Path, work: Callable[[Store], None]) -> None:
    full = 0
    for room in range(200):
        path = tmp_path / f"{room}.db"
        with known_store(path) as store:
            store.chats.set_system(1, LONG)
            pages = store.connection.execute("pragma page_count").fetchone()[0]
            before = dump(store.connection, *TABLES)
            store.connection.execute(f"pragma max_page_count = {pages + room}")
            told = ""
            try:
                work(store)
            except DiskFull as error:
                told = error.message
            done = not told
            assert done or "The disk is full" in told
            after = dump(store.connection, *TABLES)
            assert store.connection.execute("pragma integrity_check").fetchone()[0] == "ok"
            assert store.search.sound()
            if work is not turn:  # which is several changes here, each whole
                assert done == (after != before)
            store.connection.execute("pragma max_page_count = 1000000")
            if not done:
                full += 1
                work(store)  # and with room again it can be done
        if done:
            break
    assert done
    assert full > 0 or work in (removal, fork), "it never filled"
