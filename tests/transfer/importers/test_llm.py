"""llm's logs.db, as its own code writes it today and as older files hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from localchat.transfer.portable import line_of
from tests.transfer.importers.conftest import Take, chats, lines, replies, titled
from tests.transfer.importers.sources import LLM, LLM_BEFORE, LLM_FIRST, PNG, Thread, response, written


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs.db"


def test_a_thread_comes_with_times_models_and_tokens_from_its_turns(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        thread = Thread(db, "01a", "greeting")
        thread.say("s", None, "system", ("text", "Be brief."))
        thread.say("u1", "s", "user", ("text", "hello"))
        thread.say("a1", "u1", "assistant", ("reasoning", "They greet."), ("text", "Hi there."))
        thread.turn("u1", "a1", "gpt-4o", 1, input_tokens=7, output_tokens=3, duration_ms=1200)
        thread.say("u2", "a1", "user", ("text", "again"))
        thread.say("a2", "u2", "assistant", ("text", "Hi."))
        thread.turn("u2", "a2", "anthropic/claude-sonnet", 9)
    done = take(logs)
    chat = titled(store, "greeting")

    assert (done.chats_imported, done.messages) == (1, 4)
    assert chat.system == "Be brief."
    assert lines(chat) == [("user", "hello"), ("assistant", "Hi there."), ("user", "again"), ("assistant", "Hi.")]
    first, last = replies(chat)
    assert first.model is not None
    assert last.model is not None
    assert (first.model.ref, last.model.ref) == ("openai/gpt-4o", "anthropic/claude-sonnet")
    assert (first.reasoning, first.duration_ms, first.created_at) == ("They greet.", 1200, "2026-03-02T10:00:01.500Z")
    assert first.usage is not None
    assert (first.usage.input_tokens, first.usage.output_tokens) == (7, 3)
    assert (chat.created_at, chat.updated_at) == ("2026-03-02T10:00:01.500Z", "2026-03-02T10:00:09.500Z")
    assert chat.model == last.model


def test_text_that_borrows_fragments_is_written_out(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        db.execute("insert into fragments (id, content) values (1, 'A long novel.')")
        thread = Thread(db, "01a", "novel")
        pieces = [{"literal": "Before. "}, {"fragment": 1}, {"literal": "\nWho did it?"}, {"fragment": 99}]
        thread.say("u", None, "user", ("text", {"text_ref": pieces}))
        thread.say("a", "u", "assistant", ("text", "The butler."))
        thread.turn("u", "a", "gpt-4o", 1)
    take(logs)

    question = titled(store, "novel").messages[0].content
    assert question == "Before. A long novel.\nWho did it?[a fragment that is gone]"


def test_tools_stand_in_the_reasoning_of_the_reply_that_follows(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        thread = Thread(db, "01a", "tools")
        thread.say("u", None, "user", ("text", "upper abc"))
        thread.say("c", "u", "assistant", ("tool_call", {"name": "upper", "arguments": {"text": "abc"}}))
        thread.turn("u", "c", "gpt-4o", 1)
        thread.say("t", "c", "tool", ("tool_result", {"name": "upper", "output": "ABC"}))
        thread.say("a", "t", "assistant", ("text", "It is ABC."))
        thread.turn("t", "a", "gpt-4o", 2)
    take(logs)
    chat = titled(store, "tools")

    assert lines(chat) == [("user", "upper abc"), ("assistant", "It is ABC.")]
    assert replies(chat)[0].reasoning == (
        'Tool upper was called:\n```json\n{"text": "abc"}\n```\n\nTool upper answered:\n```\nABC\n```'
    )


def test_a_call_whose_result_never_came_is_a_reply_without_words(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        thread = Thread(db, "01a", "pending")
        thread.say("u", None, "user", ("text", "upper abc"))
        thread.say("c", "u", "assistant", ("tool_call", {"name": "upper", "arguments": {}}))
        thread.turn("u", "c", "gpt-4o", 1)
    take(logs)

    assert lines(titled(store, "pending")) == [("user", "upper abc"), ("assistant", "")]
    assert "Tool upper was called" in replies(titled(store, "pending"))[0].reasoning


def test_images_in_the_file_come_along(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM + LLM_BEFORE) as db:
        db.execute("insert into attachments values ('abcdef0123456789', 'image/png', null, null, ?)", (PNG,))
        thread = Thread(db, "01a", "look")
        thread.say("u", None, "user", ("attachment", {"attachment": {"id": "abcdef0123456789"}}))
        thread.say("a", "u", "assistant", ("text", "A cat."))
        thread.turn("u", "a", "gpt-4o", 1)
        db.execute("insert into conversations values ('01c', 'before', 'gpt-4o')")
        db.execute("insert into prompt_attachments values ('r1', 'abcdef0123456789', 0)")
        response(db, "r1", "01c", prompt="what is it", response="A cat.")
    done = take(logs)

    for title, words in (("look", ""), ("before", "what is it")):
        question = titled(store, title).messages[0]
        assert (question.content, [(each.name, each.content) for each in question.attachments]) == (
            words,
            [("abcdef012345.png", PNG)],
        )
    assert done.notes == []


def test_attachments_that_stay_behind_leave_a_line_and_are_counted(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        db.execute("insert into attachments values ('abcdef0123456789', 'image/png', null, null, x'89')")
        db.execute("insert into attachments values ('f2', 'application/pdf', '/home/me/tax.pdf', null, null)")
        thread = Thread(db, "01a", "look")
        parts = [("attachment", {"attachment": {"id": one}}) for one in ("abcdef0123456789", "f2", "gone")]
        thread.say("u", None, "user", ("text", "What is it?"), *parts)
        thread.say("a", "u", "assistant", ("text", "A cat."))
        thread.turn("u", "a", "gpt-4o", 1)
    done = take(logs)

    assert titled(store, "look").messages[0].content == (
        "What is it?\n\n[image: abcdef012345.png, not imported]\n\n[file: tax.pdf, not imported]"
        "\n\n[file: gone.bin, not imported]"
    )
    assert done.notes == [
        "1 image was not imported; its name stands where it was.",
        "2 files were not imported; their names stand where they were.",
    ]


def test_forks_share_messages_and_each_is_a_chat_with_the_times_of_the_first(
    store: Store, take: Take, logs: Path
) -> None:
    with written(logs, LLM) as db:
        thread = Thread(db, "01a", "the old one")
        thread.say("u", None, "user", ("text", "hello"))
        thread.say("a", "u", "assistant", ("text", "Hi."))
        thread.turn("u", "a", "gpt-4o", 1)
        fork = Thread(db, "01b", "the fork")
        fork.say("u2", "a", "user", ("text", "And now?"))
        fork.say("a2", "u2", "assistant", ("text", "Another way."))
        fork.turn("u2", "a2", "gpt-4o", 5)
    take(logs)

    assert lines(titled(store, "the old one")) == [("user", "hello"), ("assistant", "Hi.")]
    fork_chat = titled(store, "the fork")
    assert len(fork_chat.messages) == 4
    assert fork_chat.messages[1].model is not None
    assert fork_chat.messages[1].created_at == "2026-03-02T10:00:01.500Z"


def test_turns_beside_the_threads_line_are_versions(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        thread = Thread(db, "01a", "twice")
        thread.say("u", None, "user", ("text", "a number"))
        thread.say("a", "u", "assistant", ("text", "One."))
        thread.turn("u", "a", "gpt-4o", 1)
        thread.say("b", "u", "assistant", ("text", "Two."))
        thread.turn("u", "b", "gpt-4o", 2)
    take(logs)
    chat = titled(store, "twice")

    assert lines(chat)[-1] == ("assistant", "Two.")
    assert {m.content for m in replies(chat)} == {"One.", "Two."}
    assert len({m.parent for m in replies(chat)}) == 1


def test_responses_of_the_tables_before(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01c', 'before', 'gpt-4o')")
        db.execute("insert into fragments (id, content) values (1, 'FRAGMENT'), (2, 'SYSTEM FRAGMENT')")
        db.execute("insert into prompt_fragments values ('r1', 1, 0)")
        db.execute("insert into system_fragments values ('r1', 2, 0)")
        db.execute("insert into attachments values ('x', 'image/jpeg', null, 'https://example.org/cat.jpg', null)")
        db.execute("insert into prompt_attachments values ('r2', 'x', 0)")
        when = "2025-01-05T09:00:00.123456+00:00"
        response(db, "r1", "01c", prompt="hello", system="Be kind.", response="Hi.", datetime_utc=when, reasoning="Hm.")
        response(db, "r2", "01c", prompt="what is it", response="A cat.", input_tokens=4, duration_ms=8)
    done = take(logs)
    chat = titled(store, "before")

    assert chat.system == "SYSTEM FRAGMENT\nBe kind."
    assert lines(chat) == [
        ("user", "FRAGMENT\nhello"),
        ("assistant", "Hi."),
        ("user", "what is it\n[image: cat.jpg, not imported]"),
        ("assistant", "A cat."),
    ]
    assert (replies(chat)[0].reasoning, replies(chat)[0].created_at) == ("Hm.", "2025-01-05T09:00:00.123Z")
    assert done.notes == ["1 image was not imported; its name stands where it was."]


def test_tool_results_of_the_tables_before_belong_to_the_next_reply(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01c', 'tools', 'gpt-4o')")
        db.execute("insert into tool_calls (response_id, name, arguments) values ('r1', 'clock', '{}')")
        db.execute("insert into tool_results (response_id, name, output) values ('r2', 'clock', 'noon')")
        response(db, "r1", "01c", prompt="what time?", response="")
        response(db, "r2", "01c", prompt="", response="It is noon.")
    take(logs)

    assert lines(titled(store, "tools")) == [("user", "what time?"), ("assistant", "It is noon.")]
    assert "noon" in replies(titled(store, "tools"))[0].reasoning


def test_one_conversation_of_both_generations_is_one_line_without_doubles(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM + LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01a', 'long lived', 'gpt-3.5-turbo')")
        when = "2024-01-01T00:00:00+00:00"
        response(db, "r1", "01a", model="gpt-3.5-turbo", prompt="hello", response="Hi.", datetime_utc=when)
        thread = Thread(db, "01a", "long lived")
        thread.say("u1", None, "user", ("text", "hello"))  # llm hands the whole history to its new store
        thread.say("a1", "u1", "assistant", ("text", "Hi."))
        thread.say("u2", "a1", "user", ("text", "still there?"))
        thread.say("a2", "u2", "assistant", ("text", "Yes."))
        thread.turn("u2", "a2", "gpt-4o", 1)
        db.execute("insert into conversations values ('01b', 'only before', 'gpt-4o')")
        response(db, "r9", "01b", prompt="x", response="y")
        response(db, "r8", None, prompt="by itself", response="z")
    done = take(logs)
    chat = titled(store, "long lived")

    assert done.chats_imported == 3
    assert len(chat.messages) == 4
    assert [m.created_at[:4] for m in line_of(chat)] == ["2024", "2024", "2026", "2026"]
    assert [m.model.ref for m in replies(chat) if m.model] == ["openai/gpt-3.5-turbo", "openai/gpt-4o"]
    assert lines(titled(store, "by itself")) == [("user", "by itself"), ("assistant", "z")]


def test_the_first_logs_are_grouped_by_their_chat(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM_FIRST) as db:
        for number, chat_id, prompt in ((1, None, "one"), (2, 1, "two"), (3, None, "other")):
            db.execute(
                "insert into logs (id, model, prompt, response, chat_id, datetime_utc) values (?, ?, ?, ?, ?, ?)",
                (number, "gpt-3.5-turbo", prompt, prompt.upper(), chat_id, f"2023-06-0{number} 10:00:00.5"),
            )
    take(logs)

    assert lines(titled(store, "one")) == [("user", "one"), ("assistant", "ONE"), ("user", "two"), ("assistant", "TWO")]
    assert lines(titled(store, "other")) == [("user", "other"), ("assistant", "OTHER")]
    assert titled(store, "one").updated_at == "2023-06-02T10:00:00.500Z"


def test_what_is_broken_is_listed_and_the_rest_comes_in(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM) as db:
        good = Thread(db, "01a", "good")
        good.say("u", None, "user", ("text", "hello"), ("hologram", {"depth": 3}))
        good.say("a", "u", "assistant", ("text", "Hi."))
        good.turn("u", "a", "gpt-4o", 1)
        db.execute("insert into threads (id, name, tip_message_hash) values ('01b', 'gone', 'nowhere')")
        db.execute("insert into threads (id, name) values ('01c', 'never begun')")
        half = Thread(db, "01d", "half")
        half.say("x", "not there", "assistant", ("text", "The end of it."))
        half.turn("not there", "x", "gpt-4o", 2)
        db.executescript(
            "insert into messages values ('m', 'n', 'user', null), ('n', 'm', 'user', null);"
            "insert into threads (id, name, tip_message_hash) values ('01e', 'round', 'm');"
        )
    done = take(logs)

    assert [(bad.title, bad.reason) for bad in done.chats_failed] == [("gone", "its messages are gone")]
    assert '"depth": 3' in titled(store, "good").messages[0].content
    assert "part of an unknown kind, kept as it came: hologram" in titled(store, "good").messages[0].content
    assert lines(titled(store, "half")) == [("assistant", "The end of it.")]
    assert "1 part of an unknown kind was kept as it came." in done.notes
    assert "1 chat there has no messages." in done.notes
    assert len(chats(store)) == done.chats_imported


def test_a_conversation_that_went_on_is_told_and_left_as_it_is(store: Store, take: Take, logs: Path) -> None:
    with written(logs, LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01c', 'goes on', 'gpt-4o')")
        response(db, "r1", "01c", prompt="hello", response="Hi.")
    take(logs)
    with written(logs) as db:
        response(db, "r2", "01c", prompt="more", response="Sure.")
    done = take(logs)

    assert (done.chats_imported, done.chats_skipped) == (0, 1)
    assert done.notes == ["1 chat has gone on there since; what is here was left as it is."]
    assert len(titled(store, "goes on").messages) == 2


EXTRA = """# comment
- model_id: alpha
  model_name: Alpha 7B
  api_base: "http://localhost:8080/v1"   # here
  api_key_name: x
- model_id: 'far/beta'
  api_base: https://api.example.org
- api_base: http://127.0.0.1/
- model_id: gamma
"""


@pytest.mark.parametrize(
    ("name", "local"), [("alpha", True), ("far/beta", False), ("gamma", None), ("gpt-4o", False), ("delta", None)]
)
def test_its_configuration_tells_whether_a_server_was_here(
    store: Store, take: Take, logs: Path, name: str, local: bool | None
) -> None:
    (logs.parent / "extra-openai-models.yaml").write_text(EXTRA)
    with written(logs, LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01c', 'x', ?)", (name,))
        response(db, "r1", "01c", prompt="hello", response="Hi.", model=name)
    take(logs)

    assert [m.is_local for m in store.catalog.models(removed=True)] == [local]
