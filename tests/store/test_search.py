"""Finding: what is found, by what, in which order, and what keeps the index true."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localchat.errors import InvalidInput, NotFound
from localchat.store import Store
from localchat.store.schema.search import _in_words
from localchat.store.search import search
from localchat.store.search.query_text import fold, holds, terms_of
from localchat.store.search.search import Cancelled, Hit, Query, Search, spans_between
from localchat.testing import add_chat, known_store
from tests.store.helpers import raw


@pytest.fixture
def store(localchat_store: Store) -> Store:
    return localchat_store


def write(store: Store, content: str, *, chat: int = 1, role: str = "user", **columns: object) -> int:
    """A message as any SQLite client would write it."""
    names = ["chat_id", "role", "content", *columns]
    done = store.connection.execute(
        f"insert into messages ({', '.join(names)}) values ({', '.join('?' * len(names))})",
        (chat, role, content, *columns.values()),
    )
    assert done.lastrowid is not None
    return done.lastrowid


def ids(store: Store, text: str, **filters: object) -> list[int | None]:
    return [hit.message_id for hit in store.search.find(Query(text, **filters))]  # type: ignore[arg-type]


def marked(hit: Hit) -> list[str]:
    return [hit.snippet[start:end] for start, end in hit.matches]


def test_a_message_is_found_by_its_words_and_their_beginnings_whatever_the_case(store: Store) -> None:
    for text in ("IMMEDIATE", "immediate", "imm", "begin immediate", "immed beg", "writers"):
        assert ids(store, text) == [4], text
    assert ids(store, "mediate") == []
    assert ids(store, "immediate lisbon") == []


def test_what_is_in_quotes_is_found_as_it_stands(store: Store) -> None:
    assert ids(store, '"begin immediate"') == [4]
    assert ids(store, '"immediate begin"') == []
    assert ids(store, '"begin imm"') == []
    assert ids(store, '"begin imm') == [4], "a quote that is not closed yet is still being typed"
    assert ids(store, "“begin immediate”") == [4]
    assert ids(store, '"begin"immediate') == [4]


def test_a_hit_tells_chat_speaker_model_and_where_it_matched(store: Store) -> None:
    (hit,) = store.search.find(Query("begin wri"))
    assert (hit.chat_id, hit.title, hit.message_id, hit.depth, hit.role) == (2, "Locks in SQLite", 4, 1, "assistant")
    assert hit.model is not None
    assert (hit.model.ref, hit.model.removed) == ("zeta/z1", False)
    assert hit.created_at == "2026-03-02T14:02:00.000Z"
    assert hit.snippet == "Two writers: BEGIN IMMEDIATE."
    assert marked(hit) == ["wri", "BEGIN"]
    assert not hit.archived


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("**Zebra.** The **zebra** - *a* ***b*** ~~c~~", "Zebra. The zebra - a b c"),
        ("# Zebra\n\n> quoted `x = 1`\n```python\nzebra = 2 ** 3\n```", "Zebra quoted x = 1 python zebra = 2 ** 3"),
        ("zebra(*args, **kwargs) and 2*3*4", "zebra(*args, **kwargs) and 2*3*4"),
        ("a **`zebra`** and __init__", "a zebra and __init__"),
        ("**" + "word " * 40 + "zebra" + " word" * 40 + "**", None),
        ("zebra # no heading, 1 > 0", "zebra # no heading, 1 > 0"),
    ],
)
def test_a_snippet_shows_no_marks_of_markdown(store: Store, content: str, shown: str | None) -> None:
    write(store, content)
    (hit,) = store.search.find(Query("zebra"))
    assert set(marked(hit)) <= {"zebra", "Zebra"}
    assert marked(hit)
    if shown is None:
        assert "*" not in hit.snippet
    else:
        assert hit.snippet == shown


def test_the_newest_come_first_and_pages_follow_without_gap_or_repetition(store: Store) -> None:
    written = [write(store, f"zebra {number}") for number in range(130)]
    seen: list[int] = []
    after: int | None = None
    while page := store.search.find(Query("zebra"), limit=40, after=after):
        seen += [hit.message_id for hit in page if hit.message_id is not None]
        after = seen[-1]
    assert seen == written[::-1]


@pytest.mark.parametrize(
    ("content", "found_by", "not_by"),
    [
        ("Naïve Café in Zürich", ["cafe", "CAFÉ", "cafe\u0301", "zur", "naive"], ["fe"]),
        ("Cafe\u0301 au lait", ["café", "cafe"], []),
        ("Ångström and łódź", ["angstrom", "łó"], []),
        ("用SQLite锁库表的时候", ["锁", "锁库", "锁库表", "sqlite", "用", "用SQLite锁", "候"], ["锁表", "库锁"]),
        ("データベースがロックされています", ["データベース", "ロック", "ベース", "ロ"], ["ロッジ"]),
        ("데이터베이스가 잠겼습니다", ["데이터", "베이스", "잠겼"], []),
        ("ฐานข้อมูลถูกล็อก", ["ฐานข้อมูล", "ข้อมูล", "ล็อก", "ถ"], ["กำลังใจ"]),
        ("ဒေတာဘေ့စ် បានចាក់សោ ຖານຂໍ້ມູນ", ["ဘေ့စ်", "ចាក់", "ຂໍ້ມູນ"], []),
        ("हिन्दी भाषा में खोज", ["हिन्दी", "हिन्", "भाषा"], ["न्दी"]),
        ("מסד הנתונים נעול", ["הנתונים", "הנת", "מסד נעול"], ["נתונים"]),
        ("قاعدة البيانات مقفلة", ["البيانات", "البي"], ["بيانات"]),
        ("Отлично работает", ["работ", "ОТЛИЧНО"], ["лично"]),
        ("done 👍🏽 ✅ 👩‍🚀 🇫🇷🥺", ["👍", "✅", "👩", "🚀", "👩‍🚀", "🇫🇷", "🥺", "done 👍"], ["👎"]),
        ("x\u200fright\u200f to left \u202ehidden", ["right", "hidden"], []),
        ("it's C++ and foo_bar, user@example.org", ["it's", "c++", "foo_bar", "bar", "user@example", "org"], ["c--x"]),
        ("half \ufffd of it", ["half", "of it"], []),
    ],
)  # fmt: skip
def test_every_script_is_found_by_parts_a_person_would_type(
    store: Store, content: str, found_by: list[str], not_by: list[str]
) -> None:
    message = write(store, content)
    for text in found_by:
        assert message in ids(store, text), text
    for text in not_by:
        assert message not in ids(store, text), text


def test_a_word_is_found_however_far_down_a_long_text_it_stands(store: Store) -> None:
    filling = "lorem ipsum → 文字。" * 3000
    message = write(store, f"{filling}zanzibar 锁库表{filling}")
    for text in ("zanzi", "锁库", "锁库表"):
        (hit,) = store.search.find(Query(text))
        assert hit.message_id == message
        assert marked(hit) == [text]
        assert len(hit.snippet) < 200


WORDS = st.text(alphabet=st.sampled_from("abcdeé zZ锁库表用กำล👍ー한국א ب"), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=WORDS, data=st.data())
def test_a_word_of_a_finished_message_is_found_by_every_beginning_of_it(
    store: Store, content: str, data: st.DataObject
) -> None:
    words = content.split()
    if not words:
        return
    message = write(store, content)
    word = data.draw(st.sampled_from(words))
    beginning = word[: data.draw(st.integers(1, len(word)))]
    assert message in ids(store, beginning)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=WORDS, text=WORDS, quoted=st.booleans())
def test_the_glance_at_the_newest_finds_what_the_index_finds(
    store: Store, content: str, text: str, quoted: bool
) -> None:
    message = write(store, content)
    terms = terms_of(f'"{text}"' if quoted else text)
    if not terms:
        return
    expression = f"words : ({' '.join(term.expression for term in terms)})"
    indexed = store.connection.execute(
        "select 1 from message_words where message_words match ? and rowid = (select place from messages where id = ?)",
        (expression, message),
    ).fetchone()
    assert holds(fold(content), terms) == (indexed is not None)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=80), st.text(alphabet='"*:^-+(){}[]ANDORT \0\n\\%_.a锁👍\ud83d', max_size=40)))
def test_no_text_that_is_searched_for_raises(store: Store, text: str) -> None:
    for hit in (*store.search.find(Query(text)), *store.search.titles(Query(text))):
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.matches)


@pytest.mark.parametrize(
    "text",
    ["", " ", '"', '""', "*", "\0", "AND", "OR NOT", "NEAR(", "-winter", "a:b", "words : x", "^in", "c++", "it's", "%",
     "{}", "x" * 100_000, "word " * 5_000, '"' * 999, "锁" * 5_000, "\ud83d"],
    ids=range(22),
)  # fmt: skip
def test_odd_searches_are_answered_at_once(store: Store, text: str) -> None:
    begun = time.perf_counter()
    store.search.find(Query(text))
    store.search.titles(Query(text))
    assert time.perf_counter() - begun < 1


def test_the_words_of_the_query_language_are_ordinary_words(store: Store) -> None:
    message = write(store, "this AND that OR not NEAR it")
    assert ids(store, "and OR not") == [message]
    assert ids(store, "NEAR") == [message]


def test_filters_narrow_by_role_model_chat_and_time(store: Store) -> None:
    early = write(store, "needle early", created_at="2024-02-29T10:00:00.000Z")
    late = write(
        store, "needle late", chat=2, role="assistant", model_config_id=5, created_at="2026-07-01T00:00:00.000Z"
    )
    assert ids(store, "needle") == [late, early]
    assert ids(store, "needle", role="user") == [early]
    assert ids(store, "needle", role="system") == []
    assert ids(store, "needle", chat_id=2) == [late]
    assert ids(store, "needle", models=store.search.models_of("zeta/z1")) == [late]
    assert ids(store, "needle", models=()) == []
    for since, until, expected in (
        ("2024-02-29T10:00:00.000Z", None, [late, early]),
        ("2024-02-29T10:00:00.001Z", None, [late]),
        (None, "2024-02-29T10:00:00.000Z", []),
        (None, "2024-02-29T10:00:00.001Z", [early]),
        ("2024-03-01", "2026-07-01", []),
        ("2024-03-01", "2026-07-02", [late]),
        ("2024-02-29", "2024-03-01", [early]),
        ("2026-08-01", "2026-07-01", []),
        ("0001-01-01", "9999-12-31", [late, early]),
    ):
        assert ids(store, "needle", since=since, until=until) == expected, (since, until)
        assert ids(store, "n", since=since, until=until) == expected, "and so by the glance at the newest"


@given(first=st.dates(date(1975, 1, 1), date(2090, 1, 1)), days=st.integers(0, 1500))
def test_the_spans_cover_exactly_the_days_between(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    spans = spans_between(first.isoformat(), last.isoformat())
    covered = sorted(
        day
        for offset in range(-40, days + 41)
        if (day := f"{first + timedelta(days=offset):%Y%m%d}").startswith(tuple(spans))
    )
    assert covered == [f"{first + timedelta(days=offset):%Y%m%d}" for offset in range(days + 1)]
    assert len(spans) < 80


def test_a_removed_model_is_a_filter_like_any_other(store: Store) -> None:
    store.catalog.remove_provider("zeta")
    assert ids(store, "begin", models=store.search.models_of("zeta/z1")) == [4]
    (hit,) = store.search.find(Query("begin"))
    assert hit.model is not None
    assert hit.model.removed
    store.catalog.add_provider("zeta", "echo")
    again = store.catalog.add_model("zeta", "z1")
    assert store.search.models_of("zeta/z1") == (5, again.id), "one of that name came back: both are meant"


def test_a_model_that_never_was_is_refused_by_name(store: Store) -> None:
    with pytest.raises(NotFound, match="zeta/nope"):
        store.search.models_of("zeta/nope")
    with pytest.raises(InvalidInput, match="names no model"):
        store.search.models_of("nonsense")


def test_chats_are_found_by_their_titles(store: Store) -> None:
    assert [(hit.chat_id, hit.message_id, marked(hit)) for hit in store.search.titles(Query("sql lock"))] == [
        (2, None, ["Lock", "SQL"])
    ]
    assert [hit.chat_id for hit in store.search.titles(Query("in"))] == [2, 1]
    store.chats.rename(2, "锁库 Zanzibar")
    assert [hit.chat_id for hit in store.search.titles(Query("zan"))] == [2]
    assert [hit.chat_id for hit in store.search.titles(Query("锁"))] == [2]
    assert store.search.titles(Query("lock")) == ()
    assert store.search.titles(Query("zan", role="user")) == (), "a title is nobody's words"
    assert store.search.titles(Query("zan", chat_id=2)) == ()
    assert [hit.chat_id for hit in store.search.titles(Query("zan", models=store.search.models_of("zeta/z1")))] == [2]
    assert store.search.titles(Query("zan", models=store.search.models_of("alpha/a1"))) == ()


def test_the_trash_is_not_searched_and_the_archive_is(store: Store) -> None:
    store.chats.archive(2, archived=True)
    (hit,) = store.search.find(Query("immediate"))
    assert hit.archived
    store.chats.trash(2)
    assert ids(store, "immediate") == []
    assert ids(store, "i") == [2, 1], "nor by the glance at the newest"
    assert store.search.titles(Query("locks")) == ()
    store.chats.restore(2)
    assert ids(store, "immediate") == [4]


def test_a_reply_is_found_once_it_has_ended_however_it_ended(store: Store) -> None:
    growing = write(store, "", role="assistant", status="streaming")
    for status in ("complete", "stopped", "interrupted", "failed"):
        store.connection.execute("update messages set status = 'streaming', content = 'zeb' where id = ?", (growing,))
        store.messages.grow(growing, "zebra crossing", "")
        assert ids(store, "zebra") == [], status
        store.messages.finish(growing, status, "zebra crossing the road")  # type: ignore[arg-type]
        assert ids(store, "zebra road") == [growing], status
        assert store.search.sound()


def test_a_growing_reply_does_not_touch_the_index(store: Store) -> None:
    growing = write(store, "", role="assistant", status="streaming")

    def index() -> list[tuple[object, ...]]:
        return [tuple(row) for row in store.connection.execute("select id, block from message_words_data")]

    before = index()
    for number in range(20):
        store.messages.grow(growing, "word " * number, "")
    assert index() == before
    store.messages.finish(growing, "complete", "word")
    assert index() != before


def test_edits_of_any_sqlite_client_keep_the_index_true(store: Store) -> None:
    with raw(store.path) as other:
        other.execute("pragma foreign_keys=on")
        other.execute("insert into messages (chat_id, role, content) values (1, 'user', 'giraffe 锁库')")
        assert ids(store, "giraffe") == [5]
        other.execute("update messages set content = 'elephant' where id = 5")
        assert ids(store, "giraffe") == []
        assert ids(store, "锁库") == []
        assert ids(store, "elephant") == [5]
        other.execute("update messages set chat_id = 2, role = 'system', model_config_id = 5 where id = 5")
        assert ids(store, "elephant", role="system", chat_id=2, models=(5,)) == [5]
        assert ids(store, "elephant", chat_id=1) == []
        other.execute("update messages set id = 77 where id = 5")
        assert ids(store, "elephant") == [77]
        other.execute("update messages set content = '' where id = 77")
        assert ids(store, "elephant") == []
        other.execute("update messages set content = 'okapi' where id = 77")
        other.execute("delete from messages where id = 77")
        assert ids(store, "okapi") == []
        other.execute("insert into chats (title) values ('Okapi')")
        assert [hit.title for hit in store.search.titles(Query("okapi"))] == ["Okapi"]
        other.execute("delete from chats where title = 'Okapi'")
        assert store.search.titles(Query("okapi")) == ()
    assert store.search.sound()


def test_a_chat_deleted_for_good_leaves_nothing_in_the_index(store: Store) -> None:
    store.chats.trash(2)
    store.chats.empty_trash()
    left = store.connection.execute("select count(*) from message_words where message_words match 'immediate'")
    assert left.fetchone()[0] == 0
    assert store.connection.execute("select count(*) from chat_words where chat_words match 'locks'").fetchone()[0] == 0
    assert store.search.sound()


def test_an_index_that_was_damaged_is_noticed_and_rebuilt(store: Store) -> None:
    store.connection.execute("drop trigger message_words_added")
    lost = write(store, "okapi")
    assert ids(store, "okapi") == []
    assert not store.search.sound()
    store.search.rebuild()
    assert store.search.sound()
    assert ids(store, "okapi") == [lost]
    assert [hit.chat_id for hit in store.search.titles(Query("locks"))] == [2]


def test_messages_that_were_there_before_the_index_are_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localchat.store import file, migrations
    from localchat.store.schema import core

    with monkeypatch.context() as old:
        for module in (file, migrations):
            old.setattr(module, "STEPS", core.STEPS[:1])
            old.setattr(module, "CURRENT", 1)
        with raw(path) as connection:
            connection.execute("pragma journal_mode=wal")
            connection.row_factory = sqlite3.Row
            migrations.migrate(connection, path)
            connection.execute("insert into chats (title) values ('Okapi')")
            connection.execute("insert into messages (chat_id, role, content) values (1, 'user', 'giraffe 锁库')")
            connection.execute(
                "insert into messages (chat_id, role, content, status)"
                " values (1, 'assistant', 'half a word', 'streaming')"
            )
    with Store(path) as store:
        assert ids(store, "giraffe 锁库") == [1]
        assert ids(store, "half") == [2], "its writer was dead: it has ended"
        assert [hit.title for hit in store.search.titles(Query("oka"))] == ["Okapi"]
        assert store.search.sound()


def test_a_short_beginning_shows_the_newest_first_and_then_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_GLANCE", 10)
    old = [write(store, "zebra") for _ in range(3)]
    for _ in range(20):
        write(store, "nothing here")
    new = write(store, "zoo")
    shown = list(store.search.progress(Query("z")))
    assert [[hit.message_id for hit in found.hits] for found in shown] == [[new], [new, *old[::-1]]]
    assert [found.complete for found in shown] == [False, True]
    assert ids(store, "z no") == []


def test_several_short_words_are_found_among_what_the_longer_one_finds(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_GLANCE", 5)
    wanted = write(store, "elephant in a zoo")
    for number in range(30):
        write(store, f"filling {number}")
    write(store, "elephant elsewhere")
    assert ids(store, "elephant z") == [wanted]
    assert ids(store, "ele z") == [wanted]
    assert ids(store, '"a z') == [wanted]


def test_a_search_can_be_cancelled_from_another_thread(store: Store) -> None:
    chat = add_chat(store, "Long", "alpha/a1", [("q", "a")])
    store.connection.execute(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)"
        " insert into messages (chat_id, role, content) select ?, 'user', 'zebra ' || i from n",
        (chat,),
    )
    store.chats.trash(chat)
    store.connection.execute("delete from chats where id = 99")
    outcome: list[object] = []
    ready = threading.Event()
    searches: list[Search] = []

    def look() -> None:
        with Search.opened(store.path) as own:
            searches.append(own)
            ready.set()
            try:
                while True:
                    outcome.append(own.find(Query("zebra")))
            except Cancelled as error:
                outcome.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    assert ready.wait(5)
    time.sleep(0.02)
    searches[0].cancel()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(outcome[-1], Cancelled)
    searches[0].cancel()  # after its end: nothing happens


def test_a_search_leaves_no_snapshot_behind(store: Store) -> None:
    store.search.find(Query("i"), limit=1)
    store.search.find(Query("immediate"), limit=1)
    with Store(store.path) as other:
        write(other, "zebra")
    write(store, "okapi")
    assert not store.connection.in_transaction


def test_newest_first_is_read_from_the_index_without_sorting(store: Store) -> None:
    values = {"expression": "words : (i*)", "below": 9, "since": None, "until": None}
    for sql in (search._INDEXED, search._NEWEST):
        plan = " ".join(row["detail"] for row in store.connection.execute(f"explain query plan {sql}", values))
        assert "TEMP B-TREE" not in plan, plan


def test_a_cancel_at_any_moment_is_a_cancel(store: Store) -> None:
    """One that falls while the index is opened comes as another error of SQLite's: about one in fifty does here."""
    add_chat(store, "Long", "alpha/a1", [("zebra", "a")])
    ends: set[str] = set()
    for number in range(500):
        with Search.opened(store.path) as search:
            cancelling = threading.Timer(number % 50 / 50_000, search.cancel)
            cancelling.start()
            try:
                search.titles(Query("zebra"))
                ends.add("found")
            except Cancelled:
                ends.add("cancelled")
            cancelling.join()
    assert ends == {"found", "cancelled"}


