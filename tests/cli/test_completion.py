"""The tab key in the three real shells: bash and fish driven by their own completion, zsh in a terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from localchat.cli.shells import place_of
from localchat.store import Store
from tests.cli.conftest import Run
from tests.tools import ALL, needs

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


@pytest.fixture
def home(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with localchat on the PATH, models with colons, a chat in the trash, one in the archive."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "localchat"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m localchat "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "BASH_ENV"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "some file.json").write_text("[]")
    with Store(path) as store:
        store.catalog.add_provider("ollama", "openai", "http://localhost:11434/v1", "none", None)
        store.catalog.add_provider("gone", "echo", None, "none", None)
        for name in ("qwen3:8b", "qwen3:4b"):
            store.catalog.add_model("ollama", name)
        store.catalog.remove_provider("gone")
        for title in ("Open", "Thrown away", "Put away"):
            store.connection.execute(
                "insert into chats (title, created_at, updated_at) values (?, ?, ?)", (title, store.now(), store.now())
            )
        store.chats.trash(2)
        store.chats.archive(3, archived=True)
    return tmp_path


def in_bash(line: str, folder: Path) -> list[str]:
    """What bash would put in place of the word at the end of the line, with its own cutting of words."""
    shell = shutil.which("bash")
    assert shell is not None
    script = f"""
        cd {folder}
        eval "$(localchat completion bash)"
        COMP_LINE={line!r} COMP_POINT={len(line)} COMPREPLY=()
        compopt() {{ printf 'compopt %s %s\\n' "$1" "$2"; }}
        _localchat_completion localchat
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run([shell, "--norc", "-c", script], capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return [word for word in done.stdout.splitlines() if word]


def test_bash_completes_names_with_colons(home: Path) -> None:
    assert in_bash("localchat ask -m ollama/q", home) == ["ollama/qwen3:4b", "ollama/qwen3:8b"]
    assert in_bash("localchat ask -m ollama/qwen3:", home) == ["4b", "8b"]
    assert in_bash("localchat ask -m ollama/qwen3:8", home) == ["8b"]


@pytest.mark.parametrize(
    "words",
    ["import ", "backup s", "restore s", "chats export 1 -o ", "models add x/y --path ", "models edit x/y --path "],
)
def test_bash_completes_file_names(home: Path, words: str) -> None:
    assert in_bash(f"localchat {words}", home) == ["compopt -o default"]


def test_restore_offers_what_lies_in_trash_and_archive_and_nothing_else(home: Path) -> None:
    assert in_bash("localchat chats restore ", home) == ["2", "3"]
    assert in_bash("localchat chats unarchive ", home) == ["3"]
    assert in_bash("localchat chats archive ", home) == ["1"]
    assert in_bash("localchat providers restore ", home) == ["gone"]
    assert in_bash("localchat providers remove g", home) == []


def test_bash_loads_what_was_installed_by_itself(home: Path, run: Run) -> None:
    if not BASH_COMPLETION.exists():
        assert not os.environ.get(ALL)
        pytest.skip("bash-completion is not installed")
    assert run("completion", "--install", "bash").code == 0
    shell = pexpect.spawn("bash", ["--norc", "--noprofile"], encoding="utf-8", timeout=20, dimensions=(24, 120))
    shell.sendline(f"PS1='> '; bind 'set enable-bracketed-paste off'; . {BASH_COMPLETION}; echo re''ady")
    shell.expect("ready")
    shell.send("localchat ask -m ollama/qwen3:8\t")
    shell.expect("qwen3:8b")
    shell.close(force=True)


def test_fish_completes_with_whole_descriptions_and_files(home: Path, run: Run) -> None:
    needs("fish")
    assert run("completion", "--install", "fish").code == 0

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "-c", f"complete -C {line!r}"], capture_output=True, text=True, timeout=60, cwd=home
        )
        return done.stdout.splitlines()

    assert "chats\tList, read, order, delete and restore chats." in offered("localchat cha")
    assert offered("localchat ask -m ollama/qwen3:8") == ["ollama/qwen3:8b"]
    assert [line.split("\t")[0] for line in offered("localchat import some")] == ["some file.json"]


def test_zsh_completes_names_with_colons_from_the_folder_of_the_installation(home: Path, run: Run) -> None:
    needs("zsh")
    answer = run("completion", "--install", "zsh")
    assert f"fpath=({place_of('zsh').parent} $fpath)" in answer.out
    home.joinpath(".zshrc").write_text(
        f"fpath=({place_of('zsh').parent} $fpath)\nautoload -U compinit && compinit -u\nPS1='> '\n"
    )
    shell = pexpect.spawn("zsh", ["-i"], encoding="utf-8", timeout=20, dimensions=(24, 120), cwd=str(home))
    shell.sendline("echo re''ady")
    shell.expect("ready")
    shell.send("localchat ask -m ollama/qwen3:8\t")
    shell.expect("qwen3:8b")
    shell.close(force=True)


def test_the_installation_makes_the_folders_and_says_where_it_wrote(home: Path, run: Run) -> None:
    for shell in ("bash", "zsh", "fish"):
        answer = run("completion", "--install", shell, "--json")
        assert answer.json == {"shell": shell, "file": str(place_of(shell))}
        assert place_of(shell).is_relative_to(home)
        assert "localchat" in place_of(shell).read_text("utf-8")


def test_without_a_name_the_shell_is_the_persons_own(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "commandline -cp" in run("completion").out
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert run("completion").code == 2


def test_a_folder_that_cannot_be_made_is_told(home: Path, run: Run) -> None:
    home.joinpath(".local").write_text("a file")
    answer = run("completion", "--install", "bash", "--json")
    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
