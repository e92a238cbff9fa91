"""Chats out of the store and back into one: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localchat.errors import InvalidInput, NotFound
from localchat.records import Attachment, ErrorNote, Recording, Usage
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.store.transfer import Exchange
from localchat.transfer.export import json_document, markdown, rendered
from localchat.transfer.portable import NamedModel, WholeChat, WholeMessage, in_order, line_of, versions_of
from tests.store.helpers import Ticking

AT = "2026-03-02T14:00:00.000Z"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """A store somewhere else."""
    with Store(tmp_path / "other.db", clock=Ticking()) as store:
        yield store


NASTY = "NUL \0 ESC \x1b]0;x\x07 bidi \u202e markup [/] [@click=x] emoji 👩\u200d💻 \u2028 CRLF\r\n```python\nopen"


CAT = Attachment("cat [/].png", "image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
NOTES = Attachment("notes.txt", "text/plain", b"ein \x1b[2J Wort")


def rich_chat() -> WholeChat:
    """Every field of every kind filled with something of its own, and a tree with versions."""
    old = NamedModel("z", "z1", local=True)
    new = NamedModel("b", "vendor/b1", local=False)
    return WholeChat(
        source="localchat",
        source_id="0000-1111",
        title="A [b]title[/b] * _ `",
        messages=(
            WholeMessage("1", None, "user", NASTY, "2026-03-01T10:00:00.001Z", attachments=(CAT, NOTES)),
            WholeMessage(
                "2",
                "1",
                "assistant",
                "Text",
                "2026-03-01T10:00:01.002Z",
                reasoning="Thought\n</details>",
                model=new,
                fallback_from=old,
                fallback_reason="removed",
                finish_reason="length",
                usage=Usage(12, 1345),
                duration_ms=1250,
                recording=Recording(
                    ((3, "reasoning", "Thought\n</details>"), (40, "text", "Te"), (41, "text", "xt")), 1249
                ),
                left_out=3,
            ),
            WholeMessage(
                "3",
                "1",
                "assistant",
                "Half",
                "2026-03-01T10:00:02.003Z",
                status="interrupted",
                model=old,
                error=ErrorNote("reply_cut", "It broke off.", "Ask again."),
            ),
            WholeMessage("4", "2", "system", "From now on in French.", "2026-03-01T10:00:03.004Z"),
            WholeMessage("5", None, "user", "Edited", "2026-03-01T10:00:04.005Z"),
        ),
        created_at="2026-03-01T10:00:00.000Z",
        updated_at="2026-03-01T10:00:09.000Z",
        leaf="4",
        model=old,
        system="Be *kind*.",
        draft="not sent yet",
        summary="They spoke.",
        summary_of="1",
        parameters={"temperature": 0.5, "max_tokens": 100},
        archived_at="2026-03-02T00:00:00.000Z",
        pinned_at="2026-03-03T00:00:00.000Z",
        deleted_at="2026-03-04T00:00:00.000Z",
        also=(("llm", "01abc"),),
    )


def written(path: Path, *chats: WholeChat) -> str:
    path.write_text("".join(json_document(chats, AT)), encoding="utf-8")
    return str(path)


def plain(chat: WholeChat) -> dict[str, Any]:
    """Without what differs between two stores by nature: keys, and whether a model is removed there."""
    text = "".join(json_document([chat], AT))
    document = json.loads(text)["chats"][0]
    numbers = {message["id"]: number for number, message in enumerate(document["messages"])}
    for message in document["messages"]:
        message["id"], message["parent"] = numbers[message["id"]], numbers.get(message["parent"])
    document["leaf"], document["summary_of"] = numbers[document["leaf"]], numbers[document["summary_of"]]

    def strip(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            strip(inner)
        if isinstance(value, dict):
            value.pop("removed", None)

    strip(document)
    return dict(document)


def test_every_field_is_filled_in_the_example() -> None:
    """So that the round trip below cannot forget one that is added later."""
    chat = rich_chat()
    assert [f.name for f in fields(WholeChat) if not getattr(chat, f.name)] == ["notes"]
    assert [f.name for f in fields(WholeMessage) if not any(getattr(m, f.name) for m in chat.messages)] == []


def test_json_comes_back_with_everything(store: Store, other: Store, tmp_path: Path) -> None:
    original = rich_chat()
    import_file(store, written(tmp_path / "a.json", original))
    exchange = Exchange(store)
    [back] = exchange.read(exchange.ids(trash=True))

    assert plain(back) == plain(original)
    import_file(other, written(tmp_path / "b.json", back))
    there = Exchange(other)
    [again] = there.read(there.ids(trash=True))
    assert plain(again) == plain(original)
    assert line_of(again)[-1].content == "From now on in French."
    first, second = versions_of(back), versions_of(again)
    assert [first[m.key] for m in back.messages] == [second[m.key] for m in again.messages]


def test_the_same_chat_is_known_in_every_store_whoever_exported_it(store: Store, other: Store, tmp_path: Path) -> None:
    chat_id = store.connection.execute("insert into chats (title) values ('once')").lastrowid
    store.connection.execute("insert into messages (chat_id, role, content) values (?, 'user', 'hello')", (chat_id,))
    assert chat_id is not None
    first = Exchange(store).one(chat_id)
    assert Exchange(store).one(chat_id).source_id == first.source_id  # lasting

    assert import_file(store, written(tmp_path / "a.json", first)).chats_skipped == 1
    assert import_file(other, written(tmp_path / "a.json", first)).chats_imported == 1
    [there] = Exchange(other).read(Exchange(other).ids())
    assert there.source_id == first.source_id
    assert import_file(store, written(tmp_path / "b.json", there)).chats_skipped == 1
    assert len(store.chats.listing()) == len(other.chats.listing()) == 1


def test_a_chat_keeps_the_names_of_where_it_came_from(store: Store, other: Store, tmp_path: Path) -> None:
    """Imported from llm here and handed on as JSON, it is not imported from llm there again."""
    import_file(store, written(tmp_path / "a.json", replace(rich_chat(), deleted_at=None)))
    from_llm = replace(rich_chat(), source="llm", source_id="01abc", also=())

    assert not Exchange(store).take(from_llm).new
    assert Exchange(other).take(from_llm).new
    assert import_file(other, str(tmp_path / "a.json")).chats_skipped == 1


def test_a_fork_is_a_chat_of_its_own(store: Store) -> None:
    taken = Exchange(store).take(replace(rich_chat(), deleted_at=None))
    assert taken.chat_id is not None
    chat = store.chats.get(taken.chat_id)
    assert chat.leaf_id is not None
    fork = store.chats.fork(chat.id, chat.leaf_id)

    assert Exchange(store).one(fork.id).source_id != Exchange(store).one(chat.id).source_id
    assert Exchange(store).one(fork.id).also == ()


def test_a_copy_that_has_more_than_is_here_is_told_and_left(store: Store, tmp_path: Path) -> None:
    chat = replace(rich_chat(), deleted_at=None)
    import_file(store, written(tmp_path / "a.json", chat))
    more = (*chat.messages, WholeMessage("6", "4", "user", "Later", "2026-03-05T00:00:00.000Z"))
    done = import_file(store, written(tmp_path / "b.json", replace(chat, messages=more)))

    assert done.notes == ["1 chat has gone on there since; what is here was left as it is."]


def test_a_reply_that_was_coming_is_interrupted_where_it_arrives(store: Store, tmp_path: Path) -> None:
    message = replace(rich_chat().messages[1], status="streaming", parent=None)
    chat = replace(rich_chat(), messages=(message,), leaf="2", deleted_at=None)
    import_file(store, written(tmp_path / "a.json", chat))

    assert store.connection.execute("select status, writer from messages").fetchall()[0][:] == ("interrupted", None)


def test_an_imported_chat_is_asked_again_before_it_leaves_the_machine(store: Store) -> None:
    store.connection.execute("insert into chats (title, remote_hosts) values ('agreed', '[\"far.example\"]')")
    [chat] = Exchange(store).read(Exchange(store).ids())
    assert "remote" not in "".join(json_document([chat], AT))
    store.connection.execute("delete from chats")
    taken = Exchange(store).take(chat)

    assert taken.chat_id is not None
    assert not store.chats.get(taken.chat_id).remote_hosts


def test_a_chat_that_is_refused_leaves_nothing_behind(store: Store) -> None:
    bad = rich_chat().messages[1]
    object.__setattr__(bad, "role", "wizard")
    before = list(store.connection.iterdump())
    with pytest.raises(ValueError, match="the store refused it"):
        Exchange(store).take(replace(rich_chat(), messages=(bad,)))

    assert list(store.connection.iterdump()) == before


def test_reading_names_what_is_not_there_and_passes_over_what_went(store: Store) -> None:
    with pytest.raises(NotFound, match=r"There is no chat 7\."):
        Exchange(store).one(7)
    assert list(Exchange(store).read([1, 2, 3])) == []


def test_exporting_reads_chat_by_chat(store: Store) -> None:
    """What is deleted while an export runs does not stop it."""
    for name in ("one", "two", "three"):
        store.connection.execute("insert into chats (title) values (?)", (name,))
    exchange = Exchange(store)
    pieces = exchange.read(exchange.ids())
    assert next(pieces).title == "one"
    with sqlite3.connect(store.path) as beside:
        beside.execute("delete from chats where title = 'two'")
    beside.close()

    assert [chat.title for chat in pieces] == ["three"]


# The file that came back is not what was written


def document(*chats: Any, **head: Any) -> str:
    return json.dumps({"schema": "localchat.chats", "version": 1, "chats": list(chats), **head})


def one(**changes: Any) -> dict[str, Any]:
    message = {"id": "1", "parent": None, "role": "user", "content": "hello", **changes.pop("message", {})}
    return {"id": "x", "title": "it", "messages": [message], **changes}


@pytest.mark.parametrize(
    ("chat", "reason"),
    [
        (7, "it is no chat"),
        ({}, "it has no id"),
        ({"id": 5, "messages": []}, "it has no id"),
        ({"id": "x"}, "it has no messages"),
        (one(title=5), "title is no text"),
        (one(messages=[5]), "message 1 is none"),
        (one(messages=[{"role": "user"}]), "message 1 has no id"),
        (one(message={"role": "wizard"}), "message 1: role cannot be 'wizard'"),
        (one(message={"role": True}), "message 1: role cannot be 'True'"),
        (one(message={"content": ["a"]}), "message 1: content is no text"),
        (one(message={"status": "done"}), "message 1: status cannot be 'done'"),
        (one(message={"fallback_reason": "bored"}), "message 1: fallback_reason cannot be 'bored'"),
        (one(message={"model": "openai/gpt-4o"}), "message 1: model names no model"),
        (one(messages=[{"id": 1, "role": "user"}] * 2), "two messages have the same id"),
        (one(message={"attachments": {}}), "message 1: attachments is no list"),
        (one(message={"attachments": [{"name": "a", "base64": "%"}]}), "message 1: attachment 1, a, is no base64"),
    ],
)
def test_a_chat_that_cannot_be_is_listed_with_the_reason(store: Store, tmp_path: Path, chat: Any, reason: str) -> None:
    (tmp_path / "a.json").write_text(document(chat, one(id="good", title="good")))
    done = import_file(store, str(tmp_path / "a.json"))

    assert [bad.reason for bad in done.chats_failed] == [reason]
    assert (done.chats_imported, [chat.title for chat in store.chats.listing()]) == (1, ["good"])


def test_odd_values_are_put_right(store: Store, tmp_path: Path) -> None:
    odd = {
        "created_at": "yesterday",
        "usage": {"input_tokens": -5, "output_tokens": 1e300},
        "duration_ms": "long",
        "left_out": 10**40,
        "error": {"code": "no such code", "message": 5},
        "model": {"provider": "Open AI/[x]", "model": " bad\u202e\x00name " + "x" * 500, "local": "yes"},
    }
    chat = one(message=odd, parameters={"temperature": "hot", "seed": 5}, leaf="99", sources=[5, {"source": 5}])
    (tmp_path / "a.json").write_text(document(chat))
    import_file(store, str(tmp_path / "a.json"))
    [back] = Exchange(store).read(Exchange(store).ids())
    message = back.messages[0]

    assert (message.usage, message.duration_ms, message.left_out) == (None, None, 0)
    assert message.error == ErrorNote("internal", "5")
    assert message.model is not None
    assert (message.model.provider, message.model.local) == ("open-ai-x", None)
    assert message.model.model.startswith("badname x")
    assert len(message.model.model) == 200
    assert (back.parameters, back.leaf, back.also) == ({"seed": 5}, message.key, ())


def test_a_file_of_a_newer_localchat_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(document(one(), version=2).replace('"chats"', '"chats"'))
    with pytest.raises(InvalidInput, match=r"of version 2; this localchat reads version 1\."):
        import_file(store, str(tmp_path / "a.json"), kind="localchat")
    assert store.chats.listing() == []


def test_a_file_whose_names_were_sorted_by_another_program_is_read(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(json.loads(document(one())), sort_keys=True, indent=4))
    assert import_file(store, str(tmp_path / "a.json")).chats_imported == 1


def test_a_file_that_was_cut_gives_the_chats_that_are_whole(store: Store, tmp_path: Path) -> None:
    text = document(*[one(id=str(n), title=f"chat {n}") for n in range(9)])
    (tmp_path / "a.json").write_text(text[: text.index('"chat 6"') + 60])
    done = import_file(store, str(tmp_path / "a.json"))

    assert (done.chats_imported, [(b.title, b.reason) for b in done.chats_failed]) == (
        6,
        [("chat 6", "the file ends in the middle of it")],
    )


# Trees


def test_a_tree_is_put_in_order_and_circles_are_cut() -> None:
    def said(key: str, parent: str | None) -> WholeMessage:
        return WholeMessage(key, parent, "user", key, AT)

    ordered, loose = in_order([said("c", "b"), said("a", None), said("b", "a"), said("x", "y"), said("y", "x")])
    assert ([m.key for m in ordered], loose) == (["a", "b", "c", "y", "x"], 1)
    lost, loose = in_order([said("b", "gone"), said("self", "self")])
    assert ([(m.key, m.parent) for m in lost], loose) == ([("b", None), ("self", None)], 2)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(-1, 12), max_size=10), st.integers(-1, 12))
def test_any_parents_make_a_tree_that_holds_every_message_once(parents: list[int], leaf: int) -> None:
    messages = tuple(
        WholeMessage(str(key), None if parent < 0 else str(parent), "user", f"{key}", AT)
        for key, parent in enumerate(parents)
    )
    chat = WholeChat("x", "1", "any", messages, AT, AT, leaf=str(leaf))
    assert len(line_of(chat)) <= len(messages)  # it ends, whatever the parents say
    ordered, loose = in_order(messages)
    seen: set[str | None] = {None}
    for message in ordered:
        assert message.parent in seen
        seen.add(message.key)
    assert sorted(m.content for m in ordered) == sorted(m.content for m in messages)
    assert loose == sum(one.parent != other.parent for one, other in _by_key(messages, ordered))
    line = line_of(replace(chat, messages=tuple(ordered)))
    assert [m.parent for m in line] == [None, *(m.key for m in line[:-1])][: len(line)]


def _by_key(
    some: Iterable[WholeMessage], others: Iterable[WholeMessage]
) -> Iterator[tuple[WholeMessage, WholeMessage]]:
    there = {message.key: message for message in others}
    return ((one, there[one.key]) for one in some)


def test_a_line_of_ten_thousand_messages_goes_through(store: Store, tmp_path: Path) -> None:
    messages = tuple(
        WholeMessage(str(n), str(n - 1) if n else None, "user" if n % 2 == 0 else "assistant", f"m{n}", AT)
        for n in range(10_000)
    )
    chat = replace(rich_chat(), messages=messages, leaf="9999", deleted_at=None)
    assert import_file(store, written(tmp_path / "a.json", chat)).chats_failed == []
    chat = store.chats.listing("archived")[0]

    assert chat.length == 10_000
    assert store.messages.line(chat, 9_998)[0].content == "m9998"


# Markdown


def test_markdown_reads_like_the_conversation() -> None:
    assert "".join(markdown([rich_chat()])) == (Path(__file__).parent / "exported.md").read_text(encoding="utf-8")


def test_no_control_character_reaches_either_form() -> None:
    for form in ("md", "json"):
        text = "".join(rendered([rich_chat()], form, AT))  # type: ignore[arg-type]
        assert not any(letter in text for letter in "\0\x1b\x07\r\u202e\u2028")


@pytest.mark.parametrize(
    ("content", "closed"),
    [
        ("```\nopen", True),
        ("```\nopen\n```", False),
        ("~~~~\n```\n~~~", True),
        ("```py\n~~~\n```", False),
        ("inline ``` is none", False),
        ("``` a ` b", False),
        ("   ```\nindented", True),
        ("    ```\ncode by indent", False),
    ],
)
def test_an_open_fence_is_closed_so_that_it_swallows_nothing(content: str, closed: bool) -> None:
    from markdown_it import MarkdownIt

    chat = replace(
        rich_chat(),
        messages=(WholeMessage("1", None, "user", content, AT), WholeMessage("2", "1", "assistant", "after", AT)),
        leaf="2",
    )
    text = "".join(markdown([chat]))
    tokens = MarkdownIt().parse(text)
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]

    assert headings[-2:] == ["you · 2026-03-02 14:00 UTC", "assistant · 2026-03-02 14:00 UTC"]
    assert (f"{content}\n`" in text or f"{content}\n~" in text) == closed
