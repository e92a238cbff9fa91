"""Bad input: refused by name, with what to do, and nothing changed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from localchat.errors import AlreadyExists, InvalidInput, LocalChatError, NotFound, ProviderNotConfigured
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from localchat.text import clean
from tests.store.helpers import dump, echo

NASTY = [
    "", " ", "\0", "a\0b", "a\nb", "a\tb", "\x1b]0;x\x07", "\x9b2J", "[/foo]", "[@click=x]", "شات", "🏠", "\u202eabc",
    "a\u200bb", "x" * 10_000, "\ud83d", "a b", "../..", "A", "naïve", "a/b", "ﬁ", "--yes", "-",
]  # fmt: skip


def refused(store: Store, write: Any, kind: type[LocalChatError] = InvalidInput) -> LocalChatError:
    """The error of a write that must change nothing, and must tell what to do."""
    before = dump(store.connection, "providers", "model_configs", "catalog_events")
    with pytest.raises(kind) as raised:
        write()
    assert dump(store.connection, "providers", "model_configs", "catalog_events") == before
    assert raised.value.hint or raised.value.remedy
    assert len(raised.value.message) < 400
    assert clean(raised.value.message) == raised.value.message, "an error carries nothing that a terminal obeys"
    return raised.value


# Names of providers.


@pytest.mark.parametrize("name", [n for n in NASTY if n not in ("-", "--yes", "../..")] + ["../..", "local!", "x" * 65])
def test_a_provider_name_that_is_no_slug_is_refused(store: Store, name: str) -> None:
    refused(store, lambda: store.catalog.add_provider(name, "echo"))
    provider = store.catalog.add_provider("fine", "echo")
    refused(store, lambda: store.catalog.edit_provider(provider.id, name=name))


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Ollama", "ollama"),
        ("LM Studio", "lm-studio"),
        ("open/router", "open-router"),
        ("  Café del Mar! ", "cafe-del-mar"),
        ("ＦＵＬＬ", "full"),
        ("My.Box_2", "my.box_2"),
        ("x" * 70, "x" * 64),
    ],
)
def test_a_near_name_is_suggested_where_there_is_one(store: Store, name: str, suggestion: str) -> None:
    error = refused(store, lambda: store.catalog.add_provider(name, "echo"))
    assert error.hint.endswith(f"for example {suggestion}.")
    assert store.catalog.add_provider(suggestion, "echo").name == suggestion


def test_no_name_is_suggested_where_nothing_is_left_of_it(store: Store) -> None:
    assert "example" not in refused(store, lambda: store.catalog.add_provider("شات", "echo")).hint


@pytest.mark.parametrize("name", ["a", "x" * 64, "0", "a.b_c-d", "..", "-"])
def test_every_slug_is_a_name(catalog: Catalog, name: str) -> None:
    assert catalog.add_provider(name, "echo").name == name


def test_a_second_provider_of_a_name_is_refused(store: Store) -> None:
    assert "local" in refused(store, lambda: store.catalog.add_provider("local", "echo"), AlreadyExists).message
    provider = store.catalog.add_provider("z", "echo")
    refused(store, lambda: store.catalog.edit_provider(provider.id, name="local"), AlreadyExists)


@pytest.mark.parametrize("kind", ["", "Echo", "ollama", "[/x]"])
def test_an_unknown_kind_is_refused_and_the_kinds_are_named(store: Store, kind: str) -> None:
    assert "openai" in refused(store, lambda: store.catalog.add_provider("z", kind)).hint


# Base URLs.


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("HTTPS://API.Example.COM/V1/", "https://api.example.com/V1"),
        ("https://api.example.com///", "https://api.example.com"),
        (" http://127.0.0.1:8080 ", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("http://[0:0:0:0:0:0:0:1]/v1", "http://[::1]/v1"),
        ("http://box:/v1", "http://box/v1"),
        ("http://my_box.local/v1", "http://my_box.local/v1"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://example.com/a%20b", "https://example.com/a%20b"),
    ],
)
def test_an_address_is_stored_in_one_form(catalog: Catalog, typed: str, stored: str) -> None:
    assert catalog.add_provider("z", "openai", typed).base_url == stored


@pytest.mark.parametrize(
    "address",
    [
        "localhost:11434/v1", "api.example.com", "//api.example.com/v1", "ftp://example.com", "file:///etc/passwd",
        "javascript:alert(1)", "http://", "http:///v1", "http://:80/v1", "http://example.com:99999", "http://box:port",
        "http://box:0", "http://box:-1", "http://user:secret@example.com/v1", "http://user@example.com",
        "http://example.com/v1?key=secret", "http://example.com/#secret", "http://exa mple.com", "http://example.com/\n",
        "http://exam\tple.com", "http://example.com\\@evil.example", "http://[::1", "http://[nonsense]/", "http://::1/",
        "http://a..b/", "http://-.-/", "http://ex\u202eample.com", "http://ex\x1bample.com", "http://" + "x" * 300,
        "http://x/" + "y" * 3000, "http://\u2025/", "x", "[/foo]", "http://%00/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_no_secret_in_it_repeated(store: Store, address: str) -> None:
    error = refused(store, lambda: store.catalog.add_provider("z", "openai", address))
    assert "secret" not in error.message + error.hint
    provider = store.catalog.add_provider("fine", "openai", "http://localhost:1")
    refused(store, lambda: store.catalog.edit_provider(provider.id, base_url=address))


def test_an_address_without_scheme_is_completed_in_the_hint(store: Store) -> None:
    near = refused(store, lambda: store.catalog.add_provider("z", "openai", "localhost:11434/v1"))
    assert near.hint == "Perhaps http://localhost:11434/v1"
    far = refused(store, lambda: store.catalog.add_provider("z", "openai", "api.example.com/v1"))
    assert far.hint == "Perhaps https://api.example.com/v1"


def test_which_kinds_need_an_address_and_which_have_none(store: Store) -> None:
    catalog = store.catalog
    for none in (None, "", "  "):
        refused(store, lambda none=none: catalog.add_provider("z", "openai", none))
    for kind in ("echo", "embedded"):
        refused(store, lambda kind=kind: catalog.add_provider("z", kind, "http://localhost:1"))
    assert catalog.add_provider("a", "anthropic").base_url is None
    assert catalog.add_provider("g", "google", "").base_url is None
    proxied = catalog.add_provider("p", "anthropic", "http://localhost:1")
    assert catalog.edit_provider(proxied.id, base_url="").base_url is None
    openai = catalog.add_provider("o", "openai", "http://localhost:1")
    refused(store, lambda: catalog.edit_provider(openai.id, base_url=""))


# Keys.


@pytest.mark.parametrize(
    "variable", ["OPENAI_API_KEY", "_x", "a", "HF_TOKEN", "SK_KEY", "ANTHROPIC_API_KEY_2", "my_key_for_the_big_server"]
)
def test_a_key_can_lie_in_any_environment_variable(catalog: Catalog, variable: str) -> None:
    provider = catalog.add_provider("z", "openai", "http://localhost:1", "env", variable)
    assert (provider.key_source, provider.key_name) == ("env", variable)


@pytest.mark.parametrize(
    "pasted",
    [
        "sk-proj-abcdefghijklmnop", "sk-ant-api03-secret", "AIzaSyA1234567890abcdefghijklmnopqrstu", "gsk_secretsecret",
        "hf_abcdefSECRET", "0123456789abcdef0123456789abcdef", "Ab3dEf6hIj9kLm2nOp5q", "sk_live_secret",
    ],
)  # fmt: skip
def test_a_key_pasted_for_its_name_is_neither_stored_nor_repeated(store: Store, pasted: str, path: Path) -> None:
    for source in ("env", "keyring"):
        error = refused(
            store, lambda source=source: store.catalog.add_provider("z", "openai", "http://localhost:1", source, pasted)
        )
        assert "looks like a key" in error.message
        assert pasted not in error.message + error.hint
    provider = store.catalog.add_provider("z", "openai", "http://localhost:1")
    refused(store, lambda: store.catalog.edit_provider(provider.id, key_source="env", key_name=pasted))
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert pasted.encode() not in files


@pytest.mark.parametrize("variable", [None, "", "1X", "A B", "A-B", "A=B", "Ä", "A\n", "$KEY", "[/x]", "X" * 300])
def test_what_is_no_variable_is_refused_and_not_repeated(store: Store, variable: str | None) -> None:
    error = refused(store, lambda: store.catalog.add_provider("z", "openai", "http://localhost:1", "env", variable))
    assert not variable or variable not in error.message


def test_a_key_in_the_keyring_lies_under_the_providers_name_unless_told(catalog: Catalog) -> None:
    assert catalog.add_provider("z", "openai", "http://localhost:1", "keyring").key_name == "z"
    assert catalog.add_provider("y", "openai", "http://localhost:1", "keyring", "my entry").key_name == "my entry"


def test_a_name_of_a_key_without_a_place_is_refused(store: Store) -> None:
    refused(store, lambda: store.catalog.add_provider("z", "openai", "http://localhost:1", "none", "X"))
    unknown: Any = "file"
    refused(store, lambda: store.catalog.add_provider("z", "openai", "http://localhost:1", unknown, "X"))


def test_where_the_key_comes_from_can_be_edited(catalog: Catalog) -> None:
    provider = catalog.add_provider("z", "openai", "http://localhost:1", "env", "A")
    assert catalog.edit_provider(provider.id, key_name="B").key_name == "B"
    moved = catalog.edit_provider(provider.id, key_source="keyring")
    assert (moved.key_source, moved.key_name) == ("keyring", "z")
    renamed = catalog.edit_provider(provider.id, name="y")
    assert renamed.key_name == "z", "the key still lies where it lay"
    gone = catalog.edit_provider(provider.id, key_source="none")
    assert (gone.key_source, gone.key_name) == ("none", None)


# Names of models.


@pytest.mark.parametrize(
    "name",
    [
        "", " ", " x", "x ", "a\0b", "a\nb", "a\tb", "\x1b]0;x\x07", "\x9b2J", "\u202eabc", "a\u200bb", "a\u2028b",
        "\ud83d", "x" * 201, "x" * 100_000, "a\u00adb", "\ufeffx", "a\u00a0b",
    ],
)  # fmt: skip
def test_a_model_name_that_cannot_be_read_is_refused(store: Store, name: str) -> None:
    model = echo(store.catalog, "z", "fine")[0]
    refused(store, lambda: store.catalog.add_model("z", name))
    refused(store, lambda: store.catalog.edit_model(model.id, model=name))
    refused(store, lambda: store.catalog.add_models("z", [("good", None), (name, None)]))


@pytest.mark.parametrize(
    "name", ["qwen/qwen3", "a b", "[/foo]", "[@click=x]", "شات", "🏠", "x" * 200, "../..", "a//b", "%s"]
)
def test_a_model_may_have_any_name_that_can_be_read(catalog: Catalog, name: str) -> None:
    catalog.add_provider("z", "echo")
    model = catalog.add_model("z", name)
    assert catalog.live(f"z/{name}") == model


@pytest.mark.parametrize(
    ("there", "typed"),
    [("Qwen", "qwen"), ("café", "cafe\u0301"), ("straße", "STRASSE"), ("fi", "ﬁ"), ("gpt", "ｇｐｔ"), ("x", "x")],
)
def test_a_name_that_differs_in_case_or_form_only_is_there_already(store: Store, there: str, typed: str) -> None:
    first, second = echo(store.catalog, "z", there, "other")
    error = refused(store, lambda: store.catalog.add_model("z", typed), AlreadyExists)
    assert f"z/{first.model}" in error.message
    refused(store, lambda: store.catalog.edit_model(second.id, model=typed), AlreadyExists)
    assert store.catalog.add_models("z", [(typed, None)]) == []


def test_a_model_can_change_the_case_of_its_own_name(catalog: Catalog) -> None:
    model = echo(catalog, "z", "qwen")[0]
    assert catalog.edit_model(model.id, model="Qwen").model == "Qwen"


def test_the_same_letters_typed_on_another_system_find_the_model(catalog: Catalog) -> None:
    model = echo(catalog, "z", "cafe\u0301")[0]
    assert model.model == "café"
    assert catalog.live("z/cafe\u0301") == catalog.live("z/café") == model


def test_the_same_name_is_free_at_another_provider(catalog: Catalog) -> None:
    echo(catalog, "z", "one")
    echo(catalog, "y", "one")
    assert [m.ref for m in catalog.models()] == ["local/smollm2", "y/one", "z/one"]


# Numbers.


@pytest.mark.parametrize("tokens", [0, -1, 100_000_001, 10**30, True, 1.5, math.nan, "4096", b"1", [1]])
def test_a_context_that_cannot_be_is_refused(store: Store, tokens: Any) -> None:
    model = echo(store.catalog, "z", "fine")[0]
    refused(store, lambda: store.catalog.add_model("z", "x", context=tokens))
    refused(store, lambda: store.catalog.edit_model(model.id, context=tokens))
    refused(store, lambda: store.catalog.add_models("z", [("x", tokens)]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": -0.1}, {"temperature": 99}, {"temperature": math.nan}, {"temperature": math.inf},
        {"temperature": True}, {"temperature": "hot"}, {"top_p": 1.01}, {"top_p": -1}, {"seed": 1.5}, {"seed": 10**30},
        {"seed": False}, {"max_tokens": 0}, {"max_tokens": -5}, {"max_tokens": 2.0}, {"max_tokens": 10**12},
        {"api_key": "secret"}, {"Temperature": 1}, {"\x1b[2J": 1}, {"temperature": [1]}, {"temperature": 10**400},
        {"seed": 10**5000}, {"think": "deep"}, {"think": True}, {"messages": []}, {"min_p": math.nan},
        {"logit_bias": {"1": math.inf}}, {"stop": "x" * 20_001}, {"two words": 1}, {"auth": "sk-" + "a1" * 12},
    ],
)  # fmt: skip
def test_absurd_parameters_are_refused_by_name(store: Store, parameters: dict[str, Any]) -> None:
    model = echo(store.catalog, "z", "fine")[0]
    error = refused(store, lambda: store.catalog.add_model("z", "x", parameters=parameters))
    assert clean(next(iter(parameters))) in error.message
    assert "secret" not in error.message + error.hint
    refused(store, lambda: store.catalog.edit_model(model.id, parameters=parameters))


def test_sensible_parameters_are_kept_as_given(catalog: Catalog) -> None:
    catalog.add_provider("z", "echo")
    given = {"temperature": 0.7, "top_p": 1, "seed": -3, "max_tokens": 1}
    model = catalog.add_model("z", "x", context=100_000_000, parameters=given)
    assert (model.parameters, model.context) == (given, 100_000_000)
    edited = catalog.edit_model(model.id, parameters={"temperature": None, "seed": 1})
    assert edited.parameters == {"top_p": 1, "seed": 1, "max_tokens": 1}
    assert catalog.edit_model(model.id, clear_context=True).context is None


def test_fields_of_the_endpoint_and_how_long_to_think_are_kept_as_given(catalog: Catalog) -> None:
    catalog.add_provider("z", "echo")
    given = {"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}, "stop": ["a", "b"], "think": "off"}
    model = catalog.add_model("z", "x", parameters=given)
    assert model.parameters == given
    assert catalog.edit_model(model.id, parameters={"top_k": None, "think": "high"}).parameters == {
        "chat_template_kwargs": {"enable_thinking": False}, "stop": ["a", "b"], "think": "high",
    }  # fmt: skip


# Weights.


def test_a_model_of_ones_own_file_needs_its_path_and_keeps_it_in_full(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    catalog = store.catalog
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    refused(store, lambda: catalog.add_model("local", "mine"))
    refused(store, lambda: catalog.add_model("local", "mine", path=""))
    mine = catalog.add_model("local", "mine", path="weights.gguf")
    assert mine.path == str(tmp_path / "weights.gguf")
    assert catalog.edit_model(mine.id, path="~/other [x].gguf").path == str(tmp_path / "other [x].gguf")
    for path in ("a\0b", "a\nb", "\ud83d", "x" * 5000, "~nobody-of-that-name/x.gguf"):
        refused(store, lambda path=path: catalog.add_model("local", "more", path=path))


def test_a_file_belongs_to_embedded_models_of_ones_own_only(store: Store) -> None:
    catalog = store.catalog
    echo(catalog, "z", "fine")
    refused(store, lambda: catalog.add_model("z", "x", path="/tmp/x.gguf"))
    refused(store, lambda: catalog.edit_model(catalog.live("z/fine").id, path="/tmp/x.gguf"))
    refused(store, lambda: catalog.edit_model(catalog.live("local/smollm2").id, path="/tmp/x.gguf"))
    refused(store, lambda: catalog.edit_model(catalog.live("local/smollm2").id, model="mine"))
    mine = catalog.add_model("local", "mine", path="/tmp/x.gguf")
    catalog.remove_model(catalog.live("local/smollm2").id)
    refused(store, lambda: catalog.edit_model(mine.id, model="smollm2"))
    refused(store, lambda: catalog.add_model("local", "smollm2", path="/tmp/x.gguf"))
    assert catalog.add_model("local", "smollm2").path is None


# Refs.


@pytest.mark.parametrize("ref", ["", "x", "/", "x/", "/x", "\0", "\x1b[2J", "x" * 10_000])
def test_what_is_no_ref_is_refused(store: Store, ref: str) -> None:
    refused(store, lambda: store.catalog.live(ref))


@pytest.mark.parametrize("text", ["\udcff", "a\udcffb", "\0", "\x1b[2J", "[/foo]", "x" * 10_000])
def test_a_name_that_is_not_there_is_not_found_whatever_it_holds(store: Store, text: str) -> None:
    catalog = store.catalog
    for read in (
        lambda: catalog.provider(text),
        lambda: catalog.live(f"{text}/{text}"),
        lambda: catalog.live(f"local/{text}"),
        lambda: catalog.removal_of_provider(text),
        lambda: catalog.removal_of_provider("local", f"{text}/x"),
        lambda: catalog.remove_provider(text),
        lambda: catalog.last_removal(text),
        lambda: catalog.last_model_removal(f"{text}/x"),
    ):
        refused(store, read, NotFound)
    refused(store, lambda: catalog.add_model(text, "x"), ProviderNotConfigured)
    assert catalog.models(text) == []


def test_a_name_that_another_program_stored_in_another_form_is_found_as_it_is_written(store: Store) -> None:
    store.connection.execute("insert into model_configs (provider, model) values ('local', ?)", ("cafe\u0301",))
    assert store.catalog.live("local/cafe\u0301").model == "cafe\u0301"


def test_a_ref_is_split_at_the_first_slash(catalog: Catalog) -> None:
    model = echo(catalog, "router", "qwen/qwen3")[0]
    assert catalog.live("router/qwen/qwen3") == model
    assert model.ref == "router/qwen/qwen3"
