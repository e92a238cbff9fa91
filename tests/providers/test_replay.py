"""What docs/replay.md promises: an exported chat answers again as it did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localchat.errors import (
    ContextTooLong,
    LocalChatError,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    ReplyCut,
)
from localchat.providers import connect, replay
from localchat.providers.replay import played
from localchat.records import (
    Attachment,
    ErrorNote,
    Finished,
    Line,
    Piece,
    Provider,
    ReasoningPiece,
    Request,
    TextPiece,
    Usage,
)
from localchat.transfer.export import json_document
from localchat.transfer.portable import NamedModel, WholeChat, WholeMessage
from localchat.validation import ReplayFile

T = "2026-03-02T14:02:00.000Z"
GPT, QWEN = NamedModel("openai", "gpt-4o"), NamedModel("ollama", "qwen3:8b")
Deck = Callable[..., Provider]


def user(key: str, parent: str | None, text: str, **more: Any) -> WholeMessage:
    return WholeMessage(key, parent, "user", text, T, **more)


def reply(key: str, parent: str, text: str, **more: Any) -> WholeMessage:
    return WholeMessage(key, parent, "assistant", text, T, **{"model": GPT, "finish_reason": "stop", **more})


def chat(*messages: WholeMessage, name: str = "one", leaf: str | None = None) -> WholeChat:
    return WholeChat("localchat", name, name, messages, T, T, leaf=leaf or messages[-1].key)


@pytest.fixture
def deck(tmp_path: Path) -> Deck:
    def deck(*chats: WholeChat, in_order: bool = False, at_once: bool = True) -> Provider:
        path = tmp_path / "a chat é.json"
        path.write_text("".join(json_document(chats, T)), "utf-8")
        return provider(ReplayFile(path, in_order, at_once).url)

    return deck


def provider(url: str) -> Provider:
    return Provider(1, "demo", "replay", url, "none", None, True, T, T)


def asking(*lines: str, model: str = "any", version: int = 1, turn: int | None = None) -> Request:
    """A conversation, the person's words first, by turns."""
    said = tuple(Line("assistant" if number % 2 else "user", text) for number, text in enumerate(lines))
    return Request(model, said, turn=(len(lines) + 1) // 2 if turn is None else turn, version=version)


async def pieces(provider: Provider, request: Request, into: list[Piece] | None = None) -> list[Piece]:
    came = [] if into is None else into
    async for piece in connect(provider).stream(request):
        came.append(piece)
    return came


async def text(provider: Provider, request: Request) -> str:
    return "".join(piece.text for piece in await pieces(provider, request) if isinstance(piece, TextPiece))


TALK = (
    user("1", None, "Why is it locked?"),
    reply("2", "1", "Two  writers.\n", reasoning="Let me see.", usage=Usage(7, 3)),
    user("3", "2", "Go on"),
    reply("4", "3", "One waits."),
    user("5", "4", "Go on"),
    reply("6", "5", "The other too."),
)


async def test_a_prompt_gets_the_reply_that_it_got_then_with_reasoning_and_usage(deck: Deck) -> None:
    assert await pieces(deck(chat(*TALK)), asking(" Why is it\nlocked? ")) == [
        ReasoningPiece("Let"), ReasoningPiece(" me"), ReasoningPiece(" see."),
        TextPiece("Two"), TextPiece("  writers.\n"), Finished("stop", Usage(7, 3)),
    ]  # fmt: skip


async def test_the_same_words_twice_are_told_apart_by_what_was_said_before(deck: Deck) -> None:
    demo = deck(chat(*TALK))
    assert await text(demo, asking("Why is it locked?", "…", "Go on")) == "One waits."
    assert await text(demo, asking("Why is it locked?", "…", "Go on", "…", "Go on")) == "The other too."
    assert await text(demo, asking("Go on")) == "One waits.", "a conversation that nobody had gets the first"


async def test_every_chat_of_the_file_answers(deck: Deck) -> None:
    other = chat(user("1", None, "Go on"), reply("2", "1", "Elsewhere."), name="two")
    demo = deck(chat(*TALK), other)
    assert await text(demo, asking("Go on")) == "Elsewhere."
    assert await text(demo, asking("Why is it locked?", "…", "Go on")) == "One waits."


async def test_asked_again_it_answers_with_the_next_version_and_then_stays_with_the_last(deck: Deck) -> None:
    demo = deck(chat(user("1", None, "Hi"), reply("2", "1", "Hello."), reply("3", "1", "Good day.")))
    answers = [await text(demo, asking("Hi", version=number)) for number in (1, 2, 3)]
    assert answers == ["Hello.", "Good day.", "Good day."]


async def test_a_model_that_answered_then_answers_with_its_own_words(deck: Deck) -> None:
    demo = deck(chat(user("1", None, "Hi"), reply("2", "1", "I am GPT."), reply("3", "1", "I am Qwen.", model=QWEN)))
    assert await text(demo, asking("Hi", model="qwen3:8b")) == "I am Qwen."
    assert await text(demo, asking("Hi", model="gpt-4o", version=2)) == "I am GPT."
    assert await text(demo, asking("Hi", model="nobody")) == "I am GPT."
    assert [model.name for model in await connect(demo).models()] == ["gpt-4o", "qwen3:8b"]


async def test_in_order_the_next_reply_answers_whatever_is_asked(deck: Deck) -> None:
    demo = deck(chat(*TALK), in_order=True)
    assert await text(demo, asking("Anything")) == "Two  writers.\n"
    assert await text(demo, asking("Anything", "…", "else", "…", "at all")) == "The other too."
    with pytest.raises(ProviderRejected, match=r"has no reply for turn 4; it ends after 3\."):
        await pieces(demo, asking("Summarise", turn=4))


async def test_in_order_means_the_line_that_was_read_last(deck: Deck) -> None:
    demo = deck(chat(*TALK[:2], user("7", None, "Other"), reply("8", "7", "The other line."), leaf="8"), in_order=True)
    assert await text(demo, asking("x")) == "The other line."


async def test_where_it_has_no_answer_it_says_so_and_names_what_it_knows(deck: Deck) -> None:
    demo = deck(chat(*TALK))
    with pytest.raises(ProviderRejected) as first:
        await pieces(demo, asking("Who are\nyou?"))
    assert first.value.message == "a chat é.json has no reply to “Who are you?”."
    assert first.value.hint == "It knows “Why is it locked?”, “Go on”."
    with pytest.raises(ProviderRejected) as last:
        await pieces(demo, asking("Why is it locked?", "…", "Go on", "…", "Go on", "…", "And now?"))
    assert last.value.hint == "It was not asked anything after that."


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"status": "failed", "error": ErrorNote("rate_limited", "Slow down.", "Wait.")}, RateLimited, "Slow down."),
        ({"status": "failed", "error": ErrorNote("context_too_long", "Too long.")}, ContextTooLong, "Too long."),
        ({"status": "interrupted", "error": ErrorNote("reply_cut", "It broke.")}, ReplyCut, "It broke."),
        ({"status": "interrupted"}, ReplyCut, "The recorded reply ends here."),
        ({"status": "stopped"}, ReplyCut, "The recorded reply ends here."),
        ({"status": "failed", "error": ErrorNote("internal", "Odd.")}, ProviderUnavailable, "Odd."),
    ],
)
async def test_errors_and_cuts_come_where_they_came(
    deck: Deck, more: dict[str, Any], error: type[LocalChatError], said: str
) -> None:
    came: list[Piece] = []
    with pytest.raises(error) as raised:
        await pieces(deck(chat(user("1", None, "Hi"), reply("2", "1", "half of", **more))), asking("Hi"), came)
    assert type(raised.value) is error
    assert raised.value.message == said
    assert came == [TextPiece("half"), TextPiece(" of")]


