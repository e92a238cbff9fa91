"""The pages are true: their links, their commands, their keys, their tables."""

from __future__ import annotations

import asyncio
import html
import importlib.util
import pkgutil
import re
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
from textual.screen import Screen

from localchat import tui
from localchat.store import Store
from localchat.store.catalog.transaction import Action
from localchat.tui.catalog.meanwhile import MergingForm
from localchat.tui.dialogs.dialog import Dialog
from localchat.tui.dialogs.dismiss_once import LeftOnce
from localchat.tui.dialogs.form import Form

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
README = ROOT / "README.md"


def code_of(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def headings_of(text: str) -> set[str]:
    """As a browser names them in an address."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (heading and heading not in headings_of(target.read_text("utf-8"))):
            lost.append(link)
    assert not lost


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", index))


def test_the_readme_starts_and_tests_with_one_line_each_and_its_second_is_the_demo() -> None:
    lines = [line for block in code_of(README.read_text("utf-8"), "sh") for line in block.splitlines()]
    setups = [line for line in lines if line.startswith("python3 -m venv")]
    assert len(setups) == 2
    start, test = setups
    assert lines[:2] == [start, ".venv/bin/localchat demo"]
    assert start.endswith("&& .venv/bin/localchat")
    assert test.endswith("&& .venv/bin/python -m pytest -n 4")
    assert all("-c constraints.txt" in line for line in setups), "what is installed must be what was tested"


def test_ci_runs_the_readmes_second_command_to_the_letter() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    pattern = re.search(r"grep -E '(.+)' README.md", script)
    assert pattern is not None
    found = re.findall(pattern[1], README.read_text("utf-8"), re.MULTILINE)
    lines = [line for block in code_of(README.read_text("utf-8"), "sh") for line in block.splitlines()]
    assert found == [line for line in lines if "-m pytest" in line]


def test_constraints_name_versions_and_no_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.match(r"[a-z0-9.-]+==[\w.]+( ; .+)?$", line) for line in lines)
    pinned = {re.split(r"[=\s]", line)[0] for line in lines}
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    lists = re.findall(r"^(?:dependencies|test|lint) = \[(.*?)\]$", project, re.DOTALL | re.MULTILINE)
    wanted = {name.lower() for part in lists for name in re.findall(r'"([\w-]+)', part)}
    assert len(wanted) > 15
    assert wanted - {"localchat-tui"} <= pinned, "run `make constraints`"


def test_contributing_gives_a_reason_for_every_dependency() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    wanted = re.findall(r'^  "([\w-]+)[\[>=]', project, re.MULTILINE)
    assert [name for name in wanted if f"`{name}" not in told and name != "localchat-tui"] == []


def test_contributing_names_every_room_of_the_house() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rooms = {path.name for path in (ROOT / "localchat").glob("*.py")} - {"__init__.py"}
    rooms |= {f"{path.parent.name}/" for path in (ROOT / "localchat").glob("*/__init__.py")}
    assert [room for room in sorted(rooms) if not re.search(rf"(?<![\w/]){re.escape(room)}", told)] == []


def make_keys() -> ModuleType:
    return script_of("make_keys", ROOT / "docs" / "make_keys.py")


def test_the_page_of_keys_has_every_key_of_the_app_and_no_other() -> None:
    page = (ROOT / "docs" / "keys.md").read_text("utf-8")
    assert page == make_keys().page(page), "run `make docs`"


def test_keys_without_a_row_only_move_about() -> None:
    silent = {key for binding in make_keys().bindings() if binding.id is None for key in binding.key.split(",")}
    assert silent <= {"up", "down", "left", "right", "j", "k", "pageup", "pagedown", "home", "end"}


def test_the_page_of_the_store_names_every_column(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "store.md").read_text("utf-8")
    with Store(tmp_path / "store.db") as store:
        for table in ("providers", "model_configs", "chats", "messages", "catalog_events"):
            columns = {row["name"] for row in store.connection.execute(f"pragma table_xinfo({table})").fetchall()}
            section = text[text.index(f"\n`{table}`") :]
            rows = re.search(r"\n((?:\|.*\n)+)", section)
            assert rows is not None
            told = {name for row in rows[1].splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
            assert told == columns, table


def test_the_sql_of_the_page_of_the_store_works_in_any_client(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Store(path).close()
    read, write = code_of((ROOT / "docs" / "store.md").read_text("utf-8"), "sql")
    plain = sqlite3.connect(path)
    plain.executescript(write)
    titles = [row[0] for row in plain.execute(read).fetchall()]
    plain.close()
    assert titles == ["From a script"]
    with Store(path) as store:
        chat = store.chats.last()
        assert chat is not None
        assert [message.content for message in store.messages.line(chat)] == ["Hello"]


def test_the_page_of_the_life_of_models_lists_every_action_of_the_log() -> None:
    text = (ROOT / "docs" / "life-of-models.md").read_text("utf-8")
    assert set(re.findall(r"`((?:provider|models?|default|chats)-[a-z-]+|undone)`", text)) == set(get_args(Action))


@pytest.mark.timeout(300)
def script_of(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def screens_of_the_app() -> set[type[Screen[Any]]]:
    """Every screen and dialog that can be opened."""
    for found in pkgutil.walk_packages(tui.__path__, "localchat.tui."):
        importlib.import_module(found.name)
    kinds: list[type[Screen[Any]]] = [Screen]
    for kind in kinds:
        kinds += kind.__subclasses__()
    ours = {kind for kind in kinds if kind.__module__.startswith("localchat.")}
    return ours - {LeftOnce, Dialog, Form, MergingForm}  # what others are made of


@pytest.mark.timeout(300)
def test_the_pictures_are_what_the_app_draws_now_and_show_every_screen(tmp_path: Path) -> None:
    there = ROOT / "docs" / "pictures"
    on_top = asyncio.run(script_of("make_pictures", there / "make.py").draw(tmp_path))
    drawn = {path.name: path.read_bytes() for path in tmp_path.glob("*.svg")}
    committed = {path.name: path.read_bytes() for path in there.glob("*.svg")}
    stale = [name for name in drawn if drawn[name] != committed.get(name)]
    assert set(drawn) == set(committed)
    assert not stale, "run `make pictures` and look at them"
    without = {kind.__name__ for kind in screens_of_the_app() - set(on_top.values())}
    assert not without, "docs/pictures/make.py draws no picture of these; add one, and show it in docs/screens.md"
    for name, words in {
        "chat.svg": "gpt-4o was removed. qwen3:8b answers now.",
        "removal.svg": "Remove openai?",
        "demo.svg": "atlas-large was removed. parrot answers now.",
    }.items():
        assert words in shown_in(there / name), name


def test_the_moving_picture_is_one_file_that_plays_by_itself() -> None:
    svg = (ROOT / "docs" / "pictures" / "demo.svg").read_text("utf-8")
    root = ElementTree.fromstring(svg)
    frames = [each for each in root if each.get("id", "").startswith("frame")]
    assert len(frames) == len(re.findall(r"@keyframes k\d+ ", svg)) == 9
    assert not re.search(r"<script|https?://(?!www\.w3\.org|www\.textualize\.io)", svg), "nothing is loaded or run"
    assert len(svg) < 600_000


def test_every_picture_stands_in_a_page() -> None:
    shown = {name for page in PAGES for name in re.findall(r"pictures/([\w-]+\.svg)", page.read_text("utf-8"))}
    assert shown == {path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")}


def shown_in(picture: Path) -> str:
    svg = html.unescape(picture.read_text("utf-8")).replace("\xa0", " ")
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
