"""Providers and models as rows of lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from localchat.records import Model, Provider
from localchat.text import count, one_line
from localchat.tui.catalog.words import chats_words, context_words, on_day, place_words
from localchat.tui.dialogs.table_list import QUIET, Cell, Heading, Row
from localchat.wording import NOT_OFFERED

RECORDED = "◉"
_INSIDE = {"embedded": "in the box", "echo": "echoes", "replay": "replays"}  # kinds that need nobody to answer
GOOD, QUIET_MARK, BAD = "$success", QUIET, "$warning"


@dataclass(frozen=True, slots=True)
class State:
    """How a provider is doing, told by a mark and words; ``detail`` in a sentence."""

    mark: str
    words: str
    style: str
    detail: str = ""

    @property
    def cell(self) -> Cell:
        return Cell(f"{self.mark} {self.words}".strip(), self.style)


ASKING = State("…", "asking", QUIET)
ANSWERS = State("●", "answers", GOOD)


def state_of(provider: Provider, asked: State | None, has_key: bool | None) -> State:
    """``asked``: what came of the last question to it; ``has_key``: None while that is not known."""
    if not provider.enabled:
        return State("○", "off", QUIET, "Switched off; space switches it on.")
    if asked is not None:
        return asked
    if provider.kind in _INSIDE:
        return State("●", _INSIDE[provider.kind], GOOD)
    if provider.key_source == "none":
        return State("·", "not asked", QUIET) if provider.local else State("○", "no key", QUIET)
    if has_key is None:
        return State("·", "keyring", QUIET)
    if has_key:
        return State("●", "key set", GOOD)
    missing = (
        f"The environment variable {provider.key_name} is not set."
        if provider.key_source == "env"
        else "The keyring has no key for it; e enters one."
    )
    return State("○", "no key", BAD, missing)


def key_words(provider: Provider) -> str:
    """Where its key comes from."""
    match provider.key_source:
        case "env":
            return f"key from ${provider.key_name}"
        case "keyring":
            return "key in the keyring"
    return "" if provider.local else "no key"


def models_words(number: int) -> str:
    return count(number, "model") if number else "no models"


def provider_row(provider: Provider, models: int, state: State, recorded: bool = False) -> Row:
    return Row(
        f"p{provider.id}",
        (
            Cell(RECORDED if recorded else ""),
            Cell(provider.name, "" if provider.enabled else QUIET),
            Cell(models_words(models), QUIET),
            state.cell,
        ),
    )


def provider_rows(
    providers: Sequence[Provider],
    live: Sequence[Model],
    gone: Mapping[str, int],
    states: Mapping[int, State],
    recorded: Collection[int] = (),
) -> list[Row | Heading]:
    """The live providers, then those that went: ``gone`` has how many removed models are left of each. ``recorded``:
    ids of providers."""
    owners = Counter(model.provider for model in live)
    rows: list[Row | Heading] = [
        provider_row(provider, owners[provider.name], states[provider.id], provider.id in recorded)
        for provider in providers
    ]
    if gone:
        if rows:
            rows.append(Heading(""))
        rows.append(Heading("Removed"))
        rows += [
            Row(f"g{name}", (Cell(""), Cell(name, QUIET), Cell(models_words(number), QUIET), Cell("removed", QUIET)))
            for name, number in sorted(gone.items())
        ]
    return rows


def model_rows(
    live: Sequence[Model], removed: Sequence[Model], used: Mapping[int, int], now: datetime
) -> list[Row | Heading]:
    """The live models, then the tombstones with the day they went."""
    rows: list[Row | Heading] = [
        Row(
            f"m{model.id}",
            (
                Cell("★" if model.is_default else " ", "$accent"),
                Cell(model.model, "" if model.enabled else QUIET),
                Cell(context_words(model.context), QUIET),
                _state_cell(model),
                Cell(chats_words(used.get(model.id, 0)), QUIET),
            ),
        )
        for model in live
    ]
    if removed:
        if rows:
            rows.append(Heading(""))
        rows.append(Heading("Removed"))
    for model in removed:
        gone = f"removed {on_day(model.deleted_at, now)}" if model.deleted_at else "removed"
        chats = chats_words(used.get(model.id, 0))
        rows.append(
            Row(f"t{model.id}", (Cell(" "), Cell(model.model, QUIET), Cell(gone, QUIET), Cell(""), Cell(chats, QUIET)))
        )
    return rows


def _state_cell(model: Model) -> Cell:
    if not model.enabled:
        return Cell("off", QUIET)
    return Cell(NOT_OFFERED, BAD) if model.delisted_at is not None else Cell("")


def provider_detail(provider: Provider, state: State, recorded: bool = False) -> str:
    """One line on the provider under the cursor."""
    parts = [_address(provider), key_words(provider)]
    if state.detail:  # what is wrong comes first: a narrow window cuts the end
        parts.insert(0 if state.mark == "○" else 2, state.detail)
    if recorded:
        parts.insert(0, f"{RECORDED} Its replies are recorded; R ends that.")
    return " · ".join(one_line(part) for part in parts if part)


def _address(provider: Provider) -> str:
    """Of an export that is replayed its name alone: where it lies differs between two machines that show the same."""
    if provider.kind == "replay":
        return f"Replays {unquote((provider.base_url or '').partition('?')[0].rpartition('/')[2])}"
    return provider.base_url or place_words(provider)


def model_detail(model: Model) -> str:
    """One line on the live model under the cursor."""
    parts = [f"{name.replace('_', ' ')} {value}" for name, value in model.parameters.items()]
    if model.path:
        parts.append(model.path)
    if not model.enabled:
        parts.append("Switched off; space switches it on.")
    if model.is_default:
        parts.insert(0, "The default: new chats use it, and it stands in for removed models.")
    if model.delisted_at is not None:  # first: a narrow window cuts the end
        parts.insert(0, f"{model.provider} does not offer it any more; D asks again, d removes it.")
    return " · ".join(one_line(part) for part in parts)