def test_the_newest_are_found_first_also_where_they_came_in_last(tmp_path: Path) -> None:
    """An import brings messages of before; ids grow all the same."""
    with known_store(tmp_path / "chats.db") as store:
        times = ["2026-01-05", "2026-01-01", "2026-01-09", "2026-01-03", "no time", "2026-01-03"]
        for at in times:
            store.connection.execute(
                "insert into messages (chat_id, role, content, created_at) values (1, 'user', 'frames', ?)",
                (f"{at}T00:00:00.000Z" if at[0] == "2" else at,),
            )
        store.connection.commit()
        found = store.search.find(Query("frames"))
        assert [hit.created_at[:10] for hit in found] == [
            "2026-01-09", "2026-01-05", "2026-01-03", "2026-01-03", "2026-01-01", "no time",
        ]  # fmt: skip
        same = [hit.message_id for hit in found[2:4]]
        assert same == sorted(same, reverse=True)
        paged, after = [], None
        while page := store.search.find(Query("frames"), limit=2, after=after):
            paged += page
            after = page[-1].message_id
        assert paged == list(found)
        assert [hit.message_id for hit in store.search.find(Query("fr"))] == [hit.message_id for hit in found]
        assert store.search.sound()
        store.connection.execute("update messages set created_at = '2026-02-01T00:00:00.000Z' where id = ?", (same[0],))
        store.connection.commit()
        assert store.search.find(Query("frames"))[0].message_id == same[0]
        assert store.search.sound()
        store.search.rebuild()
        assert store.search.find(Query("frames"))[0].message_id == same[0]