async def test_a_reply_that_reached_its_limit_ends_so(deck: Deck) -> None:
    demo = deck(chat(user("1", None, "Hi"), reply("2", "1", "one", finish_reason="length")))
    assert (await pieces(demo, asking("Hi")))[-1] == Finished("length", None)


async def test_a_prompt_after_a_turn_without_a_word_is_known(deck: Deck) -> None:
    """What failed is no part of what is sent: two prompts go as one line then."""
    failed = reply("2", "1", "", status="failed", error=ErrorNote("provider_unavailable", "Gone."))
    demo = deck(chat(user("1", None, "Hi"), failed, user("3", "2", "Still there?"), reply("4", "3", "Yes.")))
    assert await text(demo, Request("m", (Line("user", "Hi\n\nStill there?"),), turn=2)) == "Yes."


async def test_a_reply_that_goes_on_gets_the_rest(deck: Deck) -> None:
    cut = reply("2", "1", "one two", status="interrupted")
    demo = deck(chat(user("1", None, "Count"), cut, reply("3", "1", "one two three")))
    lines = (Line("user", "Count"), Line("assistant", "one two"), Line("user", "Go on exactly where it stops."))
    assert await text(demo, Request("m", lines, turn=1, version=2)) == " three"


@pytest.mark.parametrize("image", [True, False])
async def test_a_prompt_with_files_is_known(deck: Deck, image: bool) -> None:
    note = Attachment("a.txt", "text/plain", b"facts")
    demo = deck(chat(user("1", None, "Read it", attachments=(note,)), reply("2", "1", "Read.")))
    sent = "a.txt:\n```\nfacts\n```\n\nRead it"
    assert await text(demo, asking(sent if image else "Read it")) == "Read."


