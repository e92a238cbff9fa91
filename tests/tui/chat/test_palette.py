"""Every action is in the command palette."""

from __future__ import annotations

from textual.events import Paste
from textual.widgets import Input

from localchat.records import Usage
from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app
from localchat.turns.titles import SWITCH

SIZE = (110, 40)


async def test_the_palette_has_every_key_of_the_chat_screen_and_what_has_no_key(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        titles = {command.title for command in app.get_system_commands(app.screen)}
    shown = {"New", "Model", "Chats", "Again", "Copy", "Search", "Instructions", "Compact", "Sent", "Export", "Help"}
    assert shown | {"Providers", app.undos.words, "Theme", "Quit", "Import chats", "Titles"} <= titles


async def test_importing_is_reached_from_the_palette(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.import_chats()
        await settled(pilot)
        assert "Import chats" in screen_text(app)


async def test_new_chats_of_a_remote_provider_get_a_title_by_their_model_until_that_is_switched_off(
    store: Store,
) -> None:
    store.catalog.add_provider("far", "openai", "https://far.example/v1")
    far = store.catalog.add_model("far", "f1")
    store.catalog.make_default(far.id)
    script = Script(Reply("It rains there.", usage=Usage(1, 3)), "“Rain and [/more]”\n", "No title any more.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("ctrl+n")
        await say(pilot, "What about the weather in the north?")
        for _ in range(200):  # the title comes in the background
            if "Rain and [/more]" in screen_text(app).splitlines()[0]:
                break
            await pilot.pause(0.02)
        chat = store.chats.last()
        assert chat is not None
        assert chat.title == "Rain and [/more]"
        assert "Rain and [/more]" in screen_text(app).splitlines()[0]
        assert [name for name, _ in script.requests] == ["far", "far"]
        app.switch_titles()
        assert store.state.get(SWITCH) == "off"
        await pilot.press("ctrl+n")
        await say(pilot, "And in the south?")
        await settled(pilot)
        chat = store.chats.last()
        assert chat is not None
        assert chat.title == "And in the south?"
        assert len(script.requests) == 3


async def test_what_is_pasted_into_the_palette_is_only_read(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p")
        await settled(pilot)
        app.post_message(Paste("qu\x1b[2Ji\x9bt\u202e"))
        await settled(pilot)
        assert isinstance(app.focused, Input)
        assert app.focused.value == "qu[2Jit"
    assert app.text_gate.stopped == 0
