"""Every reach into what Textual keeps to itself, one function each, with a test by its name: an upgrade of Textual that
moves one of them fails there."""

from __future__ import annotations

from typing import Any

from textual._styles_cache import StylesCache
from textual.app import App
from textual.dom import DOMNode
from textual.driver import Driver


def crash(app: App[None], bug: Exception) -> None:
    """End the app by a bug that came up outside of its message pump, as if a key had met it."""
    app._handle_exception(bug)


def take_toast_away(app: App[None], message: str) -> None:
    """Take the toasts with that text from the screen, and leave the others."""
    for toast in [each for each in app._notifications if each.message == message]:
        app._unnotify(toast)


def forget_closed(node: DOMNode) -> None:
    """Let go of widgets that were closed: of their watchers on ``node``, which Textual drops only when the watched
    value changes, and of what they had drawn, which a cache of Textual's keeps for the last 1,024 widgets."""
    StylesCache.get_inner_outer.cache_clear()
    for watchers in getattr(node, "__watchers", {}).values():
        watchers[:] = [(watcher, callback) for watcher, callback in watchers if not watcher._closing]


def continues(driver: type[Driver]) -> type[Driver]:
    """The same driver, that goes on after a SIGSTOP, of which no program is told.

    On SIGCONT Textual's driver enters its mode anew, as after the ctrl+z that it took part in. After a SIGSTOP it never
    left that mode: then a second thread reads the keys, one of the two waits for ever for what the other one has read,
    and the end of the program waits for it; and what the terminal was before is forgotten.
    """
    if not hasattr(driver, "_sigcont_application"):  # Windows
        return driver

    def _sigcont_application(self: Any, *_: object) -> None:
        before = None
        if self._key_thread is not None and self._key_thread.is_alive():
            self.exit_event.set()
            self._key_thread.join()
            self.exit_event.clear()
            self._writer_thread.stop()
            before = self.attrs_before
        driver._sigcont_application(self)
        if before is not None:
            self.attrs_before = before
            self._app.call_later(self._app.refresh, layout=True)  # a shell may have written over the screen

    return type(driver.__name__, (driver,), {"_sigcont_application": _sigcont_application, "__doc__": driver.__doc__})
