"""The arithmetic of working time, in whole minutes: how long until, how long between, when is it due.

Pure functions over frozen values: nothing here reads a clock, a file or a database. Every instant that comes in must be
aware (a naive one raises `ValueError`) and every instant that goes out is aware and in UTC; days and hours of the day
are those of Asia/Ho_Chi_Minh.

Precision is the minute, the same that a printed receipt shows: seconds of an instant that comes in are dropped, so
16:00:59 counts as 16:00, for starts, ends and cut-off hours alike.

A working span is half open: [07:00, 11:30) holds the minute 11:29 and not the minute 11:30. Of the several instants at
which the same number of working minutes has passed, an end is the earliest (11:30, 17:00) and a start is the latest
(13:30, the next 07:00), because time that runs out at closing is over that day, and time that starts at closing starts
tomorrow.

Before 13 June 1975 the zone changed its offset a few times; across such a change results are not exact.
A result past the year 9999 raises `ValueError`.

Source: NĐ 118/2025/NĐ-CP and the working rules in force under it: one working day is eight working hours, reception
after closing counts from the next working day, an end in calendar days that falls on a day off moves on.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTES_PER_HOUR = 60
MINUTES_PER_WORKING_DAY = 8 * MINUTES_PER_HOUR

DayKind = Literal["off", "working"]
Unit = Literal["working_day", "calendar_day", "hour"]
Timing = Literal["early", "on_time", "late"]
Amount = int | float | Decimal

# Far above any duration that exists. Without a limit, Decimal("1E999999") would become an integer that fills the
# memory.
_MAX_AMOUNT = Decimal(100_000)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Hours:
    """The working spans of a working day, in local time, in order; by default 07:00-11:30 and 13:30-17:00.

    Spans are whole minutes inside one day, each (start, end) with start < end, none starting before the former one
    ended. Anything else raises `ValueError`.
    """

    spans: tuple[tuple[time, time], ...] = ((time(7), time(11, 30)), (time(13, 30), time(17)))
    minutes_per_day: int = field(init=False, repr=False, compare=False)
    # One row a span, in minutes: start and end since midnight, and the working minutes of the spans before it.
    _table: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spans = tuple((start, end) for start, end in self.spans)
        if not spans:
            raise ValueError("working hours need at least one span")
        for start, end in spans:
            if any(t.second or t.microsecond or t.tzinfo is not None for t in (start, end)):
                raise ValueError(f"a span is given in whole minutes of local time: {start}-{end}")
            if start >= end:
                raise ValueError(f"a span must end after it starts: {start}-{end}")
        for (_, end), (start, _) in pairwise(spans):
            if start < end:
                raise ValueError(f"spans must be in order, without overlap: one ends {end}, the next starts {start}")
        rows, before = [], 0
        for start, end in spans:
            rows.append((_minute_of(start), _minute_of(end), before))
            before += _minute_of(end) - _minute_of(start)
        object.__setattr__(self, "spans", spans)
        object.__setattr__(self, "minutes_per_day", before)
        object.__setattr__(self, "_table", tuple(rows))

    @classmethod
    def parse(cls, spans: object) -> "Hours":
        """Read [["07:00", "11:30"], ["13:30", "17:00"]]; `ValueError` on any other shape."""
        parsed = []
        for span in spans if isinstance(spans, list | tuple) else (spans,):
            if not isinstance(span, list | tuple) or len(span) != 2:
                raise ValueError(f"a span is a start and an end: {span!r}")
            parsed.append((_parse_clock(span[0]), _parse_clock(span[1])))
        return cls(tuple(parsed))

    def _elapsed(self, minute: int) -> int:
        """Working minutes of a working day that lie before this minute of the day."""
        for start, end, before in self._table:
            if minute < end:
                return before + max(minute - start, 0)
        return self.minutes_per_day

    def _minute_at(self, elapsed: int) -> int:
        """The minute of the day that is the working minute number `elapsed` (from 0, below minutes_per_day)."""
        row = bisect_right(self._table, elapsed, key=lambda r: r[2]) - 1
        start, _, before = self._table[row]
        return start + elapsed - before


@dataclass(frozen=True, slots=True, init=False)
class Calendar:
    """Which days are worked: Monday to Friday unless listed "off", and any day listed "working" (a make-up Saturday).

    `years` are those whose list has been published. A day that is listed counts whether or not its year is among them.
    A day listed as both, an unknown kind, or a `datetime` in the place of a `date` raises `ValueError`; the latter
    because the date of an instant depends on the zone (see `local_day`).
    """

    off: frozenset[date]
    working: frozenset[date]
    years: frozenset[int]
    # The days that break the Monday-to-Friday rule, as ordinals in order; how many working days lie before each; and
    # the sum of their corrections (+1 worked, -1 off) before each and in total. With these any span of years costs one
    # bisection.
    _exceptions: tuple[int, ...] = field(repr=False, compare=False)
    _counts: tuple[int, ...] = field(repr=False, compare=False)
    _corrections: tuple[int, ...] = field(repr=False, compare=False)

    def __init__(self, days: Iterable[tuple[date, DayKind]] = (), years: Iterable[int] = ()) -> None:
        listed: dict[date, DayKind] = {}
        for day, kind in days:
            _ordinal(day)
            if kind not in get_args(DayKind):
                raise ValueError(f"a listed day is off or working, not {kind!r}")
            if listed.setdefault(day, kind) != kind:
                raise ValueError(f"{day} is listed both as off and as working")
        exceptions, counts, corrections = [], [], [0]
        for day in sorted(listed):
            ordinal, worked = day.toordinal(), listed[day] == "working"
            if worked != _is_weekday(ordinal):
                exceptions.append(ordinal)
                counts.append(_weekdays_before(ordinal) + corrections[-1])
                corrections.append(corrections[-1] + (1 if worked else -1))
        object.__setattr__(self, "off", frozenset(day for day, kind in listed.items() if kind == "off"))
        object.__setattr__(self, "working", frozenset(day for day, kind in listed.items() if kind == "working"))
        object.__setattr__(self, "years", frozenset(years))
        object.__setattr__(self, "_exceptions", tuple(exceptions))
        object.__setattr__(self, "_counts", tuple(counts))
        object.__setattr__(self, "_corrections", tuple(corrections))

    def is_working(self, day: date) -> bool:
        """Whether the day is worked; where nothing is listed (a year not covered), Monday to Friday are."""
        return self._works(_ordinal(day))

    def covers(self, day: date) -> bool:
        """Whether the list of the day's year has been published; if not, an answer about the day may still change."""
        return day.year in self.years

    def next_working_day(self, day: date) -> date:
        """The first working day after this one, never the day itself."""
        return _date(self._number(self._before(_ordinal(day) + 1)))

    def _works(self, ordinal: int) -> bool:
        at = bisect_left(self._exceptions, ordinal)
        is_exception = at < len(self._exceptions) and self._exceptions[at] == ordinal
        return _is_weekday(ordinal) != is_exception

    def _before(self, ordinal: int) -> int:
        """Working days before this day, counted from the first Monday of the year 1."""
        return _weekdays_before(ordinal) + self._corrections[bisect_left(self._exceptions, ordinal)]

    def _number(self, number: int) -> int:
        """The working day that has `number` working days before it: the inverse of `_before`."""
        # Exceptions with more working days before them lie after the day sought; the last of the rest may be that day.
        passed = bisect_right(self._counts, number)
        if passed and self._counts[passed - 1] == number and not _is_weekday(self._exceptions[passed - 1]):
            return self._exceptions[passed - 1]
        weeks, weekday = divmod(number - self._corrections[passed], 5)
        return weeks * 7 + weekday + 1


