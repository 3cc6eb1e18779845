"""Cursors: opaque, and whatever else a caller sends as one is a 422."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chassis.errors import Invalid
from chassis.paging import PageQuery, cursor_of, keys_of, page

WHEN = datetime(2026, 3, 2, 1, 2, 3, 456000, tzinfo=UTC)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_cursor_gives_its_keys_back() -> None:
    cursor = cursor_of(WHEN, "Đức/?", -5)
    assert keys_of(cursor, datetime, str, int) == [WHEN, "Đức/?", -5]
    assert "=" not in cursor
    assert keys_of(None, datetime) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "", "!", "không", "a", encoded(5), encoded({}), encoded([]), encoded(["a"]), encoded(["a", "b", "c"]),
        encoded([{"t": "2026-03-02T00:00:00"}, "a"]), encoded([{"t": "yesterday"}, "a"]), encoded([{"t": 5}, "a"]),
        encoded([{"x": 1}, "a"]), encoded([None, "a"]), encoded([True, "a"]), encoded(["x", "a"]),
        encoded([{"t": "2026-03-02T00:00:00Z"}, "\ud800"]), encoded([{"t": "0001-01-01T00:00:00+14:00"}, "a"]),
    ],
)  # fmt: skip
def test_what_no_list_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as error:
        keys_of(cursor, datetime, str)
    assert [e.pointer for e in error.value.errors] == ["/cursor"]


def test_a_number_that_no_store_holds_is_refused() -> None:
    assert keys_of(encoded([2**63 - 1]), int) == [2**63 - 1]
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(Invalid):
            keys_of(encoded([number]), int)


@given(st.text(max_size=500))
def test_no_text_breaks_it(cursor: str) -> None:
    try:
        keys = keys_of(cursor, str)
    except Invalid:
        return
    assert keys is not None
    assert isinstance(keys[0], str)


def test_a_page_is_cut_and_has_a_next_only_when_there_is_more() -> None:
    assert page([1, 2, 3], 2, cursor_of) == ([1, 2], cursor_of(2))
    assert page([1, 2], 2, cursor_of) == ([1, 2], None)
    assert page([], 2, cursor_of) == ([], None)


@pytest.mark.parametrize("limit", ["0", "201", "x"])
def test_a_limit_is_between_1_and_200(limit: str) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate({"limit": limit})
    assert PageQuery().limit == 50
