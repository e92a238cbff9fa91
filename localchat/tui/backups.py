"""Backups in the app: one made at once, and the newest in the store's place."""

from __future__ import annotations

import asyncio
from pathlib import Path

from localchat.errors import LocalChatError
from localchat.text import count, one_line
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell, tell_error


async def back_up_now(app: Shell) -> None:
    from localchat.store.backups import keep

    try:
        done = await app.written_apart("back up", lambda own: keep(own.connection, own.path))
    except LocalChatError as error:
        tell_error(app, error)
        return
    if done is not None:
        tell(app, f"Backed up {count(done.chats, 'chat')} to {one_line(str(done.file), 300)}.")


async def newest_to_restore(app: Shell) -> Path | None:
    """The newest backup, where the person wants it in the store's place."""
    from localchat.store.backups import listed
    from localchat.tui.dialogs.confirm import ConfirmDialog

    path = app.store.path
    found = await asyncio.to_thread(lambda: listed(path, counted=True))
    if not found:
        tell(app, "There are no backups yet. “Back up” makes one.")
        return None
    newest = found[0]
    held = count(newest.chats, "chat") if newest.chats is not None else "what cannot be counted"
    question = (
        f"The newest backup is of {newest.day} and holds {held}. What is here now is kept under another name, and the"
        " app opens again. `localchat restore` lists the others."
    )
    dialog = ConfirmDialog("Restore a backup?", question, yes="Restore it", no="Cancel", careful=True)
    return newest.file if await app.push_screen_wait(dialog) else None


def restored(backup: Path, store: Path) -> str:
    """Put it in the store's place, which nobody has open; what to tell. Raises like ``restore``."""
    from localchat.store.restore import restore

    done = restore(backup, store)
    kept = f" What was there is kept: {one_line(str(done.kept[0]), 300)}." if done.kept else ""
    return f"Restored {count(done.chats, 'chat')}.{kept}"
