"""Where the person writes, with what goes along: files, long pastes, images dropped on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static
from textual.widgets.text_area import Selection

from localchat.attachments.drafts import Chip, Draft, Dropped, Kept, Pasted
from localchat.attachments.reading import as_token, named_in, preview, read_all, shown_name, tokens
from localchat.errors import InvalidInput, LocalChatError, NotFound
from localchat.records import Attachment
from localchat.store import Store
from localchat.tui.composer.attachment_bar import Chips, chip_label
from localchat.tui.composer.completions import Begun, Completions, begun, candidates, completed
from localchat.tui.composer.composer import Composer
from localchat.tui.tasks import apart
from localchat.tui.toasts import tell, tell_error

READING = 10.0  # seconds that the disk may take for all attachments of a message
LOOKING = 5.0  # seconds that it may take for the names in a folder


class Writing(Vertical):
    """The composer, the chips above it, and the file names that could stand where the person types ``@``."""

    DEFAULT_CSS = """
    Writing {
      height: auto;
      & > #line {
        height: auto; max-height: 12; background: $panel; padding: 0 1;
        & > #caret { width: 2; color: $accent; }
        & > Composer { width: 1fr; height: auto; max-height: 12; background: $panel; border: none; padding: 0; }
      }
    }
    """

    class Changed(Message):
        """Words or chips changed."""

    class ChipRemoved(Message):
        """A chip was taken off; ``what`` names it. ``put_back`` brings it back while its chat is open."""

        def __init__(self, chip: Chip, what: str) -> None:
            super().__init__()
            self.chip = chip
            self.what = what

    class EditOutside(Message):
        """The draft is to be written in the person's own editor: ``run_editor`` does it."""

    def __init__(self, history: Callable[[], Sequence[str]], *, id: str | None = None) -> None:
        self.composer = Composer(history, id="composer")
        self.chips = Chips()
        self._completions = Completions()
        # Handed over and not composed: they are there as soon as this is, for keys pressed while the program starts.
        line = Horizontal(Static("❯", id="caret", markup=False), self.composer, id="line")
        super().__init__(self._completions, self.chips, line, id=id)
        self._looking = False
        self._dismissed: int | None = None  # the column of an ``@`` whose list was closed

    def on_mount(self) -> None:
        self.composer.keys_first = self._take_key

    @property
    def draft(self) -> Draft:
        return Draft(self.composer.written, self.chips.chips)

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self.chips.chips = draft.chips
        self.composer.set_text(draft.words)
        self._completions.offer([])

    async def files(self, store: Store, draft: Draft, pasted: Iterable[str]) -> tuple[Attachment, ...]:
        """What goes with the message; ``pasted`` are paths in it that others wrote. Raises InvalidInput for a file that
        cannot go, naming it and the reason."""
        kept = [_kept(store, chip) for chip in draft.kept]
        names = {each.name for each in kept}
        ignored = [token.path for token in tokens(draft.words) if shown_name(token.path) in names]
        return await files_of(draft.words, draft.paths, kept, [*ignored, *pasted])

    # Chips

    def put_back(self, chip: Chip) -> None:
        self._add(chip)

    def _add(self, *chips: Chip) -> None:
        self.chips.chips = (*self.chips.chips, *chips)
        self.post_message(self.Changed())

    @on(Composer.Folded)
    def _folded(self, event: Composer.Folded) -> None:
        event.stop()
        self._add(Pasted(event.text))

    @on(Composer.Dropped)
    def _dropped(self, event: Composer.Dropped) -> None:
        event.stop()
        self._add(*(Dropped(path) for path in event.paths))

    @on(Composer.BackedUp)
    def _backed_up(self, event: Composer.BackedUp) -> None:
        event.stop()
        if self.chips.chips:
            self._remove(len(self.chips.chips) - 1)

    @on(Chips.Clicked)
    def _clicked(self, event: Chips.Clicked) -> None:
        event.stop()
        self.composer.focus()
        if event.number >= len(self.chips.chips):
            return
        if event.remove:
            self._remove(event.number)
        else:
            self._unfold(event.number)

    @on(Composer.Unfold)
    def _unfold_last(self, event: Composer.Unfold) -> None:
        event.stop()
        for number in reversed(range(len(self.chips.chips))):
            if not isinstance(self.chips.chips[number], Kept):
                self._unfold(number)
                return
        tell(self.app, "Nothing long was pasted.")

    def _unfold(self, number: int) -> None:
        """Put what a chip stands for into the text, where the cursor is."""
        match self.chips.chips[number]:
            case Pasted(text):
                foreign = {token.path for token in tokens(text)}
                self.composer.pasted_paths |= foreign
                self.composer.insert(text)
            case Dropped(path):
                self.composer.insert(as_token(path))
            case Kept():
                return
        self.chips.chips = self.draft.without(number).chips

    def _remove(self, number: int) -> None:
        chip = self.chips.chips[number]
        self.chips.chips = self.draft.without(number).chips
        self.post_message(self.Changed())
        self.post_message(self.ChipRemoved(chip, chip_label(chip)))

    # What the words name

    @on(Composer.Changed)
    def _typed(self, event: Composer.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
        self._complete()
        if "@" in self.composer.text or self.chips.named:
            self._show_named()

    @work(exclusive=True, group="named")
    async def _show_named(self) -> None:
        """The files that the words attach, as far as they can be seen now."""
        words, pasted = self.composer.text, set(self.composer.pasted_paths)
        if "@" not in words:
            self.chips.named = ()
            return
        try:
            found = await apart(lambda: [preview(path) for path in named_in(words, pasted)], LOOKING)
        except TimeoutError:
            return
        self.chips.named = tuple(dict.fromkeys(found))

    # Completing names

    @on(Composer.SelectionChanged)
    def _moved(self, event: Composer.SelectionChanged) -> None:
        event.stop()
        if self._completions.display:
            self._complete()

    def _complete(self) -> None:
        here = self._begun()
        if here is None or here.column == self._dismissed:
            self._completions.offer([])
            if here is None:
                self._dismissed = None
        elif not self._looking:
            self._looking = True
            self._look(here)

    def _begun(self) -> Begun | None:
        return begun(self.composer.before_cursor) if self.composer.selection.is_empty else None

    @work(group="names")
    async def _look(self, here: Begun) -> None:
        """One look at a time; where more was typed meanwhile, once more."""
        try:
            names = await apart(lambda: candidates(here.path), LOOKING)
        except TimeoutError:
            names = []
        finally:
            self._looking = False
        now = self._begun()
        if now == here:
            self._completions.offer([] if names == [here.path] else names)
        else:
            self._complete()

    def _take_key(self, key: str) -> bool:
        """Keys of the list, while it is open. Whether the key was one."""
        completions = self._completions
        name = completions.chosen
        if name is None:
            return False
        match key:
            case "tab":
                self._take(name)
            case "enter" if completions.moved:
                self._take(name)
            case "down":
                completions.move(1)
            case "up":
                completions.move(-1)
            case "escape":
                here = self._begun()
                self._dismissed = here.column if here is not None else None
                completions.offer([])
            case _:
                return False
        return True

    def _take(self, name: str) -> None:
        here = self._begun()
        if here is None:
            return
        row, column = self.composer.cursor_location
        self.composer.pasted_paths.discard(name)
        self.composer.replace(completed(name), (row, here.column), (row, column), maintain_selection_offset=False)
        if not name.endswith("/"):
            self._completions.offer([])

    # The editor

    @on(Composer.EditOutside)
    def _edit_outside(self, event: Composer.EditOutside) -> None:
        event.stop()
        self.post_message(self.EditOutside())

    def run_editor(self) -> None:
        """Hand the words to the person's editor; chips stay. What goes wrong is told; the words are then as before."""
        from localchat.tui.composer.editor import edited

        try:
            words = edited(self.app, self.composer.text)
        except LocalChatError as error:
            tell_error(self.app, error)
            return
        if words != self.composer.text:
            self.composer.replace(words, (0, 0), self.composer.document.end)
            end = self.composer.document.end
            self.composer.selection = Selection(end, end)
        self.app.refresh(layout=True)


def _kept(store: Store, chip: Kept) -> Attachment:
    """Raises NotFound where the edited message is gone."""
    infos = store.messages.get(chip.message_id).attachments
    for info, attachment in zip(infos, store.messages.attachments(chip.message_id), strict=False):
        if info.id == chip.info.id:
            return attachment
    raise NotFound(f"{chip.info.name} is gone.", "Its message was deleted, perhaps in another window.")


async def files_of(
    words: str, paths: Sequence[str] = (), others: Sequence[Attachment] = (), ignored: Sequence[str] = ()
) -> tuple[Attachment, ...]:
    """What goes with these words: ``others``, the files at ``paths``, and those that the words name.

    Raises InvalidInput for one that cannot go.
    """
    if "@" not in words and not paths and not others:
        return ()
    try:
        return await apart(lambda: read_all([*paths, *named_in(words, ignored)], others), READING)
    except TimeoutError as error:
        raise InvalidInput(
            f"The attached files could not be read within {READING:.0f} seconds. Nothing was sent.",
            "Check the disk or the server that they are on.",
        ) from error
