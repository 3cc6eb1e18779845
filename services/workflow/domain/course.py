"""How a process begins, which steps open when, and how it ends by its last step. Plain Python."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from chassis import worktime
from chassis.evolving import replace
from workflow import events
from workflow.domain import clock, issuing, references
from workflow.domain.calendars import rescheduled
from workflow.domain.conditions import holds
from workflow.domain.parts import BEHIND, UNDONE, Budget, By, Task, TaskState
from workflow.domain.processes import ALERT_SHARE, SYSTEM, Process, State, Turn, noted, with_task
from workflow.domain.told import task_assigned
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
    known: references.Lookup | None = None,
    alert_share: float = ALERT_SHARE,
) -> Turn:
    """The process of a received dossier, under the procedure version that it was filed under; its first tasks are
    open.

    `acting`: who acts for an agency that the procedure names, and mostly is it. `decisions`: by which decision each
    year's calendar is what it is. `alert_share`: see Process. `known`: agencies by their identifiers; without it, what
    is named exists.
    """
    budget = None if received.budget is None else Budget(amount=received.budget.amount, unit=received.budget.unit)
    find = known or (lambda there: replace(agency, id=there, parent=None))
    places = [references.resolve(step.agency, agency, received.facts, acting, find) for step in procedure.process.steps]
    there = {place.agency: find(place.agency) for place in places if place.agency != agency.id}
    tasks = tuple(
        _task(id, step, place.agency, budget, there.get(place.agency))
        for step, place in zip(procedure.process.steps, places, strict=True)
    )
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
        promised_due_at=received.due_at,
        tasks=tasks,
        handled_by=agency.id,
        supplement_rule=procedure.supplement_rule,
        facts=received.facts,
        personal=received.personal,
        alert_share=alert_share,
    )
    process = replace(process, near_at=clock.near(process, calendar))
    by = By(SYSTEM, "", received.received_at, recorded_at)
    process = noted(process, "started", None, by, None)
    for task, step, place in zip(tasks, procedure.process.steps, places, strict=True):
        if place.fell_back:
            process = noted(process, "fell_back", task.id, by, step.agency)
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
    process, opened = advance(process, calendar, by)
    return process, (started, *moved, *opened)


def _task(dossier: str, step: Step, agency: str, budget: Budget | None, there: Agency | None) -> Task:
    """`there`: the agency that does it, when it is another than the receiving one."""
    return Task(
        id=f"{dossier}.{step.id}",
        step=step.id,
        name=step.name,
        role=step.role,
        agency=agency,
        hours=None if there is None else there.hours,
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


def advance(process: Process, calendar: worktime.Calendar, by: By, left: str | None = None) -> Turn:
    """Opens what can open, as `open_next`, and ends the process when all its steps are behind it."""
    process, said = open_next(process, calendar, left)
    if process.tasks and all(task.state in BEHIND for task in process.steps):
        process, ended = finish(process, by)
        return process, (*said, *ended)
    return process, said


def open_next(process: Process, calendar: worktime.Calendar, left: str | None = None) -> Turn:
    """Opens every task whose turn it is, as of when that came; says when work goes over to another agency.

    A task whose condition does not hold is skipped, and what waits for it goes on. With the turn of a task that waits
    for one of several branches, what was only to be done for it on the others is skipped too.
    """
    said: list[Any] = []
    here = left or process.agency
    # A skipped step may bring the turn of one that stands anywhere behind it.
    while (found := _turn(process)) is not None:
        waiting, at = found
        if waiting.join == "any":
            process = _overtake(process, waiting, at)
        if not holds(waiting.condition, process.facts, outcomes(process)):
            process = _skip(process, waiting, at, "its condition does not hold")
            continue
        process, opened = _open(process, waiting, at, calendar, here)
        said += opened
    return process, said


def outcomes(process: Process) -> dict[str, str]:
    """How the steps that are done ended, by their ids."""
    return {
        task.step: task.outcome for task in process.tasks if task.state is TaskState.DONE and task.outcome is not None
    }


def _turn(process: Process) -> tuple[Task, datetime] | None:
    """The first waiting task whose turn it is, and since when."""
    behind = _behind(process)
    done = {task.step for task in process.tasks if task.state is TaskState.DONE}
    for task in process.tasks:
        if task.state is not TaskState.WAITING:
            continue
        first = [behind[step] for step in task.after if step in done] if task.join == "any" else []
        # Sent back, it waits for what is done since; a branch that was done before brings no second turn.
        really = [at for at in first if task.round == 1 or at >= _returned_at(process)]
        if really:
            return task, min(really)
        if all(step in behind for step in task.after):
            # Of parallel branches, the one that is entered last may have been done first (Occurred-At).
            return task, max((behind[step] for step in task.after), default=process.received_at)
    return None


def _returned_at(process: Process) -> datetime:
    """When the dossier went back to an earlier step last."""
    return max((entry.at for entry in process.journal if entry.act == "returned"), default=process.received_at)


def _behind(process: Process) -> dict[str, datetime]:
    """The steps that are behind, and since when: a skipped one since those before it are."""
    behind: dict[str, datetime] = {}
    for task in process.tasks:
        if task.state is TaskState.DONE and task.completed_at is not None:
            behind[task.step] = task.completed_at
        elif task.state is TaskState.SKIPPED:
            before = [behind[step] for step in task.after if step in behind]
            behind[task.step] = max(before, default=process.received_at)
    return behind


def _overtake(process: Process, join: Task, at: datetime) -> Process:
    """Skips what is left on the branches to `join` that were not the first, unless another step waits for it too."""
    tasks = {task.step: task for task in process.tasks}
    leading, found = set[str](), list(join.after)
    while found:
        step = found.pop()
        if step in tasks and step not in leading:
            leading.add(step)
            found += tasks[step].after
    left = {step for step in leading if tasks[step].state in UNDONE and not tasks[step].decision}
    others = [task for task in process.tasks if task.state is TaskState.WAITING and task.step != join.step]
    while needed := left & {step for task in others if task.step not in left for step in task.after}:
        left -= needed
    for task in process.tasks:
        if task.step in left:
            process = _skip(process, task, at, f"{join.step} goes on without it")
    return process


def _skip(process: Process, task: Task, at: datetime, why: str) -> Process:
    skipped = with_task(process, replace(task, state=TaskState.SKIPPED))
    return noted(skipped, "skipped", task.id, By(SYSTEM, "", at, process.journal[-1].recorded_at), why)


def _open(process: Process, waiting: Task, at: datetime, calendar: worktime.Calendar, here: str) -> Turn:
    task = replace(waiting, state=TaskState.OPEN, opened_at=at)
    task = replace(task, due_at=clock.task_due(process, task, calendar))
    process = with_task(process, task)
    said: list[Any] = []
    if task.agency != here:
        said.append(
            events.DossierTransferred(code=process.code, from_agency=here, to_agency=task.agency, transferred_at=at)
        )
    # Who does it by a dossier of its own sees that one.
    if task.kind != "child" and task.agency not in process.agencies:
        process = replace(process, agencies=(*process.agencies, task.agency))
    said.append(task_assigned(process, task))
    return process, said


def finish(process: Process, by: By) -> Turn:
    """The process has ended with its last step, and the results that its decisions name are given out."""
    decisions = [task.outcome for task in process.tasks if task.decision]
    outcome: Literal["approved", "rejected"] = "rejected" if "rejected" in decisions else "approved"
    finished_at = max((task.completed_at for task in process.steps if task.completed_at is not None), default=by.at)
    process, finished = ended(process, outcome, finished_at, by)
    process, issued = issuing.issue(process, replace(by, at=finished_at))
    return process, (finished, *issued)


def ended(
    process: Process, outcome: Literal["approved", "rejected"], finished_at: datetime, by: By
) -> tuple[Process, events.DossierFinished]:
    """The process is decided as of `finished_at`."""
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
