"""GGUF files of one's own: what is wrong with one is told before it is loaded."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import pytest

from localchat.errors import InvalidInput, LocalChatError, ModelMissing
from localchat.providers.embedded.gguf import check_gguf, context_of


def string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value(given: Any) -> bytes:
    match given:
        case str():
            return struct.pack("<I", 8) + string(given)
        case bool():
            return struct.pack("<I?", 7, given)
        case int():
            return struct.pack("<II", 4, given)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(given)) + b"".join(map(string, given))
        case [int(), *_]:
            return struct.pack("<IIQ", 9, 5, len(given)) + struct.pack(f"<{len(given)}i", *given)
        case float():
            return struct.pack("<If", 6, given)
    raise AssertionError(given)


def gguf(version: int = 3, tensors: int = 1, **more: Any) -> bytes:
    """A small file that is whole: one tensor of 32 floats for each that is asked for."""
    facts = {
        "general.architecture": "llama", "general.name": "Tiny [/]\x1b[2J", "llama.context_length": 2048,
        "llama.block_count": 2, "llama.embedding_length": 64, "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2, "tokenizer.ggml.tokens": ["a", "b", ""], "x.weights": [1, 2], "y": 0.5,
        "z": True, **{name.replace("__", "."): given for name, given in more.items()},
    }  # fmt: skip
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(facts))
    head += b"".join(string(name) + value(given) for name, given in facts.items())
    for number in range(tensors):
        head += string(f"t{number}") + struct.pack("<IQIQ", 1, 32, 0, number * 128)
    head += b"\0" * (-len(head) % 32)
    return head + b"\0" * (128 * tensors)


def test_a_whole_file_tells_its_facts(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(gguf())
    facts = check_gguf(tmp_path / "tiny.gguf")
    assert (facts.context, facts.architecture, facts.size) == (2048, "llama", len(gguf()))
    assert facts.name == "Tiny [/][2J"
    # two layers, two kept heads of 16, keys and values, two bytes each
    assert facts.cache_bytes_per_token == 2 * 2 * (16 + 16) * 2
    assert facts.memory(1000) > facts.size + 1000 * facts.cache_bytes_per_token
    assert context_of(str(tmp_path / "tiny.gguf")) == 2048


def test_the_built_in_model_is_whole(weights: Path) -> None:
    facts = check_gguf(weights)
    assert (facts.architecture, facts.context, facts.size) == ("llama", 8192, 98_362_432)


def test_heads_that_differ_by_layer_are_counted_by_the_largest(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(gguf(llama__attention__head_count_kv=[1, 4]))
    assert check_gguf(tmp_path / "x.gguf").cache_bytes_per_token == 2 * 2 * 4 * 32


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty", b"", "is empty"),
        ("text", b"# Not a model\n" * 100, "is no GGUF file"),
        ("short", b"GG", "is no GGUF file"),
        ("magic alone", b"GGUF", "ends inside its own header"),
        ("cut header", gguf()[:100], "ends inside its own header"),
        ("cut tensors", gguf()[:-1], "is cut off: it has"),
        ("version", gguf(version=9), "GGUF of version 9"),
        ("other byte order", b"GGUF" + struct.pack(">IQQ", 3, 1, 1) + b"\0" * 200, "GGUF of version"),
        ("garbage", b"GGUF" + struct.pack("<I", 3) + b"\xff" * 300, "header makes no sense"),
        ("many pairs", b"GGUF" + struct.pack("<IQQ", 3, 1, 60_000) + b"\0" * 300, "header"),
        ("no tensors", gguf(tensors=0), "holds no language model"),
        ("a projector", gguf(general__architecture="clip"), "holds no language model"),
        ("an adapter", gguf(general__type="adapter"), "holds no language model"),
    ],
)
def test_a_file_that_is_no_whole_model_is_refused_with_the_reason(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.gguf"
    file.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        check_gguf(file)
    assert words in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint


def test_a_cut_download_of_the_built_in_model_says_how_much_is_missing(weights: Path, tmp_path: Path) -> None:
    with weights.open("rb") as whole:
        (tmp_path / "half.gguf").write_bytes(whole.read(5_000_000))
    with pytest.raises(InvalidInput, match="it has 5,000,000 bytes and needs 98,362,432"):
        check_gguf(tmp_path / "half.gguf")


def test_every_cut_and_every_flipped_byte_of_a_header_gives_a_clear_error_or_none(tmp_path: Path) -> None:
    whole = gguf()
    file = tmp_path / "x.gguf"
    for at in range(0, len(whole), 3):
        file.write_bytes(whole[:at])
        with pytest.raises(LocalChatError):
            check_gguf(file)
    for at in range(len(whole) - 128):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with contextlib.suppress(LocalChatError):  # many a byte may be anything; no other error may come
            check_gguf(file)


@pytest.mark.parametrize("path", ["missing.gguf", "missing/deeper.gguf", "~nobody-of-this-name/x.gguf"])
def test_a_file_that_is_not_there_is_told(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelMissing, match="There is no file"):
        check_gguf(path)


@pytest.mark.parametrize("path", ["nul\0.gguf", "x" * 5000, "\ud800.gguf"])
def test_a_path_that_cannot_be_is_told(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalChatError) as caught:
        check_gguf(path)
    assert caught.value.code in ("invalid_input", "model_missing")
    assert "\0" not in caught.value.message
    assert len(caught.value.message) < 500


def test_folders_devices_and_unreadable_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        check_gguf(tmp_path)
    with pytest.raises(InvalidInput, match="not a regular file"):
        check_gguf("/dev/null")
    file = tmp_path / "mine.gguf"
    file.write_bytes(gguf())

    def refuse(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # as root, no file is unreadable
    with pytest.raises(InvalidInput, match=r"cannot be read \(Permission denied\)"):
        check_gguf(file)


def test_parts_of_a_split_file_belong_together(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"big-0000{number}-of-00003.gguf").write_bytes(gguf())
    with pytest.raises(ModelMissing, match=r"big-00003-of-00003.gguf is missing"):
        check_gguf(tmp_path / "big-00001-of-00003.gguf")
    (tmp_path / "big-00003-of-00003.gguf").write_bytes(gguf())
    assert check_gguf(tmp_path / "big-00001-of-00003.gguf").size == 3 * len(gguf())
