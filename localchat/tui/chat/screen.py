"""The chat screen: the list of chats beside the open one."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from textual import on, work
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Horizontal
from textual.events import Click, Key
from textual.screen import Screen

from localchat import turns
from localchat.errors import ConfirmRemote, NotFound
from localchat.records import Chat
from localchat.store.pending import PendingWrite
from localchat.text import count
from localchat.tui.chat import actions as flows
from localchat.tui.chat.chat_list import ChatList
from localchat.tui.chat.conversation import Conversation
from localchat.tui.chat.greeting import Offer
from localchat.tui.chat.live_turns import LiveTurns
from localchat.tui.chat.standing_line import other_to_ask
from localchat.tui.footer import KeyBar
from localchat.tui.remedies import CHAT, Place
from localchat.tui.shell import Shell
from localchat.tui.toasts import reporting, tell
from localchat.tui.top_bar import TopBar

if TYPE_CHECKING:
    from localchat.providers.detect import Found

LAST_CHAT = "last chat"  # its name in the store's state
NARROW = 100  # columns; below, the list hides until it is asked for
# In the footer and the help: what the moment calls for, what acts on the row or message, what always applies.
ORDER = (
    "chat.stop", "chat.back", "chat.go_on", "chat.found", "chats", "message", "transcript",
    "chat.new", "chat.model", "chat.list", "chat.search", "app.providers", "app.help", "chat.again", "chat.copy",
    "chat.switch", "chat.instructions", "chat.other", "chat.sent", "chat.compact", "chat.export", "composer", "chat",
    "app",
)  # fmt: skip


class ChatScreen(Screen[None]):
    """Everything a person does with chats; what happens inside one is the ``Conversation``."""

    AUTO_FOCUS = "Composer"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]

    remedies: ClassVar[Place] = CHAT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "Stop", id="chat.stop", tooltip="Stop the reply and keep what came", key_display="esc"
        ),
        Binding(
            "escape",
            "leave",
            "Back",
            id="chat.back",
            tooltip="Close what is on top, else go and write",
            key_display="esc",
        ),
        Binding("ctrl+n", "new_chat", "New", id="chat.new", tooltip="Begin a new chat", priority=True),
        Binding("ctrl+o", "pick_model", "Model", id="chat.model", tooltip="Pick this chat's model", priority=True),
        Binding(
            "ctrl+b",
            "toggle_list",
            "Chats",
            id="chat.list",
            tooltip="Go to the list of chats; again: hide it",
            priority=True,
        ),
        Binding(
            "ctrl+r",
            "ask_again",
            "Again",
            id="chat.again",
            tooltip="Ask again; the answer that is there stays as another version",
            priority=True,
        ),
        Binding(
            "alt+g",
            "go_on",
            "Go on",
            id="chat.go_on",
            tooltip="Have the last reply continued where it was stopped or cut",
            priority=True,
        ),
        Binding("alt+up", "go_by(-1)", "Above", id="chat.above", tooltip="The chat above", show=False, priority=True),
        Binding("alt+down", "go_by(1)", "Below", id="chat.below", tooltip="The chat below", show=False, priority=True),
        Binding("ctrl+y", "copy_last", "Copy", id="chat.copy", tooltip="Copy the last reply", priority=True),
        Binding(
            "ctrl+end", "to_the_end", "To the end", id="chat.end", tooltip="Go to the end", show=False, priority=True
        ),
        Binding(
            "ctrl+home",
            "to_the_start",
            "To the start",
            id="chat.start",
            tooltip="Go to the start of the chat",
            show=False,
            priority=True,
        ),
        Binding("f4", "instructions", "Instructions", id="chat.instructions", tooltip="System prompt and parameters"),
        Binding(
            "f5", "compact", "Compact", id="chat.compact", tooltip="Send a summary of the older messages", show=False
        ),
        Binding("f9", "what_is_sent", "Sent", id="chat.sent", tooltip="See what the next turn sends", show=False),
        Binding("ctrl+f", "search", "Search", id="chat.search", tooltip="Search all chats", priority=True),
        Binding("ctrl+k", "switch_chat", "Go to", id="chat.switch", tooltip="Go to a chat by its title", priority=True),
        Binding(
            "alt+r",
            "ask_other",
            "Ask another",
            id="chat.other",
            tooltip="Ask again, with a model to choose",
            show=False,
            priority=True,  # the key comes with a letter, which the composer would take
        ),
        Binding(
            "alt+d",
            "ask_default",
            "Ask the default",
            id="chat.ask_default",
            tooltip="Ask the default this time, where the chat's model is no longer offered",
            show=False,
            priority=True,
        ),
        Binding("ctrl+s", "export", "Export", id="chat.export", tooltip="Write this chat to a file", show=False),
        Binding(
            "f3",
            "add_found",
            "Add found",
            id="chat.found",
            tooltip="Add the server found on this machine, or the service whose key is in the environment",
        ),
    ]

    def __init__(self, shell: Shell, live: LiveTurns) -> None:
        super().__init__()
        self._shell = shell
        self._turns = live
        self._opened = False
        self._remembered: PendingWrite[None] | None = None
        self._found: list[Found] = []

    def compose(self) -> ComposeResult:
        yield TopBar()
        with Horizontal(id="body"):
            yield ChatList(self._shell.store)
            yield Conversation(self._shell, self._turns)
        yield KeyBar(compact=True, show_command_palette=True)

    @property
    def conversation(self) -> Conversation:
        return self.query_one(Conversation)

    @property
    def chat_list(self) -> ChatList:
        return self.query_one(ChatList)

    def on_mount(self) -> None:
        self.watch(self._shell, "catalog_version", self._on_catalog_changed, init=False)
        self.watch(self._shell, "chats_version", self._on_chats_changed, init=False)
        self.watch(self._shell, "default_model", self._on_default_changed)
        if not self._opened and self.conversation.chat is None:  # keys pressed while it starts may have been faster
            self.conversation.show(self._chat_used_last())
        self._opened = True
        if self._shell.looks_around:
            self.look_for_servers()

    def on_key(self, event: Key) -> None:
        """What was typed before anything had the focus, as at the start of the program, is meant for the composer."""
        composer = self.conversation.composer
        if event.is_printable and event.character and self.focused in (None, composer):
            composer.insert(event.character)

    def on_click(self, event: Click) -> None:
        """A click acts where it is; the letters that follow go to the composer again."""
        place = event.screen_offset
        if any(
            widget.region.contains_point(place) for widget in (self.conversation.transcript, self.chat_list.options)
        ):
            self.set_focus(self.conversation.composer)

    def _chat_used_last(self) -> Chat | None:
        last = self._shell.store.state.get(LAST_CHAT)
        if last.isdecimal():
            try:
                chat = self._shell.store.chats.get(int(last))
            except NotFound:
                return None
            return chat if chat.deleted_at is None else None
        return self._shell.store.chats.last() if last == "" else None

    # What changes around

    def _on_default_changed(self) -> None:
        self.query_one(TopBar).model = self._shell.default_model

    def _on_catalog_changed(self) -> None:
        self.conversation.refresh_chat()
        self.chat_list.reload()
        self.refresh_bindings()

    def _on_chats_changed(self) -> None:
        self.conversation.refresh_chat()
        self.query_one(TopBar).title = self.conversation.chat.title if self.conversation.chat else "New chat"
        self.chat_list.reload()

    @on(Conversation.Changed)
    def _chat_opened(self, event: Conversation.Changed) -> None:
        chat = self.conversation.chat  # not the event's: it may have got a title since
        self.query_one(TopBar).title = chat.title if chat else "New chat"
        self.chat_list.reload()
        self.chat_list.mark(chat.id if chat else None)
        self.refresh_bindings()
        self._remember(str(chat.id) if chat else "none")

    def _remember(self, chat: str) -> None:
        """The chat to open at the next start; only the newest is worth waiting for."""
        state, pending = self._shell.store.state, self._shell.pending
        if self._remembered is not None:
            pending.withdraw(self._remembered)
        if state.get(LAST_CHAT) != chat:
            self._remembered = pending.put("remember which chat is open", lambda: state.put(LAST_CHAT, chat))

    # Chats

    @on(ChatList.Opened)
    def _open(self, event: ChatList.Opened) -> None:
        self._go_to(event.chat_id)

    def _go_to(self, chat_id: int | None) -> None:
        """Open a chat and write there, once all that was typed before has found its place."""

        def go() -> None:
            self._open_chat(chat_id)
            self.conversation.composer.focus()

        self.conversation.after_typing(go)

    async def open_chat(self, chat_id: int | None, at: int | None = None) -> None:
        """Open a chat (None: a new one); what was typed in the one before stays there as its draft. ``at``: the depth
        of the message to go to."""
        self._open_chat(chat_id, at)

    def _open_chat(self, chat_id: int | None, at: int | None = None) -> None:
        self._opened = True
        with reporting(self._shell):
            chat = self._shell.store.chats.get(chat_id) if chat_id is not None else None
            if self._list_on_top:
                self._show_list(False)
            self.conversation.show(chat, at)

    def action_new_chat(self) -> None:
        self._go_to(None)

    @on(ChatList.Asked)
    def _asked(self, event: ChatList.Asked) -> None:
        match event.what, event.chat_id:
            case "add", _:
                self.action_new_chat()
            case "empty", _:
                self._do(flows.empty_trash(self._shell))
            case "rename", int(chat_id):
                self._do(flows.rename_chat(self._shell, chat_id))
            case "delete", int(chat_id):
                self._do(flows.delete_chat(self._shell, self._turns, chat_id))
            case "archive", int(chat_id):
                self._do(flows.archive_chat(self._shell, chat_id))
            case "pin", int(chat_id):
                self._do(flows.pin_chat(self._shell, chat_id))
            case "restore", int(chat_id):
                self._do(flows.restore_chat(self._shell, chat_id))

    @work(group="chat")
    async def _do(self, flow: Coroutine[Any, Any, None]) -> None:
        """A worker, because a flow may wait for a dialog."""
        with reporting(self._shell):
            await flow

    def action_go_by(self, step: int) -> None:
        """Open the chat above or below the open one, as the list has them; the composer keeps the focus."""
        chat = self.conversation.chat
        there = self.chat_list.neighbour(chat.id if chat is not None else None, step)
        if there is not None:
            self._open_chat(there)
            self.set_focus(self.conversation.composer)

    def action_toggle_list(self) -> None:
        if self.chat_list.display and not self.chat_list.has_focus_within:
            self.set_focus(self.chat_list.options)
            return
        self._show_list(not self.chat_list.display)

    def _show_list(self, shown: bool) -> None:
        had_focus = self.chat_list.has_focus_within or self.focused is None
        self.set_class(shown, "-list-shown")
        self.set_class(not shown, "-list-hidden")
        if shown:
            self.chat_list.options.focus()
        elif had_focus:
            self.conversation.composer.focus()
        self.refresh_bindings()

    # The open chat

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """In the order in which the footer and the help show them: what matters now, first."""
        places = {name: place for place, name in enumerate(ORDER)}

        def place(binding: Binding) -> int:
            return places.get(binding.id or "", places.get((binding.id or "").partition(".")[0], len(ORDER)))

        active = super().active_bindings
        return dict(sorted(active.items(), key=lambda item: place(item[1].binding)))

    def action_back(self) -> None:
        """Stop what is going on, or take back what is still on its way."""
        if self.conversation.busy:
            self.workers.cancel_group(self, "compact")
        else:
            self.conversation.stop()

    def action_leave(self) -> None:
        """Close what is on top, else back to the composer."""
        if self.chat_list.filtering and self.chat_list.has_focus_within:
            self.chat_list.action_close_filter()
        elif self._list_on_top:
            self._show_list(False)
        elif not self.conversation.leave_edit():
            self.conversation.composer.focus()

    @property
    def _list_on_top(self) -> bool:
        return self.has_class("-narrow") and self.has_class("-list-shown")

    @property
    def _something_on_top(self) -> bool:
        return self._list_on_top or (self.chat_list.filtering and self.chat_list.has_focus_within)

    @property
    def _something_runs(self) -> bool:
        return self.conversation.live is not None or self.conversation.busy

    def action_ask_again(self) -> None:
        self.conversation.after_typing(self.conversation.ask_again)

    def action_go_on(self) -> None:
        self.conversation.after_typing(self.conversation.go_on)

    def action_copy_last(self) -> None:
        chat = self.conversation.chat
        with reporting(self._shell):
            line = self._shell.store.messages.line(chat, chat.length - 2) if chat else []
            replies = [m for m in line if m.role == "assistant" and m.content]
            if not replies:
                raise NotFound("There is no reply to copy.", "Send a message first.")
            self._shell.copy_to_clipboard(replies[-1].content)
            tell(self._shell, f"Copied the last reply ({len(replies[-1].content):,} characters).")

    def action_to_the_end(self) -> None:
        self.conversation.transcript.jump_to_end()

    def action_to_the_start(self) -> None:
        self.conversation.transcript.jump_to_start()

    @work(exclusive=True, group="compact")
    async def action_compact(self) -> None:
        """Asks first where the summary would be made on another machine than the chat's model ran on."""
        with reporting(self._shell):
            host: str | None = None
            while True:
                try:
                    await self.conversation.compact(host)
                    return
                except ConfirmRemote as error:
                    chat = self.conversation.chat
                    host = await self._agreed_host(error, chat.id) if chat is not None else None
                    if host is None:
                        return

    def action_what_is_sent(self) -> None:
        from localchat.tui.chat.sent_preview import SentScreen

        chat = self.conversation.chat
        if chat is not None:
            self._shell.push_screen(SentScreen(self._shell.store.chats.get(chat.id)))

    @work(exclusive=True, group="picker")
    async def action_search(self) -> None:
        """Find a message anywhere, and go there."""
        from localchat.tui.search.screen import SearchScreen

        chat = self.conversation.chat
        search = SearchScreen(self._shell, chat.id if chat else None)
        hit = await self._shell.push_screen_wait(search)
        if hit is not None:
            chat_id, depth = hit
            await self.open_chat(chat_id, depth)
            self.conversation.transcript.jump_to(depth, search.words)
            self.conversation.transcript.focus()

    @work(exclusive=True, group="picker")
    async def action_switch_chat(self) -> None:
        """Go to a chat by some letters of its title."""
        from localchat.tui.chat.switcher import ChatSwitcher

        chat_id = await self._shell.push_screen_wait(ChatSwitcher())
        if chat_id is not None:
            await self.open_chat(chat_id)
            self.conversation.composer.focus()

    @work(exclusive=True, group="picker")
    async def action_ask_other(self) -> None:
        """Another answer to the last question, by another model; the chat keeps its own."""
        from localchat.tui.catalog.model_picker import ModelPicker

        picked = await self._shell.push_screen_wait(ModelPicker(None))
        if picked is not None:
            self.conversation.ask_again(picked)

    def action_ask_default(self) -> None:
        """The last question by the default; the chat keeps its own model. Asks where that leaves this machine."""
        default = other_to_ask(self._shell.store, self.conversation.chat)
        if default is not None:
            self.conversation.ask_again(default.id, ask_first=True)

    @work(exclusive=True, group="picker")
    async def action_export(self) -> None:
        from localchat.tui.transfer.dialogs import ExportDialog

        chat = self.conversation.chat
        if chat is not None:
            await self._shell.push_screen_wait(ExportDialog(self._shell.store.chats.get(chat.id)))

    @work(exclusive=True, group="picker")
    async def action_instructions(self) -> None:
        """The open chat's system prompt and parameters."""
        from localchat.tui.chat.instructions_form import ChatForm

        chat = self.conversation.chat
        if chat is not None:
            await self._shell.push_screen_wait(ChatForm(self._shell.store.chats.get(chat.id)))

    @work(exclusive=True, group="picker")
    async def action_pick_model(self) -> None:
        """Give the chat another model for good; for a new chat, the default that it will use."""
        from localchat.tui.catalog.model_picker import ModelPicker

        chat = self.conversation.chat
        current = chat.model.id if chat is not None and chat.model is not None else None
        picked = await self._shell.push_screen_wait(ModelPicker(current))
        if picked is None:
            return
        with reporting(self._shell):
            if chat is None:
                self.conversation.session.model_for_new_chat = picked
                self.conversation.greet()
            else:
                await self._shell.written(
                    "change the model", lambda: self._shell.store.chats.set_model(chat.id, picked)
                )
                self._shell.chats_changed()
            self.conversation.update_status()
        self.conversation.composer.focus()

    # Servers found on this machine

    @work(exclusive=True, group="found")
    async def look_for_servers(self) -> None:
        """Offer the servers that run on this machine and are not among the providers yet."""
        from localchat.providers.detect import found

        known = {provider.base_url for provider in self._shell.store.catalog.providers()}
        self._found = [server for server in await found() if server.base_url not in known and server.models]
        offers = [Offer(f.template.name, urlsplit(f.base_url).netloc, len(f.models)) for f in self._found]
        self.conversation.offers = tuple(offers)
        self.conversation.greet()
        self.refresh_bindings()

    @work(exclusive=True, group="found")
    async def action_add_found(self) -> None:
        """Add the first server found, with all of its models; else the service whose key is there, by its form."""
        if not self._found:
            if self.conversation.services:
                from localchat.tui.catalog.actions import add_provider

                await add_provider(self._shell, like=self.conversation.services[0])
            return
        server = self._found.pop(0)
        with reporting(self._shell):
            catalog = self._shell.store.catalog
            name = server.template.slug
            await self._shell.written(
                f"add {name}", lambda: catalog.add_provider(name, server.template.kind, server.base_url)
            )
            models = [(model.name, model.context) for model in server.models]
            added = await self._shell.written(f"add the models of {name}", lambda: catalog.add_models(name, models))
            self._shell.catalog_changed()
            tell(self._shell, f"Added {name} with {count(len(added), 'model')}.")
            from localchat.tui.catalog.actions import offer_default

            await offer_default(self._shell, added)
        self.conversation.offers = self.conversation.offers[1:]
        self.conversation.greet()
        self.refresh_bindings()

    @on(Conversation.Forked)
    def _forked(self, event: Conversation.Forked) -> None:
        self._shell.chats_changed()
        self._go_to(event.chat.id)
        tell(self._shell, "This is a new chat with all up to that message. The other one is as it was.")

    @on(Conversation.Consent)
    def _consent(self, event: Conversation.Consent) -> None:
        self._ask_consent(event)

    @work(exclusive=True, group="consent")
    async def _ask_consent(self, event: Conversation.Consent) -> None:
        host = await self._agreed_host(event.error, event.outgoing.chat_id, event.outgoing.request.model_id)
        if host is not None:
            self.conversation.agreed(event.outgoing, host)

    async def _agreed_host(self, error: ConfirmRemote, chat_id: int | None, model_id: int | None = None) -> str | None:
        """The host that the person was shown and agreed to; None where not."""
        from localchat.tui.chat.consent_dialog import ConsentDialog

        store = self._shell.store

        def ask() -> ConfirmRemote | None:
            try:
                turns.resolve(store, store.chats.get(chat_id) if chat_id is not None else None, model_id, "")
            except ConfirmRemote as question:
                return question
            return None

        dialog = ConsentDialog(error, ask)
        return dialog.question.host if await self._shell.push_screen_wait(dialog) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer shows what applies."""
        if not self.is_mounted:
            return True
        conversation = self.conversation
        has_messages = conversation.chat is not None and conversation.chat.length > 0
        match action:
            case "ask_again" | "ask_other" | "compact":
                return has_messages and not self._something_runs
            case "export" | "what_is_sent" | "copy_last" | "to_the_end" | "to_the_start":
                return has_messages
            case "ask_default":
                return not self._something_runs and other_to_ask(self._shell.store, conversation.chat) is not None
            case "instructions":
                return conversation.chat is not None
            case "go_on":
                return has_messages and conversation.ended_early
            case "back":
                return (self._something_runs or conversation.asks_again) and not self._something_on_top
            case "leave":
                return self._something_on_top or (
                    not (self._something_runs or conversation.asks_again)
                    and (conversation.editing or not conversation.composer.has_focus)
                )
            case "add_found":
                return bool(conversation.offers or (not conversation.chat and conversation.services))
        return True
