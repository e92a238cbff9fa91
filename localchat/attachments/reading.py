"""Files that go with a message: what may, how they are found in its words, and how a model gets them.

Text goes into the words as a fenced block; images go beside them. What cannot go is refused before anything is sent.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from localchat.errors import InvalidInput
from localchat.records import Attachment, AttachmentInfo
from localchat.text import one_line, storable

MOST = 10  # attachments of one message
TEXT_LIMIT = 256 * 1024  # bytes of one text file, as UTF-8
IMAGE_LIMIT = 10 * 1024 * 1024  # bytes of one image
TOTAL_LIMIT = 20 * 1024 * 1024  # bytes of one message: what the usual endpoints take in one request
IMAGE_TOKENS = 1000  # an estimate; vendors count 85 to 1,600 for most
NAME_LIMIT = 200  # characters
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")

_KEPT = "Nothing was sent."
_TRAILING = ".,;:!?)]}>'\"”’»"


def image_type(content: bytes) -> str | None:
    """The media type by the first bytes, whatever the name says: png, jpeg, gif or webp."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def is_image(media_type: str) -> bool:
    return media_type.startswith("image/")


# Reading


def read(name: str) -> Attachment:
    """The file of that name. Raises InvalidInput, with the name and the reason, for what cannot be attached.

    Waits for the disk: not for an event loop.
    """
    shown = one_line(name, 120) or "(no name)"
    try:
        path = Path(name).expanduser()
        there = path.stat()
        if stat.S_ISDIR(there.st_mode):
            raise _refused(shown, "is a folder", "Name a file in it.")
        if not stat.S_ISREG(there.st_mode):
            raise _refused(shown, "is no ordinary file", "Copy its content into a file first.")
        with path.open("rb") as file:
            content = file.read(IMAGE_LIMIT + 1)
    except FileNotFoundError:
        raise _refused(shown, "does not exist", "Check the path.") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refused(shown, f"cannot be read ({one_line(reason, 120)})", "Check the path and its rights.") from error
    return _attachment(shown_name(name), shown, content, max(there.st_size, len(content)))


def _attachment(name: str, shown: str, content: bytes, size: int) -> Attachment:
    media_type = image_type(content)
    if media_type is not None:
        if size > IMAGE_LIMIT:
            raise _refused(shown, f"is too large: {spoken(size)}, and an image may have {spoken(IMAGE_LIMIT)}",
                           "Make it smaller first.")  # fmt: skip
        return Attachment(name, media_type, content)
    if name.lower().endswith(IMAGE_ENDINGS):
        raise _refused(shown, "is no png, jpeg, gif or webp image, whatever its name says", "Convert it first.")
    if b"\0" in content[:TEXT_LIMIT] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(shown, "is neither text nor an image", "Only text files, png, jpeg, gif and webp can go.")
    if size > TEXT_LIMIT:
        raise _refused(shown, f"is too large: {spoken(size)}, and a text file may have {spoken(TEXT_LIMIT)}",
                       "Attach the part of it that matters.")  # fmt: skip
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = f"byte {error.start + 1} is 0x{content[error.start]:02x}"
        raise _refused(shown, f"is no UTF-8 text: {at}", "Convert it first, for example with iconv.") from error
    if not text.strip():
        raise _refused(shown, "is empty", "There is nothing in it to send.")
    return Attachment(name, "text/plain", text.encode())


def read_all(names: Sequence[str], others: Sequence[Attachment] = ()) -> tuple[Attachment, ...]:
    """These files, behind ``others``; each file once. Raises InvalidInput like ``read``, and where it is too much."""
    once: dict[str, str] = {}
    for name in names:
        once.setdefault(os.path.realpath(os.path.expanduser(name)), name)  # noqa: PTH111 (never raises)
    if len(once) + len(others) > MOST:
        raise InvalidInput(
            f"A message takes {MOST} attachments, not {len(once) + len(others)}. {_KEPT}", "Remove some of them."
        )
    read_ones = (*others, *(read(name) for name in once.values()))
    total = sum(len(each.content) for each in read_ones)
    if total > TOTAL_LIMIT:
        raise InvalidInput(
            f"The attachments are too large together: {spoken(total)}, and a message takes {spoken(TOTAL_LIMIT)}."
            f" {_KEPT}",
            "Send them in several messages.",
        )
    return read_ones


def _refused(shown: str, reason: str, hint: str) -> InvalidInput:
    return InvalidInput(f"{shown} {reason}. {_KEPT}", hint)


def shown_name(name: str) -> str:
    """What a model and the transcript are told: a path within this folder as it is, any other by its last part, so
    that nobody learns where things lie on this machine."""
    path = Path(name)
    inside = not path.is_absolute() and ".." not in path.parts and not name.startswith("~")
    told = path.as_posix() if inside else path.name
    return one_line(storable(told), NAME_LIMIT) or "file"


# Finding them in the words


class Token(NamedTuple):
    """``@path`` in a text. ``explicit``: it can only be meant as a path. ``start`` and ``stop`` bound it there."""

    path: str
    explicit: bool
    start: int
    stop: int


_TOKEN = re.compile(r"(?:(?<=\s)|(?<=[(\[{<\"'“‘«])|^)@(?:\"([^\"\n]+)\"|([^\s\"@][^\s\"]*))", re.MULTILINE)


