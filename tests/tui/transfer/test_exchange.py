"""The dialogs that write the open chat to a file, and take chats in."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import add_chat
from localchat.transfer.importers import Imported
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.safe_input import Line
from localchat.tui.transfer import dialogs
from localchat.tui.transfer.dialogs import ExportDialog, ImportDialog
from tests.transfer.importers.sources import chatgpt_json, talk
from tests.tui.catalog.conftest import Bench, settled, words


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)

    def clock() -> datetime:
        return datetime(2026, 11, 22, 14, 2, tzinfo=UTC)

    with Store(tmp_path / "store.db", busy_timeout=0, clock=clock) as opened:
        opened.catalog.add_provider("play", "echo")
        opened.catalog.add_model("play", "echo")
        add_chat(opened, "Locks [/] in SQLite", "play/echo", [("Why is it locked?", "Two writers.")])
        yield opened


def export_of(store: Store) -> Bench:
    chat = store.chats.last()
    assert chat is not None
    return Bench(store, ExportDialog(chat))


def type_over(pilot: Pilot[None], text: str) -> None:
    pilot.app.screen.query_one("#file", Line).value = text


async def test_the_open_chat_is_written_to_a_file_named_after_it(store: Store, tmp_path: Path) -> None:
    app = export_of(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "Export “Locks [/] in SQLite”" in words(pilot)
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.answers))

    file = tmp_path / "locks-in-sqlite.md"
    assert app.answers == [file]
    assert app.toasts() == [f"Wrote the chat to {file}."]
    assert "Two writers." in file.read_text()


async def test_the_name_follows_the_format(store: Store, tmp_path: Path) -> None:
    app = export_of(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("tab", "enter", "down", "enter")
        await settled(pilot, lambda: pilot.app.screen.query_one("#file", Line).value.endswith(".json"))
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))

    [chat] = json.loads((tmp_path / "locks-in-sqlite.json").read_text())["chats"]
    assert chat["title"] == "Locks [/] in SQLite"


async def test_a_file_that_is_there_is_replaced_only_after_a_yes(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "locks-in-sqlite.md"
    file.write_text("precious")
    app = export_of(store)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("enter")
        await settled(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("escape")
        await settled(pilot, lambda: "is there already. Give another name." in words(pilot))
        assert file.read_text() == "precious"
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.answers))

    assert file.read_text().startswith("# Locks")


async def test_a_place_that_cannot_be_written_is_told_and_the_name_stays(store: Store) -> None:
    app = export_of(store)
    async with app.run_test(size=(100, 30)) as pilot:
        type_over(pilot, "/no/such/folder/a.md")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "The folder /no/such/folder does not exist." in words(pilot))
        assert pilot.app.screen.query_one("#file", Line).value == "/no/such/folder/a.md"
        assert app.answers == []


async def test_looking_first_tells_what_would_come_and_importing_does_it(store: Store, tmp_path: Path) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", talk("c1", "one"), {"title": "bad [/] one"})
    app = Bench(store, ImportDialog(str(file)))
    async with app.run_test(size=(100, 30)) as pilot:
        before = app.chats_version
        await pilot.press("enter")
        await settled(pilot, lambda: "Would import 1 chat with 2 messages from ChatGPT." in words(pilot))
        assert len(store.chats.listing()) == 1
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "Imported 1 chat with 2 messages" in words(pilot))
        assert "bad [/] one: it has no messages" in words(pilot)
        assert app.chats_version > before
        await pilot.press("escape")
        await settled(pilot, lambda: bool(app.answers))

    assert isinstance(app.answers[0], Imported)
    assert [chat.title for chat in store.chats.listing()] == ["Locks [/] in SQLite", "one"]


async def test_what_is_no_export_is_told_beside_the_name(store: Store, tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("hello")
    app = Bench(store, ImportDialog())
    async with app.run_test(size=(100, 30)) as pilot:
        for name, told in (
            ("", "No file is named"),
            ("readme.txt", "readme.txt is no export"),
            ("nowhere", "is not there"),
        ):
            type_over(pilot, name)
            await pilot.press("ctrl+s")
            await settled(pilot, lambda told=told: told in words(pilot))  # type: ignore[misc]
        await pilot.press("escape")
        await settled(pilot, lambda: bool(app.answers))

    assert app.answers == [None]


async def test_closing_stops_at_the_next_chat_and_keeps_what_is_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = chatgpt_json(tmp_path / "conversations.json", *[talk(f"c{n}", f"chat {n}") for n in range(50)])
    third, go_on = threading.Event(), threading.Event()
    real = dialogs.import_file

    def held(own: Store, name: str, **options: object) -> Imported:
        progress = options["progress"]

        def wait(done: Imported) -> None:
            if done.chats_imported == 3:
                third.set()
                go_on.wait(10)
            progress(done)  # type: ignore[operator]

        return real(own, name, **{**options, "progress": wait})  # type: ignore[arg-type]

    monkeypatch.setattr(dialogs, "import_file", held)
    app = Bench(store, ImportDialog(str(file)))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+s")
        await asyncio.to_thread(third.wait, 10)
        await pilot.press("escape")
        await settled(pilot, lambda: bool(app.answers))
        go_on.set()
        await settled(pilot)
    assert len(store.chats.listing()) == 1 + 3
