"""``localchat record``."""

from __future__ import annotations

import click

from localchat.cli.output import answer, table
from localchat.cli.parameters import ProviderName, wrong_usage
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.wording import recording_words


@click.command(cls=Command)
@click.argument("name", type=ProviderName(), metavar="[NAME]", required=False)
@click.option("--off", is_flag=True, help="Record it no more; what was recorded stays.")
@pass_session
def record(session: Session, name: str | None, off: bool) -> None:
    """Keep how the replies of the provider NAME come.

    From its next reply on, each delta is kept with its time, in the app and here. `chats export --format json` takes it
    along, and a provider of kind replay plays it to the millisecond. Without NAME: which providers are recorded.
    """
    store = session.store
    if name is None:
        if off:
            raise wrong_usage("--off needs the NAME of a provider.")
        found = [
            {"name": each.name, "recorded": store.recordings.wanted(each.id)} for each in store.catalog.providers()
        ]
        rows = [(str(each["name"]), "recorded" if each["recorded"] else "") for each in found]
        answer(session, found, *table(("NAME", "STATE"), rows))
        return
    store.recordings.switch(store.catalog.provider(name).id, not off)
    answer(session, {"name": name, "recorded": not off}, recording_words(name, not off))
