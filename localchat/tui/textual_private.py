"""Every reach into what Textual keeps to itself, one function each, with a test by its name: an upgrade of Textual that
moves one of them fails there."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

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


class _Terminal:
    """A terminal that may go at any time: what cannot be written then is dropped, for nobody reads it any more."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._gone = False

    def write(self, text: str) -> None:
        self._unless_gone(lambda: self._file.write(text))

    def flush(self) -> None:
        self._unless_gone(self._file.flush)

    def _unless_gone(self, do: Callable[[], object]) -> None:
        if not self._gone:
            try:
                do()
            except OSError:
                self._gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def outlives_its_terminal(driver: type[Driver]) -> type[Driver]:
    """The same driver, that goes on when its terminal is gone.

    Textual writes in a thread, from a queue of 30. The first write to a terminal that is gone ends that thread; the
    31st waits for ever, and with it the end of the program. Its thread that reads takes the app down with a traceback,
    before anything is saved; here the app quits in order.
    """
    if not hasattr(driver, "_sigcont_application"):  # Windows
        return driver

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        driver.__init__(self, *arguments, **named)
        self._file = _Terminal(self._file)

    def run_input_thread(self: Any) -> None:
        try:
            driver.run_input_thread(self)  # type: ignore[attr-defined]
        except OSError:
            self._app.call_later(self._app.action_quit)

    ours = {"__init__": __init__, "run_input_thread": run_input_thread, "__doc__": driver.__doc__}
    return type(driver.__name__, (driver,), ours)


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
