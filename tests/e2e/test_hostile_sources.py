"""What comes while the program runs, from a server, an editor, a paste, a file's name: seen on the raw bytes."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.payload import PAYLOAD, check, check_written, poison
from tests.e2e.terminal import Terminal

ENTITIES = "&#x202e;&#27;]2;T&#7;&lrm;&#155;2J"
REPLY = f"Begin{PAYLOAD}\n\n| a{PAYLOAD} |\n|---|\n| b{PAYLOAD} |\n\n[go{PAYLOAD}](http://x/{PAYLOAD}) {ENTITIES}\n\n"
CODE = f"```{PAYLOAD}\ncode{PAYLOAD}\n```\n\n- [x] item{PAYLOAD}\n\n# Finished"
EVENTS = [{"reasoning_content": letter} for letter in f"Hm{PAYLOAD}"] + [{"content": each} for each in REPLY + CODE]


class Hostile(BaseHTTPRequestHandler):
    """Lists models, and replies letter by letter, so that every sequence comes in parts; where the prompt says
    ``fail``, with an error. Every word of it holds the payload."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(200, {"data": [{"id": f"model-{name}{PAYLOAD}", "name": PAYLOAD} for name in "abc"]})

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        if b"fail" in asked.rpartition(b'"role"')[2]:
            self._answer(500, {"error": {"message": f"It broke{PAYLOAD}", "code": PAYLOAD, "type": PAYLOAD}})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for delta in EVENTS:
            self._event({"delta": delta, "finish_reason": None})
        self._event({"delta": {}, "finish_reason": f"stop{PAYLOAD}"})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, choice: dict[str, Any]) -> None:
        event = {"id": PAYLOAD, "model": PAYLOAD, "choices": [{"index": 0, **choice}]}
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def hostile() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def pasted(text: str) -> str:
    """As a terminal brackets it; terminals take the escape character out themselves."""
    return f"\x1b[200~{text.replace(chr(27), '')}\x1b[201~"


PASTE = pasted(f"paste{PAYLOAD}")
ESCAPE, F2, F6 = "\x1b", "\x1bOQ", "\x1b[17~"
CTRL_A, CTRL_B, CTRL_F, CTRL_K, CTRL_P, CTRL_Q, CTRL_Y = (chr(ord(key) - 96) for key in "abfkpqy")
# What is typed; what stands on the screen then, and what does not any more: the next key is for what is there by then.
WALK = [
    ("hello\r", "Finished", ""),
    (CTRL_Y, "Copied the last reply", ""),
    ("fail\r", "failed (500)", ""),
    (PASTE, "❯ paste", ""),
    (F6, "edited", ""),
    (CTRL_P, "Search for commands", ""),
    (PASTE, "No matches found", ""),
    (ESCAPE, "f4 Instructions", "No matches found"),
    (CTRL_K, "Go to a chat", ""),
    (PASTE, "No title has the letters", ""),
    (ESCAPE, "f4 Instructions", "Go to a chat"),
    (CTRL_F, "f4 Who", ""),
    (PASTE, "paste", ""),
    (ESCAPE, "f4 Instructions", "f4 Who"),
    (CTRL_B, "e Rename", ""),
    ("e", "Rename chat", ""),
    (PASTE, "paste", ""),
    ("\r", "e Rename", "Rename chat"),
    ("/", "filter by title", ""),
    (PASTE, "Today", "filter by title"),
    (ESCAPE, "e Rename", ""),
    (ESCAPE, "f4 Instructions", "e Rename"),
    (F2, "Models of evil", ""),
    ("D", "model-c", ""),
    (CTRL_A, "3 models ticked", ""),
    ("\r", "a character that cannot be seen", ""),
    (ESCAPE, "D Discover", "models ticked"),
    ("\x1b[C", "* Default", ""),
    ("a", "Add a model of evil", ""),
    (PASTE, "paste", ""),
    (ESCAPE, "Discard what you typed?", ""),
    ("y", "* Default", "Add a model of evil"),
]


EVIL = f"evil{PAYLOAD}".replace("\0", "")
# What a command is given, and what it finds in the store or at the server.
COMMANDS: list[tuple[str, ...]] = [
    ("chats", "list"),
    ("chats", "list", "--trash"),
    ("chats", "show", "2"),
    ("chats", "show", "2", "--json"),
    ("chats", "show", "999"),
    ("chats", "search", "database"),
    ("chats", "search", EVIL),
    ("chats", "export", "2"),
    ("chats", "export", "2", "--format", "json"),
    ("chats", "export", "2", "-o", f"{EVIL}/there.md"),
    ("chats", "rename", "1", EVIL),
    ("chats", "fork", "2"),
    ("chats", "delete", "1"),
    ("chats", "delete", "1", "--forever"),
    ("chats", "model", "2", EVIL),
    ("chats", "tag", EVIL),
    ("providers", "list"),
    ("providers", "log"),
    ("providers", "add", EVIL, "--kind", "echo"),
    ("providers", "add", "x", "--kind", EVIL),
    ("providers", "add", "x", "--kind", "openai", "--base-url", f"http://{EVIL}/"),
    ("providers", "add", "x", "--kind", "openai", "--base-url", "http://127.0.0.1:9/", "--key-env", EVIL),
    ("providers", "remove", "alpha", "--dry-run"),
    ("providers", "remove", "alpha"),
    ("providers", "restore", EVIL),
    ("models", "list", "--all"),
    ("models", "default", EVIL),
    ("models", "edit", EVIL, "-o", f"{EVIL}=1"),
    ("models", "discover", "evil"),
    ("models", "remove", "evil/m"),
    ("undo", "--list"),
    ("import", EVIL),
    *(("import", f"FILES/{name}") for name in ("words.json", "odd.json", "named.json", "zip.zip", "store.db")),
    ("restore", EVIL),
    ("backup", f"{EVIL}/there"),
    ("doctor",),
    ("doctor", "--rescue", f"{EVIL}/there.db"),
    ("ask", "-m", "evil/m", "hello"),
    ("ask", "-m", "evil/m", "fail"),
    ("ask", "-m", "evil/m", "--extract", "hello"),
    ("ask", "-m", "evil/m", "--json", "hello"),
    ("ask", "-m", f"evil/{EVIL}", "hello"),
    ("ask", "--chat", "2", "hello"),
    ("ask", "-o", f"{EVIL}=1", "hello"),
    (EVIL,),
    ("chats", EVIL),
    ("chats", "list", f"--{EVIL}"),
]
RUN = """
import json, sys
from localchat.cli import localchat
for number, words in enumerate(json.loads(sys.argv[1])):
    print("-- command", number)
    try:
        localchat.main(words, prog_name="localchat")
    except SystemExit:
        pass
"""


