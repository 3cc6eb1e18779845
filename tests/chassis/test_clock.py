"""Time and identifiers."""

import time
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import clock


def test_the_clock_is_aware_in_utc_and_cut_to_what_a_bson_date_keeps() -> None:
    before = datetime.now(UTC)
    now = clock.system_clock()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert -0.001 <= (now - before).total_seconds() < 5


def test_a_fresh_identifier_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    before = datetime.now(UTC).timestamp()
    value = uuid.UUID(clock.new_id())
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert int(before * 1000) <= value.int >> 80 <= int(datetime.now(UTC).timestamp() * 1000)


def test_later_identifiers_sort_after_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in range(1_000_000, 1_000_200):
        monkeypatch.setattr(time, "time", lambda now=milliseconds / 1000: now)
        made.append(clock.new_id())
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_identifiers_of_the_same_moment_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
    assert len({clock.new_id() for _ in range(1000)}) == 1000


def test_the_same_parts_give_the_same_identifier_for_ever() -> None:
    # Written down, because ids of stored documents are made this way: another result would file a dossier twice.
    assert clock.id_from("dossier", "office", "key-1") == "b0b5becd-798e-8702-af59-a31190e2620d"
    value = uuid.UUID(clock.id_from("dossier", "office", "key-1"))
    assert (value.version, value.variant) == (8, uuid.RFC_4122)


@given(st.lists(st.text(min_size=1).filter(lambda t: "\x1f" not in t), min_size=2, max_size=3))
def test_other_parts_give_another_identifier(parts: list[str]) -> None:
    made = clock.id_from(*parts)
    assert made == clock.id_from(*parts)
    assert made != clock.id_from("".join(parts))
    assert made != clock.id_from(*parts, "")
