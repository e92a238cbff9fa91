"""``localchat doctor``: what it finds out, also where the store cannot be opened."""

from __future__ import annotations

import http.server
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localchat.store import Store
from tests.cli.conftest import Answer, Run


def check(answer: Answer, name: str) -> dict[str, Any]:
    """The one check of that name."""
    (found,) = [check for check in answer.json["checks"] if check["name"] == name]
    assert set(found) == {"name", "ok", "detail"}
    return dict(found)


def test_a_store_in_order_is_ok(run: Run, echo: Store) -> None:
    answer = run("doctor", "--json")

    assert (answer.code, answer.json["ok"], answer.err) == (0, True, "")
    assert "0 chats, 0 messages" in check(answer, "store")["detail"]
    assert check(answer, "catalog")["detail"] == "2 usable models, default play/echo"
    assert "`localchat models pull smollm2` fetches them" in check(answer, "weights")["detail"]
    told = run("doctor")
    assert "ok    provider play   answers inside this program" in told.out


def test_a_store_that_is_not_there_yet_is_no_fault_and_is_not_made(run: Run, path: Path) -> None:
    answer = run("doctor", "--json")

    assert answer.code == 0
    assert "not there yet" in check(answer, "store")["detail"]
    assert not path.exists()


def test_a_damaged_store_is_a_failed_check_and_an_error(run: Run, path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    answer = run("doctor", "--json")

    assert (answer.code, answer.json["ok"]) == (1, False)
    assert check(answer, "store")["ok"] is False
    assert answer.error["code"] == "store_unreadable"
    plain = run("doctor")
    assert "FAIL  store" in plain.out
    assert "Traceback" not in plain.err


def test_damage_inside_is_found(run: Run, store: Store, path: Path) -> None:
    for number in range(300):
        store.connection.execute("insert into chats (title) values (?)", (f"{number} " * 50,))
    store.close()
    data = bytearray(path.read_bytes())
    middle = len(data) * 3 // 4 // 4096 * 4096
    data[middle : middle + 2000] = bytes(range(250)) * 8
    path.write_bytes(data)
    answer = run("doctor", "--json")

    assert (answer.code, answer.error["code"]) == (1, "store_damaged")
    # Where it hits an index only, the rows can still be counted.
    assert not (check(answer, "store")["ok"] and check(answer, "integrity")["ok"])


def test_rows_that_point_at_nothing_are_found(run: Run, store: Store) -> None:
    store.connection.execute("pragma foreign_keys=off")
    store.connection.execute("insert into messages (chat_id, role, depth) values (999, 'user', 0)")

    assert check(run("doctor", "--json"), "integrity")["detail"] == "1 row points at nothing: `localchat doctor --fix`"


def test_a_newer_store_is_a_failed_check_and_stays_as_it_is(run: Run, store: Store, path: Path) -> None:
    store.connection.execute("pragma user_version = 99")
    store.close()
    before = path.read_bytes()
    answer = run("doctor", "--json")

    assert (answer.code, answer.error["code"]) == (1, "store_newer")
    assert path.read_bytes() == before


def test_another_programs_file_is_a_failed_check(run: Run, path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("create table recipes (name text)")
    other.close()

    assert run("doctor", "--json").error["code"] == "store_unreadable"


@pytest.mark.skipif(os.name == "nt", reason="modes are of POSIX systems")
def test_a_store_that_others_can_read_is_told_with_the_remedy(run: Run, store: Store, path: Path) -> None:
    path.chmod(0o644)
    answer = run("doctor", "--json")

    assert answer.code == 1
    assert check(answer, "private")["detail"] == f"others can read it (mode 0644): chmod 600 {path}"


def test_models_without_a_provider_that_another_program_left_are_found(run: Run, store: Store) -> None:
    store.connection.execute("insert into model_configs (provider, model) values ('nobody', 'x')")

    answer = run("doctor", "--json")
    assert check(answer, "catalog") == {
        "name": "catalog",
        "ok": False,
        "detail": "1 live model belongs to no provider: `localchat doctor --fix`",
    }


def test_a_key_that_is_missing_is_told(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    run("providers", "add", "far", "--kind", "anthropic", "--key-env", "NO_SUCH_KEY")
    answer = run("doctor", "--json")

    assert (answer.code, answer.error["code"]) == (1, "provider_rejected")
    assert check(answer, "provider far")["detail"] == "$NO_SUCH_KEY is not set"


def test_providers_elsewhere_are_not_asked_by_themselves(run: Run, store: Store) -> None:
    run("providers", "add", "far", "--kind", "openai", "--base-url", "http://192.0.2.1:9/v1")

    assert check(run("doctor", "--json"), "provider far") == {
        "name": "provider far",
        "ok": True,
        "detail": "needs no key; not asked (--all asks every provider)",
    }


def test_a_model_whose_file_is_gone_is_told(run: Run, store: Store, tmp_path: Path) -> None:
    store.catalog.add_model("local", "mine", path=str(tmp_path / "gone.gguf"))

    assert "gone.gguf" in check(run("doctor", "--json"), "model local/mine")["detail"]


class _Models(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"object": "list", "data": [{"id": "qwen", "object": "model"}]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A server on this machine that offers one model."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Models) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_provider_on_this_machine_is_asked_whether_it_answers(run: Run, store: Store, endpoint: str) -> None:
    run("providers", "add", "near", "--kind", "openai", "--base-url", endpoint)
    run("providers", "add", "dead", "--kind", "openai", "--base-url", "http://127.0.0.1:1/v1")
    run("providers", "add", "asleep", "--kind", "openai", "--base-url", "http://127.0.0.1:1/v1")
    run("providers", "disable", "asleep")
    answer = run("doctor", "--json")

    assert check(answer, "provider near")["detail"] == "answers, 1 model"
    assert check(answer, "provider dead")["ok"] is False
    assert check(answer, "provider asleep")["detail"] == "switched off"
    assert answer.error["code"] == "provider_unavailable"


def test_what_an_endpoint_offers_is_added_by_name(run: Run, store: Store, endpoint: str) -> None:
    run("providers", "add", "near", "--kind", "openai", "--base-url", endpoint)

    assert run("models", "discover", "near", "--json").json == [
        {
            "ref": "near/qwen",
            "model": "qwen",
            "context": None,
            "configured": False,
            "added": False,
            "revived": False,
            "listed": 1,
        }
    ]
    assert run("models", "discover", "near", "--add", "near/qwen", "--json").json[0]["added"] is True
    assert store.catalog.live("near/qwen").is_local
