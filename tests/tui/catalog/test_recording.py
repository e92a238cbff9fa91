"""A provider is recorded, or no more, by one key; the list says so, also what another window did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localchat.records import Recording
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.testing import Script, opened, say, screen_text, still_app
from localchat.transfer.export import json_document
from localchat.tui.catalog.screen import ProvidersScreen
from tests.tui.catalog.conftest import Bench, settled, words


async def test_one_key_records_a_provider_and_ends_it_again(stocked: Store) -> None:
    app = Bench(stocked, ProvidersScreen())
    openai = stocked.catalog.provider("openai")
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert "◉" not in words(pilot)
        await pilot.press("R")
        await settled(pilot, lambda: "◉ openai 3 models" in words(pilot))
        assert app.toasts() == ["Replies of openai are recorded from now on."]
        assert "◉ Its replies are recorded; R ends that." in words(pilot)
        assert stocked.recordings.recorded() == {openai.id}
        await pilot.press("R")
        await settled(pilot, lambda: "◉" not in words(pilot))
        assert app.toasts()[1:] == ["openai is recorded no more."]
        assert stocked.recordings.recorded() == set()


async def test_where_the_cursor_is_on_no_provider_nothing_is_switched(store: Store) -> None:
    store.catalog.remove_provider("local")
    app = Bench(store, ProvidersScreen())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("R")
        await settled(pilot)
        assert app.toasts() == []


async def test_what_another_program_switched_is_shown(localchat_store: Store) -> None:
    app = still_app(localchat_store)
    with Store(localchat_store.path) as second:
        async with opened(app, (120, 30)) as pilot:
            await pilot.press("f2")
            await settled(pilot)
            second.recordings.switch(second.catalog.provider("alpha").id, True)
            await settled(pilot, lambda: "◉ alpha" in screen_text(app))


async def test_what_is_said_after_the_key_is_kept_with_its_times(localchat_store: Store, tmp_path: Path) -> None:
    """By keys alone: record, chat, and the export has it."""
    app = still_app(localchat_store, Script("One by one."))
    async with opened(app, (120, 30)) as pilot:
        await pilot.press("f2", "R", "escape", "ctrl+n")
        await say(pilot, "How?")
        chat = app.chat_screen.conversation.chat
        assert chat is not None
    exported = json.loads("".join(json_document([Exchange(localchat_store).one(chat.id)], localchat_store.now())))
    kept = exported["chats"][0]["messages"][-1]["recording"]
    recording = Recording.parse(kept["deltas"], kept["ended_ms"])
    assert [text for _, _, text in recording.deltas] == ["One", " by", " one."]
    assert recording == localchat_store.recordings.of(localchat_store.messages.line(chat)[-1].id)


@pytest.mark.parametrize("name", ["record:x", "record:", "record:²", "recorded:1"])
def test_what_another_program_left_there_is_no_switch(store: Store, name: str) -> None:
    store.state.put(name, "on")
    assert store.recordings.recorded() == set()
