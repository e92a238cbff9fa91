"""Which chat is open, on which branch, what is written there and what is being sent. No widget, no waiting.

Whatever is asked for is fixed here in one go, from what the person sees: a request knows its chat, its place on the
branch, its words and its model before anything is awaited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from localchat import turns
from localchat.attachments.drafts import Draft, Kept
from localchat.errors import InvalidInput, LocalChatError
from localchat.records import Attachment, Chat, Message, Model
from localchat.store import Store
from localchat.tui.chat.draft_saver import DraftSaver

NO_WORDS = Draft()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request on its way, with what it takes to give the words back. ``draft`` is empty where nothing was written for
    it; its files are read later, and ``pasted`` are paths in it that others wrote."""

    request: turns.TurnRequest
    draft: Draft = NO_WORDS
    edited: Message | None = None
    pasted: frozenset[str] = frozenset()
    visit: int = 0

    @property
    def chat_id(self) -> int | None:
        """The chat it was written in; None is one that had not begun."""
        return self.request.chat_id

    def with_files(self, files: tuple[Attachment, ...]) -> turns.TurnRequest:
        """The request, complete."""
        match self.request:
            case turns.NewTurn() | turns.Edit():
                return replace(self.request, attachments=files)
            case _:
                return self.request


@dataclass(frozen=True, slots=True)
class LeftEdit:
    """The edit of a message as it stood when the person left it."""

    edited: Message
    draft: Draft

    @property
    def changed(self) -> bool:
        return _own(self.draft) != Draft(self.edited.content)


def _own(draft: Draft) -> Draft:
    """Without what belongs to an edited message."""
    return Draft(draft.words, tuple(chip for chip in draft.chips if not isinstance(chip, Kept)))


def joined(first: Draft, then: Draft) -> Draft:
    """Both drafts in one, each on lines of its own."""
    words = [draft.words for draft in (first, then) if draft.words]
    return Draft("\n".join(words), (*first.chips, *then.chips))


def without(draft: Draft, sent: Draft) -> Draft:
    """What is left where ``sent`` was taken out of a draft that may have grown since."""
    if not draft.words.startswith(sent.words):
        return draft
    words = draft.words.removeprefix(sent.words).removeprefix("\n")
    return Draft(words, tuple(chip for chip in draft.chips if chip not in sent.chips))


