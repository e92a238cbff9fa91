"""What the store had not taken when the app ended: kept in a file if that is possible, told in any case, and offered by
the next start."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from localchat.errors import LocalChatError
from localchat.store.pending import Lost
from localchat.text import clean, count, storable

_HEAD = "# waiting to "  # of each part of the file


def rescued(lost: Sequence[Lost], store: Path) -> LocalChatError:
    """Write it to a file beside the store, else into the folder for temporary files; what to tell the person. Where no
    file can be written, the words themselves are told: the terminal is the last place they can go to."""
    text = "\n\n".join(f"{_HEAD}{each.what}\n\n{each.words}" for each in lost) + "\n"
    why = lost[0].why
    what = f"{count(len(lost), 'thing')} could not be stored. {why.message}"
    for folder in _folders(store):
        with contextlib.suppress(OSError):
            hint = f"What you wrote and what came is in {_written(folder, store.stem, text)}; the next start offers it."
            return type(why)(what, hint)
    return type(why)(what, f"No file could be written either. Copy it from here:\n\n{clean(text)}")


def left_behind(store: Path) -> list[Path]:
    """Files of earlier ends, beside the store and in the folder for temporary files; only this user's own."""
    found = []
    for folder in _folders(store):
        with contextlib.suppress(OSError):
            for path in sorted(folder.glob(f"{glob.escape(store.stem)}-unsaved*.txt")):
                about = path.lstat()
                if not path.is_symlink() and (not hasattr(os, "getuid") or about.st_uid == os.getuid()):
                    found.append(path)
    return found


def words_in(path: Path) -> str:
    """What was written and what came, without the lines that say what each was. Raises OSError."""
    lines = path.read_text("utf-8", "replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith(_HEAD)).strip()


def _folders(store: Path) -> list[Path]:
    beside, temporary = store.parent, Path(tempfile.gettempdir())
    return [beside] if beside == temporary else [beside, temporary]


def _written(folder: Path, stem: str, text: str) -> Path:
    """A new file, for nobody else to read, and on the disk. Where it cannot be whole it is not left. Raises OSError."""
    number = 1
    while True:
        path = folder / f"{stem}-unsaved{f'-{number}' if number > 1 else ''}.txt"
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            number += 1
            continue
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(storable(text))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink()
            raise
        return path
