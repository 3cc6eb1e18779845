"""The hours in which people are left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.domain.quiet import MINUTES_A_DAY, Quiet, minute_of, next_at, read_quiet, text_of
from tests.support.services import local

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
MINUTES = st.integers(0, MINUTES_A_DAY - 1)
OFFSET = timedelta(hours=7)
"""Of Asia/Ho_Chi_Minh, all year round."""


def minute_at(at: datetime) -> int:
    shifted = at + OFFSET
    return shifted.hour * 60 + shifted.minute


def is_quiet(quiet: Quiet, minute: int) -> bool:
    """By looking at each minute of the quiet time."""
    length = (quiet.until - quiet.since) % MINUTES_A_DAY
    return any((quiet.since + n) % MINUTES_A_DAY == minute for n in range(length))


@settings(deadline=None, max_examples=150)
@given(INSTANTS, MINUTES, MINUTES)
def test_it_ends_as_soon_as_it_is_not_quiet(at: datetime, since: int, until: int) -> None:
    quiet = Quiet(since=since, until=until)
    if since == until:
        return
    ends = quiet.ends(at)
    if not is_quiet(quiet, minute_at(at)):
        assert ends == at
    else:
        assert minute_at(ends) == until
        assert (ends.second, ends.microsecond) == (0, 0)
        assert timedelta(0) < ends - at <= timedelta(days=1)
        assert not is_quiet(quiet, minute_at(ends))


@settings(deadline=None, max_examples=100)
@given(INSTANTS, MINUTES)
def test_the_next_time_of_day(at: datetime, minute: int) -> None:
    found = next_at(at, minute)
    assert minute_at(found) == minute
    assert timedelta(0) < found - at <= timedelta(days=1)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-20 20:59", "2026-11-20 20:59"),
        ("2026-11-20 21:00", "2026-11-21 07:00"),
        ("2026-11-20 23:59", "2026-11-21 07:00"),
        ("2026-11-21 00:00", "2026-11-21 07:00"),
        ("2026-11-21 06:59", "2026-11-21 07:00"),
        ("2026-11-21 07:00", "2026-11-21 07:00"),
        ("2026-12-31 22:00", "2027-01-01 07:00"),
    ],
)
def test_over_midnight(at: str, ends: str) -> None:
    assert read_quiet("21:00-07:00").ends(local(at)) == local(ends)


def test_within_a_day() -> None:
    noon = read_quiet("11:30-13:30")
    assert noon.ends(local("2026-11-20 12:00")) == local("2026-11-20 13:30")
    assert noon.ends(local("2026-11-20 14:00")) == local("2026-11-20 14:00")


@pytest.mark.parametrize(
    "text", ["", "21:00", "21:00-", "21-7", "24:00-07:00", "21:60-07:00", "07:00-07:00", "a1:00-b2:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        read_quiet(text)


@given(MINUTES)
def test_a_time_of_day_is_read_as_it_is_shown(minute: int) -> None:
    assert minute_of(text_of(minute)) == minute
