"""Files on their way into a message: which are found, which may go, what a model is told."""

from __future__ import annotations

import base64
import itertools
import os
from pathlib import Path

import pytest

from localchat.attachments import reading
from localchat.attachments.drafts import Draft, Dropped, Kept, Pasted, decoded, encoded
from localchat.attachments.reading import named_in, pasted_images, read, read_all, shown_name, spoken, with_words
from localchat.errors import InvalidInput
from localchat.records import Attachment, AttachmentInfo
from localchat.tui.composer.completions import begun, candidates, completed

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program runs, with some files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine.txt").write_text("at home")
    (tmp_path / "notes.txt").write_text("Buy milk.")
    (tmp_path / "my notes.txt").write_text("Buy more.")
    (tmp_path / "photo.png").write_bytes(PNG)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ("see @notes.txt", ["notes.txt"]),
        ("@notes.txt, @docs/a.md.", ["notes.txt", "docs/a.md"]),
        ("(@notes.txt)", ["notes.txt"]),
        ('see @"my notes.txt"!', ["my notes.txt"]),
        ("@~/mine.txt", ["~/mine.txt"]),
        ("@./gone.txt", ["./gone.txt"]),
        ("@./gone.txt?", ["./gone.txt"]),
        ("@docs/", ["docs/"]),  # refused by its name when it is read
        ("@docs please", []),  # a word that happens to be a folder
        ("@anna @app.route me@notes.txt @  @", []),
        ('from x import @"nothing here"', []),
        ("import '@/components/Button'", []),
        ("@/nowhere/at/all.txt", []),
        ("line\n@notes.txt\nline", ["notes.txt"]),
        ("@" + "x" * 5000, []),
        ("@\0", []),
    ],
)
def test_what_the_words_attach(words: str, paths: list[str]) -> None:
    assert named_in(words) == paths


