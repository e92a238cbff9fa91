"""Models that their endpoint does not offer any more, against a real server: who marks them, and what is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localchat.store import Store
from tests.cli.conftest import Run
from tests.fakes import FakeEndpoint


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as fake:
        yield fake


@pytest.fixture
def served(echo: Store, endpoint: FakeEndpoint) -> Store:
    """`o` at the server, with `plain`, which it lists, and models that it does not."""
    echo.catalog.add_provider("o", "openai", endpoint.base_url("openai"))
    for name in ("plain", "gone-404", "gone-410"):
        echo.catalog.add_model("o", name)
    return echo


def marked(run: Run) -> list[str]:
    return [model["ref"] for model in run("models", "list", "--json").json if model["delisted_at"] is not None]


def test_discover_marks_what_is_not_listed_and_says_so(run: Run, served: Store) -> None:
    told = run("models", "discover", "o")

    assert told.err.splitlines() == [
        *(f"o/{name} is no longer offered." for name in ("gone-404", "gone-410")),
        "Listed more than once: plain. Each is one model.",
    ]
    assert marked(run) == ["o/gone-404", "o/gone-410"]
    rows = {line.split()[1]: line for line in run("models", "list").out.splitlines()}
    assert "no longer offered" in rows["o/gone-404"]
    assert "no longer offered" not in rows["o/plain"]


@pytest.mark.parametrize("model", ["gone-404", "gone-410"])
def test_a_turn_that_the_model_is_missing_for_marks_it_and_names_who_could_answer(
    run: Run, served: Store, model: str
) -> None:
    failed = run("ask", "-m", f"o/{model}", "hello")

    assert failed.code == 1
    assert failed.err.splitlines()[:3] == [
        f"o/{model} is no longer offered.",
        "`localchat ask --chat 1 -m play/echo PROMPT` asks the default for one turn.",
        f"`localchat chats move o/{model} play/echo` gives its chats that model for good.",
    ]
    assert marked(run) == [f"o/{model}"]
    assert run("ask", "--chat", "1", "-m", "play/echo", "hello", "--json").json["model"] == "play/echo"
    assert run("chats", "move", f"o/{model}", "play/echo").code == 0
    assert run("ask", "--chat", "1", "hello", "--json").json["model"] == "play/echo"


@pytest.mark.parametrize("model", ["400", "401", "403", "429", "500", "close"])
def test_no_other_failure_marks_a_model(run: Run, served: Store, model: str) -> None:
    served.catalog.add_model("o", model)
    failed = run("ask", "-m", f"o/{model}", "hello", "--json")

    assert failed.code == 1
    assert marked(run) == []


def test_a_wrong_address_marks_no_model(run: Run, served: Store, endpoint: FakeEndpoint) -> None:
    served.catalog.edit_provider(served.catalog.provider("o").id, base_url=f"{endpoint.url}/nowhere")

    assert run("models", "discover", "o").code == 1
    assert run("ask", "-m", "o/plain", "hello", "--json").error["code"] == "provider_rejected"
    assert marked(run) == []


def test_a_server_that_is_down_marks_nothing(run: Run, echo: Store) -> None:
    with FakeEndpoint() as endpoint:
        echo.catalog.add_provider("o", "openai", endpoint.base_url("openai"))
    echo.catalog.add_model("o", "plain")

    assert run("models", "discover", "o").code == 1
    assert run("ask", "-m", "o/plain", "hello", "--json").error["code"] == "provider_unavailable"
    assert marked(run) == []


def test_a_model_that_is_listed_again_loses_the_mark(run: Run, served: Store) -> None:
    served.catalog.note_gone(served.catalog.live("o/plain").id)

    assert "o/plain is offered again." in run("models", "discover", "o").err
    assert "o/plain" not in marked(run)


def test_doctor_names_them(run: Run, served: Store) -> None:
    run("models", "discover", "o")
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert checks["offered"]["ok"] is True
    assert checks["offered"]["detail"] == "no longer offered: o/gone-404, o/gone-410"

    run("models", "default", "o/gone-404")
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert checks["offered"]["ok"] is False
    assert "the default, o/gone-404, is no longer offered" in checks["offered"]["detail"]
