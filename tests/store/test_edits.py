"""An edit writes what was edited: two who change different fields both win."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localchat.errors import Changed, NotFound
from localchat.records import Model
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from tests.store.helpers import dump, echo, ended, python

EDIT = """
import sys
from pathlib import Path
from localchat.store import Store
with Store(Path(sys.argv[1])) as store:
    model = store.catalog.live("z/m")
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(12):
        store.catalog.edit_model(model.id, parameters={sys.argv[2]: n / 100})
"""


def test_twelve_pairs_that_set_two_parameters_at_once_lose_none(path: Path, store: Store) -> None:
    """Two real processes, each with what it read before the first of the other's writes."""
    echo(store.catalog, "z", "m")
    pair = [python("-c", EDIT, str(path), name, stdin=-1) for name in ("temperature", "top_p")]
    for process in pair:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in pair:
        ended(process)
    assert store.catalog.live("z/m").parameters == {"temperature": 0.11, "top_p": 0.11}
    lines = [event for event in store.catalog.events() if event.action == "model-edited"]
    assert len(lines) == 24
    for event in lines:
        before, after = event.detail["fields"]["parameters"]
        assert len(set(before.items()) ^ set(after.items())) <= 2, "each line of the log changes one parameter"


@pytest.fixture
def m(store: Store) -> Model:
    echo(store.catalog, "z", "m")
    model = store.catalog.live("z/m")
    return store.catalog.edit_model(model.id, context=1000, parameters={"temperature": 0.5, "seed": 7})


EDITS: dict[str, dict[str, Any]] = {
    "model": {"model": "n"},
    "context": {"context": 2000},
    "no context": {"clear_context": True},
    "temperature": {"parameters": {"temperature": 0.7}},
    "top_p": {"parameters": {"top_p": 0.9}},
    "no seed": {"parameters": {"seed": None}},
}
FIELDS = {"model": "model", "context": "context", "no context": "context", "temperature": "temperature",
          "top_p": "top_p", "no seed": "seed"}  # fmt: skip


def fields(model: Model) -> dict[str, Any]:
    return {"model": model.model, "context": model.context,
            **{name: model.parameters.get(name) for name in ("temperature", "top_p", "seed")}}  # fmt: skip


@pytest.mark.parametrize("theirs", EDITS)
@pytest.mark.parametrize("ours", EDITS)
def test_two_edits_of_different_fields_both_win_and_of_one_field_the_second_is_told(
    path: Path, store: Store, m: Model, ours: str, theirs: str
) -> None:
    seen = fields(m)
    with Store(path) as other:
        other.catalog.edit_model(m.id, **EDITS[theirs])
    before = dump(store.connection)
    field = FIELDS[ours]
    edit = lambda: store.catalog.edit_model(m.id, **EDITS[ours], seen={field: seen[field]})  # noqa: E731
    if FIELDS[theirs] == field and theirs != ours:
        with pytest.raises(Changed, match="was edited meanwhile") as refused:
            edit()
        assert refused.value.now == {field: fields(store.catalog.model(m.id))[field]}
        assert dump(store.connection) == before
        return
    edit()
    now = fields(store.catalog.model(m.id))
    wanted = {"model": "n", "context": 2000, "no context": None, "temperature": 0.7, "top_p": 0.9, "no seed": None}
    assert now == {**seen, FIELDS[theirs]: wanted[theirs], field: wanted[ours]}


PROVIDER: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "name": ({"name": "y"}, ("name",)),
    "address": ({"base_url": "http://localhost:2/v1"}, ("base_url",)),
    "key": ({"key_source": "env", "key_name": "B_KEY"}, ("key_source", "key_name")),
}


@pytest.mark.parametrize("theirs", PROVIDER)
@pytest.mark.parametrize("ours", PROVIDER)
def test_two_edits_of_a_provider_merge_in_the_same_way(path: Path, catalog: Catalog, ours: str, theirs: str) -> None:
    old = catalog.add_provider("p", "openai", "http://localhost:1/v1", "env", "A_KEY")
    other_edit: dict[str, dict[str, Any]] = {
        "name": {"name": "x"}, "address": {"base_url": "http://localhost:3/v1"}, "key": {"key_name": "C_KEY"},
    }  # fmt: skip
    with Store(path) as other:
        theirs_now = other.catalog.edit_provider(old.id, **other_edit[theirs])
    edit, names = PROVIDER[ours]
    seen = {name: getattr(old, name) for name in names}
    if ours == theirs:
        with pytest.raises(Changed) as refused:
            catalog.edit_provider(old.id, **edit, seen=seen)
        assert set(refused.value.now) <= set(names)
        assert catalog.providers()[-1] == theirs_now
        return
    now = catalog.edit_provider(old.id, **edit, seen=seen)
    for name in ("name", "base_url", "key_source", "key_name"):
        assert getattr(now, name) == edit.get(name, getattr(theirs_now, name))


def test_what_a_chat_is_told_is_merged_by_name_and_what_both_changed_is_refused(store: Store) -> None:
    store.connection.execute("insert into chats (title) values ('c')")
    chats = store.chats
    chats.set_instructions(1, system="Be calm.", parameters={"temperature": 0.5, "think": "low"})
    chats.set_instructions(1, parameters={"temperature": None, "top_p": 0.9}, seen={"temperature": 0.5, "top_p": None})
    now = chats.get(1)
    assert (now.system, now.parameters) == ("Be calm.", {"think": "low", "top_p": 0.9})
    with pytest.raises(Changed) as refused:
        chats.set_instructions(1, system="Mine.", seen={"system": ""})
    assert refused.value.now == {"system": "Be calm."}
    assert chats.get(1).system == "Be calm."
    with pytest.raises(NotFound):
        chats.set_instructions(9, system="x")
