"""The transcript: opening and scrolling long chats, and streaming, beside Textual's own Markdown stream as the floor.

Every figure comes from a program in a terminal of its own, in a fresh process. Keys are typed into it while a reply
streams, and the time is taken until their characters are on the terminal.

Run: python benchmarks/transcript.py [--quick] [--open | --stream]
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, TextArea

from benchmarks.common import Row, compiled, percentile, report, rss, terminal
from localchat.tui.transcript import Entry, Transcript

OPEN_RATIO = 1.5  # a long chat against one of ten messages: time and memory
CPU_RATIO = 0.5  # against Textual's stream with the same chunks
ECHO = 50  # ms from a key to its character on the terminal, 99 of 100
JUMP = 100  # ms until another part of the chat is drawn
FLAT = 1.15  # memory after scrolling through all, against that after the first part of it
BEHIND = 0.5  # seconds by which the last chunk may be late
KEYS = [chr(code) for code in range(0x100, 0x17F)]  # one cell each, and in no text that is shown

PART = """## Part {n}: what a lock is

A *deferred* transaction takes its **write lock** late, when it first writes; by then another one may hold it, and
`SQLITE_BUSY` is all that is left. Part {n} of the [documentation](https://sqlite.org/lang_transaction.html) says so.

1. Take the lock when you begin, number {n}.
2. Keep transactions short:
   - no network inside,
   - no waiting for a person.

```python
def writer_{n}(path: str) -> None:
    \"\"\"Take the write lock at once.\"\"\"
    connection = sqlite3.connect(path, isolation_level=None)
    for number in range({n}):
        connection.execute("update t set n = n + 1 where id = ?", (number,))  # one row
```

| mode | readers | writers | part |
|:-----|--------:|:-------:|------|
| deferred | many | fails when it must upgrade its lock | {n} |
| immediate | many | one at a time, the others wait | {n} |

> Readers no longer block the writer. In part {n} they never did.

"""
CODE = "    result_{n} = [value * {n} for value in range({n}) if value % 3]  # line {n}\n"


def message(number: int) -> str:
    """About 60 lines of Markdown."""
    return f"Answer {number}.\n\n" + "".join(PART.format(n=number * 2 + part) for part in range(2))


def stream_text(kind: str, length: int) -> str:
    parts: list[str] = ["```python\n"] if kind == "fence" else []
    size = number = 0
    while size < length:
        parts.append((CODE if kind == "fence" else PART).format(n=number))
        size += len(parts[-1])
        number += 1
    return "".join(parts)


def chunks_of(kind: str, count: int) -> list[str]:
    """Chunks like tokens: about four characters."""
    text = stream_text(kind, count * 6)
    return re.findall(r"\s*\S{1,4}|\s+", text)[:count]


class Made:
    """A chat made up as it is read."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        return [
            Entry(n, "user", "you", "14:02", f"Question {n}?") if n % 2 else Entry(n, "assistant", "m", "", message(n))
            for n in range(start, min(stop, self.count))
        ]


class Bench(App[None]):
    """One measurement; ``result`` is written when it is done."""

    CSS = "TextArea { height: 5; } VerticalScroll { height: 1fr; }"

    def __init__(self, result: Path) -> None:
        super().__init__()
        self.result = result
        self.figures: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        yield from self.reader()
        yield TextArea()

    def reader(self) -> ComposeResult:
        yield Transcript()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self.run_worker(self._run_it())

    async def _run_it(self) -> None:
        await self.painted()
        await asyncio.sleep(0.5)
        gc.freeze()  # as localchat does after its start
        await self.measure()
        self.result.write_text(json.dumps(self.figures))
        self.exit()

    async def measure(self) -> None:
        raise NotImplementedError

    async def painted(self) -> None:
        done = asyncio.Event()
        self.call_after_refresh(done.set)
        await done.wait()


