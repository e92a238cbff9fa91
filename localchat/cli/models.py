"""``localchat models``: list, add, edit, switch, remove and bring back, the default, and what an endpoint offers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from localchat.cli.output import NO_DEFAULT_NEXT, answer, default_line, notice, ref_of, table
from localchat.cli.parameters import FileName, ModelRef, ProviderName, Words, given, parameters_option, wrong_usage
from localchat.cli.program import Group
from localchat.cli.removal import Asked, carry_out, picked
from localchat.cli.restoring import bring_back
from localchat.cli.session import Session, pass_session
from localchat.errors import InvalidInput
from localchat.records import BUILT_IN_MODEL, BUILT_IN_PROVIDER, DefaultChange, Model, Provider, RemoteModel, Removal
from localchat.text import count
from localchat.wording import NOT_OFFERED, alike_words, twice_words

_CONTEXT = click.option("--context", type=int, metavar="N", help="The size of the model's context, in tokens.")
_PATH = click.option("--path", type=FileName(), metavar="FILE", help="A GGUF file, for providers of kind embedded.")
_PARAMETERS = parameters_option("May be repeated. An empty VALUE unsets it.")


@click.group(cls=Group)
def models() -> None:
    """List, add, edit, remove and restore models."""


@models.command("list")
@click.option("--all", "everything", is_flag=True, help="Removed ones as well.")
@pass_session
def list_models(session: Session, everything: bool) -> None:
    """List the configured models.

    ★ marks the default.
    """
    catalog = session.store.catalog
    found = catalog.models() + (catalog.models(removed=True) if everything else [])
    uses = catalog.use_counts()
    rows = [
        (str(model.id), model.ref + (" ★" if model.is_default else ""), _state(model), _tokens(model.context),
         str(uses.get(model.id, 0)))
        for model in found
    ]  # fmt: skip
    lines = table(("ID", "MODEL", "STATE", "CONTEXT", "CHATS"), rows, wide=1)
    answer(session, [{**_entry(model), "chats": uses.get(model.id, 0)} for model in found], *lines)


def _entry(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "ref": model.ref,
        "provider": model.provider,
        "model": model.model,
        "enabled": model.enabled,
        "usable": model.usable,
        "is_default": model.is_default,
        "is_local": model.is_local,
        "context": model.context,
        "parameters": model.parameters,
        "path": model.path,
        "created_at": model.created_at,
        "updated_at": model.updated_at,
        "delisted_at": model.delisted_at,
        "deleted_at": model.deleted_at,
    }


def _state(model: Model) -> str:
    if model.deleted_at is not None:
        return f"removed {model.deleted_at[:10]}"
    if not model.enabled:
        return "off"
    if model.usable and model.delisted_at is not None:
        return NOT_OFFERED
    return "on" if model.usable else "provider off"


def _tokens(context: int | None) -> str:
    if context is None:
        return ""
    return f"{context // 1024}k" if context >= 1024 and context % 1024 == 0 else str(context)


@models.command()
@click.argument("ref", type=Words(), metavar="REF")
@_PATH
@_CONTEXT
@_PARAMETERS
@click.option("--default", "make_default", is_flag=True, help="Make it the default as well.")
@pass_session
def add(
    session: Session, ref: str, path: str | None, context: int | None, parameters: Sequence[str], make_default: bool
) -> None:
    """Add a model to an existing provider.

    REF is PROVIDER/MODEL, split at the first slash. local/smollm2 brings the model in the box back, and its provider
    where that was removed too.
    """
    from localchat.store.catalog.queries import parsed

    catalog = session.store.catalog
    provider, name = parsed(ref)
    values = {name: value for name, value in given(parameters).items() if value is not None}
    if path is not None:
        _check_weights(path)
    before = catalog.default()
    removed = {grave.id for grave in catalog.models(provider, removed=True)}
    model = catalog.add_model(
        provider,
        name,
        path=path,
        context=context,
        parameters=values,
        make_default=make_default,
        provider_kind="embedded" if (provider, name) == (BUILT_IN_PROVIDER, BUILT_IN_MODEL) else None,
    )
    after = catalog.default()
    revived = model.id in removed
    back = f"{model.ref} is back.{_used_by(session, model)}"
    lines = [back if revived else f"Added {model.ref}.", default_line(ref_of(before), ref_of(after))]
    if before is not None and before.model == BUILT_IN_MODEL and after is not None and after.id == before.id:
        lines.append(f"{before.ref} is your default; `localchat models default {model.ref}` makes it this one.")
    answer(session, {**_entry(model), "revived": revived, **_defaults(before, after)}, *filter(None, lines))


def _check_weights(path: str) -> None:
    """Raises ModelMissing, InvalidInput: a file that cannot work is not added."""
    from localchat.providers.embedded.gguf import check_gguf

    check_gguf(Path(path))


def _defaults(before: Model | None, after: Model | None) -> dict[str, Any]:
    return {"default_before": ref_of(before), "default_after": ref_of(after)}


@models.command()
@click.argument("ref", type=ModelRef(), metavar="REF")
@click.option("--name", type=Words(), metavar="MODEL", help="Another name at the same provider.")
@_PATH
@_CONTEXT
@click.option("--no-context", is_flag=True, help="Forget the size of the context.")
@_PARAMETERS
@click.option("--unset", type=Words(), multiple=True, metavar="NAME", help="Leave that parameter to the model again.")
@pass_session
def edit(
    session: Session,
    ref: str,
    name: str | None,
    path: str | None,
    context: int | None,
    no_context: bool,
    parameters: Sequence[str],
    unset: Sequence[str],
) -> None:
    """Change the model REF; what you leave out stays as it is.

    What is not given stays as it is, also where another program changes it at this moment.
    """
    if no_context and context is not None:
        raise wrong_usage("--context and --no-context exclude each other.")
    if name is None and path is None and context is None and not (no_context or parameters or unset):
        raise wrong_usage("Nothing to change was given.")
    catalog = session.store.catalog
    model = catalog.live(ref)
    if path is not None:
        _check_weights(path)
    model = catalog.edit_model(
        model.id,
        model=name,
        path=path,
        context=context,
        clear_context=no_context,
        parameters=given(parameters, unset),
    )
    answer(session, _entry(model), f"Saved {model.ref}.")


@models.command()
@click.argument("ref", type=ModelRef(), metavar="REF")
@pass_session
def enable(session: Session, ref: str) -> None:
    """Switch a model on."""
    _switch(session, ref, on=True)


@models.command()
@click.argument("ref", type=ModelRef(), metavar="REF")
@pass_session
def disable(session: Session, ref: str) -> None:
    """Switch a model off.

    Where it is the default, another one takes over.
    """
    _switch(session, ref, on=False)


def _switch(session: Session, ref: str, *, on: bool) -> None:
    catalog = session.store.catalog
    model = catalog.live(ref)
    change = catalog.switch_model(model.id, on)
    _tell_change(session, catalog.model(model.id), f"{model.ref} is {'on' if on else 'off'}.", change)


def _tell_change(session: Session, model: Model, what: str, change: DefaultChange, **more: object) -> None:
    line = default_line(ref_of(change.before), ref_of(change.after))
    document = {**_entry(model), **_defaults(change.before, change.after), **more}
    answer(session, document, what, *([line] if line else []))


@models.command()
@click.argument("ref", type=ModelRef(), metavar="REF")
@click.option("--default", "successor", type=ModelRef(), metavar="REF", help="The new default, if it goes.")
@click.option("--move-chats", "chats_to", type=ModelRef(), metavar="REF", help="Give its chats this model, for good.")
@click.option("--dry-run", is_flag=True, help="Only say what would go; change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@pass_session
def remove(session: Session, ref: str, successor: str | None, chats_to: str | None, dry_run: bool, yes: bool) -> None:
    """Remove a model.

    Chats that use it stay; new turns in them use the default, or the model that --move-chats gives them.
    """
    catalog = session.store.catalog

    def found(to: int | None) -> Removal:
        heir = catalog.live(successor).id if successor is not None else None
        return catalog.remove_model(catalog.live(ref).id, heir, to)

    carry_out(
        session,
        Asked(
            name=ref,
            find=lambda: catalog.removal_of_model(ref, successor),
            confirmed=lambda shown, moving: catalog.remove(shown, picked(shown, successor), moving),
            found=found,
            way_back=f"models restore {ref}",
            chats_to=chats_to,
            dry_run=dry_run,
            yes=yes,
        ),
    )


@models.command()
@click.argument("ref", type=ModelRef(removed=True, live=False), metavar="REF")
@click.option("--dry-run", is_flag=True, help="Only say what would come back; change nothing.")
@pass_session
def restore(session: Session, ref: str, dry_run: bool) -> None:
    """Bring a removed model back.

    The one of that name that was removed last; chats that still point at it use it again.
    """
    back = bring_back(session, ref, lambda: session.store.catalog.restore_of_model(ref), dry_run=dry_run)
    if back is not None:
        model = back.models[0]
        _tell_change(session, model, f"{model.ref} is back.{_used_by(session, model)}", back.change, revived=True)


def _used_by(session: Session, model: Model) -> str:
    number = session.store.catalog.chats_using([model.id])
    return f" {count(number, 'chat uses', 'chats use')} it again." if number else ""


@models.command()
@click.argument("ref", required=False, type=ModelRef(), metavar="[REF]")
@pass_session
def default(session: Session, ref: str | None) -> None:
    """Show the default model, or choose it.

    New chats use it, and it stands in for a removed model.
    """
    catalog = session.store.catalog
    if ref is None:
        now = catalog.default()
        told = now.ref if now is not None else f"There is no default model. {NO_DEFAULT_NEXT}"
        answer(session, {"default": ref_of(now), **_defaults(now, now)}, told)
        return
    change = catalog.make_default(catalog.live(ref).id)
    told = default_line(ref_of(change.before), ref_of(change.after)) or f"{ref} is the default already."
    answer(session, {"default": ref_of(change.after), **_defaults(change.before, change.after)}, told)


@models.command()
@click.argument("ref", type=ModelRef(), metavar="REF")
@pass_session
def demote(session: Session, ref: str) -> None:
    """Take the place of the default away from REF.

    Another usable model gets it: the first by provider, then by name. Where no other can answer, nothing changes.
    """
    catalog = session.store.catalog
    model = catalog.live(ref)
    change = catalog.demote_default(model.id)
    _tell_change(session, catalog.model(model.id), f"{model.ref} is no longer the default.", change)


@models.command()
@click.argument("provider", type=ProviderName(), metavar="PROVIDER")
@click.option("--add", "wanted", type=Words(), multiple=True, metavar="MODEL", help="Add that one; may be repeated.")
@click.option("--add-all", is_flag=True, help="Add all that are not there yet.")
@pass_session
def discover(session: Session, provider: str, wanted: Sequence[str], add_all: bool) -> None:
    """Ask a provider which models it offers."""
    catalog = session.store.catalog
    place = catalog.provider(provider)
    offered = asyncio.run(_offered(place))
    marked = catalog.note_offers(place, [model.name for model in offered])
    chosen = _chosen(place, offered, wanted, add_all)
    before = catalog.default()
    graves = {model.id for model in catalog.models(removed=True)}
    asked = [(model.name, model.context) for model in chosen]
    added = catalog.add_models(place.name, asked, shown=place.id) if chosen else []
    there = {model.model for model in catalog.models(place.name)}
    new = {model.model for model in added}
    back = {model.model for model in added if model.id in graves}
    document = [
        {
            "ref": f"{place.name}/{model.name}",
            "model": model.name,
            "context": model.context,
            "configured": model.name in there,
            "added": model.name in new,
            "revived": model.name in back,
            "listed": model.times,
        }
        for model in offered
    ]
    rows = [
        (f"{place.name}/{model.name}", _tokens(model.context),
         "back" if model.name in back else "added" if model.name in new
         else "configured" if model.name in there else "")
        for model in (() if session.json else offered)
    ]  # fmt: skip
    lines = table(("MODEL", "CONTEXT", ""), rows) if rows else [f"{place.name} offers no models."]
    for model in catalog.models(place.name):
        if model.delisted_at is not None:
            notice(f"{model.ref} is {NOT_OFFERED}.")
    for model in marked.back:
        notice(f"{model.ref} is offered again.")
    if told := twice_words(offered):
        notice(told)
    if told := alike_words([name for name, _ in asked], there):
        notice(told)
    answer(session, document, *lines, *filter(None, [default_line(ref_of(before), ref_of(catalog.default()))]))


async def _offered(place: Provider) -> list[RemoteModel]:
    from localchat.providers import connect

    client = connect(place)
    try:
        return await client.models()
    finally:
        await client.aclose()


def _chosen(place: Provider, offered: Sequence[RemoteModel], wanted: Sequence[str], add_all: bool) -> list[RemoteModel]:
    """What is to be added. Raises InvalidInput for a name that is not offered."""
    if add_all:
        return list(offered)
    by_name = {model.name: model for model in offered}
    names = [name.removeprefix(f"{place.name}/") if name not in by_name else name for name in wanted]
    for name in names:
        if name not in by_name:
            raise InvalidInput(
                f"{place.name} offers no model “{name}”. Nothing was added.",
                f"`localchat models discover {place.name}` lists them; `localchat models add` takes any name.",
            )
    return [by_name[name] for name in names]


@models.command()
@click.argument("name", type=click.Choice([BUILT_IN_MODEL]))
@pass_session
def pull(session: Session, name: str) -> None:
    """Fetch the weights of the built-in model.

    Once for all stores. It is tiny and often wrong, and works offline.
    """
    from localchat.providers.embedded import weights

    there = weights.present()
    if not there:
        asyncio.run(_pull())
    path = weights.path()
    told = f"{weights.TITLE} is here{' already' if there else ''}: {path}"
    answer(session, {"model": name, "path": str(path), "bytes": path.stat().st_size, "fetched": not there}, told)


async def _pull() -> None:
    from localchat.cli.streaming_output import StatusLine
    from localchat.providers.embedded import weights

    status = StatusLine()
    try:
        async for progress in weights.pull():
            status.progress(progress)
    finally:
        status.clear()
