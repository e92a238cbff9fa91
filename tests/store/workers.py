"""Real processes on one file: ``python -m tests.store.workers JOB PATH SEED COUNT``; exit 1 on a broken rule."""

from __future__ import annotations

import json
import mmap
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from localchat.errors import LocalChatError, ProviderNotConfigured
from localchat.store import Store
from localchat.store.catalog.catalog import Catalog
from localchat.store.connection import snapshot

ALLOWED = ("not_found", "already_exists", "invalid_input", "provider_not_configured", "no_default_model")
PROVIDERS = ("a", "b", "c", "d")
MODELS = ("m", "n", "o")


def broken_promises(store: Store) -> list[str]:
    """What must hold at every moment, asked in plain SQL within one snapshot."""
    usable = (
        "select m.id from model_configs m join providers p on p.name = m.provider"
        " where m.deleted_at is null and m.enabled = 1 and p.enabled = 1"
    )
    questions = {
        "more than one default": "select count(*) > 1 from model_configs where is_default = 1",
        "a default that cannot answer": "select count(*) from model_configs"
        f" where is_default = 1 and id not in ({usable})",
        "no default though a model could answer": f"select exists ({usable})"
        " and not exists (select 1 from model_configs where is_default = 1)",
        "a live model of a missing provider": "select count(*) from model_configs"
        " where deleted_at is null and provider not in (select name from providers)",
        "two live models of one name": "select count(*) from (select 1 from model_configs"
        " where deleted_at is null group by provider, model having count(*) > 1)",
    }
    with snapshot(store.connection):
        return [name for name, sql in questions.items() if store.connection.execute(sql).fetchone()[0]]


def write(path: Path, seed: int, count: int) -> None:
    """Create, promote, switch and remove at random; print how often each outcome came."""
    dice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with Store(path) as store:
        for _ in range(count):
            try:
                one_change(store.catalog, dice)
                outcomes["done"] += 1
            except LocalChatError as error:
                if error.code not in ALLOWED:
                    raise
                outcomes[error.code] += 1
            broken = broken_promises(store)
            if broken:
                sys.exit(f"after a change of writer {seed}: {broken}")
    print(json.dumps(outcomes))


def some(catalog: Catalog, dice: random.Random) -> int:
    """The id of a model, live if there is one."""
    models = catalog.models() or catalog.models(removed=True)
    return dice.choice(models).id if models else 0


def one_change(catalog: Catalog, dice: random.Random) -> None:
    provider, model, on = dice.choice(PROVIDERS), dice.choice(MODELS), dice.random() < 0.6
    changes: list[Callable[[], object]] = [
        lambda: catalog.add_provider(provider, "echo"),
        lambda: catalog.add_provider(provider, "echo"),
        lambda: catalog.add_model(provider, model),
        lambda: catalog.add_model(provider, model),
        lambda: catalog.add_models(provider, [(name, None) for name in MODELS]),
        lambda: catalog.make_default(some(catalog, dice)),
        lambda: catalog.demote_default(holder.id if (holder := catalog.default()) else 0),
        lambda: catalog.switch_model(some(catalog, dice), on),
        lambda: catalog.switch_provider(catalog.provider(provider).id, on),
        lambda: catalog.edit_provider(catalog.provider(provider).id, name=dice.choice(PROVIDERS)),
        lambda: catalog.remove_model(catalog.live(f"{provider}/{model}").id),
        lambda: catalog.remove_provider(provider),
        lambda: catalog.remove_provider(provider, some(catalog, dice)),
        lambda: catalog.undo(catalog.last_removal(provider)),
    ]
    dice.choice(changes)()


