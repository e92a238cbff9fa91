"""Two real processes: one shows what a removal would do and asks, another changes it before the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pexpect
import pytest

from localchat.store import Store
from tests.cli.conftest import Answer, Run

QUESTION = r"Remove [\w/]+\? \[y/N\]: "


class Asking:
    """A command at a terminal that has asked."""

    def __init__(self, *words: str) -> None:
        self._process = pexpect.spawn(
            sys.executable,
            ["-m", "localchat", *words],
            encoding="utf-8",
            timeout=60,
            dimensions=(40, 200),
            env={**os.environ, "TERM": "dumb"},
        )

    def asked(self) -> str:
        """What it said before it asked."""
        self._process.expect(QUESTION)
        return str(self._process.before)

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
