"""Every reach into what Textual keeps to itself, one function each, with a test by its name: an upgrade of Textual that
moves one of them fails there."""

from __future__ import annotations

from textual._styles_cache import StylesCache
from textual.app import App
from textual.dom import DOMNode


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
