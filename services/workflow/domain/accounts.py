"""The deadline clock's account of a dossier: what was promised, what moved it, and what is used and left. Plain Python.

What a line of the ledger did to the due date is what it did when it was entered, by the calendar of then; a calendar
that changed later has a line of its own. So the account never tells the past anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chassis import worktime
from workflow.domain import clock
from workflow.domain.parts import Extension, Moved, Pause, Rescheduling
from workflow.domain.processes import Process, State, ended_at
from workflow.inbound import CalendarChanged, CalendarDay

ClockState = Literal["running", "paused", "finished", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseLine:
    """`minutes`: its working minutes, until now if it lasts."""

    pause: Pause
    minutes: int


Line = PauseLine | Extension | Rescheduling
"""Of the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearsDays:
    """The listed days of a year between the clock's start and the due date, and by which decision they are."""

    year: int
    decision: str
    off: tuple[CalendarDay, ...]
    made_up: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`state`: "none" when the procedure has no time limit. `used` and `left` in working minutes. `started_later`: why
    the clock did not start at the reception. `promised_at`: the due date that the receipt says. `ledger`: the oldest
    line first. `previous`: the due dates that were promised before and are not any more, the oldest first."""

    state: ClockState
    used: int
    left: int
    started_later: Literal["outside_hours", "cut_off"] | None
    promised_at: datetime | None
    days: tuple[YearsDays, ...]
    ledger: tuple[Line, ...]
    previous: tuple[datetime, ...]


def account(
    process: Process, now: datetime, calendar: worktime.Calendar, years: Iterable[CalendarChanged] = ()
) -> Account:
    """As it stands now; `years`: the lists that `calendar` is made of."""
    ledger = _ledger(process, now, calendar)
    promised, previous = _promises(process, ledger)
    return Account(
        state=_state(process),
        used=clock.used(process, now, calendar),
        left=clock.remaining(process, now, calendar),
        started_later=_started_later(process, calendar),
        promised_at=promised,
        days=_days(process, years),
        ledger=ledger,
        previous=previous,
    )


def _state(process: Process) -> ClockState:
    if process.budget is None:
        return "none"
    if ended_at(process) is not None:
        return "finished"
    return "paused" if process.state is State.PAUSED else "running"


def _started_later(process: Process, calendar: worktime.Calendar) -> Literal["outside_hours", "cut_off"] | None:
    received = process.received_at.replace(second=0, microsecond=0)
    if process.clock_at <= received:
        return None
    hours = worktime.Hours.parse(process.hours)
    without_cut_off = worktime.start_of_clock(process.received_at, None, calendar, hours)
    return "outside_hours" if without_cut_off == process.clock_at else "cut_off"


def _ledger(process: Process, now: datetime, calendar: worktime.Calendar) -> tuple[Line, ...]:
    pauses = [
        PauseLine(pause=each, minutes=clock.paused_minutes(process, each, now, calendar)) for each in process.pauses
    ]
    lines: list[Line] = [*pauses, *process.extensions, *process.reschedulings]
    return tuple(sorted(lines, key=lambda line: line.pause.begin if isinstance(line, PauseLine) else line.at))


def _promises(process: Process, ledger: Iterable[Line]) -> tuple[datetime | None, tuple[datetime, ...]]:
    moves = [line if isinstance(line, Rescheduling) else _moved(line) for line in ledger]
    told = [at for move in moves if move is not None for at in (move.previous_due_at, move.due_at) if at is not None]
    first = process.promised_due_at or (told[0] if told else process.due_at)
    previous: list[datetime] = []
    for at in [*([] if first is None else [first]), *told]:
        if at != process.due_at and at not in previous:
            previous.append(at)
    return first, tuple(previous)


def _moved(line: PauseLine | Extension) -> Moved | None:
    return line.pause.moved if isinstance(line, PauseLine) else line.moved


def _days(process: Process, years: Iterable[CalendarChanged]) -> tuple[YearsDays, ...]:
    if process.due_at is None:
        return ()
    first, last = worktime.local_day(process.clock_at), worktime.local_day(process.due_at)
    found = []
    for year in sorted(years, key=lambda each: each.year):
        between = [day for day in sorted(year.days, key=lambda each: each.date) if first <= day.date <= last]
        off = tuple(day for day in between if day.kind == "off")
        made_up = tuple(day for day in between if day.kind == "working")
        if between:
            found.append(YearsDays(year=year.year, decision=year.decision, off=off, made_up=made_up))
    return tuple(found)
