"""ChatGPT's export, with what its conversations are known to hold."""

from __future__ import annotations

import json
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localchat.store import Store
from localchat.transfer.portable import versions_of
from tests.transfer.importers.conftest import Take, chats, lines, replies, titled
from tests.transfer.importers.sources import PNG, chatgpt_json, chatgpt_zip, node, said, talk


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    return tmp_path / "export.zip"


def tree(*nodes: dict[str, dict[str, Any]], current: str | None = None, **more: Any) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for each in nodes:
        mapping |= each
    return talk("c1", "tree", **{"mapping": mapping, "current_node": current, **more})


def test_a_conversation_from_a_zip(store: Store, take: Take, zipped: Path) -> None:
    done = take(chatgpt_zip(zipped, talk(is_archived=True, is_starred=True)))
    chat = titled(store, "Rain in Lisbon")

    assert (done.chats_imported, done.messages, done.models_added) == (1, 2, ["openai/gpt-4o"])
    assert lines(chat) == [("user", "Does it rain?"), ("assistant", "In winter.")]
    assert (chat.created_at, chat.updated_at) == ("2026-03-02T10:00:00.000Z", "2026-03-02T10:01:00.500Z")
    assert chat.archived_at == chat.pinned_at == chat.updated_at
    assert replies(chat)[0].finish_reason == "stop"


def test_all_shapes_of_the_export_are_one_and_the_same(store: Store, take: Take, tmp_path: Path) -> None:
    every = [talk(f"c{number}", f"chat {number}") for number in range(5)]
    split = chatgpt_zip(tmp_path / "split.zip", *every, split=2)
    with zipfile.ZipFile(split) as archive:
        archive.extractall(tmp_path / "unpacked" / "export")
    whole = chatgpt_json(tmp_path / "conversations.json", *every)
    single = tmp_path / "one.json"
    single.write_text(json.dumps(every[0]), encoding="utf-16")

    assert take(split).chats_imported == 5
    for shape in (tmp_path / "unpacked", tmp_path / "unpacked" / "export", whole):
        assert (take(shape).chats_imported, take(shape).chats_skipped) == (0, 5)
    assert take(single).chats_skipped == 1


def test_edits_and_other_answers_are_versions_and_the_current_node_is_the_line(
    store: Store, take: Take, zipped: Path
) -> None:
    take(
        chatgpt_zip(
            zipped,
            tree(
                node("root", None, ["s"]),
                node("s", "root", ["u1", "u2"], said("system", "")),
                node("u1", "s", ["a1", "a2"], said("user", "first")),
                node("a1", "u1", [], said("assistant", "one")),
                node("a2", "u1", [], said("assistant", "two")),
                node("u2", "s", ["a3"], said("user", "second")),
                node("a3", "u2", [], said("assistant", "three")),
                current="a1",
            ),
        )
    )
    chat = titled(store, "tree")

    assert lines(chat) == [("user", "first"), ("assistant", "one")]
    versions = {m.content: versions_of(chat)[m.key] for m in chat.messages}
    assert versions == {"first": (1, 2), "second": (2, 2), "one": (1, 2), "two": (2, 2), "three": (1, 1)}


@pytest.mark.parametrize("current", [None, "gone", 7])
def test_without_a_current_node_the_newest_end_is_the_line(
    store: Store, take: Take, zipped: Path, current: Any
) -> None:
    take(
        chatgpt_zip(
            zipped,
            tree(
                node("u", None, ["a", "b", "c"], said("user", "ask")),
                node("a", "u", [], said("assistant", "old", at=1772445601.0)),
                node("b", "u", [], said("assistant", "newest", at=1772445609.0)),
                node("c", "u", [], said("assistant", "no time", at=None)),
                current=current,
            ),
        )
    )

    assert lines(titled(store, "tree"))[-1] == ("assistant", "newest")


def test_circles_and_nodes_that_hang_on_nothing_begin_lines_of_their_own(
    store: Store, take: Take, zipped: Path
) -> None:
    done = take(
        chatgpt_zip(
            zipped,
            tree(
                node("u", None, ["a"], said("user", "ask")),
                node("a", "u", ["u"], said("assistant", "answer")),
                node("x", "y", ["y"], said("user", "round", at=1772445601.0)),
                node("y", "x", ["x"], said("assistant", "and round", at=1772445602.0)),
                node("z", "nowhere", [], said("user", "lost")),
                node("me", "me", ["me"], said("user", "myself")),
                current="a",
            ),
        )
    )
    chat = titled(store, "tree")

    assert lines(chat) == [("user", "ask"), ("assistant", "answer")]
    assert {m.content for m in chat.messages} == {"ask", "answer", "round", "and round", "lost", "myself"}
    assert done.notes == ["3 messages hung on nothing and begin lines of their own."]


