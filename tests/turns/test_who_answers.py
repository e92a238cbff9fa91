"""Who answers a turn: the chat's own model, the one asked for, or the default in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.errors import (
    ConfirmRemote,
    InvalidInput,
    LocalChatError,
    NoDefaultModel,
    NotFound,
    ProviderUnavailable,
    Remedy,
    Way,
)
from localchat.records import Message
from localchat.store import Store
from localchat.testing import Reply, Script, add_chat
from localchat.turns import Began, Ended, NewTurn, TurnRequest, answerer, send
from tests.store.helpers import raw
from tests.turns.helpers import LOCKS, RAIN, began, chat, ended, everything, last, seen, turn, words


def who(message: Message) -> tuple[str | None, str | None, str | None]:
    """Who answered, whom it stood in for, and why."""
    assert message.model is not None
    wanted = message.fallback_from
    return message.model.ref, wanted.ref if wanted else None, message.fallback_reason


def own(store: Store, chat_id: int) -> str | None:
    model = store.chats.get(chat_id).model
    return model.ref if model else None


async def test_a_chat_is_answered_by_its_own_model_and_not_by_the_default(store: Store) -> None:
    script = Script()
    chat_id = chat(store, LOCKS).id
    events = await turn(store, script.connect, "Go on", chat_id)
    assert script.requests[-1][0] == "zeta"
    assert who(last(store, chat_id)) == ("zeta/z1", None, None)
    assert began(events).resolution.fallback is None


async def test_a_new_chat_is_answered_by_the_default_and_keeps_it_when_the_default_changes(store: Store) -> None:
    chat_id = began(await turn(store, Script().connect, "Hello")).chat.id
    assert own(store, chat_id) == "alpha/a1"
    store.catalog.make_default(store.catalog.live("beta/b1").id)
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("alpha/a1", None, None)


# The fallback.


async def test_a_removed_model_is_stood_in_for_by_the_default_which_is_told_and_stored(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    store.catalog.remove_provider("zeta")
    events = await turn(store, Script().connect, "Go on", chat_id)
    fallback = began(events).resolution.fallback
    assert fallback is not None
    assert (fallback.wanted.ref, fallback.used.ref, fallback.reason) == ("zeta/z1", "alpha/a1", "removed")
    assert who(last(store, chat_id)) == ("alpha/a1", "zeta/z1", "removed")
    assert own(store, chat_id) == "zeta/z1"
    assert ended(events).message.status == "complete"


@pytest.mark.parametrize("what", ["model", "provider"])
async def test_a_model_that_is_switched_off_is_stood_in_for_until_it_is_back(store: Store, what: str) -> None:
    chat_id = chat(store, LOCKS).id
    model, provider = store.catalog.live("zeta/z1"), store.catalog.provider("zeta")

    def switch(on: bool) -> None:
        if what == "model":
            store.catalog.switch_model(model.id, on)
        else:
            store.catalog.switch_provider(provider.id, on)

    switch(False)
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("alpha/a1", "zeta/z1", "disabled")
    switch(True)
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("zeta/z1", None, None)


async def test_a_chat_comes_back_with_its_model_when_the_removal_is_undone(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    removal = store.catalog.remove_provider("zeta")
    await turn(store, Script().connect, "Go on", chat_id)
    store.catalog.undo(removal)
    await turn(store, Script().connect, "Go on", chat_id)
    answered = [who(m) for m in store.messages.line(store.chats.get(chat_id)) if m.role == "assistant"]
    assert answered == [
        ("zeta/z1", None, None),
        ("alpha/a1", "zeta/z1", "removed"),
        ("zeta/z1", None, None),
    ]


async def test_each_turn_falls_back_to_what_is_the_default_then(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    store.catalog.remove_provider("zeta")
    await turn(store, Script().connect, "Go on", chat_id)
    store.catalog.make_default(store.catalog.live("beta/b1").id)
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("beta/b1", "zeta/z1", "removed")


async def test_the_removed_default_is_stood_in_for_by_its_successor(store: Store) -> None:
    chat_id = chat(store, RAIN).id
    store.catalog.remove_provider("alpha")
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("beta/b1", "alpha/a1", "removed")


async def test_a_provider_that_merely_fails_is_no_reason_to_fall_back(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    script = Script(Reply("", error=ProviderUnavailable("zeta does not answer.", "Start it.")))
    events = await turn(store, script.connect, "Go on", chat_id)
    assert [name for name, _ in script.requests] == ["zeta"]
    assert who(last(store, chat_id)) == ("zeta/z1", None, None)
    assert ended(events).message.status == "failed"


# Asked for by name, for one turn.


async def test_a_model_asked_for_answers_this_turn_of_an_existing_chat_only(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, model_id=store.catalog.live("beta/b1").id))
    assert who(last(store, chat_id)) == ("beta/b1", None, None)
    assert own(store, chat_id) == "zeta/z1"
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("zeta/z1", None, None)


async def test_a_model_asked_for_becomes_the_own_one_of_a_new_chat(store: Store) -> None:
    events = await turn(store, Script().connect, NewTurn("Hello", model_id=store.catalog.live("beta/b1").id))
    chat_id = began(events).chat.id
    await turn(store, Script().connect, "Go on", chat_id)
    assert own(store, chat_id) == "beta/b1"
    assert who(last(store, chat_id)) == ("beta/b1", None, None)


async def test_a_chat_without_a_model_of_its_own_gets_the_default_but_not_one_asked_for_once(store: Store) -> None:
    """Such chats come from imports and from other programs."""
    store.connection.execute("insert into chats (id, title) values (70, 'Foreign'), (71, 'Foreign too')")
    await turn(store, Script().connect, NewTurn("Hello", chat_id=70, model_id=store.catalog.live("beta/b1").id))
    assert who(last(store, 70)) == ("beta/b1", None, None)
    await turn(store, Script().connect, "Hello", 70)
    assert who(last(store, 70)) == ("alpha/a1", None, None)
    await turn(store, Script().connect, "Hello", 71)
    assert own(store, 71) == "alpha/a1"


# Nobody can answer: nothing is stored.


async def refused(store: Store, path: Path, request: TurnRequest, error: type[LocalChatError]) -> LocalChatError:
    """The error of a turn that cannot begin, which asks nobody and leaves the file as it was."""
    before, script = everything(path), Script()
    with pytest.raises(error) as caught:
        await turn(store, script.connect, request)
    assert everything(path) == before
    assert script.requests == []
    assert not store.connection.in_transaction
    return caught.value


async def test_without_any_usable_model_the_turn_fails_and_stores_nothing(store: Store, path: Path) -> None:
    for provider in ("alpha", "beta", "local", "zeta"):
        store.catalog.remove_provider(provider)
    for chat_id in (None, chat(store, LOCKS).id):
        error = await refused(store, path, NewTurn("Hello", chat_id=chat_id), NoDefaultModel)
        assert error.message == "no default chat model config is available"
        assert error.remedy == Remedy(Way.ADD_MODEL)


async def test_a_chat_whose_own_model_is_there_needs_no_default(store: Store) -> None:
    chat_id = chat(store, LOCKS).id
    for provider in ("alpha", "beta", "local"):
        store.catalog.remove_provider(provider)
    store.connection.execute("update model_configs set is_default = 0")  # as only another program could leave it
    await turn(store, Script().connect, "Go on", chat_id)
    assert who(last(store, chat_id)) == ("zeta/z1", None, None)


async def test_a_model_asked_for_that_cannot_answer_is_refused_by_name(store: Store, path: Path) -> None:
    z1, b1 = store.catalog.live("zeta/z1").id, store.catalog.live("beta/b1").id
    store.catalog.remove_provider("zeta")
    store.catalog.switch_provider(store.catalog.provider("beta").id, False)
    for chat_id in (None, chat(store, RAIN).id):
        assert "zeta/z1 was removed" in str(
            await refused(store, path, NewTurn("Hello", chat_id, model_id=z1), NotFound)
        )
        assert "beta/b1 is switched off" in str(
            await refused(store, path, NewTurn("Hello", chat_id, model_id=b1), InvalidInput)
        )
        await refused(store, path, NewTurn("Hello", chat_id, model_id=999), NotFound)


async def test_a_chat_that_is_gone_or_in_the_trash_takes_no_turn(store: Store, path: Path) -> None:
    chat_id = chat(store, RAIN).id
    store.chats.trash(chat_id)
    error = await refused(store, path, NewTurn("Hello", chat_id=chat_id), NotFound)
    assert "in the trash" in error.message
    assert error.remedy == Remedy(Way.RESTORE_CHAT, str(chat_id))
    store.chats.empty_trash()
    assert f"no chat {chat_id}" in str(await refused(store, path, NewTurn("Hello", chat_id=chat_id), NotFound))
    assert await refused(store, path, NewTurn("Hello", chat_id=-1), NotFound)


# Words stay on this machine unless told.


@pytest.fixture
def elsewhere(store: Store) -> Store:
    """The default runs on another machine; the chat "At home" has a local model, of kind openai on loopback."""
    store.catalog.add_provider("ollama", "openai", "http://127.0.0.1:11434/v1")
    store.catalog.add_model("ollama", "qwen3")
    add_chat(store, "At home", "ollama/qwen3", [("Hello?", "Hi.")])
    store.catalog.add_provider("cloud", "openai", "https://llm.example.org/v1")
    store.catalog.make_default(store.catalog.add_model("cloud", "big").id)
    return store


@pytest.mark.parametrize("how", ["removed", "disabled"])
async def test_a_local_chat_asks_once_before_it_goes_elsewhere(elsewhere: Store, path: Path, how: str) -> None:
    store, chat_id = elsewhere, chat(elsewhere, "At home").id
    if how == "removed":
        store.catalog.remove_provider("ollama")
    else:
        store.catalog.switch_model(store.catalog.live("ollama/qwen3").id, False)
    error = await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)
    assert isinstance(error, ConfirmRemote)
    assert (error.wanted, error.used, error.code) == ("ollama/qwen3", "cloud/big", "confirm_remote")
    script = Script()
    await turn(store, script.connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    assert who(last(store, chat_id)) == ("cloud/big", "ollama/qwen3", how)
    for text in ("And on", "And on and on"):  # agreed for this chat, however many turns follow
        await turn(store, script.connect, text, chat_id)
    assert [name for name, _ in script.requests] == ["cloud", "cloud", "cloud"]


async def test_agreeing_for_one_chat_agrees_for_no_other(elsewhere: Store, path: Path) -> None:
    store = elsewhere
    one, other = chat(store, "At home").id, add_chat(store, "Also at home", "ollama/qwen3", [("Hello?", "Hi.")])
    store.catalog.remove_provider("ollama")
    await turn(store, Script().connect, NewTurn("Go on", chat_id=one, agreed_host="llm.example.org"))
    await refused(store, path, NewTurn("Go on", chat_id=other), ConfirmRemote)


async def test_agreeing_where_nothing_is_to_be_agreed_is_not_remembered(elsewhere: Store, path: Path) -> None:
    store, chat_id = elsewhere, chat(elsewhere, "At home").id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    store.catalog.remove_provider("ollama")
    await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)


async def test_agreeing_to_a_local_stand_in_is_no_consent_for_a_remote_one(elsewhere: Store, path: Path) -> None:
    store, chat_id = elsewhere, chat(elsewhere, "At home").id
    store.catalog.make_default(store.catalog.live("alpha/a1").id)
    store.catalog.remove_provider("ollama")
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    assert who(last(store, chat_id)) == ("alpha/a1", "ollama/qwen3", "removed")
    store.catalog.make_default(store.catalog.live("cloud/big").id)
    await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)


async def test_a_chat_given_another_local_model_is_asked_again(elsewhere: Store, path: Path) -> None:
    store, chat_id = elsewhere, chat(elsewhere, "At home").id
    store.catalog.remove_provider("ollama")
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    store.chats.set_model(chat_id, store.catalog.live("zeta/z1").id)
    store.catalog.remove_provider("zeta")
    await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)


async def test_a_chat_of_another_machine_and_one_between_local_models_are_not_asked(elsewhere: Store) -> None:
    store = elsewhere
    store.catalog.add_model("cloud", "small")
    far = add_chat(store, "Far", "cloud/small", [("Hello?", "Hi.")])
    store.catalog.remove_model(store.catalog.live("cloud/small").id)
    await turn(store, Script().connect, "Go on", far)
    assert who(last(store, far)) == ("cloud/big", "cloud/small", "removed")
    near = chat(store, LOCKS).id
    store.catalog.make_default(store.catalog.live("beta/b1").id)
    store.catalog.remove_provider("zeta")
    await turn(store, Script().connect, "Go on", near)
    assert who(last(store, near)) == ("beta/b1", "zeta/z1", "removed")


async def test_a_remote_model_asked_for_by_name_is_the_consent_for_that_turn_only(elsewhere: Store, path: Path) -> None:
    store, chat_id = elsewhere, chat(elsewhere, "At home").id
    store.catalog.remove_provider("ollama")
    big = store.catalog.live("cloud/big").id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, model_id=big))
    assert who(last(store, chat_id)) == ("cloud/big", None, None)
    await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)


async def test_a_new_chat_with_a_remote_default_is_not_asked(elsewhere: Store) -> None:
    events = await turn(elsewhere, Script().connect, "Hello")
    assert who(ended(events).message) == ("cloud/big", None, None)


# Gone while it answers.


@pytest.mark.parametrize("when", ["before it is asked", "while it answers"])
async def test_a_provider_removed_under_way_finishes_its_reply_under_its_old_name(
    store: Store, path: Path, when: str
) -> None:
    chat_id = chat(store, LOCKS).id
    script = Script("one two three")
    events = send(store, script.connect, NewTurn("Go on", chat_id=chat_id))
    told = [await anext(events)]
    assert isinstance(told[0], Began)
    if when == "while it answers":
        told.append(await anext(events))
    with Store(path) as other:
        other.catalog.remove_provider("zeta")
    told += [event async for event in events]
    assert words(told) == "one two three"
    assert isinstance(told[-1], Ended)
    message = last(store, chat_id)
    assert (message.status, message.content, who(message)) == ("complete", "one two three", ("zeta/z1", None, None))
    assert message.model is not None
    assert message.model.removed
    await turn(store, script.connect, "And now?", chat_id)
    assert who(last(store, chat_id)) == ("alpha/a1", "zeta/z1", "removed")


async def test_the_turn_is_resolved_inside_its_transaction(store: Store, path: Path) -> None:
    """Between the question who answers and the storing of it nobody can remove the model."""
    chat_id = chat(store, LOCKS).id
    inside = []
    real = store.catalog.default

    def watching() -> object:
        inside.append(store.connection.in_transaction)
        return real()

    store.catalog.default = watching  # type: ignore[method-assign, assignment]
    await turn(store, Script().connect, "Go on", chat_id)
    assert inside == [True]
    assert seen(path, "select count(*) from messages where chat_id = ?", chat_id) == [(4,)]


# A consent names its recipient.


@pytest.fixture
def stranded(elsewhere: Store) -> Store:
    """The chat "At home" lost its model; a second provider on another host waits, and one on the same host."""
    store = elsewhere
    store.catalog.remove_provider("ollama")
    store.catalog.add_provider("other", "openai", "https://other.example.org:8443/v1")
    store.catalog.add_model("other", "big")
    store.catalog.add_provider("same", "openai", "https://LLM.example.org/elsewhere")
    store.catalog.add_model("same", "small")
    return store


async def test_another_host_asks_again_and_both_are_remembered(stranded: Store, path: Path) -> None:
    store, chat_id = stranded, chat(stranded, "At home").id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    store.catalog.make_default(store.catalog.live("other/big").id)
    error = await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)
    assert isinstance(error, ConfirmRemote)
    assert (error.used, error.host) == ("other/big", "other.example.org:8443")
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host=error.host))
    assert store.chats.get(chat_id).remote_hosts == ("llm.example.org", "other.example.org:8443")
    store.catalog.make_default(store.catalog.live("cloud/big").id)
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id))
    assert seen(path, "select remote_hosts from chats where id = ?", chat_id) == [
        ('["llm.example.org", "other.example.org:8443"]',)
    ]


async def test_another_model_at_the_host_agreed_to_is_not_asked_about(stranded: Store) -> None:
    store, chat_id = stranded, chat(stranded, "At home").id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, agreed_host="llm.example.org"))
    store.catalog.make_default(store.catalog.live("same/small").id)
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id))
    assert who(last(store, chat_id)) == ("same/small", "ollama/qwen3", "removed")


@pytest.mark.parametrize("change", ["another default", "another address"])
async def test_what_was_shown_is_compared_inside_the_transaction(stranded: Store, path: Path, change: str) -> None:
    store, chat_id = stranded, chat(stranded, "At home").id
    shown = await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)
    assert isinstance(shown, ConfirmRemote)
    with Store(path) as second:
        if change == "another default":
            second.catalog.make_default(second.catalog.live("other/big").id)
        else:
            second.catalog.edit_provider(
                second.catalog.provider("cloud").id, base_url="https://other.example.org:8443/v1"
            )
    script = Script()
    agreed = NewTurn("Go on", chat_id=chat_id, agreed_host=shown.host)
    before = everything(path)
    with pytest.raises(ConfirmRemote) as caught:
        await turn(store, script.connect, agreed)
    assert caught.value.host == "other.example.org:8443"
    assert (script.requests, everything(path)) == ([], before)


@pytest.mark.parametrize(("is_local", "asks"), [(1, True), (None, True), (0, False)])
async def test_who_does_not_know_where_an_imported_model_ran_asks(
    elsewhere: Store, path: Path, is_local: int | None, asks: bool
) -> None:
    store = elsewhere
    store.connection.execute(
        "insert into model_configs (id, provider, model, is_local, deleted_at) values (900, 'llm', 'm', ?, 'then')",
        (is_local,),
    )
    store.connection.execute("insert into chats (id, title, model_config_id) values (900, 'Imported', 900)")
    if not asks:
        await turn(store, Script().connect, NewTurn("Go on", chat_id=900))
        return
    error = await refused(store, path, NewTurn("Go on", chat_id=900), ConfirmRemote)
    assert error.message.startswith("llm/m answered on" if is_local else "Nobody knows where llm/m answered")
    await turn(store, Script().connect, NewTurn("Go on", chat_id=900, agreed_host="llm.example.org"))


async def test_a_model_chosen_for_a_turn_is_consent_for_that_turn_alone(stranded: Store, path: Path) -> None:
    store, chat_id = stranded, chat(stranded, "At home").id
    chosen = store.catalog.live("other/big").id
    await turn(store, Script().connect, NewTurn("Go on", chat_id=chat_id, model_id=chosen))
    assert store.chats.get(chat_id).remote_hosts == ()
    store.catalog.make_default(chosen)
    await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)


@pytest.mark.parametrize("kind", ["anthropic", "google"])
async def test_a_vendor_without_an_address_is_named_by_its_own_host(stranded: Store, path: Path, kind: str) -> None:
    from localchat.providers.vendors import anthropic, google

    client = {"anthropic": anthropic.AnthropicClient, "google": google.GoogleClient}[kind]
    store, chat_id = stranded, chat(stranded, "At home").id
    store.catalog.add_provider("vendor", kind)
    store.catalog.make_default(store.catalog.add_model("vendor", "m").id)
    error = await refused(store, path, NewTurn("Go on", chat_id=chat_id), ConfirmRemote)
    assert isinstance(error, ConfirmRemote)
    assert f"https://{error.host}" == client.default_url


def test_a_default_that_another_program_switched_off_answers_nobody(store: Store, path: Path) -> None:
    """Until the rule of the default is healed: nothing goes to a model that the person switched off."""
    with raw(path) as other:
        other.execute("update model_configs set enabled = 0 where is_default = 1")
    store.catalog.remove_provider("zeta")
    with raw(path) as other:
        other.execute("update model_configs set is_default = 0")
        other.execute("update model_configs set enabled = 0, is_default = 1 where provider = 'alpha' and model = 'a1'")
    for chosen in (None, chat(store, LOCKS)):
        with pytest.raises(NoDefaultModel):
            answerer(store, chosen)
