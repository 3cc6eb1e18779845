"""Tells whom it concerns that a deadline comes near or was missed, each once. Plain Python.

- A step's own due time: its agency.
- The dossier's, when `Process.alert_share` of the time is used: the agencies at which it lies, and the receiving one.
- The dossier's, when it has passed: these and the agency above each; then, after a number of working days, the next one
  up, until the top of the tree.

What was told is kept in the process (`Alert`), with the due time that it was about: a due date that moved is another
one. While the clock stands still, and after the end, nothing is told.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from chassis import worktime
from chassis.evolving import replace
from workflow import events
from workflow.domain import clock, deadlines
from workflow.domain.deadlines import Pending
from workflow.domain.parts import OPEN, Alert, Budget
from workflow.domain.processes import Process, State, Turn, with_tasks

Above = Callable[[str], str | None]
"""The agency above another; None for the topmost."""


def tell(process: Process, now: datetime, above: Above, calendar: worktime.Calendar, escalate_days: int) -> Turn:
    """What is due to be told by now. `escalate_days`: working days until the next agency up hears of a dossier that is
    still not done; they count from the last word and not from the due date, so that an outage makes no storm."""
    said: list[Any] = []
    if process.state is State.RUNNING and process.parent is None:
        waiting = deadlines.pending(process.id, process.near_at, process.due_at, process.tasks, process.alerts)
        due = [each for each in waiting if each.at <= now]
        over = any(each.kind == "missed" and each.what == process.id for each in due)
        for each in sorted(due, key=lambda one: (one.at, one.what)):
            if each.kind == "approaching" and over:
                # It has passed meanwhile, which says more.
                continue
            if each.kind == "approaching":
                process, more = _approaching(process, each, now)
            elif each.what != process.id:
                process, more = _overdue(process, each, now)
            else:
                process, more = _missed(process, each, now, above, calendar, escalate_days)
            said += more
    return with_tasks(process, process.tasks), said


def _approaching(process: Process, due: Pending, now: datetime) -> Turn:
    told = _concerned(process)
    data = events.DeadlineApproaching(code=process.code, agency=_here(process), due_at=due.due_at, told=told)
    return _with(process, Alert(kind="approaching", what=process.id, due_at=due.due_at, at=now, told=told)), (data,)


def _overdue(process: Process, due: Pending, now: datetime) -> Turn:
    task = process.task(due.what)
    if task is None:
        raise AssertionError("what is pending is of a task of the process")
    told = (task.agency,)
    data = events.TaskOverdue(
        code=process.code,
        task=task.id,
        step=task.step,
        step_name=task.name,
        role=task.role,
        agency=task.agency,
        due_at=due.due_at,
        told=told,
    )
    return _with(process, Alert(kind="missed", what=task.id, due_at=due.due_at, at=now, told=told)), (data,)


def _missed(
    process: Process, due: Pending, now: datetime, above: Above, calendar: worktime.Calendar, escalate_days: int
) -> Turn:
    concerned = _concerned(process)
    before = {
        agency
        for each in process.alerts
        if (each.kind, each.what, each.due_at) == ("missed", process.id, due.due_at)
        for agency in each.told
    }
    first = due.kind == "missed"
    told = tuple(sorted({*(concerned if first else ()), *_next_up(concerned, {*before, *concerned}, above)}))
    further = _next_up(concerned, {*before, *concerned, *told}, above)
    pause = Budget(amount=escalate_days, unit="working_day")
    alert = Alert(
        kind="missed",
        what=process.id,
        due_at=due.due_at,
        at=now,
        told=told,
        escalates_at=clock.due(now, pause, process.hours, calendar) if further else None,
    )
    data = events.DeadlineMissed(
        code=process.code, agency=_here(process), due_at=due.due_at, told=told, apology=process.apologised
    )
    # Nobody is told when the tree has changed since, and all who are in it know already.
    return _with(process, alert), (data,) if told else ()


def _here(process: Process) -> str:
    return process.handled_by or process.agency


def _concerned(process: Process) -> tuple[str, ...]:
    """The agencies at which it lies, and the one that the applicant waits for."""
    return tuple(sorted({_here(process), *(task.agency for task in process.tasks if task.state in OPEN)}))


def _next_up(concerned: Iterable[str], known: set[str], above: Above) -> set[str]:
    """The first agency above each of these that does not know yet."""
    found: set[str] = set()
    for agency in concerned:
        passed: set[str] = set()
        here: str | None = agency
        # News of agencies that come in any order may make a circle for a moment; it ends here.
        while here is not None and here in known and here not in passed:
            passed.add(here)
            here = above(here)
        if here is not None and here not in known:
            found.add(here)
    return found


def _with(process: Process, *more: Alert) -> Process:
    return replace(process, alerts=(*process.alerts, *more))
