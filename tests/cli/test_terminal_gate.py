"""The last gate before the terminal of a command."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from localchat.cli.terminal_gate import GatedStream
from localchat.text import REPORT

BUG = """
import sys, threading
from localchat.cli.program import _prepare_streams
_prepare_streams()
bug = "a\\x1b]2;title\\x07b\\x9b2Jc"
thread = threading.Thread(target=lambda: 1 / 0 if not bug else exec("raise ValueError(bug)"))
thread.start(), thread.join()
print(bug)
sys.stderr.writelines([bug, "\\r\\x1b[Kours\\n"])
raise ValueError(bug)
"""


@pytest.fixture(autouse=True)
def here_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere a test fails where anything was stopped."""
    monkeypatch.delenv(REPORT)


@pytest.mark.parametrize("text", ["a\tb\n", "\r\x1b[Khalf of it", "\x1b[1m\x1b[4mfound\x1b[0m", "中 👍🏽 é"])
def test_what_a_command_writes_goes_through_as_it_is(text: str) -> None:
    stream = io.StringIO()
    gate = GatedStream(stream)
    assert gate.write(text) == len(text)
    assert (stream.getvalue(), gate.stopped) == (text, 0)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b]52;c;aGk=\x07", "]52;c;aGk="),
        ("a\rb", "ab"),
        ("\x1b[31mred\x1b[0m", "[31mred\x1b[0m"),
        ("\x1b[2J\x1b[H", "[2J[H"),
        ("\x9b2J\x85", "2J"),
        ("\u202eabc\0", "abc"),
        ("\x1b[1mbold\x1b[0m\x1bc", "\x1b[1mbold\x1b[0mc"),
    ],
)
def test_what_a_text_holds_is_read_and_not_obeyed(text: str, left: str) -> None:
    stream = io.StringIO()
    gate = GatedStream(stream)
    gate.write(text)
    assert (stream.getvalue(), gate.stopped) == (left, len(text) - len(left))


@pytest.mark.skipif(sys.platform == "win32", reason="a pty needs a POSIX system")
def test_what_threads_and_python_itself_print_to_a_terminal_passes_it() -> None:
    master, slave = os.openpty()
    program = subprocess.Popen([sys.executable, "-c", BUG], stdout=slave, stderr=slave)
    os.close(slave)
    written = b""
    while part := _read(master):
        written += part
    os.close(master)
    assert program.wait() == 1
    assert written.count(b"a]2;titleb2Jc") == 4, written
    assert written.replace(b"\r\n", b"").replace(b"\r\x1b[K", b"").isascii()
    assert not any(byte < 32 for byte in written.replace(b"\r\n", b"").replace(b"\r\x1b[K", b""))


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # the program has ended
        return b""
