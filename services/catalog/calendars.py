"""A year's calendar through time: each decision is a version that stays readable, and what it changes can be told
before. Plain Python."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from catalog.domain import CalendarDay, CalendarYear
from chassis.worktime import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarVersion:
    """What was decided, when it became known, and when it was entered here by whom. `number` counts from 1."""

    number: int
    decision: str
    known_from: date
    days: tuple[CalendarDay, ...]
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChange:
    """A day that is worked by one version and not by the other."""

    date: date
    before: Literal["working", "off"]
    after: Literal["working", "off"]


def version_of(calendar: CalendarYear, number: int, at: datetime, by: str) -> CalendarVersion:
    return CalendarVersion(
        number=number,
        decision=calendar.decision,
        known_from=calendar.known_from,
        days=calendar.days,
        changed_at=at,
        changed_by=by,
    )


def changed_days(before: CalendarYear | None, after: CalendarYear) -> list[DayChange]:
    """The days on which work begins or ends, in order. A weekend that is listed as off changes nothing, nor does
    another name. `before` None: Monday to Friday."""
    old, new = (
        Calendar((day.date, day.kind) for day in calendar.days) if calendar else Calendar()
        for calendar in (before, after)
    )
    listed = sorted({day.date for calendar in (before, after) if calendar for day in calendar.days})
    return [
        DayChange(date=day, before=_word(old.is_working(day)), after=_word(new.is_working(day)))
        for day in listed
        if old.is_working(day) != new.is_working(day)
    ]


def _word(works: bool) -> Literal["working", "off"]:
    return "working" if works else "off"
