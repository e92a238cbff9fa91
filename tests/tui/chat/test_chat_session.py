"""Which chat, which branch, which words: without a screen."""

from __future__ import annotations

import asyncio

import pytest

from localchat import turns
from localchat.attachments.drafts import Draft
from localchat.errors import InvalidInput
from localchat.store import PendingWrites, Store
from localchat.tui.chat.chat_session import ChatSession, Outgoing, joined, without
from localchat.tui.chat.draft_saver import DraftSaver

RAIN, LOCKS = 1, 2


@pytest.fixture
async def session(store: Store) -> ChatSession:
    failures: list[BaseException] = []
    pending = PendingWrites(lambda work, name: asyncio.get_running_loop().create_task(work, name=name))
    session = ChatSession(store, DraftSaver(store, pending, failures.append))
    session.open(store.chats.get(RAIN))
    return session


def write(session: ChatSession, words: str) -> Outgoing:
    session.typed(Draft(words))
    return session.submit(words, session._store.catalog.default())


async def test_a_request_names_its_chat_its_branch_and_who_was_to_answer(session: ChatSession, store: Store) -> None:
    request = write(session, "And in March?").request
    chat = store.chats.get(RAIN)
    assert chat.model is not None
    assert request == turns.NewTurn("And in March?", RAIN, under=chat.leaf_id, expects=chat.model.id)


async def test_a_new_chat_names_the_model_that_it_shows(session: ChatSession, store: Store) -> None:
    session.open(None)
    default = store.catalog.default()
    assert default is not None
    assert write(session, "Hello").request == turns.NewTurn("Hello", model_id=default.id)


async def test_an_edit_sends_a_version_of_the_message_and_brings_back_what_was_written_before(
    session: ChatSession, store: Store
) -> None:
    session.typed(Draft("half a thought"))
    question, answer = store.messages.line(store.chats.get(RAIN))
    session.edit(question)
    outgoing = write(session, "Does it rain in Porto?")
    assert isinstance(outgoing.request, turns.Edit)
    assert (outgoing.request.chat_id, outgoing.request.message_id) == (RAIN, question.id)
    assert (session.edited, session.draft.words) == (None, "half a thought")
    session.give_back(outgoing)
    assert (session.edited, session.draft.words) == (question, "Does it rain in Porto?")
    session.leave_edit()
    assert session.draft.words == "half a thought"
    with pytest.raises(InvalidInput):
        session.edit(answer)


async def test_an_edit_on_its_way_is_in_the_stored_draft_beside_what_was_written_before(
    session: ChatSession, store: Store
) -> None:
    question, _ = store.messages.line(store.chats.get(RAIN))
    session.typed(Draft("half a thought"))
    session.edit(question)
    session.typed(Draft("Does it rain in Porto?"))
    assert session._drafts.of(RAIN) == Draft("half a thought\nDoes it rain in Porto?")
    session.typed(Draft(question.content))
    assert session._drafts.of(RAIN) == Draft("half a thought")


async def test_an_edit_that_changed_nothing_leaves_no_draft_behind(session: ChatSession, store: Store) -> None:
    question, _ = store.messages.line(store.chats.get(RAIN))
    session.edit(question)
    session.open(store.chats.get(LOCKS))
    session.open(store.chats.get(RAIN))
    assert session.draft == Draft()
    session.edit(question)
    store.chats.trash(RAIN)
    session.lose()
    assert session.draft == Draft(), "words of one chat do not move into another because they were looked at"


async def test_an_edit_of_a_chat_that_is_gone_moves_to_a_new_one(session: ChatSession, store: Store) -> None:
    question, _ = store.messages.line(store.chats.get(RAIN))
    session.edit(question)
    session.typed(Draft("Does it rain in Porto?"))
    store.chats.trash(RAIN)
    session.lose()
    assert session.draft == Draft("Does it rain in Porto?")


async def test_an_edit_that_was_left_comes_back_to_its_chat(session: ChatSession, store: Store) -> None:
    question, _ = store.messages.line(store.chats.get(RAIN))
    session.edit(question)
    assert (unchanged := session.leave_edit()) is not None
    assert not unchanged.changed
    session.typed(Draft("half a thought"))
    session.edit(question)
    session.typed(Draft("Does it rain in Porto?"))
    left = session.edit(question)
    assert left is not None
    assert left.changed
    assert session.draft == Draft(question.content)
    session.leave_edit()
    assert session.bring_back(left)
    assert (session.edited, session.draft) == (question, Draft("Does it rain in Porto?"))
    left = session.leave_edit()
    assert left is not None
    assert session.draft == Draft("half a thought")
    session.open(store.chats.get(LOCKS))
    assert not session.bring_back(left)
    assert store.chats.get(RAIN).draft == "half a thought\nDoes it rain in Porto?"
    store.chats.trash(RAIN)
    assert not session.bring_back(left)
    session.open(None)
    assert session.draft == Draft("Does it rain in Porto?")


async def test_words_on_their_way_stay_in_the_stored_draft_until_the_turn_is_stored(
    session: ChatSession, store: Store
) -> None:
    write(session, "And in March?")
    session.typed(Draft("next"))
    session.open(store.chats.get(LOCKS))
    assert store.chats.get(RAIN).draft == "And in March?\nnext"
    session.open(store.chats.get(RAIN))
    assert session.draft.words == "next"


async def test_words_come_back_once_and_to_the_chat_they_were_written_in(session: ChatSession, store: Store) -> None:
    outgoing = write(session, "And in March?")
    session.open(store.chats.get(LOCKS))
    assert not session.give_back(outgoing)
    assert session.draft.words == ""
    session.open(store.chats.get(RAIN))
    assert session.draft.words == "And in March?"


async def test_words_of_a_chat_that_is_gone_move_to_a_new_one(session: ChatSession, store: Store) -> None:
    outgoing = write(session, "And in March?")
    session.open(store.chats.get(LOCKS))
    store.chats.trash(RAIN)
    session.give_back(outgoing)
    assert session._drafts.of(RAIN) == Draft(), "they are in one place"
    session.open(None)
    assert session.draft.words == "And in March?"


async def test_what_is_written_in_a_chat_that_goes_moves_and_is_no_copy(session: ChatSession, store: Store) -> None:
    session.typed(Draft("half a thought"))
    store.chats.trash(RAIN)
    session.lose()
    assert (session.chat, session.draft) == (None, Draft("half a thought"))
    assert session._drafts.of(RAIN) == Draft()


async def test_words_on_their_way_in_a_new_chat_are_no_part_of_what_moves_there(
    session: ChatSession, store: Store
) -> None:
    session.open(None)
    write(session, "Hello")
    session.open(store.chats.get(RAIN))
    session.typed(Draft("half a thought"))
    store.chats.trash(RAIN)
    session.lose()
    assert session.draft == Draft("half a thought")


async def test_nothing_is_asked_again_where_nothing_was_asked(session: ChatSession) -> None:
    session.open(None)
    with pytest.raises(InvalidInput):
        session.again()
    with pytest.raises(InvalidInput):
        session.rest()


def test_taking_out_leaves_what_was_written_since() -> None:
    assert without(joined(Draft("one"), Draft("two")), Draft("one")) == Draft("two")
    assert without(Draft("rewritten"), Draft("one")) == Draft("rewritten")
    assert joined(Draft(), Draft("two")) == Draft("two")
