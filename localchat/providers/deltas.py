"""What stands in the events of a chat completion: words, thoughts, calls of tools, the reason of the end, usage.

Everything is checked before it is taken: servers send null, text, lists and numbers where the format wants another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localchat.providers import failures
from localchat.providers.failures import Place
from localchat.providers.thinking import ThinkTags
from localchat.records import Finished, Piece, ReasoningPiece, TextPiece, ToolCall, Usage
from localchat.text import one_line

MOST_TOKENS = 2**53  # beyond it is no count, and beyond 2**63 no store could hold it
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
_REASON_LENGTH = 64
_MOST_CALLS = 128


class Deltas:
    """One reply as it grows. ``began``: there was a word or a thought; ``reason``: why it ended, once that is told."""

    def __init__(self) -> None:
        self.began = False
        self.reason: str | None = None
        self._usage: Usage | None = None
        self._refused = False
        self._tags = ThinkTags()
        self._calls: dict[int, list[str]] = {}

    def pieces(self, chunk: dict[str, Any]) -> list[Piece]:
        """What one event brings."""
        self._usage = usage_in(chunk.get("usage")) or self._usage
        choices = chunk.get("choices")
        found: list[Piece] = []
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index") in (None, 0):
                found += self._of_choice(choice)
        self.began = self.began or bool(found)
        return found

    def end(self, place: Place) -> Iterator[Piece]:
        """The last pieces. Raises ReplyCut where the endpoint did not say why it ended: a connection that breaks
        between two events looks like an end."""
        yield from self._tags.end()
        if self.reason == "error":
            raise failures.cut(place, "it says that something went wrong")
        if self.reason is None:
            raise failures.cut(place)
        reason = "content_filter" if self._refused and self.reason == "stop" else self.reason
        calls = tuple(ToolCall(*call) for _, call in sorted(self._calls.items()))
        yield Finished(reason, self._usage, calls)

    def _of_choice(self, choice: dict[str, Any]) -> list[Piece]:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            whole = choice.get("message")
            delta = whole if isinstance(whole, dict) and not self.began else {}
        found: list[Piece] = [ReasoningPiece(thought)] if (thought := _thought_in(delta)) else []
        if text := _text_in(delta.get("content"), "text"):
            found += self._tags.pieces(text)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            self._refused = True
            found.append(TextPiece(refusal))
        self._take_calls(delta.get("tool_calls"))
        if reason := choice.get("finish_reason"):
            self.reason = one_line(str(reason)[:1000], _REASON_LENGTH) or "stop"
        return found

    def _take_calls(self, calls: Any) -> None:
        """Calls of tools come in parts, told apart by their index; the arguments grow."""
        for place, part in enumerate(calls if isinstance(calls, list) else ()):
            function = part.get("function") if isinstance(part, dict) else None
            if not isinstance(function, dict):
                continue
            index = part.get("index")
            known = self._calls.get(index if isinstance(index, int) else place)
            if known is None:
                if len(self._calls) >= _MOST_CALLS:
                    continue
                known = self._calls[index if isinstance(index, int) else place] = ["", "", ""]
            known[0] = _text(part.get("id")) or known[0]
            known[1] = _text(function.get("name")) or known[1]
            arguments = function.get("arguments")
            known[2] += arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)


def message_of(document: Any) -> Any:
    """A reply in one piece, with a finish reason where the server gave none: it is whole, or it would be no JSON."""
    choices = document.get("choices") if isinstance(document, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and "message" in choices[0]:
        choices[0].setdefault("finish_reason", "stop")
        choices[0]["finish_reason"] = choices[0]["finish_reason"] or "stop"
    return document


def usage_in(told: Any) -> Usage | None:
    """The tokens, where both counts are such."""
    if not isinstance(told, dict):
        return None
    return usage(told.get("prompt_tokens"), told.get("completion_tokens"))


def usage(told_in: Any, told_out: Any) -> Usage | None:
    """Both counts, or None where one of them is none."""
    return Usage(told_in, told_out) if is_count(told_in) and is_count(told_out) else None


def is_count(value: Any) -> bool:
    """Whether this can be a number of tokens: no text, not negative, not beyond all measure."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def _thought_in(delta: dict[str, Any]) -> str:
    """Reasoning, by the first of its names that holds any: several servers send it twice."""
    for name in _THOUGHTS:
        if thought := _text_in(delta.get(name), "text"):
            return thought
    if thought := _text_in(delta.get("reasoning_details"), "text") or _text_in(
        delta.get("reasoning_details"), "summary"
    ):
        return thought
    content = delta.get("content")  # Mistral's: parts of the content
    return "".join(
        _text_in(part.get("thinking"), "text")
        for part in (content if isinstance(content, list) else ())
        if isinstance(part, dict) and part.get("type") == "thinking"
    )


def _text_in(content: Any, name: str) -> str:
    """Text as it is, or in the parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(_text(part.get(name)) for part in content if isinstance(part, dict))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
