"""Every page of --help: examples that run, whole sentences, as wide as the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest

from localchat.cli import localchat
from localchat.cli.help import EXAMPLES, sentence_of
from tests.cli.conftest import Run


def commands(of: click.Command = localchat, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(words), of
    if isinstance(of, click.Group):
        context = click.Context(of)
        for name in of.list_commands(context):
            inner = of.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


ALL = dict(commands())


@pytest.mark.parametrize("words", ALL)
def test_every_help_ends_with_examples(run: Run, words: str) -> None:
    page = run(*words.split(), "--help").out.rstrip()
    after = page.partition("\nExamples:\n")[2].splitlines()
    assert [line.strip() for line in after] == list(EXAMPLES[words])
    assert any(words in example for example in EXAMPLES[words])


def test_no_examples_are_of_a_command_that_is_not_there() -> None:
    assert set(EXAMPLES) == set(ALL)


@pytest.mark.parametrize("example", sorted({each for examples in EXAMPLES.values() for each in examples}))
def test_every_example_is_understood(example: str) -> None:
    for part in example.partition(">")[0].split("|"):
        program, *words = shlex.split(part)
        if program != "localchat":
            assert program == "git"
            continue
        command: click.Command = localchat
        while isinstance(command, click.Group) and words and words[0] != "--db":
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, example
            command = found
        if isinstance(command, click.Group) and words[:1] == ["--db"]:
            continue
        command.make_context("x", words)


@pytest.mark.parametrize("words", [words for words, command in ALL.items() if isinstance(command, click.Group)])
def test_a_list_of_commands_has_whole_sentences(run: Run, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    told = " ".join(run(*words.split(), "--help").out.split())
    inner = [command for path, command in ALL.items() if path and path.rpartition(" ")[0] == words]
    assert len(inner) > 5
    for command in inner:
        assert sentence_of(command).endswith(".")
        assert sentence_of(command) in told
    assert "..." not in told.partition("Commands:")[2].partition("Examples:")[0]


def test_what_the_programs_help_says_without_importing_them_is_what_the_commands_say() -> None:
    told = {name: sentence for name, (_, sentence) in localchat.commands_at.items()}
    assert told == {name: sentence_of(ALL[name]) for name in told}


def test_help_is_as_wide_as_the_terminal(real: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 180):
        monkeypatch.setenv("COLUMNS", str(columns))
        longest = max(len(line) for line in real("ask", "--help").out.partition("Examples:")[0].splitlines())
        assert columns - 30 < longest <= columns
