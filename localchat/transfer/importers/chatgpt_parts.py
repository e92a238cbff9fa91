"""What a message of ChatGPT is made of, as Markdown; what cannot be taken over leaves a line where it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from localchat.attachments.reading import MOST
from localchat.records import Attachment
from localchat.text import one_line
from localchat.transfer.importers.reading import FILE, IMAGE, UNKNOWN, fenced, image, kept_raw, text_of
from localchat.transfer.portable import Note

_IMAGES = ("image_asset_pointer",)
_MEDIA = {
    "audio_asset_pointer": "audio",
    "video_container_asset_pointer": "video",
    "real_time_user_audio_video_asset_pointer": "recording",
}
_ENDS = re.compile(r"[-.]")
_PRIVATE = range(0xE200, 0xE210)  # the marks that stand around a citation


def instructions(metadata: dict[str, Any], content: dict[str, Any]) -> str:
    """The person's custom instructions, where this message holds them."""
    kept = metadata.get("user_context_message_data")
    if metadata.get("is_user_system_message") and isinstance(kept, dict):
        said = [kept.get("about_user_message"), kept.get("about_model_message")]
        return "\n\n".join(text_of(each) for each in said if each)
    if content.get("content_type") == "user_editable_context":
        said = [content.get("user_profile"), content.get("user_instructions")]
        return "\n\n".join(text_of(each) for each in said if each)
    return ""


class Files:
    """What lies in the export beside the conversations, known by its names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_id: dict[str, str] = {}
        for name in names:
            last = name.rpartition("/")[2]
            for end in (*(found.start() for found in _ENDS.finditer(last)), len(last)):
                self._by_id.setdefault(last[:end], name)

    def named(self, file_id: str) -> str | None:
        """The file of that id: its name is the id, or begins with it and goes on behind a dash or a dot."""
        return self._by_id.get(file_id)

    def read(self, name: str) -> bytes | None:
        """The file's content, at least the beginning of one that is too large; None where it cannot be read."""
        return None


