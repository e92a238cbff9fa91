"""``localchat ask``: one turn, from words on the command line to the reply on standard output."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import sys
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from localchat import turns, validation
from localchat.attachments.reading import read_all
from localchat.cli.extract import last_block
from localchat.cli.markdown import Markdown
from localchat.cli.output import notice, print_json
from localchat.cli.parameters import ChatId, ModelRef, Words, given, parameters_option, wrong_usage
from localchat.cli.program import DEBUG, Command
from localchat.cli.session import Session, back_up_daily, interactive, pass_session
from localchat.cli.streaming_output import Outlet, StatusLine
from localchat.errors import ConfirmRemote, DiskFull, Internal, InvalidInput, LocalChatError, NotFound, ProviderRejected
from localchat.records import Message, host_of
from localchat.wording import NOT_OFFERED, fell_back, leaves, unarchived

if TYPE_CHECKING:
    from collections.abc import Callable

    from localchat.store import Store

LEAVING = 0.5  # seconds that an interrupted program waits for a reader that does not read


@click.command(cls=Command)
@click.option("-m", "--model", "ref", type=ModelRef(), metavar="REF", help="Answer this turn with that model.")
@click.option("-c", "--continue", "goes_on", is_flag=True, help="Go on with the chat used last.")
@click.option("--chat", "chat_id", type=ChatId(), metavar="ID", help="Go on with that chat.")
@click.option("-s", "--system", type=Words(), metavar="TEXT", help="The chat's system prompt, from this turn on.")
@click.option(
    "-a",
    "--attach",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="Send a text file or an image with PROMPT. May be given several times.",
)
@click.option(
    "--allow-remote",
    "host",
    type=Words(),
    metavar="HOST",
    help="Agree that the chat goes to HOST where its model is gone, though that ran on this machine or nobody knows.",
)
@parameters_option("For this turn; may be repeated. An empty VALUE leaves it to the endpoint.")
@click.option("--no-fallback", is_flag=True, help="The chat's own model or none: where it is gone, fail.")
@click.option("--again", is_flag=True, help="Ask for another reply to the last prompt of the chat; takes no PROMPT.")
@click.option("--temporary", is_flag=True, help="Keep nothing of this turn: neither prompt nor reply is stored.")
@click.option("--extract", is_flag=True, help="Print the last code block of the reply and nothing else.")
@click.option("--raw", "shown", flag_value="raw", help="Print Markdown as it came, also to a terminal.")
@click.option("--plain", "shown", flag_value="plain", help="Print Markdown without its marks, and without colour.")
@click.argument("prompt", required=False, type=Words())
@pass_session
def ask(
    session: Session,
    ref: str | None,
    goes_on: bool,
    chat_id: int | None,
    system: str | None,
    files: tuple[str, ...],
    host: str | None,
    parameters: tuple[str, ...],
    no_fallback: bool,
    again: bool,
    temporary: bool,
    extract: bool,
    shown: str | None,
    prompt: str | None,
) -> None:
    """Send PROMPT and print the reply as it comes.

    Standard input, if it is not empty, is appended to PROMPT; - as PROMPT is standard input. Begins a chat, unless
    -c or --chat is given. Without PROMPT and standard input, at a terminal, your editor opens.
    """
    if goes_on and chat_id is not None:
        raise wrong_usage("-c and --chat exclude each other.")
    if again and (prompt is not None or files):
        raise wrong_usage("--again takes no PROMPT and no files: the last prompt of the chat is asked again.")
    if temporary and (goes_on or chat_id is not None):
        raise wrong_usage("--temporary begins a chat that is not kept; leave out -c and --chat.")
    if again and not goes_on and chat_id is None:
        raise wrong_usage("--again needs -c or --chat ID: which chat?")
    text = "" if again else _words(prompt, files)
    wanted = given(parameters)
    session.on_a_loop = True
    store = session.enter_context(_passing(session.store)) if temporary else session.store
    if goes_on:
        last = store.chats.last()
        if last is None:
            raise NotFound("There is no chat to go on with.", "Leave out -c to begin one.")
        chat_id = last.id
    model_id = store.catalog.live(ref).id if ref is not None else None
    terms: dict[str, Any] = {
        "model_id": model_id,
        "agreed_host": None if host is None or ref is not None else host_of(host) or host.lower(),
        "no_fallback": no_fallback,
        "system": system,
        "parameters": {**dict.fromkeys(wanted), **validation.parameters(wanted)},
    }
    turn: turns.NewTurn | turns.Regenerate
    if again:
        assert chat_id is not None
        turn = turns.Regenerate(chat_id, _last_prompt(store, chat_id), **terms)
    else:
        turn = turns.NewTurn(text, chat_id=chat_id, attachments=read_all(files), **terms)
    while True:  # where another host would be asked by the time the person has answered, it is a new question
        try:
            _hold(_Run(session, store, turn, extract=extract, shown=shown, temporary=temporary))
            return
        except ConfirmRemote as question:
            if not interactive():
                raise
            notice(leaves(question))
            if not click.confirm(f"Send this chat to {question.host}?", err=True):
                raise
            turn = replace(turn, agreed_host=question.host)


def _passing(store: Store) -> contextlib.AbstractContextManager[Store]:
    from localchat.store.temporary import temporary

    return temporary(store, busy_timeout=0)


def _last_prompt(store: Store, chat_id: int) -> int:
    """The message that is asked again. Raises NotFound."""
    chat = store.chats.get(chat_id)
    for message in reversed(store.messages.line(chat, max(chat.length - 2, 0), chat.length)):
        if message.role == "user":
            return message.id
    raise NotFound(f"Chat {chat_id} has no prompt to ask again.", f"See it: `localchat chats show {chat_id}`.")


def _words(prompt: str | None, files: tuple[str, ...]) -> str:
    """PROMPT and what stands on standard input, with a blank line between them. Files may go without words."""
    piped = _standard_input(typed=prompt == "-")
    prompt = None if prompt == "-" else prompt
    if prompt is None and not piped.strip() and not files and interactive(output=True):
        return _edited()
    if prompt is None and not piped.strip() and not files:
        raise wrong_usage("Give a PROMPT, or text on standard input.")
    if not piped.strip():
        return prompt or ""
    return f"{prompt}\n\n{piped}" if prompt else piped


def _edited() -> str:
    """What a person writes in their editor. Raises UsageError where that is nothing."""
    try:
        text = click.edit(extension=".md") or ""
    except click.ClickException as error:
        raise wrong_usage(f"{error.format_message()} Give a PROMPT.") from error
    if not text.strip():
        raise wrong_usage("Nothing was written, so nothing was sent.")
    return text.strip()


def _standard_input(*, typed: bool = False) -> str:
    """All of it where it is no terminal, or where a person is to type there (``typed``). Raises InvalidInput where it
    is no text."""
    if sys.stdin is None or sys.stdin.closed or (sys.stdin.isatty() and not typed):
        return ""
    try:
        data = sys.stdin.buffer.read()
    except OSError as error:
        raise InvalidInput(
            f"Standard input cannot be read ({error.strerror or error}).", "Use `< /dev/null` for none."
        ) from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Standard input is no UTF-8 text: byte {error.start + 1} is 0x{data[error.start]:02x}. Nothing was sent.",
            "Convert it first, for example with `iconv -f latin1 -t utf-8`.",
        ) from error


@dataclass
class _Run:
    """One turn as it goes. ``stopped_by``: the signal that ended it, or 0 where the reader went away."""

    session: Session
    store: Store
    turn: turns.NewTurn | turns.Regenerate
    extract: bool = False  # only the last code block is printed, when all of the reply is there
    shown: str | None = None  # raw, plain, or as it suits standard output
    temporary: bool = False  # nothing is kept, so no line names the chat
    status: StatusLine = field(default_factory=StatusLine)
    outlet: Outlet | None = None
    began: turns.Began | None = None
    ended: turns.Ended | None = None
    stopped_by: int | None = None
    left_out: int = 0


def _hold(run: _Run) -> None:
    """Send, print, and end the run with the exit status that tells how it went."""
    _quiet_loop_noise()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_converse(run))
    if run.outlet is not None:
        if run.extract and run.ended is not None and run.ended.error is None:
            run.outlet.say(last_block(run.ended.message.content) or "")
        run.outlet.end(LEAVING if run.stopped_by is not None else None)
        if run.outlet.reader_left:
            run.stopped_by = run.stopped_by or 0
    if run.began is None:  # stopped before anything was stored
        raise click.exceptions.Exit(128 + (run.stopped_by or signal.SIGINT))
    if run.stopped_by is None and not run.temporary:
        back_up_daily(run.session)
    _report(run, run.began)


def _quiet_loop_noise() -> None:
    """What a vendor's library logs is not for the person who asks; standard error carries our words."""
    import logging
    import os

    root = logging.getLogger()
    if not os.environ.get(DEBUG) and not root.handlers:
        root.addHandler(logging.NullHandler())


