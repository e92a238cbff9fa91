"""No text of the app names a key that does nothing in the place where it stands.

Each text of the app that names a key is listed here with its place; a new one fails the first test until it is. The
second brings the app into each place and asks whether the keys that are named there are bound and apply. Errors name
their keys by ``tui/remedies.py``: see ``tests/test_remedies.py``. Those of the demo are pressed by its flow.
"""

from __future__ import annotations

import ast
import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

import localchat.tui
from localchat.errors import ProviderRejected, RateLimited
from localchat.store import Store
from localchat.testing import Reply, Script, add_chat, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog.discover import DiscoverDialog

ROOM = Path(localchat.tui.__file__).parent
KEY = re.compile(r"(?<![\w^`-])(f\d{1,2}|ctrl\+\w|\^[a-z]+|alt\+\w+|esc(?:ape)?|enter|tab|space|backspace)(?![\w])")
NAMED_APART = ("remedies.py", "demo/guide.py", "demo/app.py")  # the keys of errors, and those of the demo's line

NO_KEYS = (" to enter it.",)
# The beginning of each text, by the place where it is read.
TEXTS: dict[str, tuple[str, ...]] = {
    "chat": (
        "Write a message. enter sends, ctrl+j starts a new line",
        " now go as a summary. f9 shows it.",
        "What is above goes to the model as a summary. f9 shows it.",
        "The model answered with nothing. ctrl+r asks again.",
        "Interrupted: localchat ended before the reply did. ctrl+r asks again.",
        "The turn failed. ctrl+r asks again.",
        "ctrl+r asks again for another reply.",
        "ctrl+r makes another version of a reply",
        "f5 sends a summary",
        "^o another model",
        "f8 undo",
        "   f8 undo",
        "f2 restore",
        "f2 switch on",
        "f2 a adds ",
        "f2 adds or switches on",
        "ctrl+q quits.",
    ),
    "running": (
        "escape stops the reply, ctrl+q quits.",
        "esc cancels",
        "esc stops",
        "^end follows it  esc stops",
        "esc gives it back",
        "esc leaves it",
        "escape stops it; what you typed stays here.",
        "escape takes it back; what you typed since stays here.",
        "A reply is still coming. escape stops it; then f6 opens your editor.",
        "Wait for what is going on, or stop it with escape.",
    ),
    "editing": ("enter sends  esc leaves",),
    "asking again": ("^r now  esc cancels",),
    "not offered": ("alt+d ★ ",),
    "a chip": (" ×   backspace removes",),
    "completions": ("   tab takes it  ↑ ↓  esc",),
    "models": ("Switched off; space switches it on.",),
    "a filter": ("”. escape clears the filter.", "Nothing matches. escape clears the filter."),
    "discover": (
        " offers no models. escape closes",
        "space ticks a model, enter adds what is ticked",
        " ticked. enter adds ",
        " escape stops.",
    ),
    "the picker": (" escape leaves it.", "No models yet. Close this, then press f2"),
    "the provider form": (". f3 adds it.",),
    "a question": ("enter takes it, escape leaves everything as it is.",),
    "the search": ("”. f7 searches everything.",),
    "the help": ("esc closes this",),
}
LATER = {
    ("running", "f6"): "after escape",
    ("the picker", "f2"): "after it is closed",
    ("completions", "esc"): "the composer takes it before any binding; pressed below",
}


