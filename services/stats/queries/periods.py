"""Periods: the one that is asked for, and the one before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from chassis.errors import FieldError, Invalid
from chassis.worktime import ZONE, local_day
from stats.domain.months import months_later


class PeriodInvalid(Invalid):
    code, title = "period_invalid", "Khoảng thời gian không hợp lệ"


@dataclass(frozen=True, slots=True)
class Period:
    """The days [start, end), as known at the end of `as_of` (None: now). `today` is the last day on which anything was
    known."""

    start: date
    end: date
    today: date
    as_of: date | None = None

    @property
    def last_day(self) -> date:
        """The last day of it that has come; its first one when none has."""
        return max(self.start, min(self.end - timedelta(days=1), self.today))

    @property
    def years(self) -> range:
        """The years that it touches."""
        return range(self.start.year, (self.end - timedelta(days=1)).year + 1)

    @property
    def before(self) -> "Period":
        """As long a period right before it: as many months where it is made of whole ones, else as many days."""
        if self.start.day == self.end.day == 1:
            months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
            return Period(months_later(self.start, -months), self.start, self.today, self.as_of)
        return Period(self.start - (self.end - self.start), self.start, self.today, self.as_of)


def period(start: date | None, end: date | None, as_of: date | None, now: datetime) -> Period:
    """The period that was asked for; by default the current year, or that of the day that was given. PeriodInvalid when
    it ends before it starts."""
    today = local_day(now)
    if as_of is not None and as_of >= today:
        as_of = None
    known = as_of or today
    start = start or date((known if end is None else end - timedelta(days=1)).year, 1, 1)
    end = end or date(start.year + 1, 1, 1)
    if end <= start:
        wrong = FieldError("/to", "period", "a day after `from`")
        raise PeriodInvalid("`from` must be a day before `to`", errors=[wrong])
    return Period(start, end, known, as_of)


def known_until(as_of: date | None, now: datetime) -> datetime:
    """The end of the day `as_of`, or now."""
    if as_of is None or as_of >= local_day(now):
        return now
    return datetime.combine(as_of + timedelta(days=1), time(), ZONE).astimezone(UTC)
