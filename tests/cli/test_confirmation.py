"""Two real processes: one shows what a removal would do and asks, another changes it before the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pexpect
import pytest

from localchat.store import Store
from tests.cli.conftest import Answer, Run

QUESTION = r"(Remove|Restore) [\w/]+\? \[y/N\]: "


class Asking:
    """A command at a terminal that has asked."""

    def __init__(self, *words: str, program: tuple[str, ...] = ("-m", "localchat")) -> None:
        self._process = pexpect.spawn(
            sys.executable,
            [*program, *words],
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 200),
            env={**os.environ, "TERM": "dumb"},
        )

    def asked(self) -> str:
        """What it said before it asked."""
        self._process.expect(QUESTION)
        return str(self._process.before)

    def says(self, words: str) -> None:
        self._process.expect_exact(words)

    def answer(self, key: str) -> None:
        self._process.sendline(key)

    def ended(self) -> tuple[int | None, str]:
        self._process.expect(pexpect.EOF)
        said = str(self._process.before)
        self._process.close()
        return self._process.exitstatus, said

    def close(self) -> None:
        self._process.close(force=True)


@pytest.fixture
def z(run: Run, store: Store) -> Store:
    """Provider z with z1, the default, and z2; and b with b1."""
    for name in ("z", "b"):
        run("providers", "add", name, "--kind", "echo")
    for ref in ("z/z1", "z/z2", "b/b1"):
        run("models", "add", ref)
    run("models", "default", "z/z1")
    return store


@pytest.fixture
def asking() -> Iterator[list[Asking]]:
    opened: list[Asking] = []
    yield opened
    for one in opened:
        one.close()


def test_the_successor_that_was_shown_takes_over_whatever_came_first_meanwhile(
    z: Store, real: Run, asking: list[Asking]
) -> None:
    asking.append(Asking("models", "remove", "z/z1"))
    assert "It will be b/b1 (first usable by name; runs on this machine)" in asking[0].asked()
    real("providers", "add", "a", "--kind", "openai", "--base-url", "https://far.example/v1")
    assert real("models", "add", "a/remote").code == 0
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert (code, "Default: z/z1 → b/b1." in said) == (0, True)


CHANGES: dict[str, tuple[list[tuple[str, ...]], str, str]] = {
    "another provider of that name": (
        [
            ("providers", "remove", "z", "--yes"),
            ("providers", "add", "z", "--kind", "openai", "--base-url", "https://far.example/v1"),
            ("models", "add", "z/precious"),
        ],
        "z was removed, and another provider has its name now. Nothing was changed. It is like this now:",
        "1 model goes: precious",
    ),
    "a model more": (
        [("models", "add", "z/z3")],
        "z has z3 as well by now. Nothing was changed. It is like this now:",
        "3 models go: ★ z/z1, z/z2, z/z3.",
    ),
    "a model less": (
        [("models", "remove", "z/z2", "--yes")],
        "z2 of z went already. Nothing was changed. It is like this now:",
        "1 model goes: ★ z/z1.",
    ),
    "another default": (
        [("models", "default", "b/b1")],
        "The default is b/b1 now. Nothing was changed. It is like this now:",
        "The default stays b/b1.",
    ),
    "the heir gone": (
        [("models", "remove", "b/b1", "--yes")],
        "b/b1 cannot take over any more. Nothing was changed. It is like this now:",
        "It will be local/smollm2",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_while_the_question_stood_is_shown_and_asked_for_again(
    z: Store, real: Run, asking: list[Asking], change: str
) -> None:
    commands, told, fact = CHANGES[change]
    asking.append(Asking("providers", "remove", "z"))
    assert "2 models go: ★ z/z1, z/z2." in asking[0].asked()
    for words in commands:
        assert real(*words).code == 0
    there = [model.ref for model in z.catalog.models("z")]
    asking[0].answer("y")
    shown = asking[0].asked()
    assert told in shown
    assert fact.replace("precious", "z/precious") in shown
    assert [model.ref for model in z.catalog.models("z")] == there, "nothing was done before it was asked for again"
    asking[0].answer("n")
    code, said = asking[0].ended()
    assert (code, "Nothing was changed." in said) == (1, True)
    assert [model.ref for model in z.catalog.models("z")] == there


def test_what_is_shown_again_can_be_confirmed(z: Store, real: Run, asking: list[Asking]) -> None:
    asking.append(Asking("providers", "remove", "z"))
    asking[0].asked()
    real("models", "add", "z/z3")
    asking[0].answer("y")
    asking[0].asked()
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert (code, "Removed z and 3 models." in said) == (0, True)
    assert z.catalog.models("z") == []


def test_a_successor_that_was_asked_for_and_went_meanwhile_ends_in_changed(
    z: Store, real: Run, asking: list[Asking]
) -> None:
    asking.append(Asking("models", "remove", "z/z1", "--default", "b/b1", "--json"))
    asking[0].asked()
    real("models", "remove", "b/b1", "--yes")
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert Answer(code or 0, "", said.strip()).error["code"] == "changed"
    assert z.catalog.live("z/z1").is_default


def test_what_went_altogether_while_the_question_stood_is_not_found(z: Store, real: Run, asking: list[Asking]) -> None:
    asking.append(Asking("models", "remove", "z/z1"))
    asking[0].asked()
    real("models", "remove", "z/z1", "--yes")
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert (code, "Error: Resource not found" in said) == (1, True)


def test_yes_confirms_what_the_command_finds(z: Store, run: Run) -> None:
    assert "3 models" in (run("models", "add", "z/z3"), run("providers", "remove", "z", "--yes"))[1].out


# Restoring asks nothing at first; the change comes between what the command found and what it does.

HELD = (
    "-c",
    """
