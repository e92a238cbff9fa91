"""From laid out lines to strips: the one place that knows colours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.style import Style

from localchat.tui.transcript.item import MARGIN, Item
from localchat.tui.transcript.lines import Line, Look

CARET = "▌"  # behind the last word of a reply that is still coming, and beside the marked message
META = "transcript"  # the key in a style's meta under which a click finds its action

# Roles and how the theme colours them. All are read on top of the widget's own background.
ROLES: dict[str, str] = {
    "text": "$foreground 90%",
    "you": "$text-primary",
    "speaker": "$foreground 65%",
    "aside": "$foreground 50%",
    "removed": "$text-warning",
    "info": "$foreground 55%",
    "warning": "$text-warning",
    "error": "$text-error",
    "rule": "$foreground 25%",
    "marker": "$foreground 50%",
    "heading": "$foreground",
    "subheading": "$foreground 80%",
    "code": "$foreground 90% on $foreground 7%",
    "code-label": "$foreground 50% on $foreground 7%",
    "inline-code": "$text-accent on $foreground 7%",
    "link": "underline $text-primary",
    "quote": "$foreground 70%",
    "thought": "$foreground 55%",
    "fold": "$foreground 55%",
    "cursor": "$accent",
    "match": "$background on $warning",
    "token-keyword": "$text-accent on $foreground 7%",
    "token-string": "$text-success on $foreground 7%",
    "token-number": "$text-warning on $foreground 7%",
    "token-comment": "italic $foreground 50% on $foreground 7%",
    "token-name": "$text-primary on $foreground 7%",
    "token-type": "bold $text-primary on $foreground 7%",
    "token-operator": "$foreground 70% on $foreground 7%",
    "token-error": "$text-error on $foreground 7%",
}
_FAINT = frozenset(
    {"speaker", "aside", "info", "rule", "marker", "code-label", "quote", "thought", "fold", "token-comment"}
)


class Palette:
    """The styles of one theme on one background, made when first used."""

    def __init__(self, base: Style, variables: Mapping[str, str], ansi: bool) -> None:
        self._base = base
        self._variables = dict(variables)
        self._ansi = ansi
        self._styles: dict[Look, RichStyle] = {}

    @property
    def blank(self) -> RichStyle:
        return self._base.rich_style

    def style(self, look: Look) -> RichStyle:
        style = self._styles.get(look)
        if style is None:
            style = self._styles[look] = self._make(look)
        return style

    def _make(self, look: Look) -> RichStyle:
        definition = ROLES.get(look.role, ROLES["text"])
        if self._ansi:
            definition = definition.partition(" on $foreground")[0]
        style = self._base + Style.parse(definition, self._variables)
        style += Style(
            bold=look.bold or None,
            italic=look.italic or None,
            strike=look.strike or None,
            underline=look.underline or None,
            dim=True if self._ansi and look.role in _FAINT else None,
        )
        rich = style.rich_style
        return rich + RichStyle.from_meta({META: look.action}) if look.action is not None else rich

    def strip(self, line: Line) -> Strip:
        return Strip([Segment(text, self.style(look)) for text, look in line.runs])


def restyled(strip: Strip, start: int, stop: int, style: RichStyle) -> Strip:
    """The strip with a style over these characters (not cells)."""
    if stop <= start:
        return strip
    segments: list[Segment] = []
    place = 0
    for text, look, _ in strip:
        end = place + len(text)
        low, high = max(start - place, 0), min(stop - place, len(text))
        if low >= high:
            segments.append(Segment(text, look))
        else:
            if low:
                segments.append(Segment(text[:low], look))
            segments.append(Segment(text[low:high], look + style if look else style))
            if high < len(text):
                segments.append(Segment(text[high:], look))
        place = end
    return Strip(segments, strip.cell_length)


def item_strip(item: Item, number: int, palette: Palette, width: int, words: re.Pattern[str] | None) -> Strip:
    """A line of an item as wide as the window, margin included; kept with the item. ``words`` in it are marked."""
    ends_live = item.entry.live and number == item.last_text_line and bool(item.flow.lines)
    kept = None if ends_live else item.strips.get(number)
    if kept is not None:
        return kept
    line = item.line(number)
    painted = palette.strip(with_caret(line, item.width) if ends_live else line)
    for match in words.finditer(line.text) if words is not None else ():
        painted = restyled(painted, match.start(), match.end(), palette.style(Look("match")))
    margin = Segment(" " * MARGIN, palette.blank)
    strip = Strip([margin, *painted], MARGIN + painted.cell_length).adjust_cell_length(width, palette.blank)
    if not ends_live:
        item.strips[number] = strip
    return strip


def with_cursor(strip: Strip, palette: Palette) -> Strip:
    """The strip with the bar of the marked message in its margin."""
    bar = Segment(CARET.ljust(MARGIN), palette.style(Look("cursor")))
    return Strip([bar, *list(strip)[1:]], strip.cell_length)


def with_caret(line: Line, width: int) -> Line:
    """The line with a caret behind its text, where there is room for one."""
    caret = (CARET, Look("cursor"))
    if line.width < width:
        return Line((*line.runs, caret))
    place = 0
    for number, (text, look) in enumerate(line.runs):
        place += len(text)
        if number == len(line.runs) - 1 and line.stop == place - len(text) and text[:1] == " ":
            return Line((*line.runs[:-1], (CARET, look), (text[1:], look)))
    return line
