"""Where the person writes, with what goes along: files, long pastes, images dropped on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from localchat.attachments import named_in, read_all
from localchat.errors import InvalidInput
from localchat.records import Attachment
from localchat.tui.widgets.apart import apart

READING = 10.0  # seconds that the disk may take for all attachments of a message


async def files_of(
    words: str, paths: Sequence[str] = (), others: Sequence[Attachment] = (), ignored: Sequence[str] = ()
) -> tuple[Attachment, ...]:
    """What goes with these words: ``others``, the files at ``paths``, and those that the words name. Raises InvalidInput
    for one that cannot go."""
    if "@" not in words and not paths and not others:
        return ()
    try:
        return await apart(lambda: read_all([*paths, *named_in(words, ignored)], others), READING)
    except TimeoutError as error:
        raise InvalidInput(
            f"The attached files could not be read within {READING:.0f} seconds. Nothing was sent.",
            "Check the disk or the server that they are on.",
        ) from error
