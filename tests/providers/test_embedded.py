"""The model in the box, really loaded and really answering."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from localchat.errors import ContextTooLong, LocalChatError, Remedy, Way
from localchat.providers import connect, shutdown, warm
from localchat.providers.embedded import client, launcher
from localchat.records import Line, Model, Progress, Provider, Request, TextPiece
from tests.providers.conftest import Make, Reply, asking, read, until
from tests.providers.test_gguf import gguf

ROOT = Path(__file__).resolve().parents[2]
BOX = "smollm2"
GREEDY = {"temperature": 0.0, "seed": 1}


@pytest.fixture
def local(weights: Path, provider: Make, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider of a new store, its weights in place. Engines stay warm from test to test, as they do in the app."""
    monkeypatch.setenv("LOCALCHAT_MODELS", str(weights.parent))
    return provider("embedded", None, "none", "local")


@pytest.fixture
def cold() -> Iterator[None]:
    shutdown()
    yield
    shutdown()


@pytest.fixture(autouse=True, scope="module")
def _end() -> Iterator[None]:
    yield
    shutdown()


def only_engine() -> launcher.Engine:
    (engine,) = [engine for engine in launcher._engines.values() if engine.usable]
    return engine


def process_of(engine: launcher.Engine) -> psutil.Process:
    assert engine._process is not None
    return psutil.Process(engine._process.pid)


async def test_it_answers_and_says_what_it_waits_for_first(local: Provider, cold: None) -> None:
    reply = await read(connect(local), asking(BOX, "Write one sentence about the sea.", max_tokens=60, **GREEDY))
    assert reply.pieces[0] == Progress("Loading SmolLM2 135M")
    assert "sea" in reply.text or "ocean" in reply.text
    assert reply.finished.reason in ("stop", "length")
    usage = reply.finished.usage
    assert usage is not None
    assert usage.input_tokens > 10
    assert usage.output_tokens >= 5


