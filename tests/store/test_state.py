"""What the app remembers between starts."""

from __future__ import annotations

from pathlib import Path

from localchat.store import Store


def test_what_was_put_is_there_at_the_next_start(path: Path) -> None:
    with Store(path) as store:
        assert store.state.get("theme") == ""
        assert store.state.get("theme", "dark") == "dark"
        store.state.put("theme", "light")
        store.state.put("theme", "nord")
    with Store(path) as store:
        assert store.state.get("theme", "dark") == "nord"


def test_any_text_can_be_kept_even_half_of_a_broken_escape(store: Store) -> None:
    words = "[/foo]\x1b[2J\0 \u202e بيت 🏠\n"
    store.state.put("draft", words)
    assert store.state.get("draft") == words
    store.state.put("draft", "half \ud83d of an emoji")
    assert store.state.get("draft") == "half \ufffd of an emoji"


def test_an_empty_value_is_a_value(store: Store) -> None:
    store.state.put("draft", "")
    assert store.state.get("draft", "nothing") == ""
