"""Messages of the store as entries of the transcript: speakers, asides, and notices of what localchat did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localchat.attachments.reading import label
from localchat.records import NO_TIME, Chat, Message, ModelName, moment
from localchat.store import Store
from localchat.text import count
from localchat.tui.chat.costs import Cost
from localchat.tui.chat.live_turns import LiveReply
from localchat.tui.remedies import CHAT, advice
from localchat.tui.transcript import Entry, Notice
from localchat.wording import fell_back


class ChatSource:
    """The line of one chat, read a page at a time. ``live`` is the reply that is coming in this process; ``unkept`` are
    replies of this process, by id, whose end the store could not take yet: their words stay on the screen."""

    def __init__(self, store: Store, chat: Chat, live: LiveReply | None = None) -> None:
        self._store = store
        self.chat = chat
        self.live = live
        self.cost: Cost | None = None
        self.unkept: dict[int, Message] = {}

    def __len__(self) -> int:
        return self.chat.length

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        """Reads two messages above and one below too: a fallback is told once per run, above its question."""
        first = max(start - 2, 0)
        messages = {m.depth: m for m in self._store.messages.line(self.chat, first, stop + 1)}
        return [
            self._entry(messages, depth) for depth in range(max(start, 0), min(stop, len(self))) if depth in messages
        ]

    def _entry(self, messages: dict[int, Message], depth: int) -> Entry:
        entry = self._plain_entry(messages, depth)
        if messages[depth].id == self.chat.summary_of:
            what = "What is above goes to the model as a summary. f9 shows it."
            return replace(entry, after=(*entry.after, Notice(what, "info")))
        return entry

    def _plain_entry(self, messages: dict[int, Message], depth: int) -> Entry:
        message = messages[depth]
        if message.status == "streaming":  # the store may not have taken its end yet
            message = self.unkept.get(message.id, message)
        if self.live is not None and message.id == self.live.began.reply.id:
            return live_entry(self.live, message)
        if message.role != "assistant":
            reply = messages.get(depth + 1)
            before = above_turn(reply, messages.get(depth - 1)) if reply is not None else ()
            return prompt_entry(message, self._store.now(), before)
        asked = messages.get(depth - 1)
        # Where the line has no question above (an import), the notice stands above the reply itself.
        alone = asked is None or asked.role == "assistant"
        return reply_entry(message, above_turn(message, asked) if alone else (), self.cost)


def short_name(name: ModelName) -> str:
    """``qwen3:8b · ollama``: how a speaker is called."""
    return f"{name.model} · {name.provider}"


def above_turn(reply: Message, previous: Message | None) -> tuple[Notice, ...]:
    """The notice of a fallback, once per unbroken run, and of the end of one."""
    if reply.role != "assistant":
        return ()
    wanted, used = reply.fallback_from, reply.model
    before = previous.fallback_from if previous is not None and previous.role == "assistant" else None
    if wanted is not None and used is not None:
        same = (
            previous is not None
            and before is not None
            and (before.id, previous.fallback_reason) == (wanted.id, reply.fallback_reason)
            and previous.model is not None
            and previous.model.id == used.id
        )
        if same:
            return ()
        return (Notice(fell_back(wanted, used, reply.fallback_reason), "warning"),)
    if before is not None and used is not None and used.id == before.id:
        return (Notice(f"{used.model} is back and answers again.", "info"),)
    return ()


def prompt_entry(message: Message, now: str, before: tuple[Notice, ...] = ()) -> Entry:
    return Entry(
        key=message.id,
        role=message.role,
        speaker="you" if message.role == "user" else "system",
        aside=clock(message.created_at, now),
        content=message.content,
        before=before,
        version=version(message),
        attachments=tuple(label(each) for each in message.attachments),
    )


def reply_entry(message: Message, before: tuple[Notice, ...] = (), cost: Cost | None = None) -> Entry:
    return Entry(
        key=message.id,
        role="assistant",
        speaker=short_name(message.model) if message.model else "unknown model",
        aside=aside(message, cost(message) if cost is not None else ""),
        content=message.content,
        removed=message.model is not None and message.model.removed,
        reasoning=message.reasoning,
        before=before + left_out(message.left_out),
        after=below(message),
        version=version(message),
        live=False,
    )


def live_entry(live: LiveReply, message: Message) -> Entry:
    entry = reply_entry(message)
    return Entry(
        key=message.id,
        role="assistant",
        speaker=entry.speaker,
        aside="",
        content=live.content,
        removed=entry.removed,
        reasoning="".join(live.thoughts),
        before=left_out(live.left_out),
        version=entry.version,
        live=True,
    )


def version(message: Message) -> str:
    return f"{message.version}/{message.versions}" if message.versions > 1 else ""


def left_out(number: int) -> tuple[Notice, ...]:
    if not number:
        return ()
    verb = "does" if number == 1 else "do"
    return (Notice(f"{count(number, 'earlier message')} {verb} not fit this model's context and went unsent.", "info"),)


def below(message: Message) -> tuple[Notice, ...]:
    """How a reply ended, where it did not end by itself, and what to do."""
    error = message.error
    match message.status:
        case "stopped":
            return (Notice("Stopped. What came is kept.", "info"),)
        case "interrupted" if error is None:
            return (Notice("Interrupted: localchat ended before the reply did. ctrl+r asks again.", "warning"),)
        case "interrupted" | "failed" if error is not None:
            return (
                Notice(
                    f"{error.message} {advice(error, CHAT)}".strip(),
                    "error" if message.status == "failed" else "warning",
                ),
            )
        case "failed":
            return (Notice("The turn failed. ctrl+r asks again.", "error"),)
        case "streaming":
            return (Notice("Another window of localchat is receiving this reply.", "info"),)
    match message.finish_reason:
        case "length":
            return (Notice("The reply reached the length limit and ends here.", "info"),)
        case "content_filter":
            return (Notice("The endpoint's content filter ended the reply.", "info"),)
    if not message.content and not message.reasoning:
        return (Notice("The model answered with nothing. ctrl+r asks again.", "info"),)
    return ()


def aside(message: Message, cost: str = "") -> str:
    """``1.2 s · 214 tokens · $0.003``, as far as known."""
    parts = []
    if message.duration_ms is not None:
        parts.append(f"{message.duration_ms / 1000:.1f} s")
    if message.usage is not None and message.usage.output_tokens:
        parts.append(count(message.usage.output_tokens, "token"))
    return " · ".join([*parts, cost] if cost else parts)


def clock(stamped: str, now: str) -> str:
    """The local time of day, with the date where that is not the day of ``now``."""
    when = moment(stamped)
    if when == NO_TIME:
        return "no time"
    when = when.astimezone()
    today = moment(now).astimezone().date()
    if when.date() == today:
        return f"{when:%H:%M}"
    return f"{when.day} {when:%b %H:%M}" if when.year == today.year else f"{when.day} {when:%b %Y %H:%M}"
