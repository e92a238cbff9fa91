"""What was confirmed is what happens: what a person was shown, compared inside the transaction with what is there.

Compared is what decides, by identity: which provider and which models go, which is the default before, who takes over
and whether that one runs on this machine; for a move, which chats of which models. A rename meanwhile leaves all of
that as it was; a namesake is another one. How many chats use what is removed is not compared, for a removal changes
none of them. A move compares them one by one: as many others would be another move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localchat.errors import Changed
from localchat.records import Model, MovePreview, MoveTarget, RemovalPreview, RestorePreview, TakeOver
from localchat.text import count, one_line


def of_removal(shown: RemovalPreview, now: RemovalPreview, heir: int | None) -> str:
    """What decides and differs between what was shown and what is there now, in a sentence; nothing where all of it is
    the same. ``heir``: the id of who was to take over; None where nobody was."""
    return _models(shown, now) or _default(shown, now) or _heir(shown, now, heir)


def of_move(shown: MovePreview, now: tuple[tuple[int, int], ...]) -> str:
    """The same for a bulk move. ``now``: each chat of these models with the model it has."""
    if shown.chats == now:
        return ""
    before, there = ({chat for chat, _ in some} for some in (shown.chats, now))
    new, left = len(there - before), len(before - there)
    more = [f"{count(new, 'chat uses', 'chats use')} {_named(shown.models)} as well by now."] if new else []
    less = [f"{count(left, 'chat has', 'chats have')} another model by now, or went."] if left else []
    return " ".join(more + less) or "Some chats have another of these models by now."


def of_target(shown: MoveTarget, now: MoveTarget) -> str:
    """The same for the model that chats are to get: where it answers, and whether it can."""
    if shown.host != now.host:
        return f"{now.model.ref} answers {f'at {now.host}' if now.host else 'inside this program'} now."
    if shown.model.usable and not now.model.usable:
        return f"{now.model.ref} is switched off now."
    return ""


def of_restore(shown: RestorePreview, now: RestorePreview) -> str:
    """The same for a restore: where it comes back to, what comes back, and what the default is then."""
    before, there = ({model.id: model for model in preview.models} for preview in (shown, now))
    if new := _named(model for model in now.models if model.id not in before):
        return f"{new} can come back as well by now."
    if gone := _named(model for model in shown.models if model.id not in there):
        return f"{gone} cannot come back any more."
    if (shown.place.id, shown.place.host) != (now.place.id, now.place.host):
        return f"It would come back to {now.place.name}{f' at {now.place.host}' if now.place.host else ''} now."
    default = _default_of(now.default_before, shown.default_before)
    if default or _id(shown.default_after) == _id(now.default_after):
        return default
    return f"The default would be {now.default_after.ref} then." if now.default_after else "There would be no default."


def of_take_over(shown: TakeOver, now: TakeOver) -> str:
    """The same for removed models that another provider takes over."""
    before, there = ({model.id: model for model in preview.models} for preview in (shown, now))
    if new := _named(model for model in now.models if model.id not in before):
        return f"{new} of {now.name} was removed as well by now."
    if gone := _named(model for model in shown.models if model.id not in there):
        return f"{gone} of {now.name} belongs to another provider by now, or went."
    return ""


def check_edit(what: str, seen: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises Changed where a field that is edited is neither what the person had before their eyes nor what they want.
    A field that they did not edit may be anything by now: it stays."""
    met = {name: old.get(name) for name in seen if old.get(name) not in (seen[name], new.get(name))}
    if met:
        raise Changed(f"{what} was edited meanwhile. Nothing was changed.", now=met)


def _models(shown: RemovalPreview, now: RemovalPreview) -> str:
    before, there = ({model.id: model for model in preview.models} for preview in (shown, now))
    name = now.provider.name if now.provider else now.models[0].ref
    if new := _named(model for model in now.models if model.id not in before):
        return f"{name} has {new} as well by now."
    if gone := _named(model for model in shown.models if model.id not in there):
        return f"{gone} of {name} went already."
    return ""


def _default(shown: RemovalPreview, now: RemovalPreview) -> str:
    return _default_of(now.default_before, shown.default_before)


def _default_of(is_now: Model | None, was: Model | None) -> str:
    if _id(was) == _id(is_now):
        return ""
    return f"The default is {is_now.ref} now." if is_now else "There is no default now."


def _id(model: Model | None) -> int | None:
    return model.id if model else None


def _heir(shown: RemovalPreview, now: RemovalPreview, heir: int | None) -> str:
    if not now.removes_default:
        return ""
    if heir is None:
        nobody_could = not shown.successors  # else nobody was chosen yet
        return f"{now.successors[0].ref} can take over now." if now.successors and nobody_could else ""
    known = next((model for model in shown.successors if model.id == heir), None)
    there = next((model for model in now.successors if model.id == heir), None)
    if there is None:
        return f"{known.ref if known else 'The model that was picked'} cannot take over any more."
    if known is not None and known.is_local and not there.is_local:
        return f"{there.ref} does not run on this machine any more."
    return ""


def _named(models: Iterable[Model], most: int = 3) -> str:
    """``z1, z2 and 3 more``; nothing for none."""
    names = [one_line(model.model, 40) for model in models]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
