"""Sources that lie, are cut off or were overwritten: an import ends, within its memory, and says what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.importing import import_file
from localchat.transfer.portable import line_of
from tests.store.helpers import ended, python
from tests.transfer.importers.conftest import chats, contents
from tests.transfer.importers.sources import ELIA, OTERM, elia_chat, oterm_message, written

# Bounded in memory and time: without a bound a test of what never ends would take the whole machine with it.
BOUNDED = """
import resource, signal, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
signal.alarm(60)
from localchat.store import Store
from localchat.store.importing import import_file
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