def tokens(text: str) -> list[Token]:
    """Everything in a text that may be an attachment, in its order."""
    return [
        Token(path, path.startswith(("./", "../", "~/", "/")), found.start(), found.end())
        for found in _TOKEN.finditer(text)
        if (path := found[1] or found[2])
    ]


def named_in(text: str, ignored: Iterable[str] = ()) -> list[str]:
    """The paths that ``@path`` in a text attaches. A word that names no file stays a word.

    What can only be meant as a path (``@./x``, ``@../x``, ``@~/x``, and ``@/x`` in a folder that is there) is returned
    whether there is such a file or not: reading it will say so. ``ignored``: paths that are words here.
    Waits for the disk: not for an event loop.
    """
    without = set(ignored)
    return [path for token in tokens(text) if token.path not in without and (path := _named(token)) is not None]


def _named(token: Token) -> str | None:
    for path in _readings(token.path):
        mode = _mode(path)
        if mode is None:
            continue
        if stat.S_ISDIR(mode) and "/" not in path:
            return None  # a word that happens to be a folder's name
        return path
    if not token.explicit:
        return None
    if token.path.startswith("/") and _mode(str(Path(token.path).parent)) is None:
        return None  # such as an import in JavaScript
    return _readings(token.path)[-1] or token.path


def _readings(path: str) -> list[str]:
    """The path, and without the punctuation of the sentence behind it."""
    readings = [path]
    while path and path[-1] in _TRAILING:
        path = path[:-1]
        if path.strip("./~"):
            readings.append(path)
    return readings


def _mode(path: str) -> int | None:
    try:
        return Path(path).expanduser().stat().st_mode
    except (OSError, ValueError, RuntimeError):
        return None


def as_token(path: str) -> str:
    """The path as it stands in a message, with quotes where it needs them."""
    return f'@"{path}"' if re.search(r"\s", path) else f"@{path}"


def pasted_images(text: str) -> list[str]:
    """The image files that a pasted text names and nothing but them, as terminals paste what is dropped on them:
    quoted, with backslashes, as file addresses, several with spaces between. Waits for the disk."""
    line = text.strip()
    if not line or "\n" in line or len(line) > 4096 or not any(end in line.lower() for end in IMAGE_ENDINGS):
        return []
    for paths in ([line], _split(line)):
        files = [_local_path(path) for path in paths]
        if files and all(_is_image_file(file) for file in files):
            return files
    return []


def _split(line: str) -> list[str]:
    import shlex

    try:
        return shlex.split(line)
    except ValueError:
        return []


def _local_path(path: str) -> str:
    if path.startswith("file://"):
        try:
            return unquote(urlsplit(path).path)
        except ValueError:
            return path
    return path


def _is_image_file(path: str) -> bool:
    mode = _mode(path)
    if mode is None or not stat.S_ISREG(mode) or not path.lower().endswith(IMAGE_ENDINGS):
        return False
    try:
        with Path(path).expanduser().open("rb") as file:
            return image_type(file.read(16)) is not None
    except OSError:
        return False


# What is shown, and what a model gets


def spoken(size: int) -> str:
    """``812 bytes``, ``12 kB``, ``2.4 MB``."""
    if size < 1000:
        return f"{size} bytes" if size != 1 else "1 byte"
    if size < 999_500:
        return f"{size / 1000:.0f} kB"
    return f"{size / 1e6:.1f} MB".replace(".0 ", " ")


def label(attachment: AttachmentInfo) -> str:
    """``▤ notes.txt · 12 kB``, ``▣ photo.png · image · 240 kB``."""
    name = one_line(attachment.name, NAME_LIMIT) or "file"
    if is_image(attachment.media_type):
        return f"▣ {name} · image · {spoken(attachment.size)}"
    return f"▤ {name} · {spoken(attachment.size)}"


def preview(path: str) -> str:
    """What a file will be shown as, by a look at it; or that it cannot go. Waits for the disk."""
    shown = one_line(shown_name(path), 120)
    try:
        file = Path(path).expanduser()
        there = file.stat()
        if not stat.S_ISREG(there.st_mode):
            return f"⊘ {shown} is no file"
        with file.open("rb") as opened:
            media_type = image_type(opened.read(16)) or "text/plain"
    except FileNotFoundError:
        return f"⊘ {shown} does not exist"
    except (OSError, ValueError, RuntimeError):
        return f"⊘ {shown} cannot be read"
    return label(AttachmentInfo(0, shown, media_type, there.st_size))


def with_words(attachments: Sequence[Attachment], words: str, *, images: bool = True) -> str:
    """The text of a message as a model gets it: each text file in a fence under its name, then the words.

    ``images`` False: the model cannot see them; each is named where it would be.
    """
    parts = []
    for attachment in attachments:
        if not is_image(attachment.media_type):
            name = one_line(attachment.name, NAME_LIMIT)
            parts.append(f"{name}:\n{fenced(attachment.content.decode('utf-8', 'replace'))}")
        elif not images:
            parts.append(f"(The image {one_line(attachment.name, NAME_LIMIT)} was shown here.)")
    return "\n\n".join([*parts, words] if words else parts)


def fenced(text: str) -> str:
    """The text as a code block that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    text = text if text.endswith("\n") else text + "\n"
    return f"{fence}\n{text}{fence}"