@dataclass(frozen=True, slots=True, init=False)
class Budget:
    """A duration that a rule grants: so many working days, calendar days or working hours.

    The amount is kept as an exact `Decimal`; a float means the decimal number that it prints as. Not a number, not
    positive, over 100,000, a fraction of a calendar day, under half a working minute, or an unknown unit raises
    `ValueError`.
    """

    amount: Decimal
    unit: Unit

    def __init__(self, amount: Amount, unit: Unit) -> None:
        if unit not in get_args(Unit):
            raise ValueError(f"a budget's unit is one of {', '.join(get_args(Unit))}, not {unit!r}")
        exact = _exact(amount)
        if not (exact.is_finite() and 0 < exact <= _MAX_AMOUNT):
            raise ValueError(f"a budget's amount is above 0 and at most {_MAX_AMOUNT}, not {amount!r}")
        if unit == "calendar_day" and exact != exact.to_integral_value():
            raise ValueError(f"calendar days are counted whole, not {amount!r}")
        object.__setattr__(self, "amount", exact)
        object.__setattr__(self, "unit", unit)
        if unit != "calendar_day" and self._minutes() == 0:
            raise ValueError(f"a budget is at least one working minute, not {amount!r} {unit}")

    @classmethod
    def parse(cls, data: object) -> "Budget":
        """Read {"amount": 0.25, "unit": "working_day"}, the amount a number or its text; `ValueError` otherwise."""
        if not isinstance(data, Mapping) or data.keys() != {"amount", "unit"}:
            raise ValueError(f"a budget has an amount and a unit: {data!r}")
        amount, unit = data["amount"], data["unit"]
        for known in get_args(Unit):
            if unit == known:
                return cls(_exact(amount), known)
        raise ValueError(f"a budget's unit is one of {', '.join(get_args(Unit))}, not {unit!r}")

    def working_minutes(self, hours: Hours) -> int:
        """Working minutes, rounded half up to a whole one; `ValueError` for calendar days, which have none.

        A working day is 480 of them whatever the hours of the office, so an office that opens six hours a day takes a
        day and two hours for it.
        """
        del hours  # The rule counts eight hours a day for everyone; `add` spreads them over the hours of the office.
        if self.unit == "calendar_day":
            raise ValueError("calendar days are not counted in working minutes")
        return self._minutes()

    def _minutes(self) -> int:
        # Rounded, not refused: published tables write half an hour as 0.062 of a day, which is 29.76 minutes.
        minutes = MINUTES_PER_HOUR if self.unit == "hour" else MINUTES_PER_WORKING_DAY
        return int((self.amount * minutes).to_integral_value(ROUND_HALF_UP))


