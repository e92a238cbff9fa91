"""What the next turn would send: every word of it, in its order."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from localchat import turns
from localchat.errors import LocalChatError
from localchat.records import Chat
from localchat.text import clean, count, one_line
from localchat.tui.dialogs.dialog import Dialog, Words

SHOWN = 20_000  # characters of one message; nobody reads more of it here


class SentScreen(Dialog[None]):
    """System prompt, summary, messages; what is left out; about how many tokens that is."""

    CSS_PATH = ["../dialogs/dialog.tcss", "sent_preview.tcss"]

    def __init__(self, chat: Chat) -> None:
        super().__init__("What the next turn sends")
        self._chat = chat

    def body(self) -> ComposeResult:
        with VerticalScroll(id="sent"):
            yield Words(self._text())

    def on_mount(self) -> None:
        self.query_one("#sent").focus()

    def _text(self) -> Content:
        store, chat = self.app.store, self._chat
        try:
            used = turns.answerer(store, chat).used
        except LocalChatError as error:
            return Content(f"Nothing: {clean(error.message)}")
        floor = turns.summarised(store, chat)
        system = turns.system_of(chat, floor > 0)
        budget = turns.budget_of(store, chat, used)
        room = None if budget is None else max(budget - turns.estimate(system), 1)
        lines, left_out, spent = turns.lines_that_fit(store, chat, chat.length, room, floor)
        tokens = spent + (turns.estimate(system) if system else 0)
        limit = f" of {budget:,}" if budget is not None else ""
        parts: list[Content | str | tuple[str, str]] = [
            (f"To {one_line(used.ref)}: about {tokens:,}{limit} tokens, and what you write next.\n", "dim")
        ]
        if floor:
            parts.append((f"The first {count(floor, 'message')} go as the summary below.\n", "dim"))
        if left_out:
            parts.append((f"{count(left_out, 'message')} do not fit and are left out.\n", "$text-warning"))
        for role, text in [("system", system), *((line.role, line.content) for line in lines)]:
            if text:
                cut = "" if len(text) <= SHOWN else f"\n… {len(text) - SHOWN:,} more characters"
                parts += [(f"\n{role}\n", "bold"), f"{clean(text[:SHOWN])}{cut}\n"]
        return Content.assemble(*parts)
