"""Whether the servers of other programs ran on this machine: from the configuration that lies where their chats lie.

A chat of a local model is not sent elsewhere unasked, so it matters. Keys stand in these files too; they are not read
on. What cannot be read or is not there says nothing: nobody knows then.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_config_path, user_data_path

from localchat.records import is_loopback
from localchat.transfer.portable import Found, NamedModel, WholeChat

_MOST = 1 << 20  # bytes of a configuration

# ``- model_id: x`` and the lines below it, as llm's documentation has them: no other YAML is needed for these three.
_YAML = re.compile(r"""^(-\s+|\s+)(model_id|api_base):\s*["']?([^"'#\s]+)["']?\s*(?:\#.*)?$""")


def of_llm(path: Path) -> Iterator[tuple[str, bool]]:
    """Ids of models from ``extra-openai-models.yaml``."""
    model, base = "", ""
    for line in [*_text(path.parent / "extra-openai-models.yaml").splitlines(), "- "]:
        if line.startswith("-"):
            here = runs_here(base)
            if model and here is not None:
                yield model, here
            model, base = "", ""
        if found := _YAML.match(line):
            model, base = (found[3], base) if found[2] == "model_id" else (model, found[3])


def of_elia(path: Path) -> Iterator[tuple[str, bool]]:
    """Ids and names of models from ``config.toml``: beside the chats, or where it usually is if they are so too."""
    places = [path.parent]
    if path.parent in (user_data_path("elia", appauthor=False), Path("~/.local/share/elia").expanduser()):
        places += [user_config_path("elia", appauthor=False), Path("~/.config/elia").expanduser()]
    for place in places:
        try:
            listed = tomllib.loads(_text(place / "config.toml")).get("models")
        except (ValueError, RecursionError):
            continue
        for model in listed if isinstance(listed, list) else ():
            here = runs_here(model.get("api_base")) if isinstance(model, dict) else None
            if here is not None:
                yield from ((model[name], here) for name in ("id", "name") if isinstance(model.get(name), str))


def of_oterm(path: Path) -> Iterator[tuple[str, bool]]:
    """Names of compatible providers from ``config.json``."""
    try:
        given = json.loads(_text(path.parent / "config.json") or "{}")
    except (ValueError, RecursionError):
        return
    listed: Any = given.get("openaiCompatible") if isinstance(given, dict) else None
    for name, provider in listed.items() if isinstance(listed, dict) else ():
        here = runs_here(provider.get("base_url")) if isinstance(provider, dict) else None
        if here is not None:
            yield name, here


def runs_here(address: object) -> bool | None:
    """None for what is no address."""
    try:
        host = urlsplit(address).hostname if isinstance(address, str) else None
    except ValueError:
        return None
    return is_loopback(host) if host and "$" not in host else None


def located(found: Found, servers: dict[str, bool]) -> Found:
    """With what is known of its models, by ref."""
    if not servers or not isinstance(found, WholeChat):
        return found

    def place(model: NamedModel | None) -> NamedModel | None:
        return replace(model, local=servers[model.ref]) if model is not None and model.ref in servers else model

    messages = tuple(replace(message, model=place(message.model)) for message in found.messages)
    return replace(found, model=place(found.model), messages=messages)


def _text(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe would wait for ever
            return ""
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
