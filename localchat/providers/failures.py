"""What endpoints say when they refuse or break, in our own errors and words. No other file makes up such a message.

What an endpoint wrote is cleaned, cut to 300 characters and freed of the key before it is quoted.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from localchat.errors import (
    ASK_AGAIN,
    ContextTooLong,
    LocalChatError,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    Remedy,
    ReplyCut,
    Way,
)
from localchat.providers.redaction import without_key
from localchat.records import Provider
from localchat.text import one_line

NOT_SECURE = "no secure connection"
LONGEST_WAIT = 24 * 3600.0  # seconds
_QUOTED = 300  # characters of what an endpoint wrote


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint as errors name it. ``key_hint`` says where its key comes from; the key is kept out of every text."""

    name: str
    address: str
    local: bool
    key_hint: str
    pathless: bool = False
    key: str | None = field(default=None, repr=False)

    @property
    def edit(self) -> Remedy:
        """To change its address, kind or key."""
        return Remedy(Way.EDIT_PROVIDER, self.name)

    def quote(self, words: str) -> str:
        """What the endpoint wrote, fit to be shown: one line, short, without the key."""
        return one_line(without_key(one_line(words[:20_000]), self.key), _QUOTED)


def place_of(provider: Provider, base_url: str, key: str | None) -> Place:
    """``base_url`` is the one in use: the provider's own, or the well-known one of its kind."""
    parts = urlsplit(base_url)
    match provider.key_source:
        case "env":
            hint = f"Check the key in ${provider.key_name}."
        case "keyring":
            hint = "Enter its key again."
        case _:
            hint = "It may want a key."
    return Place(
        name=provider.name,
        address=one_line(parts.netloc.rpartition("@")[2], 120) or provider.name,
        local=provider.local,
        key_hint=hint,
        pathless=provider.kind == "openai" and parts.path in ("", "/"),
        key=key,
    )


def no_answer(place: Place, reason: str) -> ProviderUnavailable:
    """``reason`` in a few words: connection refused, no such host, …"""
    what = f"{place.name} does not answer at {place.address} ({place.quote(reason)})."
    if reason == NOT_SECURE:
        todo = "Check its address (http or https) and its certificate."
        return ProviderUnavailable(what, todo, remedy=place.edit)
    todo = "Start it." if place.local else "Check the address and the connection."
    return ProviderUnavailable(what, todo, remedy=ASK_AGAIN)


def silent(place: Place, seconds: float) -> ProviderUnavailable:
    """It was reached and then said nothing."""
    return ProviderUnavailable(
        f"{place.name} at {place.address} said nothing for {seconds:g} seconds.", remedy=ASK_AGAIN
    )


class Unreadable(ProviderUnavailable):
    """What came is too much, or no reply at all. ``what`` in the few words that go into brackets."""

    def __init__(self, message: str, hint: str, what: str, *, remedy: Remedy | None = None) -> None:
        super().__init__(message, hint, remedy=remedy)
        self.what = what


def exceeded(place: Place, what: str) -> Unreadable:
    """More came than a budget allows. ``what``: a line longer than 1 MB, …"""
    return Unreadable(
        f"{place.name} at {place.address} sent {what}; the rest was not read.",
        "Check its address and its kind.",
        what,
        remedy=place.edit,
    )


