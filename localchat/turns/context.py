"""What is sent: what fits the model's context, and what a summary stands for on this branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from localchat.attachments.reading import IMAGE_TOKENS, is_image, with_words
from localchat.errors import ContextTooLong, LocalChatError, NotFound
from localchat.records import BUILT_IN_CONTEXT, BUILT_IN_MODEL, AttachmentInfo, Chat, Line, Message, Model, Request
from localchat.store import Store
from localchat.store.messages import Begun, MessageSize
from localchat.turns.resolution import answerer

BYTES_PER_TOKEN = 3  # of UTF-8: cautious for prose (4 to 5), right for code and for scripts beyond ASCII


LINE_OVERHEAD = 8  # tokens that a message costs beside its text, by the chat templates seen
USUAL_REPLY = 1024  # tokens kept free for a reply whose length nobody set
GO_ON = (
    "Your last message was cut off. Go on exactly where it stops. Do not repeat any of it and do not comment on this."
)


def estimate(text: str) -> int:
    """Tokens, roughly and rather too many: no tokenizer of a remote model is at hand."""
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + LINE_OVERHEAD


def estimate_of(message: Message) -> int:
    """The same for a message with what goes with it."""
    return estimate(message.content) + files_estimate(message.attachments)


def files_estimate(attachments: Iterable[AttachmentInfo]) -> int:
    return sum(
        IMAGE_TOKENS if is_image(each.media_type) else each.size // BYTES_PER_TOKEN + LINE_OVERHEAD
        for each in attachments
    )


def lines_that_fit(
    store: Store, chat: Chat, stop: int, budget: int | None, floor: int = 0, *, images: bool = True
) -> tuple[list[Line], int, int]:
    """What ``messages_that_fit`` finds, as it is sent: messages of one role in a row become one line, as chat templates
    demand. ``images`` False: to this model they are only named.
    """
    kept, left_out, spent = messages_that_fit(store, chat, stop, budget, floor)
    merged: list[Line] = []
    for message in kept:
        line = as_line(store, message, images=images)
        if merged and merged[-1].role == line.role:
            above = merged[-1]
            merged[-1] = Line(line.role, f"{above.content}\n\n{line.content}", above.images + line.images)
        else:
            merged.append(line)
    return merged, left_out, spent


def as_line(store: Store, message: Message, *, images: bool) -> Line:
    """The message with what went with it. ``images`` False: they are only named."""
    if not message.attachments:
        return Line(message.role, message.content)
    files = store.messages.attachments(message.id)
    seen = tuple(each for each in files if images and is_image(each.media_type))
    return Line(message.role, with_words(files, message.content, images=images), seen)


def messages_that_fit(
    store: Store, chat: Chat, stop: int, budget: int | None, floor: int = 0
) -> tuple[list[Message], int, int]:
    """The newest messages of the chat's line before depth ``stop`` that fit ``budget`` tokens, oldest first.

    ``floor``: the depth where to begin; what is above it is not looked at, and not counted as left out.

    Returns them, how many messages were left out, and the estimated tokens. The newest message always goes in.
    Reads backwards page by page, so a long chat costs what is sent, not what it holds. Failed replies without a word
    are no part of the conversation.
    """
    kept, left_out, spent = _that_fit(
        lambda start, stop: [(each, _cost(each)) for each in store.messages.line(chat, start, stop)],
        stop, budget, floor,
    )  # fmt: skip
    return kept, left_out, spent


def size_that_fits(store: Store, chat: Chat, stop: int, budget: int | None, floor: int = 0) -> tuple[int, int]:
    """How many messages ``messages_that_fit`` leaves out, and the tokens: by their sizes, without reading them."""
    _, left_out, spent = _that_fit(
        lambda start, stop: [(each, _cost(each)) for each in store.messages.sizes(chat, start, stop)],
        stop, budget, floor,
    )  # fmt: skip
    return left_out, spent


def _cost(message: Message | MessageSize) -> int:
    """Estimated tokens; 0 where it is no part of the conversation."""
    size = message.size if isinstance(message, MessageSize) else len(message.content.encode("utf-8", "replace"))
    if not size and message.role == "assistant":
        return 0
    return size // BYTES_PER_TOKEN + LINE_OVERHEAD + files_estimate(message.attachments)


Some = TypeVar("Some", Message, MessageSize)


def _that_fit(
    read: Callable[[int, int], list[tuple[Some, int]]], stop: int, budget: int | None, floor: int
) -> tuple[list[Some], int, int]:
    kept: list[tuple[Some, int]] = []
    spent, full, page = 0, False, 100
    top = stop
    while top > floor and not full:
        start = max(floor, top - page)
        for message, cost in reversed(read(start, top)):
            if not cost:
                continue
            if budget is not None and kept and spent + cost > budget:
                full = True
                break
            spent += cost
            kept.append((message, cost))
        top = start
    kept.reverse()
    while full and kept[0][0].role == "assistant" and len(kept) > 1:
        spent -= kept.pop(0)[1]  # a reply without its question only confuses
    left_out = kept[0][0].depth - floor if full and kept else 0
    return [message for message, _ in kept], left_out, spent


def summarised(store: Store, chat: Chat) -> int:
    """How many messages, from the start of the current line, the chat's summary stands for."""
    if not chat.summary or chat.summary_of is None:
        return 0
    try:
        last = store.messages.get(chat.summary_of)
    except NotFound:
        return 0
    on_line = store.messages.line(chat, last.depth, last.depth + 1)
    return last.depth + 1 if [message.id for message in on_line] == [last.id] else 0


