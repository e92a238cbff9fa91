"""What happened to providers, models and the default: why the default is what it is."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult

from localchat.records import CatalogEvent, moment
from localchat.tui.catalog.words import on_day
from localchat.tui.dialogs.dialog import Dialog, Words
from localchat.tui.dialogs.table_list import QUIET, CatalogList, Cell, Heading, Row

LENGTH = 500  # events; `localchat providers log` has them all

ACTIONS = {
    "provider-added": "added",
    "provider-edited": "edited",
    "provider-enabled": "switched on",
    "provider-disabled": "switched off",
    "provider-removed": "removed",
    "provider-restored": "restored",
    "model-added": "added",
    "model-edited": "edited",
    "model-enabled": "switched on",
    "model-disabled": "switched off",
    "model-removed": "removed",
    "model-restored": "restored",
    "default-chosen": "made default",
    "default-demoted": "no longer default",
    "default-healed": "took over",
    "models-taken-over": "took over removed models",
    "chats-moved": "chats moved",
}


class HistoryScreen(Dialog[None]):
    """The log, newest first. A change of the default says from what to what, and whether the rule chose it."""

    CSS_PATH = ["../dialogs/dialog.tcss", "history.tcss"]

    def __init__(self) -> None:
        super().__init__("History of providers and models")

    def body(self) -> ComposeResult:
        yield CatalogList(id="events")
        yield Words(id="empty", classes="hint")

    def on_mount(self) -> None:
        self.watch(self.app, "catalog_version", self._show)
        self.query_one("#events").focus()

    def _show(self) -> None:
        events = self.app.store.catalog.events(LENGTH)
        now = moment(self.app.store.now())
        rows = [row for event in events for row in event_rows(event, now)]
        self.query_one("#events", CatalogList).show_rows(rows)
        self.query_one("#empty", Words).say("" if events else "Nothing has happened yet.")


def event_rows(event: CatalogEvent, now: datetime) -> list[Row | Heading]:
    """What happened; below it, where the default moved, from what to what and by whom."""
    when = on_day(event.at, now)
    action = ACTIONS.get(event.action, event.action)
    rows: list[Row | Heading] = [Row(f"e{event.id}", (Cell(when, QUIET), Cell(f"{event.subject} {action}")))]
    if event.default_before != event.default_after:
        by = "first usable by name" if event.by == "promotion" else "chosen"
        move = f"default: {event.default_before or 'none'} → {event.default_after or 'none'} ({by})"
        rows.append(Heading(move if event.default_after else move.rpartition(" (")[0], indent=len(when) + 1))
    return rows
