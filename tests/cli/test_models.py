"""``localchat models``: the list, the default, switching, removing and bringing back."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run
from tests.store.helpers import dump


def refs(run: Run, *more: str) -> list[str]:
    return [model["ref"] for model in run("models", "list", "--json", *more).json]


def test_a_new_store_lists_the_model_in_the_box(run: Run) -> None:
    (model,) = run("models", "list", "--json").json

    fields = ("id", "ref", "provider", "model", "enabled", "is_default", "deleted_at")
    assert [model[name] for name in fields] == [1, "local/smollm2", "local", "smollm2", True, True, None]


def test_the_list_for_people_marks_the_default_and_what_is_removed(run: Run, echo: Store) -> None:
    run("ask", "hello")
    run("models", "add", "play/parrot", "--context", "32768")
    run("models", "disable", "play/parrot")
    run("models", "add", "play/mirror")
    run("models", "remove", "play/mirror", "--yes")
    header, *rows = run("models", "list", "--all").out.splitlines()

    assert header.split() == ["ID", "MODEL", "STATE", "CONTEXT", "CHATS"]
    assert [" ".join(row.split()[1:4]) for row in rows] == [
        "local/smollm2 on 0",
        "play/echo ★ on",
        "play/parrot off 32k",
        f"play/mirror removed {rows[3].split()[3]}",
    ]


def test_adding_needs_its_provider(run: Run, store: Store) -> None:
    answer = run("models", "add", "nobody/x", "--json")

    assert (answer.code, answer.error["code"]) == (1, "provider_not_configured")
    assert answer.error["message"] == "Chat provider is not configured."


def test_adding_twice_is_refused(run: Run, echo: Store) -> None:
    answer = run("models", "add", "play/echo", "--json")

    assert (answer.code, answer.error["code"]) == (1, "already_exists")


def test_the_first_model_of_ones_own_is_offered_as_the_default(run: Run, store: Store) -> None:
    store.catalog.add_provider("play", "echo")

    told = run("models", "add", "play/echo")
    assert told.out == (
        "Added play/echo.\nlocal/smollm2 is your default; `localchat models default play/echo` makes it this one.\n"
    )
    added = run("models", "add", "play/parrot", "--default", "--json").json
    assert (added["default_before"], added["default_after"]) == ("local/smollm2", "play/parrot")
    assert added["is_default"] is True


def test_a_model_that_is_added_where_there_is_no_default_becomes_it(run: Run, store: Store) -> None:
    store.catalog.remove_provider("local")
    store.catalog.add_provider("play", "echo")

    assert run("models", "add", "play/echo").out == "Added play/echo.\nDefault: play/echo.\n"


def test_a_ref_is_split_at_its_first_slash(run: Run, echo: Store) -> None:
    assert run("models", "add", "play/qwen/qwen3", "--json").json["model"] == "qwen/qwen3"


def test_the_model_in_the_box_comes_back_by_adding_it(run: Run, store: Store) -> None:
    run("models", "remove", "local/smollm2", "--yes")
    assert refs(run) == []

    assert run("models", "add", "local/smollm2").out == "local/smollm2 is back.\nDefault: local/smollm2.\n"
    assert refs(run) == ["local/smollm2"]


def test_parameters_are_set_changed_and_unset(run: Run, echo: Store) -> None:
    run("models", "edit", "play/echo", "--param", "temperature=0.5", "--param", "max_tokens=2")
    assert run("ask", "one two three").out == "one two"
    model = run("models", "edit", "play/echo", "--param", "max_tokens=", "--context", "4096", "--json").json

    assert (model["parameters"], model["context"]) == ({"temperature": 0.5}, 4096)
    assert run("models", "edit", "play/echo", "--no-context", "--json").json["context"] is None


@pytest.mark.parametrize(
    "words", [("--param", "temperature"), ("--param", "Temperature=1"),
              ("-o", "think=deep"), ("--param", "temperature=hot"), ("--context", "0"),
              ("--context", "-5"), ("--param", "temperature=NaN"), ("--param", "seed=1e400"), ("--name", ""),
              ("--path", "model.gguf"), ("--context", "99999999999999999999999")],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(run: Run, echo: Store, words: tuple[str, ...]) -> None:
    before = run("models", "list", "--json").out
    answer = run("models", "edit", "play/echo", *words, "--json")

    assert answer.code == 1
    assert answer.error["code"] in ("invalid_input", "model_missing")
    assert run("models", "list", "--json").out == before


def test_a_file_that_is_no_model_is_not_added(run: Run, store: Store, tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_text("this is a letter")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\0\0\0")
    for name, code in (("no.gguf", "invalid_input"), ("cut.gguf", "invalid_input"), ("gone.gguf", "model_missing")):
        answer = run("models", "add", "local/mine", "--path", str(tmp_path / name), "--json")
        assert (answer.code, answer.error["code"]) == (1, code)
        assert name in answer.error["message"]
    assert refs(run) == ["local/smollm2"]


def test_the_default_is_shown_and_chosen(run: Run, echo: Store) -> None:
    assert run("models", "default").out == "play/echo\n"
    chosen = run("models", "default", "local/smollm2", "--json").json

    assert (chosen["default_before"], chosen["default_after"]) == ("play/echo", "local/smollm2")
    assert run("models", "default", "--json").json["default"] == "local/smollm2"
    assert run("models", "default", "local/smollm2").out == "local/smollm2 is the default already.\n"


def test_without_a_default_it_says_what_to_do(run: Run, store: Store) -> None:
    store.catalog.remove_provider("local")

    assert run("models", "default").out == (
        "There is no default model. Add a model or switch one on: `localchat models add REF`, "
        "`localchat models enable REF`.\n"
    )
    assert run("models", "default", "--json").json["default"] is None


def test_the_model_in_the_box_comes_back_also_where_its_provider_was_removed(run: Run, store: Store) -> None:
    run("providers", "remove", "local", "--yes")

    assert run("models", "add", "local/smollm2").out == "Added local/smollm2.\nDefault: local/smollm2.\n"
    assert run("providers", "list", "--json").json[0]["kind"] == "embedded"
    assert run("models", "add", "local/smollm2", "--json").error["code"] == "already_exists"
    run("providers", "remove", "local", "--yes")
    assert run("models", "add", "local/other", "--json").error["code"] == "provider_not_configured"


def test_a_model_that_is_off_cannot_be_the_default(run: Run, echo: Store) -> None:
    run("models", "disable", "local/smollm2")
    answer = run("models", "default", "local/smollm2", "--json")

    assert (answer.code, answer.error["code"]) == (1, "invalid_input")


def test_switching_the_default_off_names_the_new_one(run: Run, echo: Store) -> None:
    assert run("models", "disable", "play/echo").out == ("play/echo is off.\nDefault: play/echo → local/smollm2.\n")
    assert run("models", "disable", "local/smollm2").out == (
        "local/smollm2 is off.\nThere is no default model any more; it was local/smollm2."
        " Add a model or switch one on: `localchat models add REF`, `localchat models enable REF`.\n"
    )
    on = run("models", "enable", "play/echo", "--json").json
    assert (on["default_before"], on["default_after"]) == (None, "play/echo")


def test_a_removal_that_is_only_tried_tells_all_and_changes_nothing(run: Run, echo: Store) -> None:
    for title in ("one", "two", "three", "four"):
        run("ask", title)
    before = run("models", "list", "--all", "--json").out
    told = run("models", "remove", "play/echo", "--dry-run", "--json").json

    assert told == {
        "removed": None,
        "models_removed": ["play/echo"],
        "chats_affected": 4,
        "newest_titles": ["four", "three", "two"],
        "default_before": "play/echo",
        "default_after": "local/smollm2",
        "successors": ["local/smollm2"],
        "leaves_machine": False,
        "chats_move_to": None,
        "dry_run": True,
    }
    assert run("models", "remove", "play/echo", "--dry-run").out == (
        "Removing play/echo would do this; nothing was changed.\n"
        "1 model goes: ★ play/echo.\n"
        "4 chats use it. They stay readable; new turns in them use the default.\n"
        "  four · three · two · 1 more\n"
        "play/echo is your default. It will be local/smollm2 (first usable by name; runs on this machine).\n"
    )
    assert run("models", "list", "--all", "--json").out == before


def test_removing_needs_yes_without_a_terminal(run: Run, echo: Store) -> None:
    answer = run("models", "remove", "play/echo")

    assert answer.code == 2
    assert "add --yes" in answer.err
    assert "play/echo" in refs(run)


def test_removing_promotes_the_one_that_was_picked(run: Run, echo: Store) -> None:
    run("models", "add", "play/parrot")
    done = run("models", "remove", "play/echo", "--default", "play/parrot", "--yes", "--json").json

    assert (done["default_before"], done["default_after"]) == ("play/echo", "play/parrot")
    assert done["models_removed"] == ["play/echo"]
    assert refs(run, "--all") == ["local/smollm2", "play/parrot", "play/echo"]


@pytest.mark.parametrize("successor", ["play/echo", "play/off", "play/none", "play"])
def test_a_successor_that_cannot_be_one_stops_the_removal(run: Run, echo: Store, successor: str) -> None:
    run("models", "add", "play/off")
    run("models", "disable", "play/off")
    before = run("models", "list", "--all", "--json").out

    assert run("models", "remove", "play/echo", "--default", successor, "--yes").code == 1
    assert run("models", "list", "--all", "--json").out == before


def test_a_removed_model_comes_back_with_its_chats_and_the_default(run: Run, echo: Store) -> None:
    run("ask", "hello")
    run("models", "remove", "play/echo", "--yes")

    assert run("models", "restore", "play/echo").out == (
        "play/echo is back. 1 chat uses it again.\nDefault: local/smollm2 → play/echo.\n"
    )
    assert run("ask", "-c", "again", "--json").json["fallback"] is None
    assert run("models", "restore", "play/echo", "--json").error["code"] in ("not_found", "already_exists")


def test_discovering_lists_what_is_offered_and_adds_what_is_chosen(run: Run, echo: Store) -> None:
    offered = run("models", "discover", "play", "--json").json
    assert [(model["ref"], model["configured"]) for model in offered] == [
        ("play/echo", True),
        ("play/parrot", False),
        ("play/mirror", False),
    ]

    run("models", "discover", "play", "--add", "parrot")
    assert refs(run) == ["local/smollm2", "play/echo", "play/parrot"]
    assert run("models", "discover", "play", "--add", "owl", "--json").error["code"] == "invalid_input"
    run("models", "discover", "play", "--add-all")
    assert len(refs(run)) == 4
    run("models", "remove", "play/parrot", "--yes")
    found = run("models", "discover", "play", "--add", "parrot", "--json").json
    assert [model["model"] for model in found if model["revived"]] == ["parrot"]


def test_pulling_knows_only_the_model_in_the_box(run: Run) -> None:
    assert run("models", "pull", "llama").code == 2


def test_weights_that_are_there_are_not_fetched_again(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localchat.providers.embedded import weights

    weights.path().parent.mkdir(parents=True)
    with weights.path().open("wb") as file:
        file.truncate(weights.SIZE)

    told = run("models", "pull", "smollm2", "--json").json
    assert told == {"model": "smollm2", "path": str(weights.path()), "bytes": weights.SIZE, "fetched": False}


def test_a_model_that_cannot_be_the_default_is_not_added_either(run: Run, echo: Store) -> None:
    run("providers", "disable", "play")
    before = dump(echo.connection, "providers", "model_configs", "catalog_events")

    answer = run("models", "add", "play/parrot", "--default", "--json")
    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
    assert dump(echo.connection, "providers", "model_configs", "catalog_events") == before


@pytest.mark.parametrize("pair", ["temperature=hot", "temperature=99"])
def test_the_box_does_not_come_back_without_its_model(run: Run, echo: Store, pair: str) -> None:
    run("providers", "remove", "local", "--yes")
    before = dump(echo.connection, "providers", "model_configs", "catalog_events")

    answer = run("models", "add", "local/smollm2", "--param", pair, "--json")
    assert (answer.code, answer.error["code"]) == (1, "invalid_input")
    assert dump(echo.connection, "providers", "model_configs", "catalog_events") == before
    assert run("models", "add", "local/smollm2", "--default", "--json").json["default_after"] == "local/smollm2"


def test_demoting_the_default_promotes_the_first_usable_of_the_others(run: Run, echo: Store) -> None:
    for ref in ("play/b", "play/a", "play/A2"):
        run("models", "add", ref)
    run("models", "disable", "local/smollm2")
    run("models", "disable", "play/A2")

    told = run("models", "demote", "play/echo")
    assert (told.code, told.out) == (0, "play/echo is no longer the default.\nDefault: play/echo → play/a.\n")
    assert [model["ref"] for model in run("models", "list", "--json").json if model["is_default"]] == ["play/a"]
    newest = run("providers", "log", "--json").json[0]
    assert (newest["action"], newest["default_after"], newest["by"]) == ("default-demoted", "play/a", "promotion")


def test_demoting_the_only_one_that_can_answer_changes_nothing_and_says_so(run: Run, echo: Store) -> None:
    run("models", "disable", "local/smollm2")
    before = dump(echo.connection, "model_configs", "catalog_events")

    told = run("models", "demote", "play/echo", "--json")
    assert (told.code, told.error["code"]) == (1, "invalid_input")
    assert told.error["message"] == "play/echo is the only model that can answer; it stays the default."
    assert run("models", "demote", "local/smollm2", "--json").error["code"] == "invalid_input"
    assert dump(echo.connection, "model_configs", "catalog_events") == before


def test_who_was_demoted_or_switched_off_does_not_become_the_default_again_by_itself(run: Run, echo: Store) -> None:
    run("models", "disable", "play/echo")
    run("models", "enable", "play/echo")

    assert run("models", "default", "--json").json["default"] == "local/smollm2"


def test_a_model_that_is_added_again_to_its_provider_is_told_as_revived(run: Run, echo: Store) -> None:
    first = run("models", "list", "--json").json
    (old,) = [each for each in first if each["ref"] == "play/echo"]
    run("ask", "-m", "play/echo", "hello")
    run("models", "remove", "play/echo", "--yes")
    back = run("models", "add", "play/echo", "--json").json
    assert (back["id"], back["revived"]) == (old["id"], True)
    assert run("models", "add", "play/other", "--json").json["revived"] is False
    run("models", "remove", "play/other", "--yes")
    assert run("models", "add", "play/other").out.startswith("play/other is back.")
