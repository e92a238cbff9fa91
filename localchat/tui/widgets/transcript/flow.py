"""Text that can grow, laid out at one width."""

from __future__ import annotations

from localchat.tui.widgets.transcript.lines import Frame, Line, Look, spaces, wrap


class Flow:
    """The contract: ``append`` takes more text, ``lines`` is the layout so far, ``finish`` says that was all."""

    lines: list[Line]

    def append(self, text: str) -> int:
        """Returns how many lines from the top are as they were."""
        raise NotImplementedError

    def finish(self) -> None:
        raise NotImplementedError


class PlainFlow(Flow):
    """Paragraphs and code fences."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.text = ""
        self.lines = []

    def append(self, text: str) -> int:
        self.text += text
        self._lay_out()
        return 0

    def finish(self) -> None:
        pass

    def _lay_out(self) -> None:
        lines: list[Line] = []
        fence = False
        look = Look("code")
        for row in self.text.expandtabs(4).split("\n"):
            if row.lstrip().startswith("```"):
                fence = not fence
                label = row.strip().strip("`") if fence else ""
                lines.append(Line([(f"  {label}".ljust(self.width), Look("code-label"))], join=None))
            elif fence:
                mark = ((" " * 2, look),)
                for line in wrap([(row, look)], Frame(max(1, self.width - 4), mark, mark)):
                    pad = spaces(self.width - line.width)
                    lines.append(Line((*line.runs, (pad, look)), line.start, line.stop, line.join))
            else:
                lines += wrap([(row, Look())], Frame(self.width))
        self.lines = lines
