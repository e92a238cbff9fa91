"""A log that helps without leaking: what happened, when, and how it ended; never a word that a person or a model wrote.

Off unless asked for (``--log FILE``, or the palette).
"""

from __future__ import annotations

import logging
import os
import platform
from pathlib import Path

LOG = logging.getLogger("localchat")
LOG.propagate = False
LOG.addHandler(logging.NullHandler())


def start(path: Path) -> None:
    """Append to the file, which is for its owner alone. Raises OSError."""
    from localchat import __version__

    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stream = os.fdopen(handle, "a", encoding="utf-8", errors="replace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.info("localchat %s, Python %s, %s", __version__, platform.python_version(), platform.system())


def stop() -> None:
    """Close what ``start`` opened."""
    LOG.setLevel(logging.NOTSET)
    for handler in [each for each in LOG.handlers if isinstance(each, logging.StreamHandler)]:
        LOG.removeHandler(handler)
        handler.stream.close()


def running() -> bool:
    return LOG.isEnabledFor(logging.INFO) and len(LOG.handlers) > 1
