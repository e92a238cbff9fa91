"""Model servers that run on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from localchat.errors import LocalChatError
from localchat.providers import listing
from localchat.providers.failures import Place
from localchat.providers.limits import Budgets
from localchat.providers.loading import HTTP, preload
from localchat.providers.presets import LOCAL, Template
from localchat.records import RemoteModel

PATIENCE = 0.5  # seconds for all of them together to be there, and as many to answer


@dataclass(frozen=True, slots=True)
class Found:
    """A server that answered with a list of models, perhaps an empty one."""

    template: Template
    base_url: str
    models: tuple[RemoteModel, ...]


async def found(templates: Sequence[Template] = LOCAL, patience: float = PATIENCE) -> list[Found]:
    """Those of the well-known local servers that answer, in the order of the templates. Nothing but this machine is
    asked, no key is sent, and nothing is raised."""
    local = [template for template in templates if template.local]
    listening = await asyncio.gather(*(_listens(template, patience) for template in local))
    if not any(listening):
        return []  # as on most machines, and then the HTTP client is not worth its import at every start
    await preload(HTTP)
    asked = (_ask(template, patience) for template, there in zip(local, listening, strict=True) if there)
    return [answer for answer in await asyncio.gather(*asked) if answer is not None]


async def _listens(template: Template, patience: float) -> bool:
    address = urlsplit(template.base_url)
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(address.hostname, address.port or 80)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _ask(template: Template, patience: float) -> Found | None:
    place = Place(template.name, template.base_url, local=True, key_hint="")
    try:
        rows = await listing.listed(template.base_url, "/models", {}, place, Budgets(listing=patience))
    except LocalChatError:
        return None
    return Found(template, template.base_url, tuple(listing.remote_models(rows)))
