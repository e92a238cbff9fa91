"""What a turn tells about whether its model is offered."""

from __future__ import annotations

import pytest

from localchat.errors import LocalChatError, ProviderRejected, ProviderUnavailable, RateLimited
from localchat.store import Store
from localchat.testing import Reply, Script
from localchat.turns import NewTurn
from tests.turns.helpers import RAIN, chat, ended, turn

GONE = ProviderRejected("alpha does not know a1 (404).", "Check the name.", model_gone=True)


@pytest.mark.parametrize(
    ("error", "delisted"),
    [
        (GONE, True),
        (ProviderRejected("alpha has nothing at this address (404)."), False),
        (ProviderUnavailable("alpha does not answer."), False),
        (RateLimited("alpha limits requests."), False),
    ],
)
async def test_only_an_answer_about_the_model_marks_it(store: Store, error: LocalChatError, delisted: bool) -> None:
    chat_id = chat(store, RAIN).id
    events = await turn(store, Script(Reply(error=error)).connect, NewTurn("Hello", chat_id=chat_id))

    assert ended(events).message.status == "failed"
    assert (store.catalog.live("alpha/a1").delisted_at is not None) == delisted
    assert (store.catalog.live("alpha/a1").usable, store.chats.get(chat_id).model) == (True, chat(store, RAIN).model)


async def test_a_model_that_answers_after_all_loses_the_mark_and_one_that_fails_keeps_it(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    store.catalog.note_gone(store.catalog.live("alpha/a1").id)
    down = Reply(error=ProviderUnavailable("alpha does not answer."))
    await turn(store, Script(down).connect, NewTurn("Hello", chat_id=chat_id))
    assert store.catalog.live("alpha/a1").delisted_at is not None
    await turn(store, Script("Yes.").connect, NewTurn("Hello", chat_id=chat_id))
    assert store.catalog.live("alpha/a1").delisted_at is None


async def test_a_marked_model_is_asked_all_the_same(store: Store) -> None:
    """The mark is no reason to fall back."""
    store.catalog.note_gone(store.catalog.live("zeta/z1").id)
    script = Script(Reply(error=GONE))
    events = await turn(store, script.connect, NewTurn("Hello", chat_id=2))

    assert [name for name, _ in script.requests] == ["zeta"]
    assert ended(events).message.fallback_from is None
