"""``localchat providers``: list, add, edit, switch, remove and bring back, and the log of what happened to them."""

from __future__ import annotations

import contextlib
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from localchat.cli.output import age, answer, default_line, notice, ref_of, table
from localchat.cli.parameters import FileName, ModelRef, ProviderName, Words, wrong_usage
from localchat.cli.program import Group
from localchat.cli.removal import Asked, Moving, carry_out, picked
from localchat.cli.restoring import bring_back, taken_over, what_is_left
from localchat.cli.session import Session, interactive, pass_session
from localchat.errors import InvalidInput, NotInstalled
from localchat.records import (
    KINDS,
    VENDOR_HOSTS,
    DefaultChange,
    KeySource,
    Model,
    Provider,
    Removal,
    RemovalPreview,
    TakeOver,
    host_of,
    is_local,
)
from localchat.text import count, one_line
from localchat.validation import ReplayFile, limit_words, limits_given

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST_KEY = 65_536  # bytes of standard input that are looked at

_BASE_URL = click.option("--base-url", type=Words(), metavar="URL", help="Its address.")
_PATH = click.option("--path", type=FileName(), metavar="CHAT.json", help="Of kind replay: the exported chat.")
_IN_ORDER = click.option(
    "--in-order/--by-prompt",
    default=None,
    help="Of kind replay: the next reply, whatever is asked.",
)
_AT_ONCE = click.option("--at-once/--timed", default=None, help="Of kind replay: without the pauses of then.")
_KEY_ENV = click.option("--key-env", type=Words(), metavar="VAR", help="The environment variable that holds its key.")
_TAKE_OVER = click.option(
    "--take-over/--no-take-over",
    default=None,
    help="Removed models of that name, of an import, belong to it from now on. Asked at a terminal.",
)
_KEY_STDIN = click.option(
    "--key-stdin", is_flag=True, help="Read its key from standard input, and keep it in the keyring of this system."
)


_LIMIT = click.option(
    "--limit",
    "limits",
    type=Words(),
    multiple=True,
    metavar="NAME=VALUE",
    help="What its server may cost: first_word, between, whole, connect, listing in seconds; reply, stream, line, error"
    " in bytes.",
)


@click.group(cls=Group)
def providers() -> None:
    """List, add, edit, remove and restore providers."""


@providers.command("list")
@pass_session
def list_providers(session: Session) -> None:
    """List the saved providers.

    With where they answer, and whether their key is there.
    """
    entries = [_entry(session, provider) for provider in session.store.catalog.providers()]
    rows = [
        (entry["name"], entry["kind"], _address(entry), "on" if entry["enabled"] else "off", _key(entry),
         str(entry["models"]))
        for entry in entries
    ]  # fmt: skip
    lines = table(("NAME", "KIND", "ADDRESS", "STATE", "KEY", "MODELS"), rows, wide=2) if rows else ["No providers."]
    answer(session, entries, *lines)


def _entry(session: Session, provider: Provider) -> dict[str, Any]:
    from localchat.providers.keys import has_key

    return {
        "name": provider.name,
        "kind": provider.kind,
        "base_url": provider.base_url,
        "path": _path_of(provider),
        "enabled": provider.enabled,
        "has_key": has_key(provider),
        "key_source": provider.key_source,
        "key_name": provider.key_name,
        "local": provider.local,
        "limits": provider.limits,
        "models": len(session.store.catalog.models(provider.name)),
        "created_at": provider.created_at,
        "updated_at": provider.updated_at,
    }


def _path_of(provider: Provider) -> str | None:
    """The file that it replays; None for other kinds, and where another program wrote what is no file."""
    if provider.kind == "replay":
        with contextlib.suppress(InvalidInput):
            return str(ReplayFile.parse(provider.base_url or "").path)
    return None


def _address(entry: dict[str, Any]) -> str:
    return entry["path"] or entry["base_url"] or ("in the box" if entry["local"] else "the vendor's own")


def _key(entry: dict[str, Any]) -> str:
    if entry["key_source"] == "none":
        return "none"
    where = f"${entry['key_name']}" if entry["key_source"] == "env" else "keyring"
    return f"{where} {'set' if entry['has_key'] else 'MISSING'}"


