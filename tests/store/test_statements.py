"""What is done to many rows takes as many statements as for a few: SQLite does the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from localchat.records import Attachment, Chat
from localchat.store import Store
from localchat.testing import add_chat
from tests.store.helpers import echo


def statements(store: Store, do: Callable[[], object]) -> set[str]:
    """What SQLite was asked meanwhile, with its values. A trigger reports the statement that fired it once more."""
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    do()
    store.connection.set_trace_callback(None)
    return {statement for statement in asked if not statement.startswith("--")}


def long_chat(store: Store, exchanges: int) -> Chat:
    chat = store.chats.get(add_chat(store, "Rain", "mine/m", [(f"Q{n}", f"A{n}") for n in range(exchanges)]))
    for message in store.messages.line(chat, 0, chat.length):
        store.connection.execute(
            "insert into attachments (message_id, position, name, media_type, content)"
            " values (?, 0, ?, 'text/plain', ?)",
            (message.id, f"{message.content}.txt", message.content.encode()),
        )
    return chat


def fork(store: Store, number: int) -> Callable[[], object]:
    chat = long_chat(store, number)
    return lambda: store.chats.fork(chat.id, chat.leaf_id or 0)


def empty_trash(store: Store, number: int) -> Callable[[], object]:
    for _ in range(number):
        store.chats.trash(add_chat(store, "Rain", "mine/m", [("Q", "A")]))
    return store.chats.empty_trash


def move(store: Store, number: int) -> Callable[[], object]:
    mine = store.catalog.models("mine")[0]
    other = store.catalog.add_model("mine", f"other{number}")
    for _ in range(number):
        add_chat(store, "Rain", "mine/m", [("Q", "A")])

    def there_and_back() -> None:
        store.catalog.move_chats(store.catalog.move_of([mine.id]), store.catalog.target(other.id))
        store.catalog.undo_event(store.catalog.undoable(1)[0].id)

    return there_and_back


@pytest.mark.parametrize("work", [fork, empty_trash, move])
def test_the_number_of_statements_does_not_grow_with_the_number_of_rows(
    store: Store, work: Callable[[Store, int], Callable[[], object]]
) -> None:
    echo(store.catalog, "mine", "m")
    few, many = (len(statements(store, work(store, number))) for number in (1, 40))
    assert few == many < 40


def test_a_fork_copies_the_line_in_its_order_with_what_goes_with_each_message(store: Store) -> None:
    echo(store.catalog, "mine", "m")
    chat = long_chat(store, 5)
    line = store.messages.line(chat, 0, chat.length)
    copy = store.chats.fork(chat.id, line[6].id)
    copied = store.messages.line(copy, 0, copy.length)
    assert [message.content for message in copied] == [message.content for message in line[:7]]
    assert copy.leaf_id == copied[-1].id
    assert [message.parent_id for message in copied] == [None, *(message.id for message in copied[:-1])]
    assert not {message.id for message in copied} & {message.id for message in line}
    for message in copied:
        name, content = f"{message.content}.txt", message.content.encode()
        assert store.messages.attachments(message.id) == [Attachment(name, "text/plain", content)]


def test_a_fork_never_takes_the_id_of_a_message_that_was_deleted(store: Store) -> None:
    echo(store.catalog, "mine", "m")
    chat, gone = long_chat(store, 2), long_chat(store, 2)
    store.chats.trash(gone.id)
    store.chats.empty_trash()
    copy = store.chats.fork(chat.id, chat.leaf_id or 0)
    first = store.messages.line(copy, 0, 1)[0]
    assert first.id > (gone.leaf_id or 0)


def test_moving_back_leaves_a_chat_that_was_given_another_model_since(store: Store) -> None:
    (mine,) = echo(store.catalog, "mine", "m")
    other, third = store.catalog.add_model("mine", "other"), store.catalog.add_model("mine", "third")
    first, second = (add_chat(store, "Rain", "mine/m", [("Q", "A")]) for _ in range(2))
    store.catalog.move_chats(store.catalog.move_of([mine.id]), store.catalog.target(other.id))
    store.chats.set_model(second, third.id)
    assert store.catalog.undo_event(store.catalog.undoable(1)[0].id).chats == 1
    assert [store.chats.get(each).model.id for each in (first, second) if store.chats.get(each).model] == [
        mine.id,
        third.id,
    ]
