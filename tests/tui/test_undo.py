"""What f8 takes back in the app: named beforehand, newest first over providers, models and chats."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from localchat.attachments.drafts import Pasted
from localchat.providers import keys
from localchat.store import Store
from localchat.testing import screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.undo import ForgottenKeys


async def undone(app: LocalChat, pilot: Any, label: str) -> None:
    """Press f8 for what it says it takes back."""
    assert app.undos.label == label
    before = app.undo_version
    await pilot.press("f8")
    async with asyncio.timeout(20):
        while app.undo_version == before:
            await pilot.pause()
    await settled(pilot)


async def test_newest_first_over_the_catalog_and_the_chats(store: Store) -> None:
    app = still_app(store)
    chat = store.chats.last()
    assert chat is not None
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        store.catalog.switch_provider(store.catalog.provider("zeta").id, False)
        app.catalog_changed()
        app.undos.push("deleting a chat", lambda: untrashed(app, chat.id), [chat.id])
        store.chats.trash(chat.id)
        store.catalog.remove_provider("alpha")
        app.catalog_changed()

        await undone(app, pilot, "the removal of alpha")
        assert store.catalog.provider("alpha")
        await undone(app, pilot, "deleting a chat")
        assert store.chats.get(chat.id).deleted_at is None
        await undone(app, pilot, "switching zeta off")
        assert store.catalog.provider("zeta").enabled


def toasts(app: LocalChat) -> list[str]:
    return [toast.message for toast in app._notifications]


async def test_footer_palette_and_toast_name_the_same_also_after_another_window_changed_something(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(140, 32), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("f2", "right", "space")
        await settled(pilot)
        assert app.undos.label
        [told] = toasts(app)
        assert told.startswith("Switched off")
        assert told.endswith("f8 undo")
        assert app.undos.words == f"Undo {app.undos.label}"
        assert app.undos.words in screen_text(app).splitlines()[-1]
        assert app.undos.words in {each.title for each in app.get_system_commands(app.screen)}

        with Store(store.path, busy_timeout=5) as other:
            other.catalog.remove_provider("beta")
        async with asyncio.timeout(20):
            while app.undos.label != "the removal of beta":
                await pilot.pause(0.01)
        await settled(pilot)
        assert told not in toasts(app), "f8 would take back something else now"
        assert "Undo the removal of beta" in screen_text(app).splitlines()[-1]
        assert "Undo the removal of beta" in {each.title for each in app.get_system_commands(app.screen)}


async def test_an_undo_leaves_other_news_on_the_screen(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(140, 32), notifications=True) as pilot:
        await settled(pilot)
        await pilot.press("f2", "right", "space")
        await settled(pilot)
        app.notify("Something went wrong elsewhere.", severity="error")
        await undone(app, pilot, app.undos.label)
        assert "Something went wrong elsewhere." in toasts(app)
        assert not [each for each in toasts(app) if each.endswith("f8 undo")]


async def untrashed(app: LocalChat, chat_id: int) -> str:
    await app.written("undo", lambda: app.store.chats.untrash(chat_id))
    return "It is back."


async def test_emptying_the_trash_forgets_only_what_needs_a_chat_that_is_gone(store: Store) -> None:
    app = still_app(store)
    first, second = store.chats.listing()[:2]
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        store.catalog.remove_provider("alpha")
        app.catalog_changed()
        app.undos.push("archiving one", lambda: untrashed(app, second.id), [second.id])
        app.undos.push("deleting one", lambda: untrashed(app, first.id), [first.id])
        store.chats.trash(first.id)
        store.chats.empty_trash()
        app.undos.forget_deleted()
        assert app.undos.label == "archiving one"
        await undone(app, pilot, "archiving one")
        await undone(app, pilot, "the removal of alpha")
        assert store.catalog.provider("alpha")


async def test_a_chip_comes_back_into_its_own_chat(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        conversation = app.chat_screen.conversation
        own = conversation.session.chat_id
        conversation.writing.put_back(Pasted("line\n" * 40))
        await settled(pilot)
        await pilot.press("backspace")
        await settled(pilot)
        assert conversation.writing.draft.chips == ()
        other = next(chat.id for chat in store.chats.listing() if chat.id != own)
        await app.chat_screen.open_chat(other)
        await settled(pilot)
        await pilot.press("f8")
        await settled(pilot)
        assert conversation.session.chat_id == other
        assert conversation.writing.draft.chips == ()
        assert own is not None
        await app.chat_screen.open_chat(own)
        await settled(pilot)
        assert [chip for chip in conversation.writing.draft.chips if isinstance(chip, Pasted)]


async def test_a_key_survives_an_undo_while_the_keyring_takes_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, may_go = {"far": "sk-secret"}, threading.Event()

    def slow(provider: Any) -> str | None:
        may_go.wait(20)
        return ring.get(provider.key_name or "")

    monkeypatch.setattr(keys, "key_of", slow)
    monkeypatch.setattr(keys, "forget_key", lambda provider: ring.pop(provider.key_name or "", None))
    monkeypatch.setattr(keys, "save_key", lambda provider, key: ring.__setitem__(provider.key_name or "", key))
    monkeypatch.setattr(keys, "has_key", lambda provider: (provider.key_name or "") in ring)
    provider = store.catalog.add_provider("far", "openai", "http://localhost:9/v1", "keyring", "far")
    kept = ForgottenKeys()

    forgetting = asyncio.create_task(kept.forget(provider))
    await asyncio.sleep(0)
    giving_back = asyncio.create_task(kept.give_back(provider))
    await asyncio.sleep(0)
    may_go.set()
    await forgetting
    assert await giving_back == ""
    assert ring == {"far": "sk-secret"}


async def test_a_key_that_nobody_has_any_more_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart: what was kept in memory is gone."""
    monkeypatch.setattr(keys, "has_key", lambda provider: False)
    provider = store.catalog.add_provider("far", "openai", "http://localhost:9/v1", "keyring", "far")
    assert "edit far" in await ForgottenKeys().give_back(provider)
