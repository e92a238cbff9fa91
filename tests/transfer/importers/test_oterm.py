"""oterm's store.db, of 0.26 and of the versions before it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.importing import import_file
from localchat.store.transfer import Exchange
from localchat.transfer.export import json_document
from tests.transfer.importers.conftest import Take, chats, lines, replies, titled
from tests.transfer.importers.sources import OTERM, PNG, oterm_message, written

MARCH = 1772445600  # 2026-03-02T10:00:00Z


def theirs(tmp_path: Path) -> Path:
    """The file of oterm: not ours, which has the same name."""
    folder = tmp_path / "oterm"
    folder.mkdir(exist_ok=True)
    return folder / "store.db"


@pytest.fixture
def oterm(tmp_path: Path) -> Path:
    return theirs(tmp_path)


def test_a_chat_has_the_time_of_its_file_and_its_own_order(store: Store, take: Take, oterm: Path) -> None:
    with written(oterm, OTERM) as db:
        db.execute(
            "insert into chat (id, name, model, system, provider, parameters) values"
            " (1, 'Locks', 'qwen3:8b', 'Be brief.', 'ollama', ?)",
            (json.dumps({"temperature": 0.5, "num_predict": 100, "mirostat": 2, "top_p": "high"}),),
        )
        for author, text in (("user", "Why locked?"), ("assistant", "Two writers.")):
            oterm_message(db, 1, author, text)
    os.utime(oterm, (MARCH, MARCH))
    done = take(oterm)
    chat = titled(store, "Locks")

    assert lines(chat) == [("user", "Why locked?"), ("assistant", "Two writers.")]
    assert {chat.created_at, chat.updated_at, *(m.created_at for m in chat.messages)} == {"2026-03-02T10:00:00.000Z"}
    assert (chat.system, chat.parameters) == ("Be brief.", {"temperature": 0.5, "max_tokens": 100})
    assert done.notes == ["1 chat has no times at its source; it has that of the file."]
    assert done.models_added == ["ollama/qwen3:8b"]


@pytest.mark.parametrize(
    ("provider", "ref"),
    [
        ("ollama", "ollama/m"),
        ("openai-chat", "openai/m"),
        ("openai-responses", "openai/m"),
        ("openai", "openai/m"),
        ("anthropic", "anthropic/m"),
        ("google-gla", "google/m"),
        ("google-cloud", "google/m"),
        ("openai-compat/My Server", "my-server/m"),
        ("openai-compat/[/]", "oterm/m"),
        (None, "ollama/m"),
    ],
)
def test_providers_are_named_as_here(store: Store, take: Take, oterm: Path, provider: str | None, ref: str) -> None:
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model, provider) values (1, 'x', 'm', ?)", (provider,))
        oterm_message(db, 1, "user", "hello")
    done = take(oterm)

    assert done.models_added == [ref]


def test_images_come_along_and_keep_their_marks(store: Store, take: Take, oterm: Path) -> None:
    encoded = base64.b64encode(PNG).decode()
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model) values (1, 'pictures', 'llava')")
        oterm_message(db, 1, "user", "Compare [Image #1]", json.dumps([encoded, encoded]))
    done = take(oterm)
    [question] = titled(store, "pictures").messages

    assert question.content == "Compare [Image #1]"
    assert [(each.name, each.media_type, each.content) for each in question.attachments] == [
        ("image-1.png", "image/png", PNG),
        ("image-2.png", "image/png", PNG),
    ]
    assert len(done.notes) == 1  # that there are no times


def test_images_that_are_none_leave_a_line_at_their_mark_or_at_the_end(store: Store, take: Take, oterm: Path) -> None:
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model) values (1, 'pictures', 'llava')")
        oterm_message(db, 1, "user", "Compare [Image #1] with [Image #9], please", json.dumps(["iVBO", "%%"]))
        oterm_message(db, 1, "user", "broken", "[not json")
    done = take(oterm)

    assert [m.content for m in titled(store, "pictures").messages] == [
        "Compare [image: 1.png, not imported] with [Image #9], please\n[image: 2.png, not imported]",
        "broken",
    ]
    assert "2 images were not imported; their names stand where they were." in done.notes


def test_messages_whose_chat_is_gone_are_recovered(store: Store, take: Take, oterm: Path) -> None:
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model) values (1, 'there', 'm')")
        oterm_message(db, 1, "user", "hello")
        oterm_message(db, 7, "user", "left behind")
        oterm_message(db, 7, "assistant", "indeed")
        oterm_message(db, 8, "user", "me too")
    done = take(oterm)

    assert done.chats_imported == 3
    assert "2 chats were recovered from messages whose chats are gone there." in done.notes
    recovered = [chat for chat in chats(store) if chat.title == "Recovered chat"]
    assert [lines(chat) for chat in recovered] == [
        [("user", "left behind"), ("assistant", "indeed")],
        [("user", "me too")],
    ]
    assert replies(recovered[0])[0].model is None


def test_a_file_of_before_0_15_has_no_provider(store: Store, take: Take, oterm: Path) -> None:
    schema = """
    create table chat (id integer primary key, name text, model text not null, system text, format text,
      parameters text default '{}', keep_alive integer default 5, tools text default '[]');
    create table message (id integer primary key, chat_id integer not null, author text not null, text text not null,
      images text default '[]');
    """
    with written(oterm, schema) as db:
        db.execute("insert into chat (id, name, model) values (1, 'old', 'llama2')")
        oterm_message(db, 1, "user", "hello")
        oterm_message(db, 1, "assistant", "Hi.")
    take(oterm)

    model = replies(titled(store, "old"))[0].model
    assert model is not None
    assert (model.ref, model.local) == ("ollama/llama2", True)


def test_two_files_with_the_same_numbers_are_two_chats(store: Store, take: Take, tmp_path: Path) -> None:
    for name in ("one", "two"):
        with written(tmp_path / name, OTERM) as db:
            db.execute("insert into chat (id, name, model) values (1, ?, 'm')", (name,))
            oterm_message(db, 1, "user", name)
        take(tmp_path / name)

    assert {chat.title for chat in chats(store)} == {"one", "two"}


def test_a_chat_without_messages_is_not_taken(store: Store, take: Take, oterm: Path) -> None:
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model) values (1, 'empty', 'm')")
    done = take(oterm)

    failed = done.failed("store.db")
    assert failed is not None
    assert (done.chats_imported, failed.hint) == (0, "1 chat there has no messages.")
    assert done.notes == ["1 chat there has no messages."]


# Two stores


SAID = [("user", "hi"), ("assistant", "Hello."), ("user", "a plan for Monday")]


def oterm_with(path: Path, said: list[tuple[str, str]], name: str = "hi") -> Path:
    path.unlink(missing_ok=True)
    with written(path, OTERM) as db:
        db.execute("insert into chat (id, name, model) values (1, ?, 'm')", (name,))
        for author, text in said:
            oterm_message(db, 1, author, text)
    return path


def test_two_stores_that_begin_alike_are_both_imported(store: Store, take: Take, tmp_path: Path) -> None:
    others = [[*SAID[:2], ("user", "a plan for Tuesday")], [SAID[0], ("assistant", "Hi!")], [*SAID[:2], SAID[0]]]
    assert take(oterm_with(tmp_path / "laptop.db", SAID)).chats_imported == 1
    for number, other in enumerate(others):
        assert take(oterm_with(tmp_path / f"{number}.db", other)).chats_imported == 1
    assert sorted(lines(chat) for chat in chats(store)) == sorted([SAID, *others])


def test_a_chat_that_went_on_or_was_renamed_is_the_same(store: Store, take: Take, tmp_path: Path) -> None:
    take(oterm_with(theirs(tmp_path), SAID))
    grown = [*SAID, ("assistant", "Rest."), ("user", "and on Tuesday?")]
    again = take(oterm_with(theirs(tmp_path), grown, name="Plans"))
    assert (again.chats_imported, again.chats_skipped) == (0, 1)
    assert again.notes == ["1 chat has gone on there since; what is here was left as it is."]
    older = take(oterm_with(tmp_path / "backup.db", SAID[:2]))
    assert (older.chats_imported, older.chats_skipped) == (0, 1)


def test_a_chat_that_went_on_here_is_the_same(store: Store, take: Take, tmp_path: Path) -> None:
    take(oterm_with(theirs(tmp_path), SAID))
    store.connection.execute("insert into messages (chat_id, role, content) values (1, 'assistant', 'Rest.')")
    assert take(oterm_with(theirs(tmp_path), [*SAID, ("assistant", "Other words.")])).chats_skipped == 1


def test_a_chat_of_a_version_before_is_known_again_and_another_is_not_taken_for_it(
    store: Store, take: Take, tmp_path: Path
) -> None:
    take(oterm_with(theirs(tmp_path), SAID))
    store.connection.execute("update chat_sources set source_id = substr(source_id, 1, instr(source_id, '@') - 1)")
    assert take(oterm_with(theirs(tmp_path), [*SAID, ("assistant", "Rest.")])).chats_skipped == 1
    assert take(oterm_with(tmp_path / "other.db", [*SAID[:2], ("user", "other words")])).chats_imported == 1


def test_names_travel_with_an_export_and_tell_the_same(store: Store, tmp_path: Path) -> None:
    import_file(store, str(oterm_with(theirs(tmp_path), SAID)))
    exchange = Exchange(store)
    file = tmp_path / "all.json"
    file.write_text("".join(json_document(exchange.read(exchange.ids()), store.now())))
    with Store(tmp_path / "elsewhere.db") as other:
        assert import_file(other, str(oterm_with(tmp_path / "other.db", [*SAID[:2], ("user", "else")]))).chats_imported
        assert import_file(other, str(file)).chats_imported == 1
        assert import_file(other, str(oterm_with(theirs(tmp_path), [*SAID, SAID[0]]))).chats_skipped == 1
        assert len(chats(other)) == 2


# Where its servers ran


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost:1234", True),
        ("http://192.168.1.5:8080/v1", False),
        ("https://api.example.org/v1", False),
        ("${HOST}/v1", None),
        ("http://[", None),
        (7, None),
    ],
)
def test_its_configuration_tells_whether_a_server_was_here(
    store: Store, take: Take, oterm: Path, address: object, local: bool | None
) -> None:
    config = {"openaiCompatible": {"p1": {"base_url": address, "api_key": "${KEY}"}, "p2": 7}, "x": []}
    (oterm.parent / "config.json").write_text(json.dumps(config))
    with written(oterm, OTERM) as db:
        db.execute("insert into chat (id, name, model, provider) values (1, 'x', 'm', 'openai-compat/p1')")
        oterm_message(db, 1, "user", "hello")
    take(oterm)

    [model] = store.catalog.models("p1", removed=True)
    assert model.is_local is local
