"""``localchat.testing`` does what docs/testing-flows.md says; the examples of that page are run from the page."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localchat import testing
from localchat.errors import RateLimited, ReplyCut
from localchat.providers import detect
from localchat.records import Finished, Line, Piece, Progress, ReasoningPiece, Request, TextPiece, Usage
from localchat.store import Store
from localchat.testing import (
    Reply,
    Script,
    StillClock,
    add_chat,
    known_store,
    say,
    screen_text,
    settled,
    still_app,
    still_environment,
)
from localchat.tui.app import LocalChat

PAGE = (Path(__file__).parent.parent / "docs" / "testing-flows.md").read_text("utf-8")
ASKED = Request("m", (Line("user", "Hello"),))


# The page. What its examples do: test_testing_page.py.


def test_every_name_and_every_argument_is_in_the_page() -> None:
    public = {
        name
        for name, thing in vars(testing).items()
        if getattr(thing, "__module__", "") == "localchat.testing" and not name.startswith("_")
    }
    missing = [name for name in public - {"ScriptedClient"} if f"`{name}(" not in PAGE]
    missing += [name for name in inspect.signature(Reply).parameters if name != "text" and f"{name}=" not in PAGE]
    assert missing == []


# Who uses it.


def test_a_store_with_known_content_is_made_in_one_place() -> None:
    """The rooms' fixtures stand on those of the plugin, so that they are proved every day. What gives a file to another
    process makes it itself."""
    made = re.compile(
        r"@pytest\.fixture(?:\([^)]*\))?\n(?:async )?def \w+\([^)]*\) -> (?!Path)[^\n]*\n(?:    .*\n)*?.*known_store\("
    )
    tests = Path(__file__).parent
    assert [str(path.relative_to(tests)) for path in tests.rglob("*.py") if made.search(path.read_text("utf-8"))] == []


# The known store.


def test_the_known_store_holds_what_the_page_says(known: Store) -> None:
    assert [model.ref for model in known.catalog.models()] == [
        "alpha/a1", "alpha/a2", "beta/b1", "local/smollm2", "zeta/z1",
    ]  # fmt: skip
    default = known.catalog.default()
    assert default is not None
    assert default.ref == "alpha/a1"
    assert [(chat.title, chat.model.ref if chat.model else None) for chat in known.chats.listing()] == [
        ("Locks in SQLite", "zeta/z1"),
        ("Rain in Lisbon", "alpha/a1"),
    ]
    for chat in known.chats.listing():
        assert [m.status for m in known.messages.line(chat)] == ["complete", "complete"]


def test_two_known_stores_are_the_same_to_the_last_row(tmp_path: Path) -> None:
    dumps = []
    for name in ("one.db", "two.db"):
        with known_store(tmp_path / name) as store:
            store.connection.execute("update messages set writer = null")
            rows = {
                table: [tuple(row) for row in store.connection.execute(f"select * from {table}")]
                for table in ("chats", "messages", "catalog_events")
            }
            rows["models"] = [
                tuple(row) for row in store.connection.execute("select * from model_configs where id > 1")
            ]
            dumps.append(rows)
    assert dumps[0] == dumps[1]


def test_the_clock_stands_until_it_is_told_to_go_on(tmp_path: Path) -> None:
    clock = StillClock()
    with known_store(tmp_path / "store.db", clock=clock) as store:
        assert store.now() == store.now() == "2026-03-02T14:02:00.000Z"
        clock.advance(minutes=5, seconds=1)
        assert store.now() == "2026-03-02T14:07:01.000Z"
        assert store.chats.get(add_chat(store, "Later", "beta/b1", [("Q?", "A.")])).created_at == store.now()


def test_a_chat_without_an_exchange_is_refused(known: Store) -> None:
    with pytest.raises(ValueError, match="at least one exchange"):
        add_chat(known, "Empty", "beta/b1", [])


# Scripts.


async def pieces(script: Script, known: Store, provider: str = "alpha") -> list[Piece]:
    stream: AsyncIterator[Piece] = script.connect(known.catalog.provider(provider)).stream(ASKED)
    return [piece async for piece in stream]


async def test_a_script_answers_in_order_and_then_with_the_last_again(known: Store) -> None:
    script = Script("first one", Reply("second"))
    assert await pieces(script, known) == [
        TextPiece("first"), TextPiece(" one"), Finished("stop", Usage(1, 2)),
    ]  # fmt: skip
    for _ in range(2):
        assert (await pieces(script, known, "beta"))[0] == TextPiece("second")
    assert script.requests == [("alpha", ASKED), ("beta", ASKED), ("beta", ASKED)]


async def test_a_script_without_replies_says_yes(known: Store) -> None:
    assert (await pieces(Script(), known))[0] == TextPiece("Yes.")


async def test_a_reply_can_do_all_that_an_endpoint_does(known: Store) -> None:
    reply = Reply("one", reasoning="Hm.", progress=(Progress("loads"),), usage=Usage(5, 6), finish_reason="length")
    assert await pieces(Script(reply), known) == [
        Progress("loads"), ReasoningPiece("Hm."), TextPiece("one"), Finished("length", Usage(5, 6)),
    ]  # fmt: skip
    assert (await pieces(Script(Reply("one", finish_reason=None)), known))[-1] == Finished(None, Usage(1, 1))


@pytest.mark.parametrize(
    ("reply", "said", "error"),
    [
        (Reply("one two three", error=RateLimited("Too fast.")), [], RateLimited),
        (Reply("one two three", error=RateLimited("Too fast."), words=2), ["one", " two"], RateLimited),
        (Reply("one two three", cut=True, words=1), ["one"], ReplyCut),
        (Reply("one two three", cut=True), ["one", " two", " three"], ReplyCut),
    ],
)
async def test_a_reply_breaks_where_it_is_told_to(
    known: Store, reply: Reply, said: list[str], error: type[Exception]
) -> None:
    came: list[Piece] = []

    async def read() -> None:
        async for piece in Script(reply).connect(known.catalog.provider("alpha")).stream(ASKED):
            came.append(piece)  # noqa: PERF401

    with pytest.raises(error):
        await read()
    assert came == [TextPiece(word) for word in said]


async def test_a_script_offers_models(known: Store) -> None:
    client = Script(offers=["x", "y"]).connect(known.catalog.provider("alpha"))
    assert [model.name for model in await client.models()] == ["x", "y"]
    await client.aclose()


# The hand at the keys.


async def test_say_sends_and_waits_for_the_end(known: Store) -> None:
    app = still_app(known, Script(Reply("It comes slowly.", pause=0.02)))
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Does it come [/] slowly?")
        shown = screen_text(app)
    assert "Does it come [/] slowly?" in shown
    assert "It comes slowly." in shown
    assert len(shown.splitlines()) == 30
    assert max(map(len, shown.splitlines())) <= 100


async def test_a_reply_that_holds_can_be_looked_at_while_it_comes(known: Store) -> None:
    script = Script(Reply("Half of it", hold=True), "The rest.")
    app = still_app(known, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "Go on", wait=False)
        async with asyncio.timeout(10):
            while "Half of it" not in screen_text(app):
                await pilot.pause(0.02)
        assert "esc stops" in screen_text(app)
        with pytest.raises(TimeoutError):
            await settled(pilot, seconds=0.1)
        script.release()
        await settled(pilot)
        assert "esc stops" not in screen_text(app)


@pytest.mark.parametrize("still", [True, False])
async def test_the_still_app_looks_for_no_servers_on_this_machine(
    known: Store, monkeypatch: pytest.MonkeyPatch, still: bool
) -> None:
    asked = []

    async def found() -> list[object]:
        asked.append(True)
        return []

    monkeypatch.setattr(detect, "found", found)
    app = still_app(known) if still else LocalChat(known, Script().connect)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.pause(0.05)
    assert asked == ([] if still else [True])


def test_the_environment_is_set_right() -> None:
    environ = {"TZ": "Asia/Tokyo", "NO_COLOR": "1", "TEXTUAL_THEME": "nord", "COLORTERM": "truecolor", "PATH": "/bin"}
    environ |= {"OPENAI_API_KEY": "x", "GROQ_API_KEY": "y"}
    try:
        still_environment(environ)
        assert environ == {"TZ": "UTC", "PATH": "/bin"}
    finally:
        still_environment()
