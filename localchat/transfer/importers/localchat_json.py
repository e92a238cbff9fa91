"""Our own export, read back whole: `localchat.transfer.export` writes it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from localchat.attachments.reading import NAME_LIMIT, image_type
from localchat.errors import BY_CODE, InvalidInput, Remedy, Way
from localchat.records import Attachment, ErrorNote, Reason, Recording, Role, Status, Usage, stamp, utc_now
from localchat.text import one_line, storable
from localchat.transfer.export import SCHEMA, VERSION
from localchat.transfer.importers.json_stream import Damaged, JsonStream
from localchat.transfer.importers.reading import model_named, settings, stamped, whole
from localchat.transfer.portable import OWN, Found, NamedModel, Unreadable, WholeChat, WholeMessage

KIND = OWN
LABEL = "localchat's own JSON"

_BEGINS = re.compile(r'\s*\{.*?"schema"\s*:\s*"localchat\.', re.DOTALL)
_ROLES, _STATUSES, _REASONS = get_args(Role), get_args(Status), get_args(Reason)


def sniff(path: Path) -> bool:
    """By its first lines, or by its end where another program has sorted the names."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4096)
            file.seek(max(0, size - 4096))
            tail = file.read(4096)
    except OSError:
        return False
    codec = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    first = head.decode(codec, "ignore")
    return _BEGINS.match(first) is not None or (
        first.lstrip().startswith("{") and '"chats"' in first[:100] and SCHEMA.encode() in tail
    )


def chats(path: Path) -> Iterator[Found]:
    """Raises InvalidInput where a newer localchat wrote the file."""
    with path.open("rb") as file:
        stream = JsonStream(file)
        number = 0
        try:
            for name in stream.members():
                if name == "chats":
                    for given in stream.items():
                        number += 1
                        yield _checked(given, number)
                    continue
                _check_head(name, stream.value())
        except Damaged as error:
            yield Unreadable(error.title or f"chat {number + 1} of the file", error.reason)


def _check_head(name: str, value: object) -> None:
    if name == "schema" and value != SCHEMA:
        raise InvalidInput(
            f"This file holds {one_line(str(value), 60)}, not chats.",
            "Give an export of chats.",
            remedy=Remedy(Way.EXPORT_CHAT),
        )
    if name == "version" and value != VERSION:
        raise InvalidInput(
            f"This file is of version {one_line(str(value), 20)}; this localchat reads version {VERSION}.",
            "A newer localchat may have written it: update this one.",
        )


class _Wrong(Exception):
    """What a chat cannot be: the words say why."""


def _checked(given: object, number: int) -> WholeChat | Unreadable:
    title = f"chat {number} of the file"
    try:
        if not isinstance(given, dict):
            raise _Wrong("it is no chat")
        title = _text(given, "title") or title
        return _chat(given)
    except (_Wrong, ValueError) as error:
        return Unreadable(title, str(error))


def _chat(given: dict[str, Any]) -> WholeChat:
    own = given.get("id")
    if not isinstance(own, str) or not own:
        raise _Wrong("it has no id")
    listed = given.get("messages")
    if not isinstance(listed, list):
        raise _Wrong("it has no messages")
    begun = _time(given, "created_at") or stamp(utc_now())
    leaf, summed = given.get("leaf"), given.get("summary_of")
    return WholeChat(
        source=OWN,
        source_id=own,
        title=_text(given, "title"),
        messages=tuple(_message(each, number, begun) for number, each in enumerate(listed, 1)),
        created_at=begun,
        updated_at=_time(given, "updated_at") or begun,
        leaf=str(leaf) if leaf is not None else None,
        model=_model(given, "model"),
        system=_text(given, "system"),
        draft=_text(given, "draft"),
        summary=_text(given, "summary"),
        summary_of=str(summed) if summed is not None else None,
        parameters=settings(given.get("parameters")),
        archived_at=_time(given, "archived_at"),
        pinned_at=_time(given, "pinned_at"),
        deleted_at=_time(given, "deleted_at"),
        also=tuple(_names(given.get("sources"))),
    )