def test_thoughts_and_tools_belong_to_the_reply_that_follows(store: Store, take: Take, zipped: Path) -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Rain", "content": "Look it up."}]}
    take(
        chatgpt_zip(
            zipped,
            tree(
                node("u", None, ["h"], said("user", "Does it rain?")),
                node("h", "u", ["t"], said("assistant", "hidden", metadata={HIDDEN: True})),
                node("t", "h", ["c"], said("assistant", content=thoughts)),
                node("c", "t", ["o"], said("assistant", recipient="python", content=code("weather()"))),
                node("o", "c", ["r"], said("tool", name="python", content=output("sun"))),
                node("r", "o", ["a"], said("assistant", content=recap("Thought for 2 s"))),
                node("a", "r", [], said("assistant", "No.")),
                current="a",
            ),
        )
    )
    chat = titled(store, "tree")

    assert lines(chat) == [("user", "Does it rain?"), ("assistant", "No.")]
    assert replies(chat)[0].reasoning == (
        "Rain\nLook it up.\n\nTool python was called:\n```python\nweather()\n```\n\n"
        "Tool python answered:\n```\nsun\n```\n\nThought for 2 s"
    )


HIDDEN = "is_visually_hidden_from_conversation"


def code(text: str) -> dict[str, Any]:
    return {"content_type": "code", "language": "python", "text": text}


def output(text: str) -> dict[str, Any]:
    return {"content_type": "execution_output", "text": text}


def recap(text: str) -> dict[str, Any]:
    return {"content_type": "reasoning_recap", "content": text}


def test_a_reply_in_pieces_is_one_message(store: Store, take: Take, zipped: Path) -> None:
    take(
        chatgpt_zip(
            zipped,
            tree(
                node("u", None, ["a"], said("user", "search")),
                node("a", "u", ["c"], said("assistant", "Let me look.", end_turn=False)),
                node("c", "a", ["o"], said("assistant", recipient="web", content=code("search('x')"))),
                node("o", "c", ["b"], said("tool", "found", name="web")),
                node("b", "o", [], said("assistant", "Here it is.")),
                current="b",
            ),
        )
    )

    assert lines(titled(store, "tree")) == [("user", "search"), ("assistant", "Let me look.\n\nHere it is.")]


def test_an_image_that_a_tool_made_stands_in_a_reply(store: Store, take: Take, zipped: Path) -> None:
    image = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbC", "size_bytes": 9}
    done = take(
        chatgpt_zip(
            zipped,
            tree(
                node("u", None, ["c"], said("user", "draw a cat")),
                node("c", "u", ["o"], said("assistant", '{"prompt": "cat"}', recipient="dalle.text2im")),
                node("o", "c", [], said("tool", name="dalle", content=parts("DALL-E made it", image))),
                current="o",
            ),
            **{"dalle-generations/file-AbC-cat.png": PNG},
        )
    )
    chat = titled(store, "tree")

    assert lines(chat) == [("user", "draw a cat"), ("assistant", "[image: file-AbC-cat.png]")]
    assert [each.content for each in replies(chat)[0].attachments] == [PNG]
    assert "DALL-E made it" in replies(chat)[0].reasoning
    assert done.notes == []


@pytest.mark.parametrize("unpacked", [False, True])
def test_images_in_the_export_come_along(
    store: Store, take: Take, tmp_path: Path, zipped: Path, unpacked: bool
) -> None:
    image = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_7"}
    gone = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_8"}
    attached = [{"id": "file_7", "name": "cat.png"}]
    chat = talk()
    for name, content in (("n0", parts("look", image, gone)), ("n1", parts("Nice."))):
        role = "user" if name == "n0" else "assistant"
        metadata = {"attachments": attached} if name == "n0" else {}
        chat["mapping"][name]["message"] = said(role, content=content, metadata=metadata)
    chatgpt_zip(zipped, chat, **{"user-1/file_7-cat.png": PNG})
    if unpacked:
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(tmp_path / "unpacked")
    done = take(tmp_path / "unpacked" if unpacked else zipped)
    question = titled(store, "Rain in Lisbon").messages[0]

    assert question.content == "look\n\n[image: file_8, not imported]"
    assert [(each.name, each.content) for each in question.attachments] == [("file_7-cat.png", PNG)]
    assert done.notes == ["1 image was not imported; its name stands where it was."]


def parts(*given: Any) -> dict[str, Any]:
    return {"content_type": "multimodal_text", "parts": list(given)}


