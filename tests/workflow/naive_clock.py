"""The deadline clock a second time, as somebody would do it with a diary and a pencil: minute by minute.

It shares nothing with `workflow.domain.clock` and `chassis.worktime`, no code, no types and no constants, so that the
two can only agree by both following the rules. Times are Vietnamese wall-clock times without a zone, in whole minutes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import compress, count, islice

DAY = 24 * 60
NOT_FOUND = -1


@dataclass(frozen=True)
class Diary:
    """`open`: from which minute of the day to which one people work. `off`: days on which they do not; `made_up`: days
    on which they do, whatever the weekday."""

    open: tuple[tuple[int, int], ...]
    off: frozenset[date]
    made_up: frozenset[date]

    def works(self, day: date) -> bool:
        return day in self.made_up or (day.isoweekday() <= 5 and day not in self.off)


@dataclass(frozen=True)
class Break:
    """From `begin` until just before `end`."""

    begin: datetime
    end: datetime
    anew: bool = False


@dataclass(frozen=True)
class More:
    amount: str
    unit: str


def due(
    diary: Diary,
    received: datetime,
    cut_off: int | None,
    allowed: More,
    breaks: Sequence[Break] = (),
    more: Sequence[More] = (),
) -> datetime:
    """`cut_off`: the last minute of the day in which something counts as received that day. `more`: in order."""
    at = begin(diary, received, cut_off, breaks)
    for each in (allowed, *more):
        if each.unit == "calendar_day":
            at = _days_later(diary, at, int(each.amount), breaks)
        else:
            at = _minutes_later(diary, at, _whole_minutes(each), breaks)
    return at


def begin(diary: Diary, received: datetime, cut_off: int | None, breaks: Sequence[Break]) -> datetime:
    """The first minute that counts."""
    at = received
    if cut_off is not None and at.hour * 60 + at.minute > cut_off:
        at = datetime.combine(at.date() + timedelta(1), datetime.min.time())
    for each in breaks:
        if each.anew and each.end > at:
            at = each.end
    return _reading(diary, at, (), lambda page, line: page.find(1, line))


def counted(diary: Diary, start: datetime, end: datetime, breaks: Sequence[Break]) -> int:
    """The working minutes from `start` until just before `end` that are in no break."""
    if end <= start:
        return 0
    page = _page(diary, start.date(), (end.date() - start.date()).days + 1, breaks)
    return sum(page[_line(start.date(), start) : _line(start.date(), end)])


@cache
def _whole_minutes(more: More) -> int:
    """Half a minute is one."""
    whole, rest = divmod(Fraction(more.amount) * (60 if more.unit == "hour" else 480), 1)
    return int(whole) + (rest >= Fraction(1, 2))


def _minutes_later(diary: Diary, start: datetime, minutes: int, breaks: Sequence[Break]) -> datetime:
    """Just after the last of so many minutes."""

    def after_the_last(page: bytearray, line: int) -> int:
        left = minutes
        for midnight in range(DAY, len(page) + 1, DAY):
            worked = page.count(1, line, midnight)
            if worked >= left:
                return next(islice(compress(count(line + 1), page[line:midnight]), left - 1, None))
            left -= worked
            line = max(line, midnight)
        return NOT_FOUND

    return _reading(diary, start, breaks, after_the_last)


def _days_later(diary: Diary, start: datetime, days: int, breaks: Sequence[Break]) -> datetime:
    """The closing hour of the day so many days on. Reads on minute by minute up to there; where work rests, the day
    moves on by the nights that it rests."""
    first, day = start.date(), start.date() + timedelta(days)
    at = _line(first, start)
    resting = bytearray(max((0, *(_line(first, each.end) for each in breaks))) + 1)
    for each in breaks:
        a, b = (max(_line(first, moment), 0) for moment in (each.begin, each.end))
        resting[a:b] = b"\1" * (b - a)
    while (stopped := resting.find(1, at, _line(first, _closing(diary, day)))) != NOT_FOUND:
        at = resting.find(0, stopped)
        night, morning = stopped // DAY, at // DAY
        if first + timedelta(night) > day:
            day = _next_worked(diary, day)
        day += timedelta(morning - night)
    return _closing(diary, day)


def _next_worked(diary: Diary, day: date) -> date:
    while not diary.works(day):
        day += timedelta(1)
    return day


def _closing(diary: Diary, day: date) -> datetime:
    return datetime.combine(_next_worked(diary, day), datetime.min.time()) + timedelta(minutes=diary.open[-1][1])


def _reading(diary: Diary, start: datetime, breaks: Sequence[Break], find: Callable[[bytearray, int], int]) -> datetime:
    """The line that `find` finds at or behind the start, on a page that is long enough."""
    first, days = start.date(), 8
    while (found := find(_page(diary, first, days, breaks), _line(first, start))) == NOT_FOUND:
        days *= 3
    return datetime.combine(first, datetime.min.time()) + timedelta(minutes=found)


def _page(diary: Diary, first: date, days: int, breaks: Sequence[Break]) -> bytearray:
    """A 1 for each minute that is worked and a 0 for each other one, from midnight of the first day on."""
    open_day = bytearray(DAY)
    for a, b in diary.open:
        open_day[a:b] = b"\1" * (b - a)
    page = bytearray(DAY * days)
    for n in range(days):
        if diary.works(first + timedelta(n)):
            page[n * DAY : (n + 1) * DAY] = open_day
    for each in breaks:
        a, b = (min(max(_line(first, moment), 0), len(page)) for moment in (each.begin, each.end))
        page[a:b] = bytes(b - a)
    return page


def _line(first: date, moment: datetime) -> int:
    return (moment.date() - first).days * DAY + moment.hour * 60 + moment.minute
