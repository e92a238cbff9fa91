"""``localchat ask``: where the words go, where the reply goes, and what is said beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.providers.echo import EchoClient
from localchat.store import Store
from tests.cli.conftest import Run


def everything(store: Store, chat_id: int) -> list[tuple[str, str, str]]:
    return [(m.role, m.content, m.status) for m in store.messages.line(store.chats.get(chat_id))]


def test_the_reply_is_all_of_standard_output(run: Run, echo: Store) -> None:
    answer = run("ask", "hello there")

    assert (answer.code, answer.out, answer.err) == (0, "hello there", "")
    assert everything(echo, 1) == [("user", "hello there", "complete"), ("assistant", "hello there", "complete")]


def test_standard_input_follows_the_prompt_after_a_blank_line(run: Run, echo: Store) -> None:
    assert run("ask", "Sum up:", stdin="one\ntwo\n").out == "Sum up:\n\none\ntwo\n"


def test_standard_input_alone_is_the_prompt(run: Run, echo: Store) -> None:
    assert run("ask", stdin="from a pipe").out == "from a pipe"


def test_empty_standard_input_adds_nothing(run: Run, echo: Store) -> None:
    assert run("ask", "hello", stdin="\n").out == "hello"


def test_no_prompt_at_all_is_wrong_usage(run: Run, echo: Store) -> None:
    answer = run("ask")

    assert answer.code == 2
    assert "Give a PROMPT, or text on standard input." in answer.err
    assert echo.chats.last() is None


def test_a_blank_prompt_is_refused_and_leaves_no_chat(run: Run, echo: Store) -> None:
    answer = run("ask", "  \n ", "--json")

    assert (answer.code, answer.out) == (1, "")
    assert answer.error["code"] == "invalid_input"
    assert echo.chats.last() is None


def test_input_that_is_no_text_is_refused_by_name_and_leaves_no_chat(run: Run, echo: Store) -> None:
    answer = run("ask", "look", stdin=b"caf\xe9")

    assert answer.code == 1
    assert "Standard input is no UTF-8 text: byte 4 is 0xe9. Nothing was sent." in answer.err
    assert echo.chats.last() is None


def test_json_is_one_document_about_the_turn(run: Run, echo: Store) -> None:
    answer = run("ask", "--json", "two words")

    assert answer.code == 0
    assert answer.json == {
        "chat_id": 1,
        "unarchived": False,
        "message_id": 2,
        "reply": "two words",
        "model": "play/echo",
        "status": "complete",
        "finish_reason": "stop",
        "fallback": None,
        "left_out": 0,
        "usage": {"input_tokens": 2, "output_tokens": 2},
    }


def test_c_goes_on_with_the_chat_used_last_and_chat_with_any(run: Run, echo: Store) -> None:
    run("ask", "first")
    run("ask", "second")
    run("ask", "--chat", "1", "to the first")

    assert run("ask", "-c", "again the first", "--json").json["chat_id"] == 1
    assert len(everything(echo, 1)) == 6
    assert len(everything(echo, 2)) == 2


def test_c_without_any_chat_is_not_found(run: Run, echo: Store) -> None:
    answer = run("ask", "-c", "hello", "--json")

    assert answer.code == 1
    assert answer.error["code"] == "not_found"
    assert echo.chats.last() is None


def test_c_and_chat_exclude_each_other(run: Run, echo: Store) -> None:
    assert run("ask", "-c", "--chat", "1", "hello").code == 2


def test_a_chat_in_the_trash_is_not_answered(run: Run, echo: Store) -> None:
    run("ask", "hello")
    run("chats", "delete", "1")

    answer = run("ask", "--chat", "1", "more", "--json")

    assert (answer.code, answer.error["code"]) == (1, "not_found")
    assert "chats restore 1" in answer.error["hint"]


def test_m_answers_one_turn_and_the_chat_keeps_its_own_model(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "parrot")
    run("ask", "hello")

    assert run("ask", "-c", "-m", "play/parrot", "you", "--json").json["model"] == "play/parrot"
    assert run("ask", "-c", "back", "--json").json["model"] == "play/echo"


def test_m_of_a_new_chat_becomes_its_own_model(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "parrot")
    run("ask", "-m", "play/parrot", "hello")

    assert run("ask", "-c", "again", "--json").json["model"] == "play/parrot"


@pytest.mark.parametrize(
    ("ref", "code"), [("play/none", "not_found"), ("nobody/x", "not_found"), ("play", "invalid_input")]
)
def test_a_model_that_is_not_there_is_named_and_nothing_is_stored(run: Run, echo: Store, ref: str, code: str) -> None:
    answer = run("ask", "-m", ref, "hello", "--json")

    assert (answer.code, answer.error["code"]) == (1, code)
    assert ref in answer.error["message"]
    assert echo.chats.last() is None


def test_s_sets_the_system_prompt_of_the_chat(run: Run, echo: Store) -> None:
    run("ask", "-s", "Be brief.", "hello")

    assert echo.chats.get(1).system == "Be brief."


def test_a_failed_turn_says_why_and_keeps_the_words(run: Run, echo: Store) -> None:
    answer = run("ask", "/echo fail rate_limited too fast")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("Error: too fast\n")
    assert everything(echo, 1)[1] == ("assistant", "", "failed")


def test_a_failed_turn_in_json_has_its_document_and_its_error(run: Run, echo: Store) -> None:
    answer = run("ask", "/echo fail provider_rejected bad key", "--json")

    assert answer.code == 1
    assert (answer.json["status"], answer.json["reply"], answer.json["chat_id"]) == ("failed", "", 1)
    assert answer.error["code"] == "provider_rejected"


def test_a_cut_reply_is_printed_as_far_as_it_came(run: Run, echo: Store) -> None:
    answer = run("ask", "/echo cut 2 one two three", "--json")

    assert answer.code == 1
    assert (answer.json["status"], answer.json["reply"]) == ("interrupted", "one two")
    assert answer.error["code"] == "reply_cut"


def test_reasoning_is_no_part_of_the_reply(run: Run, echo: Store) -> None:
    assert run("ask", "/echo think the answer").out == "the answer"


def test_a_removed_model_is_named_at_every_turn_that_another_answers(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "parrot")
    run("ask", "-m", "play/parrot", "hello")
    echo.catalog.remove_model(echo.catalog.live("play/parrot").id)

    for _ in range(2):
        answer = run("ask", "-c", "and now?")
        assert (answer.code, answer.out) == (0, "and now?")
        assert answer.err == "play/parrot was removed. play/echo answers now.\n"
    assert run("ask", "-c", "x", "--json").json["fallback"] == {"from": "play/parrot", "reason": "removed"}


def test_no_line_says_that_a_name_was_removed_and_answers(run: Run, echo: Store) -> None:
    run("ask", "-m", "play/echo", "hello")
    echo.catalog.remove_provider("play")
    echo.catalog.add_provider("play", "echo")
    echo.catalog.make_default(echo.catalog.add_model("play", "echo").id)

    told = "The earlier echo was removed. Another echo, of play, answer"
    assert run("ask", "-c", "and now?").err == f"{told}s now.\n"
    assert f"─ {told}s now.\n" in run("chats", "show", "1").out
    assert f"*{told}ed.*" in run("chats", "export", "1").out
    refused = run("ask", "-c", "--no-fallback", "x", "--json").error
    assert refused["message"].startswith("The earlier echo was removed; another echo, of play would answer")


def test_a_model_that_is_switched_off_is_told_so_and_one_that_is_back_too(run: Run, echo: Store) -> None:
    parrot = echo.catalog.add_model("play", "parrot")
    run("ask", "-m", "play/parrot", "hello")
    echo.catalog.switch_model(parrot.id, False)
    off = run("ask", "-c", "off")
    echo.catalog.switch_model(parrot.id, True)

    assert off.err == "play/parrot is switched off. play/echo answers now.\n"
    assert run("ask", "-c", "on").err == "play/parrot is back and answers again.\n"
    assert run("ask", "-c", "on").err == ""


def test_words_of_this_machine_do_not_leave_it_unasked(run: Run, echo: Store) -> None:
    run("ask", "a secret")
    far_away = "http://192.0.2.1:9/v1"  # an address that nobody has
    echo.catalog.add_provider("far", "openai", far_away)
    echo.catalog.add_model("far", "m")
    echo.catalog.remove_provider("play", echo.catalog.live("far/m").id)

    answer = run("ask", "-c", "more", "--json")

    assert (answer.code, answer.out, answer.error["code"]) == (1, "", "confirm_remote")
    assert "--allow-remote 192.0.2.1:9" in answer.error["hint"]
    assert len(everything(echo, 1)) == 2


def test_who_agrees_once_is_not_asked_again_in_this_chat(
    run: Run, echo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("ask", "a secret")
    echo.catalog.add_provider("far", "openai", "http://192.0.2.1:9/v1")
    echo.catalog.add_model("far", "m")
    echo.catalog.remove_provider("play", echo.catalog.live("far/m").id)
    monkeypatch.setattr("localchat.providers.connect", lambda _: EchoClient())  # nothing leaves this machine here

    agreed = run("ask", "-c", "--allow-remote", "192.0.2.1:9", "more", "--json").json
    assert (agreed["reply"], agreed["model"]) == ("more", "far/m")
    assert agreed["fallback"] == {"from": "play/echo", "reason": "removed"}
    assert run("ask", "-c", "still", "--json").json["model"] == "far/m"


def test_without_a_default_nothing_is_stored(run: Run, store: Store) -> None:
    store.catalog.remove_provider("local")

    answer = run("ask", "hello", "--json")

    assert (answer.code, answer.error["code"]) == (1, "no_default_model")
    assert answer.error["message"] == "no default chat model config is available"
    assert store.chats.last() is None


def test_what_does_not_fit_the_context_is_told(run: Run, echo: Store) -> None:
    echo.catalog.edit_model(echo.catalog.live("play/echo").id, context=200)
    run("ask", "long " * 60)
    run("ask", "-c", "longer " * 60)

    assert "earlier messages do not fit the model's context and are not sent." in run("ask", "-c", "last").err


def test_a_reply_that_reached_its_limit_says_so(run: Run, echo: Store) -> None:
    echo.catalog.edit_model(echo.catalog.live("play/echo").id, parameters={"max_tokens": 2})
    answer = run("ask", "one two three")

    assert (answer.code, answer.out) == (0, "one two")
    assert answer.err == "The reply reached its limit of tokens and ends there.\n"


def test_files_go_with_the_prompt_and_are_told_with_the_chat(run: Run, echo: Store, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("Buy milk.\n")
    asked = run("ask", "--attach", str(notes), "What?", "--json").json
    assert asked["reply"] == "notes.txt:\n```\nBuy milk.\n```\n\nWhat?"
    told = run("chats", "show", str(asked["chat_id"]), "--json").json["messages"][0]
    assert told["content"] == "What?"
    assert told["attachments"] == [{"name": "notes.txt", "media_type": "text/plain", "size": 10}]
    assert "▤ notes.txt · 10 bytes" in run("chats", "show", str(asked["chat_id"])).out


def test_a_file_that_cannot_go_is_refused_by_name_and_leaves_no_chat(run: Run, echo: Store, tmp_path: Path) -> None:
    before = run("chats", "list", "--json").json
    for name in ("gone.txt", "."):
        answer = run("ask", "-a", str(tmp_path / name), "What?", "--json")
        assert answer.code == 1
        assert answer.error["code"] == "invalid_input"
        assert str(tmp_path) in answer.error["message"]
    assert run("chats", "list", "--json").json == before


def test_an_archived_chat_that_gets_a_turn_comes_back_into_the_list_and_says_so(run: Run, echo: Store) -> None:
    run("ask", "one")
    run("chats", "archive", "1")
    assert run("chats", "list", "--json").json == []

    told = run("ask", "--chat", "1", "two")
    assert told.err == "Chat 1 was archived; it is back in the list.\n"
    assert [chat["id"] for chat in run("chats", "list", "--json").json] == [1]
    assert run("ask", "--chat", "1", "three").err == ""


def test_a_turn_that_is_refused_leaves_an_archived_chat_where_it_is(run: Run, echo: Store) -> None:
    run("ask", "one")
    run("chats", "archive", "1")
    run("providers", "remove", "play", "--yes")
    run("providers", "disable", "local")

    assert run("ask", "--chat", "1", "two", "--json").error["code"] == "no_default_model"
    assert run("chats", "list", "--json").json == []


@pytest.mark.parametrize("command", [("providers", "remove", "play", "--yes"), ("models", "disable", "play/echo")])
def test_no_fallback_is_that_model_or_nothing(run: Run, echo: Store, command: tuple[str, ...]) -> None:
    run("ask", "one")
    run("providers", "add", "other", "--kind", "echo")
    run("models", "add", "other/parrot", "--default")
    run(*command)

    refused = run("ask", "--chat", "1", "--no-fallback", "--json", "two")
    assert (refused.code, refused.error["code"], refused.out) == (1, "fallback_refused", "")
    assert "play/echo" in refused.error["message"]
    assert "other/parrot" in refused.error["message"]
    assert len(run("chats", "show", "1", "--json").json["messages"]) == 2
    assert run("ask", "--chat", "1", "--no-fallback", "-m", "other/parrot", "two").out == "two"
    assert run("ask", "--chat", "1", "two", "--json").json["fallback"]["from"] == "play/echo"


def test_no_fallback_does_not_stand_in_the_way_of_the_own_model(run: Run, echo: Store) -> None:
    assert run("ask", "--no-fallback", "one").out == "one"
    assert run("ask", "-c", "--no-fallback", "two").out == "two"


def test_no_fallback_where_nobody_could_stand_in_says_that_there_is_no_default(run: Run, echo: Store) -> None:
    run("ask", "one")
    run("providers", "disable", "play")
    run("providers", "disable", "local")

    assert run("ask", "-c", "--no-fallback", "two", "--json").error["code"] == "no_default_model"


def test_o_sets_a_parameter_for_this_turn_alone(run: Run, echo: Store) -> None:
    cut = run("ask", "one two three", "-o", "max_tokens=2", "--param", "think=off", "-o", "stop=[1", "--json").json
    assert (cut["reply"], cut["finish_reason"]) == ("one two", "length")

    assert run("ask", "-c", "one two three", "--json").json["reply"] == "one two three"


def test_an_empty_value_leaves_to_the_endpoint_what_the_model_has_set(run: Run, echo: Store) -> None:
    run("models", "edit", "play/echo", "-o", "max_tokens=1")

    assert run("ask", "one two three").out == "one"
    assert run("ask", "one two three", "-o", "max_tokens=").out == "one two three"


@pytest.mark.parametrize("pair", ["temperature=99", "temperature=hot", "think=deep", "messages=[]", "nothing", "=1"])
def test_a_parameter_that_cannot_be_is_refused_and_leaves_no_chat(run: Run, echo: Store, pair: str) -> None:
    answer = run("ask", "hello", "-o", pair, "--json")

    assert (answer.code, answer.out, answer.error["code"]) == (1, "", "invalid_input")
    assert echo.chats.last() is None


CODE = "Two ways:\n\n```sh\nls\n```\n\n1. or\n\n   ~~~python\n   if x:\n       print(1)\n   ~~~\n\nThat is it."


def test_extract_prints_the_last_code_block_and_nothing_else(run: Run, echo: Store) -> None:
    answer = run("ask", "--extract", CODE)

    assert (answer.code, answer.out, answer.err) == (0, "if x:\n    print(1)\n", "")
    assert everything(echo, 1)[1] == ("assistant", CODE, "complete")


def test_a_code_block_that_never_closes_ends_with_the_reply(run: Run, echo: Store) -> None:
    assert run("ask", "--extract", "So:\n```\none\n").out == "one\n"


def test_extract_without_a_code_block_fails_and_prints_nothing(run: Run, echo: Store) -> None:
    answer = run("ask", "--extract", "only `words`")

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("Error: The reply has no code block.")
    assert "localchat chats show 1" in answer.err

    told = run("ask", "--extract", "only words", "--json")
    assert (told.code, told.json["extracted"], told.error["code"]) == (1, None, "not_found")


def test_extract_of_a_reply_that_broke_off_prints_nothing(run: Run, echo: Store) -> None:
    answer = run("ask", "--extract", "/echo cut 3 ```\none two three\n```", "--json")
    assert (answer.code, answer.error["code"]) == (1, "reply_cut")
    assert run("ask", "--extract", "/echo cut 3 ```\none two three\n```").out == ""


def test_with_json_the_reply_is_whole_and_extracted_holds_the_block(run: Run, echo: Store) -> None:
    document = run("ask", "--extract", "--json", CODE).json

    assert (document["reply"], document["extracted"]) == (CODE, "if x:\n    print(1)\n")
    assert "extracted" not in run("ask", "--json", CODE).json


def test_a_prompt_of_one_dash_is_standard_input(run: Run, echo: Store) -> None:
    assert run("ask", "-", stdin="from a pipe").out == "from a pipe"
    assert run("ask", "-", stdin="").code == 2


def test_a_person_is_told_the_number_of_the_chat_and_a_script_is_not(
    run: Run, echo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ask", "hello").err == ""

    monkeypatch.setattr("localchat.cli.ask.on_terminal", lambda: True)
    assert run("ask", "hello").err == "Chat 2\n"
    told = run("ask", "--chat", "1", "more")
    assert (told.out, told.err) == ("more", "Chat 1\n")
    assert run("ask", "--chat", "1", "more", "--json").err == ""


# Nothing kept, and an editor.


def test_a_temporary_turn_answers_and_stores_nothing(run: Run, echo: Store, path: Path) -> None:
    run("ask", "kept")
    before = [tuple(row) for row in echo.connection.execute("select * from messages").fetchall()]
    assert run("ask", "--temporary", "xyzzy-plugh").out == "xyzzy-plugh"
    document = run("ask", "--temporary", "--json", "xyzzy-plugh").json
    assert (document["reply"], document["chat_id"], document["message_id"]) == ("xyzzy-plugh", None, None)
    assert [tuple(row) for row in echo.connection.execute("select * from messages").fetchall()] == before
    for file in path.parent.iterdir():
        assert file.is_dir() or b"xyzzy" not in file.read_bytes(), file


def test_a_temporary_turn_uses_the_default_and_what_stands_in(run: Run, echo: Store) -> None:
    echo.catalog.add_model("play", "second")
    assert run("ask", "--temporary", "-m", "play/second", "--json", "hi").json["model"] == "play/second"
    assert run("ask", "--temporary", "--json", "hi").json["model"] == "play/echo"


def test_a_temporary_turn_that_fails_sends_nobody_to_a_chat(run: Run, echo: Store) -> None:
    answer = run("ask", "--temporary", "--extract", "no block")
    assert (answer.code, "Nothing was kept." in answer.err) == (1, True)
    assert "chats show" not in answer.err


def test_a_temporary_folder_is_gone_afterwards(
    run: Run, echo: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "passing"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    assert run("ask", "--temporary", "hi").code == 0
    assert list(place.iterdir()) == []


def test_without_prompt_and_pipe_a_person_writes_in_their_editor(
    run: Run, echo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.cli.ask.interactive", lambda *, output=False: True)
    monkeypatch.setattr("click.edit", lambda extension: "written there\n")
    assert run("ask").out == "written there"
    for nothing in (None, " \n"):
        monkeypatch.setattr("click.edit", lambda extension, nothing=nothing: nothing)
        answer = run("ask")
        assert (answer.code, "Nothing was written" in answer.err) == (2, True)
    assert len(echo.chats.listing()) == 1