@providers.command()
@click.argument("name", type=Words(), metavar="NAME")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="The API it speaks.")
@_BASE_URL
@_PATH
@_IN_ORDER
@_AT_ONCE
@_KEY_ENV
@_KEY_STDIN
@_LIMIT
@_TAKE_OVER
@pass_session
def add(
    session: Session,
    name: str,
    kind: str,
    base_url: str | None,
    path: str | None,
    in_order: bool | None,
    at_once: bool | None,
    key_env: str | None,
    key_stdin: bool,
    limits: tuple[str, ...],
    take_over: bool | None,
) -> None:
    """Add a provider.

    It has no models yet: see `localchat models discover NAME` and `localchat models add`. Chats that were imported may
    point at models of that name: with --take-over these belong to it, and come back when you add or discover them.
    """
    if key_env is not None and key_stdin:
        raise wrong_usage("--key-env and --key-stdin exclude each other.")
    if kind == "replay":
        base_url = _replayed("", base_url, path, in_order, at_once)
    elif (path, in_order, at_once) != (None, None, None):
        raise wrong_usage("--path, --in-order and --at-once belong to --kind replay.")
    catalog = session.store.catalog
    costs = limits_given(limits)
    key = _read_key() if key_stdin else None

    def added(left: TakeOver | None) -> Provider:
        if key is not None:
            return _add_with_key(session, name, kind, base_url, key, costs, left)
        source: KeySource = "env" if key_env is not None else "none"
        return catalog.add_provider(name, kind, base_url, source, key_env, limits=costs, taking_over=left)

    host = "" if is_local(kind, base_url) else host_of(base_url) or VENDOR_HOSTS.get(kind, name)
    provider, taken, left = taken_over(session, name, take_over, host, added)
    lines = [f"Added {provider.name}. `localchat models discover {provider.name}` lists its models."]
    if kind == "embedded":
        lines = [f"Added {provider.name}. `localchat models add {provider.name}/NAME --path FILE.gguf` adds a model."]
    entry = {**_entry(session, provider), "taken_over": _refs(taken)}
    _tell_what_is_missing(provider)
    if taken is not None:
        lines.append(_took_over(taken))
    elif left is not None and take_over is None:
        notice(f"{what_is_left(left)} `localchat providers edit {provider.name} --take-over` takes over.")
    if provider.key_source == "env" and not entry["has_key"]:
        notice(f"${provider.key_name} is not set here; set it before the first message.")
    answer(session, entry, *lines)


def _refs(taken: TakeOver | None) -> list[str]:
    return [] if taken is None else sorted({model.ref for model in taken.models})


def _took_over(taken: TakeOver) -> str:
    refs = _refs(taken)
    them = "it" if len(refs) == 1 else "them"
    return f"Took over {count(len(refs), 'removed model')}. Adding, discovering or restoring {them} brings {them} back."


def _replayed(old: str, base_url: str | None, path: str | None, in_order: bool | None, at_once: bool | None) -> str:
    """The address of a provider of kind replay as it shall be. Raises InvalidInput where its file has no replies."""
    from localchat.providers.replay import check

    if base_url is not None:
        raise wrong_usage("A provider of kind replay has no base URL: --path names its file.")
    if path is None and not old:
        raise wrong_usage("A provider of kind replay needs --path CHAT.json.")
    was = ReplayFile.parse(old) if old else ReplayFile.parse(path or "")
    new = ReplayFile(
        ReplayFile.parse(path).path if path is not None else was.path,
        was.in_order if in_order is None else in_order,
        was.at_once if at_once is None else at_once,
    )
    check(new)
    return new.url


def _add_with_key(
    session: Session,
    name: str,
    kind: str,
    base_url: str | None,
    key: str,
    costs: dict[str, float | None],
    left: TakeOver | None,
) -> Provider:
    """The key first: no provider is saved without it. Where the store then refuses, it leaves the keyring again."""
    from localchat.providers.keys import kept_apart
    from localchat.validation import provider_name

    catalog = session.store.catalog
    with kept_apart(provider_name(name), key) as entry:
        return catalog.add_provider(name, kind, base_url, "keyring", entry, limits=costs, taking_over=left)


def _read_key() -> str:
    """One line of standard input, not shown while it is typed. Raises InvalidInput where it is no key."""
    from localchat.providers.keys import checked

    if interactive():
        return checked(str(click.prompt("Key (not shown)", hide_input=True, err=True)))
    return checked(sys.stdin.buffer.read(LONGEST_KEY).decode("utf-8", "replace") if sys.stdin is not None else "")