def add(start: datetime, minutes: int, calendar: Calendar, hours: Hours) -> datetime:
    """The earliest instant at which `minutes` working minutes have passed since `start`.

    With 0 minutes it is the start itself, moved on to the next working minute if it is outside working time. An end
    that falls on the close of a span stays there (17:00, not the next 07:00). Adding in parts gives the same end as
    adding at once, as long as the last part is not 0. Negative minutes raise `ValueError`.
    """
    if minutes < 0:
        raise ValueError(f"minutes to add are 0 or more, not {minutes}")
    position = _position(start, calendar, hours)
    if minutes == 0:
        number, elapsed = divmod(position, hours.minutes_per_day)
        return _instant(calendar._number(number), hours._minute_at(elapsed))
    # The end is the close of the last minute that was used, which is what keeps it at 17:00.
    number, elapsed = divmod(position + minutes - 1, hours.minutes_per_day)
    return _instant(calendar._number(number), hours._minute_at(elapsed) + 1)


def between(a: datetime, b: datetime, calendar: Calendar, hours: Hours) -> int:
    """Working minutes from a until just before b; 0 when b is not after a.

    It undoes `add`: between an instant and that instant with m minutes added there are m.
    """
    return max(_position(b, calendar, hours) - _position(a, calendar, hours), 0)