def run_in_terminal(words: list[str], environ: dict[str, str], answers: bytes) -> bytes:
    """What a program writes to its terminal until it ends; ``answers`` are typed ahead."""
    master, slave = os.openpty()
    with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **environ}) as program:
        os.close(slave)
        os.write(master, answers)
        raw = b""
        with contextlib.suppress(OSError):  # it has ended
            while part := os.read(master, 65536):
                raw += part
        assert program.wait(60) == 0
    os.close(master)
    return raw


def hostile_files(folder: Path) -> Path:
    """What is no export of anything, or says that it is one."""
    (folder / "words.json").write_text(EVIL)
    (folder / "odd.json").write_text(json.dumps({"format": PAYLOAD, "version": PAYLOAD, PAYLOAD: [PAYLOAD]}))
    message = {"id": PAYLOAD, "message": {"author": {"role": PAYLOAD}, "content": {"content_type": PAYLOAD}}}
    (folder / "named.json").write_text(json.dumps([{"title": PAYLOAD, "mapping": {PAYLOAD: message}}] * 2))
    with zipfile.ZipFile(folder / "zip.zip", "w") as archive:
        archive.writestr(f"{EVIL}.json", EVIL)
        archive.writestr("conversations.json", f'[{{"title": {json.dumps(PAYLOAD)}, {EVIL}')
    with contextlib.closing(sqlite3.connect(folder / "store.db")) as other:
        other.execute(f'create table "{EVIL}" ("{EVIL}" text)')
    return folder


def test_a_host_that_the_person_is_asked_about_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    with known_store(path) as store:
        store.catalog.add_provider("far", "openai", "https://far.invalid/v1")
        store.catalog.make_default(store.catalog.add_model("far", "f1").id)
        store.catalog.remove_provider("zeta")
        store.connection.execute(
            "update providers set base_url = ? where name = 'far'", (f"https://far.invalid{PAYLOAD}/v1",)
        )
    with Terminal(path) as terminal:
        terminal.wait_for("Locks in SQLite", "★ f1")
        terminal.say("A secret")
        terminal.wait_for("Keep it here")
        terminal.press("y")
        terminal.wait_for("A secret", gone="Keep it here")
        terminal.settle()
        terminal.type(CTRL_Q)
        terminal.wait_until_it_ends()
        check(terminal)


def test_nothing_that_a_command_is_given_or_finds_steers_the_terminal(tmp_path: Path) -> None:
    poisoned, sound = tmp_path / "poisoned.db", tmp_path / "sound.db"
    known_store(poisoned).close()
    assert poison(poisoned, against_its_rules=True) > 25
    with hostile() as address:
        with known_store(sound) as store:
            store.catalog.add_provider("evil", "openai", address)
            store.catalog.add_model("evil", "m")
        files = str(hostile_files(tmp_path))
        commands = [
            [*(word.replace("FILES", files) for word in words), "--db", str(path)]
            for path in (poisoned, sound)
            for words in COMMANDS
        ]
        environ = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        raw = run_in_terminal([sys.executable, "-c", RUN, json.dumps(commands)], environ, b"n\n" * 20)
    assert f"-- command {2 * len(COMMANDS) - 1}\r\n".encode() in raw
    assert b"# Finished" in raw
    assert raw.count(b"]52;c;Y3VybA==") > 2 * len(COMMANDS), "most of them say what they were given"
    check_written(raw)


def test_nothing_that_comes_while_the_program_runs_steers_the_terminal(tmp_path: Path) -> None:
    path, editor = tmp_path / "chats.db", tmp_path / "editor"
    editor.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'a').write('edited' + {PAYLOAD!r})\n")
    editor.chmod(0o755)
    with hostile() as address:
        with known_store(path) as store:
            store.catalog.add_provider("evil", "openai", address)
            store.catalog.make_default(store.catalog.add_model("evil", "m").id)
        with Terminal(path, environ={"EDITOR": str(editor)}) as terminal:
            terminal.wait_for("Locks in SQLite")
            terminal.type("\x0e")
            terminal.wait_for("m · evil will answer")
            for typed, seen, gone in WALK:
                terminal.type(typed)
                terminal.settle(0.1)
                terminal.wait_for(seen, gone=gone)
            terminal.type(CTRL_Q)
            assert terminal.wait_until_it_ends() == 0
            check(terminal)
