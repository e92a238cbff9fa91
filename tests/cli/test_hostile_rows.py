"""One bad row costs one field: whatever another program wrote, every list, chat, search and export still comes."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localchat.cli import localchat
from localchat.store import Store
from localchat.store.health import check_store
from localchat.store.search.search import Query
from localchat.store.transfer import Exchange
from localchat.transfer.export import rendered
from tests.store.hostile import AT, VALUES, columns, fill, unchecked, write

COMMANDS = (
    ("chats", "list"),
    ("chats", "list", "--trash"),
    ("chats", "show", "1"),
    ("chats", "search", "zebra"),
    ("chats", "export", "--all", "--trash"),
    ("providers", "list"),
    ("models", "list", "--all"),
    ("providers", "log"),
    ("undo", "--list"),
    ("record",),
    ("doctor",),
)
# What these change or need may be the very row: then they say so in plain words.
CHANGES = (
    ("ask", "-c", "and now?"),
    ("ask", "--chat", "1", "and now?"),
    ("ask", "-m", "play/two", "and now?"),
    ("chats", "fork", "2"),
    ("chats", "rename", "2", "New name"),
    ("chats", "model", "2", "play/two"),
    ("models", "edit", "play/two", "-o", "seed=5"),
    ("providers", "edit", "play", "--limit", "whole=60"),
    ("providers", "remove", "play", "--yes"),
    ("undo",),
    ("undo",),
    ("providers", "restore", "play"),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "template.db"
    with Store(path) as store:
        fill(store)
    unchecked(path)
    return path


def read_all(store: Store) -> None:
    """Everything that can be read of a store. Lists are whole, page by page too."""
    catalog, chats, messages = store.catalog, store.chats, store.messages
    assert len(catalog.providers()) == 2
    models = [*catalog.models(), *catalog.models(removed=True)]
    assert len(models) == len({model.id for model in models}) == 4
    catalog.default(), catalog.events(), catalog.use_counts(), catalog.successors()
    for shelf in ("open", "archived", "trash"):
        listed = chats.listing(shelf)
        assert len(listed) == chats.count(shelf)
        paged, after = [], None
        while page := chats.listing(shelf, limit=1, after=after):
            paged += page
            after = page[-1]
            assert len(paged) <= len(listed)
        assert [chat.id for chat in paged] == [chat.id for chat in listed]
        for chat in listed:
            for message in messages.line(chats.get(chat.id)):
                messages.versions(message), messages.newest_leaf(message.id), messages.attachments(message.id)
                store.recordings.of(message.id)
    assert sum(chats.count(shelf) for shelf in ("open", "archived", "trash")) == 5
    chats.pinned(), chats.last(), messages.prompts(), store.personas.all(), store.state.get("theme")
    for query in (Query("zebra"), Query("chat"), Query("zebra", since=AT), Query("", role="user")):
        store.search.find(query), store.search.titles(query)
    store.search.answered()
    exchange = Exchange(store)
    whole = list(exchange.read(exchange.ids(trash=True), lasting=False))
    assert len(whole) == 5
    "".join(rendered(whole, "md", AT))
    assert len(json.loads("".join(rendered(whole, "json", AT)))["chats"]) == 5


def command(path: Path, *words: str, may_fail: bool = False) -> None:
    done = CliRunner().invoke(localchat, ["--db", str(path), *words])
    shown = f"{words}: {done.output}"
    assert done.exit_code in (0, 1), shown
    assert isinstance(done.exception, SystemExit | None), shown
    assert done.exit_code == 0 or may_fail or words[0] == "doctor", shown
    for text in (done.stdout, done.stderr):
        assert "met a bug" not in text, shown
        assert '"internal"' not in text, shown
        assert not any(letter in text for letter in "\x1b\x07\x9b\x00"), shown
    if "--json" in words:
        json.loads(done.stdout or "null")


def places() -> list[tuple[str, str]]:
    """Known before the first test runs, from a store that is thrown away."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder) / "x.db").close()
        return columns(Path(folder) / "x.db")


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    hostile=st.lists(
        st.tuples(st.sampled_from(places()), st.sampled_from(VALUES), st.integers(0, 20), st.booleans()),
        min_size=1,
        max_size=3,
    ),
    as_json=st.booleans(),
    words=st.sampled_from(COMMANDS),
)
def test_whatever_stands_in_a_row_every_list_still_comes(
    template: Path,
    tmp_path: Path,
    hostile: list[tuple[tuple[str, str], str, int, bool]],
    as_json: bool,
    words: tuple[str, ...],
) -> None:
    path = tmp_path / "hostile.db"
    shutil.copy(template, path)  # its mode too
    for (table, column), expression, row, quietly in hostile:
        write(path, table, column, expression, row, quietly=quietly)
    with Store(path) as store:
        read_all(store)
    assert check_store(path)
    command(path, *words, *(("--json",) if as_json else ()))


@pytest.mark.parametrize("expression", VALUES)
def test_every_column_takes_every_value(template: Path, tmp_path: Path, expression: str) -> None:
    """At once, each in another row: what one of them costs is not what another one hides."""
    path = tmp_path / "hostile.db"
    shutil.copy(template, path)  # its mode too
    written = [write(path, *place, expression, row, quietly=row % 2 == 0) for row, place in enumerate(places())]
    assert sum(written) > len(written) / 2
    with Store(path) as store:
        read_all(store)
    for words in COMMANDS:
        command(path, *words)


@pytest.mark.parametrize("expression", VALUES)
def test_what_changes_a_store_with_that_in_every_column_does_it_or_says_why_not(
    template: Path, tmp_path: Path, expression: str
) -> None:
    path = tmp_path / "hostile.db"
    shutil.copy(template, path)
    for row, place in enumerate(places()):
        write(path, *place, expression, row, quietly=row % 2 == 0)
    for words in CHANGES:
        command(path, *words, may_fail=True)
    with Store(path) as store:
        assert sum(store.chats.count(shelf) for shelf in ("open", "archived", "trash")) >= 5


@pytest.mark.parametrize("place", places(), ids=".".join)
def test_each_column_alone_takes_every_value(template: Path, tmp_path: Path, place: tuple[str, str]) -> None:
    """A value to a row, until each value stood there: nothing else is wrong that could hide it."""
    path = tmp_path / "hostile.db"
    with contextlib.closing(sqlite3.connect(template)) as plain:
        rows = plain.execute(f"select count(*) from {place[0]}").fetchone()[0]
    assert rows, "`fill` leaves no table empty"
    for first in range(0, len(VALUES), rows):
        shutil.copy(template, path)
        for row, expression in enumerate(VALUES[first : first + rows]):
            write(path, *place, expression, row, quietly=True)
        with Store(path) as store:
            read_all(store)
