"""One chat as a person sees it: transcript, status line, composer; and the turn that runs in it."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from localchat import turns
from localchat.attachments.drafts import Draft, Kept, decoded, encoded
from localchat.errors import ConfirmRemote, InvalidInput, LocalChatError, NotFound
from localchat.providers import warm
from localchat.records import BUILT_IN_MODEL, Attachment, Chat, Model, Progress
from localchat.records import Message as ChatMessage
from localchat.records import Message as Reply
from localchat.store import Store, patiently
from localchat.text import count
from localchat.tui.chat import costs
from localchat.tui.chat import standing_line as lines
from localchat.tui.chat.chat_transcript import ChatTranscript, leaf_of_version, with_versions
from localchat.tui.chat.costs import Cost
from localchat.tui.chat.entries import ChatSource, live_entry, reply_entry
from localchat.tui.chat.greeting import Greeting, Offer
from localchat.tui.chat.live_turns import LiveTurn, Running
from localchat.tui.chat.status_line import Status, StatusLine
from localchat.tui.composer.composer import Composer
from localchat.tui.composer.panel import Writing
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell, tell_error
from localchat.tui.transcript import Transcript
from localchat.turns import compaction
from localchat.wording import unarchived

if TYPE_CHECKING:
    from textual.app import App

DRAFT_AFTER = 0.4  # seconds without a key until the draft is saved
EARLY = ("stopped", "interrupted", "failed")
NEW_CHAT_DRAFT = "draft of a new chat"  # its name in the store's state


class Conversation(Vertical):
    """The open chat. It never clears what was typed before the store has it."""

    DEFAULT_CSS = """
    Conversation {
      width: 1fr;
      & > ChatTranscript { height: 1fr; }
      & > Greeting { height: 1fr; display: none; }
      &.-empty > ChatTranscript { display: none; }
      &.-empty > Greeting { display: block; }
    }
    """

    class Changed(Message):
        """The open chat is another one, or it has just begun."""

        def __init__(self, chat: Chat | None) -> None:
            super().__init__()
            self.chat = chat

    class Consent(Message):
        """The turn would leave this machine; nothing was sent. To be answered with ``send(request)`` or not at all."""

        def __init__(self, request: turns.TurnRequest, error: ConfirmRemote) -> None:
            super().__init__()
            self.request = request
            self.error = error

    class Forked(Message):
        """A new chat was made of a part of this one."""

        def __init__(self, chat: Chat) -> None:
            super().__init__()
            self.chat = chat

    class Offered(Message):
        """Enter was pressed with nothing written."""

    def __init__(self, store: Store, running: Running, *, still: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._store = store
        self._still = still
        self._turns = running
        self.chat: Chat | None = None
        self.model_for_new_chat: int | None = None
        self.offers: tuple[Offer, ...] = ()  # servers found on this machine
        self._source: ChatSource | None = None
        self._unkept: dict[int, ChatMessage] = {}  # replies whose end the store could not take yet
        self._job: Progress | None = None  # what takes its time beside replies: a compaction
        self._filled: tuple[object, float | None] | None = None
        self._cost: Cost | None = None  # what replies cost, once the list of prices is there
        self._edited: ChatMessage | None = None  # the message that is being edited, to be sent as a new version
        self._set_aside = Draft()  # what was being written when that began
        self._sent: Draft | None = None  # what is being sent
        self._warmed = False
        self._draft_timer: Timer | None = None
        self._tick: Timer | None = None

    def compose(self) -> ComposeResult:
        yield ChatTranscript(id="transcript")
        yield Greeting()
        yield StatusLine()
        yield Writing(self._store.messages.prompts, id="writing")

    @property
    def transcript(self) -> ChatTranscript:
        return self.query_one(ChatTranscript)

    @property
    def composer(self) -> Composer:
        return self.writing.composer

    @property
    def writing(self) -> Writing:
        return self.query_one(Writing)

    @property
    def editing(self) -> bool:
        """Whether the composer holds a message that was sent before."""
        return self._edited is not None

    @property
    def busy(self) -> bool:
        """Whether something beside a reply is going on that escape can cancel."""
        return self._job is not None

    @property
    def ended_early(self) -> bool:
        """Whether the last reply was stopped, cut, or reached the length limit."""
        if self.chat is None or self.chat.length == 0 or self.live is not None:
            return False
        last = self._store.messages.line(self.chat, self.chat.length - 1)[-1:]
        return any(m.content and (m.status in EARLY or m.finish_reason == "length") for m in last)

    @property
    def live(self) -> LiveTurn | None:
        """The reply that is coming in this chat."""
        return self._turns.of(self.chat.id if self.chat else None)

    def on_mount(self) -> None:
        self._turns.listener = self._on_event
        if not self._still and costs.wanted(self._store):
            self.run_worker(self._read_prices, thread=True, group="prices")
        self._tick = self.set_interval(0.5, self.update_status, pause=True)

    def on_unmount(self) -> None:
        self._turns.listener = None

    # Showing

    def greet(self) -> None:
        """Tell a new chat who will answer."""
        default = self._store.catalog.default()
        if self.model_for_new_chat is not None:
            default = self._store.catalog.model(self.model_for_new_chat)
        built_in = default is not None and self._built_in(default)
        greeting = self.query_one(Greeting)
        greeting.say(default, built_in=built_in, weights_here=built_in and weights_are_here())
        greeting.offer(self.offers)

    def _built_in(self, model: Model) -> bool:
        return model.model == BUILT_IN_MODEL and any(
            p.name == model.provider and p.kind == "embedded" for p in self._store.catalog.providers()
        )

    def show(self, chat: Chat | None, at: int | None = None) -> None:
        """Open this chat, or a new one. ``at``: the depth of the message to go to, else the end."""
        self.chat = chat
        self._edited = None
        self.writing.draft = decoded(chat.draft if chat else self._store.state.get(NEW_CHAT_DRAFT))
        self._draw(at)
        self.post_message(self.Changed(chat))

    def _draw(self, at: int | None = None) -> None:
        chat, live = self.chat, self.live
        self.set_class(chat is None or chat.length == 0, "-empty")
        if chat is None or chat.length == 0:
            self.greet()
        if chat is not None:
            self._source = ChatSource(self._store, chat, live)
            self._source.cost = self._cost
            self._source.unkept = self._unkept
            self.transcript.show(self._source, "end" if at is None else at)
            if live is not None:
                self.transcript.begin_live(live_entry(live, live.began.reply))
        self.update_status()

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
        self.chat = fresh
        if self.live is None:
            self.set_class(fresh.length == 0, "-empty")
            self._read_anew(fresh)
        self.update_status()

    def _read_anew(self, chat: Chat) -> None:
        if self._source is None or self._source.chat.id != chat.id:
            self._draw()
            return
        self._source.chat, self._source.live = chat, None
        self.transcript.refresh_entries()

    def _lose_chat(self) -> None:
        """The open chat went into the trash or is gone; what was typed moves on to a new chat."""
        typed = self.writing.draft
        self.show(None)
        if typed and not self.writing.draft:
            self.writing.draft = typed

    def _read_prices(self) -> None:
        """In a thread."""
        costs.load()
        self.app.call_from_thread(self._show_prices)

    def _show_prices(self) -> None:
        self._cost = costs.costs(self._store)
        if self._source is not None and self.live is None:
            self._source.cost = self._cost
            self.transcript.refresh_entries()

    # Turns

    @on(Composer.Submitted)
    async def _submit(self, event: Composer.Submitted) -> None:
        event.stop()
        draft = replace(self.writing.draft, words=event.text)
        if not event.text.strip() and not draft.chips:
            self.post_message(self.Offered())
        elif self.live is not None:
            tell(self._shell, "A reply is still coming. escape stops it; what you typed stays here.")
        else:
            try:
                files = await self.writing.files(self._store, draft)
            except LocalChatError as error:
                tell_error(self._shell, error)
            else:
                self._sent = draft
                await self.send(self._prompt(draft.text, files))

    def _prompt(self, text: str, files: tuple[Attachment, ...]) -> turns.TurnRequest:
        chat_id = self.chat.id if self.chat else None
        if self._edited is not None:
            return turns.Edit(text, self._edited.chat_id, self._edited.id, attachments=files)
        chosen = self.model_for_new_chat if self.chat is None else None
        return turns.NewTurn(text, chat_id=chat_id, model_id=chosen, attachments=files)

    async def send(self, request: turns.TurnRequest) -> None:
        """Begin a turn. Where it cannot begin, the text stays where it is and the reason is told."""
        try:
            live = await self._turns.begin(request)
        except ConfirmRemote as error:
            self.post_message(self.Consent(request, error))
            return
        except LocalChatError as error:
            tell_error(self._shell, error)
            self.update_status()
            return
        if isinstance(request, turns.NewTurn | turns.Edit) and self.writing.draft == self._sent:
            self.writing.draft = self._set_aside
        self._edited, self._set_aside, self._sent = None, Draft(), None
        await self.save_draft()
        self.chat = live.began.chat
        self.model_for_new_chat = None
        self._draw()
        self.screen.refresh_bindings()
        if live.began.new_chat or live.began.unarchived:
            self.post_message(self.Changed(self.chat))
        if live.began.unarchived:
            tell(self._shell, unarchived("This chat"))
        if self._tick is not None:
            self._tick.resume()

    async def ask_again(self, model_id: int | None = None) -> None:
        """Answer the last prompt once more; the answer that is there stays as another version."""
        chat = self.chat
        if chat is None or chat.length == 0 or self.live is not None:
            raise InvalidInput("There is nothing to ask again.", "Send a message first, or stop the reply with escape.")
        last = self._store.messages.line(chat, chat.length - 1)[0]
        under = last.id if last.role == "user" else last.parent_id
        if under is None:
            raise InvalidInput("There is nothing to ask again here.", "Send a message first.")
        await self.send(turns.Regenerate(chat.id, under, model_id=model_id))

    async def go_on(self) -> None:
        """Have the last reply, stopped or cut, continued; the short one stays as another version."""
        chat = self.chat
        if chat is None or chat.length == 0 or self.live is not None:
            raise InvalidInput("There is no reply here that could go on.", "Send a message first.")
        last = self._store.messages.line(chat, chat.length - 1)[0]
        await self.send(turns.Continue(chat.id, last.id))

    # Compaction

    async def compact(self, agreed_host: str | None = None) -> None:
        """Have the older messages sent as a summary from now on. escape cancels it; then all is as it was."""
        chat = self.chat
        if chat is None or self.live is not None or self._job is not None:
            raise InvalidInput("Not now.", "Wait for what is going on, or stop it with escape.")
        self._job = Progress("Compacting")
        self.update_status()
        try:
            events = compaction.compact(self._store, self._turns.connect, chat.id, agreed_host=agreed_host)
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
    async def _message_asked(self, event: ChatTranscript.Asked) -> None:
        event.stop()
        if self.chat is None:
            return
        chat_id = self.chat.id
        try:
            if self.live is not None and event.what != "fork":
                raise InvalidInput("A reply is still coming.", "Stop it with escape first.")
            match event.what:
                case "edit":
                    self._edit(self._store.messages.get(event.message_id))
                case "older" | "newer":
                    message = with_versions(self._store, self.chat, event.message_id)
                    leaf = leaf_of_version(self._store, message, -1 if event.what == "older" else 1)
                    self.chat = await patiently(lambda: self._store.chats.set_leaf(chat_id, leaf))
                    self._draw(min(message.depth, self.chat.length - 1))
                case "fork":
                    forked = await patiently(lambda: self._store.chats.fork(chat_id, event.message_id))
                    self.post_message(self.Forked(forked))
        except LocalChatError as error:
            tell_error(self._shell, error)

    def _edit(self, message: ChatMessage) -> None:
        """Take a message of the person's into the composer; enter sends it as a new version of it."""
        if message.role != "user":
            raise InvalidInput("Only messages of yours can be edited.", "ctrl+r asks again for another reply.")
        if self._edited is None:
            self._set_aside = self.writing.draft
        self._edited = message
        self.writing.draft = Draft(message.content, tuple(Kept(message.id, each) for each in message.attachments))
        self.composer.focus()
        self.update_status()

    def leave_edit(self) -> bool:
        """Back to what was being written before; whether there was an edit to leave."""
        if self._edited is None:
            return False
        self.writing.draft = self._set_aside
        self._edited, self._set_aside = None, Draft()
        self.update_status()
        return True

    async def stop(self) -> bool:
        """Stop the reply and keep what came; whether there was one."""
        if self.chat is None or not await self._turns.stop(self.chat.id):
            return False
        self._finish_live()
        return True

    def _on_event(self, live: LiveTurn, event: turns.Event) -> None:
        if isinstance(event, turns.Ended) and not event.kept:
            self._unkept[event.message.id] = event.message
        if self.chat is None or live.chat_id != self.chat.id:
            return
        match event:
            case turns.Chunk(text):
                self.transcript.append_live(text)
            case turns.Thought(text):
                self.transcript.append_live("", text)
            case turns.LeftOut():
                self.transcript.begin_live(live_entry(live, live.began.reply))
            case turns.Waiting():
                self.update_status()
            case turns.Ended():
                self._finish_live(event.message)

    def _finish_live(self, reply: Reply | None = None) -> None:
        """Show how the reply ended; without ``reply``, as the store has it."""
        assert self.chat is not None
        try:
            self.chat = self._store.chats.get(self.chat.id)
        except NotFound:  # deleted for good in another window
            self._lose_chat()
            return
        if reply is None:
            reply = self._store.messages.line(self.chat, self.chat.length - 1)[0]
        self.transcript.end_live(reply_entry(reply, cost=self._cost))
        if self._source is not None:
            self._source.chat, self._source.live = self.chat, None
        self.update_status()
        if self._tick is not None:
            self._tick.pause()
        self.post_message(self.Changed(self.chat))

    # The line above the composer

    def update_status(self) -> None:
        self.query_one(StatusLine).status = self._status()

    def _status(self) -> Status | None:
        live = self.live
        if live is not None:
            return lines.coming(live, self.transcript.at_end)
        if self._job is not None:
            return lines.working(self._job)
        if self._edited is not None:
            return lines.editing()
        undoable = isinstance(self.app, Shell) and bool(self.app.undos)
        return lines.standing(self._store, self.chat, self.model_for_new_chat, self._fill(), undoable)

    def _fill(self) -> float | None:
        """How full the context is; counted again only when something changed."""
        chat = self.chat
        if chat is None or chat.length == 0:
            return None
        state = (chat.id, chat.leaf_id, chat.model, chat.system, chat.summary_of, self._store.catalog.default())
        if self._filled is None or self._filled[0] != state:
            self._filled = (state, turns.fill(self._store, chat))
        return self._filled[1]

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
    async def _edit_outside(self) -> None:
        """The loop stands still while the editor runs; no reply may be waiting for it."""
        if len(self._turns):
            tell(self._shell, "A reply is still coming. escape stops it; then f6 opens your editor.")
            return
        await self.save_draft()
        self.writing.run_editor()

    @on(Writing.Changed)
    def _typed(self) -> None:
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_AFTER, self.save_draft)
        if not self._warmed and self.composer.text:
            self._warmed = True
            self.run_worker(self._warm_up(), group="warm")

    async def _warm_up(self) -> None:
        """At the first key, begin what the first word would wait for: loading the weights, importing the SDK."""
        try:
            model = turns.answerer(self._store, self.chat, self.model_for_new_chat).used
            provider = self._store.catalog.provider(model.provider)
        except LocalChatError:
            return  # the turn itself will say what is wrong
        if not self._still:
            await warm(provider, model)

    async def save_draft(self) -> None:
        """Save what is typed as this chat's draft, or as that of a new one."""
        text = encoded(self._set_aside or self.writing.draft)
        try:
            if self.chat is None:
                if self._store.state.get(NEW_CHAT_DRAFT) != text:
                    await patiently(lambda: self._store.state.put(NEW_CHAT_DRAFT, text))
            else:
                chat_id = self.chat.id
                await patiently(lambda: self._store.chats.set_draft(chat_id, text))
        except LocalChatError as error:
            tell_error(self._shell, error)

    @property
    def _shell(self) -> App[None]:
        return self.app


def weights_are_here() -> bool:
    """Whether the model in the box was fetched already."""
    from localchat.providers.embedded import weights

    return weights.present()
