"""``localchat chats search``: what it finds and how it tells it."""

from __future__ import annotations

import pty
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import known_store
from tests.cli.conftest import Run


@pytest.fixture
def known(path: Path) -> Path:
    known_store(path).close()
    return path


def write(path: Path, content: str, **columns: object) -> None:
    with Store(path) as store:
        store.connection.execute(
            f"insert into messages (chat_id, role, content{''.join(', ' + name for name in columns)})"
            f" values (1, 'user', ?{', ?' * len(columns)})",
            (content, *columns.values()),
        )


def test_hits_stand_under_their_chat_with_who_said_it(run: Run, known: Path) -> None:
    done = run("chats", "search", "begin")
    assert done.code == 0
    assert done.out.splitlines() == [
        "2  Locks in SQLite",
        "    zeta/z1, 2026-03-02",
        "      Two writers: BEGIN IMMEDIATE.",
    ]


def test_json_tells_every_field_and_where_it_matched(run: Run, known: Path) -> None:
    (hit,) = run("chats", "search", "begin", "--json").json
    assert hit == {
        "chat_id": 2,
        "title": "Locks in SQLite",
        "message_id": 4,
        "role": "assistant",
        "model": "zeta/z1",
        "model_removed": False,
        "created_at": "2026-03-02T14:02:00.000Z",
        "archived": False,
        "snippet": "Two writers: BEGIN IMMEDIATE.",
        "matches": [[13, 18]],
    }


def test_titles_come_first_and_have_no_message(run: Run, known: Path) -> None:
    hits = run("chats", "search", "lisbon", "--json").json
    assert [(hit["chat_id"], hit["message_id"], hit["role"]) for hit in hits] == [(1, None, None), (1, 1, "user")]
    assert run("chats", "search", "lisbon").out.splitlines()[0] == "1  Rain in Lisbon"


def test_several_words_need_no_quotes_and_a_phrase_does(run: Run, known: Path) -> None:
    assert [hit["message_id"] for hit in run("chats", "search", "immediate", "two", "--json").json] == [4]
    assert [hit["message_id"] for hit in run("chats", "search", '"immediate two"', "--json").json] == []
    assert [hit["message_id"] for hit in run("chats", "search", "--json", "--", "-begin").json] == [4]


def test_filters_by_model_role_time_and_chat(run: Run, known: Path) -> None:
    def found(*options: str) -> list[int | None]:
        return [hit["message_id"] for hit in run("chats", "search", "i", "--json", *options).json if hit["message_id"]]

    assert found() == [4, 3, 2, 1]
    assert found("--role", "assistant") == [4, 2]
    assert found("--model", "zeta/z1") == [4]
    assert found("--chat", "1") == [2, 1]
    assert found("--since", "2026-03-02", "--until", "2026-03-02") == [4, 3, 2, 1]
    assert found("--since", "2026-03-03") == []
    assert found("--until", "2026-03-01") == []
    assert found("--since", "2026-03-02T14:02:00+00:00", "--until", "2026-03-02T14:02:00+00:00") == [4, 3, 2, 1]
    assert found("--until", "9999-12-31") == [4, 3, 2, 1]
    assert found("--limit", "2") == [4, 3]


def test_a_removed_model_is_found_and_said_to_be_removed(run: Run, known: Path) -> None:
    run("providers", "remove", "zeta", "--yes")
    assert run("chats", "search", "begin", "--model", "zeta/z1").out.splitlines()[1] == (
        "    zeta/z1 (removed), 2026-03-02"
    )
    assert run("chats", "search", "begin", "--json").json[0]["model_removed"] is True


def test_archived_chats_are_found_and_marked_and_deleted_ones_are_not(run: Run, known: Path) -> None:
    run("chats", "archive", "2")
    assert run("chats", "search", "begin").out.splitlines()[0] == "2  Locks in SQLite  (archived)"
    run("chats", "delete", "2")
    assert run("chats", "search", "begin", "--json").json == []


def test_nothing_found_and_nothing_to_search_for_are_told_on_standard_error(run: Run, known: Path) -> None:
    for words, told in (
        ("zzz", "Nothing was found."),
        ("+++", "There is nothing to search for in this"),
        ("", "There is"),
    ):
        done = run("chats", "search", words)
        assert (done.code, done.out) == (0, "")
        assert told in done.err


def test_more_than_the_limit_is_told(run: Run, known: Path) -> None:
    assert "--limit 4 shows them" in run("chats", "search", "i", "--limit", "2").err
    assert "--limit" not in run("chats", "search", "i").err


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--model", "nobody/nothing"), 1, "There is no model “nobody/nothing”."),
        (("--model", "nonsense"), 1, "names no model"),
        (("--chat", "99"), 1, "There is no chat 99."),
        (("--since", "yesterday"), 2, "'yesterday' is no date. Write YYYY-MM-DD"),
        (("--until", "2026-13-01"), 2, "is no date"),
        (("--role", "robot"), 2, "robot"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_what_cannot_be_a_filter_is_refused_with_the_reason(
    run: Run, known: Path, options: tuple[str, ...], code: int, told: str
) -> None:
    done = run("chats", "search", "i", *options)
    assert done.code == code
    assert told in done.err


@pytest.mark.parametrize("words", ["AND", '"', "*", "a:b", "c++", "it's", "(", "\x1b[2J", "锁", "👍", "x" * 9000])
def test_no_query_ends_in_an_error(run: Run, known: Path, words: str) -> None:
    assert run("chats", "search", words).code == 0


def test_no_control_character_of_a_message_reaches_the_output(run: Run, known: Path) -> None:
    write(known, "zebra \x1b]0;owned\x07 \x1b[2J \u202e done\r\nnext\x9b")
    out = run("chats", "search", "zebra").out
    assert "zebra ]0;owned [2J done next" in out
    assert not any(letter in out for letter in "\x1b\x07\x9b\u202e\r")
    document = run("chats", "search", "zebra", "--json")
    assert "\x1b" not in document.out
    assert document.json[0]["snippet"] == "zebra ]0;owned [2J done next"


def test_only_a_terminal_gets_the_matches_set_off(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import subprocess

    from tests.cli.conftest import command

    def seen(**env: str) -> str:
        master, slave = pty.openpty()
        subprocess.run(
            command("chats", "search", "begin"), stdout=slave, check=True, env={**os.environ, **env}, timeout=30
        )
        os.close(slave)
        text = os.read(master, 10_000).decode()
        os.close(master)
        return text

    assert "\x1b[1m\x1b[4mBEGIN\x1b[0m IMMEDIATE" in seen()
    assert "\x1b" not in seen(NO_COLOR="1")
