"""Add or edit a provider: where it is, how it is spoken to, where its key comes from."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select

from localchat import validation
from localchat.errors import AlreadyExists, Changed, InvalidInput, LocalChatError, NotFound
from localchat.providers.presets import TEMPLATES, Template
from localchat.records import KINDS, LOCAL_KINDS, KeySource, Provider
from localchat.text import count, one_line
from localchat.tui.catalog.meanwhile import WhichDialog, changed_words
from localchat.tui.catalog.provider_draft import KEY_WORDS, KIND_WORDS, REPLAY_WORDS, Typed, keeping_key, key_words
from localchat.tui.catalog.reachability import models_of
from localchat.tui.catalog.words import host_of
from localchat.tui.dialogs.dialog import Trouble, Words
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.form import Form
from localchat.tui.dialogs.safe_input import Line
from localchat.tui.remedies import PROVIDER_FORM, Place, advice
from localchat.tui.toasts import tell
from localchat.validation import ReplayFile

if TYPE_CHECKING:
    from localchat.providers.detect import Found

# The parts of a provider that are edited apart from each other, and the fields of each.
PARTS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "base_url": ("base_url",),
    "key": ("key_source", "key_name"),
    "limits": ("limits",),
}
PART_WORDS = {"name": "The name", "base_url": "The address", "key": "The key", "limits": "Its limits"}
LIMITS_HINT = "those of localchat, or such as first_word=600"
BOX = Template("The model in the box and GGUF files", "local", "embedded", "")
OTHER = Template("Another OpenAI-compatible server", "", "openai", "")


class ProviderForm(Form[Provider | None]):
    """The provider as it was saved, or None. What is typed stays until it is saved or given up."""

    CSS_PATH = ["../dialogs/dialog.tcss", "provider_form.tcss"]
    _wrote = True
    remedies: ClassVar[Place] = PROVIDER_FORM
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "test", "Test", id="form.test", tooltip="Ask the address for its models", priority=True),
        Binding("f3", "add_found", "Add server", id="form.found", tooltip="Add the server found on this machine"),
    ]

    def __init__(self, provider: Provider | None = None, *, called: str = "", like: Template | None = None) -> None:
        """``called``: the name of a new one, where that is what it is added for. ``like``: where it begins."""
        super().__init__(f"Edit {provider.name}" if provider else "Add a provider")
        self._called = called
        self._like = like
        self._provider = provider
        self._found: list[Found] = []
        self._asked: Typed | None = None
        self._changed: dict[str, object] = {}  # what of it was changed elsewhere, by part

    # The form

    def body(self) -> ComposeResult:
        old = self._provider
        with VerticalScroll(can_focus=False, id="fields"):
            if old is None:
                places = Select(self._templates(), prompt="a well-known place", id="template", compact=True)
                yield Field("Begin with", places)
                yield Words(id="found", classes="hint")
            yield Field(
                "Name", Line(old.name if old else self._called, id="name", placeholder="ollama"), id="name-field"
            )
            if old is None:
                kinds = [(Text(KIND_WORDS[kind]), kind) for kind in ("openai", *sorted(set(KINDS) - {"openai"}))]
                yield Field("Kind", Select(kinds, allow_blank=False, id="kind", compact=True))
            else:
                yield Field("Kind", Words(KIND_WORDS.get(old.kind, old.kind), classes="fixed"))
            url = Line(old.base_url or "" if old else "", id="url", placeholder="http://localhost:11434/v1")
            yield Field("Address", url, id="url-field")
            replayed = ReplayFile.parse(old.base_url or "") if old and old.kind == "replay" else None
            path = Line(str(replayed.path) if replayed else "", id="path", placeholder="chat.json")
            yield Field("File", path, id="path-field")
            ways = [(Text(words), way) for way, words in REPLAY_WORDS.items()]
            way = (replayed.in_order, replayed.at_once) if replayed else (False, False)
            yield Field("Replies", Select(ways, value=way, allow_blank=False, id="way", compact=True), id="way-field")
            sources = [(Text(words), source) for source, words in KEY_WORDS.items()]
            source = old.key_source if old else "none"
            keys = Select(sources, value=source, allow_blank=False, id="source", compact=True)
            yield Field("Key", keys, id="source-field")
            variable = old.key_name or "" if old and old.key_source == "env" else ""
            yield Field("Variable", Line(variable, id="variable", placeholder="OPENAI_API_KEY"), id="variable-field")
            kept = "unchanged" if old and old.key_source == "keyring" else "paste the key"
            yield Field("The key", Line(id="secret", password=True, placeholder=kept), id="secret-field")
            limits = Line(validation.limit_words(old.limits) if old else "", id="limits", placeholder=LIMITS_HINT)
            yield Field("Limits", limits, id="limits-field")
            yield Words(id="meaning", classes="caution")
            yield Words(id="answer", classes="hint")
        yield from self.end(Button(Content("Test"), id="test", compact=True))

    @staticmethod
    def _templates() -> list[tuple[Text, Template]]:
        return [(Text(template.name), template) for template in (*TEMPLATES, OTHER, BOX)]

    def on_mount(self) -> None:
        self._opened = self.typed()
        self._stored = {field: getattr(self._provider, field, None) for part in PARTS.values() for field in part}
        self.watch(self.app, "catalog_version", self._changed_elsewhere, init=False)
        if self._like is not None:
            with self.prevent(Select.Changed):
                self.query_one("#template", Select).value = self._like
            self.fill_in(self._like)
        self._typing()
        first = "#name" if self._provider is not None else "#template" if self._like is None else "#save"
        self.query_one(first).focus()
        if self._provider is None and self.app.looks_around:
            self._look_for_servers()

    def typed(self) -> Typed:
        """What stands in the form now."""
        kind = self._provider.kind if self._provider else str(self.query_one("#kind", Select).value)
        chosen = self.query_one("#source", Select).value
        source: KeySource = "none" if kind in LOCAL_KINDS else chosen if chosen in ("env", "keyring") else "none"
        return Typed(
            name=self.query_one("#name", Line).value.strip(),
            kind=kind,
            base_url=self._address(kind),
            key_source=source,
            key_name=self.query_one("#variable", Line).value.strip() if source == "env" else None,
            secret=self.query_one("#secret", Line).value.strip() or None if source == "keyring" else None,
            limits="" if kind in LOCAL_KINDS else self.query_one("#limits", Line).value.strip(),
        )

    def _address(self, kind: str) -> str:
        if kind != "replay":
            return "" if kind in LOCAL_KINDS else self.query_one("#url", Line).value.strip()
        path, way = self.query_one("#path", Line).value.strip(), self.query_one("#way", Select).value
        try:
            file = ReplayFile.parse(path)
        except InvalidInput:
            return path  # saving will say what is wrong with it
        return replace(file, in_order=way[0], at_once=way[1]).url if isinstance(way, tuple) else file.url

    @on(Input.Changed)
    @on(Select.Changed)
    def _typing(self) -> None:
        """What applies is shown; the name is checked while it is typed."""
        typed = self.typed()
        inside = typed.kind in LOCAL_KINDS
        self.query_one("#url-field").display = not inside
        self.query_one("#source-field").display = self.query_one("#limits-field").display = not inside
        self.query_one("#variable-field").display = typed.key_source == "env"
        self.query_one("#secret-field").display = typed.key_source == "keyring"
        for name in ("#path-field", "#way-field"):
            self.query_one(name).display = typed.kind == "replay"
        self.query_one("#test").display = not inside or typed.kind == "replay"
        self.refresh_bindings()
        if typed != self._asked:  # what was answered stands until something else is typed
            self.query_one("#answer", Words).say("")
        self._check_name(typed.name)
        self.query_one("#meaning", Words).say(typed.meaning(self._provider, self._chats()))
        self.query_one("#variable-field", Field).note(typed.variable_note())

    def _check_name(self, name: str) -> None:
        field = self.query_one("#name-field", Field)
        field.note("")
        if not name:
            return
        try:
            validation.provider_name(name)
            self._not_taken(name)
        except LocalChatError as error:
            field.note(f"{error.message} {advice(error, self.remedies)}", wrong=True)

    def _not_taken(self, name: str) -> None:
        own = self._provider.id if self._provider else None
        if any(provider.name == name and provider.id != own for provider in self.app.store.catalog.providers()):
            raise AlreadyExists(f"There is a provider {name} already.", "Choose another name, or edit that one.")

    def _chats(self) -> int:
        """How many chats use the models of the provider that is edited."""
        catalog = self.app.store.catalog
        return catalog.chats_using([m.id for m in catalog.models(self._provider.name)]) if self._provider else 0

    # Templates and servers found here

    @on(Select.Changed, "#template")
    def _fill_in(self, event: Select.Changed) -> None:
        if isinstance(event.value, Template):
            self.fill_in(event.value)

    def fill_in(self, template: Template, base_url: str | None = None) -> None:
        """Put a well-known place into the form, under a name that is free."""
        self.query_one("#kind", Select).value = template.kind
        self.query_one("#name", Line).value = self._called or (self._free(template.slug) if template.slug else "")
        self.query_one("#url", Line).value = base_url or template.base_url
        self.query_one("#source", Select).value = "env" if template.key_env else "none"
        self.query_one("#variable", Line).value = template.key_env or ""
        self._typing()

    def _free(self, slug: str) -> str:
        taken = {provider.name for provider in self.app.store.catalog.providers()}
        return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, 1000))) if name not in taken)

    @work(group="look for servers", exclusive=True)
    async def _look_for_servers(self) -> None:
        """Servers on this machine that are not among the providers yet."""
        from localchat.providers.detect import found

        known = {provider.base_url for provider in self.app.store.catalog.providers()}
        self.show_found([server for server in await found() if server.base_url not in known])

    def show_found(self, servers: list[Found]) -> None:
        self._found = servers
        if servers:
            first = servers[0]
            what = f"{first.template.name} at {host_of(first.base_url)} ({count(len(first.models), 'model')})"
            more = f", and {len(servers) - 1} more" if len(servers) > 1 else ""
            self.query_one("#found", Words).say(f"Found on this machine: {what}{more}. f3 adds it.")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "add_found":
            return bool(self._found)
        if action == "test" and self.is_mounted:  # where there is no button for it there is no key either
            return self.query_one("#test").display
        return True

    def action_add_found(self) -> None:
        if self._found:
            server = self._found[0]
            self.fill_in(server.template, server.base_url)
            self.action_save()

    # Testing

    @on(Button.Pressed, "#test")
    @work(group="test", exclusive=True)
    async def action_test(self) -> None:
        """Ask the address for its models with what is typed; nothing is saved."""
        from localchat.providers import keys

        answer, trouble, typed = self.query_one("#answer", Words), self.query_one(Trouble), self.typed()
        self._asked = typed
        trouble.clear()
        answer.say(f"Asking {host_of(typed.base_url) or typed.name} …")
        try:
            provider = typed.unsaved(self._provider, self.app.store.catalog.providers())
            with keys.lent(provider, typed.secret) if typed.secret else contextlib.nullcontext():
                models = await models_of(self.app, provider)
        except LocalChatError as error:
            answer.say("")
            self.refused(error)
        else:
            some = ", ".join([one_line(model.name, 30) for model in models[:4]] + (["…"] if len(models) > 4 else []))
            answer.say(f"✓ It answers: {count(len(models), 'model')}{f' ({some})' if some else ''}.")

    # Saving

    def saved(self, done: Provider | None) -> None:
        if done is not None and self._wrote:
            told = self.app.undos.tell if self._provider else functools.partial(tell, self.app)
            told(f"{'Saved' if self._provider else 'Added'} {done.name}.")

    async def save(self) -> Provider:
        while True:
            try:
                return await self._save()
            except Changed as changed:
                if not await self._settled(changed):
                    raise

    async def _save(self) -> Provider:
        typed, catalog, old = self.typed(), self.app.store.catalog, self._provider
        providers = catalog.providers()
        if old is not None and all(provider.id != old.id for provider in providers):
            raise NotFound
        if typed.kind == "replay":
            from localchat.providers import replay

            await asyncio.to_thread(replay.check, ReplayFile.parse(typed.base_url))
        if not typed.secret:
            typed.check_key_is_there(old)
            return await self._write(typed, typed.entry(old, providers))
        validation.provider_name(typed.name)
        self._not_taken(typed.name)
        place = typed.unsaved(old, providers)
        return await keeping_key(place, typed.secret, lambda: self._write(typed, place.key_name))

    async def _write(self, typed: Typed, entry: str | None) -> Provider:
        """What was edited, and nothing else. Raises Changed where somebody else changed it too."""
        catalog, old = self.app.store.catalog, self._provider
        if old is None:
            first = typed.limits_set({})
            return await self.app.written(
                "add the provider",
                lambda: catalog.add_provider(
                    typed.name, typed.kind, typed.base_url or None, typed.key_source, entry, limits=first
                ),
            )
        parts = typed.edited(self._opened)
        self._wrote = bool(parts)
        if not parts:
            return old
        limits = typed.limits_set(dict(self._stored["limits"] or {})) if "limits" in parts else None
        return await self.app.written(
            "save the provider",
            lambda: catalog.edit_provider(
                old.id,
                name=typed.name if "name" in parts else None,
                base_url=typed.base_url if "base_url" in parts else None,
                key_source=typed.key_source if "key" in parts else None,
                key_name=entry if "key" in parts else None,
                limits=limits,
                seen={field: self._stored[field] for part in parts for field in PARTS[part]},
            ),
        )

    # What others change while the form is open

    def _changed_elsewhere(self) -> None:
        """What the person has not touched follows; what they did touch is asked about when they save."""
        now = next(
            (p for p in self.app.store.catalog.providers() if self._provider and p.id == self._provider.id), None
        )
        if now is None or self._saving:
            return
        edited = self.typed().edited(self._opened)
        for part, fields in PARTS.items():
            if all(getattr(now, field) == self._stored[field] for field in fields):
                self._changed.pop(part, None) if part in edited else None
                continue
            if part not in edited:
                self._take(part, now)
            values = {"name": now.name, "base_url": now.base_url, "limits": validation.limit_words(now.limits)}
            self._changed[part] = values.get(part, key_words(now.key_source, now.key_name))
        self.query_one("#meanwhile", Words).say(changed_words(PART_WORDS, self._changed, edited))
        if not edited:
            self._before = self._values()

    def _take(self, part: str, now: Provider, typed: Typed | None = None) -> None:
        """That part as it is stored now; with ``typed`` the person's own stays in the form."""
        if part == "name":
            self.query_one("#name", Line).value = now.name
        elif part == "base_url":
            self.query_one("#url", Line).value = now.base_url or ""
        elif part == "limits":
            self.query_one("#limits", Line).value = validation.limit_words(now.limits)
        else:
            self.query_one("#source", Select).value = now.key_source
            self.query_one("#variable", Line).value = (now.key_name or "") if now.key_source == "env" else ""
        filled = self.typed()
        fields = ("key_source", "key_name") if part == "key" else (part,)
        self._opened = replace(self._opened, **{field: getattr(filled, field) for field in fields})
        self._stored |= {field: getattr(now, field) for field in PARTS[part]}
        if typed is not None:
            self.query_one("#name", Line).value = typed.name
            if part == "base_url":
                self.query_one("#url", Line).value = typed.base_url
            elif part == "limits":
                self.query_one("#limits", Line).value = typed.limits
            elif part == "key":
                self.query_one("#source", Select).value = typed.key_source
                self.query_one("#variable", Line).value = typed.key_name or ""

    async def _settled(self, changed: Changed) -> bool:
        """Ask for each part that both changed whose is kept; whether that was said for all of them."""
        assert self._provider is not None
        typed, now = self.typed(), self.app.store.catalog.removal_of(self._provider).provider
        assert now is not None
        for part, fields in PARTS.items():
            if changed.now.keys().isdisjoint(fields):
                continue
            words = {"name": (now.name, typed.name), "base_url": (now.base_url or "", typed.base_url),
                     "limits": (validation.limit_words(now.limits), typed.limits)}  # fmt: skip
            keys = (key_words(now.key_source, now.key_name), key_words(typed.key_source, typed.key_name))
            theirs, mine = words.get(part) or keys
            kept = await self.app.push_screen_wait(WhichDialog(now.name, PART_WORDS[part], theirs, mine))
            if kept is None:
                return False
            self._take(part, now, typed if kept == "mine" else None)
            self._changed.pop(part, None)
        parts = self.typed().edited(self._opened)
        self.query_one("#meanwhile", Words).say(changed_words(PART_WORDS, self._changed, parts))
        return True
