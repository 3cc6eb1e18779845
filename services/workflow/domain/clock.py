"""The deadline clock: budget, calendar, and the ledger of pauses, restarts and extensions. Plain Python.

Nothing here depends on the order in which the ledger was written: acts recorded late give what they would have given in
time. To the minute, like `worktime`. The rules, `?` where no primary source was found:

- A pause in working time (NĐ 118/2025: the time in which the applicant supplements the dossier is not counted): no
  working minute of it is used. Pauses that overlap count once.
- A pause of a time in calendar days: the due day moves by as many days as lie between the day on which the pause begins
  and the day on which it ends, and an end on a day off moves on (`?`). A pause within one day moves nothing. One that
  begins after that day, while the end has moved on over days off, moves the day that it moved on to.
- A pause that begins when time has run out moves nothing.
- A pause that lasts is not counted: what was promised stands until it ends.
- A pause that restarts the clock (the other supplement rule): the whole budget again, from the first working minute at
  or after its end. Of several the last one counts.
- An extension adds its amount, in its unit, after what was due without it (`?`); several one after the other, in the
  order in which they count. A restart leaves them in force: it takes nothing back that was granted (`?`).
- The clock runs in the receiving agency's hours, a step's in those of the agency that does it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from chassis import worktime
from chassis.evolving import replace
from workflow.domain.parts import OPEN, Budget, Extension, Moved, Pause, Spans, Task
from workflow.domain.processes import Process, ended_at, with_tasks

Span = tuple[datetime, datetime]
"""[begin, end)"""


def due(
    clock_at: datetime,
    budget: Budget | None,
    hours: Spans,
    calendar: worktime.Calendar,
    pauses: Iterable[Pause] = (),
    extensions: Iterable[Extension] = (),
) -> datetime | None:
    """When the time runs out that began to run at `clock_at`; None without a budget. `ValueError` when that lies past
    the year 9999."""
    if budget is None:
        return None
    ticking = _Ticking(calendar, _hours(hours))
    pauses = tuple(pauses)
    standstills = _standstills(pauses, None)
    at = ticking.after(ticking.began(clock_at, pauses), budget, standstills)
    for extension in sorted(extensions, key=lambda each: each.at):
        at = ticking.after(at, extension.amount, standstills)
    return at


def task_due(process: Process, task: Task, calendar: worktime.Calendar) -> datetime | None:
    """When the own time of an open task of this process runs out, by the process's ledger: pauses move it, and restarts
    have it start anew, when they end after the task was opened; of the extensions those that name it count, and of
    these, when it was returned to, those of this round.

    A task without an own time keeps the due time that it has."""
    if task.allowed is None or task.opened_at is None:
        return task.due_at
    named = [each for each in process.extensions if task.id in each.tasks]
    extensions = [each for each in named if task.round == 1 or each.at >= task.opened_at]
    return due(task.opened_at, task.allowed, task.hours or process.hours, calendar, process.pauses, extensions)


def redue(process: Process, calendar: worktime.Calendar) -> Process:
    """The process with its due date, and those of its open tasks, as its ledger has them now, and with the derived
    fields. Lines that have been added to the ledger keep what they did to the due date (`Moved`), for good.

    To be called after every change of the ledger or of `state` to or from paused. An ended process stays as it is.
    """
    if ended_at(process) is not None:
        return process
    due_at = due(
        process.clock_at, process.budget, process.hours, calendar, process.pauses, process.extensions
    )  # fmt: skip
    moved = Moved(previous_due_at=process.due_at, due_at=due_at)
    process = replace(
        process,
        due_at=due_at,
        pauses=tuple(each if each.end is None or each.moved else replace(each, moved=moved) for each in process.pauses),
        extensions=tuple(each if each.moved else replace(each, moved=moved) for each in process.extensions),
    )
    process = replace(process, near_at=near(process, calendar))
    return with_tasks(
        process,
        tuple(
            replace(task, due_at=task_due(process, task, calendar)) if task.state in OPEN else task
            for task in process.tasks
        ),
    )


def near(process: Process, calendar: worktime.Calendar) -> datetime | None:
    """When `alert_share` of the working minutes until the due date will have been used, counted since the clock started
    or started anew; None when there is no due date."""
    if process.due_at is None:
        return None
    ticking = _Ticking(calendar, _hours(process.hours))
    began, standstills = ticking.began(process.clock_at, process.pauses), _standstills(process.pauses, None)
    minutes = round(ticking.between(began, process.due_at, standstills) * process.alert_share)
    return ticking.after_minutes(began, minutes, standstills) if minutes > 0 else process.due_at


def used(process: Process, now: datetime, calendar: worktime.Calendar) -> int:
    """Working minutes that the clock has counted since it started, or started anew, until now or the end."""
    ticking = _Ticking(calendar, _hours(process.hours))
    until = ended_at(process) or now
    return ticking.between(ticking.began(process.clock_at, process.pauses), until, _standstills(process.pauses, until))


def remaining(process: Process, now: datetime, calendar: worktime.Calendar) -> int:
    """Working minutes that are left until the due date: from now, or from when the pause that lasts began; 0 when
    it has passed, or there is none."""
    if process.due_at is None:
        return 0
    since = min(now, process.pause.begin) if process.pause else now
    ticking = _Ticking(calendar, _hours(process.hours))
    return ticking.between(since, process.due_at, _standstills(process.pauses, None))


def paused_minutes(process: Process, pause: Pause, now: datetime, calendar: worktime.Calendar) -> int:
    """Working minutes within the pause, until now if it lasts, and at most until the process's end: what was waited for
    may have come, or been cancelled, after that."""
    end = min(pause.end or now, ended_at(process) or now)
    return worktime.between(pause.begin, end, calendar, _hours(process.hours))


@dataclass(frozen=True, slots=True)
class _Ticking:
    calendar: worktime.Calendar
    hours: worktime.Hours

    def began(self, clock_at: datetime, pauses: Iterable[Pause]) -> datetime:
        """The first working minute of the time that counts: the clock's start, or that of its last restart."""
        ends = (each.end for each in pauses if each.restarts and each.end is not None)
        return worktime.start_of_clock(max((clock_at, *ends)), None, self.calendar, self.hours)

    def between(self, begin: datetime, end: datetime, standstills: Sequence[Span]) -> int:
        """Working minutes in [begin, end) that are in no standstill."""
        stood = sum(self._minutes(max(begin, stopped), min(end, went_on)) for stopped, went_on in standstills)
        return self._minutes(begin, end) - stood

    def after(self, start: datetime, amount: Budget, standstills: Sequence[Span]) -> datetime:
        """When so much time has passed since `start`."""
        allowed = amount.allowed()
        if allowed.unit == "calendar_day":
            return self._after_days(start, int(allowed.amount), standstills)
        return self.after_minutes(start, allowed.working_minutes(self.hours), standstills)

    def after_minutes(self, start: datetime, minutes: int, standstills: Sequence[Span]) -> datetime:
        """When so many working minutes have passed since `start`."""
        left = minutes
        for stopped, went_on in standstills:
            if went_on <= start:
                continue
            # Time that runs out at the moment of a pause has run out.
            until_then = self._minutes(start, stopped)
            if left <= until_then:
                break
            left -= until_then
            start = went_on
        return worktime.add(start, left, self.calendar, self.hours)

    def _after_days(self, start: datetime, days: int, standstills: Sequence[Span]) -> datetime:
        last = _later(worktime.local_day(start), timedelta(days))
        for stopped, went_on in standstills:
            begin, end = max(start, stopped), went_on
            if end <= begin:
                continue
            worked = self._worked(last)
            if begin >= self._closing(worked):
                break
            first = worktime.local_day(begin)
            last = _later(worked if first > last else last, worktime.local_day(end) - first)
        return self._closing(self._worked(last))

    def _worked(self, day: date) -> date:
        return day if self.calendar.is_working(day) else self.calendar.next_working_day(day)

    def _closing(self, day: date) -> datetime:
        return datetime.combine(day, self.hours.spans[-1][1], worktime.ZONE).astimezone(UTC)

    def _minutes(self, begin: datetime, end: datetime) -> int:
        return worktime.between(begin, end, self.calendar, self.hours)


def _standstills(pauses: Iterable[Pause], until: datetime | None) -> list[Span]:
    """When the clock stands still, in order and apart from each other. A pause that lasts ends at `until`, or is left
    out when that is None."""
    found: list[Span] = []
    spans = ((each.begin, each.end or until) for each in pauses)
    for begin, end in sorted((begin, end) for begin, end in spans if end is not None):
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


@lru_cache(maxsize=2_000)
def _hours(spans: Spans) -> worktime.Hours:
    return worktime.Hours.parse(spans)


def _later(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        raise ValueError("the result lies past the year 9999") from None
