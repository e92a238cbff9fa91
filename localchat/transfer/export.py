"""Chats as files: Markdown to read, JSON that holds everything. Both come piece by piece, chat by chat."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from localchat.attachments.reading import fenced, is_image, spoken
from localchat.records import Attachment, ErrorNote, Recording
from localchat.text import clean, count, escaped, one_line
from localchat.transfer.portable import NamedModel, WholeChat, WholeMessage, line_of, versions_of
from localchat.wording import fell_back

SCHEMA = "localchat.chats"  # docs/export-and-import.md describes it
VERSION = 1  # grows when a reader of the old form would misread the new one

Format = Literal["md", "json"]
ENDINGS: dict[str, Format] = {".md": "md", ".markdown": "md", ".json": "json"}

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_TICKS = re.compile(r"`+")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&#|~])")

_ENDS = {
    "streaming": "The reply was still coming.",
    "stopped": "Stopped here.",
    "interrupted": "Interrupted; something may be missing.",
    "failed": "Failed.",
}


def rendered(chats: Iterable[WholeChat], form: Format, at: str) -> Iterator[str]:
    """The pieces of a whole file; ``at``: the time of the export as the store writes it."""
    return json_document(chats, at) if form == "json" else markdown(chats)


# JSON


def json_document(chats: Iterable[WholeChat], at: str) -> Iterator[str]:
    """One document; no character in it would be obeyed by a terminal. ``chats`` stands last, for those who stream."""
    head = json.dumps({"schema": SCHEMA, "version": VERSION, "exported_at": at}, indent=1)
    yield head.removesuffix("\n}") + ',\n "chats": ['
    comma = ""
    for chat in chats:
        yield comma + "\n" + escaped(json.dumps(chat_object(chat), ensure_ascii=False, indent=1, allow_nan=False))
        comma = ","
    yield "\n]}\n"


def chat_object(chat: WholeChat) -> dict[str, Any]:
    return {
        "id": chat.source_id,
        "title": chat.title,
        "model": _model_object(chat.model),
        "system": chat.system,
        "parameters": chat.parameters,
        "draft": chat.draft,
        "summary": chat.summary,
        "summary_of": chat.summary_of,
        "created_at": chat.created_at,
        "updated_at": chat.updated_at,
        "archived_at": chat.archived_at,
        "pinned_at": chat.pinned_at,
        "deleted_at": chat.deleted_at,
        "sources": [{"source": source, "id": source_id} for source, source_id in chat.also],
        "leaf": chat.leaf,
        "messages": [_message_object(message, *place) for message, place in _placed(chat)],
    }


def _placed(chat: WholeChat) -> Iterator[tuple[WholeMessage, tuple[int, int]]]:
    versions = versions_of(chat)
    for message in chat.messages:
        yield message, versions[message.key]


def _message_object(message: WholeMessage, version: int, versions: int) -> dict[str, Any]:
    error, usage = message.error, message.usage
    return {
        "id": message.key,
        "parent": message.parent,
        "role": message.role,
        "content": message.content,
        "attachments": [_attachment_object(each) for each in message.attachments],
        "reasoning": message.reasoning,
        "status": message.status,
        "model": _model_object(message.model),
        "fallback_from": _model_object(message.fallback_from),
        "fallback_reason": message.fallback_reason,
        "error": _error_object(error),
        "finish_reason": message.finish_reason,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens} if usage else None,
        "duration_ms": message.duration_ms,
        "recording": _recording_object(message.recording),
        "left_out": message.left_out,
        "created_at": message.created_at,
        "version": version,
        "versions": versions,
    }


def _recording_object(recording: Recording | None) -> dict[str, Any] | None:
    return {"deltas": recording.deltas, "ended_ms": recording.ended_ms} if recording is not None else None


def _error_object(error: ErrorNote | None) -> dict[str, str] | None:
    """``remedy``: what can be done, without a key or command, so that whoever reads it back has its own."""
    if error is None:
        return None
    remedy = {"remedy": str(error.remedy)} if error.remedy else {}
    return {"code": error.code, "message": error.message, "hint": error.hint, **remedy}


def _attachment_object(attachment: Attachment) -> dict[str, Any]:
    """Text as it is, anything else in base64."""
    told = {"name": attachment.name, "media_type": attachment.media_type}
    if is_image(attachment.media_type):
        return {**told, "base64": base64.b64encode(attachment.content).decode()}
    return {**told, "text": attachment.content.decode("utf-8", "replace")}


def _model_object(model: NamedModel | None) -> dict[str, Any] | None:
    if model is None:
        return None
    return {"provider": model.provider, "model": model.model, "local": model.local, "removed": model.removed}


# Markdown


def markdown(chats: Iterable[WholeChat]) -> Iterator[str]:
    """The line of each chat that was read last, with what localchat did in it. Control characters are left out."""
    rule = ""
    for chat in chats:
        yield rule
        yield from _chat(chat)
        rule = "\n---\n\n"


def _chat(chat: WholeChat) -> Iterator[str]:
    line, versions = line_of(chat), versions_of(chat)
    yield f"# {plain(chat.title) or '(no title)'}\n\n"
    used = f"{_day(chat.created_at)} to {_day(chat.updated_at)}"
    facts = [_code(chat.model) if chat.model else "no model yet", count(len(line), "message"), used]
    facts += [word for word, when in _shelves(chat) if when is not None]
    yield " · ".join(facts) + "\n"
    if chat.parameters:
        settings = ", ".join(f"{name} {value}" for name, value in chat.parameters.items())
        yield f"\nParameters: {plain(settings)}\n"
    others = len(chat.messages) - len(line)
    if others:
        yield f"\n*{count(others, 'message')} of other versions {'is' if others == 1 else 'are'} in the JSON export.*\n"
    if chat.system:
        yield f"\n## System prompt\n\n{_block(chat.system)}\n"
    for message in line:
        yield from _message(message, *versions[message.key])


def _shelves(chat: WholeChat) -> tuple[tuple[str, str | None], ...]:
    return ("pinned", chat.pinned_at), ("archived", chat.archived_at), ("in the trash", chat.deleted_at)


def _message(message: WholeMessage, version: int, versions: int) -> Iterator[str]:
    facts = [_speaker(message), _minute(message.created_at)]
    if versions > 1:
        facts.append(f"version {version} of {versions}")
    yield f"\n## {' · '.join(facts)}\n\n"
    for notice in _before(message):
        yield f"*{plain(notice)}*\n\n"
    if message.reasoning:
        thoughts = _block(message.reasoning).replace("</details", "&lt;/details").replace("<summary", "&lt;summary")
        yield f"<details>\n<summary>Reasoning</summary>\n\n{thoughts}\n\n</details>\n\n"
    for attachment in message.attachments:
        yield from _attachment(attachment)
    if message.content:
        yield _block(message.content) + "\n"
    for notice in _after(message):
        yield f"\n*{plain(notice)}*\n"


def _attachment(attachment: Attachment) -> Iterator[str]:
    """A text file whole; of an image, that it was there: the JSON export holds it."""
    size = spoken(len(attachment.content))
    if is_image(attachment.media_type):
        yield f"*▣ {plain(attachment.name)} · image · {size}*\n\n"
        return
    text = clean(attachment.content.decode("utf-8", "replace"))
    yield f"*▤ {plain(attachment.name)} · {size}*\n\n{fenced(text)}\n\n"


def _speaker(message: WholeMessage) -> str:
    if message.role == "user":
        return "you"
    if message.role == "system":
        return "system"
    return _code(message.model) if message.model is not None else "assistant"


def _before(message: WholeMessage) -> Iterator[str]:
    wanted = message.fallback_from
    if wanted is not None:
        yield fell_back(wanted, message.model, message.fallback_reason, refs=True, past=True)
    if message.left_out:
        yield f"{count(message.left_out, 'earlier message')} did not fit the model's context and were not sent."


def _after(message: WholeMessage) -> Iterator[str]:
    if message.error is not None:
        yield _failure(message.error, message.status)
    elif message.status in _ENDS:
        yield _ENDS[message.status]
    elif message.finish_reason == "length":
        yield "The reply reached its limit of tokens and ends there."
    facts = []
    if message.duration_ms is not None:
        facts.append(f"{message.duration_ms / 1000:.1f} s")
    if message.usage is not None:
        facts.append(f"{message.usage.input_tokens:,} tokens in, {message.usage.output_tokens:,} out")
    if facts:
        yield " · ".join(facts)


def _failure(error: ErrorNote, status: str) -> str:
    told = one_line(f"{error.message} {error.hint}")
    return f"{'Interrupted' if status == 'interrupted' else 'Failed'} ({error.code}): {told}"


def _block(text: str) -> str:
    """Markdown of somebody else: cleaned, and a fence that it leaves open is closed, so that it ends where it ends."""
    text = clean(text).rstrip("\n")
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if found is None:
            continue
        mark, rest = found.groups()
        if not fence:
            if mark[0] == "~" or "`" not in rest:
                fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def plain(text: str) -> str:
    """On one line, and nothing in it means anything to Markdown."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _code(model: NamedModel) -> str:
    """A ref as code, where nothing means anything, with the word where the model is removed."""
    ref = one_line(model.ref)
    ticks = "`" * (max((len(run) for run in _TICKS.findall(ref)), default=0) + 1)
    pad = " " if ref.startswith("`") or ref.endswith("`") else ""
    return f"{ticks}{pad}{ref}{pad}{ticks}{' (removed)' if model.removed else ''}"


def _minute(stamped: str) -> str:
    """``2026-03-02 14:02 UTC``."""
    shown = one_line(stamped, 40)
    return f"{shown[:10]} {shown[11:16]} UTC" if len(shown) >= 20 else shown


def _day(stamped: str) -> str:
    return one_line(stamped, 40)[:10]
