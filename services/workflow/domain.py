"""A dossier's way through its procedure's process: tasks, their deadlines, the decision. Plain Python.

A step's task opens when the steps before it are done. The dossier's due date is never stored bare: it is what the
budget, counted from the clock's start in the agency's hours and the calendar, gives (`due`), and `explain` says how.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Literal

from chassis import hashchain, worktime
from chassis.errors import FieldError, Invalid, WrongState
from workflow import events
from workflow.inbound import Agency, DossierReceived, Procedure, Step
from workflow.successions import Successions

NO_DUE = datetime(9999, 12, 31, tzinfo=UTC)
"""Sorts tasks without a due time behind all others."""

Outcome = Literal["completed", "approved", "rejected"]


class State(StrEnum):
    """Of a process: it runs until its last step is done, or the applicant withdraws the dossier."""

    RUNNING = "running"
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"


class TaskState(StrEnum):
    """Waiting for the steps before it, open for the agency's officers, claimed by one of them, done; or closed, since
    the dossier was withdrawn before it was done."""

    WAITING = "waiting"
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    CLOSED = "closed"


OPEN = (TaskState.OPEN, TaskState.CLAIMED)
UNDONE = (TaskState.WAITING, *OPEN)
SYSTEM = "system:workflow"


class TaskNotOpen(WrongState):
    code = "task_not_open"
    title = "Công việc chưa đến lượt hoặc đã hoàn thành"


class TaskClaimed(WrongState):
    code = "task_claimed"
    title = "Công việc đã có người nhận xử lý"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time that the procedure version allows."""

    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]

    def allowed(self) -> worktime.Budget:
        return worktime.Budget.parse({"amount": self.amount, "unit": self.unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One step of one dossier. `id` is the dossier's id and the step's."""

    id: str
    step: str
    name: str
    role: str
    agency: str
    after: tuple[str, ...]
    decision: bool
    allowed: Budget | None
    state: TaskState = TaskState.WAITING
    opened_at: datetime | None = None
    due_at: datetime | None = None
    assignee: str | None = None
    assignee_name: str | None = None
    completed_at: datetime | None = None
    outcome: Outcome | None = None
    note: str | None = None

    @property
    def late(self) -> bool:
        """Done after the step's own due time."""
        return self.completed_at is not None and self.due_at is not None and self.completed_at > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act. `at` is when it counts, `recorded_at` when we learnt of it; `hash` chains it to the entries before."""

    act: str
    task: str | None
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescheduling:
    """A due date that moved. `year`: of the calendar that was changed by `decision`."""

    year: int
    decision: str
    previous_due_at: datetime | None
    due_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A dossier being worked on. `agencies`: whose officers may see it. `queues`: agencies with an open task;
    `next_due_at`: the earliest due time of an open task (lists are sorted by it). `clock_at`: when the clock
    started. `handled_by`: the receiving agency, or who took over from it. While it runs, `involved` are that one and
    the agencies of what is not done, and `last_due_at` is the latest of its due date and its open tasks'."""

    id: str
    state: State
    code: str
    procedure: str
    procedure_version: int
    procedure_name: str
    result_name: str
    agency: str
    agencies: tuple[str, ...]
    hours: tuple[tuple[str, str], ...]
    received_at: datetime
    clock_at: datetime
    budget: Budget | None
    due_at: datetime | None
    tasks: tuple[Task, ...]
    queues: tuple[str, ...] = ()
    next_due_at: datetime = NO_DUE
    outcome: Literal["approved", "rejected"] | None = None
    finished_at: datetime | None = None
    timing: Literal["early", "on_time", "late"] | None = None
    withdrawn_at: datetime | None = None
    handled_by: str = ""
    involved: tuple[str, ...] = ()
    last_due_at: datetime | None = None
    reschedulings: tuple[Rescheduling, ...] = ()
    journal: tuple[Entry, ...] = ()

    def task(self, id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == id), None)


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when it counts, and when we learnt of it."""

    who: str
    name: str
    at: datetime
    recorded_at: datetime


Turn = tuple[Process, Sequence[Any]]
"""A process's new state, and the events that say so."""


# -- the beginning -----------------------------------------------------------------------------------------------------


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
        due_at=due(received.clock_at, budget, agency.hours, calendar),
        tasks=tasks,
        handled_by=agency.id,
    )
    by = By(SYSTEM, "", received.received_at, recorded_at)
    process = _noted(process, "started", None, by, None)
    moved: list[Any] = []
    if process.due_at != received.due_at:
        # The calendar changed between the promise and this moment. The clock follows the calendar, but never silently.
        process = _noted(process, "due_date_differs", None, by, f"promised {received.due_at}, now {process.due_at}")
        year = worktime.local_day(process.due_at or process.clock_at).year
        decision = (decisions or {}).get(year, "")
        process, moved = _rescheduled(process, year, decision, received.due_at, replace(by, at=recorded_at))
    started = events.DossierStarted(
        code=process.code,
        procedure=process.procedure,
        procedure_version=process.procedure_version,
        agency=process.agency,
        started_at=received.received_at,
        due_at=process.due_at,
        steps_total=len(tasks),
    )
    process, opened = _open_next(process, calendar)
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


