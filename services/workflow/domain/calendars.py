"""Due dates follow a calendar that changed. Plain Python."""

from datetime import datetime
from typing import Any

from chassis import worktime
from chassis.evolving import replace
from workflow import events
from workflow.domain import clock
from workflow.domain.parts import By, Rescheduling
from workflow.domain.processes import Process, Turn, ended_at, noted


def reschedule(process: Process, year: int, decision: str, calendar: worktime.Calendar, by: By) -> Turn:
    """The due dates of what has not ended, computed anew after `decision` changed the calendar of `year`; nothing is
    said when they stay. Pauses and extensions keep what they gave: only the days that they are counted over change."""
    if ended_at(process) is not None:
        return process, ()
    after, previous = clock.redue(process, calendar), process.due_at
    if (after.due_at, after.tasks) == (previous, process.tasks):
        return process, ()
    if after.due_at == previous:
        return noted(after, "tasks_rescheduled", None, by, decision), ()
    after = noted(after, "rescheduled", None, by, f"{previous} → {after.due_at}: {decision}")
    return rescheduled(after, year, decision, previous, by)


def rescheduled(
    process: Process, year: int, decision: str, previous: datetime | None, by: By
) -> tuple[Process, list[Any]]:
    moved = Rescheduling(year=year, decision=decision, previous_due_at=previous, due_at=process.due_at, at=by.at)
    process = replace(process, reschedulings=(*process.reschedulings, moved))
    return process, [
        events.DossierRescheduled(code=process.code, due_at=process.due_at, previous_due_at=previous, basis=decision)
    ]
