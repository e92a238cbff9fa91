"""A chat out of a list, and an app that shows just its transcript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from localchat.tui.themes import DARK, LIGHT
from localchat.tui.transcript import Entry, Transcript


class Listed:
    """A source over a list, noting which entries were read."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.list = list(entries)
        self.read: set[int] = set()

    def __len__(self) -> int:
        return len(self.list)

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        self.read.update(range(start, min(stop, len(self.list))))
        return self.list[start:stop]


class Made(Listed):
    """A source of any length, each entry made when it is read."""

    def __init__(self, count: int, make: Callable[[int], Entry]) -> None:
        super().__init__(())
        self.count = count
        self.make = make

    def __len__(self) -> int:
        return self.count

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        self.read.update(range(start, min(stop, self.count)))
        return [self.make(number) for number in range(start, min(stop, self.count))]


def answer(key: int, content: str, **more: object) -> Entry:
    return replace(Entry(key, "assistant", "m1 · alpha", content=content), **more)  # type: ignore[arg-type]


def question(key: int, content: str) -> Entry:
    return Entry(key, "user", "you", "14:02", content)


def talk(number: int) -> Entry:
    """One of a long chat's entries, each of another height."""
    if number % 2 == 0:
        return question(number, f"Question {number}?")
    paragraphs = "\n\n".join(f"Paragraph {n} of {number}." for n in range(number % 9))
    return answer(number, f"Answer {number}.\n\n{paragraphs}")


class Page(App[None]):
    """A transcript over an input, and what the transcript asked for."""

    CSS = "Transcript { height: 1fr; }"

    def __init__(self, source: Listed | None = None, theme: str = "localchat-dark") -> None:
        super().__init__()
        self.source = source
        self.asked: list[tuple[str, str]] = []
        self.followed: list[bool] = []
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield Transcript()
        yield Input()

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        if self.source is not None:
            self.transcript.show(self.source)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_transcript_link_clicked(self, event: Transcript.LinkClicked) -> None:
        self.asked.append(("link", event.url))

    def on_transcript_copy_requested(self, event: Transcript.CopyRequested) -> None:
        self.asked.append((event.what, event.text))

    def on_transcript_view_follow_changed(self, event: Transcript.FollowChanged) -> None:
        self.followed.append(event.at_end)


def screen(app: App[None]) -> list[str]:
    """What the transcript shows, line by line, as a person reads it."""
    transcript = app.query_one(Transcript)
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def find(app: App[None], text: str) -> tuple[int, int]:
    """Column and row of this text in the transcript."""
    for row, line in enumerate(screen(app)):
        if text in line:
            return line.index(text), row
    raise AssertionError(f"{text!r} is not on the screen:\n" + "\n".join(screen(app)))


async def click(pilot: Pilot[None], text: str, times: int = 1) -> None:
    """Click on this text."""
    assert await pilot.click(Transcript, offset=find(pilot.app, text), times=times)


async def drag(pilot: Pilot[None], start: tuple[int, int], stop: tuple[int, int]) -> None:
    """Press the mouse at one place of the transcript, and let go at another."""
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=stop)
    await pilot.mouse_up(Transcript, offset=stop)
    await pilot.pause()
