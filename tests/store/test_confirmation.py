"""What was confirmed is what happens: the change between showing and confirming, at every point where it can come."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from localchat.errors import Changed, InvalidInput, NotFound, ProviderNotConfigured, StoreBusy
from localchat.records import Model, MovePreview, Provider, RemovalPreview
from localchat.store import Store
from localchat.store.catalog import confirmation
from localchat.store.catalog.catalog import Catalog
from tests.store.helpers import chats_with, default_ref, dump, echo

EVERYTHING = ("providers", "model_configs", "chats", "catalog_events")


@pytest.fixture
def two(store: Store) -> Catalog:
    """Provider z (z1, the default, and z2), b (b1 and b2), c (c1, far away), and chats of all of them."""
    catalog = store.catalog
    for name, *models in (("z", "z1", "z2"), ("b", "b1", "b2")):
        echo(catalog, name, *models)
    catalog.add_provider("c", "openai", "http://localhost:1/v1")
    catalog.add_model("c", "c1")
    catalog.make_default(catalog.live("z/z1").id)
    for model in catalog.models():
        chats_with(store.connection, model.id, 2, model.ref)
    return catalog


def replaced(catalog: Catalog) -> None:
    catalog.remove_provider("z")
    echo(catalog, "z", "precious")


def twin_model(catalog: Catalog) -> None:
    """Of another program: here, a model that is added again to its provider is the same one."""
    catalog.remove_model(catalog.live("z/z1").id)
    catalog._connection.execute("insert into model_configs (provider, model, is_local) values ('z', 'z1', 1)")


# What another window may do meanwhile, and what the person is told where what they were shown was a provider (z), a
# model (z/z1, the default) and a model that is not the default (z/z2). None: it makes no difference.
MEANWHILE: dict[str, tuple[Callable[[Catalog], object], str | None, str | None, str | None]] = {
    "gone": (
        lambda c: c.remove_provider("z"),
        "The provider z was removed",
        "z/z1 was removed, perhaps in another window",
        "z/z2 was removed, perhaps in another window",
    ),
    "replaced by a namesake": (
        replaced,
        "z was removed, and another provider has its name now.",
        "z/z1 was removed, perhaps in another window",
        "z/z2 was removed, perhaps in another window",
    ),
    "a model replaced by a namesake": (
        twin_model,
        "z has z1 as well by now.",
        "z/z1 was removed, and another model has its name now.",
        "The default is b/b1 now.",
    ),
    "a model more": (lambda c: c.add_model("z", "z3"), "z has z3 as well by now.", None, None),
    "a model less": (
        lambda c: c.remove_model(c.live("z/z2").id),
        "z2 of z went already.",
        None,
        "z/z2 was removed, perhaps in another window",
    ),
    "renamed": (lambda c: c.edit_provider(c.provider("z").id, name="y"), None, None, None),
    "a model renamed": (lambda c: c.edit_model(c.live("z/z1").id, model="other"), None, None, None),
    "another default": (
        lambda c: c.make_default(c.live("c/c1").id),
        *["The default is c/c1 now."] * 3,
    ),
    "an heir that comes first": (lambda c: echo(c, "a", "a1"), None, None, None),
    "the heir removed": (lambda c: c.remove_model(c.live("b/b1").id), *["b/b1 cannot take over any more."] * 2, None),
    "the heir switched off": (
        lambda c: c.switch_model(c.live("b/b1").id, False),
        *["b/b1 cannot take over any more."] * 2,
        None,
    ),
    "the heir's provider switched off": (
        lambda c: c.switch_provider(c.provider("b").id, False),
        *["b/b1 cannot take over any more."] * 2,
        None,
    ),
    "chats more": (lambda c: chats_with(c._connection, c.live("z/z1").id, 1), None, None, None),
}
TARGETS = ("z", "z/z1", "z/z2")


def shown_of(catalog: Catalog, what: str, successor: str | None = None) -> RemovalPreview:
    return catalog.removal_of_model(what, successor) if "/" in what else catalog.removal_of_provider(what, successor)


@pytest.mark.parametrize("target", range(3), ids=TARGETS)
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_removal_is_what_was_confirmed_or_nothing(
    path: Path, store: Store, two: Catalog, meanwhile: str, target: int
) -> None:
    change, told = MEANWHILE[meanwhile][0], MEANWHILE[meanwhile][1 + target]
    shown = shown_of(two, TARGETS[target])
    with Store(path) as other:
        change(other.catalog)
    before = dump(store.connection, *EVERYTHING)
    if told is None:
        done = two.remove(shown)
        assert [model.id for model in done.models] == [model.id for model in shown.models]
        assert (done.default_after and done.default_after.id) == (shown.default_after and shown.default_after.id)
        return
    with pytest.raises((Changed, NotFound)) as refused:
        two.remove(shown)
    assert told in f"{refused.value.message} {refused.value.hint}"
    if isinstance(refused.value, Changed):
        assert refused.value.message.endswith("Nothing was changed.")
    assert dump(store.connection, *EVERYTHING) == before


def at_statement(connection: sqlite3.Connection, number: int, act: Callable[[], object]) -> list[str]:
    """Just before the ``number``-th statement from now on, ``act``. The statements seen are in the list."""
    seen: list[str] = []

    def trace(statement: str) -> None:
        seen.append(statement)
        if len(seen) == number:
            act()

    connection.set_trace_callback(trace)
    return seen


def if_free(change: Callable[[Catalog], object], other: Store) -> None:
    with contextlib.suppress(StoreBusy):
        change(other.catalog)


def ids(*rows: Provider | Model | None) -> list[int | None]:
    return [row and row.id for row in rows]


@pytest.mark.parametrize("target", TARGETS[:2])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_at_whatever_statement_the_change_comes_what_is_done_is_what_was_shown(
    path: Path, store: Store, two: Catalog, meanwhile: str, target: str
) -> None:
    """From the first statement of the preview to the last of the removal. Inside it nobody else writes."""
    blank = path.with_name("blank.db")
    with contextlib.closing(sqlite3.connect(blank)) as copy:
        store.connection.backup(copy)
    number, seen, outcomes = 0, [""], set()
    while len(seen) > number:
        number += 1
        again = path.with_name(f"again{number}.db")
        again.write_bytes(blank.read_bytes())
        with Store(again) as here, Store(again, busy_timeout=0) as other:
            seen = at_statement(here.connection, number, functools.partial(if_free, MEANWHILE[meanwhile][0], other))
            try:
                shown = shown_of(here.catalog, target)
                done = here.catalog.remove(shown)
            except (Changed, NotFound) as error:
                outcomes.add(error.code)
            else:
                outcomes.add("done")
                assert ids(done.provider, *done.models) == ids(shown.provider, *shown.models)
                assert ids(done.default_before, done.default_after) == ids(shown.default_before, shown.default_after)
            here.connection.set_trace_callback(None)
    assert number > 10
    assert "done" in outcomes


def test_the_successor_that_was_shown_takes_over_also_where_another_comes_first_now(path: Path, two: Catalog) -> None:
    shown = two.removal_of_model("z/z1")
    with Store(path) as other:
        echo(other.catalog, "a", "a1")
    assert default_ref(two) == "z/z1"
    two.remove(shown)
    assert default_ref(two) == "b/b1"
    assert two.events(1)[0].by == "promotion", "the rule named it, nobody picked it"


def test_a_successor_that_was_picked_is_compared_like_the_one_that_was_shown(path: Path, two: Catalog) -> None:
    shown, picked = two.removal_of_provider("z"), two.live("b/b2").id
    with Store(path) as other:
        other.catalog.switch_model(picked, False)
    with pytest.raises(Changed, match=r"b/b2 cannot take over any more\."):
        two.remove(shown, picked)
    with Store(path) as other:
        other.catalog.switch_model(picked, True)
    two.remove(shown, picked)
    assert (default_ref(two), two.events(1)[0].by) == ("b/b2", "person")


def test_a_successor_that_was_shown_to_run_here_and_runs_elsewhere_now_is_another_fact(
    path: Path, two: Catalog
) -> None:
    shown, c1 = two.removal_of_provider("z"), two.live("c/c1").id
    with Store(path) as other:
        other.catalog.edit_provider(other.catalog.provider("c").id, base_url="https://far.example/v1")
    with pytest.raises(Changed, match=r"c/c1 does not run on this machine any more\."):
        two.remove(shown, c1)


def test_where_nobody_could_take_over_and_now_somebody_can_is_another_fact(path: Path, catalog: Catalog) -> None:
    shown = catalog.removal_of_provider("local")
    assert shown.default_after is None
    with Store(path) as other:
        echo(other.catalog, "b", "b1")
    with pytest.raises(Changed, match=r"b/b1 can take over now\."):
        catalog.remove(shown)
    catalog.remove(catalog.removal_of_provider("local"))
    assert default_ref(catalog) == "b/b1"


def test_a_removal_that_is_read_again_follows_the_identity_and_not_the_name(path: Path, two: Catalog) -> None:
    z, z1 = two.provider("z"), two.live("z/z1")
    with Store(path) as other:
        other.catalog.edit_provider(z.id, name="y")
        echo(other.catalog, "z", "precious")
    assert [model.ref for model in two.removal_of(z).models] == ["y/z1", "y/z2"]
    assert [model.ref for model in two.removal_of(z1).models] == ["y/z1"]
    two.remove_provider("y")
    for gone in (z, z1):
        with pytest.raises(NotFound):
            two.removal_of(gone)


# A bulk move.


def owners(store: Store) -> dict[int, int]:
    return dict(store.connection.execute("select id, model_config_id from chats").fetchall())


def shown_chats(catalog: Catalog) -> MovePreview:
    return catalog.move_of([model.id for model in catalog.models("z")])


def test_a_move_gives_every_chat_that_was_shown_the_new_model_and_is_in_the_log(store: Store, two: Catalog) -> None:
    z1, z2 = two.models("z")
    store.connection.execute("update chats set deleted_at = updated_at where title = 'z/z1 1'")
    before, shown, to = owners(store), shown_chats(two), two.live("b/b2")
    assert (len(shown.chats), shown.in_trash) == (4, 1)
    moved = two.move_chats(shown, two.target(to.id))
    after = owners(store)
    assert {chat for chat in after if after[chat] != before[chat]} == {chat for chat, _ in shown.chats}
    assert {after[chat] for chat, _ in moved.before} == {to.id}
    event = two.events(1)[0]
    assert (event.action, event.subject, event.detail["to"]) == ("chats-moved", "z/z1, z/z2", "b/b2")
    ids = {model.id: sorted(chat for chat, its in shown.chats if its == model.id) for model in (z1, z2)}
    assert event.detail["chats_moved"] == {
        "to": to.id,
        "from": [{"model": one, "chats": [[ids[one][0], ids[one][-1]]]} for one in (z1.id, z2.id)],
    }


CHATS_MEANWHILE: dict[str, Callable[[Store], object]] = {
    "one more": lambda s: chats_with(s.connection, s.catalog.live("z/z1").id, 1),
    "one less": lambda s: s.chats.set_model(1, s.catalog.live("c/c1").id),
    "one went and one came": lambda s: (
        s.chats.set_model(first_of(s, "z/z1"), s.catalog.live("c/c1").id),
        s.chats.set_model(first_of(s, "b/b1"), s.catalog.live("z/z1").id),
    ),
    "from one to the other": lambda s: s.chats.set_model(first_of(s, "z/z1"), s.catalog.live("z/z2").id),
    "one deleted for good": lambda s: (s.chats.trash(first_of(s, "z/z1")), s.chats.empty_trash()),
}


def first_of(store: Store, ref: str) -> int:
    row = store.connection.execute(
        "select min(id) from chats where model_config_id = ?", (store.catalog.live(ref).id,)
    ).fetchone()
    return int(row[0])


@pytest.mark.parametrize("with_removal", [False, True])
@pytest.mark.parametrize("meanwhile", [name for name in CHATS_MEANWHILE if name != "one less"])
def test_as_many_other_chats_are_not_what_was_confirmed(
    path: Path, store: Store, two: Catalog, meanwhile: str, with_removal: bool
) -> None:
    shown, chats, to = two.removal_of_provider("z"), shown_chats(two), two.target(two.live("b/b2").id)
    with Store(path) as other:
        CHATS_MEANWHILE[meanwhile](other)
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(Changed, match=r"by now"):
        two.remove(shown, None, (chats, to)) if with_removal else two.move_chats(chats, to)
    assert dump(store.connection, *EVERYTHING) == before
    two.move_chats(shown_chats(two), to)


TARGET_MEANWHILE: dict[str, tuple[Callable[[Catalog], object], str]] = {
    "elsewhere": (
        lambda c: c.edit_provider(c.provider("near").id, base_url="https://far.example/v1"),
        "near/n1 answers at far.example now",
    ),
    "off": (lambda c: c.switch_model(c.live("near/n1").id, False), "near/n1 is switched off now"),
    "its provider off": (lambda c: c.switch_provider(c.provider("near").id, False), "near/n1 is switched off now"),
    "gone": (lambda c: c.remove_model(c.live("near/n1").id), "near/n1 was removed"),
}


@pytest.mark.parametrize("with_removal", [False, True])
@pytest.mark.parametrize("meanwhile", TARGET_MEANWHILE)
@pytest.mark.parametrize("address", ["http://localhost:1234/v1", "https://near.example/v1"])
def test_chats_go_where_it_was_shown_that_they_go(
    path: Path, store: Store, two: Catalog, address: str, meanwhile: str, with_removal: bool
) -> None:
    two.add_provider("near", "openai", address)
    shown, chats, to = two.removal_of_provider("z"), shown_chats(two), two.target(two.add_model("near", "n1").id)
    change, told = TARGET_MEANWHILE[meanwhile]
    with Store(path) as other:
        change(other.catalog)
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(Changed, match=told):
        two.remove(shown, None, (chats, to)) if with_removal else two.move_chats(chats, to)
    assert dump(store.connection, *EVERYTHING) == before


def test_a_move_to_what_is_gone_or_going_moves_and_removes_nothing(path: Path, store: Store, two: Catalog) -> None:
    shown, chats, b2 = two.removal_of_provider("z"), shown_chats(two), two.target(two.live("b/b2").id)
    with Store(path) as other:
        other.catalog.remove_model(b2.model.id)
    before = dump(store.connection, *EVERYTHING)
    with pytest.raises(Changed, match="b/b2 was removed"):
        two.move_chats(chats, b2)
    with pytest.raises(Changed, match="b/b2 was removed"):
        two.remove(shown, None, (chats, b2))
    with pytest.raises(InvalidInput, match="z/z2 is itself removed"):
        two.remove(shown, None, (chats, two.target(two.live("z/z2").id)))
    assert dump(store.connection, *EVERYTHING) == before


def test_a_removal_that_moves_its_chats_is_one_step_and_one_undo(store: Store, two: Catalog) -> None:
    before, owned = dump(store.connection), owners(store)
    done = two.remove(two.removal_of_provider("z"), None, (shown_chats(two), two.target(two.live("c/c1").id)))
    assert done.moved is not None
    assert {owners(store)[chat] for chat, _ in done.moved.before} == {two.live("c/c1").id}
    assert two.last_removal("z") == done, "the log holds all of it"
    stays = done.moved.before[0][0]
    store.chats.set_model(stays, two.live("b/b2").id)  # by a person since: an undo leaves it alone
    two.undo(two.last_removal("z"))
    assert dump(store.connection) == before
    assert owners(store) == {**owned, stays: two.live("b/b2").id}


def test_a_removal_of_one_model_moves_its_chats_and_takes_them_back(store: Store, two: Catalog) -> None:
    owned, z1 = owners(store), two.live("z/z1")
    chats = two.move_of([z1.id])
    two.remove(two.removal_of_model("z/z1"), None, (chats, two.target(two.live("z/z2").id)))
    assert set(owners(store).values()).isdisjoint({z1.id})
    two.undo(two.last_model_removal("z/z1"))
    assert owners(store) == owned


# One transaction each.


@pytest.mark.parametrize("what", ["removal", "undo", "move", "removal with move"])
def test_a_removal_an_undo_and_a_move_are_one_immediate_transaction_each(store: Store, two: Catalog, what: str) -> None:
    shown, chats, to = two.removal_of_provider("z"), shown_chats(two), two.target(two.live("b/b2").id)
    work: dict[str, Callable[[], object]] = {
        "removal": lambda: two.remove(shown),
        "move": lambda: two.move_chats(chats, to),
        "removal with move": lambda: two.remove(shown, None, (chats, to)),
    }
    if what == "undo":
        done = two.remove(shown, None, (chats, to))
        work["undo"] = lambda: two.undo(done)
    statements: list[str] = []
    store.connection.set_trace_callback(statements.append)
    work[what]()
    store.connection.set_trace_callback(None)
    plain = [statement.strip().lower() for statement in statements if not statement.startswith("--")]
    assert plain[0] == "begin immediate"
    assert plain[-1] == "commit"
    assert len(plain) > 3
    edges = ("begin", "commit", "rollback", "savepoint", "release", "end")
    assert [statement for statement in plain if statement.startswith(edges)] == ["begin immediate", "commit"]


def test_models_are_added_to_the_provider_that_was_shown_whatever_it_is_called(store: Store) -> None:
    catalog = store.catalog
    shown = catalog.add_provider("z", "echo")
    catalog.edit_provider(shown.id, name="y")
    assert catalog.add_model("z", "m", shown=shown.id).ref == "y/m"
    catalog.remove_provider("y")
    with pytest.raises(ProviderNotConfigured):
        catalog.add_models("z", [("n", None)], shown=shown.id)
    catalog.add_provider("z", "openai", "https://far.example/v1")
    with pytest.raises(Changed, match="another provider has its name now"):
        catalog.add_model("z", "n", shown=shown.id)
    with pytest.raises(Changed, match="another provider has its name now"):
        catalog.add_models("z", [("n", None)], shown=shown.id)
    assert catalog.models("z") == []


def test_who_has_not_chosen_an_heir_yet_is_not_told_that_somebody_can_take_over_now(store: Store) -> None:
    echo(store.catalog, "z", "z1")
    store.catalog.make_default(store.catalog.live("z/z1").id)
    shown = store.catalog.removal_of_provider("z")
    assert shown.successors
    assert confirmation.of_removal(shown, shown, None) == ""
