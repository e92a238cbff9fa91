"""The search screen, by its keys and by what is on it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from localchat.errors import StoreUnreadable
from localchat.store import Store
from localchat.store.search import search
from localchat.store.search.search import Found, Query, Search
from localchat.testing import add_chat
from localchat.tui.search import screen
from localchat.tui.search.hit_list import HitList
from localchat.tui.search.screen import SearchLine
from tests.tui.search.conftest import Bench, screen_text, through, type_in, until


def hits(pilot: Pilot[None]) -> list[int | None]:
    return [hit.message_id for hit in pilot.app.screen.query_one(HitList).hits]


async def test_typing_finds_titles_and_messages_the_newest_first(store: Store) -> None:
    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "lock")
        assert hits(pilot) == [None, None, 10, 9, 8, 7, 3]
        shown = screen_text(pilot)
        assert "7 hits" in shown
        assert "Dates and locks [/x]" in shown
        assert "the title of this chat" in shown
        assert "but a lock on the file is what you get." in shown
        assert "you   5 w" in shown
        assert "a2   3 h" in shown


async def test_each_letter_narrows_and_each_taken_back_widens(store: Store) -> None:
    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "l")
        few = len(hits(pilot))
        await pilot.press(*"isb")
        await through(pilot)
        assert hits(pilot) == [None, 1]
        await pilot.press("backspace", "backspace", "backspace")
        await through(pilot)
        assert len(hits(pilot)) == few


async def test_what_was_found_stands_out_in_its_snippet(store: Store) -> None:
    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "immediate")
        strips = pilot.app.screen._compositor.render_strips()
        bold = [segment.text for strip in strips for segment in strip if segment.style and segment.style.bold]
        assert bold.count("IMMEDIATE") == 2


async def test_enter_goes_to_the_message_and_escape_nowhere(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "LISB rain")
        assert app.search.words == "", "a title has none to mark"
        await pilot.press("down")
        assert app.search.words == "rain Lisb", "as they stand there"
        await pilot.press("enter")
        assert app.answers == [(1, 0)]
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "lisbon")
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_title_goes_to_the_end_of_its_chat(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "dates")
        await pilot.press("enter")
        assert app.answers == [(4, 3)]


async def test_a_click_goes_there_too(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "lisbon")
        await pilot.click(HitList, offset=(8, 3))
        await until(pilot, lambda: app.answers == [(1, 0)])


async def test_enter_on_nothing_does_nothing(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await pilot.press("enter")
        await type_in(pilot, "zzz")
        await pilot.press("enter", "down", "up", "pagedown")
        assert app.answers == []


async def test_enter_right_after_the_last_letter_opens_what_that_finds_and_not_what_stood_there(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "lock")
        app.search.query_one(SearchLine).value = "winter"
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [(1, 1)])


async def test_typing_on_takes_the_enter_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await pilot.pause()
        line = app.search.query_one(SearchLine)
        monkeypatch.setattr(screen, "PAUSE", 3600.0)  # however slow the machine is, enter comes before the hits
        line.value = "winter"
        await pilot.press("enter")
        assert not app.search.settled
        line.value = "winters"
        await pilot.pause()
        monkeypatch.undo()
        line.value = "winter"  # a search with a hit, after the enter was taken back
        await through(pilot)
        assert hits(pilot) == [2]
        assert app.answers == []


async def test_arrows_move_while_the_line_keeps_the_focus(store: Store) -> None:
    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "lock")
        await pilot.press("down", "down", "up", "s")
        await through(pilot)
        assert pilot.app.screen.query_one("#words").has_focus
        assert pilot.app.screen.query_one("#words").value == "locks"  # type: ignore[attr-defined]
        assert pilot.app.screen.query_one(HitList).highlighted == 0, "other hits: from the top again"


async def test_a_message_in_another_version_of_a_reply_brings_that_version_up(store: Store) -> None:
    from localchat import turns

    chat = store.chats.get(1)
    begun = store.messages.begin_turn(lambda chat: turns.resolve(store, chat, None), chat_id=1, text=None, under=1)
    store.messages.finish(begun.reply.id, "complete", "Not this year.", finish_reason="stop")
    assert chat.leaf_id is not None
    assert store.chats.get(1).leaf_id == begun.reply.id
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "winter")
        await pilot.press("enter")
        await until(pilot, lambda: app.answers == [(1, 1)])
        assert store.chats.get(1).leaf_id == chat.leaf_id
        assert app.chats_version == 1


async def test_another_version_is_not_brought_up_under_a_reply_that_comes(store: Store) -> None:
    from localchat import turns

    begun = store.messages.begin_turn(lambda chat: turns.resolve(store, chat, None), chat_id=1, text=None, under=1)
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "winter")
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "a reply is coming" in screen_text(pilot)
    assert store.chats.get(1).leaf_id == begun.reply.id


async def test_a_chat_that_went_meanwhile_is_told(store: Store) -> None:
    app = Bench(store)
    async with app.run_test() as pilot:
        await type_in(pilot, "winter")
        store.chats.trash(1)
        await pilot.press("enter")
        await pilot.pause()
        assert app.answers == []
        assert "This chat was deleted meanwhile." in screen_text(pilot)
        store.chats.empty_trash()
        await pilot.press("enter")
        await pilot.pause()
        assert "There is no chat 1." in screen_text(pilot)
        await type_in(pilot, "winter again")
        assert "There is no chat" not in screen_text(pilot)


async def test_filters_are_cycled_by_keys_and_told_in_one_line(store: Store) -> None:
    async with Bench(store, chat_id=4).run_test() as pilot:
        await type_in(pilot, "i")
        assert "all chats · anyone · any time · any model" in screen_text(pilot)
        everything = hits(pilot)
        await pilot.press("f4")
        await through(pilot)
        assert hits(pilot) == [7, 3, 1], "titles are nobody's words"
        assert "only you" in screen_text(pilot)
        await pilot.press("f4")
        await through(pilot)
        assert "only models" in screen_text(pilot)
        assert None not in hits(pilot)
        await pilot.press("f4", "f5")
        await through(pilot)
        assert "anyone · the last 24 hours" in screen_text(pilot)
        assert 1 not in hits(pilot)
        assert 7 in hits(pilot)
        await pilot.press("f7")
        await through(pilot)
        assert "all chats · anyone · any time · any model" in screen_text(pilot)
        assert hits(pilot) == everything


async def test_the_model_filter_knows_every_model_that_answered_also_removed_ones(store: Store) -> None:
    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "i")
        seen = []
        for _ in range(5):
            await pilot.press("f6")
            await through(pilot)
            seen.append(next(line for line in screen_text(pilot).splitlines() if "any time" in line))
        assert ["only alpha/a2" in seen[0], "only beta/b1" in seen[1], "only zeta/z1 removed" in seen[2]] == [True] * 3
        assert "only alpha/a1" in seen[3]
        assert "any model" in seen[4]


async def test_the_scope_is_this_chat_or_all(store: Store) -> None:
    async with Bench(store, chat_id=1).run_test() as pilot:
        await type_in(pilot, "i")
        await pilot.press("tab")
        await through(pilot)
        assert "this chat ·" in screen_text(pilot)
        assert hits(pilot) == [2, 1]
        await pilot.press("ctrl+f")
        await through(pilot)
        assert "all chats ·" in screen_text(pilot)
        assert len(hits(pilot)) > 2
    async with Bench(store, chat_id=1, here=True).run_test() as pilot:
        assert "this chat ·" in screen_text(pilot)
        assert "This chat" in screen_text(pilot).splitlines()[-1]
    async with Bench(store).run_test() as pilot:
        await pilot.press("tab")
        assert "all chats ·" in screen_text(pilot)
        assert "This chat" not in screen_text(pilot).splitlines()[-1], "without an open chat there is no such key"


async def test_nothing_typed_nothing_found_and_nothing_to_search_for_say_what_to_do(store: Store) -> None:
    async with Bench(store, chat_id=1).run_test() as pilot:
        assert "Type words:" in screen_text(pilot)
        await type_in(pilot, "zzz")
        assert "Nothing has all of “zzz”. Try fewer words" in screen_text(pilot)
        await pilot.press("f4")
        await through(pilot)
        assert "Nothing here has all of “zzz”. f7 searches everything." in screen_text(pilot)
        await type_in(pilot, "+")
        assert "“+” has nothing to search for." in screen_text(pilot)
        await pilot.press("ctrl+u")
        await through(pilot)
        assert "Type words:" in screen_text(pilot)


async def test_the_next_page_is_read_where_the_end_comes_near(store: Store) -> None:
    add_chat(store, "Many", "alpha/a1", [(f"zebra {number}", "Yes.") for number in range(130)])
    expected = [hit.message_id for hit in store.search.find(Query("zebra"), limit=500)]
    async with Bench(store).run_test(size=(80, 60)) as pilot:
        await type_in(pilot, "zebra")
        assert "the newest 50" in screen_text(pilot)
        for _ in range(8):
            await pilot.press("pagedown")
            await through(pilot)
        assert hits(pilot) == expected
        assert "130 hits" in screen_text(pilot)


async def test_a_search_that_nobody_waits_for_any_more_is_never_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first search is slow; what it brings comes after the second one's hits."""
    whole = Search.progress
    cancelled = []

    def slow(self: Search, query: Query, **more: int | None) -> object:
        if query.text == "li":
            until = time.monotonic() + 2
            while not self._cancelled and time.monotonic() < until:
                time.sleep(0.005)
            cancelled.append(self._cancelled)
            yield Found(self.titles(Query("locks")), True)
            return
        yield from whole(self, query, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "progress", slow)
    async with Bench(store).run_test() as pilot:
        await pilot.press(*"li")
        await pilot.pause(0.1)
        await pilot.press(*"sb")
        await through(pilot)
        assert hits(pilot) == [None, 1]
        await until(pilot, lambda: bool(cancelled))
        await pilot.pause(0.05)
        assert hits(pilot) == [None, 1]
        assert cancelled == [True]


