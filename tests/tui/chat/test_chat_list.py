"""What the list of chats does while another window writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from localchat.records import Chat
from localchat.store import Store
from localchat.testing import add_chat, known_store, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.chat.chat_list import PAGE

SIZE = (110, 32)


def store_with(path: Path, chats: int) -> Store:
    store = known_store(path)
    for number in range(chats):
        add_chat(store, f"Chat {number}", "zeta/z1", [("Q", "A")])
    return store


def read_all(app: LocalChat, chats: int) -> None:
    chat_list = app.chat_screen.chat_list
    for _ in range(chats // PAGE + 1):
        chat_list._read_more()
    assert chat_list.options.option_count > chats


async def test_what_another_window_writes_elsewhere_draws_no_row_anew(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 3) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            drawn = list(app.chat_screen.chat_list.options.options)
            with Store(tmp_path / "store.db") as other:
                other.connection.execute("update messages set content = 'more of it'")
            app.catalog_changed()
            app.chats_changed()
            await settled(pilot)
            assert all(a is b for a, b in zip(app.chat_screen.chat_list.options.options, drawn, strict=True))


async def test_a_title_given_in_another_window_is_shown(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 3) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            with Store(tmp_path / "store.db") as other:
                other.connection.execute("update chats set title = 'Snow' where title = 'Chat 1'")
            app.chats_changed()
            await settled(pilot)
            assert "Snow" in screen_text(app)
            assert "Chat 1" not in screen_text(app)


async def test_rows_that_were_read_and_left_are_not_read_again(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 5 * PAGE) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            read_all(app, 5 * PAGE)
            app.chats_changed()
            await settled(pilot)
            options = app.chat_screen.chat_list.options
            assert options.option_count < 2 * PAGE
            options.focus()
            await pilot.press("end", "end", "end", "end", "end", "end")
            await settled(pilot)
            assert options.option_count > 5 * PAGE  # they come back where one goes there
            place = options.highlighted
            app.chats_changed()
            await settled(pilot)
            assert options.highlighted == place


async def test_a_long_list_near_its_end_is_read_the_same_each_time(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 4 * PAGE) as store:
        for number in (3, 4, 5):
            store.chats.pin(number, True)
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            options = app.chat_screen.chat_list.options
            options.focus()
            await pilot.press("end", "up")
            await settled(pilot)
            app.chats_changed()
            await settled(pilot)
            drawn = list(options.options)
            app.chats_changed()
            await settled(pilot)
            assert all(a is b for a, b in zip(options.options, drawn, strict=True))


async def read_down(app: LocalChat, pilot: Pilot[Any], chats: int) -> None:
    """To the end of the list, as a person goes there."""
    options = app.chat_screen.chat_list.options
    options.focus()
    while options.option_count <= chats:
        await pilot.press("end")
        await settled(pilot)
    await pilot.press("end")
    await settled(pilot)


def readings(app: LocalChat, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many chats each reading of the list gives, from now on."""
    read: list[int] = []
    listing = app.store.chats.listing

    def counted(*args: Any, **how: Any) -> list[Chat]:
        found = listing(*args, **how)
        read.append(len(found))
        return found

    monkeypatch.setattr(app.store.chats, "listing", counted)
    return read


async def test_far_down_the_list_a_look_at_another_window_reads_only_what_is_in_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_with(tmp_path / "store.db", 4 * PAGE) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await read_down(app, pilot, 4 * PAGE)
            drawn, read = list(app.chat_screen.chat_list.options.options), readings(app, monkeypatch)
            app.chats_changed()
            await settled(pilot)
            assert sum(read) <= SIZE[1], read
            assert all(a is b for a, b in zip(app.chat_screen.chat_list.options.options, drawn, strict=True))


async def test_what_changed_out_of_sight_is_shown_where_one_comes_there(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 4 * PAGE) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await read_down(app, pilot, 4 * PAGE)
            with Store(tmp_path / "store.db") as other:
                other.connection.execute("update chats set title = 'Snow' where title = 'Chat 200'")
            app.chats_changed()
            await settled(pilot)
            options = app.chat_screen.chat_list.options
            place = next(index for index, row in enumerate(options.options) if "Chat 200" in str(row.prompt))
            while options.scroll_y > place:
                await pilot.press("pageup")
                await settled(pilot)
            assert "Snow" in screen_text(app)
            assert "Chat 200" not in screen_text(app)


async def test_what_changed_in_sight_far_down_is_shown_at_once(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 4 * PAGE) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await read_down(app, pilot, 4 * PAGE)
            assert "Chat 3 " in screen_text(app)
            with Store(tmp_path / "store.db") as other:
                other.connection.execute("update chats set title = 'Snow' where title = 'Chat 3'")
                other.connection.execute("delete from chats where title = 'Chat 5'")
            app.chats_changed()
            await settled(pilot)
            shown = screen_text(app)
            assert "Snow" in shown
            assert "Chat 3 " not in shown
            assert "Chat 5 " not in shown


async def test_a_row_out_of_the_middle_that_moves_to_the_top_leaves_its_place_in_sight(tmp_path: Path) -> None:
    with store_with(tmp_path / "store.db", 4 * PAGE) as store:
        app = still_app(store)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await read_down(app, pilot, 4 * PAGE)
            with Store(tmp_path / "store.db") as other:
                other.connection.execute(
                    "update chats set updated_at = '2031-01-01T00:00:00.000Z' where title = 'Chat 7'"
                )
            app.chats_changed()
            await settled(pilot)
            assert "Chat 7 " not in screen_text(app)
            await pilot.press("home")
            await settled(pilot)
            assert "Chat 7 " in screen_text(app)
