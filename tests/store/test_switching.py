"""Chats by some letters of their title."""

from __future__ import annotations

import pytest

from localchat.store import Store
from localchat.testing import StillClock, add_chat

TITLES = ("Rain in Lisbon", "Über Äpfel", "100% [sure] ^_^", "a\\b", "Rows and locks", "İstanbul", "Learning Rust")


@pytest.fixture
def store(localchat_store: Store, localchat_clock: StillClock) -> Store:
    for chat in localchat_store.chats.listing():
        localchat_store.chats.erase(chat.id)
    for title in TITLES:
        localchat_clock.advance(hours=1)
        add_chat(localchat_store, title, "alpha/a1", [("Who?", "Me.")])
    return localchat_store


def named(store: Store, typed: str, limit: int = 50) -> list[str]:
    return [chat.title for chat in store.chats.named(typed, limit=limit)]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", [*reversed(TITLES)]),
        ("  ", [*reversed(TITLES)]),
        ("rn", ["Learning Rust", "Rows and locks", "Rain in Lisbon"]),
        ("RIL", ["Rain in Lisbon"]),
        ("in l", ["Rain in Lisbon"]),
        ("über", ["Über Äpfel"]),
        ("ÜÄ", ["Über Äpfel"]),
        ("äü", []),
        ("%", ["100% [sure] ^_^"]),
        ("_^", ["100% [sure] ^_^"]),
        ("[]^", ["100% [sure] ^_^"]),
        ("\\", ["a\\b"]),
        ("İst", ["İstanbul"]),
        ("*", []),
        ("?", []),
        ("r" * 5000, []),
        ("a\0\ud800b", []),
    ],
)
def test_letters_in_their_order_find_a_title(store: Store, typed: str, found: list[str]) -> None:
    assert named(store, typed) == found


def test_where_they_stand_together_comes_first_then_the_newest(store: Store) -> None:
    assert named(store, "ro") == ["Rows and locks", "Rain in Lisbon"]
    assert named(store, "rai") == ["Rain in Lisbon"]
    assert named(store, "ain") == ["Rain in Lisbon", "Learning Rust"], "older, but together"
    assert named(store, "n", limit=2) == ["Learning Rust", "İstanbul"]


def test_archived_ones_are_found_and_those_in_the_trash_are_not(store: Store) -> None:
    ids = {chat.title: chat.id for chat in store.chats.listing()}
    store.chats.archive(ids["Rain in Lisbon"], True)
    store.chats.trash(ids["Learning Rust"])
    assert named(store, "ri") == ["Rain in Lisbon"]
    assert named(store, "")[-1] == "Rain in Lisbon"


def test_only_the_indexes_are_walked(store: Store) -> None:
    """So that it makes no difference how many chats there are, and how much is in them."""
    connection = store.chats._connection
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    store.chats.named("rain")
    connection.set_trace_callback(None)
    assert len(asked) == 1
    plan = [row[3] for row in connection.execute(f"explain query plan {asked[0]}")]
    walks = [step for step in plan if step.startswith("SCAN c")]
    assert sorted(walks) == ["SCAN c USING INDEX chats_archived"] * 2 + ["SCAN c USING INDEX chats_by_time"] * 2
