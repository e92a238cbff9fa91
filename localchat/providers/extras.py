"""Packages that only some kinds of providers need, and how to add them to the Python that runs localchat."""

from __future__ import annotations

import importlib.util
import shlex
import sys

from localchat.errors import NotInstalled

# kind: what is imported, and what pip is told to install (as in pyproject.toml's extras).
_NEEDED: dict[str, tuple[tuple[str, ...], str]] = {
    "anthropic": (("pydantic_ai", "anthropic"), "pydantic-ai-slim[anthropic]>=2.68,<3"),
    "google": (("pydantic_ai", "google.genai"), "pydantic-ai-slim[google]>=2.68,<3"),
    "embedded": (("xllamacpp",), "xllamacpp>=2026.10"),
}


def check(kind: str) -> None:
    """Raises NotInstalled, with the one line that helps, where a package of this kind of provider is missing. Imports
    none of them."""
    if missing(kind):
        raise NotInstalled(f"Providers of kind {kind} need a package that is not installed here.", how_to_add(kind))


def missing(kind: str) -> bool:
    """Whether a package that this kind of provider needs is not installed."""
    return not all(map(_there, _NEEDED.get(kind, ((), ""))[0]))


def how_to_add(kind: str) -> str:
    """The one line that adds what this kind of provider needs, as a sentence."""
    hint = f"Add what it needs: `{shlex.quote(sys.executable)} -m pip install {shlex.quote(_NEEDED[kind][1])}`"
    if kind == "embedded":
        hint += ", where there is a wheel for this platform; else add a server, such as Ollama"
    return f"{hint}."


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it stands in
        return False
