"""Working time: the rules as cases in words, and the arithmetic against a naive count, minute by minute."""

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chassis.worktime import (
    Budget,
    Calendar,
    DayKind,
    Hours,
    Unit,
    add,
    between,
    due,
    local_day,
    start_of_clock,
    timing,
)
from tests.support.effort import examples

# On purpose not the module's zone: a plain +07:00 has no zone data that both sides could share a mistake with.
LOCAL = timezone(timedelta(hours=7))
HOURS = Hours()
MINUTE = timedelta(minutes=1)

# The year 2026 as the public sector worked it: two swaps, a week of Tết, a holiday moved from a Sunday to a Monday.
OFF_2026 = (
    "2026-01-01 2026-01-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-04-26 2026-04-27 2026-04-30 "
    "2026-05-01 2026-08-31 2026-09-01 2026-09-02 2026-11-24"
)
WORKING_2026 = "2026-01-10 2026-08-22"


def listed(kind: DayKind, days: str) -> list[tuple[date, DayKind]]:
    return [(date.fromisoformat(day), kind) for day in days.split()]


CALENDAR = Calendar([*listed("off", OFF_2026), *listed("working", WORKING_2026)], {2026})


def at(text: str) -> datetime:
    """A local instant, from "2026-03-06 16:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def shown(instant: datetime | None) -> str:
    assert instant is not None
    assert instant.tzinfo is UTC, "what comes out is in UTC"
    return instant.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")


# --- hours ------------------------------------------------------------------------------------------------------------


def test_default_hours_are_eight() -> None:
    assert HOURS.minutes_per_day == 480
    assert Hours.parse([["07:00", "11:30"], ["13:30", "17:00"]]) == HOURS


def test_spans_may_touch() -> None:
    touching = Hours.parse([["08:00", "12:00"], ["12:00", "15:00"]])
    assert touching.minutes_per_day == 420
    assert shown(add(at("2026-03-03 08:00"), 240, CALENDAR, touching)) == "2026-03-03 12:00"
    assert shown(add(at("2026-03-03 12:00"), 0, CALENDAR, touching)) == "2026-03-03 12:00"


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([], id="no span"),
        pytest.param([["11:30", "07:00"]], id="backwards"),
        pytest.param([["07:00", "07:00"]], id="empty span"),
        pytest.param([["07:00", "11:30"], ["11:00", "17:00"]], id="overlap"),
        pytest.param([["13:30", "17:00"], ["07:00", "11:30"]], id="out of order"),
        pytest.param([["07:00", "24:00"]], id="past the day"),
        pytest.param([["7:00", "11:30"]], id="one digit"),
        pytest.param([["07:00:30", "11:30"]], id="seconds"),
        pytest.param([["07:00"]], id="no end"),
        pytest.param([["07:00", "11:30", "12:00"]], id="three ends"),
        pytest.param(["07:00-11:30"], id="text for a span"),
        pytest.param([[7, 11]], id="numbers"),
        pytest.param("07:00", id="text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_unusable_hours_are_refused(spans: Any) -> None:
    with pytest.raises(ValueError, match=r"span|hour"):
        Hours.parse(spans)


@pytest.mark.parametrize("end", [time(11, 30, 1), time(11, 30, tzinfo=UTC)])
def test_spans_are_whole_minutes_of_local_time(end: time) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        Hours(((time(7, tzinfo=end.tzinfo), end),))


# --- calendar ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param("2026-03-06", True, id="a Friday"),
        pytest.param("2026-03-07", False, id="a Saturday"),
        pytest.param("2026-03-08", False, id="a Sunday"),
        pytest.param("2026-01-10", True, id="a make-up Saturday"),
        pytest.param("2026-01-02", False, id="the Friday that it makes up for"),
        pytest.param("2026-04-26", False, id="a holiday on a Sunday"),
        pytest.param("2026-04-27", False, id="its substitute on Monday"),
    ],
)
def test_days(day: str, working: bool) -> None:
    assert CALENDAR.is_working(date.fromisoformat(day)) is working


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-03-05", "2026-03-06"),
        ("2026-03-06", "2026-03-09"),
        ("2026-03-07", "2026-03-09"),
        ("2026-02-13", "2026-02-23"),
        ("2026-01-09", "2026-01-10"),
        ("2026-01-10", "2026-01-12"),
        ("2025-12-31", "2026-01-05"),
    ],
)
def test_next_working_day_is_never_the_day_itself(day: str, following: str) -> None:
    assert CALENDAR.next_working_day(date.fromisoformat(day)) == date.fromisoformat(following)


def test_a_year_nobody_has_published_follows_the_plain_rule_and_says_so() -> None:
    assert CALENDAR.covers(date(2026, 12, 31))
    assert not CALENDAR.covers(date(2027, 1, 1))
    assert CALENDAR.is_working(date(2027, 1, 1)), "a Friday"
    # 30 December is a Wednesday: Thursday, and then New Year's Day, since no list says that it is off.
    assert shown(due(at("2026-12-30 16:00"), Budget(2, "working_day"), CALENDAR, HOURS)) == "2027-01-01 16:00"


def test_a_day_listed_ahead_of_its_year_counts() -> None:
    early = Calendar(listed("off", "2027-01-01"), {2026})
    assert not early.is_working(date(2027, 1, 1))
    assert not early.covers(date(2027, 1, 1))


def test_a_calendar_is_a_value() -> None:
    days = [*listed("off", OFF_2026), *listed("working", WORKING_2026)]
    same = Calendar(reversed([*days, *days]), [2026, 2026])
    assert same == CALENDAR
    assert hash(same) == hash(CALENDAR)
    assert Calendar(days, {2025}) != CALENDAR
    assert pickle.loads(pickle.dumps(CALENDAR)).next_working_day(date(2026, 2, 13)) == date(2026, 2, 23)
    with pytest.raises(AttributeError):
        CALENDAR.years = frozenset()  # type: ignore[misc]


@pytest.mark.parametrize(
    "days",
    [
        pytest.param([(date(2026, 1, 1), "off"), (date(2026, 1, 1), "working")], id="both off and working"),
        pytest.param([(date(2026, 1, 1), "holiday")], id="an unknown kind"),
        pytest.param([(datetime(2026, 1, 1, tzinfo=UTC), "off")], id="an instant"),
    ],
)
def test_an_unusable_calendar_is_refused(days: Any) -> None:
    with pytest.raises(ValueError, match=r"listed|instant"):
        Calendar(days)


@pytest.mark.parametrize("ask", [CALENDAR.is_working, CALENDAR.next_working_day])
def test_a_calendar_is_not_asked_about_an_instant(ask: Callable[[date], object]) -> None:
    with pytest.raises(ValueError, match="not an instant"):
        ask(datetime(2026, 3, 6, tzinfo=UTC))


# --- budget -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "unit", "minutes"),
    [
        (1, "working_day", 480),
        (0.25, "working_day", 120),
        (Decimal("0.25"), "working_day", 120),
        (0.1, "working_day", 48),
        (2.5, "working_day", 1200),
        (0.062, "working_day", 30),
        (0.5, "hour", 30),
        (112, "hour", 6720),
        (0.025, "hour", 2),
    ],
)
def test_budget_in_minutes(amount: float, unit: Unit, minutes: int) -> None:
    short_day = Hours.parse([["08:00", "11:00"]])
    assert Budget(amount, unit).working_minutes(HOURS) == minutes
    assert Budget(amount, unit).working_minutes(short_day) == minutes, "a working day is eight hours for everyone"


def test_calendar_days_have_no_working_minutes() -> None:
    with pytest.raises(ValueError, match="not counted in working minutes"):
        Budget(3, "calendar_day").working_minutes(HOURS)


def test_budget_is_read_from_data() -> None:
    assert Budget.parse({"amount": 0.25, "unit": "working_day"}) == Budget(Decimal("0.25"), "working_day")
    assert Budget.parse({"amount": "0.25", "unit": "hour"}) == Budget(0.25, "hour")
    assert Budget.parse({"amount": 15.0, "unit": "calendar_day"}) == Budget(15, "calendar_day")


@pytest.mark.parametrize(
    "data",
    [
        {"amount": 0, "unit": "hour"},
        {"amount": -1, "unit": "hour"},
        {"amount": 0.5, "unit": "calendar_day"},
        {"amount": 0.008, "unit": "hour"},
        {"amount": float("nan"), "unit": "hour"},
        {"amount": float("inf"), "unit": "calendar_day"},
        {"amount": Decimal("1E999999"), "unit": "calendar_day"},
        {"amount": True, "unit": "hour"},
        {"amount": None, "unit": "hour"},
        {"amount": "a day", "unit": "hour"},
        {"amount": 1, "unit": "month"},
        {"amount": 1, "unit": None},
        {"amount": 1},
        {"amount": 1, "unit": "hour", "per": "step"},
        None,
        [1, "hour"],
    ],
)
def test_an_unusable_budget_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"amount|budget|calendar days"):
        Budget.parse(data)


def test_an_unknown_unit_is_refused_without_parse() -> None:
    with pytest.raises(ValueError, match="unit"):
        Budget(1, "month")  # type: ignore[arg-type]


# --- add and between --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        pytest.param("2026-03-06 16:00", 480, "2026-03-09 16:00", id="Friday 16:00 and a day is Monday 16:00"),
        pytest.param("2026-03-03 07:00", 480, "2026-03-03 17:00", id="07:00 and eight hours is 17:00 the same day"),
        pytest.param("2026-03-03 07:00", 481, "2026-03-04 07:01", id="and one minute more is the next morning"),
        pytest.param("2026-03-03 07:00", 270, "2026-03-03 11:30", id="half of the day ends at 11:30, not at 13:30"),
        pytest.param("2026-03-03 11:00", 60, "2026-03-03 14:00", id="across lunch"),
        pytest.param("2026-03-03 12:10", 30, "2026-03-03 14:00", id="from within lunch"),
        pytest.param("2026-03-03 11:30", 1, "2026-03-03 13:31", id="from the start of lunch"),
        pytest.param("2026-03-03 05:00", 60, "2026-03-03 08:00", id="from before opening"),
        pytest.param("2026-03-03 17:00", 60, "2026-03-04 08:00", id="from closing"),
        pytest.param("2026-03-06 20:00", 60, "2026-03-09 08:00", id="from Friday night"),
        pytest.param("2026-03-08 10:00", 60, "2026-03-09 08:00", id="from a Sunday"),
        pytest.param("2026-02-13 16:00", 120, "2026-02-23 08:00", id="across the week of Tết"),
        pytest.param("2026-01-09 16:00", 480, "2026-01-10 16:00", id="into a make-up Saturday"),
        pytest.param("2026-01-10 07:00", 960, "2026-01-12 17:00", id="out of a make-up Saturday"),
        pytest.param("2026-03-03 10:15:59", 10, "2026-03-03 10:25", id="seconds are dropped"),
        pytest.param("2026-03-03 16:59:59", 1, "2026-03-03 17:00", id="the last second still belongs to the day"),
        pytest.param("2026-03-03 09:00", 0, "2026-03-03 09:00", id="nothing, within working time"),
        pytest.param("2026-03-03 09:00:30", 0, "2026-03-03 09:00", id="nothing, with seconds"),
        pytest.param("2026-03-03 11:30", 0, "2026-03-03 13:30", id="nothing, at lunch"),
        pytest.param("2026-03-06 17:00", 0, "2026-03-09 07:00", id="nothing, at closing"),
        pytest.param("2026-01-01 00:00", 0, "2026-01-05 07:00", id="nothing, on New Year's Day"),
    ],
)
def test_add(start: str, minutes: int, end: str) -> None:
    assert shown(add(at(start), minutes, CALENDAR, HOURS)) == end
    assert between(at(start), at(end), CALENDAR, HOURS) == minutes


@pytest.mark.parametrize(
    ("a", "b", "minutes"),
    [
        pytest.param("2026-03-03 17:00", "2026-03-04 07:00", 0, id="a night"),
        pytest.param("2026-03-06 17:00", "2026-03-09 07:00", 0, id="a weekend"),
        pytest.param("2026-03-03 11:00", "2026-03-03 12:00", 30, id="into lunch"),
        pytest.param("2026-03-03 07:00", "2026-03-03 23:59", 480, id="a day"),
        pytest.param("2026-03-03 10:00:59", "2026-03-03 10:01:00", 1, id="both ends lose their seconds"),
        pytest.param("2026-03-03 10:00:00", "2026-03-03 10:00:59", 0, id="within a minute"),
        pytest.param("2026-03-04 10:00", "2026-03-03 10:00", 0, id="backwards"),
        pytest.param(
            "2026-01-01 00:00", "2027-01-01 00:00", 249 * 480, id="the year 2026: 261 weekdays, 14 off, 2 made up"
        ),
    ],
)
def test_between(a: str, b: str, minutes: int) -> None:
    assert between(at(a), at(b), CALENDAR, HOURS) == minutes


def test_negative_minutes_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        add(at("2026-03-03 09:00"), -1, CALENDAR, HOURS)


@pytest.mark.parametrize("minutes", [480 * 10_000_000, 480 * 10**12])
def test_a_result_past_the_last_year_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match="9999"):
        add(at("2026-03-03 09:00"), minutes, CALENDAR, HOURS)


def test_any_zone_comes_in_and_utc_goes_out() -> None:
    start = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)
    assert add(start, 60, CALENDAR, HOURS) == datetime(2026, 3, 6, 1, 0, tzinfo=UTC), "06:30 on Friday, local time"
    # Sunday 23:30 UTC is Monday 06:30; Friday 18:00 UTC is Saturday 01:00.
    assert add(datetime(2026, 3, 8, 23, 30, tzinfo=UTC), 60, CALENDAR, HOURS) == datetime(2026, 3, 9, 1, tzinfo=UTC)
    assert add(datetime(2026, 3, 6, 18, 0, tzinfo=UTC), 60, CALENDAR, HOURS) == datetime(2026, 3, 9, 1, tzinfo=UTC)
    paris = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    assert shown(add(paris, 0, CALENDAR, HOURS)) == "2026-03-30 07:00"


# --- when the clock starts, when it is due ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "cut_off", "start"),
    [
        pytest.param("2026-03-03 14:00", None, "2026-03-03 14:00", id="in working time"),
        pytest.param("2026-03-03 12:00", None, "2026-03-03 13:30", id="at lunch"),
        pytest.param("2026-03-03 05:00", None, "2026-03-03 07:00", id="before opening"),
        pytest.param("2026-03-03 16:59", None, "2026-03-03 16:59", id="in the last minute"),
        pytest.param("2026-03-03 17:00", None, "2026-03-04 07:00", id="at closing"),
        pytest.param("2026-03-06 22:00", None, "2026-03-09 07:00", id="after closing on a Friday"),
        pytest.param("2026-03-07 09:00", None, "2026-03-09 07:00", id="on a Saturday"),
        pytest.param("2026-01-10 09:00", None, "2026-01-10 09:00", id="on a make-up Saturday"),
        pytest.param("2026-02-18 09:00", None, "2026-02-23 07:00", id="at Tết"),
        pytest.param("2026-03-03 14:59", time(15), "2026-03-03 14:59", id="before the cut-off"),
        pytest.param("2026-03-03 15:00:59", time(15), "2026-03-03 15:00", id="in the minute of the cut-off"),
        pytest.param("2026-03-03 15:01", time(15), "2026-03-04 07:00", id="after the cut-off"),
        pytest.param("2026-03-06 15:01", time(15), "2026-03-09 07:00", id="after the cut-off on a Friday"),
        pytest.param("2026-02-13 15:01", time(15), "2026-02-23 07:00", id="after the cut-off before Tết"),
        pytest.param(
            "2026-03-03 18:00", time(15), "2026-03-04 07:00", id="after the cut-off and closing: one day, not two"
        ),
        pytest.param("2026-03-07 16:00", time(15), "2026-03-09 07:00", id="after the cut-off on a Saturday: Monday"),
        pytest.param("2026-03-07 09:00", time(15), "2026-03-09 07:00", id="before the cut-off on a Saturday: Monday"),
        pytest.param("2026-03-03 12:30", time(12), "2026-03-04 07:00", id="at lunch, after the cut-off"),
        pytest.param("2026-03-03 11:45", time(12), "2026-03-03 13:30", id="at lunch, before the cut-off"),
        pytest.param("2026-03-03 17:00", time(17), "2026-03-04 07:00", id="at a cut-off that is closing"),
    ],
)
def test_start_of_clock(received: str, cut_off: time | None, start: str) -> None:
    assert shown(start_of_clock(at(received), cut_off, CALENDAR, HOURS)) == start


@pytest.mark.parametrize(
    ("received", "amount", "unit", "end"),
    [
        pytest.param("2026-03-06 16:00", 1, "working_day", "2026-03-09 16:00", id="Friday 16:00 and a day"),
        pytest.param("2026-02-12 10:00", 3, "working_day", "2026-02-24 10:00", id="three days around Tết"),
        pytest.param("2026-01-08 10:00", 2, "working_day", "2026-01-10 10:00", id="a make-up Saturday is one of them"),
        pytest.param("2026-03-03 18:00", 1, "working_day", "2026-03-04 17:00", id="after closing: the whole next day"),
        pytest.param("2026-03-03 07:00", 0.5, "working_day", "2026-03-03 11:00", id="half a day is four hours"),
        pytest.param("2026-03-03 10:00", 0.5, "working_day", "2026-03-03 16:00", id="half a day across lunch"),
        pytest.param("2026-03-03 16:00", 0.25, "working_day", "2026-03-04 08:00", id="a quarter over night"),
        pytest.param("2026-03-03 16:30", 4, "hour", "2026-03-04 10:30", id="four hours over night"),
        pytest.param("2026-03-03 10:00", 3, "calendar_day", "2026-03-06 17:00", id="calendar days end at closing"),
        pytest.param("2026-03-03 10:00", 5, "calendar_day", "2026-03-09 17:00", id="an end on a Sunday moves on"),
        pytest.param("2026-02-10 10:00", 7, "calendar_day", "2026-02-23 17:00", id="an end at Tết moves on"),
        pytest.param(
            "2026-01-05 10:00", 5, "calendar_day", "2026-01-10 17:00", id="an end on a make-up Saturday stays"
        ),
        pytest.param(
            "2026-03-03 17:30", 3, "calendar_day", "2026-03-09 17:00", id="counted from the day the clock starts"
        ),
        pytest.param("2026-03-07 10:00", 1, "calendar_day", "2026-03-10 17:00", id="received on a Saturday"),
        pytest.param("2026-12-20 10:00", 30, "calendar_day", "2027-01-20 17:00", id="into a year not covered"),
    ],
)
def test_due(received: str, amount: float, unit: Unit, end: str) -> None:
    assert shown(due(at(received), Budget(amount, unit), CALENDAR, HOURS)) == end


def test_due_after_the_cut_off() -> None:
    received = at("2026-03-03 15:30")
    assert shown(due(received, Budget(1, "working_day"), CALENDAR, HOURS)) == "2026-03-04 15:30"
    assert shown(due(received, Budget(1, "working_day"), CALENDAR, HOURS, time(15))) == "2026-03-04 17:00"
    assert shown(due(received, Budget(2, "calendar_day"), CALENDAR, HOURS, cut_off=time(15))) == "2026-03-06 17:00"


def test_a_day_is_eight_hours_where_the_office_opens_six() -> None:
    six = Hours.parse([["08:00", "11:00"], ["14:00", "17:00"]])
    assert shown(due(at("2026-03-03 08:00"), Budget(1, "working_day"), CALENDAR, six)) == "2026-03-04 10:00"
    assert shown(due(at("2026-03-03 08:00"), Budget(1, "calendar_day"), CALENDAR, six)) == "2026-03-04 17:00"


def test_without_a_budget_nothing_is_due() -> None:
    assert due(at("2026-03-03 10:00"), None, CALENDAR, HOURS) is None


def test_a_due_date_past_the_last_year_is_refused() -> None:
    with pytest.raises(ValueError, match="9999"):
        due(at("9999-12-20 10:00"), Budget(30, "calendar_day"), CALENDAR, HOURS)


def test_a_cut_off_has_no_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        start_of_clock(at("2026-03-03 10:00"), time(15, tzinfo=UTC), CALENDAR, HOURS)


# --- early, on time, late ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finished", "verdict"),
    [
        pytest.param("2026-03-05 23:59", "early", id="the day before"),
        pytest.param("2026-03-06 00:00", "on_time", id="the first minute of the due day"),
        pytest.param("2026-03-06 23:59", "on_time", id="after the hour, but on the day"),
        pytest.param("2026-03-07 00:00", "late", id="the day after, although in UTC it is still the due day"),
    ],
)
def test_timing_is_by_the_local_day(finished: str, verdict: str) -> None:
    assert timing(at(finished), at("2026-03-06 10:00")) == verdict
    assert timing(at(finished).astimezone(UTC), at("2026-03-06 10:00").astimezone(UTC)) == verdict


def test_without_a_due_date_it_is_on_time() -> None:
    assert timing(at("2026-03-06 10:00"), None) == "on_time"


def test_the_local_day_begins_at_17_utc() -> None:
    assert local_day(datetime(2026, 3, 6, 16, 59, 59, tzinfo=UTC)) == date(2026, 3, 6)
    assert local_day(datetime(2026, 3, 6, 17, 0, tzinfo=UTC)) == date(2026, 3, 7)


AWARE = at("2026-03-06 10:00")
NAIVE = AWARE.replace(tzinfo=None)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: add(NAIVE, 1, CALENDAR, HOURS), id="add"),
        pytest.param(lambda: between(NAIVE, AWARE, CALENDAR, HOURS), id="between, from"),
        pytest.param(lambda: between(AWARE, NAIVE, CALENDAR, HOURS), id="between, to"),
        pytest.param(lambda: start_of_clock(NAIVE, None, CALENDAR, HOURS), id="start_of_clock"),
        pytest.param(lambda: start_of_clock(NAIVE, time(15), CALENDAR, HOURS), id="start_of_clock with a cut-off"),
        pytest.param(lambda: due(NAIVE, None, CALENDAR, HOURS), id="due"),
        pytest.param(lambda: timing(NAIVE, None), id="timing, finished"),
        pytest.param(lambda: timing(AWARE, NAIVE), id="timing, due"),
        pytest.param(lambda: local_day(NAIVE), id="local_day"),
    ],
)
def test_a_naive_instant_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        call()


# --- against a naive count --------------------------------------------------------------------------------------------

# The same examples on every machine and no example database: a red build must be red here too.
PROPERTY = settings(derandomize=True, database=None, deadline=None, max_examples=examples(50, 150))
FIRST = date(2026, 2, 2)


def naive_works(day: date, calendar: Calendar) -> bool:
    return day in calendar.working or (day.weekday() < 5 and day not in calendar.off)


def naive_is_working_minute(local: datetime, calendar: Calendar, hours: Hours) -> bool:
    return naive_works(local.date(), calendar) and any(start <= local.time() < end for start, end in hours.spans)


def naive_add(start: datetime, minutes: int, calendar: Calendar, hours: Hours) -> datetime:
    now = start.astimezone(LOCAL).replace(second=0, microsecond=0, tzinfo=None)
    if minutes == 0:
        while not naive_is_working_minute(now, calendar, hours):
            now += MINUTE
    while minutes:
        minutes -= naive_is_working_minute(now, calendar, hours)
        now += MINUTE
    return now.replace(tzinfo=LOCAL)


def naive_between(a: datetime, b: datetime, calendar: Calendar, hours: Hours) -> int:
    now, end = (t.astimezone(LOCAL).replace(second=0, microsecond=0, tzinfo=None) for t in (a, b))
    count = 0
    while now < end:
        count += naive_is_working_minute(now, calendar, hours)
        now += MINUTE
    return count


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Two weeks in which two days in five are listed, so that exceptions meet each other and the weekends."""
    choices: list[DayKind | None] = [None, None, None, "off", "working"]
    kinds = draw(st.lists(st.sampled_from(choices), min_size=14, max_size=14))
    days = [(FIRST + timedelta(offset), kind) for offset, kind in enumerate(kinds) if kind is not None]
    return Calendar(days, {2026})


