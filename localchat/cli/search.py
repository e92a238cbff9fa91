"""``localchat chats search``: full text over all chats, the newest first."""

from __future__ import annotations

import os
import sys
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from localchat.cli.output import age, notice, print_json
from localchat.cli.parameters import ChatId, ModelRef, Words
from localchat.cli.program import Command
from localchat.cli.session import Session, pass_session
from localchat.records import Role, stamp
from localchat.text import clean, one_line

if TYPE_CHECKING:
    from localchat.store.search.search import Hit, Query

MOST = 20  # messages, where --limit does not say otherwise


class Day(NamedTuple):
    """A time on this machine's clock. ``whole``: it is a day, from its first moment on."""

    begins: datetime
    whole: bool


class DayParam(click.ParamType[Day]):
    """``YYYY-MM-DD``, or with a time ``YYYY-MM-DDTHH:MM``."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Day:
        if isinstance(value, Day):
            return value
        text = str(value).strip()
        try:
            whole = len(text) == 10
            begins = datetime.combine(date.fromisoformat(text), time()) if whole else datetime.fromisoformat(text)
            if begins.year == MAXYEAR and begins.tzinfo is None:  # Python 3.13 knows no local time at the very end
                return Day(begins.replace(tzinfo=UTC), whole)
            return Day(begins.astimezone(), whole)
        except (ValueError, OverflowError, OSError):
            self.fail(f"{one_line(text, 40)!r} is no date. Write YYYY-MM-DD, or YYYY-MM-DDTHH:MM.", param, ctx)


@click.command(cls=Command)
@click.option("--model", type=ModelRef(removed=True), metavar="REF", help="Only what this model answered.")
@click.option("--role", type=click.Choice(["user", "assistant", "system"]), help="Only what this one said.")
@click.option("--since", type=DayParam(), metavar="DATE", help="Only from this day or time on.")
@click.option("--until", type=DayParam(), metavar="DATE", help="Only up to this time, or the end of this day.")
@click.option("--chat", "chat_id", type=ChatId(), metavar="ID", help="Only in this chat.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=MOST,
    show_default=True,
    metavar="N",
    help="At most so many messages, the newest.",
)
@click.argument("words", type=Words(), metavar="QUERY", nargs=-1, required=True)
@pass_session
def search(
    session: Session,
    words: tuple[str, ...],
    model: str | None,
    role: Role | None,
    since: Day | None,
    until: Day | None,
    chat_id: int | None,
    limit: int,
) -> None:
    """Find messages and titles that have these words.

    A word is also found as the beginning of a longer one; "in quotes" words are found as they stand. Archived chats
    are searched too, deleted ones are not.
    """
    from localchat.store.search.search import Query

    finder = session.store.search
    query = Query(
        " ".join(words),
        role=role,
        models=finder.models_of(model) if model is not None else None,
        since=None if since is None else stamp(since.begins),
        until=None if until is None else _end_of(until),
        chat_id=None if chat_id is None else session.store.chats.get(chat_id).id,
    )
    titles = finder.titles(query)
    messages = finder.find(query, limit=limit)
    if session.json:
        print_json([_entry(hit) for hit in (*titles, *messages)])
        return
    for line in _lines((*titles, *messages)):
        click.echo(line)
    _close(query, len(titles) + len(messages), more=len(messages) == limit, limit=limit)


def _end_of(until: Day) -> str:
    try:
        return stamp(until.begins + timedelta(days=1) if until.whole else until.begins + timedelta(milliseconds=1))
    except OverflowError:
        return stamp(until.begins)


def _entry(hit: Hit) -> dict[str, Any]:
    return {
        "chat_id": hit.chat_id,
        "title": hit.title,
        "message_id": hit.message_id,
        "role": hit.role,
        "model": hit.model.ref if hit.model is not None else None,
        "model_removed": hit.model is not None and hit.model.removed,
        "created_at": hit.created_at,
        "archived": hit.archived,
        "snippet": hit.snippet,
        "matches": [list(span) for span in hit.matches],
    }


def _lines(hits: tuple[Hit, ...]) -> list[str]:
    """Each chat once, where its first hit stands, with all its hits below."""
    first = {hit.chat_id: place for place, hit in reversed(list(enumerate(hits)))}
    lines: list[str] = []
    for chat_id, found in groupby(sorted(hits, key=lambda hit: first[hit.chat_id]), lambda hit: hit.chat_id):
        of_chat = list(found)
        titled = next((hit for hit in of_chat if hit.message_id is None), None)
        title = _marked(titled) if titled is not None else clean(one_line(of_chat[0].title)) or "(no title)"
        lines.append(f"{'' if not lines else chr(10)}{chat_id}  {title}{'  (archived)' if of_chat[0].archived else ''}")
        for hit in of_chat:
            if hit.message_id is not None:
                lines += [f"    {_speaker(hit)}, {age(hit.created_at)}", f"      {_marked(hit)}"]
    return lines


def _speaker(hit: Hit) -> str:
    if hit.role != "assistant" or hit.model is None:
        return hit.role or ""
    return clean(f"{hit.model.ref}{' (removed)' if hit.model.removed else ''}")


def _marked(hit: Hit) -> str:
    """The snippet, which is clean; what was found stands out on a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return hit.snippet
    parts: list[str] = []
    at = 0
    for start, end in hit.matches:
        parts += [hit.snippet[at:start], click.style(hit.snippet[start:end], bold=True, underline=True)]
        at = end
    return "".join(parts) + hit.snippet[at:]


def _close(query: Query, found: int, *, more: bool, limit: int) -> None:
    from localchat.store.search.query_text import terms_of

    if not terms_of(query.text):
        notice("There is nothing to search for in this: give a word, a letter or a digit.")
    elif not found:
        notice("Nothing was found. Try fewer words or their beginnings.")
    elif more:
        notice(f"There may be more: --limit {limit * 2} shows them.")
