"""Names that other programs and endpoints bring: alike but for case, or twice. It is told, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run
from tests.store.helpers import raw


@pytest.fixture
def twins(run: Run, echo: Store, path: Path) -> Store:
    """`play/echo` and `play/Echo`, as another program wrote it; a chat of each."""
    with raw(path) as other:
        other.execute(
            "insert into model_configs (provider, provider_id, model)"
            " select 'play', id, 'Echo' from providers where name = 'play'"
        )
    for ref in ("play/echo", "play/Echo"):
        assert run("ask", "-m", ref, "hello", "--json").json["model"] == ref
    return echo


def test_each_of_two_twins_is_used_by_its_exact_name(run: Run, twins: Store) -> None:
    refs = [model["ref"] for model in run("models", "list", "--json").json if model["provider"] == "play"]
    assert refs == ["play/Echo", "play/echo"]
    assert run("models", "edit", "play/Echo", "--context", "9", "--json").json["ref"] == "play/Echo"
    assert run("models", "default", "play/Echo", "--json").json["default"] == "play/Echo"
    assert run("models", "disable", "play/echo", "--json").json["ref"] == "play/echo"


def test_the_doctor_tells_them(run: Run, twins: Store) -> None:
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert checks["names"] == {
        "name": "names",
        "ok": True,
        "detail": "these differ in case only: play/Echo and play/echo",
    }


def test_a_third_of_that_name_is_refused_and_both_stay(run: Run, twins: Store) -> None:
    assert run("models", "add", "play/ECHO", "--json").error["code"] == "already_exists"
    assert len(twins.catalog.models("play")) == 2


@pytest.mark.parametrize("way", ["providers", "models"])
def test_both_go_and_both_come_back_with_their_chats(run: Run, twins: Store, way: str) -> None:
    before = twins.catalog.models("play")
    if way == "providers":
        run("providers", "remove", "play", "--yes")
        run("providers", "restore", "play")
    else:
        for ref in ("play/Echo", "play/echo"):
            assert run("models", "remove", ref, "--yes").code == 0
        for ref in ("play/Echo", "play/echo"):
            assert run("models", "restore", ref).code == 0
    assert [model.id for model in twins.catalog.models("play")] == [model.id for model in before]
    assert [chat["model_removed"] for chat in run("chats", "list", "--json").json] == [False, False]


class Listing:
    """An endpoint that lists what it is told to."""

    def __init__(self, *rows: object) -> None:
        import json
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"object": "list", "data": list(rows)}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def endpoint() -> Iterator[str]:
    listing = Listing({"id": "twice"}, {"id": "once"}, {"id": "twice", "context_length": 4096}, {"id": "Once"})
    yield listing.url
    listing.server.shutdown()
    listing.server.server_close()


def test_a_model_that_an_endpoint_lists_twice_is_one_and_it_is_told(run: Run, path: Path, endpoint: str) -> None:
    run("providers", "add", "o", "--kind", "openai", "--base-url", endpoint)
    told = run("models", "discover", "o", "--json")
    assert [(row["model"], row["context"], row["listed"]) for row in told.json] == [
        ("twice", 4096, 2), ("once", None, 1), ("Once", None, 1)
    ]  # fmt: skip
    assert "Listed more than once: twice. Each is one model." in told.err
    added = run("models", "discover", "o", "--add-all")
    assert "Once was not added: names that differ in case only are one." in added.err
    refs = [model["ref"] for model in run("models", "list", "--json").json if model["provider"] == "o"]
    assert refs == ["o/once", "o/twice"]


def test_a_line_of_the_log_of_an_unknown_version_is_shown_and_stops_no_way_back(
    run: Run, echo: Store, path: Path
) -> None:
    run("models", "add", "play/parrot")
    run("models", "remove", "play/parrot", "--yes")
    with raw(path) as other:
        other.execute("drop trigger catalog_events_stay")
        other.execute("update catalog_events set format = 99, detail = json_set(detail, '$.default_before', 'x')"
                      " where action = 'model-removed'")  # fmt: skip
    assert run("providers", "log", "--json").json[0]["subject"] == "play/parrot"
    assert run("models", "restore", "play/parrot", "--json").json["revived"] is True
    run("providers", "remove", "play", "--yes")
    with raw(path) as other:
        other.execute("update catalog_events set format = 99 where action = 'provider-removed'")
    refused = run("providers", "restore", "play", "--json")
    assert refused.error["code"] == "store_unreadable"
    assert "newer version" in refused.error["message"]
    assert len(echo.catalog.models("play", removed=True)) == 2, "the models are there still"
