"""Commands as whole processes: beside Python itself, and `ask` beside llm on the same endpoint on loopback.

llm is installed into an environment of its own, which is thrown away; the variable ``LLM`` names one that is there.
Medians of processor time: what else the machine does falls on it less than on the clock's, which is shown too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from common import by_turns, compiled, environment

from localchat.store import Store

ROUNDS = int(os.environ.get("ROUNDS", "15"))
CHATS = 200
OF_PYTHON = {"--version": 3.0, "--help": 6.0, "chats list": 6.0}  # times `python -c pass`
OF_LLM = 0.5  # times `llm`, of `ask` with kind openai
WORDS = ["The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog."]


class Endpoint(BaseHTTPRequestHandler):
    """Says the same words to everybody, in OpenAI's format."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for number, word in enumerate([*WORDS, ""]):
            last = number == len(WORDS)
            choice = {
                "index": 0,
                "delta": {} if last else {"content": f"{word} "},
                "finish_reason": "stop" if last else None,
            }
            event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


def the_llm(folder: Path) -> Path:
    if given := os.environ.get("LLM"):
        return Path(given)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", "llm"], check=True)
    return folder / "bin" / "llm"


def run(command: Sequence[str | Path], env: dict[str, str]) -> tuple[float, float]:
    """Seconds of the processor, and by the clock."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, took


def main() -> int:
    compiled()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/v1"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        llm = the_llm(folder / "llm")
        folder.joinpath("extra-openai-models.yaml").write_text(
            f"- model_id: fake\n  model_name: fake\n  api_base: {address}\n", "utf-8"
        )
        with Store(folder / "store.db") as store:
            store.catalog.add_provider("fake", "openai", address, "none", None)
            model = store.catalog.add_model("fake", "fake")
            store.connection.executemany(
                "insert into chats (title, model_config_id) values (?, ?)",
                [(f"chat {n}", model.id) for n in range(CHATS)],
            )
        env = environment(
            LOCALCHAT_DB=str(folder / "store.db"), LLM_USER_PATH=scratch, OPENAI_API_KEY="none", LOCALCHAT_BACKUPS="0"
        )
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        ours = [sys.executable, "-m", "localchat"]
        commands: dict[str, list[str | Path]] = {
            "python -c pass": [sys.executable, "-c", "pass"],
            **{words: [*ours, *words.split()] for words in OF_PYTHON},
            "ask": [*ours, "ask", "-m", "fake/fake", "hi"],
            "llm": [llm, "-m", "fake", "hi"],
        }
        for command in commands.values():
            run(command, env)  # compiled, and in the cache of the disk
        took = by_turns(
            ROUNDS, **{name: lambda command=command: run(command, env) for name, command in commands.items()}
        )
    server.shutdown()
    return report(took)


def report(took: dict[str, list[tuple[float, float]]]) -> int:
    cpu = {name: statistics.median(each[0] for each in times) for name, times in took.items()}
    wall = {name: statistics.median(each[1] for each in times) for name, times in took.items()}
    limits = {name: ("python -c pass", limit) for name, limit in OF_PYTHON.items()} | {"ask": ("llm", OF_LLM)}
    beyond = False
    print(f"{'median of ' + str(ROUNDS):16} {'processor':>12} {'clock':>12} {'ratio':>8} {'limit':>8}")
    for name in took:
        floor, limit = limits.get(name, (name, 0.0))
        ratio = cpu[name] / cpu[floor]
        beyond |= bool(limit) and ratio > limit
        told = f"{ratio:8.2f} {limit:8.1f} of {floor}" if limit else ""
        print(f"{name:16} {cpu[name] * 1000:9.1f} ms {wall[name] * 1000:9.1f} ms {told}")
    return int(beyond)


if __name__ == "__main__":
    sys.exit(main())