import sys
from localchat.store.catalog.catalog import Catalog
restore = Catalog.restore

def held(self, shown):
    print("found", flush=True)
    sys.stdin.readline()
    return restore(self, shown)

Catalog.restore = held
from localchat.__main__ import main
sys.exit(main())
""",
)


@pytest.fixture
def removed(z: Store, real: Run) -> Store:
    """Provider z is gone with z1, the default, and z2; b/b1 took over."""
    real("providers", "remove", "z", "--yes")
    return z


def test_a_restore_does_what_it_found(removed: Store, asking: list[Asking]) -> None:
    asking.append(Asking("providers", "restore", "z", program=HELD))
    asking[0].says("found")
    asking[0].answer("")
    code, said = asking[0].ended()
    assert (code, "z is back, with 2 models." in said, "Default: b/b1 → z/z1." in said) == (0, True, True)


RESTORES: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]], str, str]] = {
    "another default": (
        ("providers", "restore", "z"),
        [("models", "default", "local/smollm2")],
        "The default is local/smollm2 now. Nothing was changed. It is like this now:",
        "The provider z comes back, with z/z1, z/z2.",
    ),
    "a model elsewhere": (
        ("providers", "restore", "z"),
        [
            ("providers", "add", "z", "--kind", "echo", "--take-over"),
            ("models", "restore", "z/z2"),
            ("providers", "edit", "z", "--name", "y"),
        ],
        "z1, z2 cannot come back any more. Nothing was changed. It is like this now:",
        "The provider z comes back, without a model.",
    ),
    "the address of its provider": (
        ("models", "restore", "far/m"),
        [("providers", "edit", "far", "--base-url", "https://other.example/v1")],
        "It would come back to far at other.example now. Nothing was changed. It is like this now:",
        "far/m comes back, under far.",
    ),
}


@pytest.mark.parametrize("change", RESTORES)
def test_what_changed_before_a_restore_is_shown_and_asked(
    removed: Store, real: Run, asking: list[Asking], change: str
) -> None:
    command, commands, told, fact = RESTORES[change]
    if "far/m" in command:
        real("providers", "add", "far", "--kind", "openai", "--base-url", "https://far.example/v1")
        real("models", "add", "far/m")
        real("models", "remove", "far/m", "--yes")
    asking.append(Asking(*command, program=HELD))
    asking[0].says("found")
    for words in commands:
        assert real(*words).code == 0
    there = [model.ref for model in removed.catalog.models()]
    asking[0].answer("")
    shown = asking[0].asked()
    assert told in shown
    assert fact in shown
    assert [model.ref for model in removed.catalog.models()] == there, "nothing was done before it was asked"
    asking[0].answer("y")
    asking[0].says("found")
    asking[0].answer("")
    code, said = asking[0].ended()
    assert (code, "back" in said) == (0, True)


def test_a_script_whose_restore_changed_gets_the_error(removed: Store, real: Run) -> None:
    import subprocess

    script = subprocess.Popen(
        [sys.executable, *HELD, "providers", "restore", "z", "--json"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert script.stdout is not None
    assert script.stdout.readline() == "found\n"
    real("models", "default", "local/smollm2")
    out, err = script.communicate("\n", timeout=60)
    assert (script.returncode, Answer(1, out, err).error["code"]) == (1, "changed")
    assert "z" not in [provider.name for provider in removed.catalog.providers()]


def test_a_dry_run_shows_what_would_come_back(removed: Store, run: Run) -> None:
    told = run("providers", "restore", "z", "--dry-run")
    assert told.out == (
        "Restoring z would do this; nothing was changed.\n"
        "The provider z comes back, with z/z1, z/z2.\n"
        "The default becomes z/z1; it is b/b1 now.\n"
    )
    assert run("providers", "restore", "z", "--dry-run", "--json").json == {
        "provider": "z",
        "models_restored": ["z/z1", "z/z2"],
        "models_left": [],
        "chats_affected": 0,
        "default_before": "b/b1",
        "default_after": "z/z1",
        "dry_run": True,
    }
    assert run("providers", "restore", "z", "--json").json["models_restored"] == ["z/z1", "z/z2"]


def test_what_comes_back_says_revived(removed: Store, run: Run) -> None:
    assert run("providers", "restore", "z", "--json").json["revived"] is True
    run("models", "remove", "z/z2", "--yes")
    assert run("models", "restore", "z/z2", "--json").json["revived"] is True
    run("models", "remove", "z/z2", "--yes")
    assert run("models", "add", "z/z2", "--json").json["revived"] is True
    assert run("models", "add", "z/z9", "--json").json["revived"] is False


# Taking over what an import left.


@pytest.fixture
def imported(store: Store) -> Store:
    for model in ("m", "n"):
        store.connection.execute(
            "insert into model_configs (provider, model, is_local, deleted_at)"
            " values ('p', ?, null, '2026-01-01T00:00:00.000Z')", (model,)
        )  # fmt: skip
    store.connection.execute("insert into chats (title, model_config_id) values ('old', 2)")
    return store


def test_at_a_terminal_it_is_asked_whether_an_import_is_taken_over(imported: Store, asking: list[Asking]) -> None:
    asking.append(Asking("providers", "add", "p", "--kind", "echo"))
    asking[0].says("2 removed models are called p/…: n, m. 1 chat points at them.")
    asking[0].says("Take over? [y/N]: ")
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert (code, "Took over 2 removed models." in said) == (0, True)
    assert imported.catalog.add_model("p", "m").id == 2


def test_what_changed_while_it_was_asked_is_asked_again(imported: Store, asking: list[Asking]) -> None:
    asking.append(Asking("providers", "add", "p", "--kind", "echo"))
    asking[0].says("Take over? [y/N]: ")
    imported.connection.execute(
        "insert into model_configs (provider, model, deleted_at) values ('p', 'late', '2026-01-01T00:00:00.000Z')"
    )
    asking[0].answer("y")
    asking[0].says("late of p was removed as well by now. Nothing was changed. It is like this now: 3 removed models")
    asking[0].says("Take over? [y/N]: ")
    assert all(provider.name != "p" for provider in imported.catalog.providers())
    asking[0].answer("n")
    assert asking[0].ended()[0] == 0
    assert {model.provider_id for model in imported.catalog.models("p", removed=True)} == {None}


def test_a_script_takes_over_where_it_says_so_and_is_told_where_it_does_not(imported: Store, run: Run) -> None:
    told = run("providers", "add", "p", "--kind", "echo")
    assert told.err == (
        "2 removed models are called p/…: n, m. 1 chat points at them."
        " `localchat providers edit p --take-over` takes over.\n"
    )
    assert run("models", "add", "p/n", "--json").json["revived"] is False
    taken = run("providers", "edit", "p", "--take-over", "--json")
    assert taken.json["taken_over"] == ["p/m", "p/n"]
    assert run("models", "add", "p/m", "--json").json["revived"] is True
    assert run("chats", "show", "1", "--json").json["model_removed"] is False
    assert run("providers", "edit", "p", "--take-over").out == "Saved p.\nNothing was left under p/…\n"


@pytest.mark.parametrize(("flag", "refs"), [("--take-over", ["p/m", "p/n"]), ("--no-take-over", [])])
def test_a_script_says_whether_it_takes_over(imported: Store, run: Run, flag: str, refs: list[str]) -> None:
    added = run("providers", "add", "p", "--kind", "echo", flag, "--json")
    assert (added.json["taken_over"], added.err) == (refs, "")


# Moving the chats in the same step.


def own_models(store: Store) -> dict[str, str]:
    """The title of each chat and the ref of its model."""
    rows = store.connection.execute(
        "select title, provider || '/' || model from chats join model_configs m on m.id = chats.model_config_id"
    )
    return dict(rows.fetchall())


@pytest.fixture
def chats(z: Store, run: Run) -> Store:
    for ref in ("z/z1", "z/z2", "b/b1"):
        assert run("ask", "-m", ref, f"of {ref}").code == 0
    return z


@pytest.mark.parametrize(
    ("words", "moved"), [(("providers", "remove", "z"), ["z/z1", "z/z2"]), (("models", "remove", "z/z1"), ["z/z1"])]
)
def test_the_chats_can_move_in_the_same_step_and_one_undo_takes_both_back(
    chats: Store, run: Run, words: tuple[str, ...], moved: list[str]
) -> None:
    before = own_models(chats)
    dry = run(*words, "--move-chats", "b/b1", "--dry-run", "--json").json
    assert (dry["chats_affected"], dry["chats_move_to"], own_models(chats)) == (len(moved), "b/b1", before)

    done = run(*words, "--move-chats", "b/b1", "--yes", "--json").json
    assert (done["chats_affected"], done["chats_moved"], done["chats_move_to"]) == (len(moved), len(moved), "b/b1")
    assert own_models(chats) == {**before, **{f"of {ref}": "b/b1" for ref in moved}}
    assert run("undo").code == 0
    assert own_models(chats) == before
    assert chats.catalog.live("z/z1")


def test_a_person_is_shown_where_the_chats_go_and_asked_again_where_that_changed(
    chats: Store, real: Run, asking: list[Asking]
) -> None:
    asking.append(Asking("providers", "remove", "z", "--move-chats", "b/b1"))
    assert "2 chats use them. They get b/b1 for good." in asking[0].asked()
    assert real("ask", "-m", "z/z2", "one more").code == 0
    asking[0].answer("y")
    assert "They get b/b1 for good." in asking[0].asked()
    assert chats.catalog.provider("z"), "nothing was done before it was asked for again"
    asking[0].answer("y")
    code, said = asking[0].ended()
    assert (code, "Moved 3 chats to b/b1." in said) == (0, True)


@pytest.mark.parametrize(("to", "code"), [("z/z2", "invalid_input"), ("z/none", "not_found")])
def test_chats_cannot_move_to_what_goes_or_is_not_there(chats: Store, run: Run, to: str, code: str) -> None:
    refused = run("providers", "remove", "z", "--move-chats", to, "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (1, code)
    assert chats.catalog.provider("z")


def test_before_chats_of_this_machine_move_elsewhere_the_host_is_named(z: Store, run: Run) -> None:
    run("ask", "-m", "z/z1", "Hello")
    run("providers", "add", "far", "--kind", "openai", "--base-url", "https://far.example/v1")
    run("models", "add", "far/f")
    said = run("providers", "remove", "z", "--move-chats", "far/f", "--dry-run").out
    assert "far/f answers at far.example: it sees the whole of each of these chats at its next turn." in said


def test_chats_do_not_move_to_a_model_that_is_switched_off(z: Store, run: Run) -> None:
    run("ask", "-m", "z/z1", "Hello")
    run("models", "disable", "b/b1")
    for more in ("--dry-run", "--yes"):
        refused = run("providers", "remove", "z", "--move-chats", "b/b1", more, "--json")
        assert (refused.code, refused.error["code"]) == (1, "invalid_input")
        assert "b/b1 is switched off; the chats cannot move to it." in refused.error["message"]
    assert z.catalog.provider("z")


def test_where_it_answers_elsewhere_the_question_says_so(imported: Store, asking: list[Asking]) -> None:
    asking.append(Asking("providers", "add", "p", "--kind", "openai", "--base-url", "https://far.example/v1"))
    asking[0].says("their chats are answered at far.example then, and nothing asks.")
    asking[0].says("Take over? [y/N]: ")
    asking[0].answer("n")
    assert asking[0].ended()[0] == 0
