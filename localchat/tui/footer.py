"""The line of keys below every screen."""

from __future__ import annotations

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
        return one_line(self.app.undos.label, 30) if isinstance(self.app, Shell) else ""

    def compose(self) -> ComposeResult:
        """The key that takes something back says what."""
        for key in super().compose():
            if isinstance(key, FooterKey) and key.action.endswith("undo") and self._undoes:
                key.description = f"Undo {self._undoes}"
            yield key

    async def recompose(self) -> None:
        if not self.is_attached:  # closed since it was asked for
            return
        shown = [
            (binding.key, binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]
        if (shown, self._undoes) == self._shown:
            return
        self._shown = (shown, self._undoes)
        await super().recompose()
        self.mutate_reactive(Footer.compact)  # Textual drops the watchers of what is gone when it calls them
