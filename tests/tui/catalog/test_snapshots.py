"""How every screen and dialog of the catalog looks: in 80x24 and wider, dark and light."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Select

from localchat.errors import InvalidInput, ProviderRejected
from localchat.records import RemoteModel
from localchat.store import Store
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.history import HistoryScreen
from localchat.tui.catalog.meanwhile import WhichDialog
from localchat.tui.catalog.model_form import ModelForm
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.removal_dialog import RemovalDialog
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.prompt import TextPrompt
from localchat.tui.dialogs.safe_input import Line
from localchat.tui.themes import LIGHT
from tests.tui.catalog.conftest import Bench, Endpoint, settled, words

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]
SMALL, WIDE = (80, 24), (140, 40)


def app_with(store: Store, screen: Screen[object], *, light: bool = False, endpoint: Endpoint | None = None) -> Bench:
    app = Bench(store, screen, endpoint)
    if light:
        app.theme = LIGHT.name
    return app


def pressing(*keys: str) -> Before:
    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await settled(pilot)

    return press


@pytest.fixture(params=[(SMALL, False), (WIDE, True)], ids=["small-dark", "wide-light"])
def look(request: pytest.FixtureRequest) -> tuple[tuple[int, int], bool]:
    return request.param  # type: ignore[no-any-return]


Look = tuple[tuple[int, int], bool]


def test_providers(snap_compare: Compare, stocked: Store, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    size, light = look
    assert snap_compare(app_with(stocked, ProvidersScreen(), light=light), terminal_size=size)


def test_providers_on_a_tombstone(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    stocked.catalog.remove_provider("openai")
    app = app_with(stocked, ProvidersScreen(), light=light)
    assert snap_compare(app, terminal_size=size, run_before=pressing("end", "up", "right", "end"))


def test_providers_without_any(snap_compare: Compare, store: Store) -> None:
    store.connection.execute("delete from model_configs")
    store.connection.execute("delete from providers")
    assert snap_compare(app_with(store, ProvidersScreen()), terminal_size=SMALL)


def test_providers_filtered(snap_compare: Compare, stocked: Store) -> None:
    app = app_with(stocked, ProvidersScreen())
    assert snap_compare(app, terminal_size=SMALL, run_before=pressing("right", "slash", *"mini"))


def test_providers_without_colours(snap_compare: Compare, stocked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(app_with(stocked, ProvidersScreen()), terminal_size=SMALL)


def test_providers_with_many_models(snap_compare: Compare, stocked: Store) -> None:
    long = "of-a-rather-long-name-that-goes-on"
    stocked.catalog.add_models("openai", [(f"model-{n:02}-{long}", 1000) for n in range(40)])
    app = app_with(stocked, ProvidersScreen())
    assert snap_compare(app, terminal_size=SMALL, run_before=pressing("right", "end"))


def test_after_a_removal(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    app = app_with(stocked, ProvidersScreen(), light=light)

    async def remove(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await settled(pilot, lambda: isinstance(app.screen, RemovalDialog))
        await pilot.press("enter")
        await settled(pilot, lambda: bool(app.toasts()))
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=remove)


def test_removing_the_default(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    dialog = RemovalDialog(stocked.catalog.removal_of_provider("openai"))
    assert snap_compare(app_with(stocked, dialog, light=light), terminal_size=size)


def test_removing_with_the_successors_open(snap_compare: Compare, stocked: Store) -> None:
    dialog = RemovalDialog(stocked.catalog.removal_of_provider("openai"))
    keys = pressing("shift+tab", "shift+tab", "enter")
    assert snap_compare(app_with(stocked, dialog), terminal_size=SMALL, run_before=keys)


def test_removing_what_ran_here_with_a_key(snap_compare: Compare, stocked: Store) -> None:
    catalog = stocked.catalog
    catalog.edit_provider(catalog.provider("ollama").id, key_source="keyring")
    catalog.make_default(catalog.live("ollama/qwen3:8b").id)
    catalog.switch_provider(catalog.provider("local").id, False)
    dialog = RemovalDialog(catalog.removal_of_provider("ollama"))
    assert snap_compare(app_with(stocked, dialog, light=True), terminal_size=SMALL)


def test_removing_the_last_model(snap_compare: Compare, store: Store) -> None:
    dialog = RemovalDialog(store.catalog.removal_of_model("local/smollm2"))
    assert snap_compare(app_with(store, dialog), terminal_size=SMALL)


def test_picker(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    picker = ModelPicker(stocked.catalog.live("ollama/qwen3:8b").id)
    assert snap_compare(app_with(stocked, picker, light=light), terminal_size=size)


def test_picker_without_a_match(snap_compare: Compare, stocked: Store) -> None:
    assert snap_compare(app_with(stocked, ModelPicker()), terminal_size=SMALL, run_before=pressing(*"zzz"))


def test_question(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    dialog = ConfirmDialog(
        "Move chats to another machine?",
        "3 chats ran on this machine. gpt-4o · openai runs at api.openai.com: it sees the whole of each chat.",
        yes="Move them",
        no="Keep them here",
        careful=True,
    )
    assert snap_compare(app_with(stocked, dialog, light=light), terminal_size=size)


def test_line_of_text_refused(snap_compare: Compare, stocked: Store, look: Look) -> None:
    def check(line: str) -> None:
        raise InvalidInput("A title cannot be empty.", "Type a title, or keep the old one with escape.")

    size, light = look
    prompt = TextPrompt("Rename chat", "", text="The title is yours; it is never sent.", check=check)
    assert snap_compare(app_with(stocked, prompt, light=light), terminal_size=size, run_before=pressing("enter"))


def test_adding_a_provider(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    keys = pressing("enter", *["down"] * 5, "enter")
    assert snap_compare(app_with(stocked, ProviderForm(), light=light), terminal_size=size, run_before=keys)


def test_the_templates(snap_compare: Compare, stocked: Store) -> None:
    assert snap_compare(app_with(stocked, ProviderForm()), terminal_size=SMALL, run_before=pressing("enter"))


def test_editing_a_provider_that_leaves_this_machine(snap_compare: Compare, stocked: Store) -> None:
    app = app_with(stocked, ProviderForm(stocked.catalog.provider("ollama")), light=True)

    async def edit(pilot: Pilot[None]) -> None:
        app.screen.query_one("#url", Line).value = "http://10.0.0.5:11434/v1"
        app.screen.query_one("#source", Select).value = "keyring"
        app.screen.query_one("#name", Line).value = "My Ollama"
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "✗ The key is empty" in words(pilot))

    assert snap_compare(app, terminal_size=SMALL, run_before=edit)


def test_testing_a_provider(snap_compare: Compare, stocked: Store) -> None:
    endpoint = Endpoint()
    endpoint.offers["openai"] = [RemoteModel("gpt-4o"), RemoteModel("gpt-4o-mini")]
    app = app_with(stocked, ProviderForm(stocked.catalog.provider("openai")), endpoint=endpoint)

    async def ask(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+t")
        await settled(pilot, lambda: "It answers" in words(pilot))

    assert snap_compare(app, terminal_size=SMALL, run_before=ask)


def test_model_form(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    form = ModelForm(stocked.catalog.provider("ollama"), stocked.catalog.live("ollama/qwen3:8b"))
    assert snap_compare(app_with(stocked, form, light=light), terminal_size=size)


def test_model_form_of_a_file_refused(snap_compare: Compare, stocked: Store) -> None:
    app = app_with(stocked, ModelForm(stocked.catalog.provider("local")))

    async def save(pilot: Pilot[None]) -> None:
        app.screen.query_one("#name", Line).value = "mine"
        app.screen.query_one("#path", Line).value = "/nowhere/model.gguf"
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "✗" in words(pilot))

    assert snap_compare(app, terminal_size=SMALL, run_before=save)


def test_discover(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    endpoint = Endpoint()
    endpoint.offers["ollama"] = [RemoteModel("qwen3:8b", 32768), RemoteModel("gemma3:4b", 131072), RemoteModel("phi4")]
    dialog = DiscoverDialog(stocked.catalog.provider("ollama"))
    app = app_with(stocked, dialog, light=light, endpoint=endpoint)

    async def tick(pilot: Pilot[None]) -> None:
        await settled(pilot, lambda: "phi4" in words(pilot))
        await pilot.press("space", "down")
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=tick)


def test_discover_refused(snap_compare: Compare, stocked: Store) -> None:
    endpoint = Endpoint()
    endpoint.offers["openai"] = ProviderRejected("openai refused the key.", "Enter it again: f2, then e.")
    app = app_with(stocked, DiscoverDialog(stocked.catalog.provider("openai")), endpoint=endpoint)

    async def wait(pilot: Pilot[None]) -> None:
        await settled(pilot, lambda: "✗" in words(pilot))

    assert snap_compare(app, terminal_size=SMALL, run_before=wait)


def test_history(snap_compare: Compare, stocked: Store, look: Look) -> None:
    size, light = look
    stocked.catalog.remove_provider("openai")
    assert snap_compare(app_with(stocked, HistoryScreen(), light=light), terminal_size=size)


def test_a_field_that_another_window_changed_too(snap_compare: Compare, stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = app_with(stocked, ModelForm(stocked.catalog.provider("ollama"), model))

    async def both(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app.screen.query_one("#context", Line).value = "8192"
        second.catalog.edit_model(model.id, context=4096)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: isinstance(app.screen, WhichDialog))
        await settled(pilot)

    assert snap_compare(app, terminal_size=SMALL, run_before=both)


def test_providers_with_a_model_that_is_no_longer_offered(snap_compare: Compare, stocked: Store) -> None:
    stocked.catalog.note_gone(stocked.catalog.live("openai/gpt-4o-mini").id)
    app = app_with(stocked, ProvidersScreen())
    assert snap_compare(app, terminal_size=SMALL, run_before=pressing("right", "down"))


def test_picker_with_a_model_that_is_no_longer_offered(snap_compare: Compare, stocked: Store) -> None:
    stocked.catalog.note_gone(stocked.catalog.live("openai/gpt-4o-mini").id)
    assert snap_compare(app_with(stocked, ModelPicker()), terminal_size=SMALL)


def test_providers_after_the_default_was_demoted(snap_compare: Compare, stocked: Store) -> None:
    assert snap_compare(app_with(stocked, ProvidersScreen()), terminal_size=SMALL, run_before=pressing("right", "*"))


def test_providers_where_the_only_one_that_can_answer_stays_the_default(snap_compare: Compare, store: Store) -> None:
    assert snap_compare(app_with(store, ProvidersScreen()), terminal_size=SMALL, run_before=pressing("right", "*"))


def test_what_changed_while_a_removal_was_asked_for(snap_compare: Compare, stocked: Store, second: Store) -> None:
    app = app_with(stocked, RemovalDialog(stocked.catalog.removal_of_provider("openai")))

    async def meanwhile(pilot: Pilot[None]) -> None:
        await settled(pilot)
        second.catalog.remove_provider("local")
        await pilot.press("y")
        await settled(pilot, lambda: "cannot take over any more" in words(pilot))
        await settled(pilot)

    assert snap_compare(app, terminal_size=SMALL, run_before=meanwhile)


def test_removing_with_its_chats_moved(snap_compare: Compare, stocked: Store) -> None:
    app = app_with(stocked, RemovalDialog(stocked.catalog.removal_of_provider("openai")))

    async def move(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app.screen.query_one("#move", Select).value = stocked.catalog.live("ollama/qwen3:8b").id
        await settled(pilot)

    assert snap_compare(app, terminal_size=SMALL, run_before=move)
