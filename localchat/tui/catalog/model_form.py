"""Add or edit a model: its name at its provider, its file, and what is sent along with every turn."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from localchat.records import BUILT_IN_MODEL, Model, Provider
from localchat.store import patiently
from localchat.text import one_line
from localchat.tui.dialogs.dialog import Words
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.form import Form
from localchat.tui.dialogs.parameter_fields import PARAMETERS, parameter_fields, parameters_typed, whole
from localchat.tui.dialogs.safe_input import Line, unbroken
from localchat.tui.toasts import tell


class ModelForm(Form[Model | None]):
    """The model as it was saved, or None. What is typed stays until it is saved or given up."""

    CSS_PATH = ["../dialogs/dialog.tcss", "model_form.tcss"]

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

    def _text(self, field: str) -> str:
        return self.query_one(f"#{field}", Line).value.strip()

    def saved(self, done: Model | None) -> None:
        if done is not None:
            tell(self.app, f"{'Saved' if self._model else 'Added'} {one_line(done.model)} of {done.provider}.")

    async def save(self) -> Model:
        """Raises what the store raises, InvalidInput for what is no number, and what is wrong with the file."""
        catalog, old, name = self.app.store.catalog, self._model, self._text("name")
        context, parameters, path = self._tokens(), self._parameters(), self._path(name)
        if path and (old is None or path != old.path):
            await asyncio.to_thread(_check_file, path)
        if old is None:
            return await patiently(
                lambda: catalog.add_model(self._provider.name, name, path=path, context=context, parameters=parameters)
            )
        # A name that another program wrote may hold what the form does not show: untouched, it stays as it is.
        new_name = None if name == unbroken(old.model).strip() else name
        return await patiently(
            lambda: catalog.edit_model(
                old.id,
                model=new_name,
                path=path,
                context=context,
                clear_context=context is None,
                parameters=parameters,
            )
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

    def _parameters(self) -> dict[str, Any]:
        typed = {name: self._text(name) for name in PARAMETERS}
        return parameters_typed(typed, self._model.parameters if self._model else {})


def _check_file(path: str) -> None:
    """Raises ModelMissing, InvalidInput: a file that cannot work is not added."""
    from pathlib import Path

    from localchat.providers.embedded.gguf import check_gguf

    check_gguf(Path(path).expanduser())
