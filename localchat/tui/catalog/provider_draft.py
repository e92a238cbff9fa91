"""A provider as it stands in the form: what it would be, what it means, and how its key is kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from localchat import validation
from localchat.errors import LocalChatError
from localchat.records import KeySource, Provider, is_local
from localchat.text import count, one_line
from localchat.tui.catalog.words import host_of

KIND_WORDS = {
    "openai": "OpenAI-compatible",
    "anthropic": "Anthropic",
    "google": "Google Gemini",
    "embedded": "GGUF files, inside this program",
    "echo": "Echo: repeats what it gets, for tests",
    "replay": "Replay: answers as an exported chat did",
}
KEY_WORDS: dict[KeySource, str] = {
    "none": "No key",
    "env": "Environment variable",
    "keyring": "Keyring of this system",
}
REPLAY_WORDS = {
    (False, False): "To the same prompt, as fast as then",
    (False, True): "To the same prompt, at once",
    (True, False): "The next one in order, as fast as then",
    (True, True): "The next one in order, at once",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """``key_name`` is the environment variable, ``secret`` a key for the keyring; None where they do not apply."""

    name: str
    kind: str
    base_url: str
    key_source: KeySource
    key_name: str | None
    secret: str | None
    limits: str

    def edited(self, opened: Typed) -> set[str]:
        """Which parts (name, base_url, key, limits) are others than when the form was opened."""
        parts = {"name"} if self.name != opened.name else set()
        if self.base_url != opened.base_url:
            parts.add("base_url")
        if (self.key_source, self.key_name) != (opened.key_source, opened.key_name) or self.secret:
            parts.add("key")
        if self.limits != opened.limits:
            parts.add("limits")
        return parts

    def unsaved(self, old: Provider | None, providers: Iterable[Provider]) -> Provider:
        """The provider that this would be. Raises InvalidInput like saving would."""
        source, entry = validation.key(self.key_source, self.entry(old, providers), self.name or "new")
        return Provider(
            id=old.id if old else 0,
            name=self.name or "the provider",
            kind=self.kind,
            base_url=validation.base_url(self.kind, self.base_url),
            key_source=source,
            key_name=entry,
            enabled=True,
            created_at="",
            updated_at="",
            limits=validation.limits({}, self.limits_set({})),
        )

    def limits_set(self, stored: Mapping[str, float]) -> dict[str, float | None]:
        """What the typed limits set by name; None for one that was ``stored`` and is not there any more. Raises
        InvalidInput."""
        return {**dict.fromkeys(stored), **validation.limits_given(self.limits.split())}

    def entry(self, old: Provider | None, providers: Iterable[Provider]) -> str | None:
        """The environment variable, or the entry in the keyring: the one it has, else one that nobody else uses."""
        if self.key_source != "keyring":
            return self.key_name
        if old is not None and old.key_source == "keyring":
            return old.key_name
        taken = {provider.key_name for provider in providers if provider.key_source == "keyring"}
        name = self.name or "new"
        return next(entry for entry in (name, *(f"{name}-{n}" for n in range(2, 10_000))) if entry not in taken)

    def check_key_is_there(self, old: Provider | None) -> None:
        """Raises InvalidInput where the keyring is to have a key and none was typed, now or before."""
        from localchat.providers import keys

        if self.key_source == "keyring" and (old is None or old.key_source != "keyring"):
            keys.checked(self.secret or "")

    def variable_note(self) -> str:
        if self.key_source != "env" or not self.key_name or os.environ.get(self.key_name):
            return ""
        return "Not set where localchat was started; set it before the first message."

    def meaning(self, old: Provider | None, chats: int) -> str:
        """What the kind needs that is not installed, and what the address means for what is sent there. ``chats``: how
        many use the models of the old provider."""
        from localchat.providers import extras

        words = [f"⚠ {extras.how_to_add(self.kind)}"] if extras.missing(self.kind) else []
        host = one_line(host_of(self.base_url), 60)
        if is_local(self.kind, self.base_url) or not host:
            return "\n".join(words)
        if old is not None and old.local:
            used = f" {count(chats, 'chat')} that stayed here so far will be sent there." if chats else ""
            words.append(f"⚠ Until now this ran on this machine. {host} is elsewhere.{used}")
        if self.base_url.lower().startswith("http://"):
            words.append(f"⚠ http:// is not encrypted: others on the way to {host} can read the key and every word.")
        return "\n".join(words)


async def keeping_key(place: Provider, secret: str, write: Callable[[], Awaitable[Provider]]) -> Provider:
    """Write with the key in the keyring. The key goes first, so that no provider is saved without it; where the store
    then refuses, the keyring gets back what it had. Raises InvalidInput where the keyring refuses."""
    from localchat.providers import keys

    before = await asyncio.to_thread(_kept, place)
    await asyncio.to_thread(keys.save_key, place, secret)
    try:
        return await write()
    except BaseException:
        if before:
            await asyncio.to_thread(keys.save_key, place, before)
        else:
            await asyncio.to_thread(keys.forget_key, place)
        raise


def _kept(place: Provider) -> str | None:
    from localchat.providers import keys

    try:
        return keys.key_of(place)
    except LocalChatError:
        return None


def key_words(source: KeySource, name: str | None) -> str:
    return f"{KEY_WORDS[source]} {name or ''}".strip()