async def test_words_come_evenly_over_the_time_that_they_took_or_at_once(deck: Deck) -> None:
    slow = reply("2", "1", "one two three", duration_ms=200)
    assert [round(at, 3) for at, _ in played(slow)] == [0.05, 0.1, 0.15]
    talk = chat(user("1", None, "Hi"), slow)
    begun = time.monotonic()
    await text(deck(talk, at_once=False), asking("Hi"))
    assert time.monotonic() - begun >= 0.15
    async with asyncio.timeout(5):
        await text(deck(chat(user("1", None, "Hi"), reply("2", "1", "x", duration_ms=3_600_000))), asking("Hi"))


async def test_reading_the_file_takes_nothing_from_the_pace(deck: Deck, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = deck(chat(user("1", None, "Hi"), reply("2", "1", "one two three", duration_ms=400)), at_once=False)
    read, pauses = replay.deck_of, []

    def slow(path: Path) -> replay.Deck:
        time.sleep(0.15)
        return read(path)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(replay, "deck_of", slow)
    monkeypatch.setattr(replay.asyncio, "sleep", pause)
    await text(demo, asking("Hi"))
    assert pauses[0] == 0, "the first word was due while the file was read"


# The file.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not there"),
        ("{}", "is no JSON export"),
        ('{"schema": "localchat.chats", "version": 99, "chats": []}', "is of version 99"),
        ('{"schema": "localchat.chats", "version": 1, "chats": []}', "holds no reply"),
    ],
)
async def test_a_file_that_cannot_answer_is_told(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "chat.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(ProviderUnavailable, match=said) as raised:
        await pieces(provider(ReplayFile(path).url), asking("Hi"))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: text.index("Hello again")], "is damaged: one: the file ends in the middle of it"),
        (lambda text: text.replace('"Hello again"', "5"), "is damaged: one: "),
        (lambda text: text.replace('"id": "2"', '"id": "1"'), "is damaged: one: two messages have the same id"),
    ],
)
async def test_a_damaged_file_says_what_is_damaged(
    deck: Deck, tmp_path: Path, damage: Callable[[str], str], said: str
) -> None:
    found = deck(chat(user("1", None, "Hi"), reply("2", "1", "Hello again")))
    path = ReplayFile.parse(found.base_url or "").path
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    with pytest.raises(ProviderUnavailable, match=said):
        await pieces(found, asking("Hi"))


async def test_a_chat_with_messages_taken_out_answers_with_what_is_left(deck: Deck) -> None:
    talk = chat(user("3", "2", "And?"), reply("4", "3", "More."))
    assert await text(deck(talk), asking("And?")) == "More."
    circle = chat(user("1", "2", "Hi"), reply("2", "1", "Round."))
    with pytest.raises(ProviderUnavailable, match="holds no reply"):
        await text(deck(circle), asking("Hi"))


async def test_a_file_that_was_written_anew_answers_anew(deck: Deck) -> None:
    assert await text(deck(chat(user("1", None, "Hi"), reply("2", "1", "old"))), asking("Hi")) == "old"
    assert await text(deck(chat(user("1", None, "Hi"), reply("2", "1", "newer"))), asking("Hi")) == "newer"


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_address_keeps_the_file_and_both_switches(tmp_path: Path, in_order: bool, at_once: bool) -> None:
    file = ReplayFile(tmp_path / "what? a #chat é%20.json", in_order, at_once)
    assert file.url.startswith("file:///")
    assert ReplayFile.parse(file.url) == file


def test_it_runs_on_this_machine(deck: Deck) -> None:
    assert deck(chat(*TALK)).local


async def test_of_two_chats_that_ask_the_same_the_one_that_went_like_this_answers(deck: Deck) -> None:
    def talk(name: str, first: str, answer: str) -> WholeChat:
        return chat(
            user("1", None, first), reply("2", "1", "…"), user("3", "2", "Go on"), reply("4", "3", answer), name=name
        )

    demo = deck(talk("a", "About cats", "Cats."), talk("b", "About dogs", "Dogs."))
    assert await text(demo, asking("About dogs", "…", "Go on")) == "Dogs."
    assert await text(demo, asking("About cats", "…", "Go on")) == "Cats."
