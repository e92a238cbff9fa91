"""May this chat leave the machine? The question names the host, and is asked anew where that changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from localchat import wording
from localchat.errors import ConfirmRemote, LocalChatError
from localchat.tui.dialogs.confirm import ConfirmDialog
from localchat.tui.dialogs.dialog import Words
from localchat.tui.toasts import tell, tell_error

NOT_ANY_MORE = "Nothing has to leave this machine any more. Nothing was sent yet."


class ConsentDialog(ConfirmDialog):
    """True where the person agreed to what ``question`` says when it closes.

    ``ask`` finds the question as it is now, or None where there is none any more; it may raise LocalChatError where no
    turn could be sent at all. It is asked again whenever the catalog changes, here or in another window.
    """

    CSS_PATH = ["../dialogs/dialog.tcss", "../dialogs/confirm.tcss"]

    def __init__(self, question: ConfirmRemote, ask: Callable[[], ConfirmRemote | None]) -> None:
        # Careful: the enter that asked for the turn must not agree as well when it repeats.
        super().__init__(
            "Send this chat to another machine?", _text(question), yes="Send it", no="Keep it here", careful=True
        )
        self.question = question
        self._ask = ask

    def on_mount(self) -> None:
        self.watch(self.app, "catalog_version", self._look, init=False)

    def _look(self) -> None:
        try:
            question = self._ask()
        except LocalChatError as error:
            self.dismiss(False)
            tell_error(self.app, error)
            return
        if question is None:
            self.dismiss(False)
            tell(self.app, NOT_ANY_MORE)
        elif question.facts != self.question.facts:
            self.question = question
            self.query_one("#text Words", Words).say(f"This changed meanwhile. {_text(question)}")
            self.query_one("#no").focus()
            self.changed_meanwhile()

    def may_agree(self) -> bool:
        """A key pressed before the new host was on the screen agrees to nothing."""
        return not self.unread


def _text(question: ConfirmRemote) -> str:
    return f"{wording.leaves(question)} Nothing was sent yet."
