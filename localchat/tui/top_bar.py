"""The quiet line on top of every screen: the program, what is open, the default model."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from localchat.records import Model
from localchat.text import one_line

READ_ONLY = "read-only, nothing is saved"


def default_label(model: Model | None) -> str:
    """``★ qwen3:8b · ollama``, or that there is none."""
    if model is None:
        return "no default model"
    return f"★ {one_line(model.model)} · {one_line(model.provider)}"


class TopBar(Widget):
    """The program, the chat's title, the default model: always on screen."""

    DEFAULT_CSS = """
    TopBar { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    """

    title: reactive[str] = reactive("")
    model: reactive[Model | None] = reactive(None)
    readonly: reactive[bool] = reactive(False)  # nothing is saved: that stands here as long as it is so

    def render(self) -> RenderResult:
        width = max(self.size.width - 2, 1)
        right = Content.styled(default_label(self.model), "$accent" if self.model else "$text-warning")
        if right.cell_length > width:
            right = right.truncate(width, ellipsis=True)
        left = Content.styled("localchat", "bold") if width - right.cell_length > 40 else Content("")
        if self.readonly:
            left = Content.styled(READ_ONLY, "$text-warning bold")
        title = Content(one_line(self.title))
        space = width - right.cell_length - left.cell_length
        if title.cell_length > space - 4:
            title = title.truncate(max(space - 4, 0), ellipsis=True)
        before = max((width - title.cell_length) // 2, left.cell_length + 2 if left.cell_length else 0)
        before = min(before, width - right.cell_length - title.cell_length - 1)
        gap = max(before - left.cell_length, 0)
        after = max(width - left.cell_length - gap - title.cell_length - right.cell_length, 0)
        return Content.assemble(left, " " * gap, title, " " * after, right)