async def test_the_newest_hits_are_shown_while_the_rest_is_looked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    go_on = threading.Event()
    whole = Search._rows

    def waits(self: Search, query: Query, expressions: list[str], *more: object) -> object:
        if expressions:
            go_on.wait(5)
        return whole(self, query, expressions, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "_GLANCE", 3)
    monkeypatch.setattr(Search, "_rows", waits)
    async with Bench(store).run_test() as pilot:
        await pilot.press("i")
        await until(pilot, lambda: "so far" in screen_text(pilot))
        assert len(hits(pilot)) < 5
        go_on.set()
        await through(pilot)
        assert len(hits(pilot)) > 5
        assert "so far" not in screen_text(pilot)


async def test_keys_echo_while_a_search_takes_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Search, query: Query, **more: object) -> object:
        counted = (
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < 700000) select max(i) from n"
        )
        list(self._fetched(counted, {}))
        yield Found((), True)

    monkeypatch.setattr(Search, "progress", busy)
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - due)

    async with Bench(store).run_test() as pilot:
        ticking = asyncio.create_task(tick())
        for letter in "abcd":
            await pilot.press(letter)
            await pilot.pause(0.08)
        assert pilot.app.screen.query_one("#words").value == "abcd"  # type: ignore[attr-defined]
        ticking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ticking
    assert sorted(late)[len(late) // 2] < 0.05


async def test_a_store_that_cannot_be_read_is_told_and_the_line_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, **options: object) -> sqlite3.Connection:
        raise StoreUnreadable("The store cannot be read.", "Check the disk.")

    async with Bench(store).run_test() as pilot:
        await type_in(pilot, "loc")
        assert hits(pilot)
        monkeypatch.setattr(search, "connect", broken)
        await type_in(pilot, "lock")
        assert "The store cannot be read. Check the disk." in screen_text(pilot)
        assert hits(pilot) == [], "what was there belongs to another search"
        monkeypatch.undo()
        await pilot.press("s")
        await through(pilot)
        assert hits(pilot)
        assert "cannot be read" not in screen_text(pilot)


