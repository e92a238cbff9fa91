"""What a remedy is called where the person is: the key that works there and then.

Errors are made below the screens and name no key. A screen says by its attribute ``remedies`` which place it is; what
has no key there is not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.screen import Screen

from localchat.errors import LocalChatError, Way
from localchat.records import ErrorNote
from localchat.text import one_line

Place = Mapping[Way, tuple[tuple[str, ...], str]]
"""Keys, in the order in which they are pressed, and the sentence that names them."""

CHAT: Place = {
    Way.ASK_AGAIN: (("ctrl+r",), "ctrl+r asks again."),
    Way.FETCH_WEIGHTS: (("ctrl+r",), "ctrl+r tries again."),
    Way.PICK_MODEL: (("ctrl+o",), "ctrl+o picks another model."),
    Way.ADD_MODEL: (("f2",), "f2 adds a model or switches one on."),
    Way.ADD_PROVIDER: (("f2", "a"), "f2 and a add one."),
    Way.EDIT_PROVIDER: (("f2", "e"), "f2 and e on {subject} open its settings."),
    Way.DISCOVER: (("f2", "D"), "f2 and D on {subject} list its models."),
    Way.RESTORE_PROVIDER: (("f2", "r"), "f2 and r on {subject} bring it back."),
    Way.RESTORE_MODEL: (("f2", "r"), "f2 and r on {subject} bring it back."),
    Way.RESTORE_CHAT: (("ctrl+b", "v", "v", "r"), "ctrl+b, then v twice, shows the trash; r brings it back."),
    Way.SWITCH_ON_MODEL: (("f2", "space"), "f2 and space on {subject} switch it on."),
    Way.SWITCH_ON_PROVIDER: (("f2", "space"), "f2 and space on {subject} switch it on."),
    Way.RENAME_PROVIDER: (("f2", "e"), "f2 and e on {subject} rename that one."),
    Way.RENAME_MODEL: (("f2", "e"), "f2 and e on {subject} rename that one."),
    Way.MAKE_ROOM: (("f2", "e"), "f2 and e on {subject} rename that one; then r brings back the other."),
    Way.TAKE_OVER: (("f2", "r"), "f2 and r on {subject} add one."),
    Way.MOVE_CHATS: (("f2", "m"), "f2 and m on {subject} give its chats another model."),
}
CATALOG: Place = {
    Way.ASK_AGAIN: (("t",), "t asks again."),
    Way.ADD_MODEL: (("a",), "a adds a model, space switches one on."),
    Way.ADD_PROVIDER: (("a",), "a adds one."),
    Way.EDIT_PROVIDER: (("e",), "e on {subject} opens its settings."),
    Way.DISCOVER: (("D",), "D on {subject} lists its models."),
    Way.RESTORE_PROVIDER: (("r",), "r on {subject} brings it back."),
    Way.RESTORE_MODEL: (("r",), "r on {subject} brings it back."),
    Way.SHOW_LOG: (("h",), "h shows what happened."),
    Way.SWITCH_ON_MODEL: (("space",), "space on {subject} switches it on."),
    Way.SWITCH_ON_PROVIDER: (("space",), "space on {subject} switches it on."),
    Way.RENAME_PROVIDER: (("e",), "e on {subject} renames that one."),
    Way.RENAME_MODEL: (("e",), "e on {subject} renames that one."),
    Way.MAKE_ROOM: (("e", "r"), "e on {subject} renames that one; then r brings back the other."),
    Way.TAKE_OVER: (("r",), "r on {subject} adds one."),
    Way.MOVE_CHATS: (("m",), "m on {subject} gives its chats another model."),
}
PROVIDER_FORM: Place = {Way.ASK_AGAIN: (("ctrl+t",), "ctrl+t asks again.")}  # whoever is here edits it already
DISCOVER: Place = {
    Way.ASK_AGAIN: (("r",), "r asks again."),
    Way.EDIT_PROVIDER: (("escape", "e"), "escape, then e, opens its settings."),
}
SEARCH: Place = {
    Way.RESTORE_CHAT: (
        ("escape", "ctrl+b", "v", "v", "r"),
        "It is in the trash: escape, ctrl+b, then v twice, show that; r brings it back.",
    )
}
NOWHERE: Place = {}


def advice(error: LocalChatError | ErrorNote, place: Place) -> str:
    """What to do: the error's hint, then the key for its remedy where this place has one."""
    if error.remedy is None or error.remedy.way not in place:
        return error.hint
    words = place[error.remedy.way][1].replace("{subject}", one_line(error.remedy.subject, 60) or "it")
    return f"{error.hint} {words}".strip()


def place_of(screen: Screen[Any]) -> Place:
    """Where the person is, as far as keys go."""
    place: Place = getattr(screen, "remedies", NOWHERE)
    return place
