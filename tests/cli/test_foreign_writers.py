"""After another program wrote the catalog, any command that reads heals the rule of the default and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run
from tests.store.helpers import raw

TOLD = "Another program changed providers or models. Default: play/echo → local/smollm2.\n"
DELETED = "delete from providers where name = 'play'"
DISABLED = "update providers set enabled = 0 where name = 'play'"
ROBBED = "update model_configs set is_default = 0"


def foreign(path: Path, sql: str) -> None:
    with raw(path) as other:
        other.execute(sql)


@pytest.mark.parametrize("sql", [DELETED, DISABLED])
@pytest.mark.parametrize("command", [("models", "default"), ("models", "list"), ("chats", "list")])
def test_a_command_that_reads_heals_and_tells_it(
    run: Run, echo: Store, path: Path, sql: str, command: tuple[str, ...]
) -> None:
    foreign(path, sql)

    assert run(*command).err == TOLD
    assert run("models", "default", "--json").json["default"] == "local/smollm2"
    assert run(*command).err == ""


def test_ask_is_answered_by_the_one_that_took_over(run: Run, echo: Store, path: Path) -> None:
    run("models", "add", "play/parrot")
    foreign(
        path, "update model_configs set deleted_at = '2026-01-01T00:00:00.000Z', is_default = 0 where model = 'echo'"
    )
    run("models", "disable", "local/smollm2")

    assert run("ask", "hello", "--json").json["model"] == "play/parrot"


@pytest.mark.parametrize(
    ("sql", "detail"),
    [
        (DELETED, "1 live model belongs to no provider: `localchat doctor --fix`"),
        (DISABLED, "the default model is switched off, by another program: `localchat doctor --fix`"),
        (
            "update model_configs set is_default = 0",
            "there are usable models, but no default: `localchat doctor --fix`",
        ),
    ],
)
def test_doctor_says_it_and_changes_nothing_until_it_is_told_to(
    run: Run, echo: Store, path: Path, sql: str, detail: str
) -> None:
    def catalog(*more: str) -> dict[str, object]:
        return next(check for check in run("doctor", *more, "--json").json["checks"] if check["name"] == "catalog")

    foreign(path, sql)
    assert catalog() == {"name": "catalog", "ok": False, "detail": detail}
    assert catalog()["ok"] is False
    assert catalog("--fix")["ok"] is True
    assert catalog()["ok"] is True
    assert run("models", "default", "--json").json["default"] == "local/smollm2"


def test_doctor_names_what_it_put_right(run: Run, echo: Store, path: Path) -> None:
    foreign(path, DELETED)

    told = run("doctor", "--fix").out.splitlines()
    assert told[:2] == [
        "fixed play/echo belonged to no provider and was removed",
        "fixed Default: local/smollm2.",
    ]
    assert "fixed" not in run("doctor", "--fix").out
