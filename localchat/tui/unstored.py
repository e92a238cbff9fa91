"""What the store had not taken when the app ended: kept in a file where that is possible, and told in any case."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from localchat.errors import LocalChatError, StoreBusy
from localchat.store.pending import Lost
from localchat.text import clean, count, storable


def rescued(lost: Sequence[Lost], store: Path) -> LocalChatError:
    """Write it to a file beside the store, else into the folder for temporary files; what to tell the person. Where no
    file can be written, the words themselves are told: the terminal is the last place they can go to."""
    text = "\n\n".join(f"# waiting to {each.what}\n\n{each.words}" for each in lost) + "\n"
    what = f"{count(len(lost), 'thing')} could not be stored: another program keeps the store locked."
    for folder in (store.parent, Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            return StoreBusy(what, f"What you wrote and what came is in {_written(folder, store.stem, text)}.")
    return StoreBusy(what, f"No file could be written either. Copy it from here:\n\n{clean(text)}")


def _written(folder: Path, stem: str, text: str) -> Path:
    """A new file, for nobody else to read. Raises OSError."""
    number = 1
    while True:
        path = folder / f"{stem}-unsaved{f'-{number}' if number > 1 else ''}.txt"
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(storable(text))
        return path
