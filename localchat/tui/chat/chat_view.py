"""The open chat as it is drawn: its transcript, or the greeting of a new one, and what its replies cost."""

from __future__ import annotations

import os
from dataclasses import replace

from textual.containers import Vertical
from textual.message import Message

from localchat import turns
from localchat.errors import NotFound
from localchat.providers.presets import Template
from localchat.records import Chat
from localchat.records import Message as Reply
from localchat.store import Store
from localchat.tui.chat import costs
from localchat.tui.chat.chat_session import ChatSession
from localchat.tui.chat.chat_transcript import ChatTranscript
from localchat.tui.chat.costs import Cost
from localchat.tui.chat.entries import ChatSource, live_entry, reply_entry
from localchat.tui.chat.greeting import Greeting, Offer, answerer, services_with_a_key
from localchat.tui.chat.live_turns import LiveReply, LiveTurn, LiveTurns
from localchat.tui.chat.standing_line import first_to_answer


class ChatView(Vertical):
    """Draws what the session has open. What it draws is read from the store at that moment."""

    class Changed(Message):
        """The open chat is another one, or it has just begun."""

        def __init__(self, chat: Chat | None) -> None:
            super().__init__()
            self.chat = chat

    def __init__(self, store: Store, session: ChatSession, live: LiveTurns, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._store = store
        self.session = session
        self._turns = live
        self.offers: tuple[Offer, ...] = ()  # servers found on this machine
        self.services: tuple[Template, ...] = ()  # services whose key is in the environment
        self._source: ChatSource | None = None
        self._unkept: dict[int, Reply] = {}  # replies whose end the store could not take yet
        self._filled: tuple[object, float | None] | None = None
        self._cost: Cost | None = None  # what replies cost, once the list of prices is there

    @property
    def transcript(self) -> ChatTranscript:
        return self.query_one(ChatTranscript)

    @property
    def chat(self) -> Chat | None:
        return self.session.chat

    @property
    def live(self) -> LiveTurn | None:
        """The turn under way in this chat, also while its words are not stored yet."""
        return self._turns.of(self.session.chat_id)

    @property
    def live_reply(self) -> LiveReply | None:
        """The reply that is coming in this chat."""
        turn = self.live if self.chat is not None else None
        return turn.reply if turn is not None else None

    def greet(self) -> None:
        """Tell a new chat who will answer."""
        model, providers = (
            first_to_answer(self._store, self.session.model_for_new_chat),
            self._store.catalog.providers(),
        )
        who = None
        if model is not None:
            provider = next((each for each in providers if each.name == model.provider), None)
            who = answerer(model, provider, weights_here=weights_are_here())
        wanting = (who is None or not who.enough) and getattr(self.app, "looks_around", True)
        self.services = services_with_a_key(providers, os.environ) if wanting else ()
        greeting = self.query_one(Greeting)
        greeting.say(who, self.services)
        greeting.offer(self.offers)

    def draw(self, at: int | None = None) -> None:
        """All of it anew. ``at``: the depth of the message to go to, else the end."""
        chat, reply = self.chat, self.live_reply
        self.set_class(chat is None or chat.length == 0, "-empty")
        if chat is None or chat.length == 0:
            self.greet()
        if chat is not None:
            self._source = ChatSource(self._store, chat, reply)
            self._source.cost = self._cost
            self._source.unkept = self._unkept
            self.transcript.show(self._source, "end" if at is None else at)
            if reply is not None:
                self.transcript.begin_live(live_entry(reply, reply.began.reply))

    def read_anew(self, chat: Chat) -> None:
        """The same chat, after something changed it."""
        self.session.chat = chat
        if self.live_reply is not None:
            return
        self.set_class(chat.length == 0, "-empty")
        if self._source is None or self._source.chat.id != chat.id:
            self.draw()
            return
        self._source.chat, self._source.live = chat, None
        self.transcript.refresh_entries()

    def draw_event(self, reply: LiveReply, event: turns.Event) -> None:
        """What came of the reply that is shown."""
        match event:
            case turns.Chunk(text):
                self.transcript.append_live(text)
            case turns.Thought(text):
                self.transcript.append_live("", text)
            case turns.LeftOut():
                self.transcript.begin_live(live_entry(reply, reply.began.reply))

    def keep_words(self, reply: Reply) -> None:
        """Its end is not stored yet: until it is, this is what is shown."""
        self._unkept[reply.id] = reply

    def draw_end(self, reply: LiveReply, ended: Reply | None = None) -> bool:
        """How the reply ended; without ``ended``, by a stop. Whether its chat is still there."""
        assert self.chat is not None
        try:
            chat = self._store.chats.get(self.chat.id)
            ended = ended or self._store.messages.get(reply.began.reply.id)
        except NotFound:  # deleted for good in another window
            return False
        if ended.status == "streaming":
            ended = replace(ended, status="stopped", content=reply.content, reasoning="".join(reply.thoughts))
            self.keep_words(ended)
        self.session.chat = chat
        self.transcript.end_live(reply_entry(ended, cost=self._cost))
        if self._source is not None:
            self._source.chat, self._source.live = chat, None
        return True

    def read_prices(self) -> None:
        """In a thread."""
        costs.load()
        self.app.call_from_thread(self._show_prices)

    def _show_prices(self) -> None:
        self._cost = costs.costs(self._store)
        if self._source is not None and self.live_reply is None:
            self._source.cost = self._cost
            self.transcript.refresh_entries()

    def fill(self) -> float | None:
        """How full the context is; counted again only when something changed."""
        chat = self.chat
        if chat is None or chat.length == 0:
            return None
        state = (chat.id, chat.leaf_id, chat.model, chat.system, chat.summary_of, self._store.catalog.default())
        if self._filled is None or self._filled[0] != state:
            self._filled = (state, turns.fill(self._store, chat))
        return self._filled[1]


def weights_are_here() -> bool:
    """Whether the model in the box was fetched already."""
    from localchat.providers.embedded import weights

    return weights.present()
