"""``localchat undo``: taking back what was done to providers, models and the default."""

from __future__ import annotations

import click

from localchat.cli.output import answer, default_line, notice, ref_of, table
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.errors import NotFound
from localchat.records import CatalogEvent
from localchat.text import one_line
from localchat.wording import taken_back, takes_back


@click.command(cls=Command)
@click.option("--list", "listing", is_flag=True, help="Show what can be undone, newest first. Nothing is changed.")
@pass_session
def undo(session: Session, listing: bool) -> None:
    """Undo the newest change of providers, models or the default.

    It may have been made in any window, and before a restart: a removal, a switch, an edit, the choice of the default,
    chats moved to another model. Nothing is asked. Run it again to undo the change before that.

    \b
    Examples:
      localchat undo --list
      localchat undo
    """
    catalog = session.store.catalog
    found = catalog.undoable(None if listing else 1)
    default = ref_of(catalog.default())
    if listing:
        rows = [(str(event.id), event.at[:16].replace("T", " "), one_line(takes_back(event), 80)) for event in found]
        lines = table(("ID", "WHEN", "UNDOES"), rows) if rows else ["Nothing to undo."]
        answer(session, [_line(event, _after(event, default)) for event in found], *lines)
        return
    if not found:
        raise NotFound("Nothing to undo.", "`localchat providers log` shows what was done.")
    done = catalog.undo_event(found[0].id)
    after = ref_of(done.change.after)
    answer(
        session,
        _line(done.event, after),
        taken_back(done),
        *filter(None, [default_line(ref_of(done.change.before), after)]),
    )
    if done.provider is not None and done.provider.key_source == "keyring":
        from localchat.providers.keys import has_key

        if not has_key(done.provider):
            name = done.provider.name
            notice(f"The key of {name} is not in the keyring: `localchat providers edit {name} --key-stdin` saves it.")


def _line(event: CatalogEvent, after: str | None) -> dict[str, object]:
    return {"id": event.id, "action": event.action, "subject": one_line(event.subject), "default_after": after}


def _after(event: CatalogEvent, now: str | None) -> str | None:
    """The default once this one is undone, as it looks now: what the change took it from, where it changed it."""
    return event.default_before if event.default_before != event.default_after else now
