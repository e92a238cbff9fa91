"""The whole way: the real program in a real terminal, on a real file."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.store import Store
from localchat.testing import known_store
from tests.e2e.terminal import Terminal

SLOW = "/echo slow 0.2 one two three four five six seven eight nine ten eleven twelve"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    known_store(path).close()
    return path


def messages(path: Path) -> list[tuple[str, str, str]]:
    """Role, status and content as any SQLite client reads them."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select role, status, content from messages order by id").fetchall()
    finally:
        connection.close()


def test_a_crash_in_mid_reply_loses_nothing_and_the_reply_is_marked(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        terminal.say(SLOW)
        terminal.wait_for("│  one two three")
        terminal.kill()
    role, status, content = messages(store)[-1]
    assert (role, status) == ("assistant", "streaming")
    assert content.startswith("one two")  # all but what came in the last quarter of a second
    with Terminal(store) as terminal:
        terminal.wait_for("/echo slow", "│  one two", "Interrupted", "ctrl+r asks again")
        assert messages(store)[-1][:2] == ("assistant", "interrupted")
        assert messages(store)[-1][2] == content
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0


def test_removing_a_provider_by_keys_falls_back_and_says_so(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "★ a1")
        terminal.press("f2")
        terminal.wait_for("zeta", "Models of")
        for _ in range(6):
            if "Models of zeta" in terminal.text:
                break
            terminal.press("j")
            terminal.settle()
        terminal.wait_for("Models of zeta")
        terminal.press("d")
        terminal.wait_for("Remove zeta?", "1 chat")
        terminal.press("enter")
        terminal.wait_for("Removed zeta")
        assert _has_removed(store)
        terminal.press("escape")
        terminal.wait_for("z1 was removed. New turns use ★ a1.")
        terminal.say("Still there?")
        terminal.wait_for("z1 was removed. a1 answers now.", "a1 · alpha")
        terminal.press("f8")
        terminal.wait_for("z1 · zeta", gone="New turns use")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0


def _has_removed(path: Path) -> bool:
    with Store(path) as store:
        return all(provider.name != "zeta" for provider in store.catalog.providers())


@pytest.mark.parametrize("end", ["quit", "hang up", "terminate", "escape"])
def test_leaving_in_mid_reply_keeps_what_came(store: Path, end: str) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Write a message")
        terminal.say(SLOW)
        terminal.wait_for("│  one two three")
        match end:
            case "quit":
                terminal.press("ctrl+q")
                assert terminal.wait_until_it_ends() == 0
            case "hang up":
                terminal.process.kill(signal.SIGHUP)
                terminal.wait_until_it_ends()
            case "terminate":
                terminal.process.kill(signal.SIGTERM)
                terminal.wait_until_it_ends()
            case "escape":
                terminal.press("ctrl+c")
                terminal.wait_for("escape stops the reply")
                terminal.press("escape")
                terminal.wait_for("Stopped. What came is kept.")
    role, status, content = messages(store)[-1]
    assert (role, status) == ("assistant", "stopped")
    assert content.startswith("one two three")
    assert "twelve" not in content


def test_closing_the_window_in_mid_reply_keeps_what_came(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Write a message")
        terminal.say(SLOW)
        terminal.wait_for("│  one two three")
        terminal.process.ptyproc.fileobj.close()  # what the closing of a window does; nothing kills the program
        until = time.monotonic() + 20
        while terminal.process.isalive():
            assert time.monotonic() < until, "it hangs without its terminal"
            time.sleep(0.02)
    with Store(store) as again:
        chat = again.chats.last()
        assert chat is not None
        reply = again.messages.line(chat)[-1]
    assert reply.status == "stopped"
    assert reply.content.startswith("one two three")


def test_no_byte_of_what_a_model_says_drives_the_terminal(store: Path) -> None:
    payload = "\x1b]0;pwned\x07\x1b]52;c;cHduZWQ=\x07\x9b31mred\x1b[2J‮"
    connection = sqlite3.connect(store)
    connection.execute("update messages set content = content || ? where id = 4", (f" then {payload} done",))
    connection.execute("update chats set title = ? where id = 2", (f"Title {payload}",))
    connection.commit()
    connection.close()
    with Terminal(store) as terminal:
        terminal.wait_for("BEGIN IMMEDIATE", "done")
        terminal.press("ctrl+q")
        terminal.wait_until_it_ends()
        raw = terminal.raw
    for forbidden in (b"\x1b]0;pwned", b"\x1b]52;", b"\x9b31m", "\u202e".encode()):
        assert forbidden not in raw


def test_a_newcomer_gets_an_answer_from_the_model_in_the_box(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "new" / "chats.db"
    with Terminal(path, environ={"LOCALCHAT_MODELS": str(weights.parent)}) as terminal:
        terminal.wait_for("Models come and go. Chats stay.", "SmolLM2 135M will answer", "★ smollm2")
        terminal.say("What is the capital of France? Answer in one short sentence.")
        terminal.wait_for("smollm2 · local", " tokens", seconds=90)
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
    role, status, content = messages(path)[-1]
    assert (role, status) == ("assistant", "complete")
    assert len(content.split()) >= 1


def test_the_demo_leads_through_a_removal_and_back_and_touches_nothing(tmp_path: Path) -> None:
    own = {"LOCALCHAT_MODELS": str(tmp_path / "models"), "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    with Terminal(tmp_path / "own.db", "demo", environ=own) as terminal:
        terminal.wait_for("enter sends “And with WAL?”", "★ atlas-large")
        terminal.press("enter")
        terminal.wait_for("set a busy timeout.", "f2 shows who answers here")
        terminal.press("f2")
        terminal.wait_for("d removes it")
        terminal.press("d")
        terminal.wait_for("Remove atlas?", "enter removes it")
        terminal.settle()
        terminal.press("enter")
        terminal.wait_for("atlas is gone; no chat is", "★ parrot")
        terminal.press("escape")
        terminal.wait_for("Its model was removed")
        terminal.say("Anybody there?")
        terminal.wait_for("atlas-large was removed. parrot answers now.", "f8 brings atlas back")
        terminal.press("f8")
        terminal.wait_for("atlas is back, and so is this chat", "★ atlas-large")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
    assert not list(tmp_path.rglob("*.db*")), "nothing stays, and the person's own store was not made"


def test_quitting_while_another_program_holds_the_store_says_where_the_words_are(store: Path) -> None:
    other = sqlite3.connect(store, isolation_level=None)
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Write a message")
        other.execute("begin immediate")
        terminal.say("not lost")
        terminal.wait_for("The store is locked. Waiting to send “not lost”")
        terminal.press("f1")
        terminal.wait_for("Every key")
        terminal.press("escape")
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 1
        kept = store.with_name("chats-unsaved.txt")
        assert "could not be stored" in terminal.raw.decode()
        assert kept.name in terminal.raw.decode()
    other.close()
    assert "not lost" in kept.read_text()
