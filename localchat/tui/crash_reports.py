"""What is left of a bug: where it happened, in a file beside the store. No word of a chat stands in it."""

from __future__ import annotations

import contextlib
import os
import platform
import traceback
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path

from localchat import __version__

_TRIES = 100  # names, where several bugs fall into one second
_LIBRARIES = ("textual", "rich", "sqlite-utils", "httpx2")


def write(error: BaseException, store: Path, now: datetime | None = None) -> Path | None:
    """Write down where ``error`` came from, and return the new file; None where it cannot be written.

    Only types, files, lines and code: what an exception says may quote a message, so it is left out. The file is new
    (nothing is overwritten, no link is followed) and for its owner alone.
    """
    text = "\n".join(_lines(error)) + "\n"
    stamp = (now or datetime.now()).strftime("%Y%m%d-%H%M%S")
    for number in range(1, _TRIES):
        report = store.with_name(f"{store.stem}-bug-{stamp}{f'-{number}' if number > 1 else ''}.txt")
        try:
            file = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except FileExistsError:
            continue
        except OSError:
            return None
        with contextlib.suppress(OSError), os.fdopen(file, "w", encoding="utf-8", errors="replace") as opened:
            opened.write(text)
        return report
    return None


def _lines(error: BaseException) -> Iterator[str]:
    yield f"localchat {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield f"{name} {metadata.version(name)}"
    for each in _chain(error):
        yield ""
        yield f"{type(each).__module__}.{type(each).__qualname__}"
        for frame in traceback.extract_tb(each.__traceback__):
            yield f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
            yield f"    {frame.line or ''}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the deepest last."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _short(file: str) -> str:
    """The file without the person's own folders."""
    parts = Path(file).parts
    at = next((at for at, part in enumerate(parts) if part in ("localchat", "site-packages")), None)
    return "/".join(parts[at:]) if at is not None else Path(file).name
