"""``localchat undo``: what was done to providers, models and the default, taken back by a script."""

from __future__ import annotations

import json
import re

from localchat.store import Store
from tests.cli.conftest import Run


def test_the_newest_change_of_any_window_is_taken_back(run: Run, echo: Store) -> None:
    echo.catalog.remove_provider("play")
    listed = json.loads(run("undo", "--list", "--json").out)
    assert [line["action"] for line in listed][:1] == ["provider-removed"]
    assert set(listed[0]) == {"id", "action", "subject", "default_after"}

    done = json.loads(run("undo", "--json").out)

    assert done == {
        "id": listed[0]["id"], "action": "provider-removed", "subject": "play", "default_after": "play/echo",
    }  # fmt: skip
    assert echo.catalog.live("play/echo").is_default
    assert done["id"] not in [line["id"] for line in json.loads(run("undo", "--list", "--json").out)]


def test_again_takes_back_the_change_before(run: Run, echo: Store) -> None:
    model = echo.catalog.live("play/echo")
    echo.catalog.edit_model(model.id, context=1234)
    echo.catalog.switch_model(model.id, False)
    assert "switching play/echo off" in run("undo", "--list").out
    run("undo")
    assert echo.catalog.live("play/echo").enabled
    run("undo")
    assert echo.catalog.live("play/echo").context is None


def test_nothing_to_undo_is_told(run: Run) -> None:
    assert json.loads(run("undo", "--list", "--json").out) == []
    failed = run("undo", "--json")
    assert failed.code == 1
    assert json.loads(failed.err.splitlines()[-1])["error"]["code"] == "not_found"


def test_a_refused_undo_names_a_way(run: Run, echo: Store) -> None:
    echo.catalog.remove_provider("play")
    echo.catalog.add_provider("play", "echo")
    failed = run("undo")
    assert failed.code == 1
    assert "There is a provider play already" in failed.err
    for command in re.findall(r"`localchat ([^`]+)`", failed.err):
        assert run(*command.split()).code == 0, command
    assert echo.catalog.live("play/echo").usable
