"""Starts engines, keeps them warm between turns, and ends them: the parent's side of ``engine.py``.

One engine per file and context, shared by all turns of this process. An engine that has been idle for ten minutes gives
its memory back by itself and loads again at the next request; all engines end with this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from localchat.errors import ASK_AGAIN, LocalChatError, ProviderUnavailable
from localchat.providers import extras
from localchat.providers.embedded import gguf
from localchat.text import one_line

MOST_CONTEXT = 8192  # tokens, where nobody asked for more: the cache of a large one takes gigabytes
LEAST_CONTEXT = 256
LOG_PATIENCE = 2.0  # seconds
_SOURCE = Path(__file__).with_name("engine.py")


class Engine:
    """One child process and its model. ``ready`` is done when it answers, or holds what went wrong (LocalChatError)."""

    def __init__(self, path: Path, context: int | None) -> None:
        self.path = path
        self.context = context
        self.key = secrets.token_urlsafe(32)
        self.url = ""
        self.busy = 0
        self.ready: Future[Engine] = Future()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        # A daemon thread: loading can take long, and leaving the program must not wait for it.
        threading.Thread(target=self._start, name=f"engine {path.name}", daemon=True).start()

    @property
    def usable(self) -> bool:
        """Being loaded, or alive and answering."""
        if self._stopped:
            return False
        if not self.ready.done():
            return True
        return self.ready.exception() is None and self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the process now, whatever it does. Takes milliseconds."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is not None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            _close(process)

    def _start(self) -> None:
        self.ready.set_running_or_notify_cancel()
        try:
            extras.check("embedded")
            facts = gguf.check_gguf(self.path)
            context = self.context or min(facts.context or MOST_CONTEXT, MOST_CONTEXT)
            _check_memory(self.path, facts.memory(context))
            self._load(max(context, LEAST_CONTEXT))
        except LocalChatError as error:
            self.ready.set_exception(error)
        except Exception as error:
            self.ready.set_exception(_failed(self.path, f"{type(error).__name__}: {error}"))
        else:
            self.ready.set_result(self)

    def _load(self, context: int) -> None:
        answer = self._ask_child(context, verbosity=-1, log=None)
        if "url" not in answer and not self._stopped:
            # Silent, llama.cpp does not say why. Once more, aloud.
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                answer = self._ask_child(context, verbosity=1, log=Path(folder, "log"))
        if self._stopped:
            raise ProviderUnavailable(f"The engine for {self.path.name} was stopped.", remedy=ASK_AGAIN)
        if "url" not in answer:
            raise _failed(self.path, answer.get("reason") or answer.get("error") or "it ended without a word")
        self.url = answer["url"]

    def _ask_child(self, context: int, verbosity: int, log: Path | None) -> dict[str, str]:
        """Start the child and wait for its one line: ``url``, or ``error`` and, from the log, its ``reason``; empty
        where it died first."""
        process = _spawn(log)
        with self._lock:
            self._process = process
            stopped = self._stopped
        if stopped:
            process.kill()
        order = {
            "model": str(self.path), "context": context, "threads": _threads(), "key": self.key, "verbosity": verbosity,
        }  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            answer: dict[str, str] = json.loads(process.stdout.readline() or b"{}")
        except (OSError, ValueError):
            answer = {}
        if "url" not in answer:
            if log is not None:
                answer["reason"] = _reason_in(log, process)
            process.kill()
            process.wait()
            _close(process)
        return answer


def _spawn(log: Path | None) -> subprocess.Popen[bytes]:
    """The child: by its file and with -P, so that it imports neither localchat nor anything from the working folder."""
    apart: dict[str, Any] = {"start_new_session": True}  # ctrl+c in the terminal is not meant for it
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    with Path(log or os.devnull).open("wb") as aloud:  # never the terminal: that is the screen's
        return subprocess.Popen(
            [sys.executable, "-P", str(_SOURCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=aloud,
            cwd=Path(sys.executable).anchor or None,
            env=_environment(),
            **apart,
        )


# What Python, the loader of libraries and the drivers of graphics cards read. Whatever else stands in the environment
# (keys above all) is nothing to an engine.
_NEEDED = re.compile(
    r"(PATH|HOME|USER|LOGNAME|USERPROFILE|LOCALAPPDATA|APPDATA|PROGRAMDATA|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC"
    r"|TMPDIR|TEMP|TMP|LANG|TZ|PYTHONPATH|PYTHONHOME|PYTHONUTF8|XDG_CACHE_HOME|XDG_RUNTIME_DIR|DISPLAY)"
    r"|(LC|LD|DYLD|OMP|GOMP|KMP|MKL|OPENBLAS|GGML|CUDA|NVIDIA|HIP|ROCR|HSA|AMD|VK|VULKAN|MESA|GPU|SYCL|ONEAPI|ZE|MTL)_\w+",
    re.IGNORECASE,
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)


def _environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if _NEEDED.fullmatch(name) and not _SECRET.search(name)}


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _failed(path: Path, reason: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        f"llama.cpp cannot load {one_line(path.name, 120)}: {one_line(reason, 200).rstrip('.')}.",
        "Fetch the file again, or choose another model.",
    )


def _reason_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Why it failed. llama.cpp writes its log in a thread of its own, somewhat later than it fails."""
    until = time.monotonic() + LOG_PATIENCE
    while True:
        ended = process.poll() is not None or time.monotonic() > until
        reason = _reason(log.read_text(encoding="utf-8", errors="replace"), in_full=ended)
        if reason or ended:
            return reason
        time.sleep(0.02)


