"""What we reach into of Textual is still there, and still does what it is needed for."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from localchat.tui.textual_private import continues, crash, forget_closed, take_toast_away


class Watched(App[None]):
    number: reactive[int] = reactive(0)


class Watcher(Widget):
    def on_mount(self) -> None:
        self.watch(self.app, "number", lambda: None)


async def test_forget_closed_drops_watchers_and_drawings_of_closed_widgets() -> None:
    from textual._styles_cache import StylesCache

    async with Watched().run_test() as pilot:
        app = pilot.app
        watcher = Watcher()
        await app.mount(watcher, Static("drawn"))
        await watcher.remove()
        assert [each for each, _ in vars(app)["__watchers"]["number"]] == [watcher]
        assert StylesCache.get_inner_outer.cache_info().currsize

        forget_closed(app)

        assert vars(app)["__watchers"]["number"] == []
        assert StylesCache.get_inner_outer.cache_info().currsize == 0


async def test_crash_ends_the_app_with_the_bug_and_a_status_of_1() -> None:
    app = Watched()

    async def run() -> None:
        async with app.run_test() as pilot:
            crash(pilot.app, RuntimeError("a bug"))
            await pilot.pause()

    with pytest.raises(RuntimeError, match="a bug"):
        await run()
    assert app.return_code == 1


async def test_a_toast_is_taken_away_and_the_others_stay() -> None:
    async with Watched().run_test(notifications=True) as pilot:
        for message in ("gone", "stays", "gone"):
            pilot.app.notify(message)
        await pilot.pause()
        take_toast_away(pilot.app, "gone")
        assert [toast.message for toast in pilot.app._notifications] == ["stays"]


def test_continues_is_called_by_the_driver_of_a_terminal() -> None:
    """What it does is seen in a terminal: tests/e2e/test_stopped.py."""
    from textual.drivers.linux_driver import LinuxDriver

    driver = continues(LinuxDriver)
    assert {"_sigcont_application"} <= vars(driver).keys()
    assert {"_key_thread", "_writer_thread", "attrs_before", "exit_event"} <= set(
        LinuxDriver.__init__.__code__.co_names
    )


async def test_a_driver_outlives_its_terminal_however_much_there_is_to_write() -> None:
    import os
    import threading

    from textual.drivers._writer_thread import WriterThread
    from textual.drivers.linux_driver import LinuxDriver

    from localchat.tui.textual_private import outlives_its_terminal

    ours, theirs = os.openpty()
    terminal = os.fdopen(theirs, "w", encoding="utf-8")
    driver = outlives_its_terminal(LinuxDriver).__new__(outlives_its_terminal(LinuxDriver))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.__stderr__", terminal)
        patch.setattr("sys.__stdin__", terminal)
        driver.__init__(Watched())  # type: ignore[misc]
    thread = WriterThread(driver._file)  # type: ignore[attr-defined]
    thread.start()
    os.close(ours)  # the terminal is gone
    writing = threading.Thread(target=lambda: [thread.write("words ") for _ in range(200)], daemon=True)
    writing.start()
    await asyncio.to_thread(writing.join, 20)
    assert not writing.is_alive()
    thread.stop()
    assert not thread.is_alive()
