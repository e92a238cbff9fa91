"""What the shell offers at the tab key: names from the store. It must be quick, and it never complains."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from localchat.cli.session import Session
from localchat.store import Store
from localchat.text import one_line

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


def chat_ids(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return _from_store(
        ctx, incomplete, lambda store: [(str(chat.id), chat.title) for chat in store.chats.listing(limit=MOST)]
    )


def refs(ctx: click.Context, incomplete: str, *, removed: bool = False) -> list[CompletionItem]:
    """Live models, or with ``removed`` the removed ones as well."""

    def read(store: Store) -> list[tuple[str, str]]:
        live = [(model.ref, "default" if model.is_default else "") for model in store.catalog.models()]
        gone = [(model.ref, "removed") for model in store.catalog.models(removed=True)] if removed else []
        return list(dict([*gone, *live]).items())

    return _from_store(ctx, incomplete, read)


def providers(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return _from_store(
        ctx, incomplete, lambda store: [(provider.name, provider.kind) for provider in store.catalog.providers()]
    )