async def _converse(run: _Run) -> None:
    from localchat.providers import connect

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def stop(cause: int) -> None:
        if run.stopped_by is None:
            run.stopped_by = cause
        task.cancel()

    def reader_left() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(stop, 0)

    _on_signals(loop, stop)
    run.outlet = None if run.session.json else Outlet(reader_left, _markdown(run))
    try:
        async with aclosing(turns.send(run.store, connect, run.turn)) as events:
            async for event in events:
                _tell(run, event)
    except asyncio.CancelledError:
        run.stopped_by = signal.SIGINT if run.stopped_by is None else run.stopped_by
    finally:
        run.status.clear()


def _markdown(run: _Run) -> Markdown | None:
    """Rendered for a person at a terminal; raw into pipes."""
    import os

    if run.shown == "raw" or run.extract:
        return None
    if run.shown == "plain":
        return Markdown(styled=False)
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return None
    return Markdown(styled=not os.environ.get("NO_COLOR"))


def _on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[int], None]) -> None:
    """ctrl+c, a hang-up and ``kill`` stop the reply. What a parent chose to ignore (``nohup``) stays ignored."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or signal.getsignal(number) == signal.SIG_IGN:
            continue
        # Where the loop cannot (Windows, a thread of a test), asyncio's own handling of ctrl+c stays.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop, int(number))


def on_terminal() -> bool:
    """Whether a person reads standard error: a script is not told which chat it is, but by ``--json``."""
    return sys.stderr is not None and sys.stderr.isatty()


def _tell(run: _Run, event: turns.Event) -> None:
    match event:
        case turns.Began():
            run.began = event
            if on_terminal() and not run.session.json and not run.temporary:
                notice(f"Chat {event.chat.id}")
            if event.unarchived:
                notice(unarchived(f"Chat {event.chat.id}"))
            _tell_who_answers(run, event)
        case turns.LeftOut(count):
            run.left_out = count
            run.status.clear()
            notice(f"{count} earlier messages do not fit the model's context and are not sent.")
        case turns.Waiting(progress):
            run.status.progress(progress)
        case turns.Thought():
            run.status.show("thinking…")
        case turns.Chunk(text):
            run.status.clear()
            if run.outlet is not None and not run.extract:
                run.outlet.say(text)
        case turns.Ended():
            run.ended = event


def _tell_who_answers(run: _Run, began: turns.Began) -> None:
    fallback = began.resolution.fallback
    if fallback is not None:
        notice(fell_back(fallback.wanted, fallback.used, fallback.reason, refs=True))
        return
    before = _reply_before(run.store, began)
    stood_in = before.fallback_from if before is not None else None
    if stood_in is not None and stood_in.id == began.resolution.used.id and run.turn.model_id is None:
        notice(f"{stood_in.ref} is back and answers again.")


def _reply_before(store: Store, began: turns.Began) -> Message | None:
    depth = began.reply.depth - 2
    line = store.messages.line(began.chat, depth, depth + 1) if depth >= 0 else []
    return line[0] if line and line[0].role == "assistant" else None


def _report(run: _Run, began: turns.Began) -> None:
    """How it ended, on standard error (or as the one JSON document), and in the exit status."""
    message = run.ended.message if run.ended is not None else run.store.messages.get(began.reply.id)
    block = last_block(message.content) if run.extract else None
    if run.session.json:
        print_json({**_document(run, began, message), **({"extracted": block} if run.extract else {})})
    if run.outlet is not None and run.outlet.error is not None:
        full = run.outlet.error.errno == errno.ENOSPC
        raise (DiskFull if full else Internal)(
            f"Standard output cannot be written ({run.outlet.error.strerror}).",
            _where(run, began, "What came is kept"),
        )
    if run.ended is not None and run.ended.error is not None:
        _tell_other_models(run, began, run.ended.error)
        raise run.ended.error
    if run.stopped_by:
        if run.ended is None:
            notice(f"Stopped. {_where(run, began, 'What came is kept')}")
        raise click.exceptions.Exit(128 + run.stopped_by)
    if message.finish_reason == "length":
        notice("The reply reached its limit of tokens and ends there.")
    if run.extract and block is None:
        raise NotFound("The reply has no code block.", _where(run, began, "It is kept"))


def _where(run: _Run, began: turns.Began, kept: str) -> str:
    return "Nothing was kept." if run.temporary else f"{kept}: `localchat chats show {began.chat.id}`."


def _tell_other_models(run: _Run, began: turns.Began, error: LocalChatError) -> None:
    """Where the endpoint does not offer the model any more: who could answer instead, and how."""
    if not isinstance(error, ProviderRejected) or not error.model_gone:
        return
    used, default = began.resolution.used, run.store.catalog.default()
    notice(f"{used.ref} is {NOT_OFFERED}.")
    if default is not None and default.id != used.id:
        if run.temporary:
            notice(f"The default can answer instead: add -m {default.ref}.")
            return
        notice(f"`localchat ask --chat {began.chat.id} -m {default.ref} PROMPT` asks the default for one turn.")
        notice(f"`localchat chats move {used.ref} {default.ref}` gives its chats that model for good.")


def _document(run: _Run, began: turns.Began, message: Message) -> dict[str, Any]:
    usage = message.usage
    fallback = message.fallback_from
    return {
        "chat_id": None if run.temporary else began.chat.id,
        "unarchived": began.unarchived,
        "message_id": None if run.temporary else message.id,
        "reply": message.content,
        "model": message.model.ref if message.model is not None else None,
        "status": message.status,
        "finish_reason": message.finish_reason,
        "fallback": {"from": fallback.ref, "reason": message.fallback_reason} if fallback is not None else None,
        "left_out": run.left_out,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens} if usage else None,
    }
