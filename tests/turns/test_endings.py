"""How a reply ends, by what the endpoint says; and what of it is ever sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localchat.errors import (
    BY_CODE,
    ContextTooLong,
    Internal,
    LocalChatError,
    ModelMissing,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    ReplyCut,
)
from localchat.providers import connect
from localchat.records import Finished, Piece, ReasoningPiece, Request, TextPiece
from localchat.store import Store
from localchat.testing import Reply, Script
from localchat.turns import NewTurn
from tests.turns.helpers import LOCKS, RAIN, Asked, began, chat, ended, last, line, plain, seen, turn, words

HINT = "Do this next."
BEFORE_ANY_WORD = [
    (ProviderUnavailable("alpha does not answer.", HINT), "provider_unavailable"),
    (ReplyCut("It broke off.", HINT), "provider_unavailable"),  # a break before the first word
    (ProviderRejected("Key refused.", HINT), "provider_rejected"),
    (RateLimited("Too fast.", HINT, retry_after=2.0), "rate_limited"),
    (ContextTooLong("Too long.", HINT), "context_too_long"),
    (ModelMissing("No weights.", HINT), "model_missing"),
    (Internal("A bug.", HINT), "internal"),
]


@pytest.mark.parametrize(("error", "code"), BEFORE_ANY_WORD, ids=[type(error).__name__ for error, _ in BEFORE_ANY_WORD])
async def test_an_error_before_the_first_word_leaves_a_failed_reply_without_words(
    store: Store, error: LocalChatError, code: str
) -> None:
    events = await turn(store, Script(Reply("never", error=error)).connect, "Hello")
    end = ended(events)
    assert end.error is not None
    assert (end.error.code, end.error.message, end.error.hint) == (code, error.message, HINT)
    message = store.messages.get(end.message.id)
    assert message == end.message
    assert (message.status, message.content) == ("failed", "")
    assert message.error is not None
    assert (message.error.code, message.error.message, message.error.hint) == (code, error.message, HINT)
    assert line(store, began(events).chat.id) == [("user", "Hello"), ("assistant", "")]


@pytest.mark.parametrize("code", list(BY_CODE))
async def test_every_error_that_echo_can_be_told_to_give_ends_a_turn_the_same_way(store: Store, code: str) -> None:
    events = await turn(store, connect, f"/echo fail {code} because")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content) == ("failed", "")
    assert message.error is not None
    assert message.error.code == ("provider_unavailable" if code == "reply_cut" else code)


@pytest.mark.parametrize(
    ("prompt", "status", "content", "code"),
    [
        ("one two", "complete", "one two", None),
        ("/echo cut 1 one two", "interrupted", "one", "reply_cut"),
        ("/echo cut 0 one two", "failed", "", "provider_unavailable"),
        ("/echo sing", "failed", "", "invalid_input"),
    ],
)
async def test_what_echo_is_told_to_do_is_what_the_file_says(
    store: Store, prompt: str, status: str, content: str, code: str | None
) -> None:
    message = last(store, began(await turn(store, connect, prompt)).chat.id)
    assert (message.status, message.content) == (status, content)
    assert (message.error.code if message.error else None) == code


async def test_a_provider_of_a_kind_that_this_version_does_not_know_fails_in_place(store: Store) -> None:
    store.connection.execute("update providers set kind = 'of the future' where name = 'zeta'")
    chat_id = chat(store, LOCKS).id
    await turn(store, connect, "Go on", chat_id)
    message = last(store, chat_id)
    assert message.error is not None
    assert (message.status, message.error.code) == ("failed", "invalid_input")
    assert "of the future" in message.error.message


AFTER_SOME_WORDS = [
    (ProviderUnavailable("It broke off.", HINT), "reply_cut", "interrupted"),
    (ReplyCut("It broke off.", HINT), "reply_cut", "interrupted"),
    (ProviderRejected("Refused.", HINT), "provider_rejected", "failed"),
    (RateLimited("Too fast.", HINT), "rate_limited", "failed"),
    (ContextTooLong("Too long.", HINT), "context_too_long", "failed"),
]


@pytest.mark.parametrize(
    ("error", "code", "status"), AFTER_SOME_WORDS, ids=[type(error).__name__ for error, _, _ in AFTER_SOME_WORDS]
)
async def test_an_error_after_some_words_keeps_them(
    store: Store, error: LocalChatError, code: str, status: str
) -> None:
    events = await turn(store, Script(Reply("one two three", error=error, words=2)).connect, "Hello")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content) == (status, "one two")
    assert message.error is not None
    assert (message.error.code, message.error.message, message.error.hint) == (code, error.message, HINT)
    end = ended(events)
    assert end.error is not None
    assert end.error.code == code


async def test_a_break_while_the_model_still_thinks_keeps_the_thoughts(store: Store) -> None:
    error = ProviderUnavailable("It broke off.", HINT)
    events = await turn(store, Script(Reply("never", reasoning="Hm.", error=error)).connect, "Hello")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content, message.reasoning) == ("interrupted", "", "Hm.")
    assert message.error is not None
    assert message.error.code == "reply_cut"


async def test_pieces_without_a_letter_are_no_words(store: Store) -> None:
    """Endpoints begin with an empty piece; a break right after it is a break before the first word."""

    async def broken(_: Request) -> AsyncIterator[Piece]:
        yield ReasoningPiece("")
        yield TextPiece("")
        raise ProviderUnavailable("It broke off.")

    events = await turn(store, Asked(broken).connect, "Hello")
    assert len(events) == 2
    assert ended(events).message.status == "failed"
    assert ended(events).error.__class__ is ProviderUnavailable


@pytest.mark.parametrize("says_finished", [True, False])
async def test_words_that_end_without_a_finish_reason_were_cut(store: Store, says_finished: bool) -> None:
    async def silent(_: Request) -> AsyncIterator[Piece]:
        yield TextPiece("one two")
        if says_finished:
            yield Finished(None)

    events = await turn(store, Asked(silent).connect, "Hello")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content, message.finish_reason) == ("interrupted", "one two", None)
    assert message.error is not None
    assert message.error.code == "reply_cut"
    assert "alpha/a1" in message.error.message
    assert isinstance(ended(events).error, ReplyCut)


@pytest.mark.parametrize("reason", ["length", "stop", "content_filter", "tool_call"])
async def test_any_finish_reason_is_an_end(store: Store, reason: str) -> None:
    events = await turn(store, Script(Reply("one two", finish_reason=reason)).connect, "Hello")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content, message.finish_reason) == ("complete", "one two", reason)
    assert message.error is None
    assert ended(events).error is None


async def test_a_model_that_answers_with_nothing_has_answered(store: Store) -> None:
    events = await turn(store, Script(Reply("")).connect, "Hello")
    message = last(store, began(events).chat.id)
    assert (message.status, message.content, message.error) == ("complete", "", None)


# A bug is told and breaks nothing.


class Bug:
    """A client that was written badly: ``where`` is when it breaks."""

    def __init__(self, where: str) -> None:
        self.where = where

    def connect(self, _: object) -> Asked:
        if self.where == "made":
            raise TypeError("no [/] client \x1b[2J")
        asked = Asked(self.stream)
        if self.where == "closed":
            asked.aclose = self.close  # type: ignore[method-assign]
        return asked

    async def close(self) -> None:
        raise TypeError("no [/] close \x1b[2J")

    async def stream(self, _: Request) -> AsyncIterator[Piece]:
        if self.where == "asked":
            raise TypeError("no [/] answer \x1b[2J")
        yield TextPiece("one")
        if self.where == "midway":
            raise TypeError("no [/] more \x1b[2J")
        yield Finished("stop")


@pytest.mark.parametrize("where", ["made", "asked", "midway", "closed"])
async def test_a_bug_in_a_client_is_told_and_stored_as_internal(store: Store, where: str) -> None:
    events = await turn(store, Bug(where).connect, "Hello")
    end = ended(events)
    assert isinstance(end.error, Internal)
    assert isinstance(end.error.__cause__, TypeError)
    message = last(store, began(events).chat.id)
    assert (message.status, message.content) == ("failed", "one" if where in ("midway", "closed") else "")
    assert message.error is not None
    assert message.error.code == "internal"
    assert "TypeError: no [/]" in message.error.message
    assert message.error.hint
    after = await turn(store, Script("Fine.").connect, "Again", began(events).chat.id)
    assert ended(after).message.status == "complete"


async def test_a_client_that_is_cancelled_from_within_does_not_pass_for_a_stop_by_the_person(store: Store) -> None:
    """A library that lets its own CancelledError out: the turn ends as stopped, and nothing is left streaming."""

    async def cancelled(_: Request) -> AsyncIterator[Piece]:
        yield TextPiece("one")
        raise asyncio.CancelledError

    chat_id = chat(store, RAIN).id
    with pytest.raises(asyncio.CancelledError):
        await turn(store, Asked(cancelled).connect, "Hello", chat_id)
    assert (last(store, chat_id).status, last(store, chat_id).content) == ("stopped", "one")


# What is sent, and what never is.


def sent(script: Script) -> list[tuple[str, str]]:
    return [(line.role, line.content) for line in script.requests[-1][1].lines]


async def test_errors_and_failed_replies_are_never_sent(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    failure = Reply("", error=ProviderRejected("SECRET refusal", "SECRET hint"))
    half = Reply("half a reply", error=ReplyCut("SECRET cut", "SECRET hint"), words=2)
    script = Script(failure, half, "Yes.")
    for text in ("First", "Second", "Third"):
        await turn(store, script.connect, text, chat_id)
    assert sent(script) == [
        ("user", "Does it rain in Lisbon?"),
        ("assistant", "In **winter**, often."),
        ("user", "First\n\nSecond"),  # the failed reply between them is not there, so the two are one line
        ("assistant", "half a"),
        ("user", "Third"),
    ]
    assert "SECRET" not in repr(script.requests)


async def test_what_localchat_tells_about_a_turn_is_never_sent(store: Store) -> None:
    """Fallback and messages left out are stored beside the words, not in them."""
    chat_id = chat(store, RAIN).id
    store.catalog.remove_provider("alpha")
    script = Script("One.", "Two.")
    await turn(store, script.connect, "First", chat_id)
    await turn(store, script.connect, "Second", chat_id)
    assert sent(script) == [
        ("user", "Does it rain in Lisbon?"),
        ("assistant", "In **winter**, often."),
        ("user", "First"),
        ("assistant", "One."),
        ("user", "Second"),
    ]
    assert "a1" not in repr(script.requests)


async def test_reasoning_is_never_sent_again(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    script = Script(Reply("One.", reasoning="SECRET thoughts"), "Two.")
    await turn(store, script.connect, "First", chat_id)
    await turn(store, script.connect, "Second", chat_id)
    assert "SECRET" not in repr(script.requests)


async def test_a_reply_that_another_window_is_still_receiving_is_sent_as_far_as_it_came(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    script = Script("Yes.")
    for words_so_far, expected in (("", []), ("so far", [("assistant", "so far")])):
        store.connection.execute(
            "insert into messages (chat_id, role, content, status) values (?, 'user', 'There', 'complete'),"
            " (?, 'assistant', ?, 'streaming')",
            (chat_id, chat_id, words_so_far),
        )
        await turn(store, script.connect, "Here", chat_id)
        there = [line for line in sent(script)[-3:] if line[0] == "assistant" and line[1] == "so far"]
        assert there == expected
        assert sent(script)[-1][1].endswith("Here")


async def test_the_request_holds_the_system_prompt_and_the_parameters_of_model_and_chat(store: Store) -> None:
    model = store.catalog.add_model("alpha", "tuned", context=9000, parameters={"temperature": 0.1, "seed": 7})
    script = Script()
    events = await turn(store, script.connect, NewTurn("Hello", model_id=model.id, system="Be calm."))
    chat_id = began(events).chat.id
    assert store.chats.get(chat_id).system == "Be calm."
    name, request = script.requests[-1]
    assert (name, request.model, request.system, request.context) == ("alpha", "tuned", "Be calm.", 9000)
    assert request.parameters == {"temperature": 0.1, "seed": 7}
    store.chats.set_parameters(chat_id, {"seed": 8, "max_tokens": 5})
    await turn(store, script.connect, "Go on", chat_id)
    assert script.requests[-1][1].parameters == {"temperature": 0.1, "seed": 8, "max_tokens": 5}
    assert script.requests[-1][1].system == "Be calm."
    await turn(store, script.connect, NewTurn("Go on", chat_id=chat_id, system=""))
    assert script.requests[-1][1].system == ""
    await turn(store, script.connect, "And on", chat_id)
    assert script.requests[-1][1].system == ""


async def test_the_parameters_of_one_turn_come_before_those_of_chat_and_model_and_are_not_kept(store: Store) -> None:
    model = store.catalog.add_model("alpha", "tuned", parameters={"temperature": 0.1, "seed": 7})
    script = Script()
    chat_id = began(await turn(store, script.connect, NewTurn("Hello", model_id=model.id))).chat.id
    store.chats.set_parameters(chat_id, {"top_k": 5})
    turn_alone = {"temperature": 0.9, "seed": None, "top_k": 40}
    await turn(store, script.connect, NewTurn("Go on", chat_id=chat_id, parameters=turn_alone))
    assert script.requests[-1][1].parameters == turn_alone
    await turn(store, script.connect, "And on", chat_id)
    assert script.requests[-1][1].parameters == {"temperature": 0.1, "seed": 7, "top_k": 5}


async def test_parameters_that_another_program_wrote_badly_break_no_turn(store: Store, path: Path) -> None:
    chat_id = chat(store, RAIN).id
    for parameters in ("[]", "7", '"x"', "null", '{"max_tokens": "many"}', '{"max_tokens": -5}'):
        store.connection.execute("update chats set parameters = ? where id = ?", (parameters, chat_id))
        store.connection.execute("update model_configs set context = 5000 where model = 'a1'")
        events = await turn(store, Asked(plain).connect, "Hello", chat_id)
        assert (ended(events).message.status, words(events)) == ("complete", "Yes.")
    assert seen(path, "select count(*) from messages where error_code is not null") == [(0,)]
