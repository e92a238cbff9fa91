"""Whatever is typed: a reason, an exit status of the contract, no traceback, and nothing that a terminal obeys."""

from __future__ import annotations

import itertools
import json
import os
import random

import pytest

from localchat.errors import BY_CODE
from localchat.store import Store
from tests.cli.conftest import Answer, Run

NASTY = {
    "empty": "",
    "space": " ",
    "long": "x" * 5000,
    "newlines": "a\nb\r\nc",
    "escape": "\x1b]0;pwned\x07",
    "clear": "\x1b[2Jx",
    "c1": "\x9b31m",
    "markup": "[/foo]",
    "action": "[@click=app.quit]x",
    "rtl": "\u202ebat",
    "hebrew": "שלום",
    "emoji": "👩‍🚀",
    "combining": "Z͑a̍l͖g̣o",
    "slashes": "a/b/c",
    "only slash": "/",
    "dots": "..",
    "path": "../../etc/passwd",
    "tilde": "~nobody/x",
    "dash": "--",
    "option": "-x",
    "percent": "%s%n",
    "quote": 'it\'s "x"; drop table chats; --',
    "null word": "null",
    "number": "12345678901234567890",
    "negative": "-1",
    "float": "1e999",
    "nan": "NaN",
    "json": '{"a": [1]}',
    "deep": "[" * 3000,
    "url": "http://[::1",
    "file": "file:///etc/passwd",
    "javascript": "javascript:alert(1)",
    "ref": "play/echo",
    "provider": "play",
}

# `@` is where the nasty text goes.
PLACES = [
    ("ask", "-m", "@", "hello"),
    ("ask", "--chat", "@", "hello"),
    ("ask", "-s", "@", "hello"),
    ("ask", "@"),
    ("ask", "/echo @"),
    ("ask", "/echo slow @ x"),
    ("ask", "/echo fail @ x"),
    ("providers", "add", "@", "--kind", "openai", "--base-url", "http://localhost:1/v1"),
    ("providers", "add", "x", "--kind", "@"),
    ("providers", "add", "x", "--kind", "openai", "--base-url", "@"),
    ("providers", "add", "x", "--kind", "anthropic", "--key-env", "@"),
    ("providers", "edit", "@", "--name", "y"),
    ("providers", "edit", "play", "--name", "@"),
    ("providers", "edit", "play", "--base-url", "@"),
    ("providers", "edit", "play", "--key-env", "@"),
    ("providers", "enable", "@"),
    ("providers", "disable", "@"),
    ("providers", "remove", "@", "--yes"),
    ("providers", "remove", "spare", "--default", "@", "--yes"),
    ("providers", "remove", "@", "--dry-run"),
    ("providers", "restore", "@"),
    ("providers", "log", "--limit", "@"),
    ("models", "add", "@"),
    ("models", "add", "play/@"),
    ("models", "add", "local/mine", "--path", "@"),
    ("models", "add", "play/new", "--context", "@"),
    ("models", "add", "play/new", "--param", "@"),
    ("models", "add", "play/new", "--param", "temperature=@"),
    ("models", "edit", "@", "--context", "1"),
    ("models", "edit", "play/echo", "--name", "@"),
    ("models", "enable", "@"),
    ("models", "disable", "@"),
    ("models", "default", "@"),
    ("models", "remove", "@", "--yes"),
    ("models", "remove", "play/spare", "--default", "@", "--dry-run"),
    ("models", "restore", "@"),
    ("models", "discover", "@"),
    ("models", "discover", "play", "--add", "@"),
    ("models", "pull", "@"),
    ("chats", "list", "--limit", "@"),
    ("chats", "show", "@"),
    ("chats", "rename", "1", "@"),
    ("chats", "rename", "@", "title"),
    ("chats", "archive", "@"),
    ("chats", "delete", "@"),
    ("chats", "restore", "@"),
    ("chats", "move", "@", "play/echo"),
    ("chats", "move", "play/echo", "@"),
    ("completion", "@"),
    ("@",),
    ("chats", "@"),
    ("--@",),
]


@pytest.fixture
def furnished(run: Run, echo: Store) -> Run:
    echo.catalog.add_model("play", "spare")
    echo.catalog.add_provider("spare", "echo")
    run("ask", "hello")
    return run


def fair(answer: Answer, words: tuple[str, ...]) -> None:
    """What the contract promises of every answer, with and without --json."""
    assert answer.code in (0, 1, 2), words
    assert "Traceback" not in answer.err, words
    assert not set(answer.err) & set("\x1b\x07\x9b\u202e\x00"), words
    if answer.code:
        error = answer.error
        assert set(error) == {"code", "message", "hint"}, words
        assert error["code"] in BY_CODE, words
        assert error["code"] != "internal" or "/echo" in words[-1], (words, error)
        assert error["message"], words
        assert answer.code == 1 or error["code"] == "invalid_input"
    else:
        json.loads(answer.out)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: " ".join(place))
def test_every_place_takes_every_text(furnished: Run, place: tuple[str, ...]) -> None:
    for text in NASTY.values():
        words = tuple(word.replace("@", text) for word in place)
        fair(furnished(*words[:1], "--json", *words[1:]) if place[0] != "@" else furnished(*words, "--json"), words)


def test_what_people_see_of_nasty_text_is_clean(furnished: Run, echo: Store) -> None:
    for text in NASTY.values():
        furnished("ask", "-s", text, "--", text)
        furnished("chats", "rename", "1", "--", f"x{text}")
        echo.connection.execute(
            "insert into model_configs (provider, model, context) values (?, ?, 5)", (f"p{text}", f"m{text}")
        )
    for words in (("chats", "list"), ("chats", "show", "1"), ("models", "list", "--all"), ("providers", "log")):
        answer = furnished(*words)
        assert answer.code == 0
        assert not set(answer.out) & set("\x1b\x07\x9b\u202e\x00\r"), words
    for number in range(1, 10):
        assert not set(furnished("chats", "show", str(number)).out) & set("\x1b\x07\x9b\u202e\x00\r")


def test_bytes_that_are_no_text_are_refused_by_name(real: Run, echo: Store) -> None:
    broken = os.fsdecode(b"caf\xe9")
    for words in (
        ("ask", broken),
        ("chats", "rename", "1", broken),
        ("models", "add", f"play/{broken}"),
        ("providers", "add", broken, "--kind", "echo"),
        ("models", "add", "local/x", "--path", broken),
    ):
        answer = real(*words, "--json")
        assert answer.code == 2, words
        assert "UTF-8" in answer.error["message"]
    assert echo.chats.last() is None


def test_words_in_any_order_end_as_the_contract_says(furnished: Run) -> None:
    """Three hundred command lines out of what the program understands, and what it does not."""
    vocabulary = [
        "ask", "providers", "models", "chats", "list", "show", "add", "edit", "remove", "restore", "default", "move",
        "1", "2", "play/echo", "local/smollm2", "play", "spare", "--yes", "--dry-run", "--all", "-c", "-m", "--chat",
        "--kind", "echo", "--undo", "--limit", "--", "", "-", "--json", "--name", "x",
    ]  # fmt: skip
    furnished("providers", "remove", "local", "--yes")  # no word here shall fetch weights
    chance = random.Random(20)
    for length, _ in itertools.product(range(1, 6), range(60)):
        words = tuple(chance.choice(vocabulary) for _ in range(length))
        fair(furnished("--json", *words), words)
