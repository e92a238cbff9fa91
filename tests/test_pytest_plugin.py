"""The plugin is cheap, and leaves other suites and other plugins alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localchat.store import Store
from localchat.testing import Script, Statements, add_chat, opened, press, say, screen_text
from localchat.tui.app import LocalChat

pytest_plugins = ["pytester"]
USES_IT = "async def test_flow(localchat_store):\n    assert localchat_store.catalog.default() is not None\n"
STRANGER = "async def test_stranger():\n    raise AssertionError\n"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    for name in ("PYTEST_XDIST_WORKER", "TEXTUAL_SNAPSHOT_TEMPDIR"):  # else its pictures are reported with ours
        monkeypatch.delenv(name, raising=False)

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess("-p", "localchat.pytest_plugin", "-p", "no:cacheprovider", *options)

    return run


@pytest.mark.parametrize("options", [("-p", "no:asyncio"), (), ("-o", "asyncio_mode=auto"), ("-p", "no:anyio")])
def test_an_async_test_with_a_fixture_of_ours_runs_beside_any_plugin(
    suite: Callable[..., pytest.RunResult], options: tuple[str, ...]
) -> None:
    suite(USES_IT, *options).assert_outcomes(passed=1)


def test_an_async_test_that_fails_fails(suite: Callable[..., pytest.RunResult]) -> None:
    suite("async def test_flow(localchat_script):\n    assert not localchat_script\n").assert_outcomes(failed=1)


def test_an_async_test_of_a_file_that_imports_from_us_runs_too(suite: Callable[..., pytest.RunResult]) -> None:
    text = (
        "from localchat.testing import known_store\n"
        "async def test_flow(tmp_path):\n"
        "    with known_store(tmp_path / 'a.db') as store:\n"
        "        assert store.catalog.default() is not None\n"
    )
    suite(text, "-p", "no:asyncio", "-p", "no:anyio").assert_outcomes(passed=1)


def test_async_tests_of_others_are_left_to_others(suite: Callable[..., pytest.RunResult]) -> None:
    done = suite(STRANGER, "-p", "no:asyncio", "-p", "no:anyio")
    done.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_loading_the_plugin_imports_nothing_of_localchat_nor_textual() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import localchat.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['localchat', 'localchat.pytest_plugin']"


async def test_the_app_answers_by_the_script_and_leaves_the_person_s_own_alone(
    localchat_app: LocalChat, localchat_script: Script, localchat_store: Store, tmp_path: Path
) -> None:
    localchat_script.says("First.", "Second.")
    async with opened(localchat_app) as pilot:
        await say(pilot, "One?")
        localchat_script.says("Third.")
        await say(pilot, "Two?")
        shown = screen_text(localchat_app)
    assert "First." in shown
    assert "Third." in shown
    assert "Second." not in shown
    assert localchat_store.path == tmp_path / "localchat.db"


async def test_what_a_test_writes_before_it_opens_the_app_is_what_the_app_shows(
    localchat_app: LocalChat, localchat_script: Script, localchat_store: Store
) -> None:
    localchat_store.catalog.make_default(localchat_store.catalog.live("beta/b1").id)
    add_chat(localchat_store, "Newest", "alpha/a2", [("Question?", "Answer.")])
    async with opened(localchat_app) as pilot:
        assert "★ b1" in screen_text(localchat_app)
        assert "Answer." in screen_text(localchat_app)
        await press(pilot, "ctrl+n")
        assert "b1 · beta will answer" in screen_text(localchat_app)
        await say(pilot, "Who?")
    assert [asked for asked, _ in localchat_script.requests] == ["beta"]


def test_statements_tell_transactions_apart() -> None:
    seen = Statements(["select 1", "begin immediate", "insert", "COMMIT", "begin", "select 2", "commit"])
    seen += ["BEGIN IMMEDIATE", "savepoint a", "rollback to a", "update", "ROLLBACK", "begin immediate", "x"]
    assert seen.transactions == [
        ["begin immediate", "insert", "COMMIT"],
        ["BEGIN IMMEDIATE", "savepoint a", "rollback to a", "update", "ROLLBACK"],
        ["begin immediate", "x"],
    ]


async def test_statements_are_those_of_the_store(localchat_store: Store, localchat_statements: Statements) -> None:
    localchat_store.catalog.remove_provider("zeta")
    assert len(localchat_statements.transactions) == 1
    assert any(statement.startswith("delete from providers") for statement in localchat_statements.transactions[0])


def test_a_picture_that_differs_fails(suite: Callable[..., pytest.RunResult]) -> None:
    text = (
        "import os\nfrom localchat.testing import opened\n"
        "async def test_flow(localchat_app, localchat_store, snap):\n"
        "    localchat_store.chats.rename(1, os.environ['NAMED'])\n"
        "    async with opened(localchat_app) as pilot:\n"
        "        await snap(pilot, themes=('localchat-light', 'localchat-dark'))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAMED", "one")
        suite(text, "--snapshot-update").assert_outcomes(passed=1)
        suite(text).assert_outcomes(passed=1)
        patch.setenv("NAMED", "another")
        suite(text).assert_outcomes(failed=1)