def texts() -> Iterator[tuple[str, str]]:
    """Each text with a key in it: the file, and the text."""
    for file in sorted(ROOM.rglob("*.py")):
        if file.relative_to(ROOM).as_posix() in NAMED_APART:
            continue
        tree = ast.parse(file.read_text("utf-8"))
        apart = {id(part) for node in ast.walk(tree) for part in _not_read(node)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in apart:
                continue
            if " " in node.value and KEY.search(node.value) and node.value not in NO_KEYS:
                yield file.name, node.value


def _not_read(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and the words of a key itself."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr):
            yield first.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Binding":
        yield from ast.walk(node)


def test_every_text_that_names_a_key_is_listed_here_with_its_place() -> None:
    known = [start for starts in TEXTS.values() for start in starts]
    there = list(texts())
    assert not [each for each in there if not each[1].startswith(tuple(known))]
    assert not [start for start in known if not any(text.startswith(start) for _, text in there)], "a text went"


def keys_named() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for place, starts in TEXTS.items():
        for _, text in texts():
            if text.startswith(starts):
                found[place] |= set(KEY.findall(text))
    return found


def spelled(key: str) -> str:
    return {"esc": "escape"}.get(key, key.replace("^", "ctrl+"))


Way = Callable[[LocalChat, Pilot[Any]], Awaitable[None]]


def script_of(app: LocalChat) -> Script:
    script = app.connect.__self__  # type: ignore[attr-defined]
    assert isinstance(script, Script)
    return script


async def shows(app: LocalChat, pilot: Pilot[Any], words: str) -> None:
    for _ in range(2_000):
        if words in screen_text(app):
            return
        await pilot.pause(0.01)
    raise AssertionError(f"“{words}” never came:\n{screen_text(app)}")


async def in_a_chat(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.store.catalog.remove_provider("beta")
    app.catalog_changed()


async def while_a_reply_comes(app: LocalChat, pilot: Pilot[Any]) -> None:
    script_of(app).says(Reply("It goes on and", hold=True))
    await pilot.press(*"More", "enter")
    await shows(app, pilot, "It goes on and")


async def while_a_message_is_edited(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.conversation.transcript.focus()
    await pilot.press("home", "k", "e")
    await shows(app, pilot, "Editing your message.")


async def after_a_wait_was_told(app: LocalChat, pilot: Pilot[Any]) -> None:
    script_of(app).says(Reply(error=RateLimited("Too many.", retry_after=600)))
    await say(pilot, "Again?")
    await shows(app, pilot, "Asks again in")


async def after_a_model_went_from_its_endpoint(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.store.catalog.make_default(app.store.catalog.live("beta/b1").id)
    script_of(app).says(Reply(error=ProviderRejected("gone", "", model_gone=True)))
    await say(pilot, "Are you there?")
    await shows(app, pilot, "is no longer offered.")


async def with_a_chip(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.post_message(events.Paste("\n".join("a long line" for _ in range(60))))
    await shows(app, pilot, "f7 unfolds")


async def with_completions(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("@", ".", "/")
    await shows(app, pilot, "tab takes it")


async def in_the_models(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("f2", "right")


async def in_a_filter(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("f2", "slash", *"zzz")
    await shows(app, pilot, "escape clears")


async def in_discover(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("f2", "D")
    async with asyncio.timeout(20):
        while not isinstance(app.screen, DiscoverDialog):
            await pilot.pause(0.01)
    await shows(app, pilot, "space ticks a model")


async def in_the_picker(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+o")


async def in_the_provider_form(app: LocalChat, pilot: Pilot[Any]) -> None:
    from localchat.providers.detect import LOCAL, Found
    from localchat.records import RemoteModel
    from localchat.tui.catalog.provider_form import ProviderForm

    await pilot.press("f2", "a")
    await settled(pilot)
    assert isinstance(app.screen, ProviderForm)
    app.screen._found = [Found(LOCAL[0], "http://localhost:11434/v1", (RemoteModel("m"),))]
    app.screen.refresh_bindings()


async def in_a_question(app: LocalChat, pilot: Pilot[Any]) -> None:
    app.chat_screen.chat_list.options.focus()
    await pilot.press("e")


async def in_the_search(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+f", "f4")


async def in_the_help(app: LocalChat, pilot: Pilot[Any]) -> None:
    await pilot.press("f1")


WAYS: dict[str, Way] = {
    "chat": in_a_chat,
    "running": while_a_reply_comes,
    "editing": while_a_message_is_edited,
    "asking again": after_a_wait_was_told,
    "not offered": after_a_model_went_from_its_endpoint,
    "a chip": with_a_chip,
    "completions": with_completions,
    "models": in_the_models,
    "a filter": in_a_filter,
    "discover": in_discover,
    "the picker": in_the_picker,
    "the provider form": in_the_provider_form,
    "a question": in_a_question,
    "the search": in_the_search,
    "the help": in_the_help,
}


@pytest.fixture
def store(localchat_store: Store) -> Store:
    add_chat(localchat_store, "Newest", "alpha/a1", [("Does it rain?", "Yes.")])
    return localchat_store


@pytest.mark.parametrize("place", TEXTS)
async def test_each_key_that_is_named_in_a_place_applies_there(store: Store, place: str) -> None:
    named = {spelled(key) for key in keys_named()[place] if (place, key) not in LATER}
    app = still_app(store, Script("Yes.", offers=["a1", "new"]))
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await settled(pilot)
        await WAYS[place](app, pilot)
        for _ in range(20):
            await pilot.pause(0.01)
        active = {key for key, each in app.screen.active_bindings.items() if each.enabled}
        assert named
        assert named - active == set(), f"{place}: {sorted(active)}"
    assert app.bug is None


async def test_escape_closes_the_completions_and_nothing_else(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        await with_completions(app, pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert "tab takes it" not in screen_text(app)
        assert app.chat_screen.conversation.composer.text == "@./"
