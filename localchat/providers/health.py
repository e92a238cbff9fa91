"""Whether what answers is in order: weights, engine, keyring, and each provider's key and address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from localchat.errors import LocalChatError
from localchat.providers import extras
from localchat.records import BUILT_IN_MODEL, Check, Model, Provider
from localchat.text import count

TIMEOUT = 5.0  # seconds that a provider has to answer


def check_weights() -> Check:
    """Of the built-in model. That they are not there yet is no fault."""
    from localchat.providers.embedded import weights

    if weights.present():
        return Check("weights", True, str(weights.path()))
    detail = f"not here yet; `localchat models pull {BUILT_IN_MODEL}` fetches them ({weights.SIZE_WORDS}, once)"
    return Check("weights", True, detail)


def check_engine(*, needed: bool) -> Check:
    """Whether llama.cpp is there for models that run in this program."""
    if not extras.missing("embedded"):
        return Check("engine", True, "llama.cpp is there")
    detail = f"there is no llama.cpp here (package xllamacpp). {extras.how_to_add('embedded')}"
    return Check("engine", not needed, detail, "not_installed")


def check_keyring(*, needed: bool) -> Check:
    """Where keys are kept that stand in no environment variable."""
    import keyring
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
        usable = backend.priority > 0
        name = getattr(backend, "name", type(backend).__name__)
    except (KeyringError, RuntimeError) as error:
        usable, name = False, str(error)
    if usable:
        return Check("keyring", True, name)
    detail = "this system has none that can be used; keys can come from environment variables"
    return Check("keyring", not needed, detail, "provider_rejected")


def check_file(model: Model) -> Check:
    """Whether the weights file of a model of one's own is still there and whole."""
    from localchat.providers.embedded.gguf import check_gguf

    try:
        facts = check_gguf(model.path or "")
    except LocalChatError as error:
        return Check(f"model {model.ref}", False, error.message, error.code)
    return Check(f"model {model.ref}", True, f"{facts.name}, {facts.size / 1e6:,.0f} MB")


async def check_providers(providers: Sequence[Provider], *, everywhere: bool) -> list[Check]:
    """All at once. Those on other machines are asked only with ``everywhere``: asking uses their key."""
    return list(await asyncio.gather(*(_check_provider(provider, everywhere) for provider in providers)))


async def _check_provider(provider: Provider, everywhere: bool) -> Check:
    name = f"provider {provider.name}"
    if not provider.enabled:
        return Check(name, True, "switched off")
    if provider.kind in ("embedded", "echo"):
        return Check(name, True, "answers inside this program")
    if provider.kind == "replay":
        return await _answers(name, provider)
    from localchat.providers.keys import has_key

    if provider.key_source != "none" and not await asyncio.to_thread(has_key, provider):
        where = f"${provider.key_name} is not set" if provider.key_source == "env" else "its key is not in the keyring"
        return Check(name, False, where, "provider_rejected")
    if not provider.local and not everywhere:
        key = "needs no key" if provider.key_source == "none" else "key is there"
        return Check(name, True, f"{key}; not asked (--all asks every provider)")
    return await _answers(name, provider)


async def _answers(name: str, provider: Provider) -> Check:
    from localchat.providers import connect

    client = None
    try:
        async with asyncio.timeout(TIMEOUT):
            client = connect(provider)
            models = await client.models()
        return Check(name, True, f"answers, {count(len(models), 'model')}")
    except LocalChatError as error:
        return Check(name, False, error.message, error.code)
    except TimeoutError:
        return Check(name, False, f"does not answer within {TIMEOUT:.0f} seconds", "provider_unavailable")
    finally:
        if client is not None:
            await client.aclose()
