"""The app over a store into which another program wrote what no record can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import screen_text, settled, still_app
from tests.store.hostile import columns, fill, unchecked, write

# Of each kind one: the store's readers are tried with all of them.
SOME = (
    "null",
    "cast(x'41ff42' as text)",
    "char(27) || ']52;c;aGk=' || char(7)",
    "9223372036854775807",
    "'2026-13-45T99:99:99.999Z'",
    '\'{"temperature": NaN, "seed": 1e999}\'',
)


@pytest.mark.parametrize("expression", SOME)
async def test_chats_are_listed_opened_and_found_and_so_are_models(tmp_path: Path, expression: str) -> None:
    path = tmp_path / "hostile.db"
    with Store(path) as store:
        fill(store)
    unchecked(path)
    for row, place in enumerate(columns(path)):
        if place not in (("chats", "deleted_at"), ("chats", "archived_at"), ("messages", "chat_id")):
            write(path, *place, expression, row, quietly=row % 2 == 0)
    store = Store(path, busy_timeout=0)
    app = still_app(store)
    async with app.run_test(size=(110, 40)) as pilot:
        await settled(pilot)
        listed = store.chats.listing()
        assert len(listed) == 3
        for chat in listed:
            await app.chat_screen.open_chat(chat.id)
            await settled(pilot)
            assert app.chat_screen.conversation.chat is not None
            assert app.chat_screen.conversation.chat.id == chat.id
        for key, word in (
            ("f2", "Providers and models"),
            ("escape", ""),
            ("f4", ""),
            ("escape", ""),
            ("f9", ""),
            ("escape", ""),
        ):
            await pilot.press(key)
            await settled(pilot)
            assert word in screen_text(app)
        await pilot.press("ctrl+f", *"zebra")
        for _ in range(200):  # it searches in a thread
            if "Zebra" in screen_text(app):
                break
            await pilot.pause(0.02)
        else:
            raise AssertionError(screen_text(app))
        assert "\x1b" not in screen_text(app)
    assert app.return_code in (0, None)
