"""What is written and not sent yet: the words, and what goes along with them.

Stored as the plain words where there is nothing else; else as a JSON document behind a mark that no keyboard types.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from localchat.records import AttachmentInfo

MARK = "\x1e"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A long text that was pasted: it is sent behind the words."""

    text: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that goes along. ``path`` in full."""

    path: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What went with a message that is edited, and goes with its new version too."""

    message_id: int
    info: AttachmentInfo


Chip = Pasted | Dropped | Kept


@dataclass(frozen=True, slots=True)
class Draft:
    words: str = ""
    chips: tuple[Chip, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.chips)

    @property
    def text(self) -> str:
        """The text of the message that it will be: the words, then what was pasted."""
        pasted = [chip.text for chip in self.chips if isinstance(chip, Pasted)]
        return "\n\n".join([self.words, *pasted] if self.words.strip() else pasted) if pasted else self.words

    @property
    def paths(self) -> list[str]:
        return [chip.path for chip in self.chips if isinstance(chip, Dropped)]

    @property
    def kept(self) -> list[Kept]:
        return [chip for chip in self.chips if isinstance(chip, Kept)]

    def without(self, number: int) -> Draft:
        """The draft without this chip."""
        return replace(self, chips=self.chips[:number] + self.chips[number + 1 :])


def encoded(draft: Draft) -> str:
    """The draft as it is stored. What belongs to an edited message stays with that."""
    chips = []
    for chip in draft.chips:
        match chip:
            case Pasted(text):
                chips.append({"pasted": text})
            case Dropped(path):
                chips.append({"file": path})
    return MARK + json.dumps({"words": draft.words, "chips": chips}) if chips else draft.words


def decoded(stored: str) -> Draft:
    """The other way. What is no draft of ours is words, whatever it is."""
    if not stored.startswith(MARK):
        return Draft(stored)
    try:
        given = json.loads(stored[len(MARK) :])
        chips = [Pasted(each["pasted"]) if "pasted" in each else Dropped(each["file"]) for each in given["chips"]]
        words = given["words"]
    except (ValueError, TypeError, LookupError, AttributeError):
        return Draft(stored.removeprefix(MARK))
    texts = [words, *(chip.text if isinstance(chip, Pasted) else chip.path for chip in chips)]
    return Draft(words, tuple(chips)) if all(isinstance(text, str) for text in texts) else Draft(stored[len(MARK) :])
