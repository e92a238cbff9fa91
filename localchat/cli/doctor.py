"""``localchat doctor``: whether everything is in order."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING

import click

from localchat.cli.output import answer, default_line, ref_of
from localchat.cli.parameters import FileName
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.errors import BY_CODE, LocalChatError
from localchat.records import Check
from localchat.text import count, one_line
from localchat.wording import NOT_OFFERED

if TYPE_CHECKING:
    from localchat.records import Model, Provider


@click.command(cls=Command)
@click.option("--all", "everywhere", is_flag=True, help="Ask providers on other machines as well whether they answer.")
@click.option("--rescue", type=FileName(), metavar="FILE", help="Write what can be read of the store into a new one.")
@click.option(
    "--fix", is_flag=True, help="Put right what can be: the default, the search index, links to nothing, leftovers."
)
@pass_session
def doctor(session: Session, everywhere: bool, fix: bool, rescue: str | None) -> None:
    """Check that everything works.

    The store, the weights, keys, and the providers on this machine. Without --fix nothing is changed.
    """
    session.heals = False
    if rescue is not None:
        _rescue(session, rescue)
        return
    fixed = _fix(session) if fix and session.path.exists() else []
    checks = _checks(session, everywhere)
    broken = [check for check in checks if not check.ok]
    width = max(len(check.name) for check in checks)
    answer(
        session,
        {
            "ok": not broken,
            "fixed": fixed,
            "checks": [{"name": check.name, "ok": check.ok, "detail": one_line(check.detail)} for check in checks],
        },
        *(f"fixed {line}" for line in fixed),
        *(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:{width}}  {one_line(check.detail)}" for check in checks),
    )
    if broken:
        names = ", ".join(check.name for check in broken)
        problem = LocalChatError(f"{count(len(broken), 'check')} failed: {names}.", one_line(broken[0].detail))
        problem.code = broken[0].code if broken[0].code in BY_CODE else "internal"
        raise problem


def _rescue(session: Session, name: str) -> None:
    from localchat.store.rescue import PROGRAM, rescue

    done = rescue(session.path, name)
    held = f"{count(done.chats, 'chat')} with {count(done.messages, 'message')}"
    lines = [f"Rescued {held} into {one_line(str(done.file))}. The store itself was not changed."]
    lines += [f"missing  {line}" for line in done.missing] or ["Nothing is known to be missing."]
    lines += [f"mended   {line}" for line in done.mended]
    if not done.whole:
        lines.append(f"The program {PROGRAM} is not here; with it more may be found.")
    lines.append(f"`localchat restore {one_line(str(done.file))}` puts it in the store's place.")
    document = {
        "file": str(done.file),
        "chats": done.chats,
        "messages": done.messages,
        "missing": list(done.missing),
        "mended": list(done.mended),
        "by_sqlite3": done.whole,
    }
    answer(session, document, *lines)


def _fix(session: Session) -> list[str]:
    """What was put right, a line each. Raises like the store where it cannot be opened or written."""
    from localchat.store.health import streaming
    from localchat.store.mending import mend_index, mend_tree, sweep_leftovers

    coming = streaming(session.path)
    catalog = session.store.catalog  # opening it marks them
    broken_off = coming - streaming(session.path)
    before = catalog.default()
    fixed = [f"{model.ref} belonged to no provider and was removed" for model in catalog.bury_orphans()]
    catalog.heal()
    fixed += filter(None, [default_line(ref_of(before), ref_of(catalog.default()))])
    connection = session.store.connection
    if broken_off:
        fixed.append(f"{count(broken_off, 'reply', 'replies')} of programs that ended are marked as interrupted")
    return [*fixed, *mend_tree(connection), *mend_index(connection), *sweep_leftovers(session.path)]


def _checks(session: Session, everywhere: bool) -> list[Check]:
    from localchat import __version__
    from localchat.providers.health import check_engine, check_file, check_keyring, check_weights
    from localchat.store.health import check_store

    version = f"localchat {__version__} on Python {platform.python_version()}, {platform.system()}"
    store = check_store(session.path)
    providers: list[Provider] = []
    models: list[Model] = []
    if session.path.exists() and all(check.ok for check in store if check.name in ("sqlite", "store", "writable")):
        try:
            providers, models = session.store.catalog.providers(), session.store.catalog.models()
        except LocalChatError as error:
            store.append(Check("opening", False, error.message, error.code))
    return [
        Check("python", sys.version_info >= (3, 11), version),
        *store,
        check_weights(),
        *(check_file(model) for model in models if model.path is not None),
        check_engine(needed=any(provider.kind == "embedded" and provider.enabled for provider in providers)),
        check_keyring(needed=any(provider.key_source == "keyring" for provider in providers)),
        *_check_providers(providers, everywhere),
        _offered(models),
        _terminal(),
    ]


def _check_providers(providers: list[Provider], everywhere: bool) -> list[Check]:
    from localchat.providers.health import check_providers

    return asyncio.run(check_providers(providers, everywhere=everywhere))


def _offered(models: list[Model]) -> Check:
    """Models that their endpoints do not offer any more, as far as was seen; a fault where one is the default."""
    gone = [model for model in models if model.delisted_at is not None]
    if not gone:
        return Check("offered", True, "no model is known to be withdrawn")
    default = next((model for model in gone if model.is_default), None)
    if default is not None:
        detail = f"the default, {default.ref}, is {NOT_OFFERED}: `localchat models demote {default.ref}`"
        return Check("offered", False, detail, "provider_rejected")
    return Check("offered", True, f"{NOT_OFFERED}: {', '.join(model.ref for model in gone)}")


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", True, "none here, which is fine for scripts; the app needs one")
    size = shutil.get_terminal_size()
    colour = "no colour, as NO_COLOR asks" if os.environ.get("NO_COLOR") else os.environ.get("COLORTERM") or "colour"
    term = os.environ.get("TERM", "")
    if term == "dumb":
        return Check("terminal", False, "TERM is dumb: the app cannot be shown here", "invalid_input")
    return Check("terminal", True, f"{size.columns} by {size.lines}, {term or 'no TERM'}, {colour}")