def due(
    clock_at: datetime, budget: Budget | None, hours: tuple[tuple[str, str], ...], calendar: worktime.Calendar
) -> datetime | None:
    """When the budget runs out, counted from `clock_at`; None without a budget."""
    return None if budget is None else worktime.due(clock_at, budget.allowed(), calendar, worktime.Hours.parse(hours))


# -- the tasks ---------------------------------------------------------------------------------------------------------


def claim(process: Process, task: Task, by: By) -> Turn:
    """An officer takes an open task; taking one's own again changes nothing."""
    if task.state is TaskState.CLAIMED and task.assignee == by.who:
        return process, ()
    if task.state is TaskState.CLAIMED:
        raise TaskClaimed(f"the task is with {task.assignee}")
    if task.state is not TaskState.OPEN:
        raise TaskNotOpen(f"the task is {task.state}")
    _require_opened(task, by)
    claimed = replace(task, state=TaskState.CLAIMED, assignee=by.who, assignee_name=by.name)
    return _noted(_with_task(process, claimed), "claimed", task.id, by, None), ()


def complete(
    process: Process, task: Task, outcome: Outcome, note: str | None, calendar: worktime.Calendar, by: By
) -> Turn:
    """An officer finishes a task; the steps that waited for it open, and after the last one the dossier is decided.

    The deciding step ends with "approved" or "rejected", every other with "completed".
    """
    if task.state is TaskState.CLAIMED and task.assignee != by.who:
        raise TaskClaimed(f"the task is with {task.assignee}")
    if task.state not in (TaskState.OPEN, TaskState.CLAIMED):
        raise TaskNotOpen(f"the task is {task.state}")
    if task.decision == (outcome == "completed"):
        allowed = "approved or rejected" if task.decision else "completed"
        raise Invalid(
            "the outcome does not fit the step", errors=[FieldError("/outcome", "wrong_outcome", f"must be {allowed}")]
        )
    _require_opened(task, by)
    done = replace(task, state=TaskState.DONE, completed_at=by.at, outcome=outcome, note=note)
    if done.assignee is None:
        done = replace(done, assignee=by.who, assignee_name=by.name)
    process = _noted(_with_task(process, done), "completed", task.id, by, outcome)
    completed = events.TaskCompleted(
        code=process.code,
        task=done.id,
        step=done.step,
        step_name=done.name,
        role=done.role,
        agency=done.agency,
        outcome=outcome,
        completed_at=by.at,
        late=done.late,
        steps_done=sum(t.state is TaskState.DONE for t in process.tasks),
        steps_total=len(process.tasks),
    )
    if all(t.state is TaskState.DONE for t in process.tasks):
        process, ended = _finish(process, by)
        return process, (completed, ended)
    process, opened = _open_next(process, calendar, left=done.agency)
    return process, (completed, *opened)


def _require_opened(task: Task, by: By) -> None:
    if task.opened_at is not None and by.at < task.opened_at:
        raise Invalid("the act lies before the task was opened", code="before_opening")


def _open_next(process: Process, calendar: worktime.Calendar, left: str | None = None) -> Turn:
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
        process = _with_task(process, task)
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


def _finish(process: Process, by: By) -> tuple[Process, events.DossierFinished]:
    decisions = [task.outcome for task in process.tasks if task.decision]
    outcome: Literal["approved", "rejected"] = "rejected" if "rejected" in decisions else "approved"
    finished_at = max((task.completed_at for task in process.tasks if task.completed_at is not None), default=by.at)
    timing = worktime.timing(finished_at, process.due_at)
    process = replace(process, state=State.FINISHED, outcome=outcome, finished_at=finished_at, timing=timing)
    process = _noted(process, "finished", None, replace(by, at=finished_at), outcome)
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


def _with_task(process: Process, changed: Task) -> Process:
    return _with_tasks(process, tuple(changed if task.id == changed.id else task for task in process.tasks))


def _with_tasks(process: Process, tasks: tuple[Task, ...]) -> Process:
    open_tasks = [task for task in tasks if task.state in OPEN]
    dues = [task.due_at for task in open_tasks if task.due_at is not None]
    left = {task.agency for task in tasks if task.state in UNDONE}
    return replace(
        process,
        tasks=tasks,
        queues=tuple(sorted({task.agency for task in open_tasks})),
        next_due_at=min(dues, default=NO_DUE),
        involved=tuple(sorted({*left, process.handled_by or process.agency})) if left else (),
        last_due_at=max((*dues, process.due_at) if process.due_at else dues, default=None) if left else None,
    )


# -- agencies and calendars that change --------------------------------------------------------------------------------


