"""Values as any program may have written them, read as a record can have them."""

from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localchat.records import NO_TIME, moment
from localchat.store import fields

ANYTHING = st.none() | st.integers() | st.floats() | st.text() | st.binary()


@settings(derandomize=True, deadline=None)
@given(ANYTHING)
def test_every_reader_answers_for_every_value(value: object) -> None:
    assert isinstance(fields.text(value), str)
    assert fields.number(value) >= 0
    assert fields.number_or_none(value) is None or sqlite3.connect(":memory:").execute(
        "select ?", (fields.number(value),)
    )
    assert isinstance(fields.content(value), bytes)
    assert fields.one_of(value, ("a", "b"), "b") in ("a", "b")
    json.dumps(fields.document(value), allow_nan=False)
    assert all(isinstance(each, str) for each in fields.texts(value))
    assert moment(fields.text(value)).tzinfo is not None


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), (3.0, 3), (3.5, None), (-1, None), (2**63, None), (float("inf"), None), ("3", None)]
)
def test_a_count_is_one_that_can_be(value: object, number: int | None) -> None:
    assert fields.number_or_none(value) == number


@pytest.mark.parametrize("value", ['{"a": NaN}', "[1]", "{", "[" * 100_000, None, b"\xff"])
def test_what_is_no_object_is_an_empty_one(value: object) -> None:
    assert fields.document(value) == {}
    assert fields.document('{"seed": 1180591620717411303424}') == {"seed": 2**70}


@pytest.mark.parametrize(
    "stamped", ["", "x", "2026-13-45T00:00:00.000Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_time_that_is_none_is_no_error(stamped: str) -> None:
    assert moment(stamped) == NO_TIME


def test_a_time_without_a_zone_is_utc() -> None:
    assert moment("2026-03-02 14:00:00") == moment("2026-03-02T14:00:00.000Z") == moment("2026-03-02T16:00:00+02:00")
