"""How a process begins, which steps open when, and how it ends by its last step. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from chassis import worktime
from workflow import events
from workflow.domain import clock
from workflow.domain.calendars import rescheduled
from workflow.domain.parts import Budget, By, Task, TaskState
from workflow.domain.processes import SYSTEM, Process, State, Turn, noted, with_task
from workflow.inbound import Agency, DossierReceived, Procedure, Step


def start(
    id: str,
    received: DossierReceived,
    procedure: Procedure,
    agency: Agency,
    calendar: worktime.Calendar,
    recorded_at: datetime,
    acting: Callable[[str], str] = str,
    decisions: Mapping[int, str] | None = None,
) -> Turn:
    """The process of a received dossier, under the procedure version that it was filed under; its first tasks are
    open.

    `acting`: who acts for an agency that the procedure names, and mostly is it. `decisions`: by which decision each
    year's calendar is what it is.
    """
    budget = None if received.budget is None else Budget(amount=received.budget.amount, unit=received.budget.unit)
    tasks = tuple(_task(id, step, agency, budget, acting) for step in procedure.process.steps)
    process = Process(
        id=id,
        state=State.RUNNING,
        code=received.code,
        procedure=procedure.code,
        procedure_version=procedure.version,
        procedure_name=received.procedure_name,
        result_name=procedure.result.name,
        agency=agency.id,
        agencies=(agency.id,),
        hours=agency.hours,
        received_at=received.received_at,
        clock_at=received.clock_at,
        budget=budget,
        due_at=clock.due(received.clock_at, budget, agency.hours, calendar),
        tasks=tasks,
        handled_by=agency.id,
        supplement_rule=procedure.supplement_rule,
        facts=received.facts,
    )
    by = By(SYSTEM, "", received.received_at, recorded_at)
    process = noted(process, "started", None, by, None)
    moved: list[Any] = []
    if process.due_at != received.due_at:
        # The calendar changed between the promise and this moment. The clock follows the calendar, but never silently.
        process = noted(process, "due_date_differs", None, by, f"promised {received.due_at}, now {process.due_at}")
        year = worktime.local_day(process.due_at or process.clock_at).year
        decision = (decisions or {}).get(year, "")
        process, moved = rescheduled(process, year, decision, received.due_at, replace(by, at=recorded_at))
    started = events.DossierStarted(
        code=process.code,
        procedure=process.procedure,
        procedure_version=process.procedure_version,
        agency=process.agency,
        started_at=received.received_at,
        due_at=process.due_at,
        steps_total=len(tasks),
    )
    process, opened = open_next(process, calendar)
    return process, (started, *moved, *opened)


def _task(dossier: str, step: Step, agency: Agency, budget: Budget | None, acting: Callable[[str], str]) -> Task:
    if step.agency is None or (step.agency == "@parent" and agency.parent is None):
        where = agency.id
    else:
        where = agency.parent if step.agency == "@parent" and agency.parent else step.agency
    return Task(
        id=f"{dossier}.{step.id}",
        step=step.id,
        name=step.name,
        role=step.role,
        agency=acting(where),
        after=step.after,
        decision=step.decision,
        kind=step.kind,
        join=step.join,
        condition=step.condition,
        child=step.child,
        allowed=_allowed(step, budget),
    )


def _allowed(step: Step, budget: Budget | None) -> Budget | None:
    """The step's own time: its amount, or its share of the budget, a working minute at least.

    A share of calendar days is counted in working days.
    """
    if step.amount is not None:
        return Budget(amount=step.amount.amount, unit=step.amount.unit)
    if step.share is None or budget is None:
        return None
    share = budget.amount * step.share / 100
    if budget.unit == "hour":
        return Budget(amount=max(share, 1 / worktime.MINUTES_PER_HOUR), unit="hour")
    return Budget(amount=max(share, 1 / worktime.MINUTES_PER_WORKING_DAY), unit="working_day")


def open_next(process: Process, calendar: worktime.Calendar, left: str | None = None) -> Turn:
    """Opens every task whose predecessors are done, as of when the last of them was; says when work goes over to
    another agency.
    """
    done = {task.step: task.completed_at for task in process.tasks if task.completed_at is not None}
    hours = worktime.Hours.parse(process.hours)
    said: list[Any] = []
    here = left or process.agency
    for waiting in process.tasks:
        if waiting.state is not TaskState.WAITING or not done.keys() >= set(waiting.after):
            continue
        # Of parallel branches, the one that is entered last may have been done first (Occurred-At).
        at = max((done[step] for step in waiting.after), default=process.received_at)
        due_at = None if waiting.allowed is None else worktime.due(at, waiting.allowed.allowed(), calendar, hours)
        task = replace(waiting, state=TaskState.OPEN, opened_at=at, due_at=due_at)
        process = with_task(process, task)
        if task.agency != here:
            said.append(
                events.DossierTransferred(code=process.code, from_agency=here, to_agency=task.agency, transferred_at=at)
            )
        if task.agency not in process.agencies:
            process = replace(process, agencies=(*process.agencies, task.agency))
        said.append(
            events.TaskAssigned(
                code=process.code,
                task=task.id,
                step=task.step,
                step_name=task.name,
                role=task.role,
                agency=task.agency,
                assigned_at=at,
                due_at=task.due_at,
            )
        )
    return process, said


def finish(process: Process, by: By) -> tuple[Process, events.DossierFinished]:
    decisions = [task.outcome for task in process.tasks if task.decision]
    outcome: Literal["approved", "rejected"] = "rejected" if "rejected" in decisions else "approved"
    finished_at = max((task.completed_at for task in process.tasks if task.completed_at is not None), default=by.at)
    timing = worktime.timing(finished_at, process.due_at)
    process = replace(process, state=State.FINISHED, outcome=outcome, finished_at=finished_at, timing=timing)
    process = noted(process, "finished", None, replace(by, at=finished_at), outcome)
    finished = events.DossierFinished(
        code=process.code,
        procedure=process.procedure,
        procedure_version=process.procedure_version,
        agency=process.agency,
        outcome=outcome,
        finished_at=finished_at,
        due_at=process.due_at,
        timing=timing,
        result_name=process.result_name,
    )
    return process, finished
