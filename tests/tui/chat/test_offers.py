"""A turn whose model the endpoint does not offer any more: what is said, and the two ways on, by key."""

from __future__ import annotations

from localchat.errors import ProviderRejected, ProviderUnavailable
from localchat.store import Store
from localchat.testing import Reply, Script, say, screen_text, settled, still_app

GONE = ProviderRejected("zeta does not know z1 (404).", "Check the name.", model_gone=True)
SIZE = (110, 32)


async def test_alt_d_asks_the_default_this_time_and_the_chat_keeps_its_model(store: Store) -> None:
    script = Script(Reply(error=GONE), "From the default.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, "And with WAL?")
        assert "z1 is no longer offered." in screen_text(app)
        assert "alt+d ★ a1 this time" in screen_text(app)
        await pilot.press("alt+d")
        await settled(pilot)
        assert "From the default." in screen_text(app)
        assert [name for name, _ in script.requests] == ["zeta", "alpha"]
        chat = store.chats.get(2)
        assert chat.model is not None
        assert chat.model.ref == "zeta/z1"
        assert store.messages.line(chat)[-1].fallback_from is None
        assert "z1 is no longer offered." in screen_text(app)
        assert "alt+d" not in screen_text(app)


async def test_ctrl_o_gives_the_chat_another_model_and_the_line_goes(store: Store) -> None:
    script = Script(Reply(error=GONE), "From another.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, "And with WAL?")
        await pilot.press("ctrl+o")
        await settled(pilot)
        assert "no longer offered" in screen_text(app)
        await pilot.press(*"b1", "enter")
        await settled(pilot)
        assert "z1 is no longer offered." not in screen_text(app)
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert [name for name, _ in script.requests] == ["zeta", "beta"]


async def test_alt_d_asks_before_a_local_chat_leaves_this_machine(store: Store) -> None:
    store.catalog.add_provider("far", "openai", "https://far.example/v1")
    store.catalog.make_default(store.catalog.add_model("far", "f1").id)
    script = Script(Reply(error=GONE), "From afar.")
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.")
        await pilot.press("alt+d")
        await settled(pilot)
        await settled(pilot)
        assert "Send this chat to another machine?" in screen_text(app)
        assert "far.example" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert len(script.requests) == 1
        await pilot.press("alt+d")
        await settled(pilot)
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "From afar." in screen_text(app)
        assert store.chats.get(2).remote_hosts == ("far.example",)


async def test_alt_d_does_nothing_where_the_turn_failed_for_another_reason(store: Store) -> None:
    script = Script(Reply(error=ProviderUnavailable("zeta does not answer.")))
    app = still_app(store, script)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, "And with WAL?")
        assert "alt+d" not in screen_text(app)
        await pilot.press("alt+d")
        await settled(pilot)
        assert len(script.requests) == 1
        assert app.chat_screen.conversation.composer.text == ""


async def test_where_the_default_itself_is_not_offered_another_model_is_the_way_on(store: Store) -> None:
    store.catalog.make_default(store.catalog.live("zeta/z1").id)
    app = still_app(store, Script(Reply(error=GONE)))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await say(pilot, "And with WAL?")
        assert "z1 is no longer offered. ^o another model" in " ".join(screen_text(app).split())
