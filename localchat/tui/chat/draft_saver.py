"""Drafts on their way into the store: the newest words of each chat are here at once, in the store a moment later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from localchat.attachments.drafts import Draft, decoded, encoded
from localchat.errors import NotFound
from localchat.store import PendingWrites, Store

NEW_CHAT_DRAFT = "draft of a new chat"  # its name in the store's state


class DraftSaver:
    """What is typed and not sent, by chat; None is the chat that has not begun. Nothing here waits."""

    def __init__(self, store: Store, pending: PendingWrites, failed: Callable[[BaseException], None]) -> None:
        """``failed`` is told what stands in the way of storing a draft; it is tried again all the same."""
        self._store = store
        self._pending = pending
        self._failed = failed
        self._unstored: dict[int | None, Draft] = {}
        self._on_the_way: set[int | None] = set()

    def of(self, chat_id: int | None) -> Draft:
        """What was typed there last, whether or not the store has it yet; read anew, whoever wrote it."""
        if chat_id in self._unstored:
            return self._unstored[chat_id]
        return decoded((self._stored(chat_id) or "") if chat_id is not None else self._store.state.get(NEW_CHAT_DRAFT))

    def keep(self, chat_id: int | None, draft: Draft) -> None:
        """Remember what is typed there now; ``save`` stores it."""
        self._unstored[chat_id] = draft

    def save(self) -> None:
        """Store what is not stored yet."""
        for chat_id in self._unstored.keys() - self._on_the_way:
            self._on_the_way.add(chat_id)
            outcome = self._pending.put(
                "store what you typed",
                lambda chat_id=chat_id: self._write(chat_id),  # type: ignore[misc]
                words=lambda chat_id=chat_id: self._words(chat_id),  # type: ignore[misc]
            ).outcome
            if outcome.done():
                self._settle(outcome)
            else:
                outcome.add_done_callback(self._settle)

    def _settle(self, outcome: asyncio.Future[None]) -> None:
        error = None if outcome.cancelled() else outcome.exception()
        if error is not None:
            self._failed(error)

    def _write(self, chat_id: int | None) -> None:
        """The newest words, whatever they were when the write was asked for."""
        draft = self._unstored[chat_id]
        text = encoded(draft)
        self._store.check_files()  # what is the same as before may stand in a file that is gone
        if chat_id is None:
            if self._store.state.get(NEW_CHAT_DRAFT) != text:
                self._store.state.put(NEW_CHAT_DRAFT, text)
        elif (self._stored(chat_id) or "") != text:
            self._store.chats.set_draft(chat_id, text)
        self._on_the_way.discard(chat_id)
        del self._unstored[chat_id]

    def _stored(self, chat_id: int) -> str | None:
        try:
            return self._store.chats.get(chat_id).draft
        except NotFound:
            return None

    def _words(self, chat_id: int | None) -> str:
        draft = self._unstored.get(chat_id, Draft())
        return "\n".join([draft.text, *draft.paths])
