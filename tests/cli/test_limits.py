"""``--limit``: what the server of one provider may cost, in bytes and seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localchat.store import Store
from tests.cli.conftest import Run
from tests.fakes import FakeEndpoint


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as fake:
        yield fake


def limits_of(run: Run, name: str = "acme") -> dict[str, float]:
    return {entry["name"]: entry["limits"] for entry in run("providers", "list", "--json").json}[name]  # type: ignore[no-any-return]


@pytest.fixture
def acme(run: Run, endpoint: FakeEndpoint) -> FakeEndpoint:
    run("providers", "add", "acme", "--kind", "openai", "--base-url", endpoint.base_url("openai"),
        "--limit", "first_word=0.2", "--limit", "reply=2000")  # fmt: skip
    for model in ("hang", "flood", "plain"):
        run("models", "add", f"acme/{model}")
    return endpoint


def test_they_are_added_edited_by_name_and_taken_back(run: Run, acme: FakeEndpoint) -> None:
    assert limits_of(run) == {"first_word": 0.2, "reply": 2000}
    said = run("providers", "edit", "acme", "--limit", "reply=", "--limit", "whole=60").out
    assert "Its limits: first_word=0.2 whole=60." in said
    assert limits_of(run) == {"first_word": 0.2, "whole": 60}
    run("undo")
    assert limits_of(run) == {"first_word": 0.2, "reply": 2000}
    run("providers", "edit", "acme", "--limit", "first_word=", "--limit", "reply=")
    assert limits_of(run) == {}


def test_they_hold_for_that_provider(run: Run, acme: FakeEndpoint) -> None:
    assert "said nothing for 0.2 seconds" in run("ask", "-m", "acme/hang", "hi").err
    assert "longer than 1.95 KB" in run("ask", "-m", "acme/flood", "hi").err


def test_they_come_back_with_the_provider(run: Run, acme: FakeEndpoint) -> None:
    run("providers", "remove", "acme", "--yes")
    run("providers", "restore", "acme")
    assert limits_of(run) == {"first_word": 0.2, "reply": 2000}


@pytest.mark.parametrize(
    "limit", ["first_word", "first_word=soon", "words=5", "whole=-1", "whole=nan", "line=1.5", "="]
)
@pytest.mark.parametrize("verb", [("add", "new", "--kind", "echo"), ("edit", "acme")], ids=["add", "edit"])
def test_what_is_no_limit_is_told_with_their_names_and_changes_nothing(
    run: Run, acme: FakeEndpoint, path: Path, limit: str, verb: tuple[str, ...]
) -> None:
    done = run("providers", *verb, "--limit", limit)
    assert "is no limit" in done.err
    assert "first_word, between, whole" in done.err
    with Store(path) as store:
        assert [provider.name for provider in store.catalog.providers()] == ["acme", "local"]
    assert limits_of(run) == {"first_word": 0.2, "reply": 2000}
