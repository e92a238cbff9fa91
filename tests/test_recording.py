"""What an endpoint streamed is kept where one asks for it, travels with the chat, and is played to the millisecond."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from localchat.cli import localchat
from localchat.errors import ReplyCut
from localchat.providers import connect
from localchat.providers.replay import lasted, played
from localchat.records import Finished, Line, Piece, Provider, ReasoningPiece, RemoteModel, Request, TextPiece
from localchat.store import Store
from localchat.store.importing import import_file
from localchat.store.transfer import Exchange
from localchat.transfer.export import json_document
from localchat.transfer.importers import localchat_json
from localchat.transfer.portable import WholeChat
from localchat.turns import Ended, NewTurn, send
from localchat.validation import ReplayFile

PIECES: list[tuple[float, Piece]] = [
    (0.03, ReasoningPiece("Hm. ")), (0.01, TextPiece("Two")), (0.06, TextPiece(" wri")), (0, TextPiece("ters.")),
]  # fmt: skip


class Endpoint:
    """Streams pieces with a pause before each; breaks after them where told to."""

    def __init__(self, cut: bool = False) -> None:
        self.cut = cut

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        for pause, piece in PIECES:
            await asyncio.sleep(pause)
            yield piece
        await asyncio.sleep(0.02)
        if self.cut:
            raise ReplyCut("It broke.")
        yield Finished("stop")

    async def models(self) -> list[RemoteModel]:
        return []

    async def aclose(self) -> None:
        return None


async def turn(store: Store, cut: bool = False) -> Ended:
    events = [event async for event in send(store, lambda provider: Endpoint(cut), NewTurn("Why?"))]
    assert isinstance(events[-1], Ended)
    return events[-1]


@pytest.fixture
def store(localchat_store: Store) -> Store:
    localchat_store.recordings.switch(localchat_store.catalog.provider("alpha").id, True)
    return localchat_store


def exported(store: Store, chat_id: int, path: Path) -> WholeChat:
    path.write_text("".join(json_document([Exchange(store).one(chat_id)], store.now())), "utf-8")
    (chat,) = localchat_json.chats(path)
    assert isinstance(chat, WholeChat)
    return chat


@pytest.mark.parametrize("cut", [False, True])
async def test_deltas_are_kept_as_they_came(store: Store, cut: bool) -> None:
    ended = await turn(store, cut)
    recording = store.recordings.of(ended.message.id)
    assert recording is not None
    assert [(kind, words) for _, kind, words in recording.deltas] == [
        ("reasoning", "Hm. "), ("text", "Two"), ("text", " wri"), ("text", "ters."),
    ]  # fmt: skip
    times = [at for at, _, _ in recording.deltas]
    assert times == sorted(times)
    assert times[0] >= 29
    assert times[2] - times[1] >= 59
    assert recording.ended_ms >= times[-1] + 19


async def test_nothing_is_kept_where_nobody_asked_for_it(store: Store) -> None:
    store.recordings.switch(store.catalog.provider("alpha").id, False)
    ended = await turn(store)
    assert store.recordings.of(ended.message.id) is None


async def test_the_switch_follows_the_provider_through_a_rename_and_an_undo(store: Store) -> None:
    alpha = store.catalog.provider("alpha")
    store.catalog.edit_provider(alpha.id, name="omega")
    removal = store.catalog.remove_provider("omega")
    store.catalog.undo(removal)
    assert store.recordings.wanted(store.catalog.provider("omega").id)


async def test_a_recording_travels_with_its_chat_and_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    ended = await turn(store)
    first = exported(store, ended.message.chat_id, tmp_path / "chat.json")
    with Store(tmp_path / "two.db") as other:
        import_file(other, str(tmp_path / "chat.json"))
        again = exported(other, 1, tmp_path / "again.json")
    assert first.messages[-1].recording == store.recordings.of(ended.message.id)
    assert again.messages[-1].recording == first.messages[-1].recording
    store.connection.execute("delete from chats where id = ?", (ended.message.chat_id,))
    assert store.connection.execute("select count(*) from recordings").fetchone()[0] == 0


async def test_it_is_played_to_the_millisecond(store: Store, tmp_path: Path) -> None:
    reply = exported(store, (await turn(store)).message.chat_id, tmp_path / "chat.json").messages[-1]
    assert reply.recording is not None
    plan = [
        (round(at * 1000), piece.text) for at, piece in played(reply) if isinstance(piece, TextPiece | ReasoningPiece)
    ]
    assert plan == [(at, words) for at, _, words in reply.recording.deltas]
    assert round(lasted(reply) * 1000) == reply.recording.ended_ms
    url = ReplayFile(tmp_path / "chat.json").url
    provider = Provider(1, "demo", "replay", url, "none", None, True, store.now(), store.now())
    loop, came = asyncio.get_running_loop(), []
    begun = loop.time()
    async for piece in connect(provider).stream(Request("m", (Line("user", "Why?"),), turn=1)):
        came.append((loop.time() - begun, piece))  # noqa: PERF401
    assert [piece for _, piece in came] == [*(piece for _, piece in PIECES), Finished("stop", None)]
    due = [at / 1000 for at, _, _ in reply.recording.deltas] + [reply.recording.ended_ms / 1000]
    assert all(at >= planned for (at, _), planned in zip(came, due, strict=True))


@pytest.mark.parametrize("bad", ["[[1]]", '[[-1, "text", "x"]]', '[[1, "what", "x"]]', "7", '[["1", "text", "x"]]'])
async def test_what_is_no_recording_costs_nothing_else(store: Store, tmp_path: Path, bad: str) -> None:
    ended = await turn(store)
    store.connection.execute("update recordings set deltas = ?", (bad,))
    assert store.recordings.of(ended.message.id) is None
    chat = exported(store, ended.message.chat_id, tmp_path / "chat.json")
    assert chat.messages[-1].recording is None
    assert chat.messages[-1].content == "Two writers."
    document = json.loads((tmp_path / "chat.json").read_text("utf-8"))
    document["chats"][0]["messages"][-1]["recording"] = {"deltas": json.loads(bad), "ended_ms": 5}
    (tmp_path / "chat.json").write_text(json.dumps(document), "utf-8")
    (read,) = localchat_json.chats(tmp_path / "chat.json")
    assert isinstance(read, WholeChat)
    assert read.messages[-1].recording is None


def test_a_recording_of_other_words_is_not_played(store: Store, tmp_path: Path) -> None:
    chat = exported(store, asyncio.run(turn(store)).message.chat_id, tmp_path / "chat.json")
    document = json.loads((tmp_path / "chat.json").read_text("utf-8"))
    document["chats"][0]["messages"][-1]["content"] = "Edited."
    (tmp_path / "chat.json").write_text(json.dumps(document), "utf-8")
    (edited,) = localchat_json.chats(tmp_path / "chat.json")
    assert isinstance(edited, WholeChat)
    assert edited.messages[-1].recording == chat.messages[-1].recording
    assert [piece for _, piece in played(edited.messages[-1])][-1] == TextPiece("Edited.")


def test_it_is_switched_from_the_shell(tmp_path: Path) -> None:
    from click.testing import CliRunner

    def run(*words: str) -> object:
        done = CliRunner().invoke(localchat, ["--db", str(tmp_path / "cli.db"), *words, "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else done.exit_code

    assert run("record", "local") == {"name": "local", "recorded": True}
    assert run("record") == [{"name": "local", "recorded": True}]
    assert run("record", "local", "--off") == {"name": "local", "recorded": False}
    assert run("record") == [{"name": "local", "recorded": False}]
    assert run("record", "nobody") == 1
    assert run("record", "--off") == 2