def start_of_clock(received_at: datetime, cut_off: time | None, calendar: Calendar, hours: Hours) -> datetime:
    """When time begins to run for what was received then: always a working minute.

    Received on a day off, at or after closing, or in a minute after the cut-off hour's: from the opening of the next
    working day. Before opening or in a break: from the next working minute. The minute of the cut-off itself is still
    in time (a cut-off of 15:00 takes 15:00:59 and not 15:01:00). `cut_off` is a local time without a zone, else
    `ValueError`.
    """
    if cut_off is not None:
        if cut_off.tzinfo is not None:
            raise ValueError("a cut-off hour is a local time without a zone")
        local = _local(received_at)
        if _minute_of(local) > _minute_of(cut_off):
            following = calendar._number(calendar._before(local.toordinal() + 1))
            return _instant(following, hours._minute_at(0))
    return add(received_at, 0, calendar, hours)


def due(
    received_at: datetime, budget: Budget | None, calendar: Calendar, hours: Hours, cut_off: time | None = None
) -> datetime | None:
    """The instant until which there is time; None when there is no budget.

    Working days and hours: that many working minutes after `start_of_clock`. Calendar days: at closing of the day that
    many days after the day on which the clock starts, or of the next working day if that one is off.
    """
    start = start_of_clock(received_at, cut_off, calendar, hours)
    if budget is None:
        return None
    if budget.unit == "calendar_day":
        last = _local(start).toordinal() + int(budget.amount)
        if not calendar._works(last):
            last = calendar._number(calendar._before(last))
        return _instant(last, hours._minute_at(hours.minutes_per_day - 1) + 1)
    return add(start, budget.working_minutes(hours), calendar, hours)


def timing(finished_at: datetime, due_at: datetime | None) -> Timing:
    """Whether it was finished before, on or after the due day, by local days; on time when nothing is due."""
    finished = local_day(finished_at)
    if due_at is None:
        return "on_time"
    due_day = local_day(due_at)
    if finished == due_day:
        return "on_time"
    return "early" if finished < due_day else "late"


def local_day(instant: datetime) -> date:
    """The day in Asia/Ho_Chi_Minh of an aware instant; from 17:00 UTC that is already the next day."""
    return _local(instant).date()


def _position(instant: datetime, calendar: Calendar, hours: Hours) -> int:
    """Working minutes from a fixed point in the far past to this instant: the axis on which everything is counted."""
    local = _local(instant)
    ordinal = local.toordinal()
    elapsed = hours._elapsed(_minute_of(local)) if calendar._works(ordinal) else 0
    return calendar._before(ordinal) * hours.minutes_per_day + elapsed


def _local(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"an instant needs a time zone: {instant.isoformat()}")
    return instant.astimezone(ZONE)


def _instant(ordinal: int, minute: int) -> datetime:
    local = datetime.combine(_date(ordinal), time(*divmod(minute, MINUTES_PER_HOUR)), ZONE)
    return local.astimezone(UTC)


def _date(ordinal: int) -> date:
    if ordinal > date.max.toordinal():
        raise ValueError("the result lies past the year 9999")
    return date.fromordinal(ordinal)


def _ordinal(day: date) -> int:
    is_instant = isinstance(day, datetime)
    if is_instant:
        raise ValueError(f"a day is a date, not an instant: {day.isoformat()}")
    return day.toordinal()


def _is_weekday(ordinal: int) -> bool:
    """Monday to Friday; ordinal 1 is a Monday."""
    return (ordinal - 1) % 7 < 5


def _weekdays_before(ordinal: int) -> int:
    weeks, weekday = divmod(ordinal - 1, 7)
    return weeks * 5 + min(weekday, 5)


def _minute_of(clock: time | datetime) -> int:
    return clock.hour * MINUTES_PER_HOUR + clock.minute


def _parse_clock(text: object) -> time:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"an hour of the day is written HH:MM, not {text!r}")
    return time(int(match[1]), int(match[2]))


def _exact(amount: object) -> Decimal:
    if isinstance(amount, Decimal):
        return amount
    # A float goes through its text, because 0.1 is meant and not the binary fraction nearest to it. The text of a bool
    # or of any other object is no number.
    try:
        return Decimal(str(amount))
    except InvalidOperation:
        raise ValueError(f"an amount is a number, not {amount!r}") from None
