"""``localchat chats``: what scripts and people see of conversations, and what they can do with them."""

from __future__ import annotations

import pytest

from localchat.records import Chat
from localchat.store import Store
from tests.cli.conftest import Run


def begun(run: Run, *prompts: str) -> None:
    for prompt in prompts:
        assert run("ask", prompt).code in (0, 1)


def last(store: Store) -> Chat:
    chat = store.chats.last()
    assert chat is not None
    return chat


def test_an_empty_store_has_no_chats(run: Run, store: Store) -> None:
    assert run("chats", "list", "--json").json == []
    assert run("chats", "list").out == "No chats here.\n"


def test_the_list_has_the_fields_that_scripts_read_newest_first(run: Run, echo: Store) -> None:
    begun(run, "first words", "second words")
    chats = run("chats", "list", "--json").json

    assert [chat["id"] for chat in chats] == [2, 1]
    fields = ("id", "title", "model", "model_removed", "messages")
    assert {name: chats[1][name] for name in fields} == {
        "id": 1,
        "title": "first words",
        "model": "play/echo",
        "model_removed": False,
        "messages": 2,
    }
    assert chats[1]["updated_at"].endswith("Z")


def test_the_list_is_aligned_also_with_wide_scripts(run: Run, echo: Store) -> None:
    begun(run, "数据库被锁定了", "plain")
    header, *rows = run("chats", "list").out.splitlines()

    assert header == "ID  TITLE           MODEL      MESSAGES  USED"
    assert rows == [
        "2   plain           play/echo  2         now",
        "1   数据库被锁定了  play/echo  2         now",
    ]


def test_all_chats_are_listed_however_many(run: Run, echo: Store) -> None:
    for number in range(1203):
        echo.connection.execute("insert into chats (title) values (?)", (str(number),))

    assert len(run("chats", "list", "--json").json) == 1203
    assert len(run("chats", "list", "--json", "--limit", "501").json) == 501


def test_shelves_are_listed_apart(run: Run, echo: Store) -> None:
    begun(run, "stays", "goes away", "is thrown away")
    run("chats", "archive", "2")
    run("chats", "delete", "3")

    assert [chat["id"] for chat in run("chats", "list", "--json").json] == [1]
    assert [chat["id"] for chat in run("chats", "list", "--archived", "--json").json] == [2]
    assert [chat["id"] for chat in run("chats", "list", "--trash", "--json").json] == [3]
    run("chats", "unarchive", "2")
    run("chats", "restore", "3")
    assert len(run("chats", "list", "--json").json) == 3


def test_deleting_twice_says_that_it_is_in_the_trash(run: Run, echo: Store) -> None:
    begun(run, "hello")
    done = run("chats", "delete", "1")

    assert done.out == "Deleted chat 1, “hello”. `localchat chats restore 1` brings it back.\n"
    again = run("chats", "delete", "1", "--json")
    assert (again.code, again.error["code"]) == (1, "not_found")


def test_renaming(run: Run, echo: Store) -> None:
    begun(run, "hello")

    assert run("chats", "rename", "1", "Locks [/] in SQLite").code == 0
    assert last(echo).title == "Locks [/] in SQLite"
    refused = run("chats", "rename", "1", "  ", "--json")
    assert (refused.code, refused.error["code"]) == (1, "invalid_input")
    assert last(echo).title == "Locks [/] in SQLite"


@pytest.mark.parametrize("command", ["show", "delete", "restore", "archive", "unarchive"])
def test_a_chat_that_is_not_there_is_named(run: Run, echo: Store, command: str) -> None:
    for number in ("7", "0", "99999999999999999999999999"):
        answer = run("chats", command, number, "--json")
        assert (answer.code, answer.error["code"]) == (1, "not_found")
        assert f"There is no chat {number}." in answer.error["message"]


@pytest.mark.parametrize("number", ["x", "1.5", "1e3", "", " 1", "１", "0x1", "1_0"])
def test_what_is_no_number_is_wrong_usage(run: Run, echo: Store, number: str) -> None:
    assert run("chats", "show", number).code == 2


