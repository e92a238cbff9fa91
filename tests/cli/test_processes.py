"""The program as a process: signals, pipes, terminals, and several at once."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from localchat.records import Message
from localchat.store import Store
from tests.cli.conftest import Run, command, start

SLOW = "/echo slow 0.3 one two three four five six seven eight nine ten"


def last_message(store: Store) -> Message:
    chat = store.chats.last()
    assert chat is not None
    return store.messages.line(chat)[-1]


def until_it_speaks(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return os.read(process.stdout.fileno(), 100)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_reply_and_keeps_what_came(echo: Store, number: int, status: int) -> None:
    process = start("ask", SLOW)
    said = until_it_speaks(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=10)

    assert process.returncode == status
    assert err.decode() == "Stopped. What came is kept: `localchat chats show 1`.\n"
    kept = last_message(echo)
    assert (kept.status, kept.content.encode()) == ("stopped", said + out)
    assert kept.content.startswith("one")


def test_ctrl_c_with_json_prints_the_stopped_turn(echo: Store) -> None:
    process = start("ask", "--json", SLOW)
    while echo.chats.last() is None:
        time.sleep(0.02)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)

    assert process.returncode == 130
    assert b'"status": "stopped"' in out


def test_ctrl_c_while_standard_input_is_read_stores_nothing(echo: Store) -> None:
    process = start("ask", "sum up", stdin=subprocess.PIPE)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err) == (130, b"", b"")
    assert echo.chats.last() is None


def test_a_reply_whose_process_was_killed_is_found_interrupted(echo: Store, real: Run) -> None:
    process = start("ask", SLOW)
    until_it_speaks(process)
    time.sleep(0.3)  # a reply is saved every quarter of a second
    process.kill()
    process.communicate(timeout=10)

    reply = real("chats", "show", "1", "--json").json["messages"][1]
    assert (reply["status"], reply["content"].split()[0]) == ("interrupted", "one")
    assert "(interrupted; something may be missing)" in real("chats", "show", "1").out


def test_ctrl_c_is_heard_while_another_program_keeps_the_store_locked(echo: Store) -> None:
    echo.connection.execute("begin immediate")
    process = start("ask", "hello")
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    echo.connection.execute("rollback")

    assert (process.returncode, out, err) == (130, b"", b"")
    assert echo.chats.last() is None


def test_a_reader_that_goes_away_is_no_error_and_the_reply_is_kept(echo: Store) -> None:
    process = start("ask", SLOW)
    until_it_speaks(process)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    assert process.wait(timeout=10) == 0
    assert process.stderr.read() == b""
    process.stderr.close()
    kept = last_message(echo)
    assert kept.status == "stopped"
    assert kept.content.startswith("one two")


def test_a_reader_that_wants_only_the_first_lines_of_a_list_is_no_error(echo: Store) -> None:
    for number in range(3000):
        echo.connection.execute("insert into chats (title) values (?)", (f"chat number {number}",))
    process = start("chats", "list")
    first = until_it_speaks(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None

    assert first.startswith(b"ID ")
    assert (process.wait(timeout=10), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_slow_reader_does_not_keep_the_reply_from_being_saved(echo: Store, tmp_path: Path) -> None:
    text = f"{'w' * 50_000} " * 10  # more than a pipe holds
    (tmp_path / "words").write_text(text)
    with (tmp_path / "words").open("rb") as words:
        process = start("ask", stdin=words)
    deadline = time.monotonic() + 20
    while echo.chats.last() is None or last_message(echo).status == "streaming":
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert last_message(echo).status == "complete"
    assert process.communicate(timeout=10)[0].decode() == text


def test_a_full_disk_behind_standard_output_is_told(echo: Store) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command("ask", "hello"), stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: Standard output cannot be written (No space left on device).")
    assert last_message(echo).content == "hello"


def test_into_a_pipe_the_text_goes_raw(echo: Store, real: Run) -> None:
    nasty = "a\x1b]0;title\x07b\r\nc\x9b2J d‮e 漢字 🙂"

    assert real("ask", stdin=nasty).out == nasty


def at_a_terminal(*words: str, keys: bytes = b"") -> tuple[int, bytes]:
    """Run with all three streams at a terminal; the exit status and what reached the screen."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command(*words), stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    if keys:
        os.write(leader, keys)
    screen = b""
    try:
        while part := os.read(leader, 4096):
            screen += part
    except OSError:  # Linux says so when the last one has left
        pass
    os.close(leader)
    return process.wait(timeout=20), screen.replace(b"\r\n", b"\n")


def test_to_a_terminal_no_control_character_goes_but_newline_and_tab(echo: Store, real: Run) -> None:
    nasty = "a\x1b]0;title\x07b\r\nc\x9b2J\td‮e"
    code, screen = at_a_terminal("ask", nasty)

    assert code == 0
    assert screen.decode() == "Chat 1\na]0;titleb\nc2J\tde\n"
    _, transcript = at_a_terminal("chats", "show", "1")
    assert "a]0;titleb\nc2J\tde\n" in transcript.decode()
    assert not set(transcript.decode()) & set("\x1b\x07\x9b‮\r")
    _, document = at_a_terminal("chats", "show", "1", "--json")
    assert not set(document.decode()) & set("\x1b\x07\x9b‮\r")


def test_at_a_terminal_a_person_is_asked_before_words_leave_the_machine(echo: Store, real: Run) -> None:
    real("ask", "a secret")
    echo.catalog.add_provider("far", "openai", "http://192.0.2.1:9/v1")
    echo.catalog.add_model("far", "m")
    echo.catalog.remove_provider("play", echo.catalog.live("far/m").id)
    code, screen = at_a_terminal("ask", "-c", "more", keys=b"n\n")

    assert code == 1
    assert b"Send this chat to 192.0.2.1:9? [y/N]" in screen
    assert b"Nothing was sent." in screen
    assert last_message(echo).content == "a secret"


def test_at_a_terminal_a_removal_is_asked_for(echo: Store) -> None:
    code, screen = at_a_terminal("models", "remove", "play/echo", keys=b"n\n")

    assert code == 1
    assert b"play/echo is your default. It will be local/smollm2" in screen
    assert echo.catalog.live("play/echo").is_default
    code, screen = at_a_terminal("models", "remove", "play/echo", keys=b"y\n")
    assert code == 0
    assert "Default: play/echo → local/smollm2.".encode() in screen


def test_eight_first_starts_at_once_all_answer(path: Path, real: Run) -> None:
    assert not path.exists()
    running = [start("models", "list", "--json") for _ in range(8)]
    told = [process.communicate(timeout=60) for process in running]

    assert [(process.returncode, err) for process, (_, err) in zip(running, told, strict=True)] == [(0, b"")] * 8


def test_eight_asks_at_once_lose_nothing(echo: Store) -> None:
    running = [start("ask", f"question {number}") for number in range(8)]
    told = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0] * 8
    assert [out.decode() for out, _ in told] == [f"question {number}" for number in range(8)]
    assert sorted(chat.title for chat in echo.chats.listing()) == [f"question {number}" for number in range(8)]


def test_the_reply_comes_as_it_is_spoken(echo: Store) -> None:
    began = time.monotonic()
    process = start("ask", "/echo slow 1.5 one two three")
    first = until_it_speaks(process)
    took = time.monotonic() - began
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)

    assert first == b"one"
    assert took < 1.5
