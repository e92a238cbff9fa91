"""Every field of the store holds what a terminal would obey, and every screen shows it: seen on the raw bytes."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.terminal import Terminal

# Clipboard, title, cleared screen, device control, C1 CSI and OSC, zero, bell, delete, reading order, reset.
PAYLOAD = (
    "\x1b]52;c;Y3VybA==\x07\x1b]2;T\x1b\\\x1b]0;T\x07\x1b[2J\x1b[?1049l\x1bP$qm\x1b\\\x9b2J\x9d2;T\x9c\0\x07\x7f\u202e\u2066"
    "\u200f\x1bc"
)
# Columns whose words the program compares with its own; what stands there instead is another test's matter.
WORDS = {"kind", "key_source", "role", "status", "by", "action", "fallback_reason", "finish_reason", "media_type"}
# What the program itself may send, told once more here, apart from the gate. A pty turns each line's end into two.
OURS = re.compile(
    r"\x1b\[[0-9;]*[mH]|\x1b\[\?(?:7|25|100[0346]|1015|1016|1049|2004|2026|2048)(?:[hl]|\$p)|\x1b\[(?:>\d+|<)u|\x1b\]22;[a-z-]*\x07|\r\n"
)
OBEYED = re.compile(r"[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def poison(path: Path) -> int:
    """Write the payload to the end of every text there is, as another program could; how many columns."""
    plain = sqlite3.connect(path)
    plain.execute("pragma ignore_check_constraints=on")
    stays = plain.execute("select name, sql from sqlite_master where type = 'trigger' and tbl_name = 'catalog_events'")
    triggers = stays.fetchall()
    for name, _ in triggers:
        plain.execute(f"drop trigger {name}")
    plain.execute("insert into personas values ('Teacher', 'You teach.')")
    plain.execute("update chats set draft = 'a draft', system = 'Be short.', parameters = '{\"stop\": \"x\"}'")
    plain.execute("update model_configs set path = '/tmp/weights' where provider = 'zeta'")
    plain.execute("update providers set base_url = 'http://127.0.0.1:9/', key_source = 'env', key_name = 'A_KEY'")
    plain.execute(
        "insert into messages (chat_id, parent_id, role, status, error_code, error_message, error_hint, reasoning)"
        " select chat_id, id, 'assistant', 'failed', 'provider_unavailable', 'It failed.', 'Ask again.', 'Hm.'"
        " from messages where role = 'user'"
    )
    plain.execute(
        "insert into attachments (message_id, name, media_type, content)"
        " select id, 'notes.txt', 'text/plain', ? from messages where role = 'user'",
        (PAYLOAD.encode(),),
    )
    columns = 0
    tables = ("providers", "model_configs", "chats", "messages", "catalog_events", "personas", "attachments")
    for table in tables:
        for _, column, kind, *_ in plain.execute(f"pragma table_info({table})").fetchall():
            if kind.lower() == "text" and column not in WORDS and not column.endswith("at"):
                payload = PAYLOAD
                if plain.execute(f"select json_valid({column}) and {column} like '{{%' from {table}").fetchone()[0]:
                    payload = json.dumps({"stop": PAYLOAD, "name": PAYLOAD, "x": [PAYLOAD]})
                    plain.execute(f"update {table} set {column} = ?", (payload,))
                elif column != "remote_hosts":
                    plain.execute(f"update {table} set {column} = {column} || ? where {column} <> ''", (payload,))
                columns += 1
    for _, sql in triggers:
        plain.execute(sql)
    plain.commit()
    plain.close()
    return columns


def check(terminal: Terminal) -> None:
    """No byte that a terminal obeys is another's."""
    written = OURS.sub("", terminal.raw.decode("utf-8"))
    found = OBEYED.search(written)
    assert not found, ascii(written[max(0, found.start() - 60) : found.start() + 60])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "chats.db"
    known_store(path).close()
    assert poison(path) > 25
    return path


# A key, and what stands on the screen that it leads to.
WALK = [
    ("shift+tab", "c Copy"),
    ("k", "Ask"),
    ("k", "Ask"),
    ("k", "Ask"),
    ("e", "Editing your message"),
    ("escape", "❯"),
    ("up", "❯ Why is the database locked?"),
    ("f4", "Instructions for Locks"),
    ("escape", "f4 Instructions"),
    ("f9", "about 1"),
    ("escape", "f4 Instructions"),
    ("ctrl+o", "Choose a model"),
    ("escape", "f4 Instructions"),
    ("f1", "Every key of this place"),
    ("escape", "f4 Instructions"),
    ("ctrl+s", "Export"),
    ("escape", "f4 Instructions"),
    ("ctrl+f", "f4 Who"),
    ("y", "Why is"),
    ("escape", "f4 Instructions"),
    ("ctrl+p", "Export"),
    ("escape", "f4 Instructions"),
    ("ctrl+r", "9 tokens"),
    ("f2", "Models of alpha"),
    ("e", "Edit alpha"),
    ("escape", "Models of alpha"),
    ("t", "a Add"),
    ("d", "Remove alpha"),
    ("escape", "Models of alpha"),
    ("right", "* Default"),
    ("e", "Edit alpha"),
    ("escape", "* Default"),
    ("d", "Remove alpha"),
    ("enter", "Removed"),
    ("f8", "is back"),
    ("h", "History of providers"),
    ("escape", "* Default"),
    ("escape", "f4 Instructions"),
]


def test_no_field_of_the_store_steers_the_terminal_on_any_screen(store: Path) -> None:
    with Terminal(store) as terminal:
        terminal.wait_for("Locks in SQLite", "Why is the database locked?", "a draft")
        for key, seen in WALK:
            terminal.press(key)
            terminal.settle(0.1)
            terminal.wait_for(seen, seconds=10)
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
        check(terminal)


def test_no_field_of_an_imported_file_steers_the_terminal(store: Path, tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared.json", tmp_path / "mine" / "chats.db"
    localchat = [sys.executable, "-m", "localchat"]
    subprocess.run([*localchat, "chats", "export", "2", "--format", "json", "-o", shared, "--db", store], check=True)
    assert "\\u001b]52" in shared.read_text("utf-8")
    mine.parent.mkdir()
    known_store(mine).close()
    subprocess.run([*localchat, "import", shared, "--db", mine], check=True, stdout=subprocess.PIPE)
    with sqlite3.connect(mine) as plain:
        assert plain.execute("select count(*) from chats where draft like '%' || ? || '%'", (PAYLOAD[:20],)).fetchone()[
            0
        ]
        plain.execute("update chats set updated_at = '2030-01-01T00:00:00.000Z' where draft <> ''")
    plain.close()
    with Terminal(mine) as terminal:
        terminal.wait_for("Why is the database locked?]52", "a draft")
        for key, seen in WALK[:9]:
            terminal.press(key)
            terminal.settle(0.1)
            terminal.wait_for(seen, seconds=10)
        terminal.press("ctrl+q")
        assert terminal.wait_until_it_ends() == 0
        check(terminal)
