"""Each key that a place names for a way out is pressed there, in a store that needs it, and does what is said."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from textual.pilot import Pilot

from localchat import tui
from localchat.errors import ProviderUnavailable, Remedy, Way
from localchat.records import Provider
from localchat.store import Store
from localchat.testing import Reply, Script, say, settled, still_app
from localchat.tui import remedies
from localchat.tui.app import LocalChat
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.history import HistoryScreen
from localchat.tui.catalog.model_form import ModelForm
from localchat.tui.catalog.model_picker import ModelPicker
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.toasts import tell_error
from tests.tui.catalog.conftest import settled as until

GRAVE = "insert into model_configs (provider, model, is_local, deleted_at) values ('p', 'm', null, '2026-01-01')"


class Need(NamedTuple):
    """``state`` makes it; ``on`` puts the cursor where the sentence says; ``done`` tells that it was met."""

    state: Callable[[Store], object]
    on: Callable[[ProvidersScreen, Store], object]
    done: Callable[[LocalChat], bool]


def on_provider(name: str) -> Callable[[ProvidersScreen, Store], object]:
    def go(screen: ProvidersScreen, store: Store) -> None:
        screen.panes.reload()
        there = next((each for each in store.catalog.providers() if each.name == name), None)
        if there is not None:
            screen.panes.select(there)
        else:
            screen.panes.providers.rows.go_to(f"g{name}")
        screen.panes.go_to("providers")

    return go


def on_model(ref: str) -> Callable[[ProvidersScreen, Store], object]:
    """Live or removed."""

    def go(screen: ProvidersScreen, store: Store) -> None:
        name = ref.partition("/")[0]
        on_provider(name)(screen, store)
        screen.panes._show_models()
        models = [*store.catalog.models(name), *store.catalog.models(name, removed=True)]
        found = next(model for model in models if model.ref == ref)
        screen.panes.models.rows.go_to(f"{'t' if found.removed else 'm'}{found.id}")
        screen.panes.go_to("models")

    return go


def form_of(app: LocalChat) -> Provider | None:
    return app.screen._provider if isinstance(app.screen, ProviderForm) else None


def live(app: LocalChat, ref: str) -> bool:
    return any(model.ref == ref and model.usable for model in app.store.catalog.models())


def nothing(*_: object) -> None:
    """The store as it is; the cursor where it is."""


def take_name(store: Store) -> None:
    store.catalog.remove_provider("zeta")
    store.catalog.add_provider("zeta", "echo")


NEEDS: dict[Way, Need] = {
    Way.ADD_PROVIDER: Need(
        nothing, on_provider("alpha"), lambda app: isinstance(app.screen, ProviderForm) and form_of(app) is None
    ),
    Way.EDIT_PROVIDER: Need(
        nothing, on_provider("beta"), lambda app: (place := form_of(app)) is not None and place.name == "beta"
    ),
    Way.DISCOVER: Need(nothing, on_provider("beta"), lambda app: isinstance(app.screen, DiscoverDialog)),
    Way.RESTORE_PROVIDER: Need(
        lambda store: store.catalog.remove_provider("zeta"), on_provider("zeta"), lambda app: live(app, "zeta/z1")
    ),
    Way.RESTORE_MODEL: Need(
        lambda store: store.catalog.remove_model(store.catalog.live("zeta/z1").id),
        on_model("zeta/z1"),
        lambda app: live(app, "zeta/z1"),
    ),
    Way.SHOW_LOG: Need(nothing, nothing, lambda app: isinstance(app.screen, HistoryScreen)),
    Way.SWITCH_ON_MODEL: Need(
        lambda store: store.catalog.switch_model(store.catalog.live("zeta/z1").id, False),
        on_model("zeta/z1"),
        lambda app: live(app, "zeta/z1"),
    ),
    Way.SWITCH_ON_PROVIDER: Need(
        lambda store: store.catalog.switch_provider(store.catalog.provider("zeta").id, False),
        on_provider("zeta"),
        lambda app: live(app, "zeta/z1"),
    ),
    Way.RENAME_PROVIDER: Need(
        nothing, on_provider("beta"), lambda app: (place := form_of(app)) is not None and place.name == "beta"
    ),
    Way.RENAME_MODEL: Need(nothing, on_model("zeta/z1"), lambda app: isinstance(app.screen, ModelForm)),
    Way.MAKE_ROOM: Need(
        take_name, on_provider("zeta"), lambda app: (place := form_of(app)) is not None and place.name == "zeta"
    ),
    Way.TAKE_OVER: Need(
        lambda store: store.connection.execute(GRAVE), on_model("p/m"), lambda app: isinstance(app.screen, ProviderForm)
    ),
    Way.MOVE_CHATS: Need(
        lambda store: store.catalog.remove_model(store.catalog.live("zeta/z1").id),
        on_model("zeta/z1"),
        lambda app: isinstance(app.screen, ModelPicker),
    ),
}
OF_THE_CATALOG = [(place, way) for place in ("chat", "catalog") for way in NEEDS]
PLACES = {"chat": remedies.CHAT, "catalog": remedies.CATALOG}


async def press(pilot: Pilot[Any], app: LocalChat, keys: tuple[str, ...], need: Need) -> None:
    for key in keys:
        await pilot.press(key)
        if key == "f2":
            await arrive(pilot, app, need)
        await settled(pilot)


async def arrive(pilot: Pilot[Any], app: LocalChat, need: Need) -> None:
    await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
    screen = app.screen
    assert isinstance(screen, ProvidersScreen)
    await settled(pilot)
    need.on(screen, app.store)
    await settled(pilot)


@pytest.mark.parametrize(("place", "way"), [each for each in OF_THE_CATALOG if each[1] in PLACES[each[0]]])
async def test_the_keys_of_a_remedy_lead_where_its_sentence_says(known: Store, place: str, way: Way) -> None:
    need = NEEDS[way]
    need.state(known)
    app = still_app(known, Script(offers=("one",)))
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        if place == "catalog":
            await pilot.press("f2")
            await arrive(pilot, app, need)
        keys = PLACES[place][way][0]
        if way is Way.MAKE_ROOM:  # the second key is for after the renaming
            keys = tuple(key for key in keys if key != "r")
        await press(pilot, app, keys, need)
        await until(pilot, lambda: need.done(app))


async def test_making_room_brings_back_the_other(known: Store) -> None:
    take_name(known)
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        await pilot.press("f2")
        await arrive(pilot, app, NEEDS[Way.MAKE_ROOM])
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ProviderForm))
        await pilot.press("end", "minus", "2", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ProvidersScreen))
        screen = app.screen
        assert isinstance(screen, ProvidersScreen)
        on_provider("zeta")(screen, known)
        await settled(pilot)
        await pilot.press("r")
        await until(pilot, lambda: live(app, "zeta/z1"))


async def test_a_removed_provider_without_models_comes_back_in_the_list(known: Store) -> None:
    known.catalog.remove_model(known.catalog.live("zeta/z1").id)
    known.connection.execute("update chats set model_config_id = null")
    known.connection.execute("update messages set model_config_id = null")
    known.connection.execute("delete from model_configs where deleted_at is not null")
    known.catalog.remove_provider("zeta")
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        await press(pilot, app, ("f2", "r"), NEEDS[Way.RESTORE_PROVIDER])
        await until(pilot, lambda: any(provider.name == "zeta" for provider in known.catalog.providers()))


async def test_a_model_is_added_or_switched_on_where_there_is_no_default(known: Store) -> None:
    for provider in known.catalog.providers():
        known.catalog.switch_provider(provider.id, False)
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        need = Need(nothing, on_provider("beta"), lambda app: app.store.catalog.default() is not None)
        await press(pilot, app, remedies.CHAT[Way.ADD_MODEL][0], need)
        await pilot.press("space")  # as the list's own sentence says: a adds a model, space switches one on
        await until(pilot, lambda: need.done(app))
        await pilot.press("right", "a")
        await until(pilot, lambda: isinstance(app.screen, ModelForm))


@pytest.mark.parametrize("way", [Way.ASK_AGAIN, Way.FETCH_WEIGHTS])
async def test_a_failed_turn_is_asked_again(known: Store, way: Way) -> None:
    script = Script(Reply("", error=ProviderUnavailable("No answer.", remedy=Remedy(way))), "Here.")
    app = still_app(known, script)
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        await say(pilot, "Hello")
        asked = len(script.requests)
        await pilot.press(*remedies.CHAT[way][0])
        await until(pilot, lambda: len(script.requests) > asked)


async def test_another_model_is_picked(known: Store) -> None:
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        await pilot.press(*remedies.CHAT[Way.PICK_MODEL][0])
        await until(pilot, lambda: isinstance(app.screen, ModelPicker))


@pytest.mark.parametrize("place", [remedies.CHAT, remedies.SEARCH])
async def test_a_chat_comes_out_of_the_trash(known: Store, place: remedies.Place) -> None:
    last = known.chats.last()
    assert last is not None
    known.chats.trash(last.id)
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        if place is remedies.SEARCH:
            await pilot.press("ctrl+f")
            await settled(pilot)
        for key in place[Way.RESTORE_CHAT][0]:
            await pilot.press(key)
            await settled(pilot)
        await until(pilot, lambda: known.chats.get(last.id).deleted_at is None)


async def test_what_asks_a_provider_again_asks_it(known: Store) -> None:
    known.catalog.add_provider("far", "openai", "http://localhost:9/v1")
    script = Script(offers=("one",))
    app = still_app(known, script)
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        await press(pilot, app, ("f2", *remedies.CATALOG[Way.ASK_AGAIN][0]), Need(nothing, on_provider("far"), bool))
        await until(pilot, lambda: any("far answers" in note.message for note in app._notifications))
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, DiscoverDialog))
        await settled(pilot)
        await pilot.press(*remedies.DISCOVER[Way.ASK_AGAIN][0])
        await settled(pilot)
        await pilot.press(*remedies.DISCOVER[Way.EDIT_PROVIDER][0])
        await until(pilot, lambda: (place := form_of(app)) is not None and place.name == "far")
        await pilot.press(*remedies.PROVIDER_FORM[Way.ASK_AGAIN][0])
        await until(pilot, lambda: "It answers" in str(app.screen.query_one("#answer").render()))


def test_every_way_out_of_every_place_is_pressed_here() -> None:
    elsewhere = {Way.ADD_MODEL, Way.ASK_AGAIN, Way.FETCH_WEIGHTS, Way.PICK_MODEL, Way.RESTORE_CHAT}
    offered = {way for place in (remedies.CHAT, remedies.CATALOG) for way in place}
    assert offered == set(NEEDS) | elsewhere
    assert set(remedies.DISCOVER) | set(remedies.PROVIDER_FORM) == {Way.ASK_AGAIN, Way.EDIT_PROVIDER}


async def test_an_error_names_its_subject_in_the_words_of_the_place(known: Store) -> None:
    app = still_app(known, Script())
    async with app.run_test(size=(110, 32)) as pilot:
        await settled(pilot)
        tell_error(app, ProviderUnavailable("No.", remedy=Remedy(Way.MAKE_ROOM, "z[/]", "z-2")))
        await settled(pilot)
        told = [note.message for note in app._notifications]
        assert told == ["No.\nf2 and e on z[/] rename that one; then r brings back the other."]


# The other sentences of the screens.

CHORD = re.compile(r"\b(?:ctrl\+\w|alt\+\w+|f\d\d?)\b")
LETTER = re.compile(
    r"(?:^|[ .,;\n])([a-zA-Z/])"
    r" (?:adds|asks|lists|restores|moves|gives|removes|brings|shows|filters|again|undoes|enters)\b"
)
NAMES = {"/": "slash"}


def sentences(file: Path) -> Iterator[str]:
    """What a module may show, but for its docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def bound(room: str) -> set[str]:
    """Every key of the screens and widgets of a room, and of the app."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(tui.__path__, "localchat.tui."):
        parts = module.name.split(".")[2:]
        if parts[0] not in (room, "app", "shell", "dialogs"):
            continue
        for each in vars(importlib.import_module(module.name)).values():
            for binding in getattr(each, "BINDINGS", ()) if isinstance(each, type) else ():
                keys = binding.key if hasattr(binding, "key") else binding[0]
                found.update(keys.split(","))
    return found


@pytest.mark.parametrize("room", ["catalog", "chat", "composer", "transcript", "search", "transfer", "dialogs"])
def test_each_key_that_a_sentence_of_a_room_names_is_bound_there(room: str) -> None:
    named: dict[str, str] = {}
    for file in (Path(tui.__file__).parent / room).rglob("*.py"):
        for sentence in sentences(file):
            if " " not in sentence:
                continue
            for key in (*CHORD.findall(sentence), *LETTER.findall(sentence)):
                named.setdefault(NAMES.get(key, key), f"{file.name}: {sentence}")
    there = bound(room) | bound("chat")
    assert {key: where for key, where in named.items() if key not in there} == {}