def _reason(log: str, in_full: bool) -> str:
    """The line of the log that says why, without its decoration; ``in_full``: else the first error in it."""
    lines = [found[1] for found in re.finditer(r"^[\d.]+ E (.*)$", log, re.MULTILINE)]
    for mark in ("error loading model: ", "failed to initialize the context: "):
        for line in lines:
            if mark in line:
                return line.split(mark, 1)[1]
    return lines[0] if lines and in_full else ""


def _check_memory(path: Path, needed: int) -> None:
    """Raises ProviderUnavailable where the model would not fit; engines that nobody uses give way first."""
    if needed <= _available():
        return
    for engine in list(_engines.values()):
        if engine.path != path and not engine.busy and engine.ready.done():
            engine.stop()
    free = _available()
    if needed > free:
        short = f"it needs {_gigabytes(needed)}, {_gigabytes(free)} are free"
        raise ProviderUnavailable(
            f"{one_line(path.name, 120)} does not fit in memory: {short}.",
            "Close other programs, give the model a smaller context, or choose a smaller model.",
        )


def _available() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _threads() -> int:
    """All cores but one, which is left to the screen and to everything else. llama.cpp's threads wait for each other by
    spinning: where another program takes one of their cores, the reply becomes ten to twenty times slower. Measured on
    two busy cores: 3 tokens a second with two threads, 70 with one; on two idle ones 100 and 75."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable - 1))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


_engines: dict[tuple[Path, int | None], Engine] = {}
_engines_lock = threading.Lock()


def engine(path: Path, context: int | None) -> Engine:
    """The engine for this file, being loaded or ready; a new one where there is none or the last one failed or died."""
    key = (path.absolute(), context)
    with _engines_lock:
        found = _engines.get(key)
        if found is None or not found.usable:
            found = _engines[key] = Engine(*key)
        return found


async def ready(wanted: Engine) -> Engine:
    """Wait until it answers. Being cancelled leaves it loading: the next turn will want it. Raises what went wrong."""
    while not wanted.ready.done():  # noqa: ASYNC110  (asked, not told: an engine outlives any one event loop)
        await asyncio.sleep(0.01)
    return wanted.ready.result()


def shutdown() -> None:
    """End all engines of this process."""
    with _engines_lock:
        engines = list(_engines.values())
        _engines.clear()
    for each in engines:
        each.stop()
