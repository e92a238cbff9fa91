"""Files that a person asked for: written beside their place under another name, private, and put there when whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from localchat.errors import AlreadyExists, DiskFull, InvalidInput, LocalChatError
from localchat.text import clean, one_line, storable


def target(name: str, *, force: bool = False) -> Path:
    """The path in full, links followed. Raises InvalidInput for what cannot be a file, AlreadyExists without force."""
    shown = one_line(name, 300)
    if not name or clean(name) != name or storable(name) != name or "\n" in name or "\t" in name:
        raise InvalidInput(f"“{shown}” cannot be the name of a file.", "Use visible characters.")
    try:
        path = Path(name).expanduser().resolve()
        if path.is_dir():
            raise InvalidInput(f"{shown} is a folder.", "Give the name of a file in it.")
        if not path.parent.is_dir():
            raise InvalidInput(f"The folder {one_line(str(path.parent), 300)} does not exist.", "Make it first.")
        if path.exists() or path.is_symlink():
            if not path.exists() or not stat.S_ISREG(path.stat().st_mode):
                raise InvalidInput(f"{shown} is no ordinary file.", "Give another name.")
            if not force:
                raise AlreadyExists(f"{shown} is there already.", "Give another name, or replace it with --force.")
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InvalidInput(f"{shown} cannot be written ({one_line(reason, 200)}).", "Check the path.") from error
    return path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file (0600) in the same folder, to be written; it takes the place of ``path`` when the block is through.

    Where the block fails nothing is left of it, and ``path`` is as it was. Raises DiskFull, InvalidInput.
    """
    with writing(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            with beside.open("rb") as whole:
                os.fsync(whole.fileno())
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise


def sweep(folder: Path, pattern: str, older: float = 0.0) -> None:
    """Remove what killed writers left of files like ``pattern``: those not written to for ``older`` seconds."""
    with contextlib.suppress(OSError):
        for left in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if time.time() - left.lstat().st_mtime >= older:
                    left.unlink()
                    left.with_name(f"{left.name}-journal").unlink()


@contextlib.contextmanager
def writing(what: object) -> Iterator[None]:
    """What the system says while a file is written, as errors of ours; a reader that goes away stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _ours(error, what) from error


def _ours(error: OSError, what: object) -> LocalChatError:
    shown = one_line(str(what), 300)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"The disk is full; {shown} was not written.", "Free some space and try again.")
    return InvalidInput(
        f"{shown} cannot be written ({one_line(error.strerror or str(error), 200)}).", "Check the path."
    )


def write_text(path: Path, pieces: Iterable[str]) -> int:
    """The pieces as UTF-8, each written as it comes; how many bytes. Raises like ``replacing``, and what they raise."""
    with replacing(path) as beside:
        with beside.open("wb") as file:
            for piece in pieces:
                file.write(piece.encode("utf-8", "replace"))
        return beside.stat().st_size
