"""Asking again and editing: new lines of the tree, nothing destroyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.errors import InvalidInput, LocalChatError, NotFound
from localchat.store import Store
from localchat.testing import Reply, Script
from localchat.turns import Continue, Edit, NewTurn, Regenerate, TurnRequest
from tests.turns.helpers import LOCKS, RAIN, began, chat, everything, last, line, seen, turn


def sent(script: Script) -> list[str]:
    return [line.content for line in script.requests[-1][1].lines]


async def test_asking_again_makes_another_version_and_keeps_the_first(store: Store) -> None:
    rain = chat(store, RAIN)
    prompt, first = store.messages.line(rain)
    script = Script("Rarely in summer.")
    events = await turn(store, script.connect, Regenerate(rain.id, prompt.id))
    assert sent(script) == ["Does it rain in Lisbon?"]
    assert began(events).prompt is None
    second = last(store, rain.id)
    assert (second.content, second.parent_id, second.version, second.versions) == (
        "Rarely in summer.",
        prompt.id,
        2,
        2,
    )
    kept = store.messages.get(first.id)
    assert (kept.content, kept.version, kept.versions) == ("In **winter**, often.", 1, 2)
    assert store.messages.versions(second) == [first.id, second.id]
    assert line(store, rain.id) == [("user", "Does it rain in Lisbon?"), ("assistant", "Rarely in summer.")]


async def test_asking_again_with_another_model_leaves_the_chat_its_own(store: Store) -> None:
    rain = chat(store, RAIN)
    prompt = store.messages.line(rain)[0]
    b1 = store.catalog.live("beta/b1").id
    await turn(store, Script().connect, Regenerate(rain.id, prompt.id, model_id=b1))
    answered = last(store, rain.id).model
    assert answered is not None
    assert answered.ref == "beta/b1"
    own = store.chats.get(rain.id).model
    assert own is not None
    assert own.ref == "alpha/a1"


async def test_a_failed_turn_is_asked_again_in_its_place(store: Store) -> None:
    from localchat.errors import ProviderUnavailable

    rain = chat(store, RAIN)
    script = Script(Reply("", error=ProviderUnavailable("Down.")), "There.")
    events = await turn(store, script.connect, "And in March?", rain.id)
    prompt = began(events).prompt
    assert prompt is not None
    await turn(store, script.connect, Regenerate(rain.id, prompt.id))
    assert sent(script)[-1] == "And in March?"
    assert [content for _, content in line(store, rain.id)][-2:] == ["And in March?", "There."]
    assert last(store, rain.id).versions == 2


async def test_asking_again_in_the_middle_leaves_what_followed_on_its_own_line(store: Store) -> None:
    rain = chat(store, RAIN)
    await turn(store, Script("In March too.").connect, "And in March?", rain.id)
    before = store.chats.get(rain.id)
    prompt = store.messages.line(before)[0]
    await turn(store, Script("No.").connect, Regenerate(rain.id, prompt.id))
    assert line(store, rain.id) == [("user", "Does it rain in Lisbon?"), ("assistant", "No.")]
    assert before.leaf_id is not None
    store.chats.set_leaf(rain.id, before.leaf_id)
    assert [content for _, content in line(store, rain.id)] == [
        "Does it rain in Lisbon?",
        "In **winter**, often.",
        "And in March?",
        "In March too.",
    ]


async def test_an_edited_prompt_hangs_beside_the_old_one_and_only_its_line_is_sent(store: Store) -> None:
    rain = chat(store, RAIN)
    script = Script("In March too.", "In April not.")
    march = began(await turn(store, script.connect, "And in March?", rain.id)).prompt
    assert march is not None
    await turn(store, script.connect, Edit("And in April?", rain.id, march.id))
    assert sent(script) == ["Does it rain in Lisbon?", "In **winter**, often.", "And in April?"]
    prompt = store.messages.line(store.chats.get(rain.id))[2]
    assert (prompt.content, prompt.version, prompt.versions) == ("And in April?", 2, 2)


async def test_an_edited_first_prompt_begins_a_new_line_from_the_root(store: Store) -> None:
    rain = chat(store, RAIN)
    script = Script("In Porto, very often.")
    lisbon = store.messages.line(rain)[0]
    await turn(store, script.connect, Edit("Does it rain in Porto?", rain.id, lisbon.id))
    assert sent(script) == ["Does it rain in Porto?"]
    first = store.messages.line(store.chats.get(rain.id))[0]
    assert (first.depth, first.parent_id, first.version, first.versions) == (0, None, 2, 2)
    assert store.chats.get(rain.id).length == 2
    old = store.messages.versions(first)[0]
    store.chats.set_leaf(rain.id, store.messages.newest_leaf(old))
    assert line(store, rain.id)[0] == ("user", "Does it rain in Lisbon?")


async def test_the_next_turn_goes_on_where_the_shown_line_ends(store: Store) -> None:
    rain = chat(store, RAIN)
    prompt, first = store.messages.line(rain)
    script = Script("Another.", "Next.")
    await turn(store, script.connect, Regenerate(rain.id, prompt.id))
    store.chats.set_leaf(rain.id, first.id)
    await turn(store, script.connect, "Go on", rain.id)
    assert sent(script) == ["Does it rain in Lisbon?", "In **winter**, often.", "Go on"]


@pytest.mark.parametrize(
    "case",
    ["an answer", "another chat's prompt", "no words", "no such message", "another chat's edit", "an edit of an answer",
     "after another chat's message", "the rest of a question", "the rest of another chat's answer"],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused_and_stores_nothing(store: Store, path: Path, case: str) -> None:
    rain = chat(store, RAIN)
    prompt_id, answer_id = (message.id for message in store.messages.line(rain))
    foreign_prompt, foreign_answer = (message.id for message in store.messages.line(chat(store, LOCKS)))
    requests: dict[str, tuple[TurnRequest, type[LocalChatError]]] = {
        "an answer": (Regenerate(rain.id, answer_id), InvalidInput),
        "another chat's prompt": (Regenerate(rain.id, foreign_prompt), NotFound),
        "no words": (NewTurn(" ", rain.id), InvalidInput),
        "no such message": (Edit("Edited", rain.id, 999), NotFound),
        "another chat's edit": (Edit("Edited", rain.id, foreign_prompt), NotFound),
        "an edit of an answer": (Edit("Edited", rain.id, answer_id), InvalidInput),
        "after another chat's message": (NewTurn("On.", rain.id, under=foreign_answer), NotFound),
        "the rest of a question": (Continue(rain.id, prompt_id), InvalidInput),
        "the rest of another chat's answer": (Continue(rain.id, foreign_answer), NotFound),
    }
    request, error = requests[case]
    before, script = everything(path), Script()
    with pytest.raises(error):
        await turn(store, script.connect, request)
    assert everything(path) == before
    assert script.requests == []


async def test_nothing_is_ever_destroyed_by_asking_and_editing(store: Store, path: Path) -> None:
    rain = chat(store, RAIN)
    prompt, answer = store.messages.line(rain)
    script = Script(*(f"Answer {number}." for number in range(6)))
    for turn_ in (
        Regenerate(rain.id, prompt.id),
        NewTurn("After.", rain.id, under=answer.id),
        Edit("Edit.", rain.id, prompt.id),
        NewTurn("On.", rain.id),
        Regenerate(rain.id, prompt.id),
        NewTurn("After, again.", rain.id, under=answer.id),
    ):
        await turn(store, script.connect, turn_)
    contents = {row[0] for row in seen(path, "select content from messages where chat_id = ?", rain.id)}
    assert contents == {
        "Does it rain in Lisbon?",
        "In **winter**, often.",
        *(f"Answer {number}." for number in range(6)),
        "After.",
        "Edit.",
        "On.",
        "After, again.",
    }