def sound(store: Store) -> None:
    """Raises where the index is not what it would be if it were written anew."""
    store.connection.execute("insert into message_words (message_words, rank) values ('integrity-check', 1)")


LONG = f"开头 {'锁库表很' * 500_000}末尾"


def test_of_a_text_beyond_all_measure_the_beginning_is_found_and_the_whole_is_kept(store: Store) -> None:
    """Pairing letters took time by the square of their number: a flood of them was hours in one transaction."""
    chinese = write(store, LONG)
    plain = write(store, f"beginning {'words and ' * 400_000} zanzibar")
    assert ids(store, "开头") == [chinese]
    assert ids(store, "beginning") == [plain]
    assert store.messages.get(chinese).content == LONG
    sound(store)
    for change in ("update messages set content = content || '!'", "update messages set content = '' where id % 2 = 0"):
        store.connection.execute(change)
        sound(store)
    store.connection.execute("delete from messages")
    sound(store)
    assert ids(store, "开头") == ids(store, "beginning") == []


def test_a_store_with_such_texts_is_indexed_anew_when_it_is_brought_up_to_date(path: Path) -> None:
    old = Path(__file__).parent / "data" / "version3.sql"
    with raw(path) as plain:
        plain.executescript(old.read_text("utf-8"))
        plain.execute("update messages set content = ? where id = 2", (LONG[:120_000],))
        plain.commit()
    with Store(path) as store:
        indexed = (
            "select m.id from message_words f join messages m on m.place = f.rowid where message_words match '开头'"
        )
        assert [row[0] for row in store.connection.execute(indexed)] == [2]
        sound(store)
        store.connection.execute("update messages set content = 'short'")
        sound(store)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 129, 4000])
@pytest.mark.parametrize("letters", ["锁库表", "ab锁 库", "é", "abcdefghij" * 20 + "锁"])
def test_parts_of_a_text_are_put_together_without_a_seam(store: Store, size: int, letters: str) -> None:
    message = write(store, (letters * size)[:size])
    before, now = store.connection.execute(
        f"select {_in_words('content')}, (select words from message_texts where message_id = messages.id)"
        " from messages where id = ?",
        (message,),
    ).fetchone()
    assert now == before
