"""Every place where one writes several lines: no sequence of keys ends the app, and undo gives back what was there."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import TextArea

from localchat.store import Store
from localchat.testing import Script, settled, still_app
from localchat.tui.app import LocalChat
from localchat.tui.chat.instructions_form import ChatForm
from localchat.tui.composer.panel import Writing
from localchat.tui.shell import Shell
from localchat.tui.text_box import TextBox

SIZE = (80, 24)
LINES = st.integers(0, 22)
WIDE = st.sampled_from(["word", "a longer line that wraps where the screen is narrow " * 2, "é中", "\ttab", ""])


async def paste(pilot: Pilot[Any], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


def lines(count: int) -> str:
    return "\n".join(f"line {number}" for number in range(count))


@pytest.mark.parametrize("count", [12, 13, 15, 19, 20])
async def test_a_paste_of_several_lines_is_taken_back_with_one_key(store: Store, count: int) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        await paste(pilot, lines(count))
        assert composer.text == lines(count)
        await pilot.press("ctrl+z")
        await settled(pilot)
        assert composer.text == ""
        await pilot.press("super+y")
        await settled(pilot)
        assert composer.text == lines(count)


async def test_the_instructions_take_back_a_paste_that_is_higher_than_their_box(store: Store) -> None:
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        form = await instructions_of(app, pilot)
        box = form.query_one("#system", TextBox)
        await paste(pilot, lines(15))
        await pilot.press("ctrl+z")
        await settled(pilot)
        assert box.text == ""
        await pilot.press("ctrl+y")
        await settled(pilot)
        assert box.text == lines(15)


async def instructions_of(app: LocalChat, pilot: Pilot[Any]) -> ChatForm:
    await settled(pilot)
    await pilot.press("f4")
    await settled(pilot)
    assert isinstance(app.screen, ChatForm)
    return app.screen


def test_no_other_text_area_than_the_safe_one_is_used() -> None:
    rooms = Path(__file__).parents[3] / "localchat" / "tui"
    using = [file.name for file in rooms.rglob("*.py") if "import TextArea" in file.read_text("utf-8")]
    assert using == ["text_box.py"]


# The machine


class Stage(Shell):
    """A screen with one place to write, as high and wide as the rooms that use it make it."""

    CSS = "TextBox { height: auto; max-height: 7; border: none; } #plain { height: 7; }"
    box: TextArea

    def __init__(self, store: Store, which: str) -> None:
        super().__init__(store, Script().connect)
        self.still = True
        self.which = which

    def compose(self) -> ComposeResult:
        if self.which == "composer":
            writing = Writing(lambda: ["sent before", lines(14), "the first"])
            self.box = writing.composer
            yield writing
        else:
            self.box = TextBox(id="growing" if self.which == "growing" else "plain", tab_behavior="focus")
            yield self.box

    def on_mount(self) -> None:
        self.box.focus()


class WritingMachine(RuleBasedStateMachine):
    """Keys and pastes, each as a terminal sends it."""

    which: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.exits = contextlib.AsyncExitStack()

    @initialize()
    def begin(self) -> None:
        self.store = Store(Path(self.folder.name) / "chats.db")
        self.app = Stage(self.store, self.which)
        self.pilot = self.runner.run(self.exits.enter_async_context(self.app.run_test(size=SIZE)))

    def press(self, *keys: str) -> None:
        self.runner.run(self.pilot.press(*keys))

    @rule(text=st.text("ab() \u00e9中", min_size=1, max_size=6))
    def type(self, text: str) -> None:
        self.press(*text)

    @rule(count=LINES, line=WIDE)
    def paste(self, count: int, line: str) -> None:
        self.runner.run(paste(self.pilot, "\n".join([line] * count)))

    @rule(times=st.integers(1, 16))
    def new_lines(self, times: int) -> None:
        self.press(*["ctrl+j" if self.which == "composer" else "enter"] * times)

    @rule(times=st.integers(1, 5))
    def undo(self, times: int) -> None:
        self.press(*["ctrl+z"] * times)

    @rule(times=st.integers(1, 5))
    def redo(self, times: int) -> None:
        self.press(*["super+y"] * times)

    @rule(key=st.sampled_from(["up", "down", "home", "end", "left", "right", "ctrl+a", "shift+up", "ctrl+end"]))
    def move(self, key: str) -> None:
        self.press(key)

    @rule(key=st.sampled_from(["backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+shift+k", "ctrl+x"]))
    def delete(self, key: str) -> None:
        self.press(key)

    @rule()
    def replace_all(self) -> None:
        self.box.select_all()
        self.press("x")

    @rule()
    def fold_and_unfold(self) -> None:
        self.runner.run(paste(self.pilot, lines(30)))
        self.press("f7")

    @rule(width=st.sampled_from([12, 40, 80]), height=st.sampled_from([6, 14, 24]))
    def resize(self, width: int, height: int) -> None:
        self.runner.run(self.pilot.resize_terminal(width, height))

    @property
    def box(self) -> TextArea:
        return self.app.box

    @invariant()
    def the_app_lives_and_draws_what_is_written(self) -> None:
        if not hasattr(self, "pilot"):
            return
        assert self.app._exception is None
        row, column = self.box.cursor_location
        assert column <= len(self.box.document[row])
        wrapped = self.box.wrapped_document
        drawn = [list(wrapped.get_sections(row)) for row in range(self.box.document.line_count)]
        heights = wrapped.height
        wrapped.wrap(self.box.wrap_width)
        assert drawn == [list(wrapped.get_sections(row)) for row in range(self.box.document.line_count)]
        assert heights == wrapped.height

    def teardown(self) -> None:
        try:
            if hasattr(self, "pilot"):
                try:
                    self.all_comes_back()
                finally:
                    self.runner.run(self.exits.aclose())
                    self.store.close()
        finally:
            self.runner.close()
            self.folder.cleanup()

    def all_comes_back(self) -> None:
        """Undone to the beginning and done again, it is the same text."""
        if self.app._exception is not None:
            return
        written = self.box.text
        steps = len(self.box.history.undo_stack)
        for key in ("ctrl+z", "super+y"):
            self.press(*[key] * steps)
        assert self.box.text == written


@pytest.mark.parametrize("which", ["composer", "growing", "plain"])
def test_no_order_of_keys_ends_the_app_nor_loses_a_word(which: str) -> None:
    machine = type("Machine", (WritingMachine,), {"which": which})
    run(
        machine,
        settings=settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=5,
            stateful_step_count=20,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


# What is drawn


HOSTILE = "\x1b]52;c;cGF5bG9hZA==\x07 \x9b2J\x1b[31mred\u202e \x07end"


async def test_what_a_terminal_would_obey_is_kept_in_the_text_and_never_drawn(store: Store) -> None:
    chat = store.chats.get(2)
    store.chats.set_instructions(chat.id, system=HOSTILE)
    app = still_app(store)
    async with app.run_test(size=SIZE) as pilot:
        composer = app.chat_screen.conversation.composer
        composer.set_text(HOSTILE)
        await settled(pilot)
        assert composer.text == HOSTILE
        assert_clean(app)
        composer.select_all()
        await settled(pilot)
        assert_clean(app)
        form = await instructions_of(app, pilot)
        assert form.query_one("#system", TextBox).text == HOSTILE
        assert_clean(app)


def assert_clean(app: LocalChat) -> None:
    drawn = "\n".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)
    assert "red" in drawn
    assert "end" in drawn
    assert not [letter for letter in drawn if not letter.isprintable() and letter not in "\n\u2060"]
