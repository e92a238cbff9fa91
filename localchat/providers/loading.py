"""What is heavy is imported when it is first needed, and not on the thread that draws the screen."""

from __future__ import annotations

import asyncio
import importlib

HTTP = "localchat.providers.http"


async def preload(*modules: str) -> None:
    """Import these in a thread."""
    await asyncio.to_thread(lambda: [importlib.import_module(name) for name in modules])
