"""Chats: their list, their titles, their life, and what belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localchat.errors import InvalidInput, NotFound
from localchat.records import Chat
from localchat.store import Store
from localchat.store.chats import TITLE_LIMIT, Chats, Shelf
from localchat.testing import add_chat
from tests.store.helpers import chats_with, dump, echo, raw

T0 = "2026-02-01T00:00:00.000Z"


def put(store: Store, title: str, at: str = T0, **columns: Any) -> int:
    """A chat as a row; its id."""
    values = {"title": title, "updated_at": at, **columns}
    marks = ", ".join("?" * len(values))
    done = store.connection.execute(f"insert into chats ({', '.join(values)}) values ({marks})", tuple(values.values()))
    return int(done.lastrowid or 0)


def titles(chats: list[Chat]) -> list[str]:
    return [chat.title for chat in chats]


def pages(chats: Chats, size: int, **options: Any) -> list[Chat]:
    """All of a list, read page by page."""
    found: list[Chat] = []
    while page := chats.listing(limit=size, after=found[-1] if found else None, **options):
        assert len(page) <= size
        found += page
    return found


# Lists.


def test_a_new_store_has_no_chats(store: Store) -> None:
    assert store.chats.listing() == store.chats.pinned() == []
    assert store.chats.last() is None
    assert not store.chats.any()


def test_the_list_is_newest_first_and_the_last_one_is_the_first_of_it(store: Store) -> None:
    put(store, "old", "2026-01-01T00:00:00.000Z")
    put(store, "new", "2026-01-03T00:00:00.000Z")
    put(store, "middle", "2026-01-02T00:00:00.000Z")
    assert titles(store.chats.listing()) == ["new", "middle", "old"]
    assert store.chats.last() == store.chats.listing()[0]
    assert store.chats.any()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pages_show_every_chat_once_also_where_many_have_the_same_time(store: Store, size: int) -> None:
    for number in range(20):
        put(store, str(number), "2026-01-01T00:00:00.000Z" if number % 3 else f"2026-01-02T00:00:{number:02d}.000Z")
    found = pages(store.chats, size)
    assert sorted(chat.id for chat in found) == list(range(1, 21))
    assert [(chat.updated_at, chat.id) for chat in found] == sorted(
        ((chat.updated_at, chat.id) for chat in found), reverse=True
    )


def test_a_chat_that_moves_up_between_two_pages_hides_no_other(store: Store) -> None:
    ids = [put(store, str(number), f"2026-01-01T00:00:0{number}.000Z") for number in range(6)]
    first = store.chats.listing(limit=3)
    store.connection.execute("update chats set updated_at = '2026-02-01T00:00:00.000Z' where id = ?", (ids[0],))
    second = store.chats.listing(limit=3, after=first[-1])
    assert titles(first + second) == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", 9),
        ("   ", 9),
        ("rain", 1),
        ("RAIN", 1),
        ("lisbon rain", 1),
        ("ain isb", 1),
        ("rain paris", 0),
        ("%", 1),
        ("_", 1),
        ("\\", 1),
        ("100%", 1),
        ("1%%", 0),
        ("a_b", 1),
        ("axb", 0),
        ("c\\d", 1),
        ("'", 1),
        ('"', 0),
        ("über", 1),
        ("ÜBER", 1),
        ("москва", 1),
        ("数据", 1),
        ("🙂", 1),
        ("[/]", 1),
        ("\0", 9),
        ("\ud800", 0),
        ("x" * 100_000, 0),
        ("x " * 100_000, 0),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_the_filter_takes_words_literally(store: Store, words: str, found: int) -> None:
    for title in (
        "Rain in Lisbon", "100% sure", "a_b", "c\\d", "it's [/] here", "Über alles", "Москва", "数据库", "🙂",
    ):  # fmt: skip
        put(store, title)
    assert len(store.chats.listing(words=words)) == found
    assert len(pages(store.chats, 2, words=words)) == found


# One chat.


def test_a_chat_is_read_with_its_model_its_length_and_its_state(store: Store) -> None:
    echo(store.catalog, "e", "m")
    chat_id = add_chat(store, "Rain", "e/m", [("One?", "1."), ("Two?", "2.")])
    chat = store.chats.get(chat_id)
    assert (chat.title, chat.length, chat.system, chat.draft, chat.parameters) == ("Rain", 4, "", "", {})
    assert chat.model is not None
    assert (chat.model.ref, chat.model.removed) == ("e/m", False)
    assert (chat.archived_at, chat.pinned_at, chat.deleted_at, chat.remote_hosts) == (None, None, None, ())
    store.catalog.remove_provider("e")
    after = store.chats.get(chat_id)
    assert after.model is not None
    assert (after.model.ref, after.model.removed) == ("e/m", True)
    assert after in store.chats.listing()


def test_a_chat_that_is_not_there_is_not_found_by_anything(store: Store) -> None:
    chats, model = store.chats, echo(store.catalog, "e", "m")[0]
    acts: tuple[Callable[[], object], ...] = (
        lambda: chats.get(9),
        lambda: chats.rename(9, "x"),
        lambda: chats.pin(9, True),
        lambda: chats.archive(9, True),
        lambda: chats.trash(9),
        lambda: chats.restore(9),
        lambda: chats.set_system(9, "x"),
        lambda: chats.set_parameters(9, {}),
        lambda: chats.set_leaf(9, 1),
        lambda: chats.set_model(9, model.id),
    )
    for act in acts:
        with pytest.raises(NotFound):
            act()
        assert not store.connection.in_transaction
    chats.set_draft(9, "typed")  # nobody waits for that
    assert dump(store.connection, "chats") == {"chats": []}


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Plain", "Plain"),
        ("  two\n lines\t ", "two lines"),
        ("[/] [@click=app.quit]x", "[/] [@click=app.quit]x"),
        ("\x1b]0;evil\x07title", "]0;eviltitle"),
        ("\x9b2Jc1", "2Jc1"),
        ("\u202egnp.exe", "gnp.exe"),
        ("مرحبا", "مرحبا"),
        ("👩\u200d🚀 up", "👩\u200d🚀 up"),
        ("half \ud800 pair", "half \ufffd pair"),
        ("x" * 1_000_000, "x" * (TITLE_LIMIT - 1) + "…"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_title_is_kept_on_one_line_and_no_terminal_obeys_it(store: Store, title: str, kept: str) -> None:
    chat_id = put(store, "before")
    assert store.chats.rename(chat_id, title).title == kept
    assert store.chats.get(chat_id).title == kept


@pytest.mark.parametrize("title", ["", "  \n\t", "\0", "\x1b", "\u202e\u200f", "\u200b\u200d\ufeff", "\u3000"])
def test_a_title_without_anything_to_see_is_refused_and_the_old_one_stays(store: Store, title: str) -> None:
    chat_id = put(store, "before")
    with pytest.raises(InvalidInput, match="cannot be empty"):
        store.chats.rename(chat_id, title)
    assert store.chats.get(chat_id).title == "before"


def test_what_a_person_orders_does_not_make_the_list_jump(store: Store) -> None:
    first, _second = put(store, "first"), put(store, "second", "2026-03-01T00:00:00.000Z")
    before = store.chats.get(first).updated_at
    store.chats.rename(first, "renamed")
    store.chats.pin(first, True)
    store.chats.set_draft(first, "typed")
    store.chats.set_system(first, "calm")
    store.chats.archive(first, True)
    store.chats.archive(first, False)
    store.chats.trash(first)
    assert store.chats.restore(first).updated_at == before
    assert titles(store.chats.listing()) == ["second", "renamed"]


# Pins, archive, trash.


def shelves(store: Store) -> dict[Shelf, list[str]]:
    names: tuple[Shelf, ...] = ("open", "archived", "trash")
    return {name: titles(store.chats.listing(name)) for name in names}


def test_pinned_chats_are_listed_in_the_order_of_pinning_and_only_while_they_are_open(store: Store) -> None:
    one, two, three = (put(store, title) for title in ("one", "two", "three"))
    for chat_id in (two, three, one):
        store.chats.pin(chat_id, True)
    assert titles(store.chats.pinned()) == ["two", "three", "one"]
    store.chats.pin(three, False)
    store.chats.trash(two)
    assert titles(store.chats.pinned()) == ["one"]
    store.chats.restore(two)
    assert titles(store.chats.pinned()) == ["two", "one"]
    store.chats.archive(one, True)
    assert titles(store.chats.pinned()) == ["two"]


def test_a_chat_is_on_one_shelf_at_a_time_and_comes_back_from_each(store: Store) -> None:
    one, two = put(store, "one"), put(store, "two")
    store.chats.archive(one, True)
    assert shelves(store) == {"open": ["two"], "archived": ["one"], "trash": []}
    assert store.chats.last() == store.chats.get(two)
    store.chats.trash(one)
    store.chats.trash(two)
    assert shelves(store) == {"open": [], "archived": [], "trash": ["two", "one"]}
    assert store.chats.last() is None
    assert store.chats.any()
    store.chats.restore(one)
    store.chats.restore(two)
    assert shelves(store) == {"open": ["two", "one"], "archived": [], "trash": []}
    store.chats.archive(one, True)
    store.chats.archive(one, False)
    assert shelves(store)["open"] == ["two", "one"]


def test_a_chat_in_the_trash_is_not_put_there_again(store: Store) -> None:
    one = put(store, "one")
    at = store.chats.trash(one).deleted_at
    with pytest.raises(NotFound):
        store.chats.trash(one)
    assert store.chats.get(one).deleted_at == at


def test_emptying_the_trash_deletes_for_good_what_is_in_it_and_nothing_else(store: Store, path: Path) -> None:
    echo(store.catalog, "e", "m")
    gone, kept = (add_chat(store, title, "e/m", [("Q?", "A.")]) for title in ("gone", "kept"))
    store.chats.trash(gone)
    assert store.chats.empty_trash() == 1
    assert store.chats.empty_trash() == 0
    with raw(path) as other:
        assert other.execute("select id from chats").fetchall() == [(kept,)]
        assert other.execute("select distinct chat_id from messages").fetchall() == [(kept,)]
        assert other.execute("pragma foreign_key_check").fetchall() == []


# What belongs to a chat.


def test_a_draft_stays_exactly_as_it_was_typed(store: Store) -> None:
    chat_id = put(store, "one")
    for draft in ("typed", "  two\n\n lines \t", "[/]\0\x1b", "🙂", "y" * 1_000_000, ""):
        store.chats.set_draft(chat_id, draft)
        assert store.chats.get(chat_id).draft == draft
    store.chats.set_draft(chat_id, "half \ud83d")
    assert store.chats.get(chat_id).draft == "half \ufffd"


def test_system_prompt_and_parameters_are_kept(store: Store) -> None:
    chat_id = put(store, "one")
    store.chats.set_system(chat_id, "Be\ncalm. \ud800")
    chat = store.chats.set_parameters(chat_id, {"temperature": 0.5, "stop": ["[/]"]})
    assert (chat.system, chat.parameters) == ("Be\ncalm. \ufffd", {"temperature": 0.5, "stop": ["[/]"]})
    assert store.chats.get(chat_id) == chat


@pytest.mark.parametrize("parameters", ["[]", "null", "3", '"x"'])
def test_parameters_that_another_program_wrote_badly_are_none(store: Store, parameters: str) -> None:
    assert store.chats.get(put(store, "one", parameters=parameters)).parameters == {}


def test_a_line_can_be_shown_only_where_its_message_is_of_the_chat(store: Store) -> None:
    echo(store.catalog, "e", "m")
    one, two = (add_chat(store, title, "e/m", [("Q?", "A.")]) for title in ("one", "two"))
    first = store.messages.line(store.chats.get(one))[0]
    assert store.chats.set_leaf(one, first.id).length == 1
    for other in (store.messages.line(store.chats.get(two))[0].id, 999):
        with pytest.raises(NotFound):
            store.chats.set_leaf(one, other)
    assert store.chats.get(one).leaf_id == first.id


def test_a_chat_gets_another_model_unless_that_is_removed(store: Store) -> None:
    one, two = echo(store.catalog, "e", "m", "n")
    chat_id = put(store, "one", model_config_id=one.id, remote_hosts='["far.example"]')
    chat = store.chats.set_model(chat_id, two.id)
    assert chat.model is not None
    assert (chat.model.ref, chat.remote_hosts) == ("e/n", ())
    store.catalog.remove_model(one.id)
    for gone in (one.id, 999):
        with pytest.raises(NotFound):
            store.chats.set_model(chat_id, gone)
    assert store.chats.get(chat_id).model == chat.model


def test_all_chats_of_some_models_move_to_another_and_back(store: Store) -> None:
    a, b, c, d = echo(store.catalog, "e", "a", "b", "c", "d")
    ids = [put(store, m.model, model_config_id=m.id) for m in (a, b, c)]
    unowned = put(store, "none")
    in_trash = put(store, "in the trash", model_config_id=a.id, deleted_at=T0)

    def owners() -> list[str | None]:
        chats = [store.chats.get(chat_id) for chat_id in (*ids, unowned, in_trash)]
        return [chat.model.model if chat.model else None for chat in chats]

    store.catalog.remove_model(a.id)
    moved = store.catalog.move_chats(store.catalog.move_of([a.id, b.id]), store.catalog.target(d.id))
    assert owners() == ["d", "d", "c", None, "d"]
    assert dict(moved.before) == {ids[0]: a.id, ids[1]: b.id, in_trash: a.id}
    store.chats.set_model(ids[1], c.id)  # moved on since: an undo leaves it alone
    assert store.catalog.undo_event(store.catalog.undoable(1)[0].id).chats == 2
    assert owners() == ["a", "c", "c", None, "a"]


# What it costs.


def steps(store: Store, read: Any) -> int:
    """How much work SQLite had with it, in units of a hundred of its instructions."""
    number = 0

    def count() -> int:
        nonlocal number
        number += 1
        return 0

    store.connection.set_progress_handler(count, 100)
    try:
        read()
    finally:
        store.connection.set_progress_handler(None, 0)
    return number


def test_a_page_costs_the_same_in_a_store_of_few_chats_and_of_many(store: Store) -> None:
    model = echo(store.catalog, "e", "m")[0]
    after = None

    def look() -> None:
        page = store.chats.listing(limit=30, after=after)
        assert len(page) == 30
        store.chats.last()
        store.chats.any()
        store.chats.pinned()
        store.chats.listing("archived")
        store.chats.listing("trash")

    chats_with(store.connection, model.id, 100)
    few = steps(store, look)
    chats_with(store.connection, model.id, 20_000)
    assert steps(store, look) <= few * 1.5
    after = store.chats.listing(limit=10_000)[-1]
    assert steps(store, look) <= few * 1.5


def test_a_filter_that_finds_little_reads_titles_and_not_chats(store: Store) -> None:
    model = echo(store.catalog, "e", "m")[0]
    chats_with(store.connection, model.id, 5_000)
    put(store, "needle", "2020-01-01T00:00:00.000Z")
    all_titles = steps(store, lambda: store.connection.execute("select title from chats where title = 'x'").fetchall())
    assert steps(store, lambda: store.chats.listing(words="needle")) <= all_titles * 4


# Whatever is done.


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples, emptied before each."""
    with Store(tmp_path_factory.mktemp("shared") / "store.db") as store:
        yield store


@settings(max_examples=60, deadline=None)
@given(done=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "pin", "archive", "trash"])), max_size=30))
def test_whatever_is_done_with_chats_each_is_listed_on_its_shelf_once(
    shared: Store, done: list[tuple[int, str]]
) -> None:
    chats = shared.chats
    shared.connection.execute("delete from chats")
    expected: dict[Shelf, set[int]] = {"open": set(), "archived": set(), "trash": set()}
    for second, action in done:
        chat_id = put(shared, "x", f"2026-01-01T00:00:0{second}.000Z")
        shelf: Shelf = "open"
        match action:
            case "pin":
                chats.pin(chat_id, True)
            case "archive":
                chats.archive(chat_id, True)
                shelf = "archived"
            case "trash":
                chats.trash(chat_id)
                shelf = "trash"
        expected[shelf].add(chat_id)
    for shelf, ids in expected.items():
        found = pages(chats, 3, shelf=shelf)
        assert len(found) == len(ids)
        assert {chat.id for chat in found} == ids