def _names(given: object) -> Iterator[tuple[str, str]]:
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict):
            source, source_id = each.get("source"), each.get("id")
            if isinstance(source, str) and isinstance(source_id, str) and source and source_id and source != OWN:
                yield source, source_id


def _message(given: object, number: int, begun: str) -> WholeMessage:
    if not isinstance(given, dict):
        raise _Wrong(f"message {number} is none")
    try:
        return WholeMessage(
            key=str(given["id"]),
            parent=str(given["parent"]) if given.get("parent") is not None else None,
            role=_one_of(given, "role", _ROLES),
            content=_text(given, "content"),
            created_at=_time(given, "created_at") or begun,
            reasoning=_text(given, "reasoning"),
            status=_one_of(given, "status", _STATUSES, "complete"),
            model=_model(given, "model"),
            fallback_from=_model(given, "fallback_from"),
            fallback_reason=_one_of(given, "fallback_reason", (*_REASONS, None), None),
            error=_error(given.get("error")),
            finish_reason=_text(given, "finish_reason") if given.get("finish_reason") is not None else None,
            usage=_usage(given.get("usage")),
            duration_ms=whole(given.get("duration_ms")),
            recording=_recording(given.get("recording")),
            left_out=whole(given.get("left_out")) or 0,
            attachments=tuple(_attachments(given.get("attachments"))),
        )
    except KeyError:
        raise _Wrong(f"message {number} has no id") from None
    except _Wrong as error:
        raise _Wrong(f"message {number}: {error}") from None


def _recording(given: object) -> Recording | None:
    """None also for what is none: the words stand in the message itself."""
    try:
        return Recording.parse(given["deltas"], given["ended_ms"]) if isinstance(given, dict) else None
    except (KeyError, TypeError, ValueError):
        return None


def _attachments(given: object) -> Iterator[Attachment]:
    """Each as it was exported. Images are known by their content, not by what the file says."""
    if given is None:
        return
    if not isinstance(given, list):
        raise _Wrong("attachments is no list")
    for number, each in enumerate(given, 1):
        if not isinstance(each, dict):
            raise _Wrong(f"attachment {number} is none")
        name = one_line(_text(each, "name"), NAME_LIMIT) or "file"
        if each.get("base64") is None:
            yield Attachment(name, "text/plain", storable(_text(each, "text")).encode())
            continue
        try:
            content = base64.b64decode(_text(each, "base64"), validate=True)
        except ValueError:
            raise _Wrong(f"attachment {number}, {name}, is no base64") from None
        media_type = image_type(content)
        if media_type is None:
            raise _Wrong(f"attachment {number}, {name}, is no png, jpeg, gif or webp image")
        yield Attachment(name, media_type, content)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Wrong(f"{name} is no text")
    return value


def _one_of(given: dict[str, Any], name: str, allowed: tuple[Any, ...], other: Any = "") -> Any:
    value = given.get(name, other)
    if not any(value is known or value == known for known in allowed):
        raise _Wrong(f"{name} cannot be {str(value)[:40]!r}")
    return value


def _time(given: dict[str, Any], name: str) -> str | None:
    return stamped(given.get(name))


def _model(given: dict[str, Any], name: str) -> NamedModel | None:
    value = given.get(name)
    if value is None:
        return None
    provider = value.get("provider") if isinstance(value, dict) else None
    model = value.get("model") if isinstance(value, dict) else None
    if not isinstance(provider, str) or not isinstance(model, str):
        raise _Wrong(f"{name} names no model")
    local = value.get("local")
    return model_named(provider, model, local=local if isinstance(local, bool) else None, same=False)


def _error(given: object) -> ErrorNote | None:
    if not isinstance(given, dict):
        return None
    code = str(given.get("code"))
    known = code if code in BY_CODE else "internal"
    remedy = Remedy.read(str(given.get("remedy") or ""))
    return ErrorNote(known, str(given.get("message") or ""), str(given.get("hint") or ""), remedy)


def _usage(given: object) -> Usage | None:
    if not isinstance(given, dict):
        return None
    tokens = whole(given.get("input_tokens")), whole(given.get("output_tokens"))
    return None if tokens == (None, None) else Usage(tokens[0] or 0, tokens[1] or 0)
