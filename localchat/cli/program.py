"""What every command stands on: commands found by name, and how a run ends.

Nothing heavy is imported here: starting the app passes through this file.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from localchat.cli.session import Session
from localchat.cli.terminal_gate import gate_terminals
from localchat.errors import DiskFull, Internal, LocalChatError

INTERRUPTED = 130  # the exit status of a program that ctrl+c ended
COMPLETE = "_LOCALCHAT_COMPLETE"  # set by the shell when it asks what could stand here
DEBUG = "LOCALCHAT_DEBUG"  # set to anything: the traceback of a bug goes to standard error


def _set_db(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value == "":
        raise click.BadParameter("the path is empty.")  # an unset variable must not mean another store
    session = context.find_object(Session)
    if session is not None and value is not None:
        session.db = value


def _set_log(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is None or context.find_object(Session) is None:
        return
    from localchat import log

    if log.running():
        return
    try:
        log.start(Path(value).expanduser())
    except (OSError, ValueError) as error:
        raise click.BadParameter(
            f"{value!r} cannot be written ({getattr(error, 'strerror', None) or error})."
        ) from None


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    session = context.find_object(Session)
    if session is not None and value:
        session.json = True


def common_options() -> list[click.Option]:
    """The options that stand on every command, and before it."""
    return [
        click.Option(
            ["--db"],
            metavar="PATH",
            type=click.Path(),
            expose_value=False,
            callback=_set_db,
            help="The store: a file. Default: $LOCALCHAT_DB, else the data folder of the platform.",
        ),
        click.Option(
            ["--log"],
            metavar="FILE",
            type=click.Path(),
            expose_value=False,
            callback=_set_log,
            help="Append to this file what happens, without a word of any chat.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_set_json,
            help="Print one JSON document, and errors as JSON.",
        ),
    ]


class Command(click.Command):
    """A command that takes ``--db`` and ``--json``, and whose help ends with examples."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from localchat.cli.help import write_examples

        write_examples(ctx, formatter)


class Group(click.Group):
    """The commands of one noun. ``--db`` and ``--json`` may stand before the command, too."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from localchat.cli.help import sentence_of, write_commands

        write_commands([(name, sentence_of(command)) for name, command in sorted(self.commands.items())], formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from localchat.cli.help import write_examples

        write_examples(ctx, formatter)


class Program(click.Group):
    """The program: commands that are imported when they are run, and how it ends.

    ``commands_at``: where each command is, as ``module:name``, and what it does, for the help that imports none.
    """

    def __init__(self, *args: Any, commands_at: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at
        self.params += common_options()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from localchat.cli.help import write_commands

        write_commands([(name, sentence) for name, (_, sentence) in self.commands_at.items()], formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from localchat.cli.help import write_examples

        write_examples(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_at:
            return None
        module, _, name = self.commands_at[cmd_name][0].partition(":")
        return cast(click.Command, getattr(importlib.import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            # Click looks for similar names among commands that are loaded; ours are not.
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> None:
        """Run, and end the process with the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
        # Imports make little garbage, and looking for some takes a tenth of a short run. The app begins afresh.
        gc.set_threshold(20_000, 10, 10)
        words = list(sys.argv[1:] if args is None else args)
        _prepare_streams()
        session = Session()
        if instruction := os.environ.get(COMPLETE):
            from click.shell_completion import shell_complete

            from localchat.cli.shells import register

            register()
            sys.exit(shell_complete(self, {"obj": session}, prog_name or "localchat", COMPLETE, instruction))
        session.json = _wants_json(words)
        status = 0
        try:
            status = self._run(session, words)
            sys.stdout.flush()
        except BrokenPipeError:
            status = _reader_gone()  # `| head` has what it wanted
        except OSError as error:  # what was buffered cannot be written; told already where a command met it first
            _reader_gone()
            if status == 0:
                status = self._fail(session, _unwritten(error))
        except KeyboardInterrupt:
            status = INTERRUPTED
        sys.exit(status)

    def _run(self, session: Session, words: list[str]) -> int:
        try:
            with session, self.make_context("localchat", words, obj=session) as context:
                self.invoke(context)
            return 0
        except click.exceptions.Exit as done:
            return done.exit_code
        except click.Abort:
            return INTERRUPTED
        except click.ClickException as error:
            from localchat.cli.output import print_usage_error

            print_usage_error(error, as_json=session.json)
            return error.exit_code
        except LocalChatError as error:
            return self._fail(session, error)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            return self._fail(session, _unwritten(error) if error.errno == errno.ENOSPC else _bug(error))
        except Exception as error:
            return self._fail(session, _bug(error))

    @staticmethod
    def _fail(session: Session, error: LocalChatError) -> int:
        from localchat.cli.output import print_error
        from localchat.log import LOG

        LOG.info("failed: %s", error.code)
        if os.environ.get(DEBUG):
            import traceback

            traceback.print_exception(error)
        print_error(error, as_json=session.json)
        return 1


def _unwritten(error: OSError) -> LocalChatError:
    if error.errno == errno.ENOSPC:
        return DiskFull("The disk is full; standard output was not written.", "Free some space and try again.")
    return Internal(f"Standard output cannot be written ({error.strerror or error}).", "Check where it goes.")


def _bug(error: Exception) -> Internal:
    ours = Internal(
        f"localchat met a bug: {type(error).__name__}: {error}",
        f"Please report it, with what it prints where {DEBUG}=1 is set.",
    )
    ours.__cause__ = error
    return ours


def _wants_json(words: list[str]) -> bool:
    """Whether errors are wanted as JSON; needed before, and also where, the words cannot be understood."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _prepare_streams() -> None:
    """What the terminal's encoding lacks is shown as ``?``; what goes to a stream that the caller closed (``>&-``) is
    lost; a terminal gets nothing that it would obey; no library speaks on standard error by itself."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    gate_terminals()
    if not os.environ.get(DEBUG) and not sys.warnoptions:
        import warnings

        warnings.simplefilter("ignore")


def _reader_gone() -> int:
    """Nobody reads any more: nothing is left to say, also not by Python when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    return 0
