"""The person's own editor, for longer messages: $VISUAL, else $EDITOR."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from localchat.errors import InvalidInput
from localchat.text import one_line

_SET_ONE = "Set $VISUAL or $EDITOR, for example EDITOR=nano, and start localchat again."


def command() -> list[str]:
    """What to run. Raises InvalidInput where no editor is set, or it is not there."""
    name = next((name for name in ("VISUAL", "EDITOR") if os.environ.get(name, "").strip()), None)
    if name is None:
        raise InvalidInput("No editor is set.", _SET_ONE)
    try:
        words = shlex.split(os.environ[name])
    except ValueError:
        words = []
    if not words or shutil.which(words[0]) is None:
        shown = one_line(os.environ[name], 120)
        raise InvalidInput(f"The editor in ${name}, {shown}, was not found.", "Check the variable, or install it.")
    return words


def edited(app: App[Any], text: str) -> str:
    """The text as the person left it in the editor, whatever its exit status. The app stands still meanwhile.

    Raises InvalidInput where there is no editor, or where the terminal cannot be handed to it; the text is then as it
    was.
    """
    words = command()
    handle, name = tempfile.mkstemp(prefix="localchat-", suffix=".md")  # 0600
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        try:
            with app.suspend(), _interrupts_are_its_own():
                subprocess.run([*words, name], check=False)
        except SuspendNotSupported as error:
            raise InvalidInput("This terminal cannot be handed to an editor.", "Write here instead.") from error
        written = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInput(f"The editor could not be run ({one_line(str(error), 200)}).", _SET_ONE) from error
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
    # Editors end the last line; the person did not.
    return written[:-1] if written.endswith("\n") and not text.endswith("\n") else written


@contextlib.contextmanager
def _interrupts_are_its_own() -> Iterator[None]:
    """ctrl+c in the editor goes to all of this terminal; it is not meant for us. A handler, because what is ignored
    here would be ignored in the editor too."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    wakes = signal.set_wakeup_fd(-1)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGINT, before)
