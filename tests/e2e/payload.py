"""What a hostile text holds, the store that is full of it, and what of the bytes of a terminal is the program's own."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

from tests.e2e.terminal import Terminal

# Clipboard, title, cleared screen, device control, C1 CSI and OSC, zero, bell, delete, reading order, reset; a colour
# and a place that are like the program's own, but never those.
THEIRS = "\x1b[46m", "\x1b[77H"
PAYLOAD = (
    "\x1b]52;c;Y3VybA==\x07\x1b]2;T\x1b\\\x1b[2J\x1b[?1049l\x1bP$qm\x1b\\\x9b2J\x9d2;T\x9c\0\x07\x7f\u202e\u2066\u200f\x1bc"
    + "".join(THEIRS)
)
# Columns whose words the program compares with its own; what stands there instead is another test's matter.
WORDS = {"kind", "key_source", "role", "status", "by", "action", "fallback_reason", "finish_reason", "media_type"}
# What the program itself may send, told once more here, apart from the gate. A pty turns each line's end into two.
OURS = re.compile(
    r"\x1b\[[0-9;]*[mH]|\x1b\[\?(?:7|25|100[0346]|1015|1016|1049|2004|2026|2048)(?:[hl]|\$p)|\x1b\[(?:>\d+|<)u|\x1b\]22;[a-z-]*\x07"
    r"|\x1b\]52;c;[A-Za-z0-9+/]{20,}=*\x07|\r\n|\r\x1b\[K"  # the last: a command's line of progress
)
OBEYED = re.compile(r"[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def poison(path: Path, *, against_its_rules: bool) -> int:
    """Write the payload to the end of every text there is, as another program could; how many columns.
    ``against_its_rules``: also of those whose CHECK forbids it; localchat only reads the store then."""
    plain = sqlite3.connect(path)
    plain.execute(f"pragma ignore_check_constraints={against_its_rules}")
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
            if (table, column) == ("model_configs", "provider") and not against_its_rules:
                continue  # the same name as its provider's, and that one has a rule
            if kind.lower() == "text" and column not in WORDS and not column.endswith("at"):
                columns += _poison_column(plain, table, column)
    for _, sql in triggers:
        plain.execute(sql)
    plain.commit()
    plain.close()
    return columns


def _poison_column(plain: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether the table allows it."""
    try:
        if plain.execute(f"select json_valid({column}) and {column} like '{{%' from {table}").fetchone()[0]:
            payload = json.dumps({"stop": PAYLOAD, "name": PAYLOAD, "x": [PAYLOAD]})
            plain.execute(f"update {table} set {column} = ?", (payload,))
        elif column != "remote_hosts":
            plain.execute(f"update {table} set {column} = {column} || ? where {column} <> ''", (PAYLOAD,))
    except sqlite3.IntegrityError:
        return False
    return True


def check(terminal: Terminal) -> None:
    """No byte that a terminal obeys is another's."""
    check_written(terminal.raw)


def check_written(raw: bytes) -> None:
    text = raw.decode("utf-8")
    assert not any(sequence in text for sequence in THEIRS), "a colour or a place of another's"
    written = OURS.sub("", text)
    found = OBEYED.search(written)
    assert not found, ascii(written[max(0, found.start() - 60) : found.start() + 60])
