"""``doctor --fix`` and ``doctor --rescue`` as a person in trouble runs them."""

from __future__ import annotations

from pathlib import Path

from localchat.store import Store
from localchat.store.backups import folder_of
from localchat.testing import known_store
from tests.cli.conftest import Run
from tests.store.helpers import raw
from tests.store.test_damage import damage


def test_fix_puts_right_links_lines_streams_and_what_killed_backups_left(run: Run, path: Path) -> None:
    known_store(path).close()
    folder_of(path).mkdir()
    (folder_of(path) / ".2026-01-01-0001-daily.db.abcd.part").write_bytes(b"half")
    with raw(path) as connection:
        connection.execute("pragma foreign_keys=off")
        connection.execute(
            "insert into messages (chat_id, role, depth, content) values (77, 'user', 0, 'of a lost chat')"
        )
        connection.execute("update chats set leaf_id = 999 where id = 1")
        connection.execute("update messages set depth = 9 where id = 2")
        connection.execute("update message_words_data set block = zeroblob(3) where id > 10")
    assert run("doctor", "--json").code == 1
    with raw(path) as connection:
        connection.execute("update messages set status = 'streaming', writer = '1 0.00 -' where id = 4")
    fixed = run("doctor", "--fix", "--json")
    told = "\n".join(fixed.json["fixed"])
    for part in ("messages were left found", "end of the line", "place in the tree", "interrupted", "search index"):
        assert part in told
    assert "1 unfinished backup removed" in told
    checks = {check["name"]: check for check in fixed.json["checks"]}
    assert checks["integrity"]["ok"]
    assert checks["search"]["ok"]
    assert run("doctor", "--fix", "--json").json["fixed"] == []
    with Store(path) as store:
        assert [message.content for message in store.messages.line(store.chats.get(77))] == ["of a lost chat"]
        assert len(store.messages.line(store.chats.get(1))) == 2
    assert not list(folder_of(path).iterdir())


def test_rescue_says_what_it_found_and_what_is_missing_and_how_to_go_on(run: Run, path: Path, tmp_path: Path) -> None:
    known_store(path).close()
    damage(path, "catalog_events")
    before = path.read_bytes()
    refused = run("providers", "remove", "beta", "--yes", "--json")
    assert refused.error["code"] == "store_damaged"
    file = tmp_path / "rescued.db"
    done = run("doctor", "--rescue", str(file))
    assert done.code == 0, done.err
    assert "Rescued 2 chats with 4 messages" in done.out
    assert "missing" in done.out
    assert f"`localchat restore {file}`" in done.out
    assert path.read_bytes() == before
    assert run("doctor", "--rescue", str(file), "--json").error["code"] == "already_exists"
    assert run("restore", str(file), "--yes").code == 0
    assert run("providers", "remove", "beta", "--yes").code == 0
