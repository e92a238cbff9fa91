"""One chat as a person uses it: what is written, sent, asked again, edited, stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer

from localchat import turns
from localchat.errors import Changed, ConfirmRemote, InvalidInput, LocalChatError, NotFound
from localchat.providers import warm
from localchat.records import Chat, Progress
from localchat.text import count, one_line
from localchat.tui.chat import costs
from localchat.tui.chat import standing_line as lines
from localchat.tui.chat.asking_again import AskingAgain, Planned
from localchat.tui.chat.chat_session import ChatSession, LeftEdit, Outgoing
from localchat.tui.chat.chat_transcript import ChatTranscript, leaf_of_version, with_versions
from localchat.tui.chat.chat_view import ChatView
from localchat.tui.chat.draft_saver import DraftSaver
from localchat.tui.chat.greeting import Greeting
from localchat.tui.chat.live_turns import LiveReply, LiveTurn, LiveTurns
from localchat.tui.chat.status_line import Status, StatusLine
from localchat.tui.composer.composer import Composer
from localchat.tui.composer.panel import Writing
from localchat.tui.shell import Shell
from localchat.tui.toasts import reporting, tell, tell_error
from localchat.tui.transcript import Transcript
from localchat.turns import compaction
from localchat.wording import unarchived

DRAFT_AFTER = 0.4  # seconds without a key until the draft is saved
LONG = 0.5  # seconds on its way after which a message is said to be waiting
EARLY = ("stopped", "interrupted", "failed")


class Conversation(ChatView):
    """What was typed is in the composer, on its way with a turn, or stored: never nowhere, never in another chat."""

    DEFAULT_CSS = """
    Conversation {
      width: 1fr;
      & > ChatTranscript { height: 1fr; }
      & > Greeting { height: 1fr; display: none; }
      &.-empty > ChatTranscript { display: none; }
      &.-empty > Greeting { display: block; }
    }
    """

    class Consent(Message):
        """The turn would leave this machine; nothing was sent. To be answered with ``agreed`` or not at all."""

        def __init__(self, outgoing: Outgoing, error: ConfirmRemote) -> None:
            super().__init__()
            self.outgoing = outgoing
            self.error = error

    class Forked(Message):
        """A new chat was made of a part of this one."""

        def __init__(self, chat: Chat) -> None:
            super().__init__()
            self.chat = chat

    def __init__(self, shell: Shell, live: LiveTurns, *, id: str | None = None) -> None:
        self._shell = shell
        self._drafts = DraftSaver(shell.store, shell.pending, self._draft_failed)
        super().__init__(shell.store, ChatSession(shell.store, self._drafts), live, id=id)
        self._job: Progress | None = None  # what takes its time beside replies: a compaction
        self._warmed = False
        self._draft_timer: Timer | None = None
        self._tick: Timer | None = None
        self._asking_again = AskingAgain(self.update_status, self._ask_as_planned)

    def compose(self) -> ComposeResult:
        yield ChatTranscript(id="transcript")
        yield Greeting()
        yield StatusLine()
        yield Writing(self._store.messages.prompts, id="writing")

    @property
    def composer(self) -> Composer:
        return self.writing.composer

    @property
    def writing(self) -> Writing:
        return self.query_one(Writing)

    @property
    def editing(self) -> bool:
        """Whether the composer holds a message that was sent before."""
        return self.session.edited is not None

    @property
    def busy(self) -> bool:
        """Whether something beside a reply is going on that escape can cancel."""
        return self._job is not None

    @property
    def asks_again(self) -> bool:
        """Whether a failed turn is to be asked again by itself."""
        return self._asking_again.seconds is not None

    @property
    def ended_early(self) -> bool:
        """Whether the last reply was stopped, cut, or reached the length limit."""
        if self.chat is None or self.chat.length == 0 or self.live is not None:
            return False
        last = self._store.messages.line(self.chat, self.chat.length - 1)[-1:]
        return any(m.content and (m.status in EARLY or m.finish_reason == "length") for m in last)

    def on_mount(self) -> None:
        self._turns.listener = self
        self.composer.take_submitted = self.submit
        if not self._shell.still and costs.wanted(self._store):
            self.run_worker(self.read_prices, thread=True, group="prices")
        self._tick = self.set_interval(LONG, self.update_status, pause=True)
        self._asking_again.mind(self.set_interval(0.2, self._asking_again.step, pause=True))
        self.watch(self._shell, "waiting", lambda what: self.update_status(), init=False)

    def on_unmount(self) -> None:
        self._turns.listener = None

    # Which chat is open

    def show(self, chat: Chat | None, at: int | None = None) -> None:
        """Open this chat, or a new one. ``at``: the depth of the message to go to, else the end."""
        self._asking_again.cancel()
        self.session.draft = self.writing.draft
        self.session.open(chat)
        self._write_draft()
        self.draw(at)
        self.update_status()
        self.post_message(self.Changed(chat))

    def refresh_chat(self) -> None:
        """Read the open chat anew: something changed it, here or in another window."""
        if self.chat is None:
            self.greet()
            self.update_status()
            return
        try:
            fresh = self._store.chats.get(self.chat.id)
        except NotFound:
            fresh = None
        if fresh is None or (fresh.deleted_at is not None and self.chat.deleted_at is None):
            self._lose_chat()
            return
        self.read_anew(fresh)
        self.update_status()

    def _lose_chat(self) -> None:
        """The open chat went into the trash or is gone; what was typed moves on to a new chat."""
        self.session.draft = self.writing.draft
        self.session.lose()
        self._write_draft()
        self.draw()
        self.update_status()
        self.post_message(self.Changed(None))

    def _write_draft(self) -> None:
        if self.writing.draft != self.session.draft or self.composer.looks_back:
            self.writing.draft = self.session.draft

    def after_typing(self, do: Callable[[], object]) -> None:
        """Keys reach the composer through its queue: what another key does to the chat takes its turn there, after what
        was typed before it and before what is typed after it."""
        self.composer.call_later(do)

    # Asking. Each fixes the whole request before anything is awaited.

    def submit(self, words: str) -> None:
        """Send these words out of the composer, with the chips; what else stands there by now stays."""
        if not words.strip() and not self.writing.draft.chips:
            return
        with reporting(self._shell):
            self._turns.check_free(self.session.chat_id)
            self.composer.keep_older()
            self.session.draft = self.writing.draft
            pasted = self.composer.pasted_paths
            outgoing = self.session.submit(words, self._shell.default_model, pasted)
            self._begin(outgoing, lambda: self._with_files(outgoing))

    async def _with_files(self, outgoing: Outgoing) -> turns.TurnRequest:
        return outgoing.with_files(await self.writing.files(self._store, outgoing.draft, outgoing.pasted))

    def ask_again(self, model_id: int | None = None, *, ask_first: bool = False) -> None:
        """Answer the last prompt once more; the answer that is there stays as another version. ``ask_first``: that
        model was not chosen by name, so the person is asked before the chat leaves this machine for it."""
        self._ask(lambda: self.session.again(model_id, ask_first=ask_first))

    def go_on(self) -> None:
        """Have the last reply, stopped or cut, continued; the short one stays as another version."""
        self._ask(self.session.rest)

    def _ask(self, fix: Callable[[], Outgoing]) -> None:
        with reporting(self._shell):
            self._turns.check_free(self.session.chat_id)
            self.session.draft = self.writing.draft
            outgoing = fix()
            self._begin(outgoing, lambda: self._with_files(outgoing))

    def agreed(self, outgoing: Outgoing, host: str) -> None:
        """Send what would have left this machine: the person agreed to that host."""
        with reporting(self._shell):
            self._turns.check_free(outgoing.chat_id)
            request = replace(outgoing.request, agreed_host=host, expects=None)
            self.session.draft = self.writing.draft
            self.session.resubmit(outgoing)

            async def ready() -> turns.TurnRequest:  # its files were read before
                return request

            self._begin(outgoing, ready)

    def _begin(self, outgoing: Outgoing, ready: Callable[[], Awaitable[turns.TurnRequest]]) -> None:
        self._turns.begin(outgoing, ready)
        self._asking_again.cancel()
        self._write_draft()
        self.set_timer(LONG + 0.05, self.update_status)
        self.update_status()
        self.screen.refresh_bindings()

    def stop(self) -> bool:
        """Stop the reply and keep what came, or take back what is still on its way; whether there was anything."""
        stopped = self._turns.cancel(self.session.chat_id) or self._asking_again.cancel()
        self.update_status()
        self.screen.refresh_bindings()
        return stopped

    def _ask_as_planned(self, planned: Planned) -> None:
        """The wait is over. Where the chat went on meanwhile (in another window), or the message is being edited, that
        is what the person wants."""
        if self.chat is not None and self.chat.leaf_id == planned.reply_id and not self.editing:
            self.ask_again(planned.model_id)
        self.update_status()
        self.screen.refresh_bindings()

    # What becomes of it: see ``Listener``

    def turn_began(self, turn: LiveTurn, began: turns.Began) -> None:
        self.session.draft = self.writing.draft
        if not self.session.began(turn.outgoing, began):
            self._shell.chats_changed()
            return
        self.draw()
        self.update_status()
        self.screen.refresh_bindings()
        if began.new_chat or began.unarchived:
            self.post_message(self.Changed(self.chat))
        if began.unarchived:
            tell(self._shell, unarchived("This chat"))
        if self._tick is not None:
            self._tick.resume()

    def turn_told(self, turn: LiveTurn, reply: LiveReply, event: turns.Event) -> None:
        if isinstance(event, turns.Ended) and not event.kept:
            self.keep_words(event.message)
        if turn.chat_id != self.session.chat_id:
            return
        if isinstance(event, turns.Ended):
            self._asking_again.plan(event, turn.request.model_id)
            self._end(reply, event)
        else:
            self.draw_event(reply, event)
        if isinstance(event, turns.Waiting):
            self.update_status()

    def turn_over(self, turn: LiveTurn) -> None:
        if turn.ended or turn.reply is None:
            return
        if turn.chat_id == self.session.chat_id:
            self._end(turn.reply)

    def _end(self, reply: LiveReply, ended: turns.Ended | None = None) -> None:
        if not self.draw_end(reply, ended.message if ended is not None else None):
            self._lose_chat()
            return
        self.update_status()
        if self._tick is not None:
            self._tick.pause()
        self.post_message(self.Changed(self.chat))

    def turn_withdrawn(self, turn: LiveTurn, error: LocalChatError | None) -> None:
        self.session.draft = self.writing.draft
        if self.session.give_back(turn.outgoing):
            self._write_draft()
        self.update_status()
        self.screen.refresh_bindings()
        if isinstance(error, ConfirmRemote):
            self.post_message(self.Consent(replace(turn.outgoing, request=turn.request), error))
        elif error is not None:
            tell_error(self._shell, error)
            if isinstance(error, Changed | NotFound | InvalidInput):  # what is shown may be old
                self._shell.catalog_changed()

    # Compaction

    async def compact(self, agreed_host: str | None = None) -> None:
        """Have the older messages sent as a summary from now on. escape cancels it; then all is as it was."""
        chat = self.chat
        if chat is None or self.live is not None or self._job is not None:
            raise InvalidInput("Not now.", "Wait for what is going on, or stop it with escape.")
        self._job = Progress("Compacting")
        self.update_status()
        try:
            events = compaction.compact(self._store, self._shell.connect, chat.id, agreed_host=agreed_host)
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, compaction.Compacted):
                        tell(self._shell, f"{count(event.messages, 'message')} now go as a summary. f9 shows it.")
                    else:
                        self._job = event
                        self.update_status()
        finally:
            self._job = None
            self.refresh_chat()

    # Single messages

    @on(ChatTranscript.Asked)
    def _message_asked(self, event: ChatTranscript.Asked) -> None:
        event.stop()
        chat, message_id = self.chat, event.message_id
        if chat is None:
            return
        with reporting(self._shell):
            if event.what == "fork":
                if not any(worker.group == "fork" and worker.is_running for worker in self.workers):
                    self._fork(chat.id, message_id)
                return
            self._turns.check_free(chat.id)
            if event.what == "edit":
                self.edit(message_id)
            else:
                self._show_version(chat, message_id, -1 if event.what == "older" else 1)

    @work(group="fork")
    async def _fork(self, chat_id: int, message_id: int) -> None:
        with reporting(self._shell):
            forked = await self._shell.written_apart(
                "fork the chat", lambda store: store.chats.fork(chat_id, message_id)
            )
            self.post_message(self.Forked(forked))

    def edit(self, message_id: int) -> None:
        """Take a message of the person's into the composer; enter sends it as a new version of it. Raises InvalidInput
        for any other message, NotFound."""
        self.session.draft = self.writing.draft
        left = self.session.edit(self._store.messages.get(message_id))
        self._write_draft()
        self._offer_back(left)
        self.composer.focus()
        self.update_status()

    def _show_version(self, chat: Chat, message_id: int, step: int) -> None:
        message = with_versions(self._store, chat, message_id)
        leaf = leaf_of_version(self._store, message, step)

        def show(changed: Chat) -> None:
            if self.session.chat_id == changed.id:
                self.session.chat = changed
                self.draw(min(message.depth, changed.length - 1))
                self.update_status()

        self._shell.write("show another version", lambda: self._store.chats.set_leaf(chat.id, leaf), show)

    def leave_edit(self) -> bool:
        """Back to what was being written before; whether there was an edit to leave."""
        self.session.draft = self.writing.draft
        left = self.session.leave_edit()
        if left is not None:
            self._write_draft()
            self._offer_back(left)
            self.update_status()
        return left is not None

    def _offer_back(self, left: LeftEdit | None) -> None:
        """f8 brings back what was written in an edit that was left."""
        if left is None or not left.changed:
            return

        async def back() -> str:
            self.session.draft = self.writing.draft
            if not self.session.bring_back(left):
                return "What you wrote is in the draft of its chat."
            self._write_draft()
            self.update_status()
            return "You go on with your edit." if self.session.edited == left.edited else "What you wrote is back."

        self._shell.undos.push("leaving the edit", back, [left.edited.chat_id])
        self._shell.undos.tell("You left the edit.")

    # The line above the composer

    def update_status(self) -> None:
        self.query_one(StatusLine).status = self._status()

    def _status(self) -> Status | None:
        turn = self.live
        if turn is not None and (turn.reply is None or turn.stopping):
            return lines.on_its_way(turn, self._shell.waiting)
        if self._shell.waiting:
            return lines.waiting(self._shell.waiting)
        if self.live_reply is not None:
            return lines.coming(self.live_reply, self.transcript.at_end)
        if self._job is not None:
            return lines.working(self._job)
        if self.editing:
            return lines.editing()
        if (seconds := self._asking_again.seconds) is not None:
            return lines.asking_again(seconds)
        model = self.session.model_for_new_chat
        return lines.standing(self._store, self.chat, model, self.fill(), self._shell.undos.takes_back_removal_of)

    @on(Writing.ChipRemoved)
    def _chip_removed(self, event: Writing.ChipRemoved) -> None:
        """f8 puts it back where it was, whichever chat is open by then."""
        event.stop()
        chat_id, chip, what = self.session.chat_id, event.chip, event.what

        async def put_back() -> str:
            if self.session.chat_id == chat_id:
                self.writing.put_back(chip)
                return f"Back: {what}"
            chat = self._store.chats.get(chat_id) if chat_id is not None else None
            kept = self._drafts.of(chat_id)
            self._drafts.keep(chat_id, replace(kept, chips=(*kept.chips, chip)))
            self._drafts.save()
            return f"Back in {one_line(chat.title, 40) if chat is not None else 'the new chat'}: {what}"

        self._shell.undos.push(f"removing {what}", put_back, [chat_id] if chat_id is not None else [])
        self._shell.undos.tell(f"Removed {what}.")

    @on(Composer.Turned)
    def _turn_page(self, event: Composer.Turned) -> None:
        event.stop()
        if event.direction < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    @on(Transcript.FollowChanged)
    def _followed(self) -> None:
        self.update_status()

    @on(Transcript.CopyRequested)
    def _copy(self, event: Transcript.CopyRequested) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        tell(self._shell, f"Copied {event.what}.")

    @on(Transcript.LinkClicked)
    def _open_link(self, event: Transcript.LinkClicked) -> None:
        event.stop()
        self.app.open_url(event.url)

    # Drafts

    @on(Writing.EditOutside)
    def _edit_outside(self) -> None:
        """The loop stands still while the editor runs; no reply may be waiting for it."""
        if len(self._turns):
            tell(self._shell, "A reply is still coming. escape stops it; then f6 opens your editor.")
            return
        self.save_draft()
        self.writing.run_editor()

    @on(Writing.Changed)
    def _typed(self) -> None:
        self.session.typed(self.writing.draft)
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_AFTER, self._drafts.save)
        if not self._warmed and self.composer.text:
            self._warmed = True
            self.run_worker(self._warm_up(), group="warm")

    async def _warm_up(self) -> None:
        """At the first key, begin what the first word would wait for: loading the weights, importing the SDK."""
        try:
            model = turns.answerer(self._store, self.chat, self.session.model_for_new_chat).used
            provider = self._store.catalog.provider(model.provider)
        except LocalChatError:
            return  # the turn itself will say what is wrong
        if not self._shell.still:
            await warm(provider, model)

    def save_draft(self) -> None:
        """Store what is typed as this chat's draft, or as that of a new one."""
        self.session.typed(self.writing.draft)
        self._drafts.save()

    def _draft_failed(self, error: BaseException) -> None:
        if isinstance(error, LocalChatError):
            tell_error(self._shell, error)
        elif isinstance(error, Exception):
            self._shell.crash(error)