def test_an_absolute_path_with_a_slip_in_the_name_is_meant_as_a_path(folder: Path) -> None:
    assert named_in(f"@{folder}/note.txt") == [f"{folder}/note.txt"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.txt", None, "does not exist"),
        ("docs", None, "is a folder"),
        ("empty.txt", b" \n", "is empty"),
        ("latin.txt", "über".encode("latin-1"), "is no UTF-8 text: byte 1 is 0xfc"),
        ("program", b"\x7fELF\0\0\0", "neither text nor an image"),
        ("long.txt", b"x" * (reading.TEXT_LIMIT + 1), "too large: 262 kB"),
        ("long.png", PNG + b"\0" * reading.IMAGE_LIMIT, "too large: 10.5 MB"),
        ("false.png", b"<html>", "no png, jpeg, gif or webp"),
        ("a\0b", None, "cannot be read"),
        ("x" * 5000, None, "cannot be read"),
        ("", None, "is a folder"),
        ("\x1b]0;title\x07", None, "does not exist"),
    ],
    ids=itertools.count(),  # not the content: one is 10 MB
)
def test_what_cannot_go_is_refused_with_the_reason(folder: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read(name)
    assert reason in refused.value.message
    assert "\x1b" not in refused.value.message
    assert refused.value.hint


def test_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidInput, match="no ordinary file"):
        read("pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_refused(folder: Path) -> None:
    (folder / "notes.txt").chmod(0)
    with pytest.raises(InvalidInput, match="Permission denied"):
        read("notes.txt")


def test_an_image_is_known_by_its_content(folder: Path) -> None:
    (folder / "really.txt").write_bytes(PNG)
    assert read("really.txt").media_type == "image/png"
    for head, kind in ((b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFF\0\0\0\0WEBPVP8 ", "webp")):
        (folder / "x").write_bytes(head + b"\0" * 20)
        assert read("x").media_type == f"image/{kind}"


def test_a_byte_order_mark_is_no_text(folder: Path) -> None:
    (folder / "windows.txt").write_bytes(b"\xef\xbb\xbfhello")
    assert read("windows.txt").content == b"hello"


def test_a_file_goes_once_and_a_message_takes_only_so_many(folder: Path) -> None:
    assert len(read_all(["notes.txt", "./notes.txt", str(folder / "notes.txt")])) == 1
    for number in range(11):
        (folder / f"{number}.txt").write_text("x")
    with pytest.raises(InvalidInput, match="takes 10 attachments, not 11"):
        read_all([f"{number}.txt" for number in range(11)])


def test_attachments_that_are_too_large_together_are_refused(folder: Path) -> None:
    for name in "abc":
        (folder / f"{name}.png").write_bytes(PNG + b"\0" * 9_000_000)
    with pytest.raises(InvalidInput, match=r"too large together: 27 MB"):
        read_all(["a.png", "b.png", "c.png"])


def test_nobody_learns_where_things_lie_on_this_machine() -> None:
    assert shown_name("src/main.py") == "src/main.py"
    assert shown_name("./src/main.py") == "src/main.py"
    assert [shown_name(path) for path in ("/home/me/x.txt", "~/x.txt", "../x.txt")] == ["x.txt"] * 3
    assert shown_name("a\x1b[2Jb\n.txt") == "a[2Jb .txt"


def test_a_model_gets_text_in_a_fence_that_the_text_cannot_end() -> None:
    file = Attachment("x.md", "text/plain", b"```python\n1\n````\nrest")
    assert with_words([file], "Why?") == "x.md:\n`````\n```python\n1\n````\nrest\n`````\n\nWhy?"
    image = Attachment("p.png", "image/png", PNG)
    assert with_words([image], "Why?") == "Why?"
    assert with_words([image], "Why?", images=False) == "(The image p.png was shown here.)\n\nWhy?"


def test_what_terminals_paste_for_a_dropped_image(folder: Path) -> None:
    (folder / "my photo.png").write_bytes(PNG)
    (folder / "false.png").write_bytes(b"text")
    spaced = str(folder / "my photo.png")
    for pasted in (spaced, f"'{spaced}' ", spaced.replace(" ", "\\ "), "file://" + spaced.replace(" ", "%20")):
        assert pasted_images(pasted) == [spaced]
    assert pasted_images(f"photo.png '{spaced}'") == ["photo.png", spaced]
    for words in ("notes.txt", "false.png", "gone.png", "see photo.png", "photo.png\nphoto.png", "'photo.png", ""):
        assert pasted_images(words) == []


def test_sizes_are_spoken() -> None:
    assert [spoken(size) for size in (1, 999, 12_345, 999_999, 10_485_760)] == [
        "1 byte", "999 bytes", "12 kB", "1 MB", "10.5 MB",
    ]  # fmt: skip


# Completing


def test_names_that_begin_so_are_offered_and_hidden_ones_only_when_asked_for(folder: Path) -> None:
    (folder / ".secret").write_text("x")
    (folder / 'quo"te').write_text("x")
    (folder / "esc\x1b[2J").write_text("x")
    assert candidates("") == ["docs/", "home/", "my notes.txt", "notes.txt", "photo.png"]
    assert candidates("NO") == ["notes.txt"]
    assert candidates("oto") == ["photo.png"]
    assert candidates("docs/") == ["docs/a.md"]
    assert candidates("~/m") == ["~/mine.txt"]
    assert candidates(".s") == [".secret"]
    assert candidates("nowhere/x") == candidates("\0/") == candidates("~nobody/") == []
    assert completed("my notes.txt") == '@"my notes.txt" '
    assert completed("my folder/") == '@"my folder/'


def test_what_is_being_typed() -> None:
    assert begun("see @no") == ("no", 4)
    assert begun('see @"my n') == ("my n", 4)
    assert begun("@") == ("", 0)
    for line in ("me@no", "@no ", "no", '@"my notes.txt"', "@a@b"):
        assert begun(line) is None


# Drafts


def test_a_plain_draft_is_stored_as_it_is_read() -> None:
    assert encoded(Draft("half a thou")) == "half a thou"
    assert decoded("half a thou") == Draft("half a thou")


def test_chips_are_stored_with_the_draft_but_not_those_of_an_edited_message() -> None:
    info = AttachmentInfo(1, "x", "text/plain", 3)
    draft = Draft("why?", (Pasted("a\nb"), Dropped("/x.png")))
    assert decoded(encoded(draft)) == draft
    assert decoded(encoded(Draft("why?", (Kept(1, info),)))) == Draft("why?")


@pytest.mark.parametrize(
    "stored", ["", "{", "[]", '{"words": 1, "chips": []}', '{"words": "x", "chips": [1]}', '{"chips": 5, "words": ""}']
)
def test_a_damaged_draft_is_words(stored: str) -> None:
    assert decoded("\x1e" + stored) == Draft(stored)


def test_a_draft_becomes_the_words_and_then_what_was_pasted() -> None:
    assert Draft("why?", (Pasted("log"), Dropped("x.png"), Pasted("more"))).text == "why?\n\nlog\n\nmore"
    assert Draft(" ", (Pasted("log"),)).text == "log"
    assert Draft("why? ").text == "why? "
