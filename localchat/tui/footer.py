"""The line of keys below every screen."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from localchat.text import one_line
from localchat.tui.shell import Shell


class KeyBar(Footer):
    """Textual's footer, which is composed anew whenever bindings may have changed: here only where its keys did, and
    without holding on to the keys that it replaced.

    Each key is bound to the footer's ``compact``, and the footer keeps that watcher until ``compact`` changes, which
    it never does: 20 kB for each composition, for as long as the app runs.
    """

    _shown: object = None

    @property
    def _undoes(self) -> str:
        return one_line(self.app.undos.words, 35) if isinstance(self.app, Shell) and self.app.undos.label else ""

    def compose(self) -> ComposeResult:
        """The key that takes something back says what. Where not all keys fit, the last ones are left out, but never
        that one nor the way to the help, which has all of them; none is cut in half."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]  # we use no groups
        for key in keys:
            if key.action.endswith("undo") and self._undoes:
                key.description = self._undoes
        room = self.app.size.width - sum(self._width(key) for key in keys if _docked(key))
        row = [key for key in keys if not _docked(key)]
        for key in reversed(row.copy()):
            if sum(map(self._width, row)) <= room + 1:  # the space after the last one may go
                break
            if not key.action.endswith(("undo", "help")):
                row.remove(key)
        yield from row
        yield from filter(_docked, keys)

    def _width(self, key: FooterKey) -> int:
        """In cells, with the space after it."""
        return cell_len(key.key_display) + cell_len(key.description) + (2 if self.compact else 3)

    def on_resize(self) -> None:
        self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        if not self.is_attached:  # closed since it was asked for
            return
        shown = [
            (binding.key, binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]
        now = (shown, self._undoes, self.app.size.width)
        if now == self._shown:
            return
        self._shown = now
        await super().recompose()
        self.mutate_reactive(Footer.compact)  # Textual drops the watchers of what is gone when it calls them


def _docked(key: FooterKey) -> bool:
    """The palette's, at the right."""
    return key.has_class("-command-palette")
