"""Words in, words out: the command line. One file per noun; each is imported when one of its commands runs."""

from __future__ import annotations

import gc

import click

from localchat.cli.help import WIDEST
from localchat.cli.program import Program
from localchat.cli.session import Session, pass_session

__all__ = ["localchat"]


@click.group(
    cls=Program,
    commands_at={
        "ask": ("localchat.cli.ask:ask", "Send PROMPT and print the reply as it comes."),
        "chats": ("localchat.cli.chats:chats", "List, read, order, delete and restore chats."),
        "models": ("localchat.cli.models:models", "List, add, edit, remove and restore models."),
        "providers": ("localchat.cli.providers:providers", "List, add, edit, remove and restore providers."),
        "undo": ("localchat.cli.undo:undo", "Undo the newest change of providers, models or the default."),
        "import": ("localchat.cli.transfer:import_chats", "Import chats from another program or a localchat export."),
        "backup": (
            "localchat.cli.transfer:backup",
            "Copy the whole store to FILE, while it is in use, and check the copy.",
        ),
        "restore": (
            "localchat.cli.restore:restore",
            "Put the backup FILE in the store's place; without FILE, list the backups that localchat made.",
        ),
        "doctor": ("localchat.cli.doctor:doctor", "Check that everything works."),
        "record": ("localchat.cli.record:record", "Keep how the replies of the provider NAME come."),
        "demo": ("localchat.cli.demo:demo", "Show in a minute what localchat is for."),
        "completion": (
            "localchat.cli.shells:completion",
            "Let the shell complete our words: print or install its script.",
        ),
    },
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
)
@click.option("-V", "--version", is_flag=True, help="Print the version and exit.")
@pass_session
def localchat(session: Session, version: bool) -> None:
    """A chat client for one person in a terminal. Models come and go; chats stay.

    Without a command it opens the app. The commands do what the app does, for scripts.
    """
    if version:
        from localchat import __version__
        from localchat.cli.output import JSON_VERSION, answer

        answer(session, {"version": __version__, "json": JSON_VERSION}, f"localchat {__version__}")
        raise click.exceptions.Exit(0)
    if click.get_current_context().invoked_subcommand is None:
        _open_app(session)


def _open_app(session: Session) -> None:
    """Raises LocalChatError where there is no terminal, or the store cannot be opened."""
    from localchat.cli.session import interactive
    from localchat.errors import InvalidInput

    if session.json:
        raise click.UsageError("--json belongs to a command; the app has no JSON.")
    if not interactive(output=True):
        raise InvalidInput(
            "localchat opens a screen and needs a terminal for it.",
            "In scripts use its commands, for example `localchat ask PROMPT`; see `localchat --help`.",
        )
    # Nothing that a start makes is garbage, and looking for some takes a tenth of it. The app takes it up again.
    gc.set_threshold(700, 10, 10)
    gc.disable()
    from localchat.tui.app import run

    raise click.exceptions.Exit(run(session.path))
