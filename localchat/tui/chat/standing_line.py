"""What the line above the composer says: what is going on, or what stands in the way, and the keys that apply."""

from __future__ import annotations

import time
from collections.abc import Callable

from localchat.records import Chat, Model, Progress, Reason
from localchat.store import Store
from localchat.text import one_line
from localchat.tui.chat.live_turns import LiveReply, LiveTurn
from localchat.tui.chat.status_line import Status
from localchat.validation import folded
from localchat.wording import NOT_OFFERED, told_apart, went

WARNING = "$text-warning"
NEARLY_FULL = 0.85  # of the context: from here on the line says what comes


def editing() -> Status:
    return Status(
        "Editing your message. It will be sent as a new version.", mark="✎", keys="enter sends  esc leaves", tone=""
    )


def asking_again(seconds: int) -> Status:
    """A turn failed, and the endpoint said how long to wait."""
    return Status(f"Asks again in {seconds} s", mark="◷", keys="^r now  esc cancels")


def working(progress: Progress) -> Status:
    """Something other than a reply takes its time."""
    done = None
    text = progress.what
    if progress.total and progress.done is not None:
        done = progress.done / progress.total
        if progress.total > 1_000_000:
            text = f"{text}: {progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
    return Status(text, spinning=True, done=done, keys="esc cancels")


LOCKED = "The store is locked."  # by another program; longer would not fit a small window with its keys
SOON = 0.5  # seconds that anything may take without a word


def waiting(what: str) -> Status:
    """The store is busy, and something waits for it."""
    return Status(f"{LOCKED} Waiting to {what}.", spinning=True, tone="$text-warning")


def on_its_way(turn: LiveTurn, stored: str) -> Status | None:
    """A message that is not stored yet, or a reply that was stopped and is not. ``stored``: what else is waited for."""
    if turn.reply is not None:
        what = f"{LOCKED} The reply is stopped; waiting to store what came." if stored else "Stopping"
        return Status(what, spinning=True)
    if time.monotonic() - turn.since < SOON:
        return Status("Sending", spinning=True)
    if turn.reading:
        return Status("Reading what goes with your message", spinning=True, keys="esc gives it back")
    words = one_line(turn.outgoing.draft.words, 30)
    what = f"send “{words}”" if words else "ask again"
    keys = "esc gives it back" if words else "esc leaves it"
    return Status(f"{LOCKED} Waiting to {what}.", spinning=True, keys=keys, tone="$text-warning")


def coming(live: LiveReply, at_end: bool) -> Status:
    """A reply is on its way."""
    if live.progress is not None:
        return working(live.progress)
    model = live.began.resolution.used.model
    seconds = time.monotonic() - live.started
    if live.first_word is None:
        text = f"{model} is asked" + (f", {seconds:.0f} s" if seconds > 3 else "")
    else:
        text = f"{model} answers" + (f", {live.pace:.0f} tok/s" if live.pace else "")
    return Status(text, spinning=True, keys="esc stops" if at_end else "^end follows it  esc stops")


def first_to_answer(store: Store, chosen: int | None) -> Model | None:
    """Who will answer the first turn of a new chat: the model chosen for it while that is usable, else the default."""
    model = store.catalog.model(chosen) if chosen is not None else None
    return model if model is not None and model.usable else store.catalog.default()


def standing(
    store: Store, chat: Chat | None, chosen: int | None, fill: float | None, undoable: Callable[[int], bool]
) -> Status | None:
    """As long as nothing is going on. ``chosen``: the model for a chat that has not begun; ``fill``: of the context;
    ``undoable``: whether f8 takes back the removal of that model."""
    default = store.catalog.default()
    if chat is None and chosen is not None:
        model = first_to_answer(store, chosen)
        if model is not None and model.id == chosen:
            return Status(f"This chat will use {model.model} · {model.provider}.", keys="^o another model")
    own = store.catalog.model(chat.model.id) if chat is not None and chat.model else None
    if own is None:
        return no_default() if default is None else context(fill)
    if own.usable and own.delisted_at is not None:
        other = other_to_ask(store, chat)
        this_time = f"alt+d ★ {other.model} this time  " if other is not None else ""
        return Status(f"{own.model} is {NOT_OFFERED}.", mark="⊘", keys=f"{this_time}^o another model", tone=WARNING)
    if own.usable:
        return context(fill, "" if default is not None and default.id == own.id else f"{own.model} · {own.provider}")
    if default is None or not default.usable:
        return no_default(own)
    reason: Reason = "removed" if own.removed else "disabled"
    wanted, used = told_apart(own, default, reason)
    who = (
        f"New turns use ★ {used}."
        if used == default.model
        else f"★ {default.model}, of {default.provider}, is another."
    )
    back = "f8 undo" if undoable(own.id) else _way_back(store, own) if own.removed else "f2 switch on"
    return Status(
        f"{wanted} {went(reason)}. {who}",
        mark="⊘",
        keys=f"^o another model  {back}".rstrip(),
        tone=WARNING,
    )


def _way_back(store: Store, own: Model) -> str:
    """The key that brings a removed model back; none where another one has its name."""
    live = store.catalog.models(own.provider)
    if any(folded(model.model) == folded(own.model) for model in live):
        return ""
    there = any(own.provider_id == p.id or own.provider == p.name for p in store.catalog.providers())
    return "f2 restore" if there or own.provider_id is not None else f"f2 a adds {own.provider}"


def other_to_ask(store: Store, chat: Chat | None) -> Model | None:
    """The default, where the chat's last turn failed and its own model is not offered any more."""
    if chat is None or chat.model is None or chat.length == 0:
        return None
    own, default = store.catalog.model(chat.model.id), store.catalog.default()
    if not own.usable or own.delisted_at is None or default is None or default.id == own.id:
        return None
    last = store.messages.line(chat, chat.length - 1)[-1:]
    return default if last and last[0].role == "assistant" and last[0].status == "failed" else None


def context(fill: float | None, model: str = "") -> Status | None:
    """How full the model's context is; what that means where it is nearly full. ``model``: who answers here, where that
    is not the default."""
    answers = f"{model} answers here" if model else ""
    if fill is None:
        return Status(answers, right=True) if model else None
    if fill >= 1.0:
        text, tone = "The oldest messages no longer fit and are left out.", WARNING
        return Status(text, mark="◕", keys="f5 sends a summary", tone=tone)
    if fill >= NEARLY_FULL:
        text = f"The context is {fill:.0%} full; then the oldest are left out."
        return Status(text, mark="◕", keys="f5 sends a summary")
    filled = round(fill * 6)
    meter = f"context {'▇' * filled}{'▁' * (6 - filled)} {fill:.0%}"
    return Status(f"{answers}   {meter}" if model else meter, right=True)


def no_default(own: Model | None = None) -> Status:
    """Nobody can answer: what to do about it."""
    what = "There is no default model."
    if own is not None:
        what = f"{own.model} {went('removed' if own.removed else 'disabled')}; there is no default model."
    return Status(what, mark="⊘", keys="f2 adds or switches on", tone=WARNING)
