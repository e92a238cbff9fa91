"""``localchat providers``: what is saved of them, where keys go, and removing one with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from localchat.providers.keys import key_of
from localchat.store import Store
from tests.cli.conftest import Run

SECRET = "sk-a-very-secret-key-1234567890"


class Memory(keyring.backend.KeyringBackend):
    """A keyring that is gone with the test; ``refuses`` is one whose owner says no."""

    priority = -1.0  # never chosen by itself, also not by tests elsewhere

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.refuses = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.refuses:
            raise keyring.errors.PasswordSetError("the owner said no")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def memory() -> Iterator[Memory]:
    before = keyring.get_keyring()
    there = Memory()
    keyring.set_keyring(there)
    yield there
    keyring.set_keyring(before)


def names(run: Run) -> list[str]:
    return [provider["name"] for provider in run("providers", "list", "--json").json]


def test_a_new_store_lists_the_provider_in_the_box(run: Run) -> None:
    (provider,) = run("providers", "list", "--json").json

    assert {name: provider[name] for name in ("name", "kind", "base_url", "enabled", "has_key", "models")} == {
        "name": "local",
        "kind": "embedded",
        "base_url": None,
        "enabled": True,
        "has_key": False,
        "models": 1,
    }


def test_adding_adds_no_models(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", SECRET)
    url = "https://api.example.org/v1/"
    added = run("providers", "add", "far", "--kind", "openai", "--base-url", url, "--key-env", "SOME_KEY", "--json")

    assert (added.json["base_url"], added.json["has_key"], added.json["models"]) == (url[:-1], True, 0)
    assert store.catalog.models("far") == []
    assert "$SOME_KEY set" in run("providers", "list").out


def test_a_key_variable_that_is_not_set_is_told(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    added = run("providers", "add", "far", "--kind", "anthropic", "--key-env", "NO_SUCH_KEY")

    assert added.code == 0
    assert added.err == "$NO_SUCH_KEY is not set here; set it before the first message.\n"
    assert run("providers", "list", "--json").json[0]["has_key"] is False


def test_adding_twice_is_refused(run: Run, echo: Store) -> None:
    answer = run("providers", "add", "play", "--kind", "echo", "--json")

    assert (answer.code, answer.error["code"]) == (1, "already_exists")


def test_a_key_pasted_as_the_variable_is_not_stored_and_not_repeated(run: Run, store: Store) -> None:
    answer = run("providers", "add", "far", "--kind", "anthropic", "--key-env", SECRET)

    assert answer.code == 1
    assert SECRET not in answer.err + answer.out
    assert names(run) == ["local"]


def test_a_key_from_standard_input_goes_to_the_keyring_and_nowhere_else(
    run: Run, store: Store, path: Path, memory: Memory
) -> None:
    added = run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", "--json", stdin=f"{SECRET}\n")

    assert (added.json["has_key"], added.json["key_source"]) == (True, "keyring")
    assert list(memory.kept.values()) == [SECRET]
    store.connection.execute("pragma wal_checkpoint(truncate)")
    assert SECRET.encode() not in path.read_bytes()
    assert SECRET not in added.out + added.err


@pytest.mark.parametrize("key", ["", "\n", "two words", "ke\x1by", "k" * 70_000])
def test_what_is_no_key_is_refused_and_nothing_is_saved(run: Run, store: Store, memory: Memory, key: str) -> None:
    answer = run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", "--json", stdin=key)

    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
    assert (names(run), memory.kept) == (["local"], {})


def test_where_the_keyring_refuses_there_is_no_provider_either(run: Run, store: Store, memory: Memory) -> None:
    memory.refuses = True
    answer = run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", "--json", stdin=SECRET)

    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
    assert names(run) == ["local"]
    assert run("providers", "log", "--json").json == []
    assert run("providers", "restore", "far", "--json").error["code"] == "not_found"
    run("providers", "add", "far", "--kind", "anthropic", "--base-url", "https://a.example")
    assert run("providers", "edit", "far", "--key-stdin", "--base-url", "https://b.example", stdin=SECRET).code == 1
    far = store.catalog.provider("far")
    assert (far.base_url, far.key_source, far.key_name) == ("https://a.example", "none", None)
    assert len(run("providers", "log", "--json").json) == 1


def test_a_new_key_replaces_the_old_one_with_the_rest_of_the_edit_or_not_at_all(
    run: Run, store: Store, memory: Memory
) -> None:
    run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", stdin=SECRET)
    refused = run("providers", "edit", "far", "--name", "local", "--key-stdin", "--json", stdin="another")
    assert refused.error["code"] == "already_exists"
    assert list(memory.kept.values()) == [SECRET]

    done = run("providers", "edit", "far", "--key-stdin", stdin="another")
    assert done.err == "Its old key stays in the keyring, as “far”.\n"
    assert key_of(store.catalog.provider("far")) == "another"


def test_where_the_keyring_does_not_let_go_of_a_key_its_provider_stays(
    run: Run, store: Store, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", stdin=SECRET)

    def refuse(*_: object) -> None:
        raise keyring.errors.PasswordDeleteError("the owner said no")

    monkeypatch.setattr(memory, "delete_password", refuse)
    answer = run("providers", "remove", "far", "--yes", "--forget-key", "--json")
    assert (answer.code, answer.error["code"], names(run)) == (1, "invalid_input", ["far", "local"])


def test_where_the_provider_stays_its_key_stays_too(run: Run, store: Store, memory: Memory) -> None:
    run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", stdin=SECRET)
    run("models", "add", "far/m")
    store.connection.execute("create trigger vanish before delete on providers begin select raise(abort, 'no'); end")
    assert run("providers", "remove", "far", "--yes", "--forget-key", "--json").error["code"] == "internal"
    assert list(memory.kept.values()) == [SECRET]


def test_a_taken_name_leaves_the_key_of_its_owner_alone(run: Run, store: Store, memory: Memory) -> None:
    run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", stdin=SECRET)
    run("providers", "add", "far", "--kind", "google", "--key-stdin", stdin="another")

    assert list(memory.kept.values()) == [SECRET]


def test_editing_changes_what_is_given_and_models_follow_the_name(run: Run, echo: Store) -> None:
    run("ask", "hello")
    assert run("providers", "edit", "play", "--name", "stage", "--json").json["name"] == "stage"

    assert [model["ref"] for model in run("models", "list", "--json").json] == ["local/smollm2", "stage/echo"]
    assert run("ask", "-c", "again", "--json").json["model"] == "stage/echo"
    assert run("providers", "edit", "stage").code == 2
    assert run("providers", "edit", "play", "--name", "x", "--json").error["code"] == "not_found"
    assert run("providers", "edit", "stage", "--name", "local", "--json").error["code"] == "already_exists"


def test_an_address_that_leaves_this_machine_is_told_with_the_chats_it_concerns(run: Run, store: Store) -> None:
    run("providers", "add", "near", "--kind", "openai", "--base-url", "http://localhost:9/v1")
    run("models", "add", "near/m")
    store.connection.execute("insert into chats (title, model_config_id) values ('secret', 2)")
    told = run("providers", "edit", "near", "--base-url", "https://api.example.org/v1")

    assert told.err == ("1 chat kept on this machine so far will be sent to https://api.example.org/v1 from now on.\n")


def test_switching_off_the_provider_of_the_default_names_the_new_one(run: Run, echo: Store) -> None:
    assert run("providers", "disable", "play").out == "play is off.\nDefault: play/echo → local/smollm2.\n"
    off = run("ask", "-m", "play/echo", "x", "--json")
    assert off.error["code"] == "invalid_input"
    on = run("providers", "enable", "play", "--json").json
    assert (on["enabled"], on["default_before"], on["default_after"]) == (True, "local/smollm2", "local/smollm2")


def test_a_removal_that_is_only_tried_tells_all_and_changes_nothing(run: Run, echo: Store) -> None:
    run("models", "add", "play/parrot")
    for title in ("one", "two"):
        run("ask", title)
    before = run("providers", "log", "--json").out
    told = run("providers", "remove", "play", "--dry-run", "--json")

    assert told.json == {
        "removed": "play",
        "models_removed": ["play/echo", "play/parrot"],
        "chats_affected": 2,
        "newest_titles": ["two", "one"],
        "default_before": "play/echo",
        "default_after": "local/smollm2",
        "successors": ["local/smollm2"],
        "leaves_machine": False,
        "chats_move_to": None,
        "dry_run": True,
    }
    assert "2 models go: ★ play/echo, play/parrot." in run("providers", "remove", "play", "--dry-run").out
    assert run("providers", "log", "--json").out == before
    assert names(run) == ["local", "play"]


def test_removing_says_what_went_and_who_is_the_default_now(run: Run, echo: Store) -> None:
    run("ask", "hello")
    done = run("providers", "remove", "play", "--yes")

    assert done.out == (
        "Removed play and 1 model.\n"
        "Default: play/echo → local/smollm2.\n"
        "`localchat providers restore play` brings them back.\n"
    )
    assert names(run) == ["local"]
    assert run("chats", "show", "1").code == 0


def test_removing_in_json_has_the_fields_that_scripts_read(run: Run, echo: Store) -> None:
    run("ask", "hello")
    done = run("providers", "remove", "play", "--yes", "--json").json

    assert {key: done[key] for key in ("removed", "models_removed", "chats_affected")} == {
        "removed": "play",
        "models_removed": ["play/echo"],
        "chats_affected": 1,
    }
    assert (done["default_before"], done["default_after"]) == ("play/echo", "local/smollm2")


def test_removing_needs_yes_without_a_terminal_and_a_provider_in_any_case(run: Run, echo: Store) -> None:
    assert run("providers", "remove", "play", "--json").error["code"] == "invalid_input"
    assert run("providers", "remove", "play").code == 2
    gone = run("providers", "remove", "nobody", "--json")
    assert (gone.code, gone.error["code"]) == (1, "not_found")
    assert gone.error["message"] == "Resource not found or you do not have access to this resource"
    assert names(run) == ["local", "play"]


def test_removing_the_last_model_leaves_no_default(run: Run, store: Store) -> None:
    done = run("providers", "remove", "local", "--yes")

    assert "There is no default model any more; it was local/smollm2." in done.out


def test_a_successor_elsewhere_is_warned_of(run: Run, echo: Store) -> None:
    run("models", "remove", "local/smollm2", "--yes")
    run("providers", "add", "far", "--kind", "openai", "--base-url", "https://api.example.org/v1")
    run("models", "add", "far/m")
    told = run("providers", "remove", "play", "--dry-run")

    assert "It will be far/m (first usable by name; does not run on this machine)." in told.out
    assert "asks before anything is sent" in told.out
    assert run("providers", "remove", "play", "--dry-run", "--json").json["leaves_machine"] is True


def test_a_removed_provider_comes_back_with_its_models_and_the_default(run: Run, echo: Store) -> None:
    run("ask", "hello")
    run("providers", "remove", "play", "--yes")
    back = run("providers", "restore", "play")

    assert back.out == "play is back, with 1 model; 1 chat uses it again.\nDefault: local/smollm2 → play/echo.\n"
    assert run("ask", "-c", "again", "--json").json["model"] == "play/echo"
    assert run("providers", "restore", "play", "--json").error["code"] == "not_found", "it is back already"
    assert run("providers", "restore", "nobody", "--json").error["code"] == "not_found"


def test_the_key_stays_in_the_keyring_unless_it_is_to_be_forgotten(run: Run, store: Store, memory: Memory) -> None:
    run("providers", "add", "far", "--kind", "anthropic", "--key-stdin", stdin=SECRET)
    entry = next(iter(memory.kept))
    assert "Its key stays in the keyring" in run("providers", "remove", "far", "--dry-run").out
    kept = run("providers", "remove", "far", "--yes")
    assert list(memory.kept.values()) == [SECRET]
    assert "Its key stays in the keyring, for when it comes back." in kept.err
    assert f"`python -m keyring del localchat {entry[-1]}` takes it out." in kept.err
    assert run("providers", "restore", "far", "--json").json["has_key"] is True

    forgotten = run("providers", "remove", "far", "--yes", "--forget-key")
    assert (memory.kept, forgotten.err) == ({}, "Its key was taken out of the keyring.\n")
    assert run("providers", "restore", "far", "--json").json["has_key"] is False


def test_a_removal_says_that_a_variable_is_left_alone(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", SECRET)
    run("providers", "add", "far", "--kind", "anthropic", "--key-env", "ACME_KEY")
    assert run("providers", "remove", "far", "--yes").err == "Its key stays where it is, in $ACME_KEY.\n"
    run("providers", "add", "play", "--kind", "echo")
    assert run("providers", "remove", "play", "--yes").err == ""


@pytest.mark.parametrize("name", ["AKIAIOSFODNN7EXAMPLEKEY", "averylongnameindeed"])
def test_the_name_of_a_variable_that_may_be_a_key_is_questioned(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    refused = run("providers", "add", "far", "--kind", "anthropic", "--key-env", name, "--json")
    assert refused.error["code"] == "invalid_input"
    assert name not in refused.err
    assert name not in run("providers", "list", "--json").out
    monkeypatch.setenv(name, "the key")
    assert run("providers", "add", "far", "--kind", "anthropic", "--key-env", name).code == 0


def test_the_log_tells_why_the_default_changed(run: Run, echo: Store) -> None:
    run("providers", "disable", "play")
    run("models", "default", "local/smollm2")
    newest = run("providers", "log", "--json").json[0]

    fields = ("action", "subject", "default_before", "default_after", "by")
    assert [newest[name] for name in fields] == [
        "provider-disabled",
        "play",
        "play/echo",
        "local/smollm2",
        "promotion",
    ]
    told = run("providers", "log", "--limit", "1").out.splitlines()[1]
    assert told == "now   provider disabled  play   play/echo → local/smollm2 (by itself)"


@pytest.mark.parametrize(
    "words",
    [
        ("Far", "--kind", "echo"),
        ("", "--kind", "echo"),
        ("a/b", "--kind", "echo"),
        ("x" * 65, "--kind", "echo"),
        ("ünï", "--kind", "echo"),
        ("a\x1b[31m", "--kind", "echo"),
        ("far", "--kind", "openai"),
        ("far", "--kind", "openai", "--base-url", "localhost:11434/v1"),
        ("far", "--kind", "openai", "--base-url", "https://"),
        ("far", "--kind", "openai", "--base-url", "https://user:pw@example.org"),
        ("far", "--kind", "echo", "--base-url", "http://localhost"),
        ("far", "--kind", "openai", "--base-url", "https://a.example", "--key-env", "NO-NAME"),
    ],
)
def test_what_cannot_be_a_provider_is_refused_with_a_reason(run: Run, store: Store, words: tuple[str, ...]) -> None:
    answer = run("providers", "add", *words, "--json")

    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
    assert answer.error["hint"]
    assert names(run) == ["local"]


def test_adding_a_provider_whose_package_is_missing_says_how_to_add_it(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localchat.providers.extras._there", lambda module: False)
    added = run("providers", "add", "claude", "--kind", "anthropic")
    assert added.code == 0
    assert "-m pip install 'pydantic-ai-slim[anthropic]" in added.err
    store.catalog.add_model("claude", "x")
    assert run("ask", "-m", "claude/x", "hi", "--json").error["code"] == "not_installed"
