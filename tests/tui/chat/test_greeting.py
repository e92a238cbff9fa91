"""The first minute: who answers and what it is good for, and the one step that gets more."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.providers.embedded import weights
from localchat.store import Store
from localchat.testing import opened, screen_text, still_app
from localchat.tui.chat.greeting import USUAL, Offer, next_step, services_with_a_key

OLLAMA = Offer("Ollama", "localhost:11434", 3)


def test_a_server_found_comes_before_a_key_and_a_key_before_the_rest() -> None:
    found = "add Ollama at localhost:11434 (3 models), found on this machine"
    assert next_step((OLLAMA,), ("OpenAI",)) == ("f3", found)
    assert next_step((), ("OpenAI", "Groq")) == ("f2", "add OpenAI: its key is in the environment")
    assert next_step((), ()) == ("f2", USUAL)


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "x"}])
def test_a_service_is_offered_where_its_key_is_set_and_it_is_not_there_yet(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with Store(tmp_path / "store.db") as store:
        expected = ("OpenAI",) if environ.get("OPENAI_API_KEY") else ()
        assert services_with_a_key(store.catalog.providers(), environ) == expected
        store.catalog.add_provider("work", "openai", "https://api.openai.com/v1", "env", "OPENAI_API_KEY")
        assert services_with_a_key(store.catalog.providers(), environ) == ()


async def test_a_new_store_says_who_answers_what_for_and_the_next_step(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        app = still_app(store)
        async with opened(app, (140, 30)):
            shown = screen_text(app)
            assert "SmolLM2 135M will answer" in shown
            assert "Good for a try; often wrong." in shown
            assert "98 MB, once." in shown
            assert USUAL in shown


def test_the_fetch_tells_one_number_from_beginning_to_end() -> None:
    told = [weights._progress("x", done).total for done in (0, 1, weights.FETCHED_BYTES)]
    assert {f"{total / 1e6:.0f} MB" for total in told if total} == {weights.SIZE_WORDS}
    assert weights._progress("x", 0).done == 0
    assert weights._progress("x", weights.FETCHED_BYTES).done == weights.SIZE
