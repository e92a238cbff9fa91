"""Whatever one does, in whatever order: every word is once where it was typed, in a message or in a draft, and nowhere
else; and no chat ever has two requests.

The model knows only which chat was open when a word was typed, which messages were edited (their words may stand in
several versions), and which chats were deleted (what was not sent there moves to the next new chat).

2,160 steps in all.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import re
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from textual import events

from localchat.attachments.drafts import decoded
from localchat.errors import LocalChatError
from localchat.store import Store
from localchat.testing import Reply, Script, known_store, still_app
from localchat.tui.app import LocalChat
from localchat.tui.chat.chat_list import ChatList
from localchat.tui.chat.chat_transcript import ChatTranscript
from localchat.tui.chat.draft_saver import NEW_CHAT_DRAFT

KEYS = ["enter", "ctrl+r", "ctrl+n", "escape", "f8"]
ELSEWHERE = ["lock", "unlock", "remove", "default"]
OPEN = ["open 1", "open 2", "open last"]
MESSAGES = ["edit", "edit first", "delete", "delete 1"]
STEPS = 30
NEW = 0  # the chat that has not begun
WORD = re.compile(r"w\d+")
patient = settings(
    max_examples=18,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # making a failure smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def steps(*often: str) -> st.SearchStrategy[list[str]]:
    """``type`` and ``enter`` come as often as all else together."""
    one = st.sampled_from([*["type"] * 6, *["enter"] * 4, *KEYS, *ELSEWHERE, *OPEN, *MESSAGES, *often])
    return st.lists(one, min_size=STEPS, max_size=STEPS)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "chats.db"
    known_store(path).close()
    return path


class Person:
    """Does the steps, and remembers where each word was typed."""

    def __init__(self, app: LocalChat, path: Path, hurried: bool) -> None:
        self.app = app
        self.path = path
        self.hurried = hurried  # keys come before those before them were handled
        self.here = 2  # the chat used last
        self.typed: dict[str, int] = {}
        self.edited: set[str] = set()  # words of messages that were edited
        self.deleted: set[int] = set()
        self.other = Store(path, busy_timeout=0)
        self.locker = sqlite3.connect(path, isolation_level=None)

    async def calm(self) -> None:
        """All keys were handled."""
        quiet = 0
        pumps = [self.app, self.app.screen, *self.app.screen.walk_children()]
        while quiet < 4:
            await asyncio.sleep(0)
            quiet = quiet + 1 if not sum(pump.message_queue_size for pump in pumps) else 0
        opened = self.app.chat_screen.conversation.session.chat_id
        if self.here == NEW and opened is not None:
            self.here = opened  # the chat began, and the view went along
        elif self.here in self.deleted and opened != self.here:
            self.here = opened or NEW  # it went, and the view with it

    def press(self, key: str) -> None:
        self.app.post_message(events.Key(key, key if len(key) == 1 else None))

    async def do(self, step: str) -> None:
        if not self.hurried or step.partition(" ")[0] not in ("type", *KEYS):
            await self.calm()
        match step.split():
            case ["type"]:
                word = f"w{len(self.typed)}"
                self.typed[word] = self.here
                for key in (*word, "space"):
                    self.app.post_message(events.Key(key, " " if key == "space" else key))
            case ["open", which]:
                self.here = self.last_chat() if which == "last" else int(which)
                self.app.chat_screen.post_message(ChatList.Opened(self.here))
                await self.calm()
            case ["edit", *which]:
                self.edit(-1 if not which else 0)
                await self.calm()
            case ["delete", *which]:
                chat_id = int(which[0]) if which else self.here
                if chat_id != NEW:
                    self.deleted.add(chat_id)
                    self.app.chat_screen.post_message(ChatList.Asked("delete", chat_id))
                    await self.calm()
            case ["lock"] if not self.locker.in_transaction:
                with contextlib.suppress(sqlite3.OperationalError):
                    self.locker.execute("begin immediate")
            case ["unlock"] if self.locker.in_transaction:
                self.locker.execute("rollback")
            case ["remove" | "default"]:
                self.elsewhere(step)
            case [key] if key in KEYS:
                self.press(key)
                if key == "ctrl+n":
                    self.here = NEW
        if not self.hurried:
            await self.calm()
        self.check_requests()

    def last_chat(self) -> int:
        with contextlib.closing(sqlite3.connect(self.path)) as reader:
            return int(reader.execute("select max(id) from chats").fetchone()[0])

    def edit(self, which: int) -> None:
        """A message of the branch that is shown, as ``e`` does with the marked one."""
        conversation = self.app.chat_screen.conversation
        chat = conversation.chat
        mine = [m for m in self.other.messages.line(chat) if m.role == "user"] if chat is not None else []
        if mine:
            self.edited |= set(WORD.findall(mine[which].content))
            conversation.transcript.post_message(ChatTranscript.Asked("edit", mine[which].id))

    async def take_all_back(self) -> None:
        """What was left is not lost: f8 brings it."""
        await self.calm()
        undos = self.app.undos
        while undos.label:
            before = undos.label, len(undos._chats)
            self.press("f8")
            await self.calm()
            for _ in range(200):
                if (undos.label, len(undos._chats)) != before:
                    break
                await asyncio.sleep(0.01)
            else:
                return

    def elsewhere(self, step: str) -> None:
        """In another window, as far as the lock lets it."""
        catalog = self.other.catalog
        with contextlib.suppress(LocalChatError):
            if step == "remove":
                catalog.remove_provider("zeta")
            else:
                models = [model for model in catalog.models() if model.usable and not model.is_default]
                catalog.make_default(models[0].id)

    def check_requests(self) -> None:
        names = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("turn of chat")]
        assert len(names) == len(set(names)), names
        with contextlib.closing(sqlite3.connect(self.path)) as reader:
            many = reader.execute(
                "select chat_id, count(*) from messages where status = 'streaming' group by 1 having count(*) > 1"
            ).fetchall()
        assert not many

    def unlock(self) -> None:
        if self.locker.in_transaction:
            self.locker.execute("rollback")

    def close(self) -> None:
        self.unlock()
        self.locker.close()
        self.other.close()


def found(path: Path) -> dict[str, list[int]]:
    """Where each word is in the store: in what was sent, and in drafts."""
    with contextlib.closing(sqlite3.connect(path)) as reader:
        texts = reader.execute("select chat_id, content from messages where role = 'user'").fetchall()
        texts += [(chat, decoded(draft).text) for chat, draft in reader.execute("select id, draft from chats")]
        new = reader.execute("select value from state where name = ?", (NEW_CHAT_DRAFT,)).fetchone()
    texts += [(NEW, decoded(new[0]).text)] if new else []
    places: dict[str, list[int]] = collections.defaultdict(list)
    for chat, text in texts:
        for word in WORD.findall(text):
            places[word].append(chat)
    return places


def may_be(typed: int, place: int, deleted: set[int]) -> bool:
    """What was typed in a chat is in it. A new chat becomes one of the later chats, or has not begun yet; what was not
    sent in a chat that was deleted is a new chat's."""
    return place == typed or ((typed == NEW or typed in deleted) and (place == NEW or place > 2))