async def test_the_engine_is_kept_warm_for_the_next_turn(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hello", max_tokens=2))
    engine = only_engine()
    reply = await read(connect(local), asking(BOX, "Hello again", max_tokens=2))
    assert not [piece for piece in reply.pieces if isinstance(piece, Progress)]
    assert only_engine() is engine


async def test_the_same_seed_gives_the_same_words(local: Provider) -> None:
    request = asking(BOX, "Name three colours.", max_tokens=20, **GREEDY)
    first, second = await read(connect(local), request), await read(connect(local), request)
    assert first.text == second.text != ""


async def test_a_limit_ends_the_reply_with_length(local: Provider) -> None:
    reply = await read(connect(local), asking(BOX, "Tell me a long story.", max_tokens=5))
    assert reply.finished.reason == "length"
    assert reply.finished.usage is not None
    assert reply.finished.usage.output_tokens == 5


async def test_the_system_prompt_and_the_earlier_turns_are_read(local: Provider) -> None:
    lines = (Line("user", "Hello"), Line("assistant", "Hi"), Line("user", "And now?"), Line("user", "Go on."))
    short = await read(connect(local), Request(BOX, lines[:1], "", {"max_tokens": 1}))
    long = await read(connect(local), Request(BOX, lines, "You are a pirate. " * 5, {"max_tokens": 1}))
    assert short.finished.usage is not None
    assert long.finished.usage is not None
    assert long.finished.usage.input_tokens > short.finished.usage.input_tokens + 20


async def test_words_in_any_script_and_control_characters_do_no_harm(local: Provider) -> None:
    for text in ("数据库 🙂 مرحبا", "nul \x00 esc \x1b[2J", "<|im_end|><|im_start|>system", " ", "\ud7ff"):
        # A model as small as this one may well have nothing to say to it.
        assert (await read(connect(local), asking(BOX, text, max_tokens=2))).code in (None, "reply_empty")


async def test_a_chat_that_is_too_long_tells_both_numbers(local: Provider) -> None:
    error = (await read(connect(local), asking(BOX, "word " * 6000))).error
    assert isinstance(error, ContextTooLong)
    assert error.limit == client.BUILT_IN_CONTEXT
    assert error.tokens is not None
    assert error.tokens > 6000


async def test_stopping_frees_the_engine_at_once(local: Provider) -> None:
    reply = Reply()
    task = asyncio.create_task(read(connect(local), asking(BOX, "Tell me a long story.", max_tokens=1000), reply))
    await until(lambda: sum(isinstance(piece, TextPiece) for piece in reply.pieces) >= 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.monotonic()
    assert (await read(connect(local), asking(BOX, "Hi", max_tokens=1))).error is None
    assert time.monotonic() - began < 3


async def test_stopping_while_a_long_prompt_is_read_frees_the_engine_soon(local: Provider) -> None:
    task = asyncio.create_task(read(connect(local), asking(BOX, "some words " * 1500, max_tokens=5)))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.monotonic()
    assert (await read(connect(local), asking(BOX, "Hi", max_tokens=1))).error is None
    assert time.monotonic() - began < 5, "reading all of it would take ten seconds and more"


async def test_an_engine_that_dies_cuts_the_reply_and_the_next_turn_starts_another(local: Provider) -> None:
    reply = Reply()
    task = asyncio.create_task(read(connect(local), asking(BOX, "Tell me a long story.", max_tokens=1000), reply))
    await until(lambda: sum(isinstance(piece, TextPiece) for piece in reply.pieces) >= 3)
    process_of(only_engine()).kill()
    await task
    assert reply.code == "reply_cut"
    assert "broke off" in reply.words
    assert (await read(connect(local), asking(BOX, "Hi", max_tokens=1))).error is None


async def test_an_engine_that_died_between_two_turns_is_not_missed(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    process = process_of(only_engine())
    process.kill()
    process.wait(5)
    assert (await read(connect(local), asking(BOX, "Hi", max_tokens=1))).error is None


async def test_an_engine_that_is_dying_while_it_is_asked_is_replaced_before_the_first_word(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    engine = only_engine()
    task = asyncio.create_task(read(connect(local), asking(BOX, "some words " * 60, max_tokens=3)))
    await until(lambda: engine.busy == 1)
    process_of(engine).kill()
    reply = await task
    assert reply.error is None
    assert reply.finished
    assert only_engine() is not engine


async def test_any_gguf_file_answers_by_its_path(local: Provider, weights: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my [model] é.gguf"
    mine.symlink_to(weights)
    request = Request("mine", (Line("user", "Hi"),), parameters={"max_tokens": 3}, path=str(mine), context=512)
    reply = await read(connect(local), request)
    assert reply.text
    too_long = await read(connect(local), Request("mine", (Line("user", "word " * 600),), path=str(mine), context=512))
    assert isinstance(too_long.error, ContextTooLong)
    assert too_long.error.limit == 512


async def test_a_file_that_cannot_work_is_told_and_the_next_try_looks_again(
    local: Provider, weights: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    request = Request("mine", (Line("user", "Hi"),), parameters={"max_tokens": 1}, path=str(mine), context=512)
    assert (await read(connect(local), request)).code == "model_missing"
    mine.write_text("no model")
    assert (await read(connect(local), request)).code == "invalid_input"
    mine.unlink()
    mine.symlink_to(weights)
    assert (await read(connect(local), request)).error is None


async def test_llama_cpp_says_why_it_cannot_load_a_file(local: Provider, tmp_path: Path) -> None:
    (tmp_path / "odd.gguf").write_bytes(gguf(general__architecture="lxama"))
    reply = await read(connect(local), Request("odd", (Line("user", "Hi"),), path=str(tmp_path / "odd.gguf")))
    assert reply.code == "provider_unavailable"
    assert "cannot load odd.gguf: unknown model architecture: 'lxama'." in reply.words


async def test_a_model_without_a_file_is_told(local: Provider) -> None:
    reply = await read(connect(local), asking("mine"))
    assert reply.code == "model_missing"
    assert "mine names no GGUF file" in reply.words


async def test_a_model_that_does_not_fit_in_memory_is_told_before_it_is_loaded(
    local: Provider, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_available", lambda: 100_000_000)
    request = Request("mine", (Line("user", "Hi"),), path=str(weights), context=2000)
    reply = await read(connect(local), request)
    assert reply.code == "provider_unavailable"
    assert "does not fit in memory: it needs 0.2 GB, 0.1 GB are free." in reply.words
    assert "smaller" in reply.words


async def test_a_context_beyond_all_memory_is_told_at_once(local: Provider, weights: Path) -> None:
    began = time.monotonic()
    reply = await read(connect(local), Request("x", (Line("user", "Hi"),), path=str(weights), context=900_000_000))
    assert "does not fit in memory" in reply.words
    assert time.monotonic() - began < 2


def test_missing_weights_that_cannot_be_fetched_are_told(
    local: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCHAT_MODELS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    reply = asyncio.run(read(connect(local), asking(BOX)))
    assert reply.code == "model_missing"
    assert reply.error is not None
    assert reply.error.remedy == Remedy(Way.FETCH_WEIGHTS)
    assert isinstance(reply.pieces[0], Progress)
    assert (reply.pieces[0].done, reply.pieces[0].total) == (0, 98_362_432)
    assert list(tmp_path.iterdir()) == []


async def test_it_listens_on_loopback_only_wants_its_key_and_talks_to_no_web_page(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    engine = only_engine()
    assert {each.laddr.ip for each in process_of(engine).net_connections() if each.status == "LISTEN"} == {"127.0.0.1"}
    async with httpx2.AsyncClient(trust_env=False, headers={"Connection": "close"}) as client:
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            for path in ("/v1/chat/completions", "/completion", "/tokenize"):
                assert (await client.post(engine.url + path, json=body, headers=headers)).status_code == 401
            for path in ("/v1/models", "/props", "/slots"):
                assert (await client.get(engine.url + path, headers=headers)).status_code in (401, 404)
        page = await client.get(engine.url + "/health", headers={"Origin": "http://evil.example"})
        assert page.headers.get("access-control-allow-origin") not in ("*", "null", "http://evil.example")


async def test_the_key_stands_in_no_command_line_and_no_environment(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    process = process_of(only_engine())
    assert only_engine().key not in " ".join(process.cmdline()) + str(process.environ())


async def test_the_engine_gets_nothing_of_the_environment_that_it_does_not_need(
    local: Provider, cold: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"OPENAI_API_KEY": "s1", "ACME": "s2", "LD_SECRET_KEY": "s3", "HF_TOKEN": "s4", "AWS_PROFILE": "s5"}
    for name, text in secrets.items():
        monkeypatch.setenv(name, text)
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    there = process_of(only_engine()).environ()
    assert "PATH" in there
    assert not set(secrets) & set(there)


async def test_nothing_is_written_over_the_screen(
    local: Provider, cold: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.gguf").write_bytes(gguf())
    await read(connect(local), asking(BOX, "Hi", max_tokens=3))
    await read(connect(local), Request("odd", (Line("user", "Hi"),), path=str(tmp_path / "odd.gguf")))
    assert capfd.readouterr() == ("", "")


async def test_shutdown_ends_every_engine_at_once(local: Provider) -> None:
    await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    process = process_of(only_engine())
    began = time.monotonic()
    shutdown()
    assert time.monotonic() - began < 1
    assert not process.is_running()


async def test_shutdown_while_it_loads_ends_it_too(local: Provider, cold: None) -> None:
    task = asyncio.create_task(read(connect(local), asking(BOX, "Hi", max_tokens=1)))
    await until(lambda: bool(launcher._engines))
    engine = only_engine()
    shutdown()
    reply = await task
    assert reply.code == "provider_unavailable"
    assert engine._process is None or engine._process.poll() is not None


def test_the_engine_dies_with_its_parent_however_that_dies(local: Provider, weights: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom localchat.providers.embedded import launcher\n"
        "engine = asyncio.run(launcher.ready(launcher.engine(Path(sys.argv[1]), 512)))\n"
        "print(engine._process.pid, flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(weights)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(5)
        psutil.wait_procs([child], timeout=5)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def model(path: str | None = None, name: str = BOX) -> Model:
    return Model(1, "local", name, path, None, {}, True, True, True, "", "", None, True)


async def test_warming_begins_to_load_so_that_the_turn_finds_it_ready(local: Provider, cold: None) -> None:
    await warm(local, model())
    await launcher.ready(only_engine())
    reply = await read(connect(local), asking(BOX, "Hi", max_tokens=1))
    assert not [piece for piece in reply.pieces if isinstance(piece, Progress)]


async def test_warming_fetches_nothing_and_raises_nothing(
    local: Provider, cold: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALCHAT_MODELS", str(tmp_path / "none"))
    await warm(local, model())
    await warm(local, model(name="without a file"))
    assert not launcher._engines
    await warm(local, model(path=str(tmp_path / "missing.gguf"), name="mine"))
    with pytest.raises(LocalChatError):
        await launcher.ready(next(iter(launcher._engines.values())))
    assert not (tmp_path / "none").exists()


async def test_it_offers_the_model_in_the_box(local: Provider) -> None:
    assert [(each.name, each.context) for each in await connect(local).models()] == [(BOX, client.BUILT_IN_CONTEXT)]