def hand_on(process: Process, successions: Successions, day: date, recorded_at: datetime) -> Turn:
    """What is not done goes to the agencies that have taken over by that day; nothing is said when that is so already.

    A claim ends with the agency whose officer made it. A succession counts from the beginning of its day, or from the
    reception if that was later.
    """
    left = {task.agency for task in process.tasks if task.state in UNDONE}
    here = process.handled_by or process.agency
    paths = {agency: successions.path(agency, day) for agency in sorted({*left, here})} if left else {}
    if not any(paths.values()):
        return process, ()
    agencies, said = list(process.agencies), list[Any]()
    for agency, path in paths.items():
        if not path:
            continue
        to = path[-1].takes_over
        at = max(datetime.combine(path[-1].on, time(), worktime.ZONE).astimezone(UTC), process.received_at)
        note = f"{agency} → {to}: {'; '.join(each.decision for each in path)}"
        process = _noted(process, "succeeded", None, By(SYSTEM, "", at, recorded_at), note)
        agencies += [to] if to not in agencies else []
        if agency in process.queues:
            said.append(
                events.DossierTransferred(
                    code=process.code, from_agency=agency, to_agency=to, transferred_at=at, basis="succession"
                )
            )
    tasks = tuple(_given_to(task, successions.acting(task.agency, day)) for task in process.tasks)
    process = replace(process, agencies=tuple(agencies), handled_by=successions.acting(here, day))
    return _with_tasks(process, tasks), said


def _given_to(task: Task, agency: str) -> Task:
    if task.state not in UNDONE or task.agency == agency:
        return task
    state = TaskState.OPEN if task.state is TaskState.CLAIMED else task.state
    return replace(task, agency=agency, state=state, assignee=None, assignee_name=None)


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
    due_at, previous = due(process.clock_at, process.budget, process.hours, calendar), process.due_at
    if due_at == previous and tasks == process.tasks:
        return process, ()
    if due_at == previous:
        return _noted(_with_tasks(process, tasks), "tasks_rescheduled", None, by, decision), ()
    note = f"{previous} → {due_at}: {decision}"
    process = _noted(_with_tasks(replace(process, due_at=due_at), tasks), "rescheduled", None, by, note)
    return _rescheduled(process, year, decision, previous, by)


def _rescheduled(
    process: Process, year: int, decision: str, previous: datetime | None, by: By
) -> tuple[Process, list[Any]]:
    moved = Rescheduling(year=year, decision=decision, previous_due_at=previous, due_at=process.due_at, at=by.at)
    process = replace(process, reschedulings=(*process.reschedulings, moved))
    return process, [
        events.DossierRescheduled(code=process.code, due_at=process.due_at, previous_due_at=previous, basis=decision)
    ]


# -- the withdrawal ----------------------------------------------------------------------------------------------------


def withdraw(process: Process, withdrawn_at: datetime, recorded_at: datetime) -> Process:
    """The applicant took the dossier back: what is not done is closed. The same process when it knew of it.

    Of a withdrawal and an end the earlier one counts, and the end when both are of the same instant; intake and the
    statistics have the same rule, so that all agree whatever they hear of first. An end that came later is undone.
    """
    if process.withdrawn_at is not None:
        return process
    by = By("system:intake", "", withdrawn_at, recorded_at)
    if process.finished_at is not None and process.finished_at <= withdrawn_at:
        return _noted(replace(process, withdrawn_at=withdrawn_at), "withdrawn_too_late", None, by, None)
    for task in process.tasks:
        if task.state is not TaskState.DONE:
            process = _with_task(process, replace(task, state=TaskState.CLOSED))
    process = replace(
        process, state=State.WITHDRAWN, withdrawn_at=withdrawn_at, outcome=None, finished_at=None, timing=None
    )
    return _noted(process, "withdrawn", None, by, None)


# -- the clock ---------------------------------------------------------------------------------------------------------


def used(process: Process, now: datetime, calendar: worktime.Calendar) -> int:
    """Working minutes that have passed since the clock started, until now or the end."""
    hours = worktime.Hours.parse(process.hours)
    return worktime.between(process.clock_at, ended_at(process) or now, calendar, hours)


def ended_at(process: Process) -> datetime | None:
    """When the clock stopped for good."""
    return process.withdrawn_at if process.state is State.WITHDRAWN else process.finished_at


# -- the journal -------------------------------------------------------------------------------------------------------


def _noted(process: Process, act: str, task: str | None, by: By, note: str | None) -> Process:
    previous = process.journal[-1].hash if process.journal else None
    entry = Entry(act=act, task=task, at=by.at, recorded_at=by.recorded_at, by=by.who, note=note, hash="")
    return replace(process, journal=(*process.journal, replace(entry, hash=hashchain.link(previous, _content(entry)))))


def first_broken_entry(process: Process) -> int | None:
    """The index of the first journal entry that was changed, or None when all are as they were written."""
    return hashchain.first_broken((_content(entry), entry.hash) for entry in process.journal)


def _content(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("act", "task", "at", "recorded_at", "by", "note")}