async def until_ended(app: LocalChat) -> None:
    for _ in range(3_000):
        if not app.is_running:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the app did not end")


async def play(template: Path, todo: list[str], hurried: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(template, folder))
        replies = [Reply("one two", hold=number % 3 == 1) for number in range(STEPS)]
        script = Script(*replies)
        with Store(path, busy_timeout=0) as store:
            app = still_app(store, script)
            async with app.run_test(size=(110, 32)):
                person = Person(app, path, hurried)
                try:
                    await person.calm()
                    for step in todo:
                        await person.do(step)
                    person.unlock()
                    await person.take_all_back()
                    person.press("ctrl+q")
                    await until_ended(app)
                finally:
                    person.close()
            assert app.bug is None
            assert app.pending.lost() == []
        places = found(path)
        twice_or_lost = {
            word: places[word]
            for word in person.typed
            if not places[word] or (len(places[word]) > 1 and word not in person.edited)
        }
        assert not twice_or_lost, f"typed: {person.typed}, found: {dict(places)}"
        astray = {
            word: places[word]
            for word, typed in person.typed.items()
            if not all(may_be(typed, place, person.deleted) for place in places[word])
        }
        assert not astray, f"typed: {person.typed}"


@patient
@given(todo=steps())
def test_words_stay_where_they_were_typed_key_by_key(template: Path, todo: list[str]) -> None:
    asyncio.run(play(template, todo, hurried=False))


@patient
@given(todo=steps("lock", "lock", "ctrl+n", "escape", "escape", "ctrl+r"))
def test_words_stay_where_they_were_typed_while_the_store_is_locked_often(template: Path, todo: list[str]) -> None:
    asyncio.run(play(template, todo, hurried=False))


@patient
@given(todo=steps("ctrl+n", "enter", "escape"))
def test_words_stay_where_they_were_typed_in_a_hurry(template: Path, todo: list[str]) -> None:
    asyncio.run(play(template, todo, hurried=True))


@patient
@given(todo=steps("edit", "edit", "edit first", "delete", "escape", "f8"))
def test_words_stay_where_they_were_typed_while_messages_are_edited_and_chats_deleted(
    template: Path, todo: list[str]
) -> None:
    asyncio.run(play(template, todo, hurried=False))
