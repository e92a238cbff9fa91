"""A chat that was exported answers again, from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run


@pytest.fixture
def exported(run: Run, echo: Store, tmp_path: Path) -> Path:
    run("ask", "one two three")
    run("ask", "-c", "/echo cut 1 four five")
    path = tmp_path / "chat.json"
    assert run("chats", "export", "1", "--format", "json", "-o", str(path)).code == 0
    return path


def test_an_exported_chat_answers_under_any_name_of_a_model(run: Run, exported: Path) -> None:
    added = run("providers", "add", "demo", "--kind", "replay", "--path", str(exported), "--at-once", "--json").json
    assert (added["path"], added["local"], added["models"]) == (str(exported), True, 0)
    assert added["base_url"] == f"{exported.as_uri()}?at-once"
    assert run("models", "add", "demo/whoever").code == 0
    assert run("ask", "-m", "demo/whoever", "one two three").out == "one two three"
    again = run("ask", "-c", "--json", "/echo cut 1 four five")
    assert again.code == 1
    assert (again.json["reply"], again.json["status"]) == ("four", "interrupted")
    assert again.error["code"] == "reply_cut"
    none = run("ask", "-m", "demo/whoever", "--json", "something else")
    assert none.error["code"] == "provider_rejected"
    assert none.error["message"] == "chat.json has no reply to “something else”."


def test_its_switches_can_be_changed_one_by_one(run: Run, exported: Path) -> None:
    run("providers", "add", "demo", "--kind", "replay", "--path", str(exported), "--at-once")
    assert run("providers", "edit", "demo", "--in-order", "--json").json["base_url"].endswith("?in-order&at-once")
    assert run("providers", "edit", "demo", "--timed", "--json").json["base_url"].endswith(".json?in-order")
    assert run("providers", "edit", "demo", "--by-prompt", "--json").json["base_url"].endswith(".json")
    moved = exported.rename(exported.with_name("moved.json"))
    assert run("providers", "edit", "demo", "--path", str(moved), "--json").json["path"] == str(moved)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--kind", "replay"], "invalid_input", "needs --path"),
        (["--kind", "replay", "--path", "/nowhere.json"], "invalid_input", "is not there"),
        (["--kind", "replay", "--path", "x", "--base-url", "http://x"], "invalid_input", "has no base URL"),
        (["--kind", "echo", "--path", "x"], "invalid_input", "belong to --kind replay"),
    ],
)
def test_what_cannot_be_replayed_is_refused_and_nothing_is_added(
    run: Run, words: list[str], code: str, said: str
) -> None:
    done = run("providers", "add", "demo", *words, "--json")
    assert done.code in (1, 2)
    assert done.error["code"] == code
    assert said in done.error["message"]
    assert [each["name"] for each in run("providers", "list", "--json").json] == ["local"]


def test_doctor_looks_at_its_file(run: Run, exported: Path) -> None:
    run("providers", "add", "demo", "--kind", "replay", "--path", str(exported))
    checks = {each["name"]: each for each in json.loads(run("doctor", "--json").out)["checks"]}
    assert checks["provider demo"]["ok"]
    exported.unlink()
    checks = {each["name"]: each for each in json.loads(run("doctor", "--json").out)["checks"]}
    assert not checks["provider demo"]["ok"]