def test_every_kind_of_content_leaves_its_words(store: Store, take: Take, zipped: Path) -> None:
    quote = {"content_type": "tether_quote", "url": "https://example.org", "title": "Example", "text": "one\ntwo"}
    audio = {"content_type": "audio_transcription", "text": "spoken words"}
    sound = {"content_type": "audio_asset_pointer", "asset_pointer": "sediment://file_9"}
    image = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_7"}
    attached = [{"id": "file_7", "name": "cat.png"}, {"id": "file_8", "name": "tax.pdf"}]
    content: list[tuple[str, dict[str, Any]]] = [
        ("user", said("user", content=parts("look", image, audio, sound), metadata={"attachments": attached})),
        ("assistant", said("assistant", content=quote)),
        ("user", said("user", content={"content_type": "hologram", "depth": 3})),
        ("assistant", said("assistant", content={"content_type": "system_error", "name": "Oh", "text": "no"})),
        ("user", said("user", "a", "b")),
        ("assistant", said("assistant", content=code("x = '```'"))),
    ]
    nodes = [
        node(f"n{i}", f"n{i - 1}" if i else None, [f"n{i + 1}"] if i < 5 else [], message)
        for i, (_, message) in enumerate(content)
    ]
    done = take(chatgpt_zip(zipped, tree(*nodes, current="n5"), **{"file_7.png": b"x"}))
    told = [text for _, text in lines(titled(store, "tree"))]

    assert told[0] == (
        "look\n\n[image: file_7.png, not imported]\n\nspoken words\n\n[audio: file_9, not imported]\n\n"
        "[file: tax.pdf, not imported]"
    )
    assert told[1] == "Example https://example.org\n> one\n> two"
    assert told[2].startswith("[part of an unknown kind, kept as it came: hologram]\n```json\n")
    assert '"depth": 3' in told[2]
    assert told[3] == "[error: Oh: no]"
    assert told[4] == "a\n\nb"
    assert told[5] == "````python\nx = '```'\n````"
    assert done.notes == [
        "1 image was not imported; its name stands where it was.",
        "2 files were not imported; their names stand where they were.",
        "1 part of an unknown kind was kept as it came.",
    ]


def test_custom_instructions_are_the_system_prompt(store: Store, take: Take, zipped: Path) -> None:
    kept = {"about_user_message": "I am a cook.", "about_model_message": "Be brief."}
    hidden = {HIDDEN: True, "is_user_system_message": True, "user_context_message_data": kept}
    chat = talk()
    chat["mapping"]["root"]["message"] = said("system", "", metadata=hidden)
    take(chatgpt_zip(zipped, chat))

    assert titled(store, "Rain in Lisbon").system == "I am a cook.\n\nBe brief."


def test_citations_become_links(store: Store, take: Take, zipped: Path) -> None:
    mark = "\ue200cite\ue202turn0search0\ue201"
    references = [{"matched_text": mark, "alt": "([example](https://example.org))"}, {"matched_text": " ", "alt": "x"}]
    chat = talk()
    chat["mapping"]["n1"]["message"] = said(
        "assistant", f"It rains {mark}.", metadata={"model_slug": "gpt-5", "content_references": references}
    )
    take(chatgpt_zip(zipped, chat))

    assert lines(titled(store, "Rain in Lisbon"))[1][1] == "It rains ([example](https://example.org))."


@pytest.mark.parametrize(
    ("status", "details", "expected"),
    [
        ("finished_successfully", {"type": "max_tokens"}, ("complete", "length")),
        ("finished_successfully", {"type": "interrupted"}, ("stopped", None)),
        ("finished_partial_completion", None, ("stopped", None)),
        ("in_progress", None, ("interrupted", None)),
    ],
)
def test_how_a_reply_ended(
    store: Store, take: Take, zipped: Path, status: str, details: Any, expected: tuple[str, str | None]
) -> None:
    chat = talk()
    chat["mapping"]["n1"]["message"] = said(
        "assistant", "In", status=status, metadata={"model_slug": "gpt-4o", "finish_details": details}
    )
    take(chatgpt_zip(zipped, chat))
    reply = replies(titled(store, "Rain in Lisbon"))[0]

    assert (reply.status, reply.finish_reason) == expected


def test_missing_ids_titles_times_and_models_are_made_up_for(store: Store, take: Take, zipped: Path) -> None:
    chat = talk(title="", create_time=None, update_time=None, default_model_slug=None)
    del chat["id"], chat["conversation_id"]
    for name in ("n0", "n1"):
        chat["mapping"][name]["message"] |= {"create_time": None, "metadata": None}
    other = talk("c2", "odd times", create_time=-5, update_time=float("inf"))
    other["mapping"]["n0"]["message"]["create_time"] = 1e300
    other["mapping"]["n1"]["message"]["create_time"] = 1772445600123  # milliseconds
    take(chatgpt_zip(zipped, chat, other))
    made = titled(store, "Does it rain?")

    assert replies(made)[0].model is not None
    assert replies(made)[0].model.ref == "openai/chatgpt"  # type: ignore[union-attr]
    assert made.created_at[:4] == time.strftime("%Y")
    assert titled(store, "odd times").messages[1].created_at == "2026-03-02T10:00:00.123Z"


