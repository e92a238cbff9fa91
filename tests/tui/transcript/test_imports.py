"""What is heavy is imported when it is needed, so that the window is there at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("markdown_it", "pygments.lexers", "rich.markdown", "rich.syntax", "textual.widgets._markdown", "linkify_it")


def loaded_after(code: str) -> set[str]:
    """Which heavy modules a fresh interpreter holds after this."""
    script = f"import sys\n{code}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("content", "heavy"),
    [
        (None, set()),
        ("Entry(1, 'user', 'you', content='what a **person** typed')", set()),
        ("Entry(1, 'assistant', 'm', content='some *Markdown*')", {"markdown_it", "linkify_it"}),
        ("Entry(1, 'user', 'you', content='```py\\nx\\n```')", {"pygments.lexers"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(content: str | None, heavy: set[str]) -> None:
    code = "from localchat.tui.transcript import Entry, layout_lines"
    if content is not None:
        code += f"\nlayout_lines({content}, 80)"
    assert loaded_after(code) <= heavy
