"""What failed before hints named no key any more, brought to the step ``remedies``."""

from __future__ import annotations

from pathlib import Path

import pytest

from localchat.errors import ASK_AGAIN, Remedy, Way
from localchat.records import ErrorNote
from localchat.store import Store
from tests.store.helpers import raw

OLD = Path(__file__).parent / "data" / "version3.sql"


@pytest.mark.parametrize(
    ("hint", "now", "remedy"),
    [
        ("Press ctrl+r to ask again.", "", ASK_AGAIN),
        ("Start it and press ctrl+r.", "Start it.", ASK_AGAIN),
        ("Wait 7 s, then press ctrl+r.", "Wait 7 s.", ASK_AGAIN),
        ("Enter its key again: f2, then e.", "Enter its key again.", Remedy(Way.EDIT_PROVIDER, "z")),
        (
            "Its address may need a path: http://h/v1. Edit it: f2, then e.",
            "Its address may need a path: http://h/v1.",
            Remedy(Way.EDIT_PROVIDER, "z"),
        ),
        ("Check the name, or let it list its models: f2, then D.", "Check the name.", Remedy(Way.DISCOVER, "z")),
        ("Free some space.", "Free some space.", None),
        ("", "", None),
    ],
)
def test_the_hint_of_an_old_failure_loses_its_key_and_keeps_its_way_out(
    tmp_path: Path, hint: str, now: str, remedy: Remedy | None
) -> None:
    path = tmp_path / "old.db"
    with raw(path) as connection:
        connection.executescript(OLD.read_text("utf-8"))
        connection.execute(
            "update messages set status = 'failed', error_code = 'internal', error_message = 'm', error_hint = ?"
            " where id = 2",
            (hint,),
        )
        connection.commit()
    with Store(path) as store:
        message = store.messages.get(2)
        assert message.model_ref is not None
        assert message.model_ref.partition("/")[0] in ("z", "y")
        provider = message.model_ref.partition("/")[0]
        expected = Remedy(remedy.way, provider) if remedy is not None and remedy.subject else remedy
        assert message.error == ErrorNote("internal", "m", now, expected)