@providers.command()
@click.argument("name", type=ProviderName(), metavar="NAME")
@click.option("--name", "new_name", type=Words(), metavar="NEW", help="Another name; its models follow.")
@_BASE_URL
@_PATH
@_IN_ORDER
@_AT_ONCE
@_KEY_ENV
@_KEY_STDIN
@click.option("--no-key", is_flag=True, help="It needs no key.")
@_LIMIT
@click.option("--take-over", is_flag=True, help="Removed models of its name, of an import, belong to it from now on.")
@pass_session
def edit(
    session: Session,
    name: str,
    new_name: str | None,
    base_url: str | None,
    path: str | None,
    in_order: bool | None,
    at_once: bool | None,
    key_env: str | None,
    key_stdin: bool,
    no_key: bool,
    limits: tuple[str, ...],
    take_over: bool,
) -> None:
    """Change the provider NAME; what you leave out stays as it is.

    `--limit NAME=` goes back to what localchat allows by itself.
    """
    if (key_env is not None) + key_stdin + no_key > 1:
        raise wrong_usage("--key-env, --key-stdin and --no-key exclude each other.")
    replay = (path, in_order, at_once) != (None, None, None)
    rest = key_stdin or no_key or replay or limits or take_over
    if new_name is None and base_url is None and key_env is None and not rest:
        raise wrong_usage("Nothing to change was given.")
    catalog = session.store.catalog
    old = catalog.provider(name)
    if replay:
        if old.kind != "replay":
            raise wrong_usage("--path, --in-order and --at-once belong to providers of kind replay.")
        base_url = _replayed(old.base_url or "", base_url, path, in_order, at_once)
    costs = limits_given(limits)
    key = _read_key() if key_stdin else None
    source: KeySource | None = "env" if key_env is not None else "keyring" if key_stdin else "none" if no_key else None
    left = catalog.left_behind(old.name) if take_over else None
    with _kept(old, key) as entry:
        provider = catalog.edit_provider(
            old.id,
            name=new_name,
            base_url=base_url,
            key_source=source,
            key_name=entry or key_env,
            limits=costs,
            taking_over=left,
        )
    if old.key_source == "keyring" and provider.key_name != old.key_name:
        notice(f"Its old key stays in the keyring, as “{old.key_name}”.")
    _tell_of_address(session, old, provider)
    lines = [f"Saved {provider.name}."]
    if costs:
        lines.append(f"Its limits: {limit_words(provider.limits) or 'those of localchat'}.")
    if left is not None:
        lines.append(_took_over(left) if left.models else f"Nothing was left under {old.name}/…")
    answer(session, {**_entry(session, provider), "taken_over": _refs(left)}, *lines)


def _tell_what_is_missing(provider: Provider) -> None:
    from localchat.providers import extras

    try:
        extras.check(provider.kind)
    except NotInstalled as error:
        notice(f"{error.message} {error.hint}")


def _kept(old: Provider, key: str | None) -> contextlib.AbstractContextManager[str | None]:
    """The entry of a new key. The old one stays under its own: an undo of the edit needs it."""
    from localchat.providers.keys import kept_apart

    return contextlib.nullcontext() if key is None else kept_apart(old.name, key)


def _tell_of_address(session: Session, old: Provider, new: Provider) -> None:
    """What it means for chats where the address is no longer on this machine."""
    if not old.local or new.local:
        return
    catalog = session.store.catalog
    number = catalog.chats_using([model.id for model in catalog.models(new.name)])
    if number:
        notice(f"{count(number, 'chat')} kept on this machine so far will be sent to {new.base_url} from now on.")


@providers.command()
@click.argument("name", type=ProviderName(), metavar="NAME")
@pass_session
def enable(session: Session, name: str) -> None:
    """Switch a provider on."""
    _switch(session, name, on=True)


@providers.command()
@click.argument("name", type=ProviderName(), metavar="NAME")
@pass_session
def disable(session: Session, name: str) -> None:
    """Switch a provider off.

    Where it holds the default, another model takes over.
    """
    _switch(session, name, on=False)


def _switch(session: Session, name: str, *, on: bool) -> None:
    catalog = session.store.catalog
    change = catalog.switch_provider(catalog.provider(name).id, on)
    _tell_change(session, catalog.provider(name), f"{name} is {'on' if on else 'off'}.", change)


def _tell_change(
    session: Session, provider: Provider, what: str, change: DefaultChange, more: dict[str, Any] | None = None
) -> None:
    before, after = ref_of(change.before), ref_of(change.after)
    document = {**_entry(session, provider), "default_before": before, "default_after": after, **(more or {})}
    answer(session, document, *filter(None, [what, default_line(before, after)]))


