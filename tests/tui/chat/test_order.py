"""Keeping chats in order: pins, the archive, the trash."""

from __future__ import annotations

from localchat.store import Store
from localchat.testing import add_chat, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat

SIZE = (110, 32)


def listed(app: LocalChat) -> str:
    return "\n".join(line[:30] for line in screen_text(app).splitlines()[1:-2])


async def test_a_pinned_chat_stands_at_the_top_until_it_is_unpinned(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.chat_list.options.focus()
        await pilot.press("j", "p")
        await settled(pilot)
        assert listed(app).index("Pinned") < listed(app).index("Rain in Lisbon") < listed(app).index("Locks in SQLite")
        await pilot.press("p")
        await settled(pilot)
        assert "Pinned" not in listed(app)


async def test_an_archived_chat_leaves_the_list_and_comes_back_from_the_archive(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.chat_screen.chat_list.options.focus()
        await pilot.press("j", "x")
        await settled(pilot)
        assert "Rain in Lisbon" not in listed(app)
        await pilot.press("v")
        await settled(pilot)
        assert "Archive" in listed(app)
        assert "Rain in Lisbon" in listed(app)
        await pilot.press("down", "r", "v", "v")
        await settled(pilot)
        assert "Rain in Lisbon" in listed(app)
        assert "Archive" not in listed(app)


async def test_the_trash_shows_restores_and_is_emptied_only_after_a_question(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        app.chat_screen.chat_list.options.focus()
        await pilot.press("j", "d")
        await settled(pilot)
        await pilot.press("v", "v")
        await settled(pilot)
        assert "Trash" in listed(app)
        assert "Rain in Lisbon" in listed(app)
        await pilot.press("E")
        await settled(pilot)
        assert "Nothing can undo this" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert store.chats.count("trash") == 1
        await pilot.press("E")
        await settled(pilot)
        await pilot.press("tab", "enter") if app.focused is not None and app.focused.id == "no" else await pilot.press(
            "enter"
        )
        await settled(pilot)
        assert store.chats.count("trash") == 0


async def test_the_list_reads_on_when_one_goes_down(store: Store) -> None:
    for number in range(150):
        add_chat(store, f"Chat {number:03}", "alpha/a1", [("q", "a")])
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        options = app.chat_screen.chat_list.options
        options.focus()
        assert options.option_count < 100
        for _ in range(8):
            await pilot.press("end")
            await settled(pilot)
        assert "Locks in SQLite" in listed(app)
        assert options.option_count == 152 + 1


async def test_a_turn_takes_its_chat_out_of_the_archive_and_says_so(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settled(pilot)
        store.chats.archive(2, True)
        app.chats_changed()
        await settled(pilot)
        assert "Locks in SQLite" not in listed(app)
        await say(pilot, "And with WAL?")
        assert "Locks in SQLite" in listed(app)
        assert "This chat was archived; it is back in the list." in screen_text(app)
        assert store.chats.get(2).archived_at is None