class ChatSession:
    """The open chat. ``draft`` is what stands in the composer; ``edited`` the message that is being edited there."""

    def __init__(self, store: Store, drafts: DraftSaver) -> None:
        self._store = store
        self._drafts = drafts
        self.chat: Chat | None = None
        self.model_for_new_chat: int | None = None
        self.draft = NO_WORDS
        self.edited: Message | None = None
        self._set_aside = NO_WORDS  # what was being written when the edit began
        self._sending: dict[int | None, Outgoing] = {}
        self._visit = 0  # grows whenever another chat is opened

    @property
    def chat_id(self) -> int | None:
        return self.chat.id if self.chat is not None else None

    # Where one is

    def open(self, chat: Chat | None) -> None:
        """Another chat, or a new one; what was written in the one before stays there."""
        if self._visit:
            self._keep()
        self._drafts.save()
        self._visit += 1
        self.chat, self.edited, self._set_aside = chat, None, NO_WORDS
        self.draft = self._not_sent(self.chat_id)

    def _not_sent(self, chat_id: int | None) -> Draft:
        """The draft of that chat, without what is on its way there."""
        kept, sending = self._drafts.of(chat_id), self._sending.get(chat_id)
        return without(kept, sending.draft) if sending is not None else kept

    def lose(self) -> None:
        """The open chat is gone: what was written there moves on to a new chat, and is that one's alone."""
        written, sending = self._written(), self._sending.get(self.chat_id)
        self._drafts.keep(self.chat_id, _own(sending.draft) if sending is not None else NO_WORDS)
        self.chat, self.edited, self._set_aside = None, None, NO_WORDS
        self._visit += 1
        self.draft = joined(self._not_sent(None), written)
        self._keep()

    def typed(self, draft: Draft) -> None:
        """What stands in the composer now."""
        self.draft = draft
        self._keep()

    def _written(self) -> Draft:
        """What was written here and is in no message."""
        if self.edited is None:
            return self.draft
        changed = LeftEdit(self.edited, self.draft).changed
        return joined(self._set_aside, _own(self.draft)) if changed else self._set_aside

    def _keep(self) -> None:
        """In the store, the words stay with their draft until the turn that takes them is stored."""
        written = self._written()
        sending = self._sending.get(self.chat_id)
        if sending is not None:
            written = joined(_own(sending.draft), written)
        self._drafts.keep(self.chat_id, written)

    # Editing

    def edit(self, message: Message) -> LeftEdit | None:
        """Write a new version of a message of the person's; the edit that was left for it. Raises InvalidInput for any
        other message."""
        if message.role != "user":
            raise InvalidInput("Only messages of yours can be edited.", "ctrl+r asks again for another reply.")
        left = self.leave_edit()
        self._set_aside, self.edited = self.draft, message
        self.draft = Draft(message.content, tuple(Kept(message.id, each) for each in message.attachments))
        return left

    def leave_edit(self) -> LeftEdit | None:
        """Back to what was being written before; the edit as it stood, where there was one."""
        if self.edited is None:
            return None
        left = LeftEdit(self.edited, self.draft)
        self.draft, self.edited, self._set_aside = self._set_aside, None, NO_WORDS
        self._keep()
        return left

    def bring_back(self, left: LeftEdit) -> bool:
        """Go on with an edit that was left, or where another chat or message is being written, keep its words beside
        what is written in its chat. Whether that is the open chat."""
        chat_id = left.edited.chat_id
        if self._is_gone(chat_id):
            return self._move_to_new_chat(_own(left.draft))
        if self.chat_id != chat_id:
            self._drafts.keep(chat_id, joined(self._drafts.of(chat_id), _own(left.draft)))
            self._drafts.save()
            return False
        if self.edited is None:
            self._set_aside, self.draft, self.edited = self.draft, left.draft, left.edited
        else:
            self._set_aside = joined(self._set_aside, _own(left.draft))
        self._keep()
        return True

    # Asking

    def submit(self, words: str, default: Model | None, pasted: Iterable[str] = ()) -> Outgoing:
        """Take these words, and the chips beside them, out of the composer to send them. ``default``: the model that a
        new chat shows."""
        sent = Draft(words, self.draft.chips)
        chat, edited = self.chat, self.edited
        request: turns.TurnRequest
        if chat is None:
            chosen = self.model_for_new_chat or (default.id if default is not None else None)
            request = turns.NewTurn(sent.text, model_id=chosen)
        elif edited is not None:
            request = turns.Edit(sent.text, chat.id, edited.id, expects=self._answerer(chat))
        else:
            request = turns.NewTurn(sent.text, chat.id, under=chat.leaf_id, expects=self._answerer(chat))
        outgoing = Outgoing(request, sent, edited, frozenset(pasted), self._visit)
        self.draft = without(self.draft, sent)
        if edited is not None:
            self.draft, self.edited, self._set_aside = joined(self._set_aside, self.draft), None, NO_WORDS
        self._sending[self.chat_id] = outgoing
        return outgoing

    def again(self, model_id: int | None = None, *, ask_first: bool = False) -> Outgoing:
        """Another reply to the last message of the person's. ``ask_first``: the model was offered, not chosen by name.
        Raises InvalidInput where there is no such message."""
        last = self._last()
        prompt_id = None if last is None else last.id if last.role == "user" else last.parent_id
        if last is None or prompt_id is None:
            raise InvalidInput("There is nothing to ask again.", "Send a message first.")
        expects = self._answerer(self.chat) if model_id is None else None
        host = "" if ask_first else None
        return self._asking(
            turns.Regenerate(last.chat_id, prompt_id, model_id=model_id, agreed_host=host, expects=expects)
        )

    def rest(self) -> Outgoing:
        """The rest of the last reply. Raises InvalidInput where there is none."""
        last = self._last()
        if last is None:
            raise InvalidInput("There is no reply here that could go on.", "Send a message first.")
        return self._asking(turns.Continue(last.chat_id, last.id, expects=self._answerer(self.chat)))

    def _asking(self, request: turns.TurnRequest) -> Outgoing:
        outgoing = Outgoing(request, visit=self._visit)
        self._sending[self.chat_id] = outgoing
        return outgoing

    def resubmit(self, outgoing: Outgoing) -> None:
        """The same once more, agreed to now: its words go out of the draft that they were given back to."""
        if outgoing.chat_id == self.chat_id:
            self.draft = without(self.draft, outgoing.draft)
            if outgoing.edited is not None and self.edited == outgoing.edited:
                self.draft, self.edited, self._set_aside = joined(self._set_aside, self.draft), None, NO_WORDS
        self._sending[outgoing.chat_id] = outgoing

    def _last(self) -> Message | None:
        chat = self.chat
        if chat is None or chat.length == 0:
            return None
        return self._store.messages.line(chat, chat.length - 1)[0]

    def _answerer(self, chat: Chat | None) -> int | None:
        """Who would answer here now; None where nobody can say."""
        try:
            return turns.answerer(self._store, chat).used.id
        except LocalChatError:
            return None

    # What becomes of it

    def began(self, outgoing: Outgoing, began: turns.Began) -> bool:
        """The turn is stored; whether it is in the chat that is open, so that the view shows it."""
        self._sending.pop(outgoing.chat_id, None)
        here = self.chat_id == outgoing.chat_id and (self.chat is not None or self._visit == outgoing.visit)
        if here and self.chat is None:
            self.model_for_new_chat = None
            self._drafts.keep(None, NO_WORDS)  # what was written since goes along
        if here:
            self.chat = began.chat
        if self.chat_id == outgoing.chat_id or here:
            self._keep()
        else:
            self._take_out(outgoing)
        self._drafts.save()
        return here

    def _take_out(self, outgoing: Outgoing) -> None:
        self._drafts.keep(outgoing.chat_id, without(self._drafts.of(outgoing.chat_id), _own(outgoing.draft)))

    def _is_gone(self, chat_id: int | None) -> bool:
        try:
            return chat_id is not None and self._store.chats.get(chat_id).deleted_at is not None
        except LocalChatError:
            return True

    def _move_to_new_chat(self, words: Draft) -> bool:
        """Words of a chat that is gone; where it is not, its draft holds them. Whether they are on the screen now."""
        if self.chat is None:
            self.draft = joined(words, self.draft)
            self._keep()
            return True
        self._drafts.keep(None, joined(self._drafts.of(None), words))
        self._drafts.save()
        return False

    def give_back(self, outgoing: Outgoing) -> bool:
        """Nothing was stored: the words go back to where they were written, before what was written there since.
        Whether that is the open chat."""
        if self._sending.get(outgoing.chat_id) is outgoing:
            del self._sending[outgoing.chat_id]
        if self.chat_id != outgoing.chat_id:
            if not self._is_gone(outgoing.chat_id):
                return False
            self._take_out(outgoing)
            return self._move_to_new_chat(_own(outgoing.draft))
        if outgoing.edited is not None and self.edited is None:
            self._set_aside, self.draft, self.edited = self.draft, outgoing.draft, outgoing.edited
        elif self.edited is not None:
            self._set_aside = joined(_own(outgoing.draft), self._set_aside)
        else:
            self.draft = joined(outgoing.draft, self.draft)
        self._keep()
        return True