class Open(Bench):
    """Show a chat of N messages; then jump about in it; then scroll through all of it."""

    def __init__(self, result: Path, count: int, scroll: bool) -> None:
        super().__init__(result)
        self.count = count
        self.scroll = scroll

    async def timed(self, name: str, what: Any) -> None:
        began = time.perf_counter()
        what()
        await self.painted()
        self.figures[name] = time.perf_counter() - began

    async def measure(self) -> None:
        transcript = self.query_one(Transcript)
        transcript.show(Made(3))  # what is imported with the first Markdown is not the chat's length
        await self.painted()
        transcript.jump_to_start()
        await self.painted()
        began = rss()
        await self.timed("open", lambda: transcript.show(Made(self.count)))
        self.figures["opened"] = rss() - began
        self.figures["rss"] = rss()
        await self.timed("start", transcript.jump_to_start)
        await self.timed("middle", lambda: transcript.jump_to(self.count // 2))
        await self.timed("end", transcript.jump_to_end)
        if self.scroll:
            await self.walk(transcript)

    async def walk(self, transcript: Transcript) -> None:
        transcript.jump_to_start()
        await self.painted()
        began, pages, first = time.perf_counter(), 0, 0.0
        while not transcript.at_end:
            transcript.scroll_page_down(animate=False)
            pages += 1
            if pages % 20 == 0:
                await self.painted()
            if pages == 400:
                first = rss()
        self.figures |= {"pages": pages, "page": (time.perf_counter() - began) / pages, "early": first, "late": rss()}


class Stream(Bench):
    """A reply that streams, into a transcript of N messages."""

    def __init__(self, result: Path, kind: str, rate: int, seconds: float, count: int) -> None:
        super().__init__(result)
        self.chunks = chunks_of(kind, int(rate * seconds))
        self.ready = Path(f"{result}.ready")
        self.rate = rate
        self.count = count

    async def begin(self) -> None:
        self.transcript = self.query_one(Transcript)
        self.transcript.show(Made(self.count))
        self.transcript.begin_live(Entry(-1, "assistant", "m", live=True))

    async def write(self, chunk: str) -> None:
        self.transcript.append_live(chunk)

    async def end(self) -> None:
        self.transcript.end_live(Entry(-1, "assistant", "m", content="".join(self.chunks)))

    async def measure(self) -> None:
        await self.begin()
        await self.painted()
        self.ready.touch()
        cpu, began, sent = time.process_time(), time.perf_counter(), 0
        until = began + 1.05 * len(self.chunks) / self.rate + BEHIND
        while sent < len(self.chunks) and time.perf_counter() < until:
            due = int((time.perf_counter() - began) * self.rate)
            while sent < min(due, len(self.chunks)) and time.perf_counter() < until:
                await self.write(self.chunks[sent])
                sent += 1
            await asyncio.sleep(0.005)
        await self.end()
        await self.painted()
        self.figures = {
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - began,
            "due": len(self.chunks) / self.rate,
            "sent": sent / len(self.chunks),
            "characters": sum(map(len, self.chunks)),
        }


class Floor(Stream):
    """The same with Textual's own Markdown."""

    def reader(self) -> ComposeResult:
        with VerticalScroll():
            yield Markdown()

    async def begin(self) -> None:
        self.query_one(VerticalScroll).anchor()
        self.stream = Markdown.get_stream(self.query_one(Markdown))

    async def write(self, chunk: str) -> None:
        await self.stream.write(chunk)

    async def end(self) -> None:
        """What it has not taken or shown by now is not counted against it: it would take many minutes more."""


def child(arguments: list[str]) -> None:
    name, *values, result = arguments
    to = Path(result)
    if name == "open":
        Open(to, int(values[0]), values[1] == "scroll").run()
    else:
        kind, rate, seconds, count = values
        made = Floor if name == "floor" else Stream
        made(to, kind, int(rate), float(seconds), int(count)).run()


def run(*arguments: object, keys_for: float = 0, timeout: float = 1800) -> dict[str, Any]:
    """One measurement in a fresh process. ``keys_for``: seconds over which the keys are typed; ``echo`` is the time of
    each from the key to its character."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        ready = Path(f"{result}.ready")
        echo: list[float] = []
        command = [sys.executable, __file__, "--child", *map(str, arguments), str(result)]
        with terminal(command, columns=120) as program:
            waiting: tuple[bytes, float] | None = None
            until, next_key, left = time.monotonic() + timeout, 0.0, list(KEYS) if keys_for else []
            while not result.exists() and time.monotonic() < until:
                program.read(0.005)
                if waiting is not None and waiting[0] in program.output:
                    echo.append(time.perf_counter() - waiting[1])
                    waiting = None
                if waiting is None:
                    program.output = program.output[-4000:]
                    if left and time.monotonic() >= next_key and ready.exists():
                        program.output = b""
                        key, next_key = left.pop(), time.monotonic() + keys_for / len(KEYS)
                        waiting = (key.encode(), time.perf_counter())
                        program.type(key)
            if not result.exists():
                raise TimeoutError(program.output[-3000:].decode(errors="replace"))
            program.rest(0.3)
            return {**json.loads(result.read_text()), "echo": echo}


def opening(quick: bool) -> list[Row]:
    """Chats of 60-line messages against one of 10."""
    counts = (10, 2_000, 10_000)
    found: dict[int, list[dict[str, Any]]] = {count: [] for count in counts}
    for _ in range(3 if quick else 5):
        for count in counts:
            found[count].append(run("open", count, "still"))

    def middle(count: int, name: str) -> float:
        return median(one[name] for one in found[count])

    rows = [
        Row("10 messages: open", middle(10, "open") * 1000, "ms"),
        Row("10 messages: memory of the program", middle(10, "rss"), "MB"),
    ]
    for count in counts[1:]:
        rows += [
            Row(f"{count:,} messages: open", middle(count, "open") / middle(10, "open"), "x", OPEN_RATIO),
            Row(f"{count:,} messages: memory", middle(count, "rss") / middle(10, "rss"), "x", OPEN_RATIO),
            *(
                Row(f"{count:,} messages: jump to the {to}", middle(count, to) * 1000, "ms", JUMP)
                for to in ("start", "middle", "end")
            ),
        ]
    whole = run("open", 1_000 if quick else 10_000, "scroll")
    return [
        *rows,
        Row(f"scrolling through all, {whole['pages']:,} pages: a page", whole["page"] * 1000, "ms", JUMP),
        Row("memory at the end, against that after 400 pages", whole["late"] / whole["early"], "x", FLAT),
    ]


def echo(what: str, typed: Sequence[float], limit: float | None = None) -> list[Row]:
    return [
        Row(f"{what}, median", percentile(typed, 0.5) * 1000, "ms"),
        Row(f"{what}, 99 of 100", percentile(typed, 0.99) * 1000, "ms", limit),
    ]


def streaming(quick: bool) -> list[Row]:
    """Processor time against Textual's stream, and keys meanwhile. The same keys are typed into both."""
    idle = run("stream", "mixed", 1, 15, 0, keys_for=13)
    rows = echo("a key to its character without a stream", idle["echo"])
    for kind, rate, seconds in (("mixed", 100, 40), ("mixed", 500, 60), ("fence", 100, 40), ("fence", 500, 60)):
        length = seconds / 4 if quick else seconds
        floor = run("floor", kind, rate, length, 0, keys_for=length * 0.9)
        rows += [
            Row(f"{kind}, {rate}/s for {length:.0f} s: Textual's stream", floor["cpu"], "s"),
            Row("  of the chunks it took in that time", 100 * floor["sent"], "%"),
            *echo("  a key to its character", floor["echo"]),
        ]
        for count in (0, 10_000):
            ours = run("stream", kind, rate, length, count, keys_for=length * 0.9)
            late = ours["wall"] - ours["due"] if ours["sent"] == 1 else float("inf")
            rows += [
                Row(f"  localchat after {count:,} messages", ours["cpu"] / floor["cpu"], "x", CPU_RATIO),
                Row("    share of a core", 100 * ours["cpu"] / ours["wall"], "%"),
                Row("    behind at the end", late, "s", BEHIND),
                *echo("    a key to its character", ours["echo"], ECHO),
            ]
    return rows


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return 0
    compiled()
    quick, status = "--quick" in sys.argv, 0
    if "--stream" not in sys.argv:
        status |= report("Opening a chat of 60-line messages (against one of 10)", opening(quick))
    if "--open" not in sys.argv:
        status |= report("Streaming (against Textual's Markdown.get_stream with the same chunks)", streaming(quick))
    return status


if __name__ == "__main__":
    sys.exit(main())
