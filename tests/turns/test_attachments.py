"""Turns with files: stored with the words, sent in them or beside them, counted, and refused where nobody can see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from localchat.attachments.reading import IMAGE_TOKENS
from localchat.errors import InvalidInput, ProviderRejected
from localchat.records import Attachment, Piece, Request
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.testing import StillClock
from localchat.turns import NewTurn, Regenerate, estimate_of, lines_that_fit
from tests.turns.helpers import RAIN, Asked, began, chat, ended, everything, plain, seen, turn

TEXT = Attachment("notes.txt", "text/plain", b"Buy milk.\n")
IMAGE = Attachment("photo.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"\0" * 5000)


@pytest.fixture
def seeing(store: Store) -> int:
    """The id of a model that may see images."""
    store.catalog.add_provider("far", "openai", "http://127.0.0.1:9/v1")
    store.catalog.add_model("far", "eyes")
    return store.catalog.live("far/eyes").id


async def test_files_are_stored_with_the_words_and_read_without_their_content(store: Store, seeing: int) -> None:
    asked = Asked(plain)
    prompt = NewTurn("Look", model_id=seeing, attachments=(TEXT, IMAGE))
    question = began(await turn(store, asked.connect, prompt)).prompt
    assert question is not None
    assert [(each.name, each.media_type, each.size) for each in question.attachments] == [
        ("notes.txt", "text/plain", 10),
        ("photo.png", "image/png", 5008),
    ]
    assert store.messages.attachments(question.id) == [TEXT, IMAGE]
    (line,) = asked.requests[0].lines
    assert line.content == "notes.txt:\n```\nBuy milk.\n```\n\nLook"
    assert line.images == (IMAGE,)


async def test_files_may_go_without_words_and_name_the_chat(store: Store) -> None:
    begun = began(await turn(store, Asked(plain).connect, NewTurn("", attachments=(TEXT,))))
    assert begun.chat.title == "notes.txt"
    with pytest.raises(InvalidInput):
        await turn(store, Asked(plain).connect, NewTurn(" "))


async def test_an_image_for_a_model_that_cannot_see_stores_nothing(store: Store) -> None:
    before = everything(store.path)
    with pytest.raises(InvalidInput, match=r"alpha/a1 cannot see images: photo\.png\. Nothing was sent\."):
        await turn(store, Asked(plain).connect, NewTurn("Look", attachments=(IMAGE,)))
    assert everything(store.path) == before
    assert seen(store.path, "select count(*) from attachments") == [(0,)]


async def test_asking_again_about_an_image_needs_a_model_that_can_see(store: Store, seeing: int) -> None:
    begun = began(await turn(store, Asked(plain).connect, NewTurn("Look", model_id=seeing, attachments=(IMAGE,))))
    assert begun.prompt is not None
    again = Regenerate(begun.chat.id, begun.prompt.id)
    asked = Asked(plain)
    await turn(store, asked.connect, again)
    assert asked.requests[0].lines[0].images == (IMAGE,)
    default = store.catalog.live("alpha/a1").id
    with pytest.raises(InvalidInput, match="cannot see"):
        await turn(store, asked.connect, Regenerate(begun.chat.id, begun.prompt.id, model_id=default))


async def test_images_of_before_are_named_to_a_model_that_cannot_see(store: Store, seeing: int) -> None:
    begun = began(await turn(store, Asked(plain).connect, NewTurn("Look", model_id=seeing, attachments=(IMAGE,))))
    asked = Asked(plain)
    blind = store.catalog.live("alpha/a1").id
    await turn(store, asked.connect, NewTurn("And now?", chat_id=begun.chat.id, model_id=blind))
    assert [line.content for line in asked.requests[0].lines] == [
        "(The image photo.png was shown here.)\n\nLook",
        "Yes.",
        "And now?",
    ]
    assert not any(line.images for line in asked.requests[0].lines)


async def test_a_refusal_with_no_advice_of_its_own_names_the_image(store: Store, seeing: int) -> None:
    async def refuse(_: Request) -> AsyncIterator[Piece]:
        raise ProviderRejected("far refused the request (400).")
        yield

    end = ended(await turn(store, Asked(refuse).connect, NewTurn("Look", model_id=seeing, attachments=(IMAGE,))))
    assert end.message.error is not None
    assert "not every model takes images" in end.message.error.hint
    assert end.message.status == "failed"


async def test_files_count_when_it_is_seen_what_fits(store: Store, seeing: int) -> None:
    large = Attachment("large.txt", "text/plain", b"word " * 2000)
    first = began(await turn(store, Asked(plain).connect, NewTurn("One", attachments=(large,))))
    assert first.prompt is not None
    assert estimate_of(first.prompt) > 3000
    await turn(store, Asked(plain).connect, NewTurn("Two", chat_id=first.chat.id))
    now = store.chats.get(first.chat.id)
    lines, left_out, _ = lines_that_fit(store, now, now.length, 1000)
    assert (left_out, lines[0].content) == (2, "Two")
    see = NewTurn("See", model_id=seeing, attachments=(IMAGE,))
    picture = began(await turn(store, Asked(plain).connect, see)).prompt
    assert picture is not None
    assert IMAGE_TOKENS < estimate_of(picture) < IMAGE_TOKENS + 50


async def test_a_fork_and_an_export_take_the_files_along_and_a_deleted_chat_does_not_keep_them(
    store: Store, clock: StillClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begun = began(await turn(store, Asked(plain).connect, NewTurn("Read", attachments=(TEXT,))))
    fork = store.chats.fork(begun.chat.id, begun.reply.id)
    copy = store.messages.line(fork)[0]
    assert store.messages.attachments(copy.id) == [TEXT]
    whole = Exchange(store).one(fork.id)
    with Store(tmp_path_factory.mktemp("elsewhere") / "other.db", clock=clock) as other:
        taken = Exchange(other).take(whole)
        assert taken.chat_id is not None
        arrived = other.messages.line(other.chats.get(taken.chat_id))[0]
        assert other.messages.attachments(arrived.id) == [TEXT]
    for each in (begun.chat.id, fork.id):
        store.chats.trash(each)
    store.chats.empty_trash()
    assert seen(store.path, "select count(*) from attachments") == [(0,)]


async def test_a_chat_without_files_is_read_in_as_many_queries_as_ever(store: Store) -> None:
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    store.messages.line(chat(store, RAIN))
    store.connection.set_trace_callback(None)
    assert not [sql for sql in asked if sql.lstrip().startswith("select message_id")]
