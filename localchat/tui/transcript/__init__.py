"""The transcript: one virtual view of a chat, however long; history and the live reply through one renderer."""

from __future__ import annotations

from localchat.tui.transcript.entries import Entry, Notice, Source
from localchat.tui.transcript.item import layout_lines
from localchat.tui.transcript.widget import Transcript

__all__ = ["Entry", "Notice", "Source", "Transcript", "layout_lines"]
