"""Many processes on one file, and processes that die in the middle."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from localchat.store import Store
from tests.store.helpers import echo, ended, python
from tests.store.workers import broken_promises

WORKERS = ("-m", "tests.store.workers")


def test_ten_writers_at_once_see_no_error_but_the_contracts_and_break_no_promise(path: Path) -> None:
    Store(path).close()
    writers = [python(*WORKERS, "write", str(path), str(seed), "200") for seed in range(10)]
    outcomes: Counter[str] = Counter()
    for writer in writers:
        outcomes.update(json.loads(ended(writer, timeout=100)))
    assert outcomes.total() == 2_000
    assert outcomes["done"] > 500, f"too few changes succeeded for a test of any worth: {outcomes}"
    with Store(path) as store:
        assert broken_promises(store) == []
        assert store.connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        assert len(store.catalog.events(limit=10_000)) > 500


def test_a_kill_in_the_middle_of_a_removal_leaves_all_of_it_or_nothing(path: Path) -> None:
    with Store(path) as store:
        models = echo(store.catalog, "z", *(f"z{n:02d}" for n in range(20)))
        store.catalog.make_default(models[0].id)
        store.catalog.undo(store.catalog.remove_provider("z"))
    seen = json.loads(ended(python(*WORKERS, "be-killed", str(path), "7", "100"), timeout=100))
    assert seen["inside"] + seen["between"] == seen["there"] + seen["removed"] == 100
    assert seen["inside"] >= 66, f"each that dies before a statement was inside: {seen}"


def test_a_model_added_while_its_provider_is_removed_is_refused_or_removed_with_it(path: Path) -> None:
    Store(path).close()
    outcomes = json.loads(ended(python(*WORKERS, "race", str(path), "3", "100"), timeout=100))
    assert outcomes["added first"] + outcomes["removed first"] == 100
    assert min(outcomes.values()) > 0
