"""Sources that lie, are cut off or were overwritten: an import ends, within its memory, and says what is wrong."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from localchat.errors import InvalidInput
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.transfer.importers import reading
from localchat.transfer.importers.reading import problems, rows
from localchat.transfer.portable import line_of
from tests.store.helpers import ended, python
from tests.transfer.importers.conftest import chats, contents
from tests.transfer.importers.sources import ELIA, LLM_BEFORE, OTERM, elia_chat, oterm_message, response, written

# Bounded in memory and time: without a bound a test of what never ends would take the whole machine with it.
BOUNDED = """
import resource, signal, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
signal.alarm(60)
from localchat.errors import InvalidInput
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.transfer.importers import reading
from localchat.transfer.importers.reading import problems, rows
with Store(Path(sys.argv[1])) as store:
    for file in sys.argv[2:]:
        try:
            print(import_file(store, file).chats_imported)
        except Exception as error:
            print(type(error).__name__)
    assert [row[0] for row in store.connection.execute("pragma integrity_check")] == ["ok"]
"""

OTERM_KEYLESS = """
create table chat (id integer, name text, model text);
create table message (id integer, chat_id integer, author text, text text);
"""

bounded = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")


def oterm_store(path: Path, chats: int = 12) -> Path:
    with written(path, OTERM) as db:
        for chat in range(1, chats + 1):
            db.execute("insert into chat (id, name, model) values (?, ?, 'm')", (chat, f"chat {chat}"))
            for number in range(6):
                oterm_message(db, chat, "assistant" if number % 2 else "user", f"{chat} {number} " + "words " * 20)
    return path


@bounded
def test_an_oterm_store_that_was_cut_off_comes_to_an_end(tmp_path: Path, path: Path) -> None:
    """SQLite reads a page that is not there as zeros: every message on it has the number 0."""
    whole = oterm_store(tmp_path / "oterm.db").read_bytes()
    files = []
    for size in range(4096, len(whole), 1024):
        files.append(tmp_path / f"cut-{size}.db")
        files[-1].write_bytes(whole[:size])
    said = ended(python("-c", BOUNDED, str(path), *map(str, files)))

    assert len(said.split()) == len(files)


def test_messages_that_name_themselves_or_each_other_come_in_whole(store: Store, tmp_path: Path) -> None:
    def said(key: str, parent: str | None) -> dict[str, object]:
        return {"id": key, "parent": parent, "role": "user", "content": f"words of {key}"}

    messages = [said("a", "a"), said("b", "c"), said("c", "d"), said("d", "b"), said("e", "d"), said("f", "gone")]
    chat = {"id": "one", "title": "circles", "leaf": "e", "messages": messages}
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"schema": "localchat.chats", "version": 1, "chats": [chat]}))
    done = import_file(store, str(file))

    assert (done.chats_imported, done.messages) == (1, 6)
    assert sorted(m.content for m in chats(store)[0].messages) == [f"words of {key}" for key in "abcdef"]
    assert done.notes == ["3 messages hung on nothing and begin lines of their own."]


def test_two_messages_with_one_number_are_told_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    one = {"id": "1", "role": "user", "content": "hello"}
    file = tmp_path / "own.json"
    chat = {"id": "one", "title": "doubles", "messages": [one, one]}
    file.write_text(json.dumps({"schema": "localchat.chats", "version": 1, "chats": [chat]}))
    before = contents(store)
    for dry_run in (True, False):
        done = import_file(store, str(file), dry_run=dry_run)
        assert [(bad.title, bad.reason) for bad in done.chats_failed] == [("doubles", "two messages have the same id")]
    assert contents(store) == before


def test_messages_whose_numbers_are_all_the_same_keep_their_order(store: Store, tmp_path: Path) -> None:
    """A number is only what its file says: where that has no primary key, it may be anything."""
    said = [("user", "first"), ("assistant", "second"), ("user", "third")]
    with written(tmp_path / "oterm.db", OTERM_KEYLESS) as db:
        db.execute("insert into chat values (0, 'oterm', 'm')")
        db.executemany("insert into message values (0, 0, ?, ?)", said)
    with written(tmp_path / "elia.db", ELIA.replace("integer not null primary key", "integer")) as db:
        elia_chat(db, 0, said, title="elia")
        db.execute("update message set id = 0")
    for name in ("oterm", "elia"):
        import_file(store, str(tmp_path / f"{name}.db"))

    assert [[(m.role, m.content) for m in line_of(chat)] for chat in chats(store)] == [said, said]


# Damaged files of SQLite's


def damaged_copies(path: Path, name: str) -> list[Path]:
    """Cut at every place, and overwritten here and there."""
    whole = path.read_bytes()
    made = {f"cut-{size}": whole[:size] for size in range(4096, len(whole), 7000)}
    for page in range(1, len(whole) // 4096, 2):
        made[f"zeros-{page}"] = whole[: page * 4096] + bytes(4096) + whole[(page + 1) * 4096 :]
        made[f"noise-{page}"] = whole[: page * 4096] + b"\xa5\x01\x90" * 1000 + whole[page * 4096 + 3000 :]
    files = []
    for how, content in made.items():
        files.append(path.parent / f"{name}-{how}.db")
        files[-1].write_bytes(content)
    return files


def source(program: str, path: Path) -> Path:
    if program == "oterm":
        return oterm_store(path)
    with written(path, ELIA if program == "elia" else LLM_BEFORE) as db:
        for number in range(1, 20):
            said = [("user", f"question {number} " + "words " * 30), ("assistant", "answer " * 40)]
            if program == "elia":
                elia_chat(db, number, said, title=f"chat {number}")
            else:
                db.execute("insert into conversations values (?, ?, 'm')", (f"c{number:02}", f"chat {number}"))
                response(db, f"r{number:02}", f"c{number:02}", prompt=said[0][1], response=said[1][1])
    return path


@pytest.mark.parametrize("program", ["oterm", "elia", "llm"])
def test_a_damaged_source_is_named_damaged_whatever_came_in(tmp_path: Path, program: str) -> None:
    """Where SQLite itself finds nothing wrong, nothing is."""
    came = []
    for file in damaged_copies(source(program, tmp_path / "whole.db"), program):
        if not problems(file):
            continue
        with Store(tmp_path / f"{file.stem}-store.db") as store:
            try:
                done = import_file(store, str(file))
            except InvalidInput as error:
                failed: InvalidInput | None = error
            else:
                failed = done.failed(str(file))
                came.append(done.chats_imported)
            assert failed is not None
            assert "is damaged" in failed.message
            assert ".recover" in failed.hint
    assert len(came) > 3
    assert max(came) > 3, "what can be read comes in"


def test_a_file_that_is_shorter_than_it_says_gives_what_is_in_it(store: Store, tmp_path: Path) -> None:
    """SQLite refuses such a file as a whole."""
    whole = source("llm", tmp_path / "logs.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:-8192])
    done = import_file(store, str(tmp_path / "cut.db"))
    assert 0 < done.chats_imported < 20
    assert done.problems > 0


@pytest.mark.parametrize("kind", [None, "elia", "oterm"])
def test_a_damaged_file_of_a_known_program_is_not_called_unknown(
    store: Store, tmp_path: Path, kind: str | None
) -> None:
    whole = source("llm", tmp_path / "logs.db").read_bytes()
    (tmp_path / "logs.db").write_bytes(whole[:100] + b"\xff" * 3000 + whole[3100:])
    with pytest.raises(InvalidInput, match="is damaged"):
        import_file(store, str(tmp_path / "logs.db"), kind=kind)


def test_a_view_without_end_is_no_table(store: Store, tmp_path: Path) -> None:
    schema = """
    create table message (id integer primary key, chat_id integer, author text, text text);
    create view chat as with recursive n (id, name, model) as
      (select 1, 'x', 'm' union all select id + 1, 'x', 'm' from n) select * from n;
    """
    with written(tmp_path / "endless.db", schema) as db:
        db.execute("insert into message values (1, 1, 'user', 'hello')")
    with pytest.raises(InvalidInput, match="an SQLite file, but not one that localchat knows"):
        import_file(store, str(tmp_path / "endless.db"))


def test_a_chat_that_is_too_large_is_told_and_the_others_come(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST", 10_000)
    with written(tmp_path / "elia.db", ELIA) as db:
        elia_chat(db, 1, [("user", "x" * 20_000)], title="one value")
        elia_chat(db, 2, [("user", "y" * 3_000)] * 4, title="many values")
        elia_chat(db, 3, [("user", "hello")], title="small")
    done = import_file(store, str(tmp_path / "elia.db"))
    assert [chat.title for chat in chats(store)] == ["small"]
    assert [bad.title for bad in done.chats_failed] == ["one value", "many values"]


@pytest.mark.parametrize("program", ["oterm", "elia", "llm"])
def test_the_store_is_never_locked_while_a_source_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A source on a slow disk must not keep other windows from writing."""
    other = sqlite3.connect(store.path, isolation_level=None, timeout=0)
    reads = []

    def slow(connection: sqlite3.Connection, sql: str, *values: object) -> list[dict[str, object]]:
        other.execute("begin immediate")  # raises where the store is locked
        other.execute("rollback")
        reads.append(sql)
        return rows(connection, sql, *values)

    for name in ("llm", "llm_parts", "reading"):
        monkeypatch.setattr(f"localchat.transfer.importers.{name}.rows", slow)
    assert import_file(store, str(source(program, tmp_path / "source.db"))).chats_imported > 10
    assert len(reads) > 10
    other.close()
