"""What faulty and hostile model servers do to localchat: writes the table of docs/reliability.md.

    python benchmarks/faults.py [--times N] [--write]

Each fault is produced by a real server on loopback (tests/fakes.py), and met by `localchat ask` as a process of its
own, over each wire format. What is promised stands here; what was seen is measured: how the command ended, the seconds
it took, the memory at its highest. Exits with 1 where something differs from the promise. Without --write the table is
printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.common import ROOT
from localchat.store import Store
from tests.fakes import FakeEndpoint

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
KINDS = ("openai", "anthropic", "google")
MEMORY = 200  # MB; what is promised where the server, and not the reply, is large


@dataclass(frozen=True)
class Fault:
    """``model`` is the fake's name for it; ``code`` the error promised, None for a reply."""

    model: str
    what: str
    how: str
    code: str | None
    kinds: tuple[str, ...] = KINDS
    memory: int = MEMORY
    limits: str = ""


@dataclass
class Seen:
    """What came of one fault, over all tries."""

    tries: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    memory: int = 0


SHORT = "first_word=2"
FAULTS = (
    Fault("400", "refuses", "HTTP 400", "provider_rejected"),
    Fault("401", "refuses the key, and repeats it", "HTTP 401 with the key in its words", "provider_rejected"),
    Fault("gone-404", "does not know the model", "HTTP 404 about the model", "provider_rejected"),
    Fault("408", "gives up waiting", "HTTP 408", "provider_unavailable"),
    Fault("429", "limits requests", "HTTP 429 with Retry-After", "rate_limited"),
    Fault("500", "fails", "HTTP 500", "provider_unavailable"),
    Fault("503-wait", "is overloaded", "HTTP 503 with Retry-After", "provider_unavailable"),
    Fault("overflow", "finds the chat too long", "its own error for that", "context_too_long"),
    Fault("close", "hangs up", "closes before the status line", "provider_unavailable"),
    Fault("hang", "says nothing at all", "accepts, and is silent; limit 2 s", "provider_unavailable", limits=SHORT),
    Fault("pings", "only gives signs of life", "comments for ever; limit 2 s", "provider_unavailable", limits=SHORT),
    Fault("html", "is no model server", "a web page with status 200", "provider_rejected"),
    Fault("redirect", "points elsewhere", "HTTP 307 to another host", "provider_rejected"),
    Fault("empty", "ends without a word", "a finish reason and no text", "reply_empty"),
    Fault("cut", "breaks off", "drops the connection after a word", "reply_cut"),
    Fault("no-finish", "ends without a finish reason", "closes in order after a word", "reply_cut"),
    Fault("malformed", "sends what is no JSON", "after the first word", "reply_cut"),
    Fault("nested", "nests a document 50,000 deep", "one event", "provider_unavailable"),
    Fault("usage-huge", "counts 2^70 tokens", "in usage", None),
    Fault("endless-error", "never ends an error", "HTTP 400, a body without end", "provider_unavailable"),
    Fault("bomb-error", "sends 1 GB as 1 MB, in an error", "HTTP 500, gzip", "provider_unavailable"),
    Fault("bomb-line", "sends 1 GB as 1 MB, as a line", "HTTP 200, gzip", "provider_unavailable"),
    Fault("bomb-pings", "sends 1 GB as 1 MB, as comments", "HTTP 200, gzip", "provider_unavailable"),
    Fault("bomb-json", "sends 1 GB as 1 MB, as a document", "HTTP 200, gzip", "provider_unavailable"),
    Fault("endless-line", "never ends a line", "HTTP 200, an event stream", "provider_unavailable"),
    Fault("huge-delta", "sends a word of 100 MB", "one event", "provider_unavailable"),
    Fault("flood", "never stops talking", "words without end", "reply_cut", ("openai",)),
    Fault("whole", "answers in one piece", "a JSON document in place of a stream", None),
)  # fmt: skip


def asked(folder: Path, endpoint: FakeEndpoint, fault: Fault, kind: str) -> tuple[str, float, int]:
    """One turn as a process of its own: how it ended, seconds, and its memory at the highest in MB."""
    store = folder / f"{kind}-{fault.model}.db"
    if not store.exists():
        with Store(store) as opened:
            opened.catalog.add_provider("acme", kind, endpoint.base_url(kind), "env", "ACME_KEY")
            opened.catalog.add_model("acme", fault.model)
    told, said = folder / "told", folder / "said"
    environment = {**os.environ, "ACME_KEY": "sk-acme-0123456789", "LOCALCHAT_LIMITS": fault.limits}
    began = time.monotonic()
    with told.open("wb") as err, said.open("wb") as out:
        command = [
            sys.executable,
            "-m",
            "localchat",
            "--db",
            str(store),
            "ask",
            "-m",
            f"acme/{fault.model}",
            "--json",
            "hi",
        ]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - began
    words = told.read_text(encoding="utf-8", errors="replace")
    end = "a reply"
    if process.returncode == 1:
        end = json.loads(words.splitlines()[-1])["error"]["code"]
    elif process.returncode != 0:
        end = f"exit {process.returncode}"
    if "Traceback" in words or environment["ACME_KEY"] in words + said.read_text(encoding="utf-8", errors="replace"):
        end = "a traceback or the key on the terminal"
    return end, took, usage.ru_maxrss // (1024**2 if sys.platform == "darwin" else 1024)


def measured(times: int) -> tuple[list[str], bool]:
    """The rows of the table, and whether all is as promised."""
    rows, kept = [], True
    with tempfile.TemporaryDirectory() as folder, FakeEndpoint() as endpoint:
        for fault in FAULTS:
            seen = Seen()
            for kind in fault.kinds:
                for _ in range(times):
                    end, took, memory = asked(Path(folder), endpoint, fault, kind)
                    seen.tries += 1
                    seen.ends[end] = seen.ends.get(end, 0) + 1
                    seen.seconds, seen.memory = max(seen.seconds, took), max(seen.memory, memory)
            promised = fault.code or "a reply"
            good = seen.ends == {promised: seen.tries} and seen.memory < fault.memory
            kept = kept and good
            ends = ", ".join(f"{end} {count} of {seen.tries}" for end, count in seen.ends.items())
            formats = "all three" if fault.kinds == KINDS else ", ".join(fault.kinds)
            mark = "" if good else " **differs**"
            rows.append(
                f"| {fault.what} | {fault.how} | {formats} | {seen.tries} | `{promised}`, under {fault.memory} MB"
                f" | {ends}; at most {seen.seconds:.1f} s and {seen.memory} MB{mark} |"
            )
            print(rows[-1], file=sys.stderr)
    return rows, kept


def heading() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"Measured on {day} at commit {commit or '(none)'}, Python {platform.python_version()}, {platform.system()}."


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=3, metavar="N", help="tries of each fault and wire format")
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.relative_to(ROOT)}")
    wanted = parser.parse_args(words)
    rows, kept = measured(wanted.times)
    table = [
        heading(),
        "",
        "| the server | how it is produced | formats | tries | promised | seen |",
        "|---|---|---|---|---|---|",
    ]
    text = "\n".join([*table, *rows])
    if wanted.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    else:
        print(text)
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
