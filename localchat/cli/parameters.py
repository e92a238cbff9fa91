"""What may stand on a command line, by type: words, chats, models, providers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Words(click.ParamType[str]):
    """Text from the command line. Bytes that are no text in the terminal's encoding are refused here."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self.fail("that is no valid UTF-8 text.", param, ctx)
        return text


class ChatId(click.ParamType[int]):
    """A chat's number."""

    name = "id"

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

        return chat_ids(ctx, incomplete)


class ModelRef(Words):
    """``PROVIDER/MODEL``. ``removed``: complete the names of removed models too."""

    name = "ref"

    def __init__(self, *, removed: bool = False) -> None:
        self.removed = removed

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from localchat.cli.completion import refs

        return refs(ctx, incomplete, removed=self.removed)


class ProviderName(Words):
    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from localchat.cli.completion import providers

        return providers(ctx, incomplete)


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
