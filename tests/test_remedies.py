"""A hint names no key and no command; each interface has its own word for the way out, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localchat import errors
from localchat.cli.output import _REMEDIES, advice
from localchat.errors import ASK_AGAIN, ProviderRejected, Remedy, Way
from localchat.tui import remedies
from localchat.tui.app import LocalChat
from localchat.tui.catalog.discover import DiscoverDialog
from localchat.tui.catalog.panes import Pane
from localchat.tui.catalog.provider_form import ProviderForm
from localchat.tui.catalog.screen import ProvidersScreen
from localchat.tui.chat.chat_list import ChatOptions
from localchat.tui.chat.screen import ChatScreen
from localchat.tui.search.screen import SearchScreen

ROOMS = Path(errors.__file__).parent
BELOW = ("providers", "turns", "store", "attachments", "transfer", "validation.py", "wording.py", "errors.py")
KEY = re.compile(r"\bctrl\+\w|\balt\+\w|\bf\d\b|[Pp]ress ")
COMMENT = re.compile(r'^\s*(#|""").*|\s#\s.*$')


def test_nothing_below_the_interfaces_names_a_key() -> None:
    found = []
    for room in BELOW:
        for file in (ROOMS / room).rglob("*.py") if (ROOMS / room).is_dir() else [ROOMS / room]:
            if "schema" in file.parts and file.name == "remedies.py":
                continue
            lines = file.read_text("utf-8").splitlines()
            found += [f"{file.name}: {line.strip()}" for line in lines if KEY.search(COMMENT.sub("", line))]
    assert found == []


def keys_of(*classes: type) -> set[str]:
    return {key for each in classes for kind in each.__mro__ for binding in vars(kind).get("BINDINGS", ())
            for key in (binding.key if hasattr(binding, "key") else binding[0]).split(",")}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "classes"),
    [
        (ChatScreen.remedies, (ChatScreen, LocalChat, ProvidersScreen, Pane, ChatOptions)),
        (ProvidersScreen.remedies, (ProvidersScreen, Pane)),
        (ProviderForm.remedies, (ProviderForm,)),
        (DiscoverDialog.remedies, (DiscoverDialog, ProvidersScreen)),
        (SearchScreen.remedies, (SearchScreen, ChatScreen, ChatOptions)),
    ],
)
def test_each_key_that_a_place_names_is_bound_there(place: remedies.Place, classes: tuple[type, ...]) -> None:
    assert place
    for way, (keys, words) in place.items():
        assert set(keys) <= keys_of(*classes), way
        assert all(key in words for key in keys), words


def test_each_way_out_has_a_word_on_the_command_line() -> None:
    """Whether the commands work: ``tests/cli/test_hints.py`` runs them."""
    assert set(_REMEDIES) == set(Way)


def test_the_same_error_is_worded_for_the_place_where_it_is_read() -> None:
    error = ProviderRejected("no", "Enter its key again.", remedy=Remedy(Way.EDIT_PROVIDER, "open[ai]"))
    assert advice(error) == (
        "Enter its key again. `localchat providers edit 'open[ai]' --base-url URL` changes its address,"
        " `localchat providers edit 'open[ai]' --key-env VAR` its key."
    )
    assert remedies.advice(error, remedies.CHAT) == "Enter its key again. f2 and e on open[ai] open its settings."
    assert remedies.advice(error, remedies.PROVIDER_FORM) == "Enter its key again."
    assert remedies.advice(error, remedies.NOWHERE) == "Enter its key again."


@pytest.mark.parametrize("remedy", [ASK_AGAIN, Remedy(Way.EDIT_PROVIDER, "a b"), Remedy(Way.DISCOVER)])
def test_a_remedy_is_read_as_it_was_written(remedy: Remedy) -> None:
    assert Remedy.read(str(remedy)) == remedy


@pytest.mark.parametrize("text", [None, "", "fly", "fly away"])
def test_a_remedy_of_a_later_version_is_none(text: str | None) -> None:
    assert Remedy.read(text) is None