def size_words(size: int) -> str:
    """A budget as people read it: ``1 MB``, ``300 bytes``."""
    for unit, name in ((1024**2, "MB"), (1024, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def not_understood(place: Place) -> Unreadable:
    """It answers, but speaks another language."""
    return Unreadable(
        f"{place.name} at {place.address} sent something that cannot be understood.",
        "Check its address and its kind.",
        "something came that cannot be understood",
        remedy=place.edit,
    )


def short(error: LocalChatError) -> str:
    """Why a reply was cut, in the few words that go into brackets."""
    return error.what if isinstance(error, Unreadable) else error.message


def cut(place: Place, reason: str = "") -> ReplyCut:
    """The stream broke after the first word, or ended without a finish reason."""
    if not reason:
        what = f"The reply of {place.name} ended without a finish reason; something may be missing."
    else:
        what = f"The reply of {place.name} broke off ({place.quote(reason).rstrip('.')})."
    return ReplyCut(what, remedy=ASK_AGAIN)


def reason_of(error: BaseException) -> str:
    """Why a connection failed, from the deepest cause, in words that a person knows."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    told = " ".join(f"{type(each).__name__} {each}" for each in chain).lower()
    for marks, words in _REASONS:
        if any(mark in told for mark in marks):
            return words
    deepest = next((str(each) for each in reversed(chain) if str(each)), type(error).__name__)
    return one_line(deepest, 120)


_REASONS = (
    (("getaddrinfo", "name or service not known", "nodename nor servname", "no address associated",
      "name resolution", "no such host"), "no such host"),
    (("certificate", "ssl: ", "sslerror", "tlsv1", "wrong version number"), NOT_SECURE),
    (("connection refused", "connectionrefused", "all connection attempts failed"), "connection refused"),
    (("connecttimeout", "connect timeout", "timed out during opening handshake"), "no connection in time"),
    (("unreachable",), "network unreachable"),
    (("timeout", "timed out"), "no answer in time"),
    (("reset by peer", "connectionreset", "broken pipe"), "connection reset"),
    (("server disconnected", "peer closed connection", "incomplete chunked read", "remoteprotocolerror",
      "incompleteread"), "connection closed"),
)  # fmt: skip


def refusal(
    place: Place, status: int, body: object, *, model: str = "", retry_after: float | None = None
) -> LocalChatError:
    """The error for an HTTP status of 400 or more, with the server's own words. ``retry_after`` in seconds."""
    words = place.quote(said(body))
    tail = (f": {words}" if words else "").rstrip(".") + ("" if words.endswith(("!", "?", "…")) else ".")
    overflow = too_long(place, body) if status in (400, 413, 422, 500) else None
    if overflow is not None:
        return overflow
    if status == 401 or _wants_key(body):
        return ProviderRejected(f"{place.name} refused the key ({status}){tail}", place.key_hint, remedy=place.edit)
    if status == 403:
        return ProviderRejected(f"{place.name} forbids this (403){tail}", place.key_hint, remedy=place.edit)
    if status in (404, 410):
        return _not_found(place, status, body, model, tail)
    if status == 429:
        return _limited(place, body, tail, retry_after)
    if status == 408:
        return ProviderUnavailable(f"{place.name} gave up waiting (408){tail}", "", retry_after, remedy=ASK_AGAIN)
    if status < 500:
        return ProviderRejected(f"{place.name} refused the request ({status}){tail}", "")
    what = "is overloaded" if status == 529 or "overload" in words.lower() else "failed"
    todo = "" if retry_after is None else f"Wait {wait_words(retry_after)}."
    return ProviderUnavailable(f"{place.name} {what} ({status}){tail}", todo, retry_after, remedy=ASK_AGAIN)


def _not_found(place: Place, status: int, body: object, model: str, tail: str) -> ProviderRejected:
    gone = bool(model) and _is_about_the_model(status, body, model)
    hint, remedy = "Check the name.", Remedy(Way.DISCOVER, place.name)
    if not gone:
        hint, remedy = "Check its address and its kind.", place.edit
        if place.pathless:
            hint = f"Its address may need a path: http://{place.address}/v1."
    what = f"does not know {one_line(model, 120)}" if gone else "has nothing at this address"
    return ProviderRejected(f"{place.name} {what} ({status}){tail}", hint, model_gone=gone, remedy=remedy)


def _is_about_the_model(status: int, body: object, model: str) -> bool:
    """Whether a 404 or 410 means the model and not the address: then it is JSON and speaks of the model. A wrong path
    is told in plain text, in a web page, or with words such as ``Not Found`` and ``Invalid URL``."""
    document = _as_json(body)
    if not isinstance(document, dict | list):
        return False
    text = json_text(document)
    named = rf"(?<!\w){re.escape(model)}(?!\w)|\bmodels?\b|model_|_model"
    return (status == 410 and "error" in text) or re.search(named, text, re.IGNORECASE) is not None


def _as_json(body: object) -> object:
    if not isinstance(body, str | bytes):
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _limited(place: Place, body: object, tail: str, retry_after: float | None) -> RateLimited:
    if re.search(r"insufficient_quota|billing|credit|spend_limit", json_text(body).lower()):
        hint = "The account's quota is used up, it says; waiting will not help."
        return RateLimited(f"{place.name} limits requests (429){tail}", hint, remedy=Remedy(Way.PICK_MODEL))
    hint = f"Wait {wait_words(retry_after)}." if retry_after is not None else "Wait a moment."
    return RateLimited(f"{place.name} limits requests (429){tail}", hint, retry_after, remedy=ASK_AGAIN)


def wait_told(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the headers of a refusal ask to wait, or None. ``now`` in seconds since 1970.

    ``Retry-After`` as RFC 9110 10.2.3 has it (seconds or a date), or OpenAI's ``retry-after-ms``. More than a day is no
    wait that a person would sit through, and often a mistake.
    """
    from email.utils import parsedate_to_datetime

    told = headers.get("retry-after", "").strip()
    seconds: float | None = None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        seconds = float(headers["retry-after-ms"]) / 1000 if "retry-after-ms" in headers else float(told)
    if seconds is None and told:
        with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
            seconds = parsedate_to_datetime(told).timestamp() - now
    if seconds is None or not seconds <= LONGEST_WAIT:  # false for NaN too
        return None
    return max(seconds, 0.0)


def wait_words(seconds: float) -> str:
    """``20 s``, ``3 min``, ``2 h``, always rounded up."""
    if seconds <= 90:
        return f"{max(1, -int(-seconds // 1))} s"
    if seconds <= 5400:
        return f"{-int(-seconds // 60)} min"
    return f"{-int(-seconds // 3600)} h"


def _wants_key(body: object) -> bool:
    return "API_KEY_INVALID" in json_text(body)  # Google says 400


def json_text(body: object) -> str:
    """The body as text to search in."""
    if isinstance(body, str):
        return body
    try:
        return json.dumps(body, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def said(body: object) -> str:
    """The words for people in an error's body: JSON in any of the usual shapes, plain text, or a page of HTML."""
    match body:
        case None:
            return ""
        case bytes():
            return said(body.decode("utf-8", "replace"))
        case str():
            return _said_in_text(body)
        case [first, *_]:
            return said(first)
        case {"error": dict() as inner}:
            return said(inner)
        case {"message": str(words)} | {"error": str(words)} | {"detail": str(words)} | {"msg": str(words)}:
            return _said_in_text(words)
        case {"detail": inner}:
            return said(inner)
    return ""


def _said_in_text(text: str) -> str:
    text = text.strip()
    if text.startswith(("{", "[")):
        try:
            inner: Any = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return said(inner) or text
    if re.match(r"<(!doctype|html|head|body|\?xml)", text, re.IGNORECASE):
        title = re.search(r"<(title|h1)[^>]*>(.*?)</\1>", text[:100_000], re.IGNORECASE | re.DOTALL)
        return unescape(re.sub(r"<[^>]{0,1000}>", " ", title[2])) if title else ""
    return text


# Compiled when the first error comes, not at import.
_LONG = (
    r"context_length_exceeded|exceed_context_size|maximum context length|available context size|prompt is too long"
    r"|exceeds? (?:the )?(?:model'?s? )?(?:context|maximum number of tokens)|exceed context limit|input token count"
    r"|reduce the length of the messages|input tokens exceed|context length of only|maximum prompt length"
    r"|too (?:large|long) for (?:the )?model|context window"
)
_N = r"([\d,]{1,12})"
_LIMITS = (
    rf'"n_ctx": ?{_N}', rf"maximum context length (?:is|of) {_N}", rf"available context size \({_N}",
    rf"> {_N} maximum", rf"tokens allowed \({_N}\)", rf"configured limit of {_N}",
    rf"context length of (?:only )?{_N}", rf"> {_N}", rf"maximum prompt length is {_N}", rf"model with {_N} maximum",
)  # fmt: skip
_TOKENS = (
    rf'"n_prompt_tokens": ?{_N}', rf"\({_N} in the messages", rf"resulted in {_N} tokens",
    rf"too long: {_N} tokens", rf"token count \({_N}\)", rf"requested (?:about )?{_N} tokens",
    rf"request (?:has|contains) {_N}", rf"\({_N} tokens\)", rf"limit: {_N} \+", rf"contains {_N} tokens",
    rf"keep the first {_N} tokens", rf"has {_N} input tokens",
)  # fmt: skip


def too_long(place: Place, body: object) -> ContextTooLong | None:
    """The error where a body says, in any of the known dialects, that the context is too small; else None."""
    text = json_text(body)[:100_000]
    if not re.search(_LONG, text, re.IGNORECASE):
        return None
    limit, tokens = _first_number(_LIMITS, text), _first_number(_TOKENS, text)
    match (limit, tokens):
        case (int(), int()):
            size = f"{tokens:,} tokens, and {limit:,} fit"
        case (int(), None):
            size = f"{limit:,} tokens fit"
        case _:
            size = place.quote(said(body)) or "the endpoint says so"
    return ContextTooLong(
        f"This chat is too long for the model of {place.name} ({size.rstrip('.')}).",
        "Begin a new chat, or choose a model with a larger context.",
        limit=limit,
        tokens=tokens,
    )


def _first_number(patterns: tuple[str, ...], text: str) -> int | None:
    for pattern in patterns:
        found = re.search(pattern, text, re.IGNORECASE)
        if found and found[1].strip(","):
            return int(found[1].replace(",", ""))
    return None
