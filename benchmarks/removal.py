"""What removing a provider costs where no chat uses it, and where 100,000 do: ``python benchmarks/removal.py``.

A removal neither reads nor writes a chat inside its transaction, so both cost the same. Rounds alternate between the
two stores and medians are compared, since machines are noisy. Exits with 1 where the ratio is beyond the limit.
The preview before it counts the chats; it is measured apart and has no limit here.
"""

from __future__ import annotations

import functools
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from localchat.store import Store

CHATS = 100_000
MODELS = 5
ROUNDS = 300
LIMIT = 2.0


def filled(path: Path, chats: int) -> Store:
    """A store whose provider ``z`` has five models, the default among them, and as many chats that use these."""
    store = Store(path)
    store.catalog.add_provider("z", "echo")
    models = store.catalog.add_models("z", [(f"z{n}", None) for n in range(MODELS)])
    store.catalog.make_default(models[0].id)
    store.connection.execute(
        "with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?)"
        " insert into chats (title, model_config_id) select 'chat ' || i, ? + i % ? from n where ? > 0",
        (chats, models[0].id, MODELS, chats),
    )
    assert store.catalog.chats_using(model.id for model in models) == chats
    return store


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def round_of(store: Store, times: dict[str, list[float]]) -> None:
    """Removal and undo, once; afterwards the store is as before, but for its log."""
    catalog = store.catalog
    times["removal"].append(timed(lambda: catalog.remove_provider("z")))
    removal = catalog.last_removal("z")
    times["undo"].append(timed(lambda: catalog.undo(removal)))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        stores = [filled(Path(folder) / f"{chats}.db", chats) for chats in (0, CHATS)]
        times = [{"removal": list[float](), "undo": list[float](), "preview": list[float]()} for _ in stores]
        gc.disable()
        for turn in range(ROUNDS):
            for which in (0, 1) if turn % 2 else (1, 0):
                round_of(stores[which], times[which])
        for _ in range(ROUNDS // 10):
            for store, of in zip(stores, times, strict=True):
                of["preview"].append(timed(functools.partial(store.catalog.removal_of_provider, "z")))
        gc.enable()
        for store in stores:
            store.close()
    print(f"{'median of ' + str(ROUNDS):16} {'0 chats':>12} {f'{CHATS:,} chats':>16} {'ratio':>8} {'limit':>8}")
    ratios = {}
    for what in times[0]:
        none, many = (statistics.median(of[what]) for of in times)
        ratios[what] = many / none
        limit = f"{LIMIT:.1f}" if what == "removal" else "-"
        print(f"{what:16} {none:9.3f} ms {many:13.3f} ms {ratios[what]:8.2f} {limit:>8}")
    return 0 if ratios["removal"] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
