"""Sources that a mutation made of sound ones: an import ends, tells in plain words, and leaves the store sound."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localchat.cli import localchat
from localchat.store import Store
from localchat.store.transfer import Exchange
from localchat.transfer.export import json_document
from tests.store.hostile import AT, VALUES, fill
from tests.transfer.importers.sources import (
    ELIA,
    LLM,
    LLM_BEFORE,
    OTERM,
    PNG,
    Thread,
    chatgpt_zip,
    elia_chat,
    oterm_message,
    response,
    talk,
    written,
)

Loose = Callable[[str], str]
MEMORY = 1 << 30  # bytes that an import may take more than what is there already

budget = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

# Values where something else was expected.
DEEP = json.loads("[" * 200 + "]" * 200)
OBEYED = "\x1b[2J\x1b]52;c;aGk=\x07\x9b2J"  # by a terminal
WORDS = ["", "x" * 10_000, OBEYED, "\ud800", "a\0b", "n0", "n1", "root", "1", "2"]
NUMBERS = [None, True, -1, 2**70, 1e300, float("inf")]
SHAPES: list[Any] = [[], {}, [[]], [None], {"parts": None}, {"n0": {}}, DEEP]
ODD = st.sampled_from([*WORDS, *NUMBERS, *SHAPES])
CHANGES = st.lists(st.tuples(st.lists(st.integers(0, 30), min_size=1, max_size=9), ODD), min_size=1, max_size=4)
BYTES = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=4)
CUT = st.sampled_from([1.0, 1.0, 1.0, 0.95, 0.8, 0.5, 0.1])


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """An import that takes all memory fails here, and not the machine; one without end is ended by the suite."""
    resource = pytest.importorskip("resource")
    psutil = pytest.importorskip("psutil")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "empty.db"
    Store(path).close()
    return path


@pytest.fixture
def check(empty: Path, tmp_path: Path) -> Callable[[Path], None]:
    def check(file: Path) -> None:
        path = tmp_path / "store.db"
        for left in tmp_path.glob("store.db*"):
            left.unlink()
        shutil.copy(empty, path)
        codes = []
        for words in (("--dry-run",), (), ("--json",)):
            with bounded():
                done = CliRunner().invoke(localchat, ["--db", str(path), "import", str(file), *words])
            codes.append(done.exit_code)
            assert done.exit_code in (0, 1), done.output
            assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), done.exception
            assert "met a bug" not in done.stderr
            assert '"internal"' not in done.stderr
            assert not any(letter in done.output for letter in "\x1b\x07\x9b\x00\ud800")
        assert codes[0] == codes[1], "a dry run tells the same"
        if done.stdout:
            assert json.loads(done.stdout)["chats_imported"] == 0, "nothing comes twice"
        sound(path)

    return check


def sound(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as plain:
        one = plain.execute
        assert one("pragma integrity_check").fetchall() == [("ok",)]
        assert one("pragma foreign_key_check").fetchall() == []
        astray = "select count(*) from messages m left join messages p on p.id = m.parent_id where m.depth <> "
        assert one(astray + "coalesce(p.depth + 1, 0) or p.chat_id <> m.chat_id").fetchone() == (0,)
        leafless = "select count(*) from chats c where leaf_id is null or leaf_id not in"
        assert one(f"{leafless} (select id from messages m where m.chat_id = c.id)").fetchone() == (0,)
        assert one("select count(*) from model_configs where deleted_at is null").fetchone() == (1,)


def changed(document: Any, changes: list[tuple[list[int], Any]]) -> Any:
    """With other values at some places; each number is a turn on the way down."""
    document = copy.deepcopy(document)
    for way, value in changes:
        at = document
        for number, turn in enumerate(way, 1):
            keys: list[Any] = sorted(at, key=str) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = keys[turn % len(keys)]
            if number == len(way) or not isinstance(at[key], dict | list):
                at[key] = copy.deepcopy(value)
                break
            at = at[key]
    return document


def mutated(content: bytes, changes: list[tuple[float, bytes]], cut: float) -> bytes:
    made = bytearray(content)
    for place, other in changes:
        at = int(place * (len(made) - len(other)))
        made[at : at + len(other)] = other
    return bytes(made[: max(int(len(made) * cut), 1)])


CHATGPT = [
    talk("c1", "one", ("user", "a"), ("assistant", "b"), ("tool", "c"), ("assistant", "d"), ("user", "e")),
    talk("c2", "two"),
]


@budget
@given(CHANGES, BYTES, CUT, st.booleans())
def test_chatgpt(
    check: Callable[[Path], None],
    tmp_path: Path,
    changes: list[tuple[list[int], Any]],
    noise: list[tuple[float, bytes]],
    cut: float,
    zipped: bool,
) -> None:
    chats = changed(CHATGPT, changes)
    if zipped:
        file = chatgpt_zip(tmp_path / "export.zip", *chats, **{"file-1.png": PNG})
        file.write_bytes(mutated(file.read_bytes(), noise, cut))
    else:
        file = tmp_path / "conversations.json"
        file.write_bytes(mutated(json.dumps(chats).encode(), noise, cut))
    check(file)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Store(tmp_path_factory.mktemp("own") / "own.db") as store:
        fill(store)
        exchange = Exchange(store)
        return json.loads("".join(json_document(exchange.read(exchange.ids()), AT)))


@budget
@given(CHANGES, BYTES, CUT)
def test_own_json(
    check: Callable[[Path], None],
    tmp_path: Path,
    own: Any,
    changes: list[tuple[list[int], Any]],
    noise: list[tuple[float, bytes]],
    cut: float,
) -> None:
    file = tmp_path / "own.json"
    file.write_bytes(mutated(json.dumps(changed(own, changes)).encode(), noise, cut))
    check(file)


def elia(path: Path, loose: Loose) -> None:
    with written(path, loose(ELIA)) as db:
        for number in range(1, 6):
            said = [("system", "Be brief."), ("user", f"hi {number}"), ("assistant", "Hello. " * 60)]
            elia_chat(db, number, said, title=f"chat {number}")


def oterm(path: Path, loose: Loose) -> None:
    with written(path, loose(OTERM)) as db:
        for number in range(1, 6):
            db.execute("insert into chat (id, name, model) values (?, ?, 'm')", (number, f"chat {number}"))
            oterm_message(db, number, "user", f"hi {number} [Image #1]", '["iVBO"]')
            oterm_message(db, number + number % 2 * 10, "assistant", "Hello. " * 60)


def llm(path: Path, loose: Loose) -> None:
    with written(path, loose(LLM + LLM_BEFORE)) as db:
        for number in range(1, 6):
            db.execute("insert into conversations values (?, ?, 'm')", (f"c{number}", f"chat {number}"))
            response(db, f"r{number}", f"c{number}", prompt=f"hi {number}", response="Hello. " * 60)
            thread = Thread(db, f"t{number}", f"thread {number}")
            asked = thread.say(f"q{number}", None, "user", ("text", f"hi {number}"))
            answered = thread.say(f"a{number}", asked, "assistant", ("reasoning", "so"), ("text", "Hello."))
            thread.turn(asked, answered, "gpt-4o", number)


PROGRAMS = {"elia": elia, "oterm": oterm, "llm": llm}


def unconstrained(schema: str) -> str:
    """Its columns take anything, and every number twice."""
    for words in ("not null", " unique", "autoincrement"):
        schema = schema.replace(words, "")
    schema = re.sub(
        r',\s*(primary|foreign) key \("\w+"\s*\)( references "chat"\("id"\) on delete cascade)?', "", schema
    )
    return schema.replace("primary key", "")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By program; and without constraints, by its name with ``loose`` before it."""
    folder = tmp_path_factory.mktemp("sources")
    for name, make in PROGRAMS.items():
        make(folder / name, str)
        make(folder / f"loose {name}", unconstrained)
        with written(folder / f"loose {name}") as db:
            for table in ("message", "parts"):
                with contextlib.suppress(sqlite3.Error):
                    db.execute(f"update {table} set id = rowid where id is null")
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize("program", PROGRAMS)
@budget
@given(BYTES, CUT)
def test_bytes_of_another_programs_file(
    check: Callable[[Path], None],
    sources: dict[str, Path],
    tmp_path: Path,
    program: str,
    noise: list[tuple[float, bytes]],
    cut: float,
) -> None:
    file = tmp_path / "source.db"
    file.write_bytes(mutated(sources[program].read_bytes(), noise, cut))
    check(file)


@pytest.mark.parametrize("program", PROGRAMS)
@budget
@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(VALUES), st.integers(0, 9)), min_size=1, max_size=6))
def test_values_in_another_programs_file(
    check: Callable[[Path], None],
    sources: dict[str, Path],
    tmp_path: Path,
    program: str,
    changes: list[tuple[int, str, int]],
) -> None:
    file = tmp_path / "source.db"
    shutil.copy(sources[f"loose {program}"], file)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as plain:
        places = [
            (table, row[1])
            for (table,) in plain.execute("select name from sqlite_master where type = 'table' order by 1").fetchall()
            for row in plain.execute(f"pragma table_info('{table}')")
        ]
        for place, expression, row in changes:
            table, column = places[place % len(places)]
            with contextlib.suppress(sqlite3.Error):
                wanted = f"(select rowid from '{table}' limit 1 offset {row})"
                plain.execute(f"update '{table}' set {column} = {expression} where rowid = {wanted}")
    check(file)