def be_killed(path: Path, seed: int, count: int) -> None:
    """``count`` times: a child that removes and restores a provider is killed; then all or nothing of its change is
    there. Of three, two are killed before a statement of the transaction, each statement in its turn, and one at a
    random moment. Prints how many were killed inside a transaction, and what they left."""
    dice = random.Random(seed)
    inside = mmap.mmap(-1, 1)  # shared with the children: whether a transaction is open
    seen: Counter[str] = Counter()
    for turn in range(count):
        inside[0] = 0
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            remove_and_restore(path, inside, writing, dies_at=turn % 10 if turn % 3 else None)
        os.close(writing)
        os.read(reading, 1)  # it has begun
        os.close(reading)
        if not turn % 3:
            time.sleep(dice.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen["inside" if inside[0] else "between"] += 1
        with Store(path) as store:
            seen[all_or_nothing(store)] += 1
    print(json.dumps(seen))


def remove_and_restore(path: Path, inside: mmap.mmap, began: int, dies_at: int | None) -> None:
    """``dies_at``: so many statements after the beginning of its second transaction."""
    met = -1
    try:
        with Store(path) as store:

            def slowly(statement: str) -> None:
                """Stretches a transaction over some milliseconds, so that a kill meets it at any statement."""
                nonlocal met
                if statement == "begin immediate":
                    inside[0] = 1
                if inside[0] and dies_at is not None and begun:
                    met += 1
                    if met == dies_at:
                        os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(0.0003)

            begun = False
            store.connection.set_trace_callback(slowly)
            while True:
                if any(p.name == "z" for p in store.catalog.providers()):
                    store.catalog.remove_provider("z")
                else:
                    store.catalog.undo(store.catalog.last_removal("z"))
                inside[0] = 0
                os.write(began, b".")
                begun = True
    finally:
        os._exit(3)  # never back into the parent's loop; the parent kills us long before


def all_or_nothing(store: Store) -> str:
    catalog = store.catalog
    there = any(p.name == "z" for p in catalog.providers())
    live, graves = len(catalog.models("z")), len(catalog.models("z", removed=True))
    default = catalog.default()
    last = next(e.action for e in catalog.events() if e.subject == "z" and e.action != "provider-added")
    state = (there, live, graves, default and default.ref, last)
    if broken := broken_promises(store):
        sys.exit(f"{broken} after a kill")
    if store.connection.execute("pragma integrity_check").fetchone()[0] != "ok":
        sys.exit("the file is damaged after a kill")
    if state == (True, 20, 0, "z/z00", "provider-restored"):
        return "there"
    if state == (False, 0, 20, "local/smollm2", "provider-removed"):
        return "removed"
    sys.exit(f"half a removal: {state}")


def race(path: Path, seed: int, count: int) -> None:
    """``count`` times: one process adds a model while another removes its provider."""
    go, done = os.pipe(), os.pipe()
    if os.fork() == 0:
        try:
            add_when_told(path, seed, go[0], done[1])
        finally:
            os._exit(1)
    dice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    with Store(path) as store:
        for turn in range(count):
            store.catalog.add_provider("z", "echo")
            os.write(go[1], b"g")
            time.sleep(0.05 if turn == 0 else dice.uniform(0, 0.002))
            removal = store.catalog.remove_provider("z")
            added = os.read(done[0], 1) == b"y"
            if store.catalog.models("z") or broken_promises(store):
                sys.exit("a live model of a removed provider")
            if added != (len(removal.models) == 1):
                sys.exit(f"added: {added}, but the removal took {removal.models}")
            outcomes["added first" if added else "removed first"] += 1
    os.write(go[1], b"q")
    os.wait()
    print(json.dumps(outcomes))


def add_when_told(path: Path, seed: int, told: int, answer: int) -> None:
    dice = random.Random(seed + 1)
    with Store(path) as store:
        turn = 0
        while os.read(told, 1) == b"g":
            time.sleep(0.05 if turn == 1 else dice.uniform(0, 0.002))
            turn += 1
            try:
                store.catalog.add_model("z", "m")
                os.write(answer, b"y")
            except ProviderNotConfigured:
                os.write(answer, b"n")
    os._exit(0)


JOBS = {"write": write, "be-killed": be_killed, "race": race}

if __name__ == "__main__":
    JOBS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