class Parts:
    """``notes`` gathers what is to be told."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._images: list[Attachment] = []
        self.notes: list[Note] = []

    def taken_images(self) -> tuple[Attachment, ...]:
        """Those of the content that was asked for last."""
        images, self._images = self._images, []
        return tuple(images)

    def of(self, content: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
        """The texts of a message, none of them empty."""
        texts = list(self._texts(content))
        texts += self._attached(metadata, "\n".join(texts))
        return [_uncited(text, metadata) for text in texts if text.strip()]

    def thoughts(self, content: dict[str, Any]) -> list[str] | None:
        """None for what is no thinking."""
        match content.get("content_type"):
            case "thoughts":
                given = content.get("thoughts")
                each = [thought for thought in given if isinstance(thought, dict)] if isinstance(given, list) else []
                said = ["\n".join(_filled(t.get("summary"), t.get("content"))) for t in each]
                return [text for text in said if text]
            case "reasoning_recap":
                return _filled(content.get("content"))
            case "model_editable_context":  # what ChatGPT remembered of the person
                return [*_filled(content.get("model_set_context")), *_filled(content.get("repository"))]
        return None

    def of_call(self, tool: str, content: dict[str, Any]) -> list[str]:
        return [f"Tool {one_line(tool, 100)} was called:\n{text}" for text in self._texts(content) if text.strip()]

    def of_tool(self, tool: str, content: dict[str, Any]) -> tuple[list[str], list[str]]:
        """What a tool put out, and of that what is shown in the conversation: a line for each of its images, also of
        those that come along, for a reply is never without words."""
        before = len(self.notes)
        texts = [text for text in self._texts(content) if text.strip()]
        shown = [text for text in texts if text.startswith("[image: ")] if len(self.notes) > before else []
        shown += [f"[image: {each.name}]" for each in self._images]
        rest = [text for text in texts if text not in shown]
        return [f"Tool {one_line(tool, 100) or 'unnamed'} answered:\n{text}" for text in rest], shown

    def _texts(self, content: dict[str, Any]) -> Iterator[str]:
        kind = text_of(content.get("content_type"))
        match kind:
            case "text" | "multimodal_text":
                parts = content.get("parts")
                for part in parts if isinstance(parts, list) else _filled(content.get("text")):
                    yield from self._part(part)
            case "code":
                text, language = text_of(content.get("text")), text_of(content.get("language"))
                yield fenced(text, "" if language == "unknown" else language) if text else ""
            case "execution_output":
                text = text_of(content.get("text"))
                yield fenced(text) if text else ""
            case "tether_quote":
                source = " ".join(_filled(content.get("title"), content.get("url") or content.get("domain")))
                quoted = "\n".join(f"> {line}" for line in text_of(content.get("text")).splitlines())
                yield "\n".join(_filled(source, quoted))
            case "tether_browsing_display":
                yield "\n".join(_filled(content.get("result"), content.get("summary")))
            case "system_error":
                yield f"[error: {': '.join(_filled(content.get('name'), content.get('text')))}]"
            case "thoughts" | "reasoning_recap" | "model_editable_context":
                yield "\n".join(self.thoughts(content) or ())
            case _:
                self.notes.append(UNKNOWN)
                yield kept_raw(content, kind)

    def _part(self, part: object) -> Iterator[str]:
        if isinstance(part, str):
            yield part
            return
        if not isinstance(part, dict):
            yield text_of(part)
            return
        kind = text_of(part.get("content_type"))
        if kind in _IMAGES:
            yield from self._image(part.get("asset_pointer"))
        elif kind in _MEDIA:
            self.notes.append(FILE)
            inner = part.get("audio_asset_pointer")
            pointer = part.get("asset_pointer") or (inner.get("asset_pointer") if isinstance(inner, dict) else inner)
            yield f"[{_MEDIA[kind]}: {_last(self._file(pointer))}, not imported]"
        elif isinstance(part.get("text"), str):  # what was heard, and whatever else is words
            yield part["text"]
        else:
            self.notes.append(UNKNOWN)
            yield kept_raw(part, kind)

    def _image(self, pointer: object) -> Iterator[str]:
        """Nothing where it comes along, else a line."""
        name = self._file(pointer)
        found = image(_last(name), self._files.read(name)) if name else None
        if found is not None and len(self._images) < MOST:
            self._images.append(found)
            return
        self.notes.append(IMAGE)
        yield f"[image: {_last(name)}, not imported]"

    def _file(self, pointer: object) -> str:
        """The name of the file in the export that a pointer means, else its id."""
        wanted = text_of(pointer).rpartition("://")[2].partition("#")[0].partition("?")[0]
        return self._files.named(wanted) or wanted

    def _attached(self, metadata: dict[str, Any], told: str) -> Iterator[str]:
        """Files that the person attached; an image that stands in the words, or comes along, is not told twice."""
        told = "\n".join([told, *(each.name for each in self._images)])
        listed = metadata.get("attachments")
        for each in listed if isinstance(listed, list) else ():
            if not isinstance(each, dict):
                continue
            file_id, name = text_of(each.get("id")), one_line(text_of(each.get("name")), 120)
            if (file_id and file_id in told) or (name and name in told):
                continue
            self.notes.append(FILE)
            yield f"[file: {name or file_id or 'no name'}, not imported]"


def _last(name: str) -> str:
    return one_line(name.rpartition("/")[2], 120) or "no name"


def _filled(*values: object) -> list[str]:
    return [text for value in values if (text := text_of(value))]


def _uncited(text: str, metadata: dict[str, Any]) -> str:
    """Marks of citations, which are private characters, become the links that they stand for."""
    references = metadata.get("content_references")
    for each in references if isinstance(references, list) else ():
        if isinstance(each, dict):
            mark, alt = each.get("matched_text"), each.get("alt")
            if isinstance(mark, str) and any(ord(letter) in _PRIVATE for letter in mark):
                text = text.replace(mark, alt if isinstance(alt, str) else "")
    return text