def test_show_has_the_fields_that_scripts_read(run: Run, echo: Store) -> None:
    begun(run, "/echo cut 1 one two")
    chat = run("chats", "show", "1", "--json").json
    prompt, reply = chat["messages"]

    assert (chat["id"], chat["title"], chat["model"], chat["model_removed"]) == (
        1,
        "/echo cut 1 one two",
        "play/echo",
        False,
    )
    assert (prompt["role"], prompt["content"], prompt["model"], prompt["error"]) == (
        "user",
        "/echo cut 1 one two",
        None,
        None,
    )
    assert (reply["role"], reply["content"], reply["status"]) == ("assistant", "one", "interrupted")
    assert reply["error"] == {
        "code": "reply_cut",
        "message": "The reply broke off after 1 word, as echo was told.",
        "hint": "Ask again.",
    }
    assert (reply["fallback_from"], reply["fallback_reason"]) == (None, None)
    assert reply["created_at"].endswith("Z")


def test_show_reads_like_a_conversation_with_what_localchat_did_in_it(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "parrot")
    run("ask", "-m", "play/parrot", "-s", "Be brief.", "hello")
    echo.catalog.remove_model(echo.catalog.live("play/parrot").id)
    run("ask", "-c", "/echo cut 2 one two three")
    run("ask", "-c", "/echo fail rate_limited slow down")

    assert run("chats", "show", "1").out == (
        "hello\n"
        "Chat 1 · play/parrot (removed) · 6 messages · used now\n"
        "\n"
        "system:\n"
        "Be brief.\n"
        "\n"
        "you:\n"
        "hello\n"
        "\n"
        "play/parrot (removed):\n"
        "hello\n"
        "\n"
        "you:\n"
        "/echo cut 2 one two three\n"
        "\n"
        "─ play/parrot was removed. play/echo answers now.\n"
        "play/echo:\n"
        "one two\n"
        "(interrupted: The reply broke off after 2 words, as echo was told.)\n"
        "(Ask again.)\n"
        "\n"
        "you:\n"
        "/echo fail rate_limited slow down\n"
        "\n"
        "─ play/parrot was removed. play/echo answers now.\n"
        "play/echo:\n"
        "(failed: slow down)\n"
        "(Wait a second. Ask again.)\n"
    )


def test_a_chat_of_a_removed_provider_is_listed_and_shown(run: Run, echo: Store) -> None:
    begun(run, "hello")
    echo.catalog.remove_provider("play")

    listed = run("chats", "list", "--json").json[0]
    assert (listed["model"], listed["model_removed"]) == ("play/echo", True)
    assert "play/echo (removed)" in run("chats", "list").out
    assert run("chats", "show", "1", "--json").json["messages"][1]["model"] == "play/echo"


def test_a_long_chat_is_shown_whole(run: Run, echo: Store) -> None:
    begun(run, "hello")
    for number in range(1100):
        echo.connection.execute("insert into messages (chat_id, role, content) values (1, 'user', ?)", (str(number),))

    messages = run("chats", "show", "1", "--json").json["messages"]
    assert [message["content"] for message in messages[2:]] == [str(number) for number in range(1100)]


def test_all_chats_of_a_removed_model_move_to_another_and_back(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "parrot")
    for _ in range(2):
        run("ask", "-m", "play/parrot", "hello")
    begun(run, "an echo")
    echo.catalog.remove_model(echo.catalog.live("play/parrot").id)

    moved = run("chats", "move", "play/parrot", "play/echo")
    assert moved.out == (
        "Moved 2 chats from play/parrot to play/echo. `localchat chats move --undo` moves them back.\n"
    )
    assert {chat["model"] for chat in run("chats", "list", "--json").json} == {"play/echo"}
    assert run("ask", "--chat", "1", "again").err == ""
    back = run("chats", "move", "--undo", "--json")
    assert back.json == {"chats_moved_back": 2, "chats_left": 0}
    assert sorted(chat["model"] for chat in run("chats", "list", "--json").json) == [
        "play/echo",
        "play/parrot",
        "play/parrot",
    ]
    assert run("chats", "move", "--undo", "--json").error["code"] == "not_found"

    run("chats", "move", "play/parrot", "play/echo")
    assert run("undo", "--list", "--json").json[0]["action"] == "chats-moved"
    assert run("undo", "--json").json["action"] == "chats-moved"
    assert [chat["model"] for chat in run("chats", "list", "--json").json].count("play/parrot") == 2


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        (("play/none", "play/echo"), "not_found", 1),
        (("play/echo", "play/none"), "not_found", 1),
        (("play", "play/echo"), "invalid_input", 1),
        (("play/echo",), "invalid_input", 2),
        ((), "invalid_input", 2),
        (("--undo", "play/echo"), "invalid_input", 2),
    ],
)
def test_moves_that_cannot_be_are_refused(
    run: Run, echo: Store, words: tuple[str, ...], code: str, status: int
) -> None:
    answer = run("chats", "move", *words, "--json")

    assert (answer.code, answer.error["code"]) == (status, code)


