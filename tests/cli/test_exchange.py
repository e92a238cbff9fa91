"""``chats export``, ``import`` and ``backup`` as scripts and people use them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run, command
from tests.transfer.importers.sources import chatgpt_json, chatgpt_zip, talk


@pytest.fixture
def spoken(run: Run, echo: Store) -> Store:
    """Two chats of `play/echo`, the first with a version and a fallback."""
    echo.catalog.add_model("play", "parrot")
    run("ask", "-m", "play/parrot", "-s", "Be brief.", "first words")
    echo.catalog.remove_model(echo.catalog.live("play/parrot").id)
    run("ask", "-c", "and more")
    run("ask", "other words")
    return echo


def test_a_chat_is_exported_as_markdown_to_read(run: Run, spoken: Store) -> None:
    answer = run("chats", "export", "1")

    assert answer.code == 0
    assert answer.out.startswith("# first words\n\n`play/parrot` (removed) · 4 messages · ")
    assert "\n## System prompt\n\nBe brief.\n" in answer.out
    assert "*play/parrot was removed. play/echo answered.*" in answer.out


def test_all_chats_go_out_as_json_and_come_in_again(run: Run, spoken: Store, tmp_path: Path) -> None:
    file, there = str(tmp_path / "chats.json"), str(tmp_path / "there.db")
    written = run("chats", "export", "--all", "--output", file, "--json").json
    assert written == {
        "file": file,
        "format": "json",
        "chats": 2,
        "messages": 6,
        "bytes": Path(file).stat().st_size,
    }
    imported = run("import", file, "--db", there, "--json").json
    assert (imported["chats_imported"], imported["messages"]) == (2, 6)
    assert imported["models_added"] == ["play/parrot", "play/echo"]
    again = run("import", file, "--db", there, "--json")
    assert (again.code, again.json["chats_imported"], again.json["chats_skipped"]) == (0, 0, 2)
    here, over_there = (run("chats", "show", "1", "--json", *more).json["messages"] for more in ((), ("--db", there)))
    told = ("role", "content", "status", "model", "fallback_from", "fallback_reason", "error", "usage", "created_at")
    assert [[m[name] for name in told] for m in here] == [[m[name] for name in told] for m in over_there]


def test_the_export_is_the_document_where_json_is_asked_for(run: Run, spoken: Store) -> None:
    document = run("chats", "export", "1", "2", "--json").json

    assert (document["schema"], document["version"]) == ("localchat.chats", 1)
    assert [chat["title"] for chat in document["chats"]] == ["first words", "other words"]
    assert run("chats", "export", "1", "--format", "json").json["chats"] == document["chats"][:1]


def test_the_format_follows_the_name_of_the_file(run: Run, spoken: Store, tmp_path: Path) -> None:
    for name, begins in (("a.json", "{"), ("a.md", "#"), ("a.txt", "#")):
        assert run("chats", "export", "1", "-o", str(tmp_path / name)).code == 0
        assert (tmp_path / name).read_text()[0] == begins


def test_chats_in_the_trash_go_out_only_when_asked_for(run: Run, spoken: Store) -> None:
    run("chats", "delete", "1")
    run("chats", "archive", "2")

    assert [chat["title"] for chat in run("chats", "export", "--all", "--json").json["chats"]] == ["other words"]
    assert len(run("chats", "export", "--all", "--trash", "--json").json["chats"]) == 2


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        ((), "invalid_input", 2),
        (("1", "--all"), "invalid_input", 2),
        (("1", "--trash"), "invalid_input", 2),
        (("1", "--format", "md"), "invalid_input", 2),
        (("1", "99"), "not_found", 1),
        (("1", "-o", "/"), "invalid_input", 1),
        (("1", "-o", "/no/such/folder/a.md"), "invalid_input", 1),
        (("1", "-o", "/dev/full"), "invalid_input", 1),
        (("1", "-o", ""), "invalid_input", 1),
        (("1", "-o", "{there}"), "already_exists", 1),
    ],
)
def test_exports_that_cannot_be_are_refused(
    run: Run, spoken: Store, tmp_path: Path, words: tuple[str, ...], code: str, status: int
) -> None:
    there = tmp_path / "there.md"
    there.write_text("precious")
    answer = run("chats", "export", *(word.format(there=there) for word in words), "--json")

    assert (answer.code, answer.error["code"], answer.out) == (status, code, "")
    assert there.read_text() == "precious"


@pytest.mark.parametrize(
    "words", [("chats", "export", "--all"), ("chats", "list"), ("models", "list", "--json"), ("--help",)]
)
@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_disk_is_told(spoken: Store, words: tuple[str, ...], buffered: bool) -> None:
    """Buffered, as in a person's shell, the disk is found full only when the program ends."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command(*words), stdout=full, stderr=subprocess.PIPE, timeout=30, env=environment)
    assert done.returncode == 1
    assert "The disk is full" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_reader_that_goes_away_is_no_error(spoken: Store) -> None:
    for number in range(400):
        spoken.connection.execute("insert into chats (title) values (?)", (f"chat {number} " + "x" * 900,))
    piped = subprocess.run(
        " ".join([*command("chats", "export", "--all"), "| head -n 1"]), shell=True, capture_output=True, timeout=30
    )
    assert (piped.stdout, piped.stderr) == (b"# first words\n", b"")


