"""The last gate before the terminal: what the app makes goes through as it is, what a text holds does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Static

from localchat.store import Store
from localchat.testing import still_app
from localchat.text import REPORT
from localchat.tui.terminal_gate import Gate, TextGate, gated
from tests.gates import nothing_stopped

FRAME = "\x1b[1;1H\x1b[38;2;1;2;3;1m│ a word 中\x1b[0m\n\x1b[2;1H plain \x1b[0m\x1b[5;7H"
OURS = [
    FRAME,
    "",
    "a line of text",
    "\x1b[?1049h",
    "\x1b[?1049l\x1b[?25h",  # as on Windows
    "\x1b[?2026$p",
    "\x1b[?2026h",
    "\x1b[?2048$p",
    "\x1b[>25u",
    "\x1b[<u",
    "\x07",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b]22;pointer\x07",
]
# What it holds, and what is left to read of it.
THEIRS = {
    "clipboard": ("\x1b]52;c;Y3VybA==\x07", "]52;c;Y3VybA=="),
    "title": ("\x1b]2;PWNED\x1b\\", "]2;PWNED\\"),
    "link": ("\x1b]8;;http://evil\x1b\\here", "]8;;http://evil\\here"),
    "clear": ("\x1b[2J", "[2J"),
    "another screen": ("\x1b[?1049l", "[?1049l"),
    "question": ("\x1b[6n", "[6n"),
    "device": ("\x1bP$q\x1b\\", "P$q\\"),
    "reset": ("\x1bc", "c"),
    "C1": ("\x9b2J\x9d2;x\x9c", "2J2;x"),
    "zero, bell, delete, tab, return": ("a\0b\x07c\x7fd\te\rf", "abcdef"),
    "a line's end": ("a\nb", "ab"),
    "reading order": ("\u202eabc\u2069", "abc"),
    "half of a pair": ("a\ud800b", "ab"),
    "half of a sequence": ("\x1b[3\x071m", "[31m"),
}


# As in a text that no clean() has seen: colours and places that the second gate takes for the app's own.
COLOURED = "a\x1b[31mb\x1b[2;2Hc\nd"


@pytest.fixture(autouse=True)
def here_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere a test fails where anything was stopped."""
    monkeypatch.delenv(REPORT)


def test_the_suite_fails_where_an_app_or_its_program_had_to_stop_anything(tmp_path: Path) -> None:
    with nothing_stopped(tmp_path / "stopped"):
        Gate().passed("plain")
    for gate in (lambda: Gate().passed("a\x07b"), lambda: TextGate().apply([Segment("a\x07b")], Color(0, 0, 0))):
        with pytest.raises(pytest.fail.Exception, match=r"x07b"), nothing_stopped(tmp_path / "stopped"):
            gate()


@pytest.mark.parametrize("data", OURS)
def test_what_the_app_writes_goes_through_as_it_is(data: str) -> None:
    gate = Gate()
    assert (gate.passed(data), gate.stopped) == (data, 0)


@pytest.mark.parametrize("name", THEIRS)
def test_what_a_text_holds_is_read_and_not_obeyed_and_it_is_counted(name: str) -> None:
    payload, left = THEIRS[name]
    gate = Gate()
    assert gate.passed(FRAME.replace("a word", payload)) == FRAME.replace("a word", left)
    assert gate.stopped == len(payload) - len(left) > 0


def test_a_frame_in_parts_of_any_size_comes_out_whole() -> None:
    for size in range(1, len(FRAME)):
        gate = Gate()
        parts = [gate.passed(FRAME[start : start + size]) for start in range(0, len(FRAME), size)]
        assert ("".join(parts), gate.stopped) == (FRAME, 0), size


def test_a_payload_in_parts_is_stopped_also_where_the_part_ends_within_it() -> None:
    payload = FRAME.replace("a word", "\x1b]2;PWNED\x1b\\ \x1b[2J")
    for size in range(1, len(payload)):
        gate = Gate()
        parts = [gate.passed(payload[start : start + size]) for start in range(0, len(payload), size)]
        assert ("".join(parts), gate.stopped) == (FRAME.replace("a word", "]2;PWNED\\ [2J"), 3), size


def test_what_begins_at_the_end_of_a_frame_does_not_join_what_the_app_writes_next() -> None:
    gate = Gate()
    assert gate.passed("text\x1b") == "text"
    assert gate.passed("\x1b[?2026l") == "\x1b[?2026l"
    assert gate.stopped == 1


def test_what_was_stopped_is_written_to_a_file_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "stopped"
    monkeypatch.setenv(REPORT, str(report))
    gate = Gate()
    gate.passed(FRAME)
    assert not report.exists()
    gate.passed("before \x1b]2;x\x07")
    assert [ast.literal_eval(line) for line in report.read_text().splitlines()] == ["before \x1b]2;x\x07"]


async def test_the_apps_own_driver_has_the_gate(tmp_path: Path) -> None:
    written: list[str] = []

    class Recorder(HeadlessDriver):
        def write(self, data: str) -> None:
            written.append(data)

    driver = gated(Recorder)(App())
    driver.write("\x1b]2;x\x07")
    driver.write("\x1b[?25l")
    assert written == ["]2;x", "\x1b[?25l"]
    with Store(tmp_path / "chats.db") as store:
        app = still_app(store)
        assert app.driver_class is gated(app.driver_class.__bases__[0])


BLACK = Color(0, 0, 0)


@pytest.mark.parametrize("name", THEIRS)
def test_the_text_of_a_line_is_seen_before_colours_stand_around_it(name: str) -> None:
    payload, left = THEIRS[name]
    gate = TextGate()
    bold = Style(bold=True)
    assert gate.apply([Segment("x", bold), Segment(payload)], BLACK) == [
        Segment("x", bold),
        Segment(left),
    ]
    assert gate.stopped == len(payload) - len(left) > 0


def test_colours_and_places_in_a_text_are_not_taken_for_the_apps_own() -> None:
    gate = TextGate()
    assert gate.apply([Segment(COLOURED)], BLACK) == [Segment("a[31mb[2;2Hcd")]
    assert gate.stopped == 3


def test_an_address_in_a_style_is_not_written() -> None:
    gate = TextGate()
    segment = gate.apply([Segment("here", Style(bold=True, link="http://evil"))], BLACK)[0]
    assert (segment.text, segment.style and segment.style.link, gate.stopped) == ("here", None, 1)


def test_a_line_of_the_apps_own_is_not_even_copied() -> None:
    segments = [Segment("a word 中 \u200d ", Style(color="red"))]
    assert TextGate().apply(segments, BLACK) is segments


class Careless(Static):
    """A widget that forgets what house style asks for."""

    def render(self) -> Text:
        return Text(COLOURED)


async def test_every_widget_of_the_app_is_behind_the_gate(tmp_path: Path) -> None:
    with Store(tmp_path / "chats.db") as store:
        app = still_app(store)
        async with app.run_test() as pilot:
            await app.screen.mount(Careless())
            await pilot.pause()
            drawn = "".join(strip.text for strip in app.screen._compositor.render_strips())
    assert "a[31mb[2;2Hc" in drawn
    assert app.text_gate.stopped >= 2