def test_a_chat_is_pinned_and_let_go(run: Run, echo: Store) -> None:
    begun(run, "words")
    assert run("chats", "pin", "1").out == "Pinned chat 1, “words”. `localchat chats unpin 1` lets it go.\n"
    assert [chat.id for chat in echo.chats.pinned()] == [1]
    assert run("chats", "unpin", "1", "--json").json["pinned_at"] is None
    assert echo.chats.pinned() == []
    assert run("chats", "pin", "7", "--json").error["code"] == "not_found"


def test_a_fork_has_the_line_up_to_a_message_and_the_old_chat_stays(run: Run, echo: Store) -> None:
    begun(run, "first")
    assert run("ask", "-c", "second").code == 0
    shown = run("chats", "show", "1", "--json").json["messages"]
    whole = run("chats", "fork", "1", "--json").json
    assert (whole["forked_from"], whole["messages"], whole["id"]) == (1, 4, 2)
    part = run("chats", "fork", "1", "--at", str(shown[1]["id"]))
    assert part.out == "Chat 3, “first (fork)”, has a copy of 2 messages of chat 1.\n"
    assert run("chats", "show", "1", "--json").json["messages"] == shown
    other = run("chats", "show", "2", "--json").json["messages"][0]["id"]
    for message in (str(other), "999"):
        error = run("chats", "fork", "1", "--at", message, "--json").error
        assert (error["code"], error["message"]) == ("not_found", f"Chat 1 has no message {message}.")
    assert run("chats", "fork", "9", "--json").error["code"] == "not_found"
    echo.connection.execute("insert into chats (id, title) values (50, 'empty')")
    assert run("chats", "fork", "50", "--json").error["message"] == "Chat 50 has no messages."
    assert len(run("chats", "list", "--json").json) == 4


def test_a_chat_says_its_model_and_is_given_another(run: Run, echo: Store) -> None:
    begun(run, "words", "other words")
    echo.catalog.add_model("play", "second")
    assert run("chats", "model", "1").out == "play/echo\n"
    assert run("chats", "model", "1", "play/second").out == "Chat 1, “words”, has play/second now.\n"
    assert run("chats", "model", "1", "--json").json["model"] == "play/second"
    assert run("chats", "model", "2", "--json").json["model"] == "play/echo"
    assert run("chats", "model", "1", "play/none", "--json").error["code"] == "not_found"
    assert run("chats", "model", "1").out == "play/second\n"


def test_deleting_for_good_needs_a_yes_and_leaves_nothing(run: Run, echo: Store) -> None:
    begun(run, "one", "two")
    assert run("chats", "delete", "--forever", "1").code == 2
    assert run("chats", "delete", "--yes", "1").code == 2
    assert len(run("chats", "list", "--json").json) == 2
    assert run("chats", "delete", "2").code == 0
    for number in ("1", "2"):
        assert run("chats", "delete", "--forever", "--yes", number, "--json").json["erased"] is True
    assert run("chats", "delete", "--forever", "--yes", "1", "--json").error["code"] == "not_found"
    assert echo.connection.execute("select count(*) from messages").fetchone()[0] == 0
    assert run("chats", "list", "--trash", "--json").json == []


