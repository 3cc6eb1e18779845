"""Due dates follow a calendar that changed. Plain Python."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis import worktime
from workflow import events
from workflow.domain import clock
from workflow.domain.parts import OPEN, By, Rescheduling
from workflow.domain.processes import Process, State, Turn, noted, with_tasks


def reschedule(process: Process, year: int, decision: str, calendar: worktime.Calendar, by: By) -> Turn:
    """The due dates of what still runs, computed anew after `decision` changed the calendar of `year`; nothing is said
    when they stay."""
    hours = worktime.Hours.parse(process.hours)
    if process.state is not State.RUNNING:
        return process, ()
    tasks = tuple(
        replace(task, due_at=worktime.due(task.opened_at, task.allowed.allowed(), calendar, hours))
        if task.state in OPEN and task.allowed is not None and task.opened_at is not None
        else task
        for task in process.tasks
    )
    due_at, previous = clock.due(process.clock_at, process.budget, process.hours, calendar), process.due_at
    if due_at == previous and tasks == process.tasks:
        return process, ()
    if due_at == previous:
        return noted(with_tasks(process, tasks), "tasks_rescheduled", None, by, decision), ()
    note = f"{previous} → {due_at}: {decision}"
    process = noted(with_tasks(replace(process, due_at=due_at), tasks), "rescheduled", None, by, note)
    return rescheduled(process, year, decision, previous, by)


def rescheduled(
    process: Process, year: int, decision: str, previous: datetime | None, by: By
) -> tuple[Process, list[Any]]:
    moved = Rescheduling(year=year, decision=decision, previous_due_at=previous, due_at=process.due_at, at=by.at)
    process = replace(process, reschedulings=(*process.reschedulings, moved))
    return process, [
        events.DossierRescheduled(code=process.code, due_at=process.due_at, previous_due_at=previous, basis=decision)
    ]
