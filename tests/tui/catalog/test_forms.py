"""Adding and editing providers and models: what is typed is saved, or stays with the reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.widgets import Select

from localchat.errors import ProviderRejected
from localchat.providers.presets import TEMPLATES
from localchat.records import Model, Provider, RemoteModel
from localchat.store import Store
from localchat.transfer.export import json_document
from localchat.transfer.portable import WholeChat, WholeMessage
from localchat.tui.catalog.model_form import ModelForm
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.safe_input import Line
from tests.tui.catalog.conftest import Bench, Endpoint, Keyring, settled, words


def put(app: Bench, **values: str) -> None:
    """Type into fields, by their ids."""
    for field, value in values.items():
        widget = app.screen.query_one(f"#{field}")
        assert isinstance(widget, Line | Select)
        widget.value = value


async def test_a_provider_is_added_with_what_was_typed(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        await pilot.press("tab", *"work", "tab", "tab", *"http://10.1.2.3/v1", "enter")
        await settled(pilot, lambda: bool(app.answers))
        provider = store.catalog.provider("work")
        assert app.answers == [provider]
        assert (provider.kind, provider.base_url, provider.key_source) == ("openai", "http://10.1.2.3/v1", "none")
        assert app.toasts() == ["Added work."]


async def test_limits_are_typed_by_name_and_those_that_are_gone_from_the_line_are_taken_back(store: Store) -> None:
    old = store.catalog.add_provider("work", "openai", "http://10.1.2.3/v1", limits={"whole": 60.0, "reply": 5000})
    app = Bench(store, ProviderForm(old))
    async with app.run_test() as pilot:
        assert app.screen.query_one("#limits", Line).value == "whole=60 reply=5000"
        put(app, limits="first_word=1800  whole=soon")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "whole=soon" in words(pilot))
        assert store.catalog.provider("work").limits == {"whole": 60, "reply": 5000}
        put(app, limits="first_word=1800 whole=60")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert store.catalog.provider("work").limits == {"whole": 60, "first_word": 1800}


async def test_a_new_provider_has_the_limits_that_were_typed(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        put(app, name="work", url="http://10.1.2.3/v1", limits="between=5")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert store.catalog.provider("work").limits == {"between": 5}


async def test_every_template_fills_in_what_the_store_takes(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test():
        form = app.screen
        assert isinstance(form, ProviderForm)
        for template in TEMPLATES:
            form.fill_in(template)
            typed = form.typed()
            place = typed.unsaved(None, store.catalog.providers())
            assert (place.name, place.kind, place.base_url, place.key_name) == (
                template.slug, template.kind, template.base_url, template.key_env,
            )  # fmt: skip
            store.catalog.add_provider(typed.name, typed.kind, typed.base_url, typed.key_source, typed.key_name)


async def test_a_template_is_chosen_by_keys_and_takes_a_name_that_is_free(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm())
    async with app.run_test() as pilot:
        await pilot.press("enter", "down", "enter")
        await settled(pilot)
        assert app.screen.query_one("#name", Line).value == "ollama-2"
        assert app.screen.query_one("#url", Line).value == "http://localhost:11434/v1"


async def test_a_kind_whose_package_is_missing_says_how_to_add_it_while_it_is_chosen(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.providers.extras._there", lambda module: False)
    app = Bench(store, ProviderForm())
    async with app.run_test(size=(160, 40)) as pilot:
        assert "pip install" not in words(pilot)
        for kind, package in (("anthropic", "pydantic-ai-slim[anthropic]"), ("embedded", "xllamacpp")):
            put(app, kind=kind)
            await settled(pilot)
            assert f"-m pip install '{package}" in words(pilot)


async def test_a_name_that_cannot_be_is_told_while_it_is_typed(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm())
    async with app.run_test() as pilot:
        await pilot.press("tab", *"My Place")
        await settled(pilot)
        assert "“My Place” cannot be the name of a provider." in words(pilot)
        assert "for example my-place" in words(pilot)
        put(app, name="openai")
        await settled(pilot)
        assert "There is a provider openai already." in words(pilot)
        put(app, name="my-place")
        await settled(pilot)
        assert "✗" not in words(pilot)


async def test_what_the_store_refuses_stays_in_the_form_with_the_reason(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        for address, reason in {
            "": "A provider of kind openai needs a base URL.",
            "localhost:11434/v1": "does not begin with http:// or https://.",
            "http://me:pw@host/v1": "The base URL holds a user name or a password.",
        }.items():
            put(app, name="ollama", url=address)
            await pilot.press("ctrl+s")
            await settled(pilot, lambda reason=reason: reason in words(pilot))
            assert app.screen.query_one("#url", Line).value == address
        assert app.answers == []
        assert [p.name for p in store.catalog.providers()] == ["local"]


async def test_a_key_pasted_as_the_name_of_a_variable_is_refused_and_not_repeated(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        put(app, name="openai", url="https://api.openai.com/v1", source="env", variable="sk-abcdefghijklmnop1234")
        await settled(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "looks like a key itself" in words(pilot))
        assert app.answers == []


async def test_a_name_taken_in_another_window_meanwhile_is_refused_in_the_form(store: Store, second: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        put(app, name="ollama", url="http://localhost:11434/v1")
        await settled(pilot)
        second.catalog.add_provider("ollama", "openai", "http://localhost:9999/v1")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "There is a provider ollama already." in words(pilot))
        assert app.screen.query_one("#url", Line).value == "http://localhost:11434/v1"


async def test_editing_a_provider_that_another_window_removed_keeps_what_was_typed(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("ollama")))
    async with app.run_test() as pilot:
        put(app, url="http://localhost:9999/v1")
        second.catalog.remove_provider("ollama")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "Resource not found or you do not have access" in words(pilot))
        assert app.screen.query_one("#url", Line).value == "http://localhost:9999/v1"
        assert app.answers == []


async def test_a_new_name_takes_the_live_models_along(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("openai")))
    async with app.run_test() as pilot:
        put(app, name="work")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert [m.ref for m in stocked.catalog.models("work")] == ["work/gpt-4o", "work/gpt-4o-mini", "work/o4-mini"]
        provider = stocked.catalog.provider("work")
        assert (provider.key_source, provider.key_name) == ("env", "OPENAI_API_KEY")


async def test_an_address_that_leaves_this_machine_says_what_that_means_for_its_chats(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("ollama")))
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "elsewhere" not in words(pilot)
        put(app, url="http://ollama.example.org/v1")
        await settled(pilot)
        assert "Until now this ran on this machine. ollama.example.org is elsewhere." in words(pilot)
        assert "1 chat that stayed here so far will be sent there." in words(pilot)
        assert "is not encrypted" in words(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert not stocked.catalog.live("ollama/qwen3:8b").is_local


async def test_the_test_button_asks_with_what_is_typed_and_saves_nothing(store: Store, endpoint: Endpoint) -> None:
    endpoint.offers["it"] = [RemoteModel("qwen3:8b"), RemoteModel("[/] \x1b[2J")]
    app = Bench(store, ProviderForm(), endpoint)
    async with app.run_test() as pilot:
        put(app, name="it", url="http://localhost:11434/v1")
        await pilot.press("ctrl+t")
        await settled(pilot, lambda: "It answers: 2 models (qwen3:8b, [/] [2J)" in words(pilot))
        assert endpoint.asked[0].base_url == "http://localhost:11434/v1"
        endpoint.offers["it"] = ProviderRejected("it does not take the key.", "Check it. [/nope]")
        await pilot.click("#test")
        await settled(pilot, lambda: "it does not take the key. Check it. [/nope]" in words(pilot))
        assert len(store.catalog.providers()) == 1


async def test_a_key_for_the_keyring_is_masked_kept_there_and_never_in_the_store(
    store: Store, keyring: Keyring
) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        put(app, name="openai", url="https://api.openai.com/v1", source="keyring", secret="sk-very-secret-1")
        await settled(pilot)
        assert "sk-very" not in words(pilot)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert keyring.kept == {("localchat", "openai"): "sk-very-secret-1"}
        assert b"sk-very" not in store.path.read_bytes()


async def test_a_typed_key_is_used_for_the_test_before_it_is_kept(store: Store, keyring: Keyring) -> None:
    from localchat.providers import keys

    endpoint, seen = Endpoint(), list[str | None]()
    endpoint.on_ask = lambda provider: seen.append(keys.key_of(provider))
    app = Bench(store, ProviderForm(), endpoint)
    async with app.run_test() as pilot:
        put(app, name="openai", url="https://api.openai.com/v1", source="keyring", secret="sk-very-secret-1")
        await pilot.press("ctrl+t")
        await settled(pilot, lambda: "It answers" in words(pilot))
        assert seen == ["sk-very-secret-1"]
        assert keyring.kept == {}


async def test_without_a_keyring_nothing_is_saved_and_the_form_says_so(store: Store, no_keyring: None) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        put(app, name="openai", url="https://api.openai.com/v1", source="keyring", secret="sk-very-secret-1")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "there is none on this system" in words(pilot))
        assert len(store.catalog.providers()) == 1
        assert app.screen.query_one("#secret", Line).value == "sk-very-secret-1"


async def test_where_the_store_refuses_the_keyring_gets_back_what_it_had(
    stocked: Store, second: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localchat.errors import DiskFull
    from localchat.store.catalog.catalog import Catalog

    stocked.catalog.edit_provider(stocked.catalog.provider("openai").id, key_source="keyring")
    keyring.kept["localchat", "openai"] = "sk-old-key"

    def full(*_: object, **__: object) -> Provider:
        raise DiskFull("The disk is full; this was not saved.")

    monkeypatch.setattr(Catalog, "edit_provider", full)
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("openai")))
    async with app.run_test() as pilot:
        put(app, secret="sk-new-key-1")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "The disk is full" in words(pilot))
        assert keyring.kept == {("localchat", "openai"): "sk-old-key"}


async def test_escape_asks_before_typed_words_are_lost(store: Store) -> None:
    app = Bench(store, ProviderForm())
    async with app.run_test() as pilot:
        await pilot.press("tab", *"work", "escape")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await settled(pilot, lambda: isinstance(app.screen, ProviderForm))
        assert app.screen.query_one("#name", Line).value == "work"
        await pilot.press("escape")
        await settled(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await settled(pilot, lambda: bool(app.answers))
        assert app.answers == [None]


async def test_a_model_is_added_with_its_parameters(stocked: Store) -> None:
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama")))
    async with app.run_test() as pilot:
        put(app, name="gemma3:4b", context="131,072", temperature="0.2", seed="42", max_tokens="500")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        model = stocked.catalog.live("ollama/gemma3:4b")
        assert model.context == 131072
        assert model.parameters == {"temperature": 0.2, "seed": 42, "max_tokens": 500}


async def test_numbers_that_cannot_be_stay_with_the_reason(stocked: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama"), model))
    async with app.run_test() as pilot:
        for field, value, reason in (
            ("context", "many", "context: “many” is no whole number."),
            ("context", "-5", "is no size of a context."),
            ("temperature", "hot", "Temperature: “hot” is no number."),
            ("temperature", "nan", "temperature cannot be “nan”."),
            ("top_p", "7", "top_p cannot be “7.0”."),
        ):
            put(app, **{field: value})
            await settled(pilot)
            await pilot.press("ctrl+s")
            await settled(pilot, lambda reason=reason: reason in words(pilot))
            assert app.screen.query_one(f"#{field}", Line).value == value
            put(app, **{field: ""})
        assert app.answers == []
        assert stocked.catalog.model(model.id) == model


async def test_emptying_the_context_takes_it_away(stocked: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama"), model))
    async with app.run_test() as pilot:
        put(app, context="")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert stocked.catalog.model(model.id).context is None


async def test_a_model_of_a_provider_removed_meanwhile_is_refused_and_stays_typed(
    stocked: Store, second: Store
) -> None:
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama")))
    async with app.run_test() as pilot:
        put(app, name="gemma3:4b")
        second.catalog.remove_provider("ollama")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "Chat provider is not configured." in words(pilot))
        assert app.screen.query_one("#name", Line).value == "gemma3:4b"


async def test_a_model_removed_meanwhile_cannot_be_edited_and_stays_typed(stocked: Store, second: Store) -> None:
    model = stocked.catalog.live("ollama/qwen3:8b")
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama"), model))
    async with app.run_test() as pilot:
        put(app, temperature="0.5")
        second.catalog.remove_model(model.id)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "Resource not found or you do not have access" in words(pilot))
        assert app.screen.query_one("#temperature", Line).value == "0.5"


async def test_the_same_model_twice_is_refused(stocked: Store) -> None:
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama")))
    async with app.run_test() as pilot:
        put(app, name="QWEN3:8b")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "There is a model “ollama/qwen3:8b” already." in words(pilot))


async def test_a_gguf_file_that_is_missing_or_no_gguf_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "words.gguf").write_text("not a model")
    app = Bench(store, ModelForm(store.catalog.provider("local")))
    async with app.run_test(size=(120, 40)) as pilot:
        put(app, name="mine")
        for name, reason in {"": "needs its weights", "none.gguf": "none.gguf", "words.gguf": "words.gguf"}.items():
            put(app, path=str(tmp_path / name) if name else "")
            await settled(pilot)
            await pilot.press("ctrl+s")
            told = squeezed(reason)
            await settled(pilot, lambda told=told: told in squeezed(words(pilot).partition("✗")[2]))
        assert app.answers == []


def squeezed(text: str) -> str:
    """Long paths wrap anywhere, so compare without spaces, line ends and frames."""
    return re.sub(r"[\s│]+", "", text)


async def test_a_name_written_by_another_program_is_shown_without_its_escape_and_stays_unless_edited(
    stocked: Store,
) -> None:
    nasty = "x\x1b[2J [/] [@click=app.quit]"
    model = stocked.catalog.live("ollama/qwen3:8b")
    stocked.connection.execute("update model_configs set model = ? where id = ?", (nasty, model.id))
    raw: Model = stocked.catalog.model(model.id)
    app = Bench(stocked, ModelForm(stocked.catalog.provider("ollama"), raw))
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "x[2J [/] [@click=app.quit]" in words(pilot)
        put(app, temperature="1")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
        assert stocked.catalog.model(model.id).model == nasty


async def test_a_provider_written_by_another_program_is_shown_literally_in_its_form(stocked: Store) -> None:
    nasty = "[/] [@click=app.quit]x[/]\x1b[2J"
    stocked.connection.execute(
        "update providers set base_url = ?, key_name = ?, kind = ? where name = 'openai'", (nasty, nasty, nasty)
    )
    app = Bench(stocked, ProviderForm(stocked.catalog.provider("openai")))
    async with app.run_test(size=(120, 30)) as pilot:
        put(app, url=f"{nasty}/x")
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "✗" in words(pilot))
        assert words(pilot).count("[/] [@click=app.quit]x[/][2J") >= 3
        assert "\x1b" not in words(pilot)
        assert app.answers == []


# Replay.


async def test_an_exported_chat_is_added_by_its_file(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    app = Bench(store, ProviderForm())
    async with app.run_test(size=(100, 40)) as pilot:
        put(app, name="demo", kind="replay", path=str(path))
        await pilot.pause()
        assert not app.screen.query_one("#url-field").display
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: "is not there" in words(pilot))
        export_of(path)
        app.screen.query_one("#way", Select).value = (True, True)
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    provider = store.catalog.provider("demo")
    assert (provider.kind, provider.base_url) == ("replay", f"{path.as_uri()}?in-order&at-once")


async def test_the_file_of_a_replay_can_be_changed(store: Store, tmp_path: Path) -> None:
    provider = store.catalog.add_provider("demo", "replay", f"{(tmp_path / 'old.json').as_uri()}?at-once")
    export_of(tmp_path / "new.json")
    app = Bench(store, ProviderForm(provider))
    async with app.run_test(size=(100, 40)) as pilot:
        assert app.screen.query_one("#path", Line).value == str(tmp_path / "old.json")
        put(app, path=str(tmp_path / "new.json"))
        await pilot.press("ctrl+s")
        await settled(pilot, lambda: bool(app.answers))
    assert store.catalog.provider("demo").base_url == f"{(tmp_path / 'new.json').as_uri()}?at-once"


def export_of(path: Path) -> None:
    at = "2026-03-02T14:02:00.000Z"
    messages = (WholeMessage("1", None, "user", "Hi", at), WholeMessage("2", "1", "assistant", "Hello.", at))
    path.write_text("".join(json_document([WholeChat("localchat", "1", "Hi", messages, at, at)], at)), "utf-8")


async def test_a_letter_jumps_to_the_choice_that_begins_with_it(stocked: Store) -> None:
    app = Bench(stocked, ProviderForm())
    async with app.run_test() as pilot:
        await settled(pilot)
        select = app.screen.query(Select).first()
        select.focus()
        await pilot.press("enter", *"opena")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert getattr(select.value, "name", select.value) == "OpenAI"
