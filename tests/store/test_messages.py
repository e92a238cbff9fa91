"""Messages: the tree of a chat, the line that is shown of it, and replies as they are written."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localchat.errors import NotFound
from localchat.records import Chat, ErrorNote, Fallback, Model, Resolution, Usage
from localchat.store import Store
from localchat.store.messages import Begun
from localchat.store.writers import me
from localchat.testing import add_chat
from tests.store.helpers import echo, raw
from tests.store.test_chats import put, steps


@pytest.fixture
def model(store: Store) -> Model:
    return echo(store.catalog, "e", "m")[0]


def begin(store: Store, model: Model, text: str = "Q?", chat_id: int | None = None, **options: Any) -> Begun:
    """A turn answered by this model, as far as it begins."""
    resolution = Resolution(used=model, own=model)
    return store.messages.begin_turn(lambda _: resolution, chat_id=chat_id, text=text, **options)


# Trees.


@dataclass
class Tree:
    """A chat with this tree of messages: by number, the parent's number (smaller), or None for a root."""

    parents: list[int | None]
    ids: list[int]
    chat_id: int

    def depth(self, number: int) -> int:
        parent = self.parents[number]
        return 0 if parent is None else self.depth(parent) + 1

    def line(self, leaf: int | None) -> list[int]:
        """The naive walk from the leaf to the root: ids, the root first."""
        found = []
        while leaf is not None:
            found.append(self.ids[leaf])
            leaf = self.parents[leaf]
        return found[::-1]

    def siblings(self, number: int) -> list[int]:
        return [self.ids[n] for n, parent in enumerate(self.parents) if parent == self.parents[number]]


def plant(connection: sqlite3.Connection, parents: list[int | None], title: str = "tree") -> Tree:
    chat_id = connection.execute("insert into chats (title) values (?) returning id", (title,)).fetchone()[0]
    tree = Tree(parents, [], chat_id)
    for number, parent in enumerate(parents):
        depth = tree.depth(number)
        row = connection.execute(
            "insert into messages (chat_id, parent_id, depth, role, content) values (?, ?, ?, ?, ?) returning id",
            (
                chat_id,
                None if parent is None else tree.ids[parent],
                depth,
                "user" if depth % 2 == 0 else "assistant",
                str(number),
            ),
        ).fetchone()
        tree.ids.append(row[0])
    return tree