@st.composite
def office_hours(draw: st.DrawFn) -> Hours:
    edges = sorted(draw(st.sets(st.integers(1, 95), min_size=2, max_size=6)))
    clock = [time(*divmod(edge * 15, 60)) for edge in edges]
    return Hours(tuple(zip(clock[::2], clock[1::2], strict=False)))


hours_used = st.one_of(st.just(HOURS), office_hours())
starts = st.builds(
    lambda day, minute, second: at(f"{FIRST}") + timedelta(day, minute * 60 + second),
    day=st.integers(-2, 13),
    # Edges of spans and ordinary minutes alike.
    minute=st.one_of(st.sampled_from([0, 419, 420, 689, 690, 809, 810, 1019, 1020, 1439]), st.integers(0, 1439)),
    second=st.integers(0, 59),
)
amounts = st.one_of(st.sampled_from([0, 1, 210, 270, 479, 480, 481, 960]), st.integers(0, 1500))


@PROPERTY
@given(starts, amounts, calendars(), hours_used)
def test_add_agrees_with_counting_minutes(start: datetime, minutes: int, calendar: Calendar, hours: Hours) -> None:
    # Short days would make the count go on for months.
    minutes = min(minutes, hours.minutes_per_day * 10)
    end = add(start, minutes, calendar, hours)
    assert end == naive_add(start, minutes, calendar, hours)
    assert between(start, end, calendar, hours) == minutes


