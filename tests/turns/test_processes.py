"""Real processes on one store: several that send at once, and one that is killed in the middle of its reply."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from tests.store.helpers import ended, python
from tests.turns.helpers import RAIN, chat, last, seen

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
WORDS = " ".join(f"w{number}" for number in range(1000))


def sender(path: Path, chat_id: int, times: int, text: str) -> subprocess.Popen[str]:
    return python("-m", "tests.turns.workers", str(path), str(chat_id), str(times), text)


@contextlib.contextmanager
def answering(path: Path, chat_id: int, pause: float, text: str) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a reply, a word every ``pause`` seconds."""
    process = sender(path, chat_id, 1, f"/echo slow {pause} {text}")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str], words: int) -> list[tuple[float, str]]:
    """The next words that it tells, with the time when."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(words)]
    return [(float(line.split(" ", 1)[0]), line.rstrip("\n").split(" ", 1)[1]) for line in lines]


def test_processes_that_send_into_one_chat_at_once_lose_no_message(store: Store, path: Path) -> None:
    chat_id, names, times = chat(store, RAIN).id, ("red", "green", "blue"), 15
    running = [sender(path, chat_id, times, f"{name} N one two") for name in names]
    for process in running:
        assert ended(process).count("ended complete") == times
    after = store.chats.get(chat_id)
    messages = store.messages.line(after)
    assert after.length == 2 + 2 * len(names) * times
    questions = {m.id: m.content for m in messages if m.role == "user"}
    for name in names:
        asked = [f"{name} {number} one two" for number in range(times)]
        assert [content for content in questions.values() if content.startswith(name)] == asked
    # A question asked while the reply to another one was still empty is sent together with that one.
    replies = {m.parent_id: m.content for m in messages[2:] if m.role == "assistant"}
    assert all(replies[id_].endswith(content) for id_, content in list(questions.items())[1:])
    assert {m.status for m in messages} == {"complete"}


def test_a_kill_in_the_middle_of_a_reply_keeps_what_was_told_until_a_moment_before(store: Store, path: Path) -> None:
    chat_id = chat(store, RAIN).id
    with answering(path, chat_id, 0.02, WORDS) as process:
        came = told(process, 40)
        process.kill()
        killed = time.monotonic()
        process.wait()
        assert process.stdout is not None
        rest = [line.rstrip("\n").split(" ", 1) for line in process.stdout]
        came += [(float(parts[0]), parts[1]) for parts in rest if len(parts) == 2]
    with Store(path) as again:
        message = last(again, chat_id)
    assert message.status == "interrupted"
    assert message.error is None
    assert WORDS.startswith(message.content)
    safe = "".join(word for at, word in came if at < killed - 0.5)  # 0.25, and as much for a machine that is busy
    assert safe
    assert message.content.startswith(safe)
    assert seen(path, "select role, content from messages where id = ?", message.parent_id) == [
        ("user", f"/echo slow 0.02 {WORDS}")
    ]


@pytest.mark.parametrize("paused", [False, True], ids=["running", "stopped by a signal"])
def test_the_reply_of_a_living_process_is_left_alone(store: Store, path: Path, paused: bool) -> None:
    chat_id = chat(store, RAIN).id
    with answering(path, chat_id, 0.05, "one two three four five six") as process:
        told(process, 1)
        if paused:
            process.send_signal(signal.SIGSTOP)
        with Store(path) as again:
            assert last(again, chat_id).status == "streaming"
            assert again.messages.mark_interrupted() == 0
        if paused:
            process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        assert process.stdout.read().endswith("ended complete\n")
    assert (last(store, chat_id).status, last(store, chat_id).content) == ("complete", "one two three four five six")


def test_a_window_that_stays_open_marks_the_reply_of_one_that_was_killed(store: Store, path: Path) -> None:
    chat_id = chat(store, RAIN).id
    with answering(path, chat_id, 0.05, WORDS) as process:
        told(process, 2)
        assert store.messages.mark_interrupted() == 0
        process.kill()
        process.wait()
        assert store.changed_elsewhere()
        assert store.messages.mark_interrupted() == 1
        assert store.messages.mark_interrupted() == 0
    assert last(store, chat_id).status == "interrupted"
