"""What may stand on a command line, by type: words, chats, models, providers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from localchat.store.chats import Shelf

F = TypeVar("F", bound=Callable[..., Any])


class Words(click.ParamType[str]):
    """Text from the command line. Bytes that are no text in the terminal's encoding are refused here."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self.fail("that is no valid UTF-8 text.", param, ctx)
        return text


class FileName(Words):
    """The name of a file, completed by the shell."""

    name = "file"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class ChatId(click.ParamType[int]):
    """A chat's number. ``shelves``: where the chats lie that are offered."""

    name = "id"

    def __init__(self, *shelves: Shelf) -> None:
        self.shelves: tuple[Shelf, ...] = shelves or ("open",)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not (value.isascii() and value.isdigit()):
            self.fail(f"{value!r} is not the number of a chat.", param, ctx)
        if len(value.lstrip("0")) > 18:  # more than SQLite counts
            from localchat.errors import NotFound

            raise NotFound(f"There is no chat {value[:40]}.", "See `localchat chats list`.")
        return int(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from localchat.cli.completion import chat_ids

        return chat_ids(ctx, incomplete, self.shelves)


class ModelRef(Words):
    """``PROVIDER/MODEL``. ``removed``: complete the names of removed models too; ``live``: those of live ones."""

    name = "ref"

    def __init__(self, *, removed: bool = False, live: bool = True) -> None:
        self.removed, self.live = removed, live

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from localchat.cli.completion import refs

        return refs(ctx, incomplete, removed=self.removed, live=self.live)


class ProviderName(Words):
    """``removed``: complete the names of removed ones that can come back, and no others."""

    name = "name"

    def __init__(self, *, removed: bool = False) -> None:
        self.removed = removed

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from localchat.cli.completion import providers

        return providers(ctx, incomplete, removed=self.removed)


def parameters_option(how: str) -> Callable[[F], F]:
    """``-o NAME=VALUE``, the same on every command; ``how``: what else its help says."""
    return click.option(
        "-o",
        "--param",
        "parameters",
        type=Words(),
        multiple=True,
        metavar="NAME=VALUE",
        help=f"temperature, top_p, seed, max_tokens, think, or another field of the endpoint's request. {how}",
    )


def given(pairs: Sequence[str], unset: Sequence[str] = ()) -> dict[str, Any]:
    """What NAME=VALUE sets by name, VALUE as JSON where it is some, else as text; None for what is to be unset.
    ``validation.parameters`` checks names and values."""
    from localchat.errors import InvalidInput

    found: dict[str, Any] = {name.strip(): None for name in unset}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name:
            raise InvalidInput(f"“{pair}” is no parameter.", "Write NAME=VALUE, such as temperature=0.2.")
        try:
            found[name] = json.loads(value) if value else None
        except (ValueError, RecursionError):
            found[name] = value
    return found


def wrong_usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context(silent=True))
