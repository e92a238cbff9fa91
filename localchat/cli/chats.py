"""``localchat chats``: list, read, rename, archive, throw away and bring back, and give to another model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from localchat.cli.branches import parameters, versions
from localchat.cli.output import advice, age, answer, notice, table
from localchat.cli.parameters import ChatId, ModelRef, Words, wrong_usage
from localchat.cli.program import Group
from localchat.cli.search import search
from localchat.cli.session import Session, interactive, pass_session
from localchat.cli.transfer import export
from localchat.errors import NotFound
from localchat.records import Chat, Message, Model
from localchat.text import count, one_line

if TYPE_CHECKING:
    from localchat.store import Store
    from localchat.store.chats import Shelf

PAGE = 500  # chats or messages that are read at once


@click.group(cls=Group)
def chats() -> None:
    """List, read, order, delete and restore chats."""


chats.add_command(export)
chats.add_command(search)
chats.add_command(parameters)
chats.add_command(versions)


@chats.command("list")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show at most N chats. Default: all.",
)
@click.option("--archived", "shelf", flag_value="archived", help="The archived ones.")
@click.option("--trash", "shelf", flag_value="trash", help="The deleted ones; `chats restore ID` brings one back.")
@pass_session
def list_chats(session: Session, limit: int | None, shelf: Shelf | None) -> None:
    """List chats, the one used last first.

    Archived and deleted ones are listed with --archived and --trash.
    """
    found = list(_listing(session.store, shelf or "open", limit))
    rows = [
        (str(chat.id), chat.title or "(no title)", _model_name(chat), str(chat.length), age(chat.updated_at))
        for chat in found
    ]
    lines = table(("ID", "TITLE", "MODEL", "MESSAGES", "USED"), rows, wide=1) if rows else ["No chats here."]
    answer(session, [_entry(chat) for chat in found], *lines)


def _listing(store: Store, shelf: Shelf, limit: int | None) -> Iterator[Chat]:
    """Page by page: a store may hold a hundred thousand."""
    left, after = limit, None
    while left is None or left > 0:
        page = store.chats.listing(shelf, limit=PAGE if left is None else min(PAGE, left), after=after)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]
        left = None if left is None else left - len(page)


def _entry(chat: Chat) -> dict[str, Any]:
    return {
        "id": chat.id,
        "title": chat.title,
        "model": chat.model.ref if chat.model is not None else None,
        "model_removed": chat.model is not None and chat.model.removed,
        "messages": chat.length,
        "created_at": chat.created_at,
        "updated_at": chat.updated_at,
        "archived_at": chat.archived_at,
        "pinned_at": chat.pinned_at,
        "deleted_at": chat.deleted_at,
    }


def _model_name(chat: Chat) -> str:
    if chat.model is None:
        return "(none yet)"
    return f"{chat.model.ref} (removed)" if chat.model.removed else chat.model.ref


@chats.command()
@click.argument("chat_id", type=ChatId(), metavar="ID")
@pass_session
def show(session: Session, chat_id: int) -> None:
    """Show a whole conversation.

    Who said what, how each reply ended, and what localchat did in between.
    """
    from localchat.cli.transcript import lines_of

    chat = session.store.chats.get(chat_id)
    messages = list(_messages(session.store, chat))
    document = {**_entry(chat), "system": chat.system, "messages": [_message(message) for message in messages]}
    answer(session, document, *(lines_of(chat, messages) if not session.json else ()))


def _messages(store: Store, chat: Chat) -> Iterator[Message]:
    for start in range(0, chat.length, PAGE):
        yield from store.messages.line(chat, start, start + PAGE)


def _message(message: Message) -> dict[str, Any]:
    error, usage = message.error, message.usage
    return {
        "id": message.id,
        "role": message.role,
        "content": message.content,
        "attachments": [
            {"name": each.name, "media_type": each.media_type, "size": each.size} for each in message.attachments
        ],
        "status": message.status,
        "model": message.model.ref if message.model is not None else None,
        "model_removed": message.model is not None and message.model.removed,
        "fallback_from": message.fallback_from.ref if message.fallback_from is not None else None,
        "fallback_reason": message.fallback_reason,
        "error": {"code": error.code, "message": error.message, "hint": advice(error)} if error is not None else None,
        "reasoning": message.reasoning,
        "finish_reason": message.finish_reason,
        "left_out": message.left_out,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens} if usage else None,
        "created_at": message.created_at,
    }


@chats.command()
@click.argument("chat_id", type=ChatId(), metavar="ID")
@click.argument("title", type=Words())
@pass_session
def rename(session: Session, chat_id: int, title: str) -> None:
    """Give a chat another title."""
    chat = session.store.chats.rename(_there(session, chat_id), title)
    answer(session, _entry(chat), f"Chat {chat.id} is now “{chat.title}”.")


@chats.command()
@click.argument("ids", type=ChatId(), nargs=-1, required=True, metavar="ID...")
@pass_session
def archive(session: Session, ids: tuple[int, ...]) -> None:
    """Put chats away; they stay readable."""
    each_chat(
        session,
        ids,
        lambda one: session.store.chats.archive(one, archived=True),
        lambda chat: f"Archived {_named(chat)}. `localchat chats unarchive {chat.id}` brings it back.",
    )


@chats.command()
@click.argument("ids", type=ChatId("archived"), nargs=-1, required=True, metavar="ID...")
@pass_session
def unarchive(session: Session, ids: tuple[int, ...]) -> None:
    """Bring archived chats back to the list."""
    each_chat(session, ids, lambda one: session.store.chats.archive(one, archived=False), _is_back)


@chats.command()
@click.argument("ids", type=ChatId(), nargs=-1, required=True, metavar="ID...")
@pass_session
def pin(session: Session, ids: tuple[int, ...]) -> None:
    """Keep chats on top of the list."""
    each_chat(
        session,
        ids,
        lambda one: session.store.chats.pin(one, pinned=True),
        lambda chat: f"Pinned {_named(chat)}. `localchat chats unpin {chat.id}` lets it go.",
    )


@chats.command()
@click.argument("ids", type=ChatId(), nargs=-1, required=True, metavar="ID...")
@pass_session
def unpin(session: Session, ids: tuple[int, ...]) -> None:
    """Let pinned chats go back to their place in the list."""
    each_chat(
        session,
        ids,
        lambda one: session.store.chats.pin(one, pinned=False),
        lambda chat: f"{_titled(chat)} is no longer pinned.",
    )


@chats.command()
@click.option("--at", "message_id", type=ChatId(), metavar="N", help="The last one to copy; see `chats show --json`.")
@click.argument("chat_id", type=ChatId(), metavar="ID")
@pass_session
def fork(session: Session, chat_id: int, message_id: int | None) -> None:
    """Begin a new chat with a copy of this one.

    Up to and with the last message of the line that the chat shows, or with message N. The old chat stays as it is.
    """
    old = session.store.chats.get(chat_id)
    at = old.leaf_id if message_id is None else message_id
    if at is None:
        raise NotFound(f"Chat {chat_id} has no messages.", "There is nothing to copy.")
    if message_id is not None:
        _message_there(session, chat_id, message_id)
    chat = session.store.chats.fork(chat_id, at)
    answer(
        session,
        {**_entry(chat), "forked_from": chat_id},
        f"Chat {chat.id}, “{one_line(chat.title, 60)}”, has a copy of {count(chat.length, 'message')}"
        f" of chat {chat_id}.",
    )


def _message_there(session: Session, chat_id: int, message_id: int) -> None:
    """Raises NotFound, which names what is not there."""
    try:
        there = session.store.messages.get(message_id).chat_id == chat_id
    except NotFound:
        there = False
    if not there:
        raise NotFound(
            f"Chat {chat_id} has no message {message_id}.", f"See the ids: `localchat chats show {chat_id} --json`."
        )


@chats.command()
@click.argument("chat_id", type=ChatId(), metavar="ID")
@click.argument("ref", required=False, type=ModelRef(), metavar="[REF]")
@pass_session
def model(session: Session, chat_id: int, ref: str | None) -> None:
    """Say which model a chat has, or give it another.

    With REF the chat keeps that model for good; other chats are left as they are.
    """
    chat = session.store.chats.get(chat_id)
    if ref is None:
        answer(session, _entry(chat), _model_name(chat))
        return
    chat = session.store.chats.set_model(chat_id, session.store.catalog.live(ref).id)
    answer(session, _entry(chat), f"{_titled(chat)} has {_model_name(chat)} now.")


@chats.command()
@click.option("--forever", is_flag=True, help="Not into the trash: it cannot be brought back.")
@click.option("--yes", is_flag=True, help="With --forever: do not ask.")
@click.argument("ids", type=ChatId("open", "archived"), nargs=-1, required=True, metavar="ID...")
@pass_session
def delete(session: Session, ids: tuple[int, ...], forever: bool, yes: bool) -> None:
    """Put chats into the trash, or delete them for good."""
    there = [session.store.chats.get(chat_id) for chat_id in dict.fromkeys(ids)]
    if forever:
        _erase(session, there, yes, many=len(ids) > 1)
        return
    if yes:
        raise wrong_usage("--yes belongs to --forever; the trash needs no question.")
    for chat in there:
        if chat.deleted_at is not None:
            raise NotFound(
                f"Chat {chat.id} is in the trash already.", f"`localchat chats restore {chat.id}` takes it out."
            )
    each_chat(
        session,
        ids,
        session.store.chats.trash,
        lambda chat: f"Deleted {_named(chat)}. `localchat chats restore {chat.id}` brings it back.",
    )


def _erase(session: Session, chats: list[Chat], yes: bool, *, many: bool) -> None:
    """Raises UsageError where a person would have to be asked and none is there."""
    what = [f"{_named(chat)}, with {count(chat.length, 'message')}" for chat in chats]
    if not yes:
        if session.json or not interactive():
            raise wrong_usage("Deleting for good needs --yes where nobody can be asked.")
        if not click.confirm(f"Delete {'; '.join(what)} for good?", err=True):
            notice("Nothing was deleted.")
            return
    for chat in chats:
        session.store.chats.erase(chat.id)
    gone = [{**_entry(chat), "erased": True} for chat in chats]
    answer(session, gone if many else gone[0], *(f"Deleted {each} for good." for each in what))


@chats.command()
@click.argument("ids", type=ChatId("trash", "archived"), nargs=-1, required=True, metavar="ID...")
@pass_session
def restore(session: Session, ids: tuple[int, ...]) -> None:
    """Take chats out of the trash or the archive."""
    here = {chat_id for chat_id in ids if _is_listed(session.store.chats.get(chat_id))}
    each_chat(
        session,
        ids,
        session.store.chats.restore,
        lambda chat: f"{_titled(chat)} is in the list already." if chat.id in here else _is_back(chat),
    )


def each_chat(
    session: Session, ids: Sequence[int], change: Callable[[int], Chat], words: Callable[[Chat], str]
) -> None:
    """Change every chat, or none where one is not there. One ID is answered with the chat, several with an array."""
    wanted = list(dict.fromkeys(ids))
    for chat_id in wanted:
        _there(session, chat_id)
    changed = [change(chat_id) for chat_id in wanted]
    entries = [_entry(chat) for chat in changed]
    answer(session, entries[0] if len(ids) == 1 else entries, *map(words, changed))


def _is_listed(chat: Chat) -> bool:
    return chat.deleted_at is None and chat.archived_at is None


def _is_back(chat: Chat) -> str:
    return f"{_titled(chat)} is back in the list."


def _there(session: Session, chat_id: int) -> int:
    """The id of a chat that is there. Raises NotFound, which names it."""
    return session.store.chats.get(chat_id).id


def _named(chat: Chat) -> str:
    return f"chat {chat.id}, “{one_line(chat.title, 60)}”"


def _titled(chat: Chat) -> str:
    """Its name, at the beginning of a sentence."""
    return f"Chat {chat.id}, “{one_line(chat.title, 60)}”,"


@chats.command()
@click.option("--undo", is_flag=True, help="Give the chats of the last move back the models that they had.")
@click.argument("old", required=False, type=ModelRef(removed=True), metavar="OLD")
@click.argument("new", required=False, type=ModelRef(), metavar="NEW")
@pass_session
def move(session: Session, undo: bool, old: str | None, new: str | None) -> None:
    """Give all chats of OLD the model NEW.

    OLD may be a removed model; the chats keep NEW for good, until `--undo`.
    """
    if undo:
        if old is not None:
            raise wrong_usage("--undo takes no OLD and NEW.")
        _move_back(session)
        return
    if old is None or new is None:
        raise wrong_usage("Give the models OLD and NEW.")
    catalog = session.store.catalog
    target = catalog.live(new)
    sources = [model for model in _ever(session.store, old) if model.id != target.id]
    moved = catalog.move_chats(catalog.move_of([model.id for model in sources]), catalog.target(target.id))
    number = len(moved.before)
    answer(
        session,
        {"from": old, "to": target.ref, "chats_moved": number},
        f"Moved {count(number, 'chat')} from {old} to {target.ref}."
        + (" `localchat chats move --undo` moves them back." if number else ""),
    )


def _ever(store: Store, ref: str) -> list[Model]:
    """The live model of that name and its tombstones. Raises NotFound, InvalidInput."""
    from localchat.store.catalog.queries import parsed

    provider, name = parsed(ref)
    there = [*store.catalog.models(provider), *store.catalog.models(provider, removed=True)]
    found = [model for model in there if model.model == name]
    if not found:
        raise NotFound(f"There is no model {ref}, live or removed.", "See `localchat models list --all`.")
    return found


def _move_back(session: Session) -> None:
    from localchat.store.catalog.log import chats_moved

    catalog = session.store.catalog
    event = next((each for each in catalog.undoable() if each.action == "chats-moved"), None)
    moved = chats_moved(event) if event is not None else None
    if event is None or moved is None:
        raise NotFound("There is no move to undo.", "`localchat undo --list` shows what can be.")
    number = catalog.undo_event(event.id).chats
    stayed = len(moved.before) - number
    answer(
        session,
        {"chats_moved_back": number, "chats_left": stayed},
        f"Gave {count(number, 'chat')} back the model {'it' if number == 1 else 'they'} had."
        + (f" {count(stayed, 'chat')} had another one meanwhile and kept it." if stayed else ""),
    )
