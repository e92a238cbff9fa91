"""What the shell offers at the tab key: names from the store. It must be quick, and it never complains."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from localchat.cli.session import Session
from localchat.store import Store
from localchat.text import one_line

if TYPE_CHECKING:
    from localchat.store.chats import Shelf

MOST = 50  # chats that are offered


def _from_store(
    ctx: click.Context, incomplete: str, read: Callable[[Store], Iterable[tuple[str, str]]]
) -> list[CompletionItem]:
    """Pairs of word and help from the store, if there is one yet: the tab key makes no file."""
    session = ctx.find_object(Session) or Session()
    with contextlib.suppress(Exception), session:
        if session.path.exists():
            return [
                CompletionItem(word, help=one_line(text, 60))
                for word, text in read(session.store)
                if word.startswith(incomplete) and one_line(word) == word
            ]
    return []


def chat_ids(ctx: click.Context, incomplete: str, shelves: Sequence[Shelf] = ("open",)) -> list[CompletionItem]:
    """The chats used last on these shelves."""
    return _from_store(
        ctx,
        incomplete,
        lambda store: [
            (str(chat.id), chat.title) for shelf in shelves for chat in store.chats.listing(shelf, limit=MOST)
        ],
    )


def refs(ctx: click.Context, incomplete: str, *, removed: bool = False, live: bool = True) -> list[CompletionItem]:
    """Live models, removed ones, or both."""

    def read(store: Store) -> list[tuple[str, str]]:
        here = [(model.ref, "default" if model.is_default else "") for model in store.catalog.models()] if live else []
        gone = [(model.ref, "removed") for model in store.catalog.models(removed=True)] if removed else []
        return list(dict([*gone, *here]).items())

    return _from_store(ctx, incomplete, read)


def providers(ctx: click.Context, incomplete: str, *, removed: bool = False) -> list[CompletionItem]:
    """The saved ones, or the removed ones that can come back."""

    def read(store: Store) -> list[tuple[str, str]]:
        if not removed:
            return [(provider.name, provider.kind) for provider in store.catalog.providers()]
        gone = [event for event in store.catalog.undoable() if event.action == "provider-removed"]
        return list({event.subject: "removed" for event in gone}.items())

    return _from_store(ctx, incomplete, read)
