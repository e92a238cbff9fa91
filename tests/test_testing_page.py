"""docs/testing-flows.md works to the letter: its commands and files, in an empty folder outside the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "testing-flows.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
FILES = dict(re.findall(r"^```python\n# (test_\w+\.py)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
INSTALL, RECORD, RUN = COMMANDS[:2], COMMANDS[2:-2], COMMANDS[-2:]


def follow(folder: Path, *commands: str, **more: str) -> str:
    """Run commands of the page in that folder; what the last one printed. ``more``: environment variables."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LOCALCHAT", "COV_"))}
    env |= more
    told = ""
    for command in commands:
        command = command.replace("CLONE", str(ROOT))
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True)
        told = done.stdout + done.stderr
        assert done.returncode == 0, f"{command}\n{told}"
    return told


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("__snapshots__/**/*.svg")}


def written_out(folder: Path) -> Path:
    for name, text in FILES.items():
        folder.joinpath(name).write_text(text, "utf-8")
    return folder


def test_the_pages_commands_and_files_are_found() -> None:
    assert [command.split()[0] for command in INSTALL] == ["python3", ".venv/bin/pip"]
    assert all(command.startswith(".venv/bin/localchat --db flows.db ") for command in RECORD)
    assert len(RECORD) == 5
    assert RUN == [".venv/bin/python -m pytest --snapshot-update", ".venv/bin/python -m pytest"]
    assert sorted(FILES) == ["test_removal.py", "test_replies.py", "test_turns.py"]


def test_a_flow_of_the_page_is_five_lines() -> None:
    flows = re.findall(r"^async def test_\w+\(.*?\):\n((?: .*\n)+)", FILES["test_removal.py"], re.MULTILINE)
    assert len(flows) == 5
    assert max(len(flow.splitlines()) for flow in flows) <= 5


@pytest.mark.timeout(300)
def test_the_examples_are_green_twice_with_the_same_pictures(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    # Where localchat is imported from its clone, pytest does not find the plugin by itself.
    plugin = {"PYTEST_ADDOPTS": "-p localchat.pytest_plugin"}
    follow(written_out(tmp_path), *RECORD, RUN[0], **plugin)
    first = pictures(tmp_path)
    assert "8 passed" in follow(tmp_path, RUN[1], **plugin)
    assert pictures(tmp_path) == first
    assert len(first) == 4
    assert "parrot was removed. a1 answers now." in svg_text(first)


def svg_text(found: dict[str, bytes]) -> str:
    return " ".join(re.findall(r">([^<]+)</text>", b" ".join(found.values()).decode().replace("&#160;", " ")))


@pytest.mark.install
@pytest.mark.timeout(1200)
def test_the_page_works_to_the_letter_in_an_empty_folder(tmp_path: Path) -> None:
    """With an environment of its own, from nothing but Python, in two folders: the same pictures to the byte."""
    taken = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        written_out(folder)
        if name == "one":
            follow(folder, *INSTALL)
        else:
            (folder / ".venv").symlink_to(tmp_path / "one" / ".venv")
        follow(folder, *RECORD, *RUN)
        taken.append(pictures(folder))
    assert taken[0] == taken[1]
    assert len(taken[0]) == 4
