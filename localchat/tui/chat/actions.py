"""What a person does with whole chats: each reads like its sentence: guard, ask, do, tell; and leaves an undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from localchat.records import Chat
from localchat.store import Store
from localchat.text import count, one_line
from localchat.tui.chat.live_turns import LiveTurns
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell


async def rename_chat(shell: Shell, chat_id: int) -> None:
    """Ask for a title and give it."""
    from localchat.tui.dialogs.prompt import TextPrompt

    chat = shell.store.chats.get(chat_id)
    title = await shell.push_screen_wait(TextPrompt("Rename chat", value=one_line(chat.title)))
    if title is not None:
        await shell.written("rename the chat", lambda: shell.store.chats.rename(chat_id, title))
        shell.chats_changed()


async def delete_chat(shell: Shell, live: LiveTurns, chat_id: int) -> None:
    """Into the trash, with undo; a reply that is coming in it is stopped and kept."""
    await live.stop(chat_id)
    await _with_undo(
        shell,
        lambda: shell.store.chats.trash(chat_id),
        lambda: shell.store.chats.untrash(chat_id),
        "deleting",
        "Deleted",
        "is back",
    )


async def archive_chat(shell: Shell, chat_id: int) -> None:
    """Out of the list, into the archive; or back."""
    archived = shell.store.chats.get(chat_id).archived_at is None
    await _with_undo(
        shell,
        lambda: shell.store.chats.archive(chat_id, archived),
        lambda: shell.store.chats.archive(chat_id, not archived),
        "archiving" if archived else "taking out of the archive",
        "Archived" if archived else "Took out of the archive",
        "is back where it was",
    )


async def _with_undo(
    shell: Shell, do: Callable[[], Chat], undo: Callable[[], Chat], doing: str, done: str, undone: str
) -> None:
    chat = await shell.written("change the chat", do)
    title = one_line(chat.title, 40)

    async def back() -> str:
        await shell.written("undo", undo)
        shell.chats_changed()
        return f"{title} {undone}."

    shell.undos.push(f"{doing} {title}", back, [chat.id])
    shell.chats_changed()
    shell.undos.tell(f"{done} {title}.")


async def pin_chat(shell: Shell, chat_id: int) -> None:
    """To the top of the list, or back into its place."""
    pinned = shell.store.chats.get(chat_id).pinned_at is None
    await shell.written("pin the chat", lambda: shell.store.chats.pin(chat_id, pinned))
    shell.chats_changed()


async def restore_chat(shell: Shell, chat_id: int) -> None:
    """Out of the trash or the archive, back into the list."""
    chat = await shell.written("restore the chat", lambda: shell.store.chats.restore(chat_id))
    shell.chats_changed()
    tell(shell, f"{one_line(chat.title, 40)} is back in the list.")


async def empty_trash(shell: Shell) -> None:
    """Delete for good what is in the trash; asked first, because nothing undoes it. What is put there or taken out
    meanwhile stays."""
    from localchat.tui.dialogs.confirm import ConfirmDialog

    parts = await shell.written_apart("look into the trash", lambda store: store.chats.trash_in_parts())
    if not parts:
        tell(shell, "The trash is empty.")
        return
    chats = sum(map(len, parts))
    agreed = await shell.push_screen_wait(
        ConfirmDialog(
            "Empty the trash?",
            f"{count(chats, 'chat')} will be deleted for good. Nothing can undo this.",
            yes="Delete for good",
            no="Keep them",
        )
    )
    if not agreed:
        return
    gone = 0
    try:
        for part in parts:
            gone += await shell.written_apart("empty the trash", partial(_erased, part))
    finally:  # also where the store refuses the rest
        shell.undos.forget_deleted()
        shell.chats_changed()
    tell(shell, f"Deleted {count(gone, 'chat')} for good.")


def _erased(chat_ids: list[int], store: Store) -> int:
    return store.chats.erase_trashed(chat_ids)
