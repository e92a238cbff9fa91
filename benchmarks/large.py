"""A store of 100,000 chats and a million messages beside one of 100 chats: start, first page of chats, opening a chat.

Each may cost at most 1.5 times what it costs in the small store. The stores are made once and kept in
``.cache/benchmarks``. Run: python benchmarks/large.py [--messages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT, Row, by_turns, compiled, report, terminal
from localchat.records import stamp
from localchat.store import Store
from localchat.store.schema.core import STEPS

TIMES = 1.5  # what the small store costs
MESSAGES = 1_000_000
SMALL = 1_000
PER_CHAT = 10
ROUNDS = 40
STARTS = 7
FORM = 1  # of the content; another one makes the stores anew
FOLDER = ROOT / ".cache" / "benchmarks"
NEWEST_TITLE = "Kilimanjaro"
LAST = "Zanzibar"  # the last message
MODELS = 24  # the last of them removed, and used by one chat in a thousand
NEWEST = datetime(2026, 11, 20, tzinfo=UTC)

COMMON = (
    "the of and to in is that it you for on with as this be are can or not have from your at by if will use we an "
    "but which what when how one all so has more there do like would time they data code make also value each new "
    "need other set list way than into only first about should file them their work where error function two "
    "example these some get used change because database results system after same user between most different "
    "using name could then just number return find run does test write read create another might type line model "
    "question point without through best text "
)
CHINESE = [
    "中文数据库的锁是怎么工作的",
    "两个事务同时写入",
    "我们需要检查索引",
    "这个函数返回一个列表",
    "怎样才能更快地搜索",
    "请解释一下原因",
]
THAI = ["ฐานข้อมูลถูกล็อก", "เราควรทำอย่างไร", "กำลังใจสำคัญมาก"]
MIXED = [
    "用SQLite存储 👍",
    "Das wäre schön für mich",
    "Ça marche très bien",
    "Это работает хорошо",
    "✅ done → next step",
]


def vocabulary(chance: random.Random, number: int) -> list[str]:
    """Words, the most usual first: English ones, then made-up ones of all lengths."""
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"] + ["an", "er", "ing", "tion", "com", "pro", "st"]
    words = dict.fromkeys(COMMON.split())
    while len(words) < number:
        words["".join(chance.choices(syllables, k=chance.choice((2, 2, 3, 3, 4))))] = None
    return list(words)


def sentences(chance: random.Random, number: int = 40_000) -> list[str]:
    """Sentences whose words are as unevenly common as those of a language."""
    words = vocabulary(chance, 60_000)
    weights = list(itertools.accumulate(1 / (place + 2.7) for place in range(len(words))))
    drawn = iter(chance.choices(words, cum_weights=weights, k=number * 14))
    made = [" ".join(itertools.islice(drawn, chance.randint(6, 14))).capitalize() + "." for _ in range(number)]
    foreign = [" ".join(chance.choices(kind, k=3)) for kind in (CHINESE, THAI, MIXED) for _ in range(number // 400)]
    return made + foreign


def fill(store: Store, messages: int) -> None:
    """Chats of ten messages over three years, replies of 4 to 20 sentences, one in twenty chats in another script."""
    chance = random.Random(1)
    said = sentences(chance)
    store.catalog.add_provider("bench", "echo")
    models = store.catalog.add_models("bench", [(f"m{number}", None) for number in range(MODELS)])
    store.catalog.make_default(models[0].id)
    chats = max(messages // PER_CHAT, 1)
    step = timedelta(days=3 * 365) / messages
    first = NEWEST - step * messages
    ids = [models[-1].id if chat % 1000 == 7 else models[chat % (MODELS - 1)].id for chat in range(chats)]

    def at(number: int) -> str:
        return stamp(first + step * number)

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(messages):
            chat, depth = divmod(number, PER_CHAT)
            length = chance.randint(4, 20) if depth % 2 else chance.randint(1, 3)
            content = " ".join(chance.choices(said, k=length))
            if chat % 20 == 3:
                content = "，".join(chance.choices(CHINESE, k=length)) + "。"
            if number == messages - 1:
                content = LAST
            role, model = ("assistant", ids[chat]) if depth % 2 else ("user", None)
            yield number + 1, chat + 1, number if depth else None, depth, role, model, at(number), content

    connection = store.connection
    connection.execute("pragma synchronous=off")
    connection.execute("pragma cache_size=-200000")
    connection.execute("begin immediate")
    connection.executemany(
        "insert into chats (id, title, model_config_id, leaf_id, created_at, updated_at) values (?, ?, ?, ?, ?, ?)",
        (
            (
                chat + 1,
                NEWEST_TITLE if chat == chats - 1 else chance.choice(said)[:50],
                ids[chat],
                (chat + 1) * PER_CHAT,
                at(chat * PER_CHAT),
                at((chat + 1) * PER_CHAT),
            )
            for chat in range(chats)
        ),
    )
    connection.executemany(
        "insert into messages (id, chat_id, parent_id, depth, role, model_config_id, created_at, content)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        rows(),
    )
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    store.catalog.remove_model(models[-1].id)


def store_of(messages: int) -> Path:
    """The file with so many messages, made where it is not there yet."""
    form = zlib.crc32(f"{FORM} {STEPS}".encode())
    path = FOLDER / f"store-{messages}-{form:08x}.db"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob(f"store-{messages}-*"):
        old.unlink()
    begun = time.perf_counter()
    unfinished = path.with_suffix(".part")
    with Store(unfinished) as store:
        fill(store, messages)
    for left in ("-wal", "-shm"):
        Path(f"{unfinished}{left}").unlink(missing_ok=True)
    unfinished.replace(path)
    size = path.stat().st_size / 1e6
    print(f"made {path.name}: {size:.0f} MB in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return path


def sizes(path: Path) -> list[Row]:
    """What the words of the messages and their index take."""
    with Store(path) as store:
        one = store.connection.execute
        text = one("select sum(length(cast(content as blob))) from messages").fetchone()[0] / 1e6
        pages = "select sum(pgsize) from dbstat where name like 'message_words%' and aggregate = true"
        index = one(pages).fetchone()[0]
        return [Row("text of all messages", text, "MB"), Row("   its index", index / 1e6, "MB")]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def opening_the_store(path: Path) -> None:
    Store(path, busy_timeout=0).close()


def first_page(store: Store) -> None:
    pinned = store.chats.pinned()
    assert len(pinned) + len(store.chats.listing(limit=60)) >= 60


def opening_a_chat(store: Store, chance: random.Random, chats: int) -> None:
    chat = store.chats.get(chance.randint(1, chats))
    assert len(store.messages.line(chat)) == PER_CHAT


def started(path: Path) -> float:
    """Milliseconds until the app shows its list of chats and the chat used last."""
    with terminal([sys.executable, "-m", "localchat", "--db", str(path)]) as program:
        return program.seconds_until(NEWEST_TITLE, LAST) * 1000


def measure(messages: int, rounds: int) -> int:
    compiled()
    small, large = store_of(SMALL), store_of(messages)
    chance = random.Random(2)
    with Store(small) as few, Store(large) as many:

        def turns(rounds: int, few: Callable[[], object], many: Callable[[], object]) -> dict[str, list[float]]:
            few(), many()
            return by_turns(rounds, few=lambda: timed(few), many=lambda: timed(many))

        opened = turns(rounds, lambda: opening_the_store(small), lambda: opening_the_store(large))
        listed = turns(rounds, lambda: first_page(few), lambda: first_page(many))
        read = turns(
            rounds,
            lambda: opening_a_chat(few, chance, SMALL // PER_CHAT),
            lambda: opening_a_chat(many, chance, messages // PER_CHAT),
        )
    starts = by_turns(STARTS, few=lambda: started(small), many=lambda: started(large))
    rows = [
        *compared("opening the store", opened),
        *compared("first page of chats", listed),
        *compared("opening a chat", read),
        *compared("start of the app until a chat is drawn", starts),
        *sizes(large),
    ]
    return report(f"{messages:,} messages beside {SMALL:,}, medians of {rounds} rounds", rows)


def compared(what: str, times: dict[str, list[float]]) -> list[Row]:
    few, many = statistics.median(times["few"]), statistics.median(times["many"])
    return [
        Row(f"{what}, small store", few, "ms"),
        Row(f"{what}, large store", many, "ms"),
        Row("   large to small", many / few, "x", TIMES),
    ]


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--messages", type=int, default=MESSAGES)
    words.add_argument("--rounds", type=int, default=ROUNDS)
    asked = words.parse_args()
    sys.exit(measure(asked.messages, asked.rounds))
