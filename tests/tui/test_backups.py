"""The backup of the day in the app: after the first screen, in a thread; a failure is a toast and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from localchat.store.backups import folder_of, listed
from localchat.tui import app as module
from localchat.tui.app import LocalChat


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALCHAT_BACKUPS")
    monkeypatch.setattr(module, "BACKUP", 0.01)


async def test_the_app_makes_the_backup_of_the_day(tmp_path: Path) -> None:
    with Store(tmp_path / "chat.db", busy_timeout=0) as store:
        app = LocalChat(store, still=True)
        async with app.run_test(size=(80, 24)) as pilot:
            while not listed(store.path):
                await pilot.pause(0.01)
        assert [one.kind for one in listed(store.path)] == ["daily"]


async def test_a_backup_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with Store(tmp_path / "chat.db", busy_timeout=0) as store:
        folder_of(store.path).write_text("in the way")
        app = LocalChat(store, still=True)
        async with app.run_test(size=(80, 24)) as pilot:
            while not app._notifications:
                await pilot.pause(0.01)
            assert [note.message.startswith("The store was not backed up.") for note in app._notifications] == [True]
