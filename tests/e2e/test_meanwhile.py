"""Two real processes: what a window shows is changed by another program before it is confirmed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("a pty needs a POSIX system", allow_module_level=True)

from localchat.testing import known_store
from tests.e2e.terminal import Terminal

DELETED = "delete from providers where name = 'alpha'"
DISABLED = "update providers set enabled = 0 where name = 'alpha'"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """alpha (a1, the default, and a2), beta (b1), local, zeta (z1); chat 1 of a1, chat 2 of z1."""
    path = tmp_path / "chats.db"
    known_store(path).close()
    return path


@pytest.fixture
def window(store: Path) -> Iterator[Terminal]:
    with Terminal(store, columns=100, lines=30) as terminal:
        terminal.wait_for("Locks in SQLite", "★ a1")
        yield terminal


def elsewhere(path: Path, *commands: str) -> None:
    """Another process changes the store."""
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", "localchat", *command.split()],
            env={**os.environ, "LOCALCHAT_DB": str(path)}, check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def foreign(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def live(path: Path) -> list[str]:
    return [row[0] for row in rows(path, "select provider || '/' || model from live_models order by 1")]


GONE = "update model_configs set deleted_at = '2026-01-01T00:00:00.000Z' where model = "
CHANGES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a model more": (
        ("insert into model_configs (provider, provider_id, model) select 'alpha', id, 'a3' from providers"
         " where name = 'alpha'",),
        "alpha has a3 as well by now.", "3 models go",
    ),
    "a model less": ((GONE + "'a2'",), "a2 of alpha went already.", "1 model goes"),
    "another default": (
        ("update model_configs set is_default = 0", "update model_configs set is_default = 1 where model = 'z1'"),
        "The default is zeta/z1 now.", "Your default stays ★ z1",
    ),
    "the heir gone": ((GONE + "'b1'",), "beta/b1 cannot take over any more.", "choose who takes over"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_removal_does_what_the_dialog_showed_or_shows_what_there_is_now(
    store: Path, window: Terminal, change: str
) -> None:
    """The other program holds the lock while the key is pressed: the window has not seen the change, and waits."""
    statements, told, fact = CHANGES[change]
    window.press("f2")
    window.wait_for("Models of alpha")
    window.press("d")
    window.wait_for("Remove alpha?", "2 models go: ★ a1, a2.", "b1 · beta")
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("begin immediate")
        for sql in statements:
            other.execute(sql)
        window.type("y")
        window.settle()
        other.execute("commit")
    there = live(store)
    window.wait_for(told, fact, "Remove alpha?")
    assert live(store) == there
    assert "alpha/a1" in there
    window.press("escape")
    window.wait_for("Models of", gone="Remove alpha?")
    assert live(store) == there


def test_what_the_dialog_shows_by_now_is_what_y_confirms(store: Path, window: Terminal) -> None:
    window.press("f2")
    window.wait_for("Models of alpha")
    window.press("d")
    window.wait_for("Remove alpha?", "2 models go: ★ a1, a2.")
    elsewhere(store, "models add alpha/a3")
    window.wait_for("alpha has a3 as well by now. Nothing was changed.", "3 models go")
    window.confirm("y", gone="Remove alpha?")
    window.wait_for("Removed alpha and 3 models.")
    assert not any(ref.startswith("alpha/") for ref in live(store))


def test_a_namesake_is_not_removed_in_the_place_of_what_was_shown(store: Path, window: Terminal) -> None:
    window.press("f2")
    window.wait_for("Models of alpha")
    window.press("d")
    window.wait_for("Remove alpha?", "2 models go: ★ a1, a2.")
    elsewhere(
        store,
        "providers remove alpha --yes",
        "providers add alpha --kind echo --no-take-over",
        "models add alpha/precious",
    )
    window.press("y")
    window.wait_for("alpha was removed")
    assert "alpha/precious" in live(store)


def test_a_restore_does_what_the_list_showed_or_asks(store: Path, window: Terminal) -> None:
    elsewhere(store, "providers remove alpha --yes")
    window.press("f2")
    window.wait_for("Providers", "Removed")
    window.press("end")
    window.wait_for("alpha was removed. r restores it with 2 models")
    window.press("right", "r")  # of one of its models: the provider comes first, and is asked about
    window.wait_for("Restore alpha?", "alpha comes back, with", "Your default becomes ★ a1")
    elsewhere(store, "models default zeta/z1")
    window.press("y")
    window.wait_for("The default is zeta/z1 now.", "Restore alpha?")
    assert "alpha/a1" not in live(store)
    window.confirm("y", gone="Restore alpha?")
    window.wait_for("alpha and 2 models are back.")
    assert rows(store, "select model from live_models where is_default = 1") == [("z1",)], "a person chose it since"


def test_a_move_is_of_the_chats_that_were_counted(store: Path, window: Terminal) -> None:
    elsewhere(store, "models remove zeta/z1 --yes")
    window.press("f2")
    window.wait_for("Providers", "zeta")
    window.press("end", "right", "end")
    window.wait_for("m moves its chats to another model")
    window.press("m")
    window.wait_for("Move 1 chat of z1 to")
    foreign(store, "insert into chats (title, model_config_id) select 'Late', id from model_configs where model = 'z1'")
    window.type("b1")
    window.press("enter")
    window.wait_for("Move 2 chats of z1 to", "Nothing was changed.")
    assert rows(store, "select count(*) from chats c join model_configs m on m.id = c.model_config_id"
                " where m.model = 'z1'") == [(2,)]  # fmt: skip


def model_form(window: Terminal) -> None:
    window.press("f2")
    window.wait_for("Models of alpha")
    window.press("right", "e")
    window.wait_for("Edit alpha/a1", "Temperature")
    window.settle()
    window.press("tab", "tab")
    window.type("0.2")
    window.wait_for("Temperature      0.2")


def provider_form(window: Terminal) -> None:
    window.press("f2")
    window.wait_for("Models of alpha")
    window.press("e")
    window.wait_for("Edit alpha")
    window.settle()
    window.press("end")
    window.type("-new")
    window.wait_for("alpha-new")


def chat_form(window: Terminal) -> None:
    window.press("f4")
    window.wait_for("System prompt", "Temperature")
    window.settle()
    window.type("Mine.")
    window.wait_for("Mine.")


FORMS: dict[str, tuple[Callable[[Terminal], None], str, str, str, Any]] = {
    "model": (
        model_form,
        "update model_configs set context = 4096 where model = 'a1'",
        "Changed elsewhere meanwhile: The context.",
        "select context, parameters from model_configs where model = 'a1'",
        [(4096, {"temperature": 0.2})],
    ),
    "chat": (
        chat_form,
        "update chats set parameters = '{\"top_p\": 0.5}' where id = 2",
        "Changed elsewhere meanwhile: Top p.",
        "select system, parameters from chats where id = 2",
        [("Mine.", {"top_p": 0.5})],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_keeps_what_was_written_elsewhere_and_shows_it(store: Path, window: Terminal, form: str) -> None:
    fill, sql, told, read, wanted = FORMS[form]
    fill(window)
    foreign(store, sql)
    window.wait_for(told)
    window.press("ctrl+s")
    window.wait_for("Saved", gone="Temperature")
    found = [tuple(json.loads(v) if isinstance(v, str) and v.startswith("{") else v for v in row)
             for row in rows(store, read)]  # fmt: skip
    assert found == wanted


SAME: dict[str, tuple[Callable[[Terminal], None], str, str, str]] = {
    "model": (
        model_form,
        "models edit alpha/a1 -o temperature=0.9",
        "Temperature of alpha/a1 was changed elsewhere",
        "select json_extract(parameters, '$.temperature') from model_configs where model = 'a1'",
    ),
    "provider": (
        provider_form,
        "providers edit alpha --name other",
        "The name of other was changed elsewhere",
        "select name from providers where id = 2",
    ),
}


@pytest.mark.parametrize("form", SAME)
def test_a_form_asks_where_both_changed_the_same_field(store: Path, window: Terminal, form: str) -> None:
    fill, command, told, read = SAME[form]
    fill(window)
    elsewhere(store, command)
    written = rows(store, read)
    window.press("ctrl+s")
    window.wait_for("Changed meanwhile", told, "Take theirs")
    assert rows(store, read) == written
    window.press("m")
    window.wait_for("Saved", gone="Take theirs")
    assert rows(store, read) != written


@pytest.mark.parametrize("sql", [DELETED, DISABLED])
def test_what_another_program_does_to_the_default_is_healed_by_the_window(
    store: Path, window: Terminal, sql: str
) -> None:
    foreign(store, sql)
    window.wait_for("★ b1", gone="★ a1", seconds=10)
    assert rows(store, "select provider, model from usable_models where is_default = 1") == [("beta", "b1")]
