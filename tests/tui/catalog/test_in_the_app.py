"""Providers and models inside the whole app: the way there and back, help, palette, undo everywhere."""

from __future__ import annotations

from localchat.providers.detect import Found
from localchat.providers.presets import TEMPLATES
from localchat.records import RemoteModel
from localchat.store import Store
from localchat.testing import screen_text, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.dialogs.help import HelpScreen
from tests.tui.catalog.conftest import settled as until
from tests.tui.catalog.conftest import words


def toasts(app: LocalChat) -> list[str]:
    return [note.message for note in app._notifications]


async def test_a_removal_in_f2_shows_in_the_chat_and_f8_undoes_it_there(known: Store) -> None:
    app = still_app(known)
    async with app.run_test(size=(110, 32)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        await pilot.press("end", "d")
        await until(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("enter")
        await until(pilot, lambda: bool(toasts(app)))
        assert toasts(app) == ["Removed zeta and 1 model.   f8 undo"]
        await pilot.press("escape")
        await settled(pilot)
        assert "z1 was removed. New turns use ★ a1." in screen_text(app)
        await pilot.press("f8")
        await until(pilot, lambda: toasts(app) == ["zeta and 1 model are back."])  # the offer of f8 is gone
        await settled(pilot)
        assert "New turns use" not in screen_text(app)


async def test_help_lists_the_keys_of_the_place_also_over_a_dialog(known: Store) -> None:
    app = still_app(known)
    async with app.run_test(size=(110, 50)) as pilot:
        await pilot.press("f2", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        shown = screen_text(app)
        for tooltip in ("Ask the provider which models it has", "Filter this list", "Undo the last change"):
            assert tooltip in shown
        await pilot.press("escape", "d")
        await until(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RemovalDialog))


async def test_the_palette_has_what_applies_here_and_does_it(known: Store) -> None:
    app = still_app(known)
    async with app.run_test(size=(110, 32)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        await pilot.press("ctrl+p", *"Discover")
        await until(pilot, lambda: "Ask the provider which models it has" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiscoverDialog))


async def test_another_window_is_seen_within_two_seconds(known: Store) -> None:
    app = still_app(known)
    async with app.run_test(size=(110, 32)) as pilot:
        await pilot.press("f2")
        await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        with Store(known.path) as second:
            second.catalog.remove_provider("alpha")
        await until(pilot, lambda: "★ b1 · beta" in screen_text(app), seconds=2.0)
        assert "removed" in screen_text(app)


async def test_a_server_found_on_this_machine_is_added_with_one_key(known: Store) -> None:
    app = still_app(known)
    async with app.run_test(size=(110, 32)) as pilot:
        await pilot.press("f2", "a")
        await until(pilot, lambda: isinstance(app.screen, ProviderForm))
        ollama = TEMPLATES[0]
        form = app.screen
        assert isinstance(form, ProviderForm)
        form.show_found([Found(ollama, ollama.base_url, (RemoteModel("qwen3:8b"), RemoteModel("phi4")))])
        await settled(pilot)
        assert "Found on this machine: Ollama at localhost:11434 (2 models). f3 adds it." in words(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        assert known.catalog.provider("ollama").base_url == "http://localhost:11434/v1"
