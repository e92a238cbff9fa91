"""The line above the footer that says what to do next. It follows what the person did, in whatever order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Static

from localchat.errors import LocalChatError
from localchat.tui.demo.content import NEXT, PARROT, PROVIDER

if TYPE_CHECKING:
    from localchat.tui.app import LocalChat

AGAIN = 0.2  # seconds between two looks at what was done
HIDE = "f12"


@dataclass(frozen=True, slots=True)
class Facts:
    """Where the person is (the id of a screen, or its class), and what became of the provider.

    ``asked``: the next question of the first chat was sent. ``coming``: a reply is coming. ``fell``: the last reply of
    the open chat is by another model than its own, because that was removed. ``back``: it was removed and restored.
    ``nobody``: there is no default.
    """

    place: str
    asked: bool = False
    coming: bool = False
    removed: bool = False
    fell: bool = False
    back: bool = False
    nobody: bool = False


def advice(facts: Facts) -> str:
    """What to do next, in one line."""
    match facts:
        case Facts(place="RemovalDialog"):
            return "What would go, and who would take over. enter removes it."
        case Facts(place="catalog", removed=True):
            return f"{PROVIDER} is gone; no chat is. escape goes back to the chat."
        case Facts(place="catalog", back=True):
            return f"{PROVIDER} is back, with its models. escape goes back to the chat."
        case Facts(place="catalog"):
            return f"Everything that answers. With the cursor on {PROVIDER}, d removes it."
        case Facts(place="chat", coming=True):
            return "It comes as it was recorded; nothing here needs a network."
        case Facts(place="chat", removed=True, fell=True):
            return f"The line above your words says who answered. f8 brings {PROVIDER} back."
        case Facts(place="chat", nobody=True):
            return "Nobody is left to answer. f8 takes back the last change."
        case Facts(place="chat", removed=True):
            return f"Its model was removed. Write something, press enter: {PARROT.model} answers."
        case Facts(place="chat", back=True):
            return f"{PROVIDER} is back, and so is this chat. That was it: ctrl+q ends the demo."
        case Facts(place="chat", asked=True):
            return "Models come and go; chats stay. f2 shows who answers here."
        case Facts(place="chat"):
            return f"enter sends “{NEXT}”, or f2 shows who answers here."
    return "escape goes back."


def facts_of(app: LocalChat) -> Facts:
    """Read from the store and the screens, not from keys: so it is true however it came about."""
    screen, store = app.screen, app.store
    place = "chat" if screen is app.chat_screen else screen.id if screen.id == "catalog" else type(screen).__name__
    there = any(provider.name == PROVIDER for provider in store.catalog.providers())
    was = any(event.subject == PROVIDER and event.action == "provider-removed" for event in store.catalog.events(200))
    nobody = store.catalog.default() is None
    chat = app.chat_screen.conversation.chat
    asked = fell = False
    if chat is not None and chat.length:
        last = store.messages.line(chat, max(chat.length - 2, 0), chat.length)
        asked = chat.length > 2
        fell = last[-1].fallback_from is not None
    return Facts(place or "", asked, len(app.turns) > 0, was and not there, fell, was and there, nobody)


class Guide(Static):
    """One line; it takes no focus and no key."""

    DEFAULT_CSS = """
    Guide {
        dock: bottom;
        height: 1;
        margin: 0 0 1 0;
        padding: 0 1;
        background: $accent 22%;
        color: $foreground;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, app: LocalChat) -> None:
        super().__init__()
        self._of = app
        self.advice = ""

    def on_mount(self) -> None:
        self.look()
        self.set_interval(AGAIN, self.look)

    def look(self) -> None:
        if self.screen is not self.app.screen:  # covered by a dialog, which has a guide of its own
            return
        try:
            now = advice(facts_of(self._of))
        except (LocalChatError, NoMatches):  # in this moment something of it went, or the app closes or opens
            return
        if now != self.advice:
            self.advice = now
            self._show()

    def _show(self) -> None:
        """With how to be rid of it, where there is room for that."""
        words = Content.assemble(("Demo  ", "bold $accent"), self.advice)
        ways = (Content.styled(f"   {HIDE} {hides}", "dim") for hides in ("hides this", "hides"))
        fits = (way for way in ways if words.cell_length + way.cell_length <= self.size.width)
        self.update(words + next(fits, Content("")))

    def on_resize(self) -> None:
        self._show()