NASTY: list[Any] = [
    7,
    None,
    [],
    {"title": "no mapping"},
    {"title": "null", "mapping": None},
    {"title": "list", "mapping": []},
    {"title": "numbers", "mapping": {"a": 7, "b": {"message": 5}, "c": {"message": {"author": 9, "content": 3}}}},
    {"title": "children", "mapping": {"a": {"children": 5, "parent": 9, "message": said("user", "still here")}}},
    {"title": "parts", "mapping": {"a": {"message": said("user", None, 5, [], {"text": 9})}}},
    {"title": ["a"], "mapping": {"a": {"message": said("user", "listed title")}}},
    {"title": "surrogate \ud800", "mapping": {"a": {"message": said("user", "half \udc00 \x00 \x1b[2J [/] \u202e")}}},
]


def test_nasty_conversations_fail_alone(store: Store, take: Take, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk("good", "before"), *NASTY, talk("last", "after"))
    done = take(file)

    assert {"before", "after", "children"} <= {chat.title for chat in chats(store)}
    assert {(bad.title, bad.reason) for bad in done.chats_failed} >= {
        ("chat 2 of conversations.json", "it is no conversation"),
        ("no mapping", "it has no messages (no mapping)"),
    }
    assert done.chats_imported + len(done.chats_failed) <= len(NASTY) + 2
    assert "half \ufffd \x00 \x1b[2J [/] \u202e" in {m.content for chat in chats(store) for m in chat.messages}


# Half a file


def test_half_a_json_gives_the_chats_in_that_half(store: Store, take: Take, tmp_path: Path) -> None:
    every = [talk(f"c{number}", f"chat {number}") for number in range(9)]
    text = json.dumps(every)
    file = tmp_path / "conversations.json"
    cut = text.index('"chat 6"') + 300
    file.write_text(text[:cut], encoding="utf-8")
    done = take(file)

    assert done.chats_imported == 6
    assert [(bad.title, bad.reason) for bad in done.chats_failed] == [("chat 6", "the file ends in the middle of it")]


def test_a_json_damaged_in_the_middle_gives_what_stands_before(store: Store, take: Take, tmp_path: Path) -> None:
    text = json.dumps([talk(f"c{number}", f"chat {number}", ("user", "x" * 2000)) for number in range(9)])
    file = tmp_path / "conversations.json"
    at = text.index('"chat 4"') + 30
    file.write_text(text[:at] + "@" + text[at:], encoding="utf-8")
    done = take(file)

    assert done.chats_imported == 4
    assert [bad.title for bad in done.chats_failed] == ["chat 4"]
    assert "damaged" in done.chats_failed[0].reason


@pytest.mark.parametrize("compressed", [True, False])
def test_half_a_zip_gives_the_chats_in_that_half(store: Store, take: Take, tmp_path: Path, compressed: bool) -> None:
    """The list of what is in a zip stands at its end, and is not there."""
    every = [talk(f"c{number}", f"chat {number}", ("user", f"{number}" * 40)) for number in range(60)]
    whole = tmp_path / "whole.zip"
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(whole, "w", method) as archive:
        archive.writestr("user.json", "{}" * 50)
        with archive.open("conversations-000.json", "w") as member:  # streamed: its size stands behind it
            member.write(json.dumps(every[:20]).encode())
        archive.writestr("conversations-001.json", json.dumps(every[20:]))
    file = tmp_path / "cut.zip"
    file.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.8)])
    done = take(file)

    assert 20 < done.chats_imported < 60 if compressed else done.chats_imported >= 0
    assert done.chats_imported == len(chats(store))
    assert [bad.reason for bad in done.chats_failed] == ["the file ends in the middle of it"]


def test_a_zip_whose_content_is_damaged_says_so(store: Store, take: Take, zipped: Path) -> None:
    chatgpt_zip(zipped, *[talk(f"c{n}", f"chat {n}") for n in range(400)])
    data = bytearray(zipped.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    zipped.write_bytes(data)
    done = take(zipped)

    assert done.chats_failed
    assert done.chats_imported == len(chats(store)) < 400


def test_a_huge_file_is_read_piece_by_piece(store: Store, tmp_path: Path) -> None:
    """20 MB of chats, in a fraction of that memory."""
    from localchat.transfer.importers import chatgpt

    file = tmp_path / "conversations.json"
    chat = json.dumps(talk("cX", "long", *[("user", "word " * 4000), ("assistant", "wort " * 4000)] * 3))
    with file.open("w", encoding="utf-8") as out:
        out.write("[")
        out.write(",\n".join(chat.replace('"cX"', f'"c{number}"') for number in range(170)))
        out.write("]")
    assert file.stat().st_size > 20_000_000
    tracemalloc.start()
    number = sum(1 for _ in chatgpt.chats(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert number == 170
    assert peak < 7_000_000
