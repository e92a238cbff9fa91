"""docs/command-line.md says what is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from localchat.cli import localchat
from localchat.cli.session import Session
from localchat.errors import BY_CODE
from localchat.store import Store
from tests.cli.conftest import Run

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
EXAMPLES = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line.strip()
]


def understood(words: list[str]) -> list[str]:
    """Read a command line without running it; the path of the command."""
    command: click.Command = localchat
    path, parent = [], None
    while True:
        context = command.make_context(command.name, words, parent=parent, obj=Session())
        if not isinstance(command, click.Group):
            return path
        name, found, words = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        path.append(str(name))
        command, parent = found, context


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    words = shlex.split(example, comments=True)
    words = words[words.index("localchat") + 1 :]
    understood(words[: next((words.index(sign) for sign in "><" if sign in words), None)])


def test_every_command_has_an_example() -> None:
    shown = set()
    for example in EXAMPLES:
        words = shlex.split(example, comments=True)
        words = words[words.index("localchat") + 1 :]
        shown.add(" ".join(understood(words[: next((words.index(sign) for sign in "><" if sign in words), None)])))
        shown |= {f"{words[0]} {other}" for other in re.findall(r"# and: (\w+)", example)}
    there = set()
    context = click.Context(localchat)
    for name in localchat.list_commands(context):
        command = localchat.get_command(context, name)
        children = command.commands if isinstance(command, click.Group) else {}
        there |= {f"{name} {child}" for child in children} or {name}

    assert shown == there


def test_every_code_is_told() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("| code |")[2].partition("\n\n")[0], re.M)) == set(BY_CODE)


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("chats list", "`chats list --json`:"),
        ("models list", "`models list --json`:"),
        ("providers list", "`providers list --json`:"),
        ("models discover play", "`models discover --json`:"),
        ("providers log", "`providers log --json`:"),
    ],
)
def test_the_fields_of_lists_are_the_ones_that_are_told(run: Run, echo: Store, words: str, begins: str) -> None:
    run("ask", "hello")
    told = PAGE.partition(begins)[2].partition(".")[0].partition(". ")[0]
    told = re.sub(r"\([^)]*\)", "", told)

    assert set(run(*words.split(), "--json").json[0]) == set(re.findall(r"`(\w+)`", told))


def test_the_fields_of_one_turn_and_of_a_chat_are_the_ones_that_are_told(run: Run, echo: Store) -> None:
    document = run("ask", "hello", "--json").json
    rows = PAGE.partition("`--json` prints this document when the turn is over")[2].partition("\n## ")[0]
    named = [name for row in re.findall(r"^\| (`.+?) \|", rows, re.M) for name in re.findall(r"`(\w+)`", row)]
    assert set(document) == set(named)

    message = run("chats", "show", "1", "--json").json["messages"][0]
    told = PAGE.partition("as `messages` an array of ")[2].partition(".\n")[0]
    assert set(message) == set(re.findall(r"`(\w+)`", told))


def test_the_page_says_which_version_of_the_documents_it_describes() -> None:
    from localchat.cli.output import JSON_VERSION

    assert f"documents on this page are of\nversion {JSON_VERSION}:" in PAGE