@PROPERTY
@given(starts, starts, calendars(), hours_used)
def test_between_agrees_with_counting_minutes(a: datetime, b: datetime, calendar: Calendar, hours: Hours) -> None:
    assert between(a, b, calendar, hours) == naive_between(a, b, calendar, hours)


@PROPERTY
@given(starts, st.integers(0, 10_000), st.integers(1, 10_000), calendars(), hours_used)
def test_adding_in_parts_is_adding_at_once(start: datetime, m: int, n: int, calendar: Calendar, hours: Hours) -> None:
    assert add(add(start, m, calendar, hours), n, calendar, hours) == add(start, m + n, calendar, hours)


@PROPERTY
@given(starts, starts, starts, amounts, calendars(), hours_used)
def test_later_in_is_never_earlier_out(
    x: datetime, y: datetime, z: datetime, minutes: int, calendar: Calendar, hours: Hours
) -> None:
    a, b, c = sorted((x, y, z))
    assert add(a, minutes, calendar, hours) <= add(b, minutes, calendar, hours)
    assert add(a, minutes, calendar, hours) < add(a, minutes + 1, calendar, hours) or minutes == 0
    assert between(a, c, calendar, hours) == between(a, b, calendar, hours) + between(b, c, calendar, hours)


@PROPERTY
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["off", "working"])), max_size=400),
    st.integers(0, 3000),
    st.integers(1, 700),
)
@example([(3, "off"), (4, "off"), (5, "working"), (6, "working"), (7, "off")], 2, 3)
def test_long_spans_agree_with_counting_days(days: list[tuple[int, DayKind]], first: int, count: int) -> None:
    calendar = Calendar([(FIRST + timedelta(offset), kind) for offset, kind in dict(days).items()])
    day = FIRST + timedelta(first)
    start = datetime.combine(day, time(0), LOCAL)
    left = count
    while left:
        assert calendar.is_working(day) == naive_works(day, calendar)
        left -= naive_works(day, calendar)
        day += timedelta(1)
    last = day - timedelta(1)
    assert add(start, count * 480, calendar, HOURS) == datetime.combine(last, time(17), LOCAL)
    while not naive_works(day, calendar):
        day += timedelta(1)
    assert calendar.next_working_day(last) == day


@PROPERTY
@given(starts, st.integers(1, 40), calendars(), st.one_of(st.none(), st.times()))
def test_calendar_days_end_on_the_first_working_day_at_or_after(
    received: datetime, days: int, calendar: Calendar, cut_off: time | None
) -> None:
    start = start_of_clock(received, cut_off, calendar, HOURS)
    assert start >= received.replace(second=0)
    assert naive_is_working_minute(start.astimezone(LOCAL).replace(tzinfo=None), calendar, HOURS)
    expected = start.astimezone(LOCAL).date() + timedelta(days)
    while not naive_works(expected, calendar):
        expected += timedelta(1)
    assert due(received, Budget(days, "calendar_day"), calendar, HOURS, cut_off) == datetime.combine(
        expected, time(17), LOCAL
    )
