"""elia's elia.sqlite."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from localchat.store import Store
from tests.transfer.importers.conftest import Take, chats, lines, replies, titled
from tests.transfer.importers.sources import ELIA, elia_chat, written

HELLO = [("system", "You are helpful."), ("user", "hello"), ("assistant", "Hi.")]


@pytest.fixture
def elia(tmp_path: Path) -> Path:
    return tmp_path / "elia.sqlite"


def test_the_first_message_is_the_system_prompt_and_times_are_utc(store: Store, take: Take, elia: Path) -> None:
    with written(elia, ELIA) as db:
        elia_chat(db, 1, HELLO, title="Named")
    take(elia)
    chat = titled(store, "Named")

    assert chat.system == "You are helpful."
    assert lines(chat) == [("user", "hello"), ("assistant", "Hi.")]
    assert chat.created_at == "2026-03-02T10:00:00.250Z"
    assert [m.created_at for m in chat.messages] == ["2026-03-02T10:00:01.000Z", "2026-03-02T10:00:02.000Z"]


def test_a_chat_that_was_never_named_is_named_by_its_first_words(store: Store, take: Take, elia: Path) -> None:
    with written(elia, ELIA) as db:
        elia_chat(db, 1, HELLO, title="")
        elia_chat(db, 2, [("system", ""), ("user", "other words")], title=None, archived=True)
    take(elia)

    assert {chat.title for chat in chats(store)} == {"hello", "other words"}
    assert titled(store, "other words").archived_at is not None


@pytest.mark.parametrize(
    ("name", "ref", "local"),
    [
        ("elia-gpt-4o", "openai/gpt-4o", False),
        ("elia-gemini/gemini-1.5-pro-latest", "google/gemini-1.5-pro-latest", False),
        ("elia-claude-3-haiku-20240307", "anthropic/claude-3-haiku-20240307", False),
        ("groq/llama3-70b", "groq/llama3-70b", False),
        ("ollama/llama3", "ollama/llama3", True),
        ("ollama_chat/llama3", "ollama/llama3", True),
        ("my own", "elia/my own", None),
        ("unknown", "elia/unknown", None),
    ],
)
def test_models_are_named_by_their_provider(
    store: Store, take: Take, elia: Path, name: str, ref: str, local: bool | None
) -> None:
    with written(elia, ELIA) as db:
        elia_chat(db, 1, HELLO, model=name, title="x")
    done = take(elia)

    assert done.models_added == [ref]
    model = replies(titled(store, "x"))[0].model
    assert model is not None
    assert (model.ref, model.local, model.removed) == (ref, local, True)


def test_what_elia_took_over_from_chatgpt_has_local_times(
    store: Store, take: Take, elia: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with written(elia, ELIA) as db:
            elia_chat(
                db,
                1,
                [("system", ""), ("user", "hello"), ("tool", "noon"), ("assistant", "Hi.")],
                meta='{"model_slug": "gpt-4"}',
                title="taken over",
                started="2024-05-01 09:00:00",
                times=["1970-01-01 09:00:00", "2024-05-01 09:00:00", "1970-01-01 09:00:00", "2024-05-01 09:00:05"],
            )
        take(elia)
    finally:
        monkeypatch.undo()
        time.tzset()
    chat = titled(store, "taken over")

    assert chat.created_at == "2024-05-01T00:00:00.000Z"
    assert [m.created_at[-13:] for m in chat.messages] == ["00:00:00.000Z", "00:00:00.000Z", "00:00:05.000Z"]
    assert lines(chat) == [("user", "hello"), ("assistant", "noon"), ("assistant", "Hi.")]


def test_two_files_with_the_same_numbers_are_two_chats(store: Store, take: Take, tmp_path: Path) -> None:
    for name, started in (("one", "2026-01-01 00:00:00"), ("two", "2026-01-02 00:00:00")):
        with written(tmp_path / name, ELIA) as db:
            elia_chat(db, 1, [("user", name)], started=started)
        take(tmp_path / name)

    assert {chat.title for chat in chats(store)} == {"one", "two"}


def test_chats_without_messages_are_told_not_taken(store: Store, take: Take, elia: Path) -> None:
    with written(elia, ELIA) as db:
        elia_chat(db, 1, [("system", "You are helpful.")])
        elia_chat(db, 2, [])
    done = take(elia)

    assert (done.chats_imported, done.notes) == (0, ["2 chats there have no messages."])


def test_two_copies_of_one_file_that_went_different_ways_are_both_imported(
    store: Store, take: Take, tmp_path: Path
) -> None:
    for name, last in (("one", "to the left"), ("two", "to the right")):
        with written(tmp_path / name, ELIA) as db:
            elia_chat(db, 1, [*HELLO, ("user", last)], title=name)
        assert take(tmp_path / name).chats_imported == 1
    with written(tmp_path / "two") as db:
        db.execute("insert into message (chat_id, role, content) values (1, 'assistant', 'Gone on.')")
    assert take(tmp_path / "two").chats_skipped == 1
    assert {chat.title for chat in chats(store)} == {"one", "two"}


CONFIG = """
[[models]]
name = "openai/alpha"
id = "alpha"
api_base = "http://127.0.0.1:8080/v1"
api_key = "sk-secret"
[[models]]
name = "openai/beta"
api_base = "https://far.example.org/v1"
"""


@pytest.mark.parametrize(
    ("name", "config", "local"),
    [
        ("alpha", CONFIG, True),
        ("openai/alpha", CONFIG, True),
        ("openai/beta", CONFIG, False),
        ("gamma", CONFIG, None),
        ("alpha", "[[models", None),
        ("alpha", "models = 7", None),
        ("alpha", None, None),
    ],
)
def test_its_configuration_tells_whether_a_server_was_here(
    store: Store, take: Take, elia: Path, name: str, config: str | None, local: bool | None
) -> None:
    if config is not None:
        (elia.parent / "config.toml").write_text(config)
    with written(elia, ELIA) as db:
        elia_chat(db, 1, HELLO, model=name)
    take(elia)

    assert [m.is_local for m in store.catalog.models(removed=True)] == [local]


def test_what_became_known_of_a_model_is_kept(store: Store, take: Take, elia: Path) -> None:
    with written(elia, ELIA) as db:
        elia_chat(db, 1, HELLO, model="alpha")
    take(elia)
    (elia.parent / "config.toml").write_text(CONFIG)
    with written(elia) as db:
        elia_chat(db, 2, HELLO, model="alpha", started="2026-03-03 10:00:00")
    take(elia)

    assert [m.is_local for m in store.catalog.models(removed=True)] == [True]
