"""What is sent fits the model: the system prompt and the newest turns; what is left out is told and stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localchat.errors import ContextTooLong
from localchat.records import Chat, Finished, Line, Piece, Request, TextPiece
from localchat.store import Store
from localchat.turns import Continue, Edit, LeftOut, NewTurn, estimate, lines_that_fit
from localchat.turns.context import messages_that_fit, size_that_fits
from tests.turns.helpers import RAIN, Asked, chat, ended, last, one, plain, seen, turn, words


def add(store: Store, chat_id: int, *contents: str, role: str = "") -> Chat:
    """Messages one after another as another program writes them, user and assistant in turn."""
    for number, content in enumerate(contents):
        store.connection.execute(
            "insert into messages (chat_id, role, content) values (?, ?, ?)",
            (chat_id, role or ("user", "assistant")[number % 2], content),
        )
    return store.chats.get(chat_id)


@pytest.fixture
def long(store: Store) -> Chat:
    """Twenty exchanges of 100 tokens a message, of a model with a known context."""
    store.connection.execute("update model_configs set context = 1000 where model = 'a1'")
    store.connection.execute("insert into chats (id, title, model_config_id) select 50, 'Long', id from live_models"
                             " where model = 'a1'")  # fmt: skip
    return add(store, 50, *(f"{number:03d}" + "x" * (92 * 3 - 3) for number in range(40)))


def numbers(request: Request) -> list[int]:
    return [int(line.content[:3]) for line in request.lines if line.content[:3].isdigit()]


async def test_the_newest_turns_that_fit_are_sent_and_the_rest_is_told_and_stored(store: Store, long: Chat) -> None:
    asked = Asked(plain)
    events = await turn(store, asked.connect, "New", long.id)
    # 1,000 tokens of context, a quarter of them kept for the reply: 750; 9 for "New", 7 messages of 100.
    # The oldest of those seven is a reply without its question, and goes.
    assert numbers(asked.requests[0]) == [34, 35, 36, 37, 38, 39]
    assert asked.requests[0].lines[-1] == Line("user", "New")
    assert one(events, LeftOut).count == 34
    assert last(store, long.id).left_out == 34
    assert events.index(one(events, LeftOut)) == 1  # before the first word


async def test_everything_is_sent_where_the_context_is_not_known(store: Store, long: Chat) -> None:
    store.connection.execute("update model_configs set context = null")
    asked = Asked(plain)
    events = await turn(store, asked.connect, "New", long.id)
    assert numbers(asked.requests[0]) == list(range(40))
    assert not [event for event in events if isinstance(event, LeftOut)]
    assert last(store, long.id).left_out == 0


async def test_what_fits_is_sent_whole_and_nothing_is_told(store: Store, long: Chat) -> None:
    store.connection.execute("update model_configs set context = 100000")
    asked = Asked(plain)
    events = await turn(store, asked.connect, "New", long.id)
    assert numbers(asked.requests[0]) == list(range(40))
    assert not [event for event in events if isinstance(event, LeftOut)]


async def test_the_system_prompt_is_always_sent_and_takes_its_room(store: Store, long: Chat) -> None:
    store.chats.set_system(long.id, "s" * 300 * 3)
    asked = Asked(plain)
    await turn(store, asked.connect, "New", long.id)
    assert asked.requests[0].system == "s" * 900
    assert numbers(asked.requests[0]) == [36, 37, 38, 39]


async def test_the_room_for_the_reply_is_what_the_chat_allows_but_no_more_than_a_quarter(
    store: Store, long: Chat
) -> None:
    asked = Asked(plain)
    store.chats.set_parameters(long.id, {"max_tokens": 40})
    await turn(store, asked.connect, "New", long.id)
    assert numbers(asked.requests[-1]) == [32, 33, 34, 35, 36, 37, 38, 39]
    store.chats.set_parameters(long.id, {"max_tokens": 4000})
    await turn(store, asked.connect, "New", long.id)
    assert numbers(asked.requests[-1])[0] == 34


async def test_a_prompt_alone_too_long_is_sent_alone_and_the_refusal_is_told(store: Store, long: Chat) -> None:
    async def refuse(_: Request) -> AsyncIterator[Piece]:
        raise ContextTooLong("5,000 tokens do not fit 1,000.", "Shorten it.", limit=1000, tokens=5000)
        yield

    asked = Asked(refuse)
    prompt = "y" * 15_000
    events = await turn(store, asked.connect, prompt, long.id)
    assert [request.lines for request in asked.requests] == [(Line("user", prompt),)]
    assert one(events, LeftOut).count == 40
    end = ended(events)
    assert isinstance(end.error, ContextTooLong)
    assert (end.message.status, end.message.content, end.message.left_out) == ("failed", "", 40)


# Where the endpoint says that it does not fit.


class Endpoint:
    """Refuses what is over ``limit`` tokens, of one character each; ``tells`` its numbers, or nothing."""

    def __init__(self, limit: int, *, tells: bool) -> None:
        self.limit = limit
        self.tells = tells

    async def answer(self, request: Request) -> AsyncIterator[Piece]:
        tokens = sum(len(line.content) for line in request.lines) + len(request.system)
        if tokens > self.limit:
            numbers = {"limit": self.limit, "tokens": tokens} if self.tells else {}
            raise ContextTooLong("Too long.", "Shorten it.", **numbers)
        yield TextPiece("Yes.")
        yield Finished("stop")


@pytest.mark.parametrize("tells", [True, False], ids=["by numbers", "by halves"])
async def test_a_turn_refused_as_too_long_is_cut_and_sent_again(store: Store, long: Chat, tells: bool) -> None:
    store.connection.execute("update model_configs set context = null")
    asked = Asked(Endpoint(4000, tells=tells).answer)
    events = await turn(store, asked.connect, "New", long.id)
    message = last(store, long.id)
    assert (message.status, message.content) == ("complete", "Yes.")
    assert numbers(asked.requests[0]) == list(range(40))
    fitted = numbers(asked.requests[-1])
    assert 2 <= len(fitted) < 15
    assert fitted == list(range(fitted[0], 40))
    told = [event.count for event in events if isinstance(event, LeftOut)]
    assert told[-1] == message.left_out == fitted[0]
    assert told == sorted(set(told))
    assert asked.closed == 1


@pytest.mark.parametrize("tells", [True, False], ids=["by numbers", "by halves"])
async def test_a_turn_that_never_fits_gives_up_and_says_so(store: Store, long: Chat, tells: bool) -> None:
    asked = Asked(Endpoint(2, tells=tells).answer)
    events = await turn(store, asked.connect, "New", long.id)
    assert 1 < len(asked.requests) <= 4
    assert isinstance(ended(events).error, ContextTooLong)
    assert last(store, long.id).status == "failed"


async def test_a_refusal_after_the_first_word_is_no_reason_to_send_again(store: Store, long: Chat) -> None:
    async def late(_: Request) -> AsyncIterator[Piece]:
        yield TextPiece("one")
        raise ContextTooLong("Full.", "", limit=10, tokens=20)

    asked = Asked(late)
    events = await turn(store, asked.connect, "New", long.id)
    assert len(asked.requests) == 1
    assert (ended(events).message.status, ended(events).message.content) == ("failed", "one")


async def test_absurd_numbers_of_an_endpoint_do_not_end_in_a_loop_or_a_crash(store: Store, long: Chat) -> None:
    for limit, tokens in ((0, 5), (5, 0), (-1, 5), (5, 5), (10, 5), (10**30, 1), (1, 10**30)):

        async def absurd(_: Request, limit: int = limit, tokens: int = tokens) -> AsyncIterator[Piece]:
            raise ContextTooLong("Too long.", "", limit=limit, tokens=tokens)
            yield

        asked = Asked(absurd)
        events = await turn(store, asked.connect, "New", long.id)
        assert len(asked.requests) <= 4
        assert isinstance(ended(events).error, ContextTooLong)


# The lines themselves.


def fitted(store: Store, chat: Chat, budget: int | None) -> list[Line]:
    return lines_that_fit(store, chat, chat.length, budget)[0]


async def test_messages_of_one_role_in_a_row_become_one_line(store: Store) -> None:
    rain = chat(store, RAIN)
    both = add(store, rain.id, "It rained.", "It rained again.", role="assistant")
    both = add(store, rain.id, "Did it?", "Really?", role="user")
    assert fitted(store, both, None) == [
        Line("user", "Does it rain in Lisbon?"),
        Line("assistant", "In **winter**, often.\n\nIt rained.\n\nIt rained again."),
        Line("user", "Did it?\n\nReally?"),
    ]


async def test_a_system_message_in_the_line_is_sent_as_one(store: Store) -> None:
    rain = add(store, chat(store, RAIN).id, "Answer in verse.", role="system")
    asked = Asked(plain)
    await turn(store, asked.connect, "New", rain.id)
    assert [line.role for line in asked.requests[0].lines] == ["user", "assistant", "system", "user"]


async def test_no_budget_cuts_a_question_from_its_answer(store: Store, long: Chat) -> None:
    """Whatever fits: what is sent begins with a question, and the newest message is always in it."""
    for budget in range(1, 4200, 37):
        lines, left_out, spent = lines_that_fit(store, long, long.length, budget)
        assert lines[-1].content.startswith("039")
        assert left_out == 40 - len(lines)
        assert spent == 100 * len(lines)
        assert lines[0].role == "user" or len(lines) == 1
        assert spent <= max(budget, 100)


async def test_a_chat_that_ends_in_several_replies_keeps_the_last_when_nothing_else_fits(store: Store) -> None:
    rain = add(store, chat(store, RAIN).id, *("z" * 300 for _ in range(4)), role="assistant")
    lines, left_out, _ = lines_that_fit(store, rain, rain.length, 250)
    assert lines == [Line("assistant", "z" * 300)]
    assert left_out == 5


async def test_a_long_chat_costs_what_is_sent_and_not_what_it_holds(store: Store, long: Chat) -> None:
    store.connection.execute("begin")
    add(store, long.id, *("word " * 50 for _ in range(4000)))
    store.connection.execute("commit")
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    chat_ = store.chats.get(long.id)
    store.connection.set_progress_handler(count, 1000)
    try:
        lines, left_out, _ = lines_that_fit(store, chat_, chat_.length, 700)
    finally:
        store.connection.set_progress_handler(None, 0)
    assert len(lines) == 6
    assert left_out == 4034
    assert steps < 60  # thousands of SQLite's steps: one page of a hundred messages, not four thousand


def test_the_estimate_is_cautious_for_prose_and_right_for_scripts_beyond_ascii() -> None:
    prose = "The quick brown fox jumps over the lazy dog. " * 20
    assert len(prose) / 5 < estimate(prose) < len(prose) / 2
    assert estimate("数据库" * 100) >= 300
    assert estimate("") > 0
    assert estimate("\ud800") > 0


async def test_two_edits_and_a_fit_read_the_line_that_is_asked_and_no_other(store: Store, long: Chat) -> None:
    """Left out are the oldest of the line that is sent, whatever other lines the chat holds."""
    tenth = store.messages.line(long, 9, 10)[0]
    asked = Asked(plain)
    events = await turn(store, asked.connect, NewTurn("Edited", chat_id=long.id, under=tenth.id))
    assert numbers(asked.requests[0]) == [4, 5, 6, 7, 8, 9]
    assert one(events, LeftOut).count == 4
    assert words(events) == "Yes."


async def test_what_was_left_out_stays_with_the_turn_in_the_file(store: Store, long: Chat, path: Path) -> None:
    await turn(store, Asked(plain).connect, "New", long.id)
    assert seen(path, "select left_out from messages order by id desc limit 2") == [(34,), (0,)]


async def test_a_summary_is_sent_on_its_own_branch_and_on_no_other(store: Store, long: Chat) -> None:
    messages = store.messages.line(long)
    store.chats.set_summary(long.id, "They counted.", messages[30].id)
    asked = Asked(plain)
    await turn(store, asked.connect, NewTurn("On.", long.id))
    assert "They counted." in asked.requests[-1].system
    assert min(numbers(asked.requests[-1])) > 30
    await turn(store, asked.connect, Edit("001 edited", long.id, messages[2].id))
    assert "They counted." not in asked.requests[-1].system
    assert [line.content[:3] for line in asked.requests[-1].lines] == ["000", "001", "001"]


async def test_the_rest_of_a_reply_counts_what_there_is_of_it(store: Store, long: Chat) -> None:
    last_reply = store.messages.line(long)[-1]
    store.messages.finish(last_reply.id, "stopped", "y" * 1200)
    asked = Asked(plain)
    await turn(store, asked.connect, Continue(long.id, last_reply.id))
    request = asked.requests[-1]
    assert request.lines[-2].content == "y" * 1200
    assert sum(estimate(line.content) for line in request.lines) <= 1000 - 1000 // 4


def test_how_full_a_context_is_is_counted_without_reading_a_text(store: Store) -> None:
    store.connection.execute("insert into chats (id, title) values (50, 'Long')")
    long = add(store, 50, *(f"{number} ü 锁" * number for number in range(300)))
    for budget in (None, 20, 500, 2000, 10**6):
        _, left_out, spent = messages_that_fit(store, long, long.length, budget)
        assert size_that_fits(store, long, long.length, budget) == (left_out, spent)
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    size_that_fits(store, long, long.length, None)
    store.connection.set_trace_callback(None)
    assert not any("x.content" in statement for statement in asked)
