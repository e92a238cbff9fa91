"""Chats of other programs and of our own exports, into a store: each once, whole, and without touching its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from localchat.errors import LocalChatError
from localchat.store import Store
from localchat.store.transfer import Exchange, Taken
from localchat.text import count
from localchat.transfer.importers import Imported, found, guarded
from localchat.transfer.importers.reading import EMPTY, LOOSE, problems
from localchat.transfer.portable import Note, Unreadable, WholeChat


def import_file(
    store: Store,
    given: str,
    *,
    kind: str | None = None,
    dry_run: bool = False,
    progress: Callable[[Imported], object] = lambda done: None,
) -> Imported:
    """Take over what the file or folder holds; ``kind`` where it shall not be guessed. ``progress`` is called after
    every chat, and may raise to stop there: what is in stays in.

    Raises InvalidInput for what is no export, and what a store raises when it cannot be written.
    """
    path, importer = found(given, kind)
    done = Imported(importer.KIND, importer.LABEL, dry_run)
    done.problems = problems(path)
    tally: Counter[Note] = Counter()
    exchange = Exchange(store)
    models: dict[str, None] = {}
    trashed = grown = 0
    for chat in guarded(importer, path):
        match chat:
            case Note():
                tally[chat] += 1
                done.empty += chat is EMPTY
            case Unreadable():
                done.chats_failed.append(chat)
            case _:
                taken = _taken(exchange, chat, done)
                if taken is None:
                    continue
                done.chats_imported += taken.new
                done.chats_skipped += not taken.new
                done.messages += taken.messages
                models |= dict.fromkeys(taken.models)
                trashed += taken.trashed
                grown += taken.grown > 0
                tally.update((*chat.notes, *(LOOSE,) * taken.loose) if taken.new else ())
        done.models_added = list(models)
        progress(done)
    done.notes = [note.times(number) for note, number in tally.items()]
    if trashed:
        done.notes.append(f"{count(trashed, 'of them is', 'of them are')} in the trash here.")
    if grown:
        done.notes.append(
            f"{count(grown, 'chat has', 'chats have')} gone on there since; what is here was left as it is."
        )
    return done


def _taken(exchange: Exchange, chat: WholeChat, done: Imported) -> Taken | None:
    """None where the chat cannot be: ``done`` tells why. Where the store fails, what is in already is told."""
    try:
        return exchange.look(chat) if done.dry_run else exchange.take(chat)
    except ValueError as error:
        done.chats_failed.append(Unreadable(chat.title, str(error)))
        return None
    except LocalChatError as error:
        if done.chats_imported:
            before = f"{count(done.chats_imported, 'chat is', 'chats are')} in already; import again to go on."
            error.hint = f"{error.hint} {before}".strip()
        raise
