"""Whose export a JSON file is, where it is none of those that are read here: so that a person is told its name.

Many services call their file ``conversations.json``. They are told apart by names that stand near its beginning.
"""

from __future__ import annotations

import re

# Name and the members that an object of it has; the first one that has all of them.
_MEMBERS = (
    ("Claude's export", ("chat_messages",)),
    ("DeepSeek's export", ("mapping", "inserted_at", "fragments")),
    ("Open WebUI's export", ("history", "currentId")),
    ("Grok's export", ("conversations", "conversation", "responses")),
    ("LM Studio's conversation", ("versions", "currentlySelected")),
    ("LibreChat's export", ("conversationId", "messages")),
    ("Google Takeout's list of Gemini prompts", ("header", "titleUrl", "products")),
    ("a data set in ShareGPT's form", ("conversations", "from", "value")),
)


def whose(head: str) -> str | None:
    """None for a beginning that is ChatGPT's, or that nobody here knows."""
    for name, members in _MEMBERS:
        # A quote inside of somebody's words would have a backslash before it.
        if all(re.search(rf'(?<!\\)"{member}"\s*:', head) for member in members):
            return name
    return None
