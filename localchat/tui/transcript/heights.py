"""Where each of many items stands, when only some of their heights are known."""

from __future__ import annotations

from array import array


class Heights:
    """Heights of items in lines: measured ones, and one estimate for all others.

    Two Fenwick trees (sums of the known heights, and how many are known) answer "at which line does item i begin" and
    "which item stands at line y" in O(log n) however many items there are; opening a chat of 10,000 costs two arrays.
    """

    def __init__(self, count: int = 0, estimate: int = 8) -> None:
        self.estimate = max(1, estimate)
        self._clear(count)

    def _clear(self, count: int) -> None:
        self._known = array("l", bytes(array("l").itemsize * count))  # 0: not measured
        self._sums = array("l", bytes(array("l").itemsize * (count + 1)))
        self._counts = array("l", bytes(array("l").itemsize * (count + 1)))
        self._total = 0
        self._measured = 0

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, index: int) -> int:
        return self._known[index] or self.estimate

    def known(self, index: int) -> bool:
        return self._known[index] > 0

    @property
    def total(self) -> int:
        return self._total + (len(self._known) - self._measured) * self.estimate

    def __setitem__(self, index: int, height: int) -> None:
        """Note a measured height; 0 forgets it."""
        before = self._known[index]
        if before == height:
            return
        self._known[index] = height
        change, counted = height - before, bool(height) - bool(before)
        self._total += change
        self._measured += counted
        place = index + 1
        while place < len(self._sums):
            self._sums[place] += change
            self._counts[place] += counted
            place += place & -place

    def top(self, index: int) -> int:
        """The line at which this item begins; ``top(len(self))`` is the total."""
        known = measured = 0
        place = index
        while place > 0:
            known += self._sums[place]
            measured += self._counts[place]
            place -= place & -place
        return known + (index - measured) * self.estimate

    def find(self, line: int) -> tuple[int, int]:
        """The item at this line, and how many lines of it are above. Beyond either end: the first or the last line."""
        if not self._known:
            return 0, 0
        line = max(0, min(line, self.total - 1))
        size = len(self._known)
        index, rest = 0, line
        step = 1 << (size.bit_length() - 1)
        while step:
            place = index + step
            if place <= size:
                span = self._sums[place] + (step - self._counts[place]) * self.estimate
                if span <= rest:
                    index, rest = place, rest - span
            step >>= 1
        return index, rest

    def resize(self, count: int, keep: int) -> None:
        """Hold ``count`` items, of which only the first ``keep`` keep their measured heights."""
        kept = self._known[: min(keep, count)]
        self._clear(count)
        self._measured = len(kept) - kept.count(0)
        if not self._measured:
            return
        self._known[: len(kept)] = kept
        self._total = sum(kept)
        sums, counts = self._sums, self._counts
        for place, height in enumerate(self._known, start=1):  # both trees, in one pass
            sums[place] += height
            counts[place] += height > 0
            above = place + (place & -place)
            if above <= count:
                sums[above] += sums[place]
                counts[above] += counts[place]