@st.composite
def trees(draw: st.DrawFn) -> list[int | None]:
    """Bushy or long, with one root or several."""
    size = draw(st.integers(1, 30))
    nearness = draw(st.sampled_from([1, 2, 30]))
    parents: list[int | None] = []
    for number in range(size):
        earliest = max(0, number - nearness)
        choices: list[int | None] = list(range(earliest, number))
        if number == 0 or draw(st.integers(0, 9)) == 0:
            choices = [None]
        parents.append(draw(st.sampled_from(choices)))
    return parents


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each plants its own chat."""
    with Store(tmp_path_factory.mktemp("shared") / "store.db") as store:
        yield store


@settings(max_examples=100, deadline=None)
@given(parents=trees(), other=trees(), data=st.data())
def test_any_page_of_any_line_is_what_a_walk_from_the_leaf_gives(
    shared: Store, parents: list[int | None], other: list[int | None], data: st.DataObject
) -> None:
    tree = plant(shared.connection, parents)
    plant(shared.connection, other, "another chat, whose messages must not get in")
    leaf = data.draw(st.integers(0, len(parents) - 1), "leaf")
    chat = shared.chats.set_leaf(tree.chat_id, tree.ids[leaf])
    expected = tree.line(leaf)
    assert chat.length == len(expected)
    assert [m.id for m in shared.messages.line(chat)] == expected
    start = data.draw(st.integers(-2, 35), "start")
    stop = data.draw(st.one_of(st.none(), st.integers(-2, 35)), "stop")
    page = shared.messages.line(chat, start, stop)
    assert [m.id for m in page] == expected[max(start, 0) : max(len(expected) if stop is None else stop, 0)]
    assert [m.depth for m in page] == list(range(len(expected)))[max(start, 0) :][: len(page)]
    for message in page:
        siblings = tree.siblings(tree.ids.index(message.id))
        assert shared.messages.versions(message) == siblings
        assert (message.versions, message.version) == (len(siblings), siblings.index(message.id) + 1)
        assert shared.messages.get(message.id) == message


@settings(max_examples=60, deadline=None)
@given(parents=trees())
def test_the_newest_leaf_under_a_message_is_found_by_the_newest_children(
    shared: Store, parents: list[int | None]
) -> None:
    tree = plant(shared.connection, parents)
    for number in range(len(parents)):
        newest = number
        while children := [n for n, parent in enumerate(parents) if parent == newest]:
            newest = children[-1]
        assert shared.messages.newest_leaf(tree.ids[number]) == tree.ids[newest]


def test_a_page_of_a_chat_of_ten_thousand_messages_costs_what_one_of_a_hundred_does(store: Store) -> None:
    connection = store.connection
    connection.execute("begin")
    short = plant(connection, [None, *range(99)])
    connection.execute("commit")
    long_id = put(store, "long")
    connection.execute("begin")
    connection.executemany(
        "insert into messages (chat_id, role, content) values (?, 'user', ?)",
        ((long_id, f"{number} " + "words " * 100) for number in range(10_000)),
    )
    connection.execute("commit")
    chat, short_chat = store.chats.get(long_id), store.chats.set_leaf(short.chat_id, short.ids[-1])
    assert chat.length == 10_000
    cost = steps(store, lambda: store.messages.line(short_chat, 25, 75))
    for start in (0, 5_000, 9_950):
        assert [m.depth for m in store.messages.line(chat, start, start + 50)] == list(range(start, start + 50))
        assert steps(store, lambda start=start: store.messages.line(chat, start, start + 50)) <= cost * 1.3
    # Also where the last reply was asked for again: then the page that ends there begins at the leaf.
    parent = store.messages.line(chat, 9_998, 9_999)[0].id
    connection.execute(
        "insert into messages (chat_id, parent_id, depth, role) values (?, ?, 9999, 'assistant')", (long_id, parent)
    )
    assert steps(store, lambda: store.messages.line(chat, 9_950)) <= cost * 1.3
    assert steps(store, lambda: store.messages.line(chat, 5_000, 5_050)) <= cost * 1.3


def test_a_whole_line_is_read_however_many_values_a_statement_may_have(store: Store, model: Model) -> None:
    """SQLite limits them, at 32,766 in many builds."""
    chat_id = add_chat(store, "one", "e/m", [(f"Q{number}", f"A{number}") for number in range(100)])
    store.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 20)
    chat = store.chats.get(chat_id)
    assert [m.content for m in store.messages.line(chat)][-4:] == ["Q98", "A98", "Q99", "A99"]


def test_a_chat_of_ten_thousand_messages_in_a_row_is_deleted_for_good(store: Store, path: Path) -> None:
    """Deleting from parent to child, one trigger within the other, SQLite would give up after a thousand."""
    chat_id = put(store, "long")
    store.connection.execute("begin")
    store.connection.executemany(
        "insert into messages (id, chat_id, parent_id, depth, role) values (?, ?, ?, ?, 'user')",
        ((number + 1, chat_id, number or None, number) for number in range(10_000)),
    )
    store.connection.execute("commit")
    assert store.chats.set_leaf(chat_id, 10_000).length == 10_000
    store.chats.trash(chat_id)
    assert store.chats.empty_trash() == 1
    with raw(path) as other:
        assert other.execute("select count(*) from messages").fetchall() == [(0,)]


def test_a_chat_without_messages_has_an_empty_line(store: Store) -> None:
    chat = store.chats.get(put(store, "empty"))
    assert (chat.length, chat.leaf_id) == (0, None)
    assert store.messages.line(chat) == store.messages.line(chat, 0, 5) == []


def test_a_message_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.messages.get(1)
    with pytest.raises(NotFound):
        store.messages.newest_leaf(1)


# What other programs write.


def test_rows_with_only_the_columns_of_the_contract_append_to_the_line(store: Store, path: Path, model: Model) -> None:
    chat_id = add_chat(store, "Ours", "e/m", [("One?", "1.")])
    insert = (
        "insert into messages (chat_id, role, content, status, model_config_id, fallback_from, fallback_reason,"
        " created_at) values (?, ?, ?, ?, ?, ?, ?, ?)"
    )
    at = "2026-02-03T04:05:06.789Z"
    with raw(path) as other:
        other.execute("pragma foreign_keys=on")
        other.execute(insert, (chat_id, "user", "Theirs?", "complete", None, None, None, at))
        other.execute(insert, (chat_id, "assistant", "Theirs.", "stopped", model.id, model.id, "removed", at))
        other.execute("insert into messages (chat_id, role) values (?, 'system')", (chat_id,))
    line = store.messages.line(store.chats.get(chat_id))
    assert [(m.depth, m.role, m.content, m.status) for m in line] == [
        (0, "user", "One?", "complete"),
        (1, "assistant", "1.", "complete"),
        (2, "user", "Theirs?", "complete"),
        (3, "assistant", "Theirs.", "stopped"),
        (4, "system", "", "complete"),
    ]
    assert [m.parent_id for m in line[1:]] == [m.id for m in line[:-1]]
    assert line[3].fallback_from is not None
    assert (line[3].fallback_from.ref, line[3].fallback_reason, line[3].created_at) == ("e/m", "removed", at)
    assert begin(store, model, "Ours again?", chat_id).reply.depth == 6


def test_a_chat_that_another_program_made_is_a_chat_like_any(store: Store, path: Path, model: Model) -> None:
    with raw(path) as other:
        other.execute("insert into chats (title) values ('Theirs')")
        other.executemany(
            "insert into messages (chat_id, role, content) values (1, ?, ?)", [("user", "Q?"), ("assistant", "A.")]
        )
    chat = store.chats.get(1)
    assert (chat.title, chat.length, chat.model) == ("Theirs", 2, None)
    assert chat.created_at.endswith("Z")
    assert len(chat.created_at) == 24
    assert begin(store, model, "On?", 1).chat.length == 4


def test_a_row_that_names_its_parent_hangs_there(store: Store, path: Path, model: Model) -> None:
    chat_id = add_chat(store, "Ours", "e/m", [("One?", "1."), ("Two?", "2.")])
    first = store.messages.line(store.chats.get(chat_id))[0]
    with raw(path) as other:
        other.execute(
            "insert into messages (chat_id, parent_id, role, content) values (?, ?, 'assistant', 'Theirs.')",
            (chat_id, first.id),
        )
    line = store.messages.line(store.chats.get(chat_id))
    assert [m.content for m in line] == ["One?", "Theirs."]
    assert (line[1].version, line[1].versions) == (2, 2)


def test_the_line_ends_in_the_newest_message_where_another_program_deleted_its_end(
    store: Store, path: Path, model: Model
) -> None:
    chat_id = add_chat(store, "Ours", "e/m", [("One?", "1."), ("Two?", "2.")])
    with raw(path) as other:
        other.execute("delete from messages where id = (select leaf_id from chats where id = ?)", (chat_id,))
    chat = store.chats.get(chat_id)
    assert [m.content for m in store.messages.line(chat)] == ["One?", "1.", "Two?"]
    assert chat in store.chats.listing()
    after = begin(store, model, "Three?", chat_id)
    assert [m.content for m in store.messages.line(after.chat)] == ["One?", "1.", "Two?", "Three?", ""]
    with raw(path) as other:
        other.execute("delete from messages")
    assert store.messages.line(store.chats.get(chat_id)) == []
    assert begin(store, model, "Again?", chat_id).reply.depth == 1


def test_rows_that_hang_in_a_circle_or_on_nothing_end_the_line_and_not_the_program(
    store: Store, path: Path, model: Model
) -> None:
    chat_id = add_chat(store, "Ours", "e/m", [("One?", "1."), ("Two?", "2.")])
    ids = [m.id for m in store.messages.line(store.chats.get(chat_id))]
    with raw(path) as other:
        other.execute("update messages set parent_id = ? where id = ?", (ids[3], ids[1]))
    assert [store.messages.newest_leaf(id_) for id_ in ids] == [ids[0], ids[3], ids[3], ids[3]]
    assert [m.id for m in store.messages.line(store.chats.get(chat_id))][-3:] == ids[1:]
    with raw(path) as other:
        other.execute("update messages set parent_id = 999 where id = ?", (ids[2],))
    assert [m.id for m in store.messages.line(store.chats.get(chat_id))][-2:] == ids[2:]


def test_a_row_of_another_program_that_breaks_the_schema_is_refused(store: Store, path: Path, model: Model) -> None:
    chat_id = put(store, "one")
    bad = {
        "role": "insert into messages (chat_id, role) values (1, 'tool')",
        "status": "insert into messages (chat_id, role, status) values (1, 'user', 'done')",
        "reason": "insert into messages (chat_id, role, fallback_from, fallback_reason) values (1, 'user', 1, 'bored')",
        "half a fallback": "insert into messages (chat_id, role, fallback_from) values (1, 'user', 1)",
        "chat": "insert into messages (chat_id, role) values (99, 'user')",
        "model": "insert into messages (chat_id, role, model_config_id) values (1, 'user', 99)",
        "type": "insert into messages (chat_id, role, content) values (1, 'user', x'00')",
    }
    with raw(path) as other:
        other.execute("pragma foreign_keys=on")
        for what, sql in bad.items():
            try:
                other.execute(sql)
            except sqlite3.IntegrityError:
                continue
            pytest.fail(what)
    assert store.chats.get(chat_id).length == 0


# Writing a turn.


def test_a_turn_is_stored_whole_with_who_answers_and_for_whom(store: Store, path: Path, model: Model) -> None:
    other = store.catalog.add_model("e", "n")
    fallback = Fallback(wanted=other, used=model, reason="disabled")
    begun = store.messages.begin_turn(
        lambda chat: Resolution(used=model, own=other, fallback=fallback), chat_id=None, text="Q?", system="Calm."
    )
    assert begun.new_chat
    assert begun.prompt is not None
    assert (begun.prompt.role, begun.prompt.content, begun.prompt.status, begun.prompt.model) == (
        "user", "Q?", "complete", None,
    )  # fmt: skip
    reply = begun.reply
    assert (reply.role, reply.content, reply.status, reply.parent_id) == (
        "assistant", "", "streaming", begun.prompt.id,
    )  # fmt: skip
    assert reply.model is not None
    assert reply.fallback_from is not None
    assert (reply.model.ref, reply.fallback_from.ref, reply.fallback_reason) == ("e/m", "e/n", "disabled")
    assert begun.chat.model is not None
    assert (begun.chat.model.ref, begun.chat.system, begun.chat.length) == ("e/n", "Calm.", 2)
    assert store.chats.get(begun.chat.id) == begun.chat
    with raw(path) as outside:
        assert outside.execute("select writer from messages order by id").fetchall() == [(None,), (me(),)]


def test_a_turn_moves_its_chat_to_the_top_at_the_time_it_began(store: Store, model: Model) -> None:
    first, second = (begin(store, model, title).chat for title in ("first", "second"))
    begun = begin(store, model, "again", first.id)
    assert [chat.id for chat in store.chats.listing()] == [first.id, second.id]
    assert begun.chat.updated_at == begun.reply.created_at
    store.messages.finish(begun.reply.id, "complete", "A.")
    assert store.chats.get(first.id).updated_at == begun.reply.created_at


def test_what_resolve_raises_leaves_nothing_behind(store: Store, model: Model) -> None:
    class Refused(Exception):
        pass

    def refuse(chat: Chat | None) -> Resolution:
        raise Refused

    for chat_id in (None, begin(store, model).chat.id):
        changes = store.connection.total_changes
        with pytest.raises(Refused):
            store.messages.begin_turn(refuse, chat_id=chat_id, text="Q?")
        assert store.connection.total_changes == changes
        assert not store.connection.in_transaction


def test_a_reply_grows_and_ends_with_all_there_is_to_know_of_it(store: Store, path: Path, model: Model) -> None:
    reply = begin(store, model).reply
    store.messages.grow(reply.id, "A", "Hm")
    assert (store.messages.get(reply.id).content, store.messages.get(reply.id).reasoning) == ("A", "Hm")
    message = store.messages.finish(
        reply.id,
        "interrupted",
        "A \ud800",
        "Hm.",
        finish_reason="length",
        usage=Usage(1, 0),
        error=ErrorNote("reply_cut", "It broke \udfff.", "Ask again."),
        duration_ms=12,
    )
    assert message == store.messages.get(reply.id)
    assert (message.status, message.content, message.reasoning) == ("interrupted", "A \ufffd", "Hm.")
    assert (message.finish_reason, message.usage, message.duration_ms) == ("length", Usage(1, 0), 12)
    assert message.error == ErrorNote("reply_cut", "It broke \ufffd.", "Ask again.")
    with raw(path) as other:
        assert other.execute("select writer from messages where id = ?", (reply.id,)).fetchall() == [(None,)]


def test_a_reply_that_has_ended_grows_no_more(store: Store, model: Model) -> None:
    reply = begin(store, model).reply
    store.messages.finish(reply.id, "stopped", "A.")
    store.messages.grow(reply.id, "late", "")
    assert store.messages.get(reply.id).content == "A."


def test_a_reply_whose_chat_is_gone_is_no_error_while_it_grows_and_one_at_its_end(store: Store, model: Model) -> None:
    begun = begin(store, model)
    store.chats.trash(begun.chat.id)
    store.chats.empty_trash()
    store.messages.grow(begun.reply.id, "A", "")
    store.messages.note_left_out(begun.reply.id, 3)
    with pytest.raises(NotFound):
        store.messages.finish(begun.reply.id, "complete", "A.")


def test_how_many_messages_were_left_out_is_kept(store: Store, model: Model) -> None:
    reply = begin(store, model).reply
    store.messages.note_left_out(reply.id, 3)
    assert store.messages.finish(reply.id, "complete", "A.").left_out == 3


def test_what_was_sent_last_comes_first_in_the_history_of_the_composer(store: Store, model: Model) -> None:
    chat = begin(store, model, "first").chat
    begin(store, model, "second", chat.id)
    begin(store, model, "third\nline")
    assert store.messages.prompts() == ["third\nline", "second", "first"]
    assert store.messages.prompts(limit=2) == ["third\nline", "second"]


# Replies of the dead.


MARKS = {
    "no mark": None,
    "empty": "",
    "not a mark": "[/]\x1b",
    "no such process": "4194305 12.00 boot",
    "this process at another time": " ".join([me().split(" ")[0], "1.00", *me().split(" ")[2:]]),
    "a process id alone": me().split(" ")[0],
}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_a_reply_whose_writer_is_dead_is_interrupted_when_the_store_is_opened(
    store: Store, path: Path, model: Model, mark: str | None
) -> None:
    begun = begin(store, model)
    store.messages.grow(begun.reply.id, "so far", "Hm")
    store.connection.execute("update messages set writer = ? where id = ?", (mark, begun.reply.id))
    with Store(path) as again:
        message = again.messages.get(begun.reply.id)
    assert (message.status, message.content, message.reasoning, message.error) == ("interrupted", "so far", "Hm", None)


def test_only_replies_that_were_coming_are_interrupted(store: Store, path: Path, model: Model) -> None:
    statuses = ("complete", "stopped", "interrupted", "failed", "streaming")
    ids = []
    for status in statuses:
        reply = begin(store, model).reply
        store.connection.execute("update messages set status = ?, writer = 'dead' where id = ?", (status, reply.id))
        ids.append(reply.id)
    mine = begin(store, model).reply
    Store(path).close()
    assert [store.messages.get(id_).status for id_ in ids] == [*statuses[:4], "interrupted"]
    assert store.messages.get(mine.id).status == "streaming"
    assert store.messages.mark_interrupted() == 0


def test_a_streaming_row_of_another_program_is_interrupted(store: Store, path: Path) -> None:
    chat_id = put(store, "one")
    with raw(path) as other:
        other.execute(
            "insert into messages (chat_id, role, content, status) values (?, 'assistant', 'half', 'streaming')",
            (chat_id,),
        )
    assert store.messages.mark_interrupted() == 1
    assert store.messages.line(store.chats.get(chat_id))[0].status == "interrupted"


# Nothing is confused by what is in the text.


@settings(max_examples=60, deadline=None)
@given(
    content=st.text(st.characters(codec="utf-8"), max_size=200),
    reasoning=st.text(st.characters(codec="utf-8"), max_size=50),
)
def test_any_text_comes_back_as_it_went_in(shared: Store, content: str, reasoning: str) -> None:
    if not shared.catalog.models("any"):
        echo(shared.catalog, "any", "m")
    model = shared.catalog.live("any/m")
    begun = begin(shared, model, content)
    assert begun.prompt is not None
    assert begun.prompt.content == content
    message = shared.messages.finish(begun.reply.id, "complete", content, reasoning)
    assert (message.content, message.reasoning) == (content, reasoning)


def test_the_line_is_in_order_whatever_the_order_of_the_rows_in_the_file(store: Store) -> None:
    """An import may write a chat's messages in any order, with ids that do not grow along the line."""
    chat_id = put(store, "imported")
    order = list(range(20))
    random.Random(7).shuffle(order)
    ids = {depth: 100 + number for number, depth in enumerate(order)}
    connection = store.connection
    connection.execute("begin")
    connection.execute("pragma defer_foreign_keys=on")
    for depth in order:
        connection.execute(
            "insert into messages (id, chat_id, parent_id, depth, role, content) values (?, ?, ?, ?, 'user', ?)",
            (ids[depth], chat_id, ids.get(depth - 1), depth, str(depth)),
        )
    connection.execute("commit")
    chat = store.chats.set_leaf(chat_id, ids[19])
    assert [m.content for m in store.messages.line(chat)] == [str(depth) for depth in range(20)]
    assert [m.content for m in store.messages.line(chat, 5, 9)] == ["5", "6", "7", "8"]
    assert store.messages.newest_leaf(ids[3]) == ids[19]