def test_nothing_that_a_terminal_obeys_is_in_an_export(run: Run, spoken: Store) -> None:
    spoken.connection.execute("update messages set content = 'a \x1b]52;c;ZXZpbA==\x07 \u202e b', reasoning = '\x9b2J'")
    for form in ("md", "json"):
        out = run("chats", "export", "1", "--format", form).out
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out)
    assert json.loads(out)["chats"][0]["messages"][0]["content"] == "a \x1b]52;c;ZXZpbA==\x07 \u202e b"


# import


def test_what_an_import_says(run: Run, echo: Store, tmp_path: Path) -> None:
    file = chatgpt_zip(tmp_path / "export.zip", talk("c1", "one"), {"title": "bad"})

    assert run("import", str(file), "--dry-run").out.startswith("Would import 1 chat with 2 messages from ChatGPT.\n")
    assert run("chats", "list", "--json").json == []
    answer = run("import", str(file))
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "Imported 1 chat with 2 messages from ChatGPT.\n"
        "Models that are not here; chats show their names, and new turns use the default: openai/gpt-4o\n"
        "Not imported:\n"
        "  bad: it has no messages (no mapping)\n"
    )
    assert run("import", str(file), "--json").json == {
        "from": "chatgpt",
        "dry_run": False,
        "chats_imported": 0,
        "chats_skipped": 1,
        "chats_failed": [{"title": "bad", "reason": "it has no messages (no mapping)"}],
        "messages": 0,
        "models_added": [],
        "notes": [],
        "damaged": False,
    }
    assert "gpt-4o (removed)" in run("chats", "list").out
    assert run("ask", "--chat", "1", "hello").err == "openai/gpt-4o was removed. play/echo answers now.\n"


def test_nothing_that_could_be_read_is_a_failure(run: Run, store: Store, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", {"title": "bad", "mapping": None})
    answer = run("import", str(file), "--json")

    assert answer.code == 1
    assert answer.json["chats_failed"] == [{"title": "bad", "reason": "it has no messages (no mapping)"}]
    assert answer.error["code"] == "invalid_input"


def test_an_export_without_chats_is_no_failure(run: Run, store: Store, tmp_path: Path) -> None:
    run("chats", "export", "--all", "-o", str(tmp_path / "none.json"))
    answer = run("import", str(tmp_path / "none.json"))

    assert (answer.code, answer.out) == (0, "Imported 0 chats with 0 messages from localchat's own JSON.\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [((), 2), (("a", "b"), 2), (("{file}", "--from", "word"), 2), (("{file}", "--from", "llm"), 1), (("nowhere",), 1)],
)
def test_imports_that_cannot_be_are_refused(
    run: Run, store: Store, tmp_path: Path, words: tuple[str, ...], status: int
) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk())
    answer = run("import", *(word.format(file=file) for word in words), "--json")

    assert (answer.code, answer.error["code"], answer.out) == (status, "invalid_input", "")
    assert run("chats", "list", "--json").json == []


# backup


def test_a_backup_is_a_store(run: Run, spoken: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    answer = run("backup", str(copy), "--json")

    assert answer.json == {"file": str(copy), "bytes": copy.stat().st_size, "chats": 2, "messages": 6}
    assert answer.err == ""
    listed = run("chats", "list", "--json", "--db", str(copy)).json
    assert [chat["title"] for chat in listed] == ["other words", "first words"]
    assert run("import", str(copy), "--json").error["message"].endswith("is a store of localchat, or a backup of one.")


def test_a_backup_overwrites_nothing_unasked(run: Run, spoken: Store, path: Path, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "copy.db"))

    assert run("backup", str(tmp_path / "copy.db"), "--json").error["code"] == "already_exists"
    again = run("backup", str(tmp_path / "copy.db"), "--force")
    assert again.out.startswith(f"Backed up 2 chats with 6 messages to {tmp_path / 'copy.db'} (")
    assert run("backup", str(path), "--force", "--json").error["message"].endswith("is the store itself.")
    assert len(run("chats", "list", "--json").json) == 2


def test_an_export_goes_through_a_pipe_into_another_store(run: Run, echo: Store, tmp_path: Path) -> None:
    run("ask", "through the pipe")
    exported = run("chats", "export", "--all", "--format", "json", "-o", "-")
    assert not Path("-").exists()
    other = str(tmp_path / "other.db")
    assert run("--db", other, "import", "-", "--json", stdin=exported.out).json["chats_imported"] == 1
    assert run("--db", other, "chats", "list", "--json").json[0]["title"] == "through the pipe"
    answer = run("--db", other, "import", "-", stdin="no export")
    assert answer.code == 1
    assert "standard input" in answer.err
