"""How the catalog is put into words: the same thing has the same word everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from localchat.records import LOCAL_KINDS, NO_TIME, DefaultChange, Model, Provider, Removal, moment
from localchat.text import count, one_line
from localchat.wording import NO_DEFAULT as NO_DEFAULT
from localchat.wording import default_words as default_words
from localchat.wording import label as label


def context_words(tokens: int | None) -> str:
    """``32k context``; nothing where it is not known."""
    if not tokens:
        return ""
    if tokens < 1000:
        return f"{tokens} context"
    for unit, letter in ((1_000_000, "M"), (1000, "k"), (1024 * 1024, "M"), (1024, "k")):
        if tokens % unit == 0 and tokens // unit < 1024:
            return f"{tokens // unit}{letter} context"
    return f"{tokens / 1000:.0f}k context" if tokens < 1_000_000 else f"{tokens / 1_000_000:.1f}M context"


def chats_words(number: int) -> str:
    return f"used by {count(number, 'chat')}" if number else ""


def host_of(base_url: str | None) -> str:
    """Host and port of an address, or nothing."""
    try:
        return urlsplit(base_url or "").netloc
    except ValueError:
        return ""


def place_words(provider: Provider) -> str:
    """Where what is sent to it goes."""
    if provider.kind in LOCAL_KINDS:
        return "inside this program"
    if provider.local:
        return "on this machine"
    host = host_of(provider.base_url)
    return f"at {host}" if host else "elsewhere"


def names(models: Sequence[Model], most: int = 6) -> str:
    """``★ gpt-4o, gpt-4o-mini and 4 more``."""
    shown = [("★ " if model.is_default else "") + one_line(model.model, 50) for model in models[:most]]
    if len(models) > most:
        return ", ".join(shown) + f" and {len(models) - most} more"
    return ", ".join(shown)


def removal_words(removal: Removal) -> str:
    """``Removed openai and 3 models. Default: gpt-4o → qwen3:8b.``"""
    models = removal.models
    if removal.provider is None:
        what = ", ".join(one_line(model.model) for model in models)
    elif models:
        what = f"{removal.provider.name} and {count(len(models), 'model')}"
    else:
        what = removal.provider.name
    change = DefaultChange(removal.default_before, removal.default_after, promoted=True)
    return f"Removed {what}. {default_words(change)}".strip()


def on_day(stamped: str, now: datetime) -> str:
    """``today 14:02``, ``3 Nov``, ``3 Nov 2024``: a store's time in this machine's zone, as a person says it."""
    there = moment(stamped)
    if there == NO_TIME:
        return "no date"
    there = there.astimezone()
    here = now.astimezone()
    if there.date() == here.date():
        return f"today {there:%H:%M}"
    return f"{there.day} {there:%b}" + ("" if there.year == here.year else f" {there.year}")
