"""Files that are no export, sources that are in use, and what a person is told."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from localchat.errors import DiskFull, InvalidInput
from localchat.records import stamp, utc_now
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.store.transfer import Exchange
from localchat.transfer.importers import Imported
from tests.store.helpers import ended, fingerprints, python
from tests.transfer.importers.conftest import Take, chats, lines, titled
from tests.transfer.importers.sources import (
    ELIA,
    LLM_BEFORE,
    OTERM,
    chatgpt_json,
    elia_chat,
    oterm_message,
    response,
    talk,
    written,
)

JUNK: dict[str, bytes] = {
    "empty.json": b"",
    "text.txt": b"hello",
    "list.json": b"[1, 2, 3]",
    "object.json": b'{"a": 1}',
    "cut.zip": b"PK\x03\x04",
    "other.zip": b"PK\x05\x06" + bytes(18),
    "noise.bin": bytes(range(256)) * 40,
    "header.db": b"SQLite format 3\0" + bytes(84),
    "torn.db": b"SQLite format 3\0" + b"\x10\x00\x02\x02" + os.urandom(5000),
    "nul.json": bytes(5000),
    "deep.json": b"[" * 100_000,
}


@pytest.mark.parametrize("name", JUNK)
def test_what_is_no_export_is_refused_with_what_would_be_one(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(JUNK[name])
    with pytest.raises(InvalidInput) as refused:
        import_file(store, str(tmp_path / name))
    assert name in refused.value.message
    for kind in ("localchat", "chatgpt", "llm", "elia", "oterm"):
        with pytest.raises(InvalidInput, match=name):
            import_file(store, str(tmp_path / name), kind=kind)
    assert chats(store) == []


@pytest.mark.parametrize("name", ["", "not there.json", "a\0b", "/dev/null", "x" * 5000])
def test_a_path_that_cannot_be_read_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InvalidInput):
        import_file(store, name)


def test_an_empty_folder_is_no_export(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match="folder is no export"):
        import_file(store, str(tmp_path / "folder"))


def test_a_store_of_ours_is_named_as_one(store: Store) -> None:
    with pytest.raises(InvalidInput, match="is a store of localchat, or a backup of one"):
        import_file(store, str(store.path))


def test_a_folder_with_the_file_of_a_program_will_do(store: Store, take: Take, tmp_path: Path) -> None:
    home = tmp_path / "the home of elia"
    home.mkdir()
    with written(home / "elia.sqlite", ELIA) as db:
        elia_chat(db, 1, [("user", "hello")])
    assert take(home).label == "elia"


def test_names_with_everything_that_urls_use_are_opened(store: Store, take: Take, tmp_path: Path) -> None:
    odd = tmp_path / "a?b#c%20d&mode=rw é.sqlite"
    with written(odd, ELIA) as db:
        elia_chat(db, 1, [("user", "hello")])
    assert take(odd).chats_imported == 1


def test_a_dry_run_tells_the_same_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"), talk("c2", "two"), {"title": "bad"})
    before = fingerprints(store.path.parent)
    planned = import_file(store, str(file), dry_run=True)

    assert fingerprints(store.path.parent) == before
    done = import_file(store, str(file))
    assert {**planned.document(), "dry_run": False} == done.document()
    assert next(planned.lines()) == "Would import 2 chats with 4 messages from ChatGPT."


def test_what_people_are_told(store: Store, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"), {"title": "bad \x1b[2J one"})
    done = import_file(store, str(file))
    store.chats.trash(titled_id(store, "one"))

    assert list(done.lines()) == [
        "Imported 1 chat with 2 messages from ChatGPT.",
        "Models that are not here; chats show their names, and new turns use the default: openai/gpt-4o",
        "Not imported:",
        "  bad [2J one: it has no messages (no mapping)",
    ]
    assert list(import_file(store, str(file)).lines())[:3] == [
        "Imported 0 chats with 0 messages from ChatGPT.",
        "1 chat was here already.",
        "1 of them is in the trash here.",
    ]


def titled_id(store: Store, title: str) -> int:
    return next(chat.id for chat in store.chats.listing() if chat.title == title)


def test_a_chat_that_was_deleted_for_good_comes_back(store: Store, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"))
    import_file(store, str(file))
    store.chats.trash(titled_id(store, "one"))
    store.chats.empty_trash()

    assert import_file(store, str(file)).chats_imported == 1


# Models


def test_models_that_are_not_here_arrive_as_tombstones_and_change_nothing_else(store: Store, tmp_path: Path) -> None:
    providers, live, default = store.catalog.providers(), store.catalog.models(), store.catalog.default()
    import_file(store, str(chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"), talk("c2", "two"))))

    assert (store.catalog.providers(), store.catalog.models(), store.catalog.default()) == (providers, live, default)
    assert [(m.ref, m.removed, m.usable) for m in store.catalog.models("openai", removed=True)] == [
        ("openai/gpt-4o", True, False)
    ]
    chat = store.chats.get(titled_id(store, "one"))
    assert chat.model is not None
    assert (chat.model.ref, chat.model.removed, chat.remote_hosts) == ("openai/gpt-4o", True, ())


def test_a_live_model_of_that_name_is_used_switched_off_or_not(store: Store, tmp_path: Path) -> None:
    store.catalog.add_provider("openai", "openai", "https://api.example.org/v1")
    model = store.catalog.add_model("openai", "gpt-4o")
    store.catalog.switch_model(model.id, False)
    done = import_file(store, str(chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"))))

    assert done.models_added == []
    chat = store.chats.get(titled_id(store, "one"))
    assert chat.model is not None
    assert (chat.model.id, chat.model.removed) == (model.id, False)


async def test_the_next_turn_of_an_imported_chat_falls_back_and_says_so(store: Store, tmp_path: Path) -> None:
    from localchat import turns
    from localchat.testing import Script

    store.catalog.add_provider("play", "echo")
    store.catalog.make_default(store.catalog.add_model("play", "echo").id)
    import_file(store, str(chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"))))
    prompt = turns.NewTurn("And in summer?", chat_id=titled_id(store, "one"))
    async for _ in turns.send(store, Script("Rarely.").connect, prompt):
        pass
    reply = store.messages.line(store.chats.get(titled_id(store, "one")))[-1]

    assert (reply.content, reply.fallback_reason) == ("Rarely.", "removed")
    assert reply.fallback_from is not None
    assert reply.fallback_from.ref == "openai/gpt-4o"


def test_words_of_an_import_are_found_by_the_search(store: Store, tmp_path: Path) -> None:
    import_file(
        store, str(chatgpt_json(tmp_path / "conversations.json", talk("c1", "one", ("user", "Zauberlehrling"))))
    )
    from localchat.store.search.search import Query

    found = store.search.find(Query("zauberl"))

    assert [hit.chat_id for hit in found] == [titled_id(store, "one")]


# Sources in use


def test_a_source_is_left_as_it_was_and_can_be_written_meanwhile(store: Store, tmp_path: Path) -> None:
    """In a file without a write-ahead log a reader that stays would keep the other program from writing."""
    file = tmp_path / "elia.sqlite"
    with written(file, ELIA) as db:
        for number in range(1, 30):
            elia_chat(db, number, [("user", f"chat {number}")])
    before = fingerprints(tmp_path)["elia.sqlite"]
    assert import_file(store, str(file), dry_run=True).chats_imported == 29
    assert fingerprints(tmp_path)["elia.sqlite"] == before
    other = sqlite3.connect(file, timeout=0.2, isolation_level=None)

    def write(_: Imported) -> None:
        other.execute("insert into message (chat_id, role, content) values (1, 'user', 'meanwhile')")

    assert import_file(store, str(file), progress=write).chats_imported == 29
    other.close()


def test_what_is_still_in_the_log_of_a_running_program_is_read(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with written(file, OTERM):
        pass
    running = sqlite3.connect(file, isolation_level=None)
    running.execute("pragma journal_mode=wal").fetchall()
    running.execute("pragma wal_autocheckpoint=0").fetchall()
    running.execute("insert into chat (id, name, model) values (1, 'in the log', 'm')")
    oterm_message(running, 1, "user", "hello")
    assert Path(f"{file}-wal").stat().st_size > 0

    assert import_file(store, str(file)).chats_imported == 1
    oterm_message(running, 1, "user", "and it goes on")
    running.close()


def test_a_file_in_a_folder_that_cannot_be_written_is_read(store: Store, take: Take, tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir()
    file = folder / "logs.db"
    with written(file, "pragma journal_mode=wal;" + LLM_BEFORE) as db:
        db.execute("insert into conversations values ('01c', 'kept', 'gpt-4o')")
        response(db, "r1", "01c", prompt="hello", response="Hi.")
    folder.chmod(0o500)
    try:
        assert take(file).chats_imported == 1
    finally:
        folder.chmod(0o700)


CRASH = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size=1")
db.execute("begin")
db.execute("update message set content = 'half done'")
for number in range(400):
    db.execute("insert into message (chat_id, role, content) values (1, 'user', ?)", ("x" * 4000,))
print("now", flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_file_that_a_crash_left_half_written_is_read_as_it_was_before(
    store: Store, take: Take, tmp_path: Path
) -> None:
    file = tmp_path / "elia.sqlite"
    with written(file, ELIA) as db:
        elia_chat(db, 1, [("user", "as it was")], title="x")
    python("-c", CRASH, str(file), stdin=subprocess.DEVNULL).wait(30)
    assert Path(f"{file}-journal").stat().st_size > 0
    before = fingerprints(tmp_path)
    take(file)

    assert lines(titled(store, "x")) == [("user", "as it was")]
    assert {name: digest for name, digest in fingerprints(tmp_path).items() if name.startswith("elia")} == {
        name: digest for name, digest in before.items() if name.startswith("elia")
    }


# When the store itself fails


def test_a_full_disk_ends_the_import_and_says_what_is_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", *[talk(f"c{n}", f"chat {n}") for n in range(5)])
    take, left = Exchange.take, [3]

    def full(self: Exchange, chat: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise DiskFull("The disk is full; this was not saved.", "Free some space and try again.")
        return take(self, chat)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Exchange, "take", full)
        with pytest.raises(DiskFull) as error:
            import_file(store, str(file))
    assert error.value.hint == "Free some space and try again. 3 chats are in already; import again to go on."
    again = import_file(store, str(file))
    assert (again.chats_imported, again.chats_skipped) == (2, 3)


def test_an_import_that_is_killed_leaves_whole_chats(tmp_path: Path, path: Path) -> None:
    talks = [talk(f"c{n}", f"chat {n}", *[("user", "a"), ("assistant", "b")] * 10) for n in range(50)]
    file = chatgpt_json(tmp_path / "conversations.json", *talks)
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom localchat.store import Store\n"
        "from localchat.store.importing import import_file\n"
        "def stop(done):\n    if done.chats_imported == 30: os.kill(os.getpid(), 9)\n"
        "import_file(Store(Path(sys.argv[1])), sys.argv[2], progress=stop)\n"
    )
    assert python("-c", program, str(path), str(file)).wait(60) == -9
    with Store(path) as store:
        assert {len(chat.messages) for chat in chats(store)} == {20}
        assert len(chats(store)) == 30
        done = import_file(store, str(file))
        assert (done.chats_imported, done.chats_skipped) == (20, 30)


def test_two_imports_of_one_file_at_once_make_no_doubles(tmp_path: Path, path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", *[talk(f"c{n}", f"chat {n}") for n in range(40)])
    program = (
        "import sys\nfrom pathlib import Path\nfrom localchat.store import Store\n"
        "from localchat.store.importing import import_file\n"
        "with Store(Path(sys.argv[1])) as store:\n    sys.stdin.read(1)\n"
        "    print(import_file(store, sys.argv[2]).chats_imported)\n"
    )
    Store(path).close()
    running = [python("-c", program, str(path), str(file), stdin=subprocess.PIPE) for _ in range(2)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("!")
        process.stdin.flush()
    assert sum(int(ended(process)) for process in running) == 40
    with Store(path) as store:
        assert len(chats(store)) == 40
        assert len(store.catalog.models("openai", removed=True)) == 1


def test_times_of_chats_that_tell_none_are_those_of_the_file(store: Store, tmp_path: Path) -> None:
    chat = talk(create_time=None, update_time=None)
    for each in chat["mapping"].values():
        if each["message"]:
            each["message"]["create_time"] = None
    file = chatgpt_json(tmp_path / "conversations.json", chat)
    os.utime(file, (1772445600, 1772445600))
    import_file(store, str(file))

    assert chats(store)[0].created_at == "2026-03-02T10:00:00.000Z" < stamp(utc_now())
