"""The app: global keys, the default model, other windows, and a quiet end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import ActiveBinding, Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import WorkerFailed

from localchat import log
from localchat.errors import Internal, LocalChatError
from localchat.providers import connect
from localchat.store import Store
from localchat.text import clean, one_line
from localchat.tui import crash_reports
from localchat.tui.chat.live_turns import LiveTurns
from localchat.tui.chat.screen import ChatScreen
from localchat.tui.dialogs.too_small import TooSmallScreen, too_small
from localchat.tui.shell import Shell
from localchat.tui.tasks import apart
from localchat.tui.terminal_gate import TextGate, gated
from localchat.tui.textual_private import continues, outlives_its_terminal
from localchat.tui.themes import DARK, LIGHT
from localchat.tui.toasts import tell, tell_error
from localchat.tui.top_bar import TopBar
from localchat.tui.unstored import left_behind, rescued, words_in
from localchat.turns import Connect
from localchat.turns.titles import SWITCH as TITLES
from localchat.wording import ANOTHER_PROGRAM, NO_BACKUP, strange_log_words

POLL = 0.7  # seconds between looks at what other windows changed; the promise is two
STARTED = 1.0  # seconds; by then the first screen stands
BACKUP = 20.0  # seconds until the day's backup is looked for, long after the first screen
BACKUPS = 3600.0  # seconds to the next look: a window may be open for days
TYPING = 0.3  # seconds that keys before ctrl+q may take to reach the composer
STORING = 0.8  # seconds that the store gets, at the end, to take what it has not taken yet
STOPPING = 1.2  # seconds that replies get to end in
STAYS = 3600.0  # seconds
THEME = "theme"  # its name in the store's state


class LocalChat(Shell):
    """The app over one store. ``connect`` finds the client for a provider; tests hand in their own."""

    TITLE = "localchat"
    # Textual loads the sheets of pushed screens only; the chat screen is there from the start.
    CSS_PATH = ["app.tcss", "chat/screen.tcss"]
    ENABLE_COMMAND_PALETTE = True

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", id="app.help", tooltip="Every key of this place", priority=True),
        Binding("f2", "providers", "Providers", id="app.providers", tooltip="Providers and models"),
        Binding("f8", "undo", "Undo", id="app.undo", tooltip="Undo the last change", show=False, priority=True),
        Binding(
            "ctrl+q", "quit", "Quit", id="app.quit", tooltip="Quit; a running reply is kept", show=False, priority=True
        ),
        Binding("ctrl+c", "interrupt", "Copy", id="app.interrupt", show=False, system=True),
    ]

    def __init__(self, store: Store, connect: Connect = connect, *, still: bool = False) -> None:
        """``still``: nothing blinks and nothing is looked for on this machine, for tests with snapshots."""
        super().__init__(store, connect)
        self.text_gate = TextGate()
        self.still = still
        self.turns = LiveTurns(self)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        wanted = store.state.get(THEME, DARK.name)
        self.theme = wanted if wanted in self.available_themes else DARK.name
        store.heal()
        self.default_model = store.catalog.default()
        self._leaving = False
        self._told_read_only = False
        self.to_restore: Path | None = None  # the backup that takes the store's place once the app has ended
        self.news = ""  # what happened before the app opened
        self._marking = False
        self.bug: Exception | None = None
        self.chat_screen = ChatScreen(self, self.turns)

    def get_driver_class(self) -> type[Driver]:
        return gated(continues(outlives_its_terminal(super().get_driver_class())))

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        if filters != self.text_gate.filters:  # lines that the old ones drew are not those of the new ones
            self.text_gate = TextGate(filters)
        return [self.text_gate]

    def get_default_screen(self) -> Screen[None]:
        return self.chat_screen

    def on_mount(self) -> None:
        self.default_model = self.store.catalog.default()  # a test may have written since the app was made
        self.set_interval(POLL, self._look_around)
        self.set_timer(STARTED, _collect_garbage_again)
        self.set_timer(BACKUP, self._back_up)
        self.set_interval(BACKUPS, self._back_up)
        self.set_timer(STARTED, self.offer_unstored)
        self.call_after_refresh(self._tell_read_only)
        if self.news:
            self.call_after_refresh(lambda: tell(self, self.news))
        if self.store.connection.strange_log is not None:
            words = strange_log_words(self.store.connection.strange_log)
            self.call_after_refresh(lambda: tell(self, words, severity="warning"))
        if self.store.not_backed_up is not None:
            self.call_after_refresh(self._tell_no_backup, self.store.not_backed_up)
        loop = asyncio.get_running_loop()
        for name in ("SIGHUP", "SIGTERM", "SIGINT"):
            if hasattr(signal, name):
                with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                    loop.add_signal_handler(getattr(signal, name), self._on_signal)

    def _on_signal(self) -> None:
        self.leave()

    def _back_up(self) -> None:
        self.tasks.start(self._back_up_daily(), "backup")

    async def _back_up_daily(self) -> None:
        """In a thread that nobody waits for, also not the end: what it leaves then, the next backup sweeps."""
        from localchat.store.backups import daily

        path = self.store.path
        with contextlib.suppress(TimeoutError):
            error = await apart(lambda: daily(path), BACKUPS)
            if error is not None:
                self._tell_no_backup(error)

    @work(group="unstored")
    async def offer_unstored(self) -> None:
        """What the store had not taken when the app ended before: into the message that is written here, or later."""
        from localchat.tui.dialogs.confirm import ConfirmDialog

        for path in left_behind(self.store.path):
            try:
                words = words_in(path)
            except OSError:
                continue
            start = one_line(words, 200)
            question = f"It is in {one_line(str(path), 300)}, and begins with “{start}”."
            dialog = ConfirmDialog("Not stored last time", question, yes="Put it into the message", no="Later")
            if not await self.push_screen_wait(dialog):
                return
            conversation = self.chat_screen.conversation
            conversation.composer.insert(words)
            conversation.save_draft()
            if not len(self.pending):  # the store has it
                with contextlib.suppress(OSError):
                    path.unlink()

    def switch_log(self) -> None:
        """Write a log beside the store from now on, or no more."""
        path = self.store.path.with_name(f"{self.store.path.stem}-log.txt")
        if log.running():
            log.stop()
            tell(self, "No log is written any more.")
            return
        try:
            log.start(path)
        except OSError as error:
            tell(self, f"{one_line(str(path), 300)} cannot be written ({error.strerror}).", severity="warning")
            return
        tell(self, f"What happens is written to {one_line(str(path), 300)}, without a word of any chat.")

    @work(exclusive=True, group="backup")
    async def back_up_now(self) -> None:
        from localchat.tui.backups import back_up_now

        await back_up_now(self)

    @work(exclusive=True, group="backup")
    async def restore_newest(self) -> None:
        """Ask, and end: a store that is open cannot be replaced. ``run`` restores it then, and opens the app again."""
        from localchat.tui.backups import newest_to_restore

        self.to_restore = await newest_to_restore(self)
        if self.to_restore is not None:
            self.leave()

    def _tell_read_only(self) -> None:
        """Once, in a toast; and as long as it is so, in the top bar of every screen."""
        why = self.store.readonly
        for bar in self.screen.query(TopBar):
            bar.readonly = why is not None
        if why is not None and not self._told_read_only:
            tell_error(self, why)
        self._told_read_only = why is not None

    def _tell_no_backup(self, error: LocalChatError) -> None:
        tell(self, f"{NO_BACKUP} {error.message}\n{error.hint}".strip(), severity="warning")

    def _look_around(self) -> None:
        """Show what another window changed, and mark the replies of windows that died. What another program broke of
        the default is healed here; where the store could not be written, the next look tries again."""
        self._tell_read_only()
        healed = self.store.heal()
        if not self.store.changed_elsewhere() and healed is None:
            return
        if not self._marking:
            self._marking = True
            marked = self.pending.put("mark replies that were interrupted", self.store.messages.mark_interrupted)
            marked.outcome.add_done_callback(self._marked)
        shown = self.default_model
        self.catalog_changed(elsewhere=True)
        self.chats_changed()
        if healed is not None:
            from localchat.tui.catalog.words import default_words

            change = replace(healed, before=shown)  # the row that held it may be gone
            tell(self, f"{ANOTHER_PROGRAM} {default_words(change)}", severity="warning")

    def _marked(self, outcome: asyncio.Future[int]) -> None:
        """A look that found the store locked is made up for by the next one."""
        self._marking = False
        error = None if outcome.cancelled() else outcome.exception()
        if isinstance(error, Exception) and not isinstance(error, LocalChatError):
            self.crash(error)
        elif error is None and not outcome.cancelled() and outcome.result():
            self.chats_changed()

    # Keys of everywhere

    async def action_help(self) -> None:
        from localchat.tui.dialogs.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss()
            return
        here = [active.binding for active in self._keys_of(self.screen)]
        self.push_screen(HelpScreen([(self.get_key_display(key), key.tooltip or key.description) for key in here]))

    @staticmethod
    def _keys_of(screen: Screen[Any]) -> list[ActiveBinding]:
        """What applies there, each action once, the nearest first; what has no description is a detail."""
        seen: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            if active.enabled and active.binding.description and not active.binding.system:
                seen.setdefault(active.binding.action, active)
        # Ours have an id; those of Textual's text area and lists follow.
        return sorted(seen.values(), key=lambda active: active.binding.id is None)

    async def action_providers(self) -> None:
        from localchat.tui.catalog.screen import ProvidersScreen

        if not isinstance(self.screen, ProvidersScreen):
            await self.push_screen(ProvidersScreen(id="catalog"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where one is already, no key leads."""
        return action != "providers" or all(screen.id != "catalog" for screen in self.screen_stack)

    async def action_interrupt(self) -> None:
        """ctrl+c away from what is written: copy what is selected, else say how to quit. A reply is stopped by escape
        alone."""
        if self.screen.get_selected_text():
            self.screen.action_copy_text()
        else:
            comes = self.chat_screen.conversation.live is not None
            self.notify("escape stops the reply, ctrl+q quits." if comes else "ctrl+q quits.", markup=False)

    async def action_quit(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Keep what is typed and every running reply, then end: within two seconds, whoever holds the store."""
        if self._leaving:
            return
        self._leaving = True
        typed = asyncio.Event()
        self.chat_screen.conversation.after_typing(typed.set)
        self.tasks.start(self._leave(typed), "leaving")

    async def _leave(self, typed: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TYPING):
                await typed.wait()
        conversation = self.chat_screen.conversation
        turns = self.tasks.start(self.turns.stop_all(STOPPING), "stopping replies")
        await asyncio.sleep(0)  # what was not stored yet has given its words back by then, but for a reply's end
        conversation.save_draft()
        await self.pending.close(STORING)
        await turns
        conversation.save_draft()
        self.exit()

    def _fatal_error(self) -> None:
        """In place of Textual's traceback on the terminal: remember the bug, end, and let ``run`` report it."""
        error = sys.exc_info()[1]
        self.bug = error if isinstance(error, Exception) else self._exception
        self._close_messages_no_wait()

    def notify(self, message: str, *, timeout: float | None = None, **how: Any) -> None:
        """In a still app a toast stays: how long a test takes to look at it is no part of the picture."""
        super().notify(message, timeout=STAYS if self.still else timeout, **how)

    def copy_to_clipboard(self, text: str) -> None:
        """Through the terminal (OSC 52), and the system's own clipboard for terminals that do not pass it on. What was
        read is what is copied: where it is pasted, a sequence out of sight could end the paste and go on as keys."""
        text = clean(text)
        super().copy_to_clipboard(text)
        if not self.still:
            self.run_worker(lambda: _copy_natively(text), thread=True, group="clipboard")

    @work(exclusive=True, group="import")
    async def import_chats(self) -> None:
        """Ask for a file and take in what is not here yet."""
        from localchat.tui.transfer.dialogs import ImportDialog

        if await self.push_screen_wait(ImportDialog()) is not None:
            self.catalog_changed()
            self.chats_changed()

    def switch_titles(self) -> None:
        """Whether new chats get a title by the model that answers them."""
        on = self.store.state.get(TITLES, "on") == "on"
        self.write(
            "remember how chats get their titles",
            lambda: self.store.state.put(TITLES, "off" if on else "on"),
            lambda _: tell(
                self, "New chats keep their first words." if on else "New chats get a title by the model that answers."
            ),
        )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette lists the same actions as the keys do."""
        for active in self._keys_of(screen):
            binding = active.binding
            if binding.id is None or binding.id == "app.quit" or binding.action.endswith("command_palette"):
                continue

            async def run(action: str = binding.action, node: DOMNode = active.node) -> None:
                await self.run_action(action, node)

            title = self.undos.words if binding.action.endswith("undo") else binding.description
            yield SystemCommand(title, binding.tooltip or binding.description, run)
        yield SystemCommand(
            "Import chats", "From ChatGPT, llm, elia, oterm or an export of localchat", self.import_chats
        )
        on = self.store.state.get(TITLES, "on") == "on"
        what = "Keep the first words as titles" if on else "Have new chats titled by the model that answers"
        yield SystemCommand("Titles", what, self.switch_titles)
        what = "Stop it" if log.running() else "What happens, without a word of any chat, beside the store"
        yield SystemCommand("Log", what, self.switch_log)
        yield SystemCommand("Back up", "A checked copy of everything, beside the store", self.back_up_now)
        yield SystemCommand("Restore a backup", "The newest one in the store's place", self.restore_newest)
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        yield SystemCommand("Quit", "Quit; a running reply is kept", self.action_quit)

    def watch_theme(self, theme: str) -> None:
        if self.is_running and self.store.state.get(THEME, DARK.name) != theme:
            self.write("remember the theme", lambda: self.store.state.put(THEME, theme))

    def on_resize(self, event: Resize) -> None:
        if too_small(*event.size) and not isinstance(self.screen, TooSmallScreen):
            self.push_screen(TooSmallScreen())


def _collect_garbage_again() -> None:
    """The command line pauses the collector for the start. What is there by now stays, and is not looked at again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def run(path: Path) -> int:
    """Open the store and run the app; the exit status. Raises what opening the store raises, and Internal for a bug."""
    news = ""
    while True:
        with Store(path, busy_timeout=0) as store:
            app = LocalChat(store)
            app.news = news
            status = run_app(app, path)
        if app.to_restore is None:
            return status
        from localchat.tui.backups import restored

        news = restored(app.to_restore, path)


def run_app(app: LocalChat, path: Path) -> int:
    """The same for an app over the store at that path."""
    app.run()
    lost = app.pending.lost()
    unstored = rescued(lost, path) if lost else None
    if app.bug is not None:
        raise _reported(app.bug, path, unstored)
    if unstored is not None:
        raise unstored
    return app.return_code or 0


def _copy_natively(text: str) -> None:
    """Where this machine has no clipboard (no desktop, a remote shell), the terminal's one has to do."""
    import pyperclip

    with contextlib.suppress(pyperclip.PyperclipException, OSError, UnicodeError):
        pyperclip.copy(text)


def _reported(bug: Exception, store: Path, unstored: LocalChatError | None) -> Internal:
    """A bug as a person is told of it: the traceback goes to a file beside the store, not to the terminal."""
    cause = bug.error if isinstance(bug, WorkerFailed) else bug
    report = crash_reports.write(cause, store)
    kept = "What was sent and what came is stored." if unstored is None else unstored.hint
    hint = f"{kept} Please report it" + (f", with {report}." if report else ".")
    return Internal(f"localchat met a bug and had to end: {type(cause).__name__}: {one_line(str(cause), 200)}", hint)
