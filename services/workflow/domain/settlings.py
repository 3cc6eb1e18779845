"""How far a changed calendar has been followed: which days are still to be looked at. Plain Python."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from chassis.evolving import replace
from chassis.worktime import ZONE, Calendar
from workflow.inbound import CalendarChanged, CalendarDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """`sequence` and `days`: the version of the year's calendar that was seen last, at `seen_at`. `pending`: the days
    on which work began or ended by any version seen since all dossiers followed; none when they do."""

    sequence: int
    days: tuple[CalendarDay, ...]
    seen_at: datetime
    pending: tuple[date, ...]


def seen(before: Settling | None, year: CalendarChanged, sequence: int, at: datetime) -> Settling:
    """With another version of the year's calendar. A day that one version changed and the next one changed back is
    looked at again, since dossiers may have followed the former."""
    known = () if before is None else before.days
    pending = set(() if before is None else before.pending)
    pending |= changed(known, year.days)
    return Settling(sequence=sequence, days=year.days, seen_at=at, pending=tuple(sorted(pending)))


def settled(before: Settling) -> Settling:
    return replace(before, pending=())


def changed(before: Sequence[CalendarDay], after: Sequence[CalendarDay]) -> set[date]:
    """The days that are worked by one list and not by the other."""
    old, new = (Calendar((day.date, day.kind) for day in days) for days in (before, after))
    return {day.date for day in (*before, *after) if old.is_working(day.date) != new.is_working(day.date)}


def span(days: Iterable[date]) -> tuple[datetime, datetime]:
    """From the beginning of the first of these days until the end of the last, in Asia/Ho_Chi_Minh."""
    ordered = sorted(days)
    begin, end = (
        datetime.combine(day, time(), ZONE).astimezone(UTC) for day in (ordered[0], ordered[-1] + timedelta(1))
    )
    return begin, end
