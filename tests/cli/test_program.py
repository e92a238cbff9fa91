"""The program around its commands: what it loads, how it fails, where its store is, and what a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localchat.cli.program import Program
from localchat.store import Store
from tests.cli.conftest import Run

HEAVY = ("httpx2", "pydantic_ai", "openai", "anthropic", "google", "sqlite_utils", "keyring", "psutil")


def loaded(words: str, path: Path) -> set[str]:
    """The modules that are there when the program has run with these words."""
    script = (
        "import sys, contextlib, io\n"
        "from localchat.cli import localchat\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    localchat.main({words.split()!r})\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_version_loads_neither_textual_nor_the_store(path: Path) -> None:
    modules = loaded("--version", path)

    assert "localchat.cli" in modules
    assert not modules & {"textual", "localchat.store", "localchat.cli.ask", "localchat.providers", *HEAVY}


def test_starting_the_app_loads_no_other_command_and_nothing_heavy(path: Path) -> None:
    with Store(path):
        pass
    script = (
        "import sys\n"
        "import localchat.cli.session as session\n"
        "session.interactive = lambda **_: True\n"
        "import localchat.tui.app as app\n"
        "app.run = lambda path: print('\\n'.join(sys.modules)) or 0\n"
        "from localchat.cli import localchat\n"
        "localchat.main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())

    assert "localchat.tui.app" in modules
    others = {"localchat.cli.ask", "localchat.cli.chats", "localchat.cli.models", "localchat.cli.providers"}
    assert not modules & {*others, *HEAVY}


def test_a_list_of_chats_loads_no_client(path: Path) -> None:
    with Store(path):
        pass

    assert not loaded("chats list", path) & {"textual", "localchat.cli.ask", *HEAVY}


def test_the_version_is_said(run: Run) -> None:
    from localchat import __version__
    from localchat.cli.output import JSON_VERSION

    assert run("--version").out == f"localchat {__version__}\n"
    assert run("--version", "--json").json == {"version": __version__, "json": JSON_VERSION}


def test_without_a_terminal_the_app_says_what_to_use_instead(real: Run) -> None:
    answer = real()

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("Error: localchat opens a screen and needs a terminal for it.\n")
    assert "localchat ask PROMPT" in answer.err


def test_the_help_names_every_command(run: Run) -> None:
    answer = run("--help")

    assert answer.code == 0
    assert {"ask", "chats", "models", "providers", "doctor", "completion"} <= set(answer.out.split())


def test_every_command_takes_json_and_db_and_explains_itself(run: Run) -> None:
    from localchat.cli import localchat

    assert isinstance(localchat, Program)
    paths = []
    for name in localchat.list_commands(None):  # type: ignore[arg-type]
        command = localchat.get_command(None, name)  # type: ignore[arg-type]
        children = getattr(command, "commands", None)
        paths += [[name, child] for child in children] if children else [[name]]
    for words in paths:
        text = run(*words, "--help").out
        assert "--json" in text, words
        assert "--db" in text, words
        assert text.splitlines()[2].strip(), words
    assert len(paths) > 30


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("chats", "nonsense"),
        ("chats",),
        ("ask", "one", "two"),
        ("chats", "list", "--nonsense"),
        ("chats", "show"),
        ("providers", "add", "x"),
        ("providers", "add", "x", "--kind", "nonsense"),
        ("--nonsense",),
        ("chats", "list", "--limit", "0"),
        ("chats", "list", "--limit", "many"),
        ("--db", "", "chats", "list"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_was_wrong(run: Run, words: tuple[str, ...]) -> None:
    plain = run(*words)
    assert (plain.code, plain.out) == (2, "")
    assert "Usage: localchat" in plain.err

    answer = run(*words, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert answer.error["code"] == "invalid_input"
    assert answer.error["message"]


def test_a_word_near_to_a_command_is_suggested(run: Run) -> None:
    assert "Did you mean 'chats'?" in run("chat", "list").err
    assert "Did you mean 'list'?" in run("chats", "lst").err


def test_db_stands_before_or_after_the_command_and_wins_over_the_environment(run: Run, tmp_path: Path) -> None:
    other = str(tmp_path / "other.db")
    run("--db", other, "providers", "disable", "local")

    assert run("models", "list", "--db", other, "--json").json[0]["usable"] is False
    assert run("models", "list", "--json").json[0]["usable"] is True


def test_a_store_that_cannot_be_read_is_an_error_in_words(run: Run, path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"this is no database, and long enough to be looked at" * 50)
    answer = run("chats", "list", "--json")
    assert (answer.code, answer.error["code"]) == (1, "store_unreadable")

    folder = run("chats", "list", "--db", str(tmp_path), "--json")
    assert (folder.code, folder.error["code"]) == (1, "invalid_input")


def test_a_newer_store_is_refused_and_left_untouched(run: Run, store: Store, path: Path) -> None:
    store.connection.execute("pragma user_version = 99")
    store.connection.execute("pragma wal_checkpoint(truncate)")
    before = path.read_bytes()
    answer = run("chats", "list", "--json")

    assert (answer.code, answer.error["code"]) == (1, "store_newer")
    assert path.read_bytes() == before


def test_a_bug_is_told_without_a_traceback_unless_asked_for(
    run: Run, echo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localchat.store.chats import Chats

    def broken(*_: object, **__: object) -> None:
        raise KeyError("\x1b[2Jnobody thought of this")

    monkeypatch.setattr(Chats, "listing", broken)
    answer = run("chats", "list", "--json")
    assert (answer.code, answer.error["code"]) == (1, "internal")
    assert "KeyError" in answer.error["message"]
    assert "Traceback" not in answer.err

    monkeypatch.setenv("LOCALCHAT_DEBUG", "1")
    assert "Traceback" in run("chats", "list").err


def test_streams_that_are_closed_are_no_traceback(path: Path) -> None:
    for words in ("models list", "ask --json -m no/model x", "nonsense"):
        for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
            shell = ["sh", "-c", f"{sys.executable} -m localchat {words} {closed}"]
            done = subprocess.run(shell, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert "Traceback" not in done.stderr
            assert done.returncode == {"models list": 0, "nonsense": 2}.get(words, 1), (words, closed)


def test_a_terminal_without_unicode_gets_question_marks_and_json_stays_whole(real: Run, echo: Store) -> None:
    plain = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    real("ask", "Ünïcode 漢字")

    assert "?n?code" in real("chats", "list", env=plain).out
    assert real("chats", "list", "--json", env=plain).json[0]["title"] == "Ünïcode 漢字"


def completed(words: str, shell: str = "bash") -> list[str]:
    number = len(words.split(" ")) - 1
    asked = {"_LOCALCHAT_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    environment = {**os.environ, **asked}
    done = subprocess.run([sys.executable, "-m", "localchat"], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    return [line.split(",", 1)[1] for line in done.stdout.split("\n") if line]


def test_the_shell_completes_names_from_the_store(echo: Store) -> None:
    assert completed("localchat ask -m p") == ["play/echo"]
    assert completed("localchat models remove ") == ["local/smollm2", "play/echo"]
    assert completed("localchat providers remove l") == ["local"]
    assert completed("localchat mod") == ["models"]
    echo.connection.execute("insert into chats (title) values ('hello')")
    assert completed("localchat chats show ") == ["1"]
    echo.catalog.remove_model(echo.catalog.live("play/echo").id)
    assert completed("localchat models restore p") == ["play/echo"]


def test_completing_makes_no_store_and_never_complains(path: Path) -> None:
    assert completed("localchat ask -m ") == []
    assert not path.exists()
    path.write_text("this is no store")
    assert completed("localchat ask -m ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_read_by_it(run: Run, shell: str) -> None:
    script = run("completion", shell).out
    assert "_LOCALCHAT_COMPLETE" in script
    assert run("completion", shell, "--json").json["shell"] == shell
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("words", [("chats", "list"), ("models", "list"), ("providers", "list"), ("providers", "log")])
def test_json_and_db_may_stand_anywhere(real: Run, path: Path, words: tuple[str, str]) -> None:
    noun, verb = words
    common = ("--db", str(path), "--json")
    answers = [real(*common, noun, verb), real(noun, *common, verb), real(noun, verb, *common)]
    assert [answer.code for answer in answers] == [0, 0, 0]
    assert answers[0].out == answers[1].out == answers[2].out


def test_the_end_of_the_process_looks_for_no_circles(real: Run) -> None:
    """That takes seconds where a vendor's SDK is loaded: ctrl+c would not be heard within one."""
    seen = "import atexit, gc, runpy, sys; sys.argv[0] = 'localchat';"
    seen += "atexit.register(lambda: print(gc.get_freeze_count() > 1000));"
    seen += "runpy.run_module('localchat', run_name='__main__')"
    command = [sys.executable, "-c", seen, "providers", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "True", done.stderr