def system_of(chat: Chat, with_summary: bool) -> str:
    """What the model reads before the messages."""
    if not with_summary:
        return chat.system
    return f"{chat.system}\n\nSummary of the conversation so far:\n{chat.summary}".strip()


def context_of(store: Store, model: Model) -> int | None:
    """Tokens that the model can take in, as far as known here."""
    if model.context is not None or model.model != BUILT_IN_MODEL or model.path is not None:
        return model.context
    try:
        return BUILT_IN_CONTEXT if store.catalog.provider(model.provider).kind == "embedded" else None
    except NotFound:
        return None


def budget_of(store: Store, chat: Chat, used: Model, parameters: Mapping[str, Any] | None = None) -> int | None:
    """Tokens for what is sent, or None where the model's context is not known. ``parameters``: of this turn alone."""
    context = context_of(store, used)
    if context is None:
        return None
    room = {**used.parameters, **chat.parameters, **(parameters or {})}.get("max_tokens")
    if not isinstance(room, int) or room <= 0:
        room = USUAL_REPLY
    return max(context - min(room, context // 4), 1)


def fill(store: Store, chat: Chat) -> float | None:
    """How full the chat's context is: 1.0 and more where the oldest messages are left out. None where not known."""
    try:
        used = answerer(store, chat).used
    except LocalChatError:
        return None
    budget = budget_of(store, chat, used)
    if budget is None:
        return None
    floor = summarised(store, chat)
    left_out, spent = size_that_fits(store, chat, chat.length, budget, floor)
    spent += estimate(system_of(chat, floor > 0))
    return 1.0 if left_out else spent / budget


def request_of(
    store: Store, begun: Begun, budget: int | None, images: bool, parameters: Mapping[str, Any] | None = None
) -> tuple[Request, int, int]:
    """What is sent for this turn, how many messages were left out, and the estimated tokens. ``images`` False: they are
    only named. ``parameters``: of this turn alone."""
    chat, used, given = begun.chat, begun.resolution.used, begun.reply.content
    floor = summarised(store, chat)
    before = system_of(chat, floor > 0)
    system = estimate(before) if before else 0
    rest = [Line("assistant", given), Line("user", GO_ON)] if given else []
    system += sum(estimate(line.content) for line in rest)
    lines, left_out, spent = lines_that_fit(
        store, chat, begun.reply.depth, None if budget is None else max(budget - system, 1), floor, images=images
    )
    request = Request(
        model=used.model,
        lines=(*lines, *rest),
        system=before,
        parameters={**used.parameters, **chat.parameters, **(parameters or {})},
        path=used.path,
        context=used.context,
        turn=(begun.reply.depth + 1) // 2,
        version=begun.reply.version,
    )
    return request, left_out, spent + system


def smaller_budget(error: ContextTooLong, spent: int) -> int:
    """What to try next: by the endpoint's own count where it gave one, else half."""
    if not error.limit or not error.tokens or error.limit >= error.tokens:
        return max(spent // 2, 1)
    return max(int(spent * error.limit / error.tokens * 0.8), 1)
