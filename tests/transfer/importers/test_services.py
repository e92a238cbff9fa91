"""Exports of services that are not read here: named for what they are, wherever they lie."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from localchat.errors import InvalidInput
from localchat.store import Store
from localchat.store.importing import import_file
from tests.transfer.importers.conftest import chats
from tests.transfer.importers.sources import chatgpt_zip, talk

CLAUDE = [{"uuid": "1", "name": "x", "account": {}, "chat_messages": [{"text": "hi", "sender": "human"}]}]
DEEPSEEK = [
    {
        "id": "1",
        "title": "x",
        "inserted_at": "2026-01-01",
        "mapping": {
            "1": {"id": "1", "parent": "root", "message": {"fragments": [{"type": "REQUEST", "content": "hi"}]}}
        },
    }
]
WEBUI = [{"id": "1", "title": "x", "chat": {"history": {"messages": {}, "currentId": "2"}}}]
GROK = {"conversations": [{"conversation": {"id": "1"}, "responses": []}]}
KNOWN: dict[str, Any] = {"Claude": CLAUDE, "DeepSeek": DEEPSEEK, "Open WebUI": WEBUI, "Grok": GROK}


@pytest.mark.parametrize("service", KNOWN)
@pytest.mark.parametrize("place", ["file", "folder", "zip"])
@pytest.mark.parametrize("kind", [None, "chatgpt"])
def test_another_service_is_named(store: Store, tmp_path: Path, service: str, place: str, kind: str | None) -> None:
    file = tmp_path / "export" / "conversations.json"
    file.parent.mkdir()
    file.write_text(json.dumps(KNOWN[service]))
    given = {"file": file, "folder": file.parent, "zip": tmp_path / "export.zip"}[place]
    if place == "zip":
        with zipfile.ZipFile(given, "w") as archive:
            archive.write(file, "conversations.json")
    with pytest.raises(InvalidInput, match=f"is {service}'s export, which localchat does not read"):
        import_file(store, str(given), kind=kind)
    assert chats(store) == []


def test_what_people_wrote_is_not_taken_for_a_mark(store: Store, tmp_path: Path) -> None:
    words = json.dumps(CLAUDE) + json.dumps(DEEPSEEK)
    file = chatgpt_zip(tmp_path / "export.zip", talk("c1", words, ("user", words)))
    assert import_file(store, str(file)).chats_imported == 1
