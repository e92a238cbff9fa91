"""What of a chat is in the window: which entries are read, laid out, kept and forgotten. No screen in here.

The truth about the position is the line under the eye: an item and a line of it. The scroll offset follows from it and
from the heights known so far, so a correction of an estimate above never moves what is being read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from localchat.tui.transcript.entries import Entry, Source
from localchat.tui.transcript.heights import Heights
from localchat.tui.transcript.item import Folds, Item

PAGE = 16  # entries read at once
KEPT_PAGES = 8
KEPT_ITEMS = 48  # laid out entries kept beyond those in the window
KEPT_LINES = 8000


class Row(NamedTuple):
    """One row of the window: a line of an item."""

    item: Item
    number: int
    place: int  # of the item


class Nothing:
    """The source before one is shown."""

    def __len__(self) -> int:
        return 0

    def entries(self, start: int, stop: int) -> Sequence[Entry]:
        return ()


class Window:
    def __init__(self, folds: Folds) -> None:
        self.folds = folds
        self.source: Source = Nothing()
        self.width = 0
        self.height = 0
        self.heights = Heights()
        self.rows: list[Row] = []
        self.follow = True
        self.index = 0  # the item under the eye,
        self.line = 0  # and the line of it
        self.live: Item | None = None  # drawn in place of, or behind, the source's last entry
        self._live_index = 0
        self._guessed = False
        self._pages: OrderedDict[int, Sequence[Entry]] = OrderedDict()
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._before: dict[int, Item] = {}  # what was laid out before the last refresh, by key: most is unchanged

    # What is there

    def __len__(self) -> int:
        return len(self.heights)

    @property
    def top(self) -> int:
        """The scroll offset: the line of the whole that is the first in the window."""
        return self.heights.top(self.index) + self.line if len(self) else 0

    @property
    def total(self) -> int:
        return self.heights.total

    @property
    def at_end(self) -> bool:
        return self.top + self.height >= self.total

    def entry(self, index: int) -> Entry:
        if self.live is not None and index == self._live_index:
            return self.live.entry
        number = index // PAGE
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = self.source.entries(number * PAGE, (number + 1) * PAGE)
            if len(self._pages) > KEPT_PAGES:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(number)
        return page[index % PAGE] if index % PAGE < len(page) else Entry(-1 - index, "system", "")

    def item(self, index: int) -> Item:
        """The entry laid out; its height is known from now on."""
        if self.live is not None and index == self._live_index:
            item = self.live
        else:
            kept = self._items.get(index)
            if kept is None:
                kept = self._items[index] = self._lay_out(self.entry(index))
            else:
                self._items.move_to_end(index)
            item = kept
        self.heights[index] = item.height
        return item

    def _lay_out(self, entry: Entry) -> Item:
        before = self._before.get(entry.key)
        return before if before is not None and before.entry == entry else Item(entry, self.width, self.folds)

    def laid_out(self) -> list[Item]:
        return [*self._items.values(), *([self.live] if self.live is not None else [])]

    def peek(self, index: int) -> Item | None:
        """The entry as it is laid out, where it is."""
        return self.live if self.live is not None and index == self._live_index else self._items.get(index)

    # What changes

    def show(self, source: Source) -> None:
        self.source = source
        self.live = None
        self._guessed = False
        self._forget()
        self.heights = Heights(len(source), self.heights.estimate)
        self.follow = True
        self.index = self.line = 0

    def refresh(self, start: int) -> None:
        """The entries from ``start`` on may have changed, come or gone. What is unchanged keeps its layout."""
        key = self.rows[0].item.entry.key if self.rows else None
        old_pages = self._pages
        self._before = {item.entry.key: item for item in self._items.values()}
        if self.live is not None and not self.live.entry.live:  # what the source has now is what counts
            self._before[self.live.entry.key] = self.live
            self.live = None
        self._pages, self._items = OrderedDict(), OrderedDict()
        count = len(self.source)
        if self.live is not None:
            last = self.source.entries(count - 1, count) if count else ()
            if last and last[0].key == self.live.entry.key:
                self._live_index = count - 1
            else:
                self._live_index = count
                count += 1
        self.heights.resize(count, start)
        for number, page in old_pages.items():
            if (number + 1) * PAGE <= start:
                self._pages[number] = page
        if count and not self.follow and key is not None:
            self._find_again(key)

    def _find_again(self, key: int) -> None:
        """Keep the eye on the same entry where entries came or went near it."""
        count = len(self)
        for distance in range(2 * PAGE):
            for index in {self.index - distance, self.index + distance}:
                if 0 <= index < count and self.entry(index).key == key:
                    self.index = index
                    return
        self.index, self.line = min(self.index, count - 1), 0

    def begin_live(self, item: Item) -> None:
        self.live = item
        self.refresh(len(self.source))

    def end_live(self) -> None:
        """The live item is done. It stays until the source has it too."""
        if self.live is None:
            return
        count = len(self.source)
        if self._live_index < count and self.source.entries(count - 1, count)[0] == self.live.entry:
            self._items[self._live_index] = self.live
            self.live = None
            self._pages.clear()

    def resize(self, width: int, height: int) -> None:
        if width != self.width:
            item = self.peek(self.index) if len(self) else None
            share = self.line / item.height if item is not None and self.line < item.height else 0.0
            before, self.width = self.width, width
            self._forget()
            if before > 0 and width > 0:
                self.heights.estimate = max(3, round(self.heights.estimate * before / width))
            self.heights = Heights(len(self), self.heights.estimate)
            if self.live is not None and width > 0:
                self.live = self.live.at_width(width)
            if len(self) and not self.follow and width > 0:
                self.line = round(share * self.item(self.index).height)
        self.height = height

    def _forget(self) -> None:
        self._pages.clear()
        self._items.clear()
        self._before.clear()
        self.rows = []

    def clear_strips(self) -> None:
        for item in self._items.values():
            item.strips.clear()
        if self.live is not None:
            self.live.strips.clear()

    # Where the eye is

    def jump(self, index: int, line: int = 0) -> None:
        self.index, self.line, self.follow = max(0, min(index, len(self) - 1)), max(0, line), False

    def move(self, lines: int) -> None:
        """Scroll by so many lines, exactly, however wrong the estimates are on the way."""
        index, line = self.index, self.line + lines
        while line < 0 and index > 0:
            index -= 1
            line += self.item(index).height
        while index < len(self) - 1 and line >= self.item(index).height:
            line -= self.item(index).height
            index += 1
        self.jump(index, line)

    def find(self, top: int) -> None:
        """Scroll to this line of the whole, as far as the heights are known."""
        self.jump(*self.heights.find(top))

    def settle(self) -> None:
        """Lay out what is in the window, and note it in ``rows``."""
        self.rows = []
        if not len(self) or self.width <= 0 or self.height <= 0:
            return
        if self.follow:
            self._to_end()
        else:
            self.line = min(self.line, self.item(self.index).height - 1)
            self._fill_down()
        if len(self.rows) < self.height and (self.index or self.line):
            self._to_end()
        if self.follow:
            self._fill_down()
        if not self._guessed:
            self._guess()
        self._trim()

    def _fill_down(self) -> None:
        rows: list[Row] = []
        index, line = self.index, self.line
        while len(rows) < self.height and index < len(self):
            item = self.item(index)
            stop = min(item.height, line + self.height - len(rows))
            rows += [Row(item, number, index) for number in range(line, stop)]
            index, line = index + 1, 0
        self.rows = rows

    def _to_end(self) -> None:
        """Put the last line of all at the bottom of the window."""
        index, room = len(self) - 1, self.height
        while True:
            height = self.item(index).height
            if height >= room or index == 0:
                self.index, self.line = index, max(0, height - room)
                break
            room -= height
            index -= 1
        self._fill_down()

    def _guess(self) -> None:
        """Take the mean of what is seen first as the estimate for all that is not seen yet."""
        self._guessed = True
        seen = {row.place: row.item.height for row in self.rows}
        self.heights.estimate = max(2, sum(seen.values()) // len(seen))

    def _trim(self) -> None:
        """Forget what is far from the window, and the painted lines of all that is out of it."""
        visible = {row.place for row in self.rows}
        lines = 0
        for index, item in self._items.items():
            lines += item.height
            if index not in visible and item.strips:
                item.strips.clear()
        for index in list(self._items):
            if len(self._items) - len(visible) <= KEPT_ITEMS and lines <= KEPT_LINES:
                break
            if index not in visible:
                lines -= self._items.pop(index).height