def test_deleting_for_good_asks_where_somebody_can_be_asked(
    run: Run, echo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(run, "one")
    monkeypatch.setattr("localchat.cli.chats.interactive", lambda: True)
    kept = run("chats", "delete", "--forever", "1", stdin="n\n")
    assert "Delete chat 1, “one”, with 2 messages for good?" in kept.err
    assert "Nothing was deleted." in kept.err
    assert (
        run("chats", "delete", "--forever", "1", stdin="y\n").out
        == "Deleted chat 1, “one”, with 2 messages for good.\n"
    )


@pytest.mark.parametrize("command", ["pin", "unpin", "fork", "model", "delete"])
def test_the_help_ends_with_examples(run: Run, command: str) -> None:
    shown = run("chats", command, "--help").out
    assert f"localchat chats {command}" in shown.strip().splitlines()[-1]


# Several at once.


@pytest.mark.parametrize(
    ("there", "back", "field"),
    [("archive", "unarchive", "archived_at"), ("pin", "unpin", "pinned_at"), ("delete", "restore", "deleted_at")],
)
def test_several_chats_are_changed_at_once_and_answered_as_an_array(
    run: Run, echo: Store, there: str, back: str, field: str
) -> None:
    begun(run, "one", "two", "three")
    changed = run("chats", there, "1", "3", "1", "--json").json
    assert [(chat["id"], chat[field] is not None) for chat in changed] == [(1, True), (3, True)]
    assert getattr(echo.chats.get(2), field) is None
    assert [chat[field] for chat in run("chats", back, "1", "3", "--json").json] == [None, None]
    assert run("chats", there, "2", "--json").json["id"] == 2, "one is an object, as ever"


@pytest.mark.parametrize("verb", ["archive", "pin", "delete", "restore", "unpin", "unarchive"])
def test_where_one_of_several_is_not_there_none_is_changed(run: Run, echo: Store, verb: str) -> None:
    begun(run, "one", "two")
    before = run("chats", "list", "--json").out
    answer = run("chats", verb, "1", "77", "2", "--json")
    assert (answer.code, answer.error["code"]) == (1, "not_found")
    assert run("chats", "list", "--json").out == before


def test_several_chats_are_deleted_for_good_at_once(run: Run, echo: Store) -> None:
    begun(run, "one", "two", "three")
    gone = run("chats", "delete", "--forever", "--yes", "1", "2", "--json").json
    assert [(chat["id"], chat["erased"]) for chat in gone] == [(1, True), (2, True)]
    assert [chat["id"] for chat in run("chats", "list", "--json").json] == [3]


# Versions, parameters, asking again.


def test_a_prompt_is_asked_again_and_both_replies_are_versions(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "second")
    begun(run, "words")
    assert run("ask", "-c", "--again", "-m", "play/second").out == "words"

    versions = run("chats", "versions", "1", "--json").json
    assert [(each["role"], each["model"], each["shown"]) for each in versions] == [
        ("assistant", "play/echo", False),
        ("assistant", "play/second", True),
    ]
    assert run("chats", "show", "1", "--json").json["messages"][1]["model"] == "play/second"
    shown = run("chats", "versions", "1", "--show", str(versions[0]["id"]), "--json").json
    assert [each["shown"] for each in shown] == [True, False]
    assert run("chats", "show", "1", "--json").json["messages"][1]["model"] == "play/echo"
    assert "shown" in run("chats", "versions", "1").out


def test_a_version_of_another_chat_is_not_shown(run: Run, echo: Store) -> None:
    begun(run, "one", "two")
    answer = run("chats", "versions", "1", "--show", "3", "--json")
    assert (answer.code, answer.error["code"]) == (1, "not_found")
    assert run("chats", "versions", "1").out == "No message has another version.\n"


@pytest.mark.parametrize("words", [("--again",), ("-c", "--again", "and words"), ("--temporary", "-c", "words")])
def test_what_does_not_go_together_is_wrong_usage(run: Run, echo: Store, words: tuple[str, ...]) -> None:
    begun(run, "one")
    assert run("ask", *words).code == 2
    assert echo.chats.get(1).length == 2


def test_the_parameters_of_one_chat_are_shown_set_and_unset(run: Run, echo: Store) -> None:
    begun(run, "words", "others")
    assert run("chats", "parameters", "1").out == "Chat 1 has no parameters of its own.\n"
    assert run("chats", "parameters", "1", "-o", "temperature=0.2", "-o", "top_k=4", "--json").json == {
        "chat_id": 1,
        "parameters": {"temperature": 0.2, "top_k": 4},
    }
    assert run("chats", "parameters", "1", "--unset", "top_k").out == "temperature=0.2\n"
    assert echo.chats.get(2).parameters == {}
    assert run("chats", "parameters", "1", "-o", "temperature=9", "--json").error["code"] == "invalid_input"
