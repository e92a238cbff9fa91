"""``localchat demo``."""

from __future__ import annotations

import click

from localchat.cli.program import Command
from localchat.cli.session import Session, interactive, pass_session


@click.command(cls=Command)
@pass_session
def demo(session: Session) -> None:
    """Show in a minute what localchat is for.

    Opens the app on a store that is thrown away at the end, with a line that says what to do next. It needs no network
    and no weights, and touches nothing of yours. ctrl+q ends it at any time.
    """
    from localchat.errors import InvalidInput

    if session.json:
        raise click.UsageError("The demo has no JSON.")
    if not interactive(output=True):
        raise InvalidInput("The demo opens a screen and needs a terminal for it.", "Run it in one.")
    from localchat.tui.demo.app import run

    raise click.exceptions.Exit(run())
