"""The line of keys below every screen."""

from __future__ import annotations

from textual.widgets import Footer


class KeyBar(Footer):
    """Textual's footer, which is composed anew whenever bindings may have changed: here only where its keys did, and
    without holding on to the keys that it replaced.

    Each key is bound to the footer's ``compact``, and the footer keeps that watcher until ``compact`` changes, which
    it never does: 20 kB for each composition, for as long as the app runs.
    """

    _shown: object = None

    async def recompose(self) -> None:
        if not self.is_attached:  # closed since it was asked for
            return
        shown = [
            (binding.key, binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]
        if shown == self._shown:
            return
        self._shown = shown
        await super().recompose()
        self.mutate_reactive(Footer.compact)  # Textual drops the watchers of what is gone when it calls them
