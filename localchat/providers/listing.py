"""Asking an endpoint for its models: one GET, in the few shapes there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localchat.errors import LocalChatError, ProviderRejected, ProviderUnavailable
from localchat.providers import failures
from localchat.providers.failures import Place
from localchat.providers.limits import Budgets
from localchat.providers.redaction import is_secret
from localchat.records import RemoteModel

if TYPE_CHECKING:
    import httpx2

_CHECK = "Check its address and its kind."
_CONTEXTS = ("context_length", "max_model_len", "context_window", "max_context_length", "inputTokenLimit",
             "max_input_tokens", "loaded_context_length")  # fmt: skip


async def listed(base_url: str, path: str, headers: Mapping[str, str], place: Place, budgets: Budgets) -> list[Any]:
    """``fetch`` with a client of its own, and with an end to its patience. ``localchat.providers.http`` is loaded."""
    from localchat.providers.http import open_http

    try:
        async with (
            asyncio.timeout(budgets.listing),
            await asyncio.to_thread(open_http, base_url, headers, place, budgets) as http,
        ):
            rows = await fetch(http, base_url, path, place)
    except TimeoutError as error:
        raise failures.silent(place, budgets.listing) from error
    return [row for row in rows if not place.key or not is_secret(place.key) or place.key not in str(row)]


async def fetch(http: httpx2.AsyncClient, base_url: str, path: str, place: Place) -> list[Any]:
    """The rows at ``base_url`` + ``path``. Where a base URL without /v1 should have it, the error says so."""
    from localchat.providers.http import get_json

    status, body = await get_json(http, base_url + path, place)
    rows = _rows(body) if status == 200 else None
    if rows is not None:
        return rows
    if not base_url.rstrip("/").endswith("/v1") and await _answers(http, f"{base_url}/v1{path}", place):
        raise ProviderRejected(
            f"{place.name} has no list of models at {base_url}, but it has one at {base_url}/v1.",
            f"Set its address to {base_url}/v1.",
            remedy=place.edit,
        )
    if status >= 400:
        raise failures.refusal(place, status, body)
    raise ProviderUnavailable(f"{place.name} at {place.address} answered, but not with a list of models.", _CHECK)


async def _answers(http: httpx2.AsyncClient, url: str, place: Place) -> bool:
    from localchat.providers.http import get_json

    try:
        status, body = await get_json(http, url, place)
    except LocalChatError:
        return False
    return status == 200 and _rows(body) is not None


def _rows(body: Any) -> list[Any] | None:
    """The list in ``{"data": […]}``, ``{"models": […]}`` or ``[…]``; None where there is none."""
    found = body if isinstance(body, list) else None
    if isinstance(body, dict):
        if body.get("object") == "list" and body.get("data", 0) is None:
            return []  # Ollama without a model
        found = next((body[name] for name in ("data", "models") if isinstance(body.get(name), list)), None)
    return found


def remote_models(rows: list[Any]) -> list[RemoteModel]:
    """Each model once, in the endpoint's order; rows without a name are passed over."""
    return once_each(RemoteModel(name, _context(row)) for row in rows if (name := _name(row)))


def once_each(listed: Iterable[RemoteModel]) -> list[RemoteModel]:
    """One that is listed again is the same: it knows how often, and a context that only a later row tells."""
    models: dict[str, RemoteModel] = {}
    for model in listed:
        before = models.get(model.name)
        if before is None:
            models[model.name] = model
        else:
            times = before.times + model.times
            models[model.name] = replace(before, context=before.context or model.context, times=times)
    return list(models.values())


def _name(row: Any) -> str:
    if isinstance(row, str):
        return row
    if not isinstance(row, dict):
        return ""
    name = row.get("id") or row.get("name")
    return name if isinstance(name, str) else ""


def _context(row: Any) -> int | None:
    """The context in tokens, by whatever name the endpoint gives it."""
    if not isinstance(row, dict):
        return None
    meta = row.get("meta")
    told = [row.get(name) for name in _CONTEXTS]
    if isinstance(meta, dict):  # llama.cpp: what it was started with, else what the model was made for
        told += [meta.get("n_ctx"), meta.get("n_ctx_train")]
    return next((value for value in told if isinstance(value, int) and not isinstance(value, bool) and value > 0), None)