async def test_what_others_wrote_is_shown_literally(store: Store) -> None:
    nasty = "zebra [/] [@click=app.quit]x[/] \x1b]0;owned\x07\u202e"
    store.connection.execute("insert into model_configs (provider, model) values ('alpha', ?)", (nasty,))
    store.connection.execute("insert into chats (title, model_config_id) values (?, 1)", (nasty,))
    chat = store.connection.execute("select max(id) from chats").fetchone()[0]
    store.connection.execute(
        "insert into messages (chat_id, role, content, created_at, model_config_id)"
        " select ?, 'assistant', ?, 'no time', max(id) from model_configs",
        (chat, nasty),
    )
    async with Bench(store, chat_id=chat).run_test(size=(120, 30)) as pilot:
        await type_in(pilot, "zebra")
        shown = screen_text(pilot)
        assert shown.count("[/] [@click=app.quit]x[/] ]0;owned") >= 2
        assert not any(letter in shown for letter in "\x1b\x07\u202e")
        while "only alpha/zebra" not in screen_text(pilot):  # the models that answered later come first
            await pilot.press("f6")
            await through(pilot)
        await type_in(pilot, "zebra [/]")
        assert hits(pilot)


async def test_a_narrow_window_still_shows_the_match(store: Store) -> None:
    async with Bench(store).run_test(size=(44, 16)) as pilot:
        await type_in(pilot, "file")
        assert "file" in screen_text(pilot).split("hit")[1]
    async with Bench(store).run_test(size=(44, 16)) as pilot:
        await type_in(pilot, "锁库表")
        assert "锁库表" in screen_text(pilot).split("hit")[1].replace(" ", "")
