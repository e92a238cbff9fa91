"""What a chat tells its model before everything else: system prompt, saved personas, parameters."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Select

from localchat.errors import Changed, LocalChatError
from localchat.records import Chat, Persona
from localchat.text import one_line
from localchat.tui.catalog.meanwhile import MergingForm
from localchat.tui.dialogs.dialog import Trouble, Words
from localchat.tui.dialogs.field import Field
from localchat.tui.dialogs.parameter_fields import PARAMETERS, parameter_fields, parameters_typed
from localchat.tui.dialogs.prompt import TextPrompt
from localchat.tui.text_box import TextBox
from localchat.tui.toasts import tell

FIELD_WORDS = {"system": "The system prompt", **{name: words for name, (words, _) in PARAMETERS.items()}}


class ChatForm(MergingForm[Chat | None]):
    """The chat as it was saved, or None."""

    labels = FIELD_WORDS
    _wrote = True

    CSS_PATH = ["../dialogs/dialog.tcss", "instructions_form.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+k",
            "keep_persona",
            "Keep as persona",
            id="chat_form.keep",
            priority=True,
            tooltip="Save this text to choose it again",
        ),
        Binding(
            "ctrl+d",
            "remove_persona",
            "Remove persona",
            id="chat_form.remove",
            priority=True,
            tooltip="Forget the chosen persona",
        ),
    ]

    def __init__(self, chat: Chat) -> None:
        super().__init__(f"Instructions for {one_line(chat.title, 30)}")
        self._chat = chat

    def body(self) -> ComposeResult:
        with VerticalScroll(can_focus=False, id="fields"):
            yield Field("Persona", self._select())
            text = TextBox(self._chat.system, id="system", compact=True, tab_behavior="focus", soft_wrap=True)
            yield Field("System prompt", text)
            yield Words("The model reads it before the chat, from the next turn on.", classes="hint")
            yield from parameter_fields(self._chat.parameters)
        keep = Button(Content("Keep as persona"), id="keep", compact=True)
        yield from self.end(keep)

    def on_mount(self) -> None:
        self.query_one("#system").focus()
        self.begin(_fields(self._chat))
        self.watch(self.app, "chats_version", self._changed_elsewhere, init=False)

    def texts(self) -> dict[str, str]:
        return {**super().texts(), "system": self.query_one("#system", TextBox).text}

    def put(self, field: str, text: str) -> None:
        if field == "system":
            self.query_one("#system", TextBox).load_text(text)
        else:
            super().put(field, text)

    def _changed_elsewhere(self) -> None:
        if not self._saving:
            with contextlib.suppress(LocalChatError):  # it is gone: saving says so
                self.follow(_fields(self.app.store.chats.get(self._chat.id)))

    def _select(self) -> Select[str]:
        options = [(Text(one_line(p.name)), p.name) for p in self.app.store.personas.all()]
        chosen = next((p.name for p in self.app.store.personas.all() if p.system == self._chat.system), Select.NULL)
        return Select(options, prompt="none of the saved ones", value=chosen, id="persona", compact=True)

    def _values(self) -> list[object]:
        return [*super()._values(), self.query_one("#system", TextBox).text]

    def _persona(self) -> Persona | None:
        name = self.query_one("#persona", Select).value
        return next((persona for persona in self.app.store.personas.all() if persona.name == name), None)

    @on(Select.Changed, "#persona")
    def _take(self) -> None:
        persona = self._persona()
        if persona is not None:
            self.query_one("#system", TextBox).load_text(persona.system)

    @on(Button.Pressed, "#keep")
    @work(group="persona", exclusive=True)
    async def action_keep_persona(self) -> None:
        """Save the text under a name."""
        text = self.query_one("#system", TextBox).text
        chosen = self._persona()
        name = await self.app.push_screen_wait(TextPrompt("Name of the persona", value=chosen.name if chosen else ""))
        if name is None:
            return
        try:
            persona = await self.app.written("keep the persona", lambda: self.app.store.personas.save(name, text))
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
            return
        self._reload(persona.name)
        tell(self.app, f"Kept {persona.name}.")

    @work(group="persona", exclusive=True)
    async def action_remove_persona(self) -> None:
        persona = self._persona()
        if persona is None:
            return
        try:
            await self.app.written("remove the persona", lambda: self.app.store.personas.remove(persona.name))
        except LocalChatError as error:
            self.query_one(Trouble).report(error)
            return
        self._reload(None)
        tell(self.app, f"Removed {persona.name}. Chats keep its text.")

    def _reload(self, name: str | None) -> None:
        select = self.query_one("#persona", Select)
        with self.prevent(Select.Changed):
            select.set_options([(Text(one_line(p.name)), p.name) for p in self.app.store.personas.all()])
            if name is not None:
                select.value = name

    def saved(self, done: Chat | None) -> None:
        self.app.chats_changed()
        if self._wrote:
            tell(self.app, "Saved. New turns of this chat use it.")

    async def save(self) -> Chat:
        """Raises NotFound where the chat is gone, InvalidInput for a parameter that cannot be."""
        self._wrote = True
        while edited := self.edited():
            try:
                return await self._write(edited)
            except Changed as changed:
                if not await self.settled(self._chat.title or "this chat", changed, {}):
                    raise
        self._wrote = False
        return self.app.store.chats.get(self._chat.id)

    async def _write(self, edited: set[str]) -> Chat:
        """What was edited, and nothing else. Raises Changed where somebody else changed it too."""
        chats, texts = self.app.store.chats, self.texts()
        of_model = edited & PARAMETERS.keys()
        typed = parameters_typed({name: texts[name] if name in of_model else "" for name in PARAMETERS}, {})
        parameters = {**dict.fromkeys(of_model), **typed}
        seen = {field: self.seen(field) for field in edited}
        system = texts["system"] if "system" in edited else None
        return await self.app.written(
            "save the instructions",
            lambda: chats.set_instructions(self._chat.id, system=system, parameters=parameters, seen=seen),
        )


def _fields(chat: Chat) -> dict[str, Any]:
    """What the fields of the form stand for, by the ids of their widgets."""
    return {"system": chat.system, **{name: chat.parameters.get(name) for name in PARAMETERS}}