@providers.command()
@click.argument("name", type=ProviderName(), metavar="NAME")
@click.option("--default", "successor", type=ModelRef(), metavar="REF", help="The new default, if it goes.")
@click.option("--move-chats", "chats_to", type=ModelRef(), metavar="REF", help="Give its chats this model, for good.")
@click.option("--dry-run", is_flag=True, help="Only say what would go; change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--keep-key/--forget-key", default=None, help="What becomes of its key in the keyring. It is kept.")
@pass_session
def remove(
    session: Session,
    name: str,
    successor: str | None,
    chats_to: str | None,
    dry_run: bool,
    yes: bool,
    keep_key: bool | None,
) -> None:
    """Remove a provider and its models.

    Chats stay; new turns in those that used it use the default, or the model that --move-chats gives them.
    """
    catalog = session.store.catalog
    forget = keep_key is False

    def ask_about_key(shown: RemovalPreview) -> None:
        nonlocal forget
        in_keyring = shown.provider is not None and shown.provider.key_source == "keyring"
        if in_keyring and keep_key is None and not yes:
            forget = click.confirm("Forget its key too? Kept, it is there again if you restore it.", err=True)

    def with_key(provider: Provider | None, remove: Callable[[], Removal]) -> Removal:
        """With its key, where that is to go: either both go or neither."""
        from localchat.providers.keys import forgotten

        with forgotten(provider) if forget and provider is not None else contextlib.nullcontext():
            return remove()

    def found(to: int | None) -> Removal:
        heir = catalog.live(successor).id if successor is not None else None
        return with_key(catalog.provider(name), lambda: catalog.remove_provider(name, heir, to))

    def confirmed(shown: RemovalPreview, moving: Moving | None) -> Removal:
        return with_key(shown.provider, lambda: catalog.remove(shown, picked(shown, successor), moving))

    done = carry_out(
        session,
        Asked(
            name=name,
            find=lambda: catalog.removal_of_provider(name, successor),
            confirmed=confirmed,
            found=found,
            way_back=f"providers restore {name}",
            chats_to=chats_to,
            dry_run=dry_run,
            yes=yes,
        ),
        before=ask_about_key,
    )
    if done is not None and done.provider is not None:
        from localchat.providers.keys import fate

        if told := fate(done.provider, forgotten=forget):
            entry = shlex.quote(one_line(done.provider.key_name or done.provider.name, 120))
            kept = done.provider.key_source == "keyring" and not forget
            notice(told + (f" `python -m keyring del localchat {entry}` takes it out." if kept else ""))


@providers.command()
@click.argument("name", type=ProviderName(removed=True), metavar="NAME")
@click.option("--dry-run", is_flag=True, help="Only say what would come back; change nothing.")
@pass_session
def restore(session: Session, name: str, dry_run: bool) -> None:
    """Bring a removed provider back.

    The one of that name that was removed last, with the models that went with it; a model that lives under another
    provider by now stays there.
    """
    back = bring_back(session, name, lambda: session.store.catalog.restore_of_provider(name), dry_run=dry_run)
    if back is None:
        return
    models = [model.ref for model in back.models]
    told = f"{name} is back, with {count(len(models), 'model')}{_used_by(session, back.models)}."
    more = {"models_restored": models, "revived": bool(models)}
    _tell_change(session, back.provider, told, back.change, more)


def _used_by(session: Session, back: Sequence[Model]) -> str:
    number = session.store.catalog.chats_using([model.id for model in back])
    return f"; {count(number, 'chat uses', 'chats use')} {'it' if len(back) == 1 else 'them'} again" if number else ""


@providers.command()
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, metavar="N", help="At most N events."
)
@pass_session
def log(session: Session, limit: int) -> None:
    """Show what happened to the catalog.

    Providers, models and the default, the newest first: why did my default change?
    """
    events = session.store.catalog.events(limit)
    document = [
        {
            "id": event.id,
            "at": event.at,
            "action": event.action,
            "subject": event.subject,
            "default_before": event.default_before,
            "default_after": event.default_after,
            "by": event.by,
            "detail": event.detail,
        }
        for event in events
    ]
    rows = [
        (age(event.at), event.action.replace("-", " "), event.subject, _default_of(event.default_before,
         event.default_after, event.by))
        for event in events
    ]  # fmt: skip
    lines = table(("WHEN", "WHAT", "WHICH", "DEFAULT"), rows, wide=3) if rows else ["Nothing has happened yet."]
    answer(session, document, *lines)


def _default_of(before: str | None, after: str | None, by: str) -> str:
    if before == after:
        return ""
    return f"{before or 'none'} → {after or 'none'}" + (" (by itself)" if by == "promotion" else "")
