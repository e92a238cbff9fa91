"""What was said on this machine stays there until the person agrees."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from textual import events
from textual.pilot import Pilot

from localchat.store import Store
from localchat.testing import Script, say, screen_text, settled, still_app
from localchat.tui.app import LocalChat


@pytest.fixture
def store(localchat_store: Store) -> Store:
    """Its newest chat is of a local model that was removed; the default runs elsewhere."""
    localchat_store.catalog.add_provider("far", "openai", "https://far.example/v1")
    localchat_store.catalog.make_default(localchat_store.catalog.add_model("far", "f1").id)
    localchat_store.catalog.remove_provider("zeta")
    return localchat_store


async def test_nothing_is_sent_elsewhere_before_the_person_agreed_once(store: Store) -> None:
    script = Script("From afar.", "Again.")
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        assert "Send this chat to another machine?" in screen_text(app)
        await pilot.press("escape")
        await settled(pilot)
        assert script.requests == []
        assert app.chat_screen.conversation.composer.text == "A secret."
        assert store.chats.get(2).length == 2

        await pilot.press("enter")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert "From afar." in screen_text(app)
        await say(pilot, "More.")
        assert "Again." in screen_text(app)


async def test_the_enter_that_sends_does_not_agree_when_it_repeats(store: Store) -> None:
    script = Script("From afar.")
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        for _ in range(2):
            app.post_message(events.Key("enter", "\r"))
        await settled(pilot)
        assert script.requests == []
        assert app.chat_screen.conversation.composer.text == "A secret."


async def test_the_standing_line_fits_a_small_window(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "⊘ z1 was removed. New turns use ★ f1.  ^o another model  f8 undo" in screen_text(app)


def elsewhere(store: Store, host: str = "other.example") -> int:
    """A model on another host, as another window adds it."""
    store.catalog.add_provider("other", "openai", f"https://{host}/v1")
    return store.catalog.add_model("other", "o1").id


async def asked(store: Store, script: Script, change: Callable[[Store], object], *keys: str) -> str:
    """The dialog stands; another window changes something; then the keys. What stands there after that."""
    app = still_app(store, script)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await stands(pilot, "far/f1 answers at far.example")
        with Store(store.path) as second:
            change(second)
        app._look_around()
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        return words(app)


async def stands(pilot: Pilot[None], text: str) -> None:
    """Wait until the screen says that."""
    app = pilot.app
    assert isinstance(app, LocalChat)
    async with asyncio.timeout(20):
        while text not in words(app):
            await pilot.pause(0.01)


def words(app: LocalChat) -> str:
    """What stands there as one run of words; where a dialog is open, what stands in it."""
    lines = screen_text(app).splitlines()
    inside = [found[1] for line in lines if (found := re.search(r"│(.*)│", line))]
    return " ".join(" ".join(inside or lines).replace("▌", " ").split())


async def test_a_default_that_changes_while_the_question_stands_is_asked_about_anew(store: Store) -> None:
    script = Script("From elsewhere.")
    other = elsewhere(store)
    seen = await asked(store, script, lambda second: second.catalog.make_default(other))
    assert "This changed meanwhile." in seen
    assert "other/o1 answers at other.example" in seen
    assert "far.example" not in seen
    assert script.requests == []


@pytest.mark.parametrize(("keys", "hosts"), [(("enter",), ()), (("y",), ("other.example",))])
async def test_after_a_change_enter_keeps_it_here_and_y_agrees_to_the_new_host(
    store: Store, keys: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    script = Script("From elsewhere.")
    other = elsewhere(store)
    await asked(store, script, lambda second: second.catalog.make_default(other), *keys)
    assert store.chats.get(2).remote_hosts == hosts
    assert [name for name, _ in script.requests] == (["other"] if hosts else [])


async def test_a_change_that_the_dialog_has_not_seen_yet_is_caught_where_the_turn_is_stored(store: Store) -> None:
    script = Script("From elsewhere.")
    other = elsewhere(store)
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        with Store(store.path) as second:
            second.catalog.make_default(other)
        await pilot.press("y")  # before the next look
        await stands(pilot, "other/o1 answers at other.example")
        assert (script.requests, store.chats.get(2).remote_hosts, store.chats.get(2).length) == ([], (), 2)
        await pilot.press("y")
        await stands(pilot, "From elsewhere.")
        assert store.chats.get(2).remote_hosts == ("other.example",)


async def test_where_a_local_model_takes_over_the_question_goes_away_and_nothing_is_sent(store: Store) -> None:
    script = Script("From here.")
    seen = await asked(store, script, lambda second: second.catalog.make_default(second.catalog.live("beta/b1").id))
    assert "Send this chat to another machine?" not in seen
    assert "Nothing has to leave this machine any more." in seen
    assert "A secret." in seen
    assert (script.requests, store.chats.get(2).length) == ([], 2)


async def test_where_nobody_can_answer_any_more_the_question_goes_away_and_says_why(store: Store) -> None:
    def all_off(second: Store) -> None:
        for provider in second.catalog.providers():
            second.catalog.switch_provider(provider.id, False)

    script = Script()
    seen = await asked(store, script, all_off)
    assert "no default chat model config is available" in seen
    assert "A secret." in seen
    assert script.requests == []


async def test_the_consent_for_one_host_is_asked_for_another(store: Store) -> None:
    script = Script("One.", "Two.")
    other = elsewhere(store)
    app = still_app(store, script)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await say(pilot, "A secret.", wait=False)
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        store.catalog.make_default(other)
        app.catalog_changed()
        await say(pilot, "More.", wait=False)
        await stands(pilot, "other/o1 answers at other.example")
        assert len(script.requests) == 1
