"""The app with a guide on every screen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import Screen

from localchat.errors import ProviderUnavailable
from localchat.providers import Client, connect
from localchat.records import Provider
from localchat.store import Store
from localchat.tui.app import LocalChat, run_app
from localchat.tui.demo.content import furnish
from localchat.tui.demo.guide import HIDE, Guide
from localchat.tui.footer import KeyBar


def connect_here(provider: Provider) -> Client:
    """Only what answers inside this program. Raises ProviderUnavailable for any other: the demo needs no network."""
    if provider.kind not in ("echo", "replay"):
        raise ProviderUnavailable(
            f"The demo asks nobody outside of it, so {provider.name} does not answer here.",
            "ctrl+q ends the demo; `localchat` opens your own store.",
        )
    return connect(provider)


class Demo(LocalChat):
    """LocalChat over a store of the demo."""

    TITLE = "localchat demo"
    CSS_PATH = ["../app.tcss", "../chat/screen.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(HIDE, "hide_guide", "Hide the guide", id="demo.hide", show=False, priority=True),
    ]

    def __init__(self, store: Store, *, still: bool = False) -> None:
        super().__init__(store, connect_here, still=still)
        self._guiding = True
        newest = store.catalog.events(1)
        self.undos.since = newest[0].id if newest else 0  # f8 leaves the demo's own content alone

    @property
    def looks_around(self) -> bool:
        """Nothing is asked that is not in the demo, not even on this machine."""
        return False

    def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._guide_on)
        self.call_after_refresh(self._guide_on, self.screen)

    def _guide_on(self, screen: Screen[Any]) -> None:
        if not self._guiding or not screen.is_attached:
            return
        try:
            screen.query_one(Guide).look()
        except NoMatches:
            bars = screen.query(KeyBar)
            if bars:
                screen.mount(Guide(self), before=bars.first())

    async def action_hide_guide(self) -> None:
        self._guiding = False
        for screen in self.screen_stack:
            await screen.query(Guide).remove()


def run() -> int:
    """Open the demo on a store of its own, and throw that away at the end; the exit status. Raises like ``run``.

    Nothing of the person's own is in reach: not the store, not the keyring, not the weights.
    """
    with tempfile.TemporaryDirectory(prefix="localchat-demo-") as folder:
        os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        os.environ["LOCALCHAT_MODELS"] = str(Path(folder, "models"))
        os.environ["LOCALCHAT_BACKUPS"] = "0"
        with furnish(Path(folder)) as store:
            return run_app(Demo(store), store.path)
