"""Add or edit a model: its name at its provider, its file, and what is sent along with every turn."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from localchat.errors import Changed, LocalChatError
from localchat.records import BUILT_IN_MODEL, Model, Provider
from localchat.text import count, one_line
from localchat.tui.catalog.meanwhile import MergingForm
from localchat.tui.dialogs.dialog import Words
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.parameter_fields import PARAMETERS, parameter_fields, parameters_typed, whole
from localchat.tui.dialogs.safe_input import Line
from localchat.tui.toasts import tell

FIELD_WORDS = {
    "name": "The name",
    "path": "The file",
    "context": "The context",
    **{name: words for name, (words, _) in PARAMETERS.items()},
}


class ModelForm(MergingForm[Model | None]):
    """The model as it was saved, or None. What is typed stays until it is saved or given up."""

    CSS_PATH = ["../dialogs/dialog.tcss", "model_form.tcss"]
    labels = FIELD_WORDS
    _wrote = True
    _revived = False  # what was added is a removed model that came back

    def __init__(self, provider: Provider, model: Model | None = None) -> None:
        super().__init__(f"Edit {model.ref}" if model else f"Add a model of {provider.name}")
        self._provider = provider
        self._model = model

    def body(self) -> ComposeResult:
        old = self._model
        embedded = self._provider.kind == "embedded"
        with VerticalScroll(can_focus=False, id="fields"):
            example = BUILT_IN_MODEL if embedded else "as the provider calls it, such as qwen3:8b"
            yield Field("Name", Line(old.model if old else "", id="name", placeholder=example), id="name-field")
            if embedded:
                note = f"{BUILT_IN_MODEL} is in the box and needs no file."
                path = Line(old.path or "" if old else "", id="path", placeholder="/path/to/model.gguf")
                yield Field("GGUF file", path, id="path-field", note=note)
            context = str(old.context) if old and old.context else ""
            yield Field("Context", Line(context, id="context", placeholder="how many tokens it can take in"))
            yield from parameter_fields(old.parameters if old else {})
            yield Words("What is left empty is left to the model and its provider.", classes="hint")
        yield from self.end()

    def on_mount(self) -> None:
        self.query_one("#name").focus()
        self.begin(_fields(self._model) if self._model else {})
        self.watch(self.app, "catalog_version", self._changed_elsewhere, init=False)

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Line).value.strip()

    def _changed_elsewhere(self) -> None:
        if self._model is None or self._saving:
            return
        with contextlib.suppress(LocalChatError):  # it is gone: saving says so
            self.follow(_fields(self.app.store.catalog.model(self._model.id)))

    def saved(self, done: Model | None) -> None:
        if done is not None and self._revived:
            chats = self.app.store.catalog.chats_using([done.id])
            again = f" {count(chats, 'chat uses', 'chats use')} it again." if chats else ""
            tell(self.app, f"{one_line(done.model)} of {done.provider} is back.{again}")
        elif done is not None and self._wrote:
            told = self.app.undos.tell if self._model else functools.partial(tell, self.app)
            told(f"{'Saved' if self._model else 'Added'} {one_line(done.model)} of {done.provider}.")

    async def save(self) -> Model:
        """Raises what the store raises, InvalidInput for what is no number, and what is wrong with the file."""
        catalog, old, name = self.app.store.catalog, self._model, self._text("name")
        self._wrote = True
        if old is None:
            context, parameters, path = self._tokens(), self._parameters(PARAMETERS), self._path(name)
            if path:
                await asyncio.to_thread(_check_file, path)
            removed = {model.id for model in catalog.models(removed=True)}
            added = await self.app.written(
                "add the model",
                lambda: catalog.add_model(
                    self._provider.name,
                    name,
                    path=path,
                    context=context,
                    parameters=parameters,
                    shown=self._provider.id,
                ),
            )
            self._revived = added.id in removed
            return added
        while edited := self.edited():
            try:
                return await self._write(old, edited)
            except Changed as changed:
                if not await self.settled(old.ref, changed, {"model": "name"}):
                    raise
        self._wrote = False
        return catalog.model(old.id)

    async def _write(self, old: Model, edited: set[str]) -> Model:
        """What was edited, and nothing else. Raises Changed where somebody else changed it too."""
        name = self._text("name")
        path = self._path(name) if "path" in edited else None
        if path:
            await asyncio.to_thread(_check_file, path)
        context = self._tokens() if "context" in edited else None
        parameters = self._parameters(edited & PARAMETERS.keys())
        return await self.app.written(
            "save the model",
            lambda: self.app.store.catalog.edit_model(
                old.id,
                model=name if "name" in edited else None,
                path=path,
                context=context,
                clear_context="context" in edited and context is None,
                parameters={**dict.fromkeys(edited & PARAMETERS.keys()), **parameters},
                seen={"model" if field == "name" else field: self.seen(field) for field in edited},
            ),
        )

    def _path(self, name: str) -> str | None:
        """None for what needs no file. A folder's ``~`` is the person's own."""
        if self._provider.kind != "embedded":
            return None
        text = self._text("path")
        if not text and name == BUILT_IN_MODEL:
            return None
        return text

    def _tokens(self) -> int | None:
        text = self._text("context")
        return whole("context", text) if text else None

    def _parameters(self, names: Iterable[str]) -> dict[str, Any]:
        return parameters_typed({name: self._text(name) if name in names else "" for name in PARAMETERS}, {})


def _fields(model: Model) -> dict[str, Any]:
    """What the lines of the form stand for, by their ids."""
    return {
        "name": model.model,
        "path": model.path,
        "context": model.context,
        **{name: model.parameters.get(name) for name in PARAMETERS},
    }


def _check_file(path: str) -> None:
    """Raises ModelMissing, InvalidInput: a file that cannot work is not added."""
    from pathlib import Path

    from localchat.providers.embedded.gguf import check_gguf

    check_gguf(Path(path).expanduser())
