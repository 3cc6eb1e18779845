"""What becomes of a process definition: the very engine on made-up dossiers, each step done when its time is over.
Nothing is stored. Plain Python.

A step without a time of its own is done at once, so that what is counted is what the definition says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chassis import worktime
from chassis.errors import FieldError, Invalid
from workflow.domain import clock, course, references
from workflow.domain.parts import OPEN, Budget, By, Outcome, Task, TaskState
from workflow.domain.processes import SYSTEM, Process, State
from workflow.domain.tasks import settle
from workflow.inbound import Agency, Dimensions, DossierReceived, Duration, Procedure

MAX_STEPS = 100
MAX_CASES = 10
DOSSIER = "simulation"
_SERIOUS = frozenset({"dead_end", "undecided", "over_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A made-up dossier: what its form says, and how the steps end that do not just lead on."""

    name: str
    facts: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that the author should look at; serious when such a dossier would never end, end without a decision or
    take longer than it may. `step`: which it is about. `value`: a year, an instant, or "" (see `simulation_texts`)."""

    code: Literal["dead_end", "undecided", "over_time", "no_time", "fell_back", "calendar_unknown", "never_done"]
    step: str | None = None
    value: str = ""

    @property
    def serious(self) -> bool:
        return self.code in _SERIOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How one case went. `minutes`: working minutes from the start of the clock to the end, in the receiving agency's
    hours; None when it never ends. `path`: the steps that the end waited for, one after the other."""

    case: Case
    process: Process
    minutes: int | None
    path: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and when the made-up dossiers are received, and who is around."""

    agency: Agency
    received_at: datetime
    clock_at: datetime
    budget: Duration | None
    calendar: worktime.Calendar
    acting: Callable[[str], str]
    known: references.Lookup


def simulate(procedure: Procedure, cases: Sequence[Case], setting: Setting) -> tuple[list[Run], list[Finding]]:
    """How each case goes, and what is to be said of all of them. Raises Invalid with what cannot be run at all."""
    wrong = _wrong(procedure, cases)
    if wrong:
        raise Invalid("this process cannot be run", errors=wrong)
    try:
        runs = [_run(procedure, case, setting) for case in cases]
    except ValueError:
        # The arithmetic of working time ends with the year 9999.
        raise Invalid(
            "the times lead past the year 9999", errors=[FieldError("/process/steps", "too_long", "shorter times")]
        ) from None
    done = {task.step for run in runs for task in run.process.tasks if task.state is TaskState.DONE}
    never = [Finding(code="never_done", step=step.id) for step in procedure.process.steps if step.id not in done]
    return runs, never


def _wrong(procedure: Procedure, cases: Sequence[Case]) -> list[FieldError]:
    steps, wrong = {step.id: step for step in procedure.process.steps}, list[FieldError]()
    seen: set[str] = set()
    for n, step in enumerate(procedure.process.steps):
        if step.id in seen:
            wrong.append(FieldError(f"/process/steps/{n}/id", "repeated", "is there already"))
        seen.add(step.id)
    for n, case in enumerate(cases):
        for id, outcome in case.outcomes.items():
            pointer = f"/cases/{n}/outcomes/{id.replace('~', '~0').replace('/', '~1')}"
            if id not in steps:
                wrong.append(FieldError(pointer, "unknown_step", "the id of a step"))
            elif steps[id].decision == (outcome == "completed"):
                allowed = "approved or rejected" if steps[id].decision else "completed"
                wrong.append(FieldError(pointer, "wrong_outcome", f"must be {allowed}"))
    return wrong


def _run(procedure: Procedure, case: Case, setting: Setting) -> Run:
    agency, budget = setting.agency, setting.budget
    allowed = None if budget is None else Budget(amount=budget.amount, unit=budget.unit)
    received = DossierReceived(
        dimensions=Dimensions(procedure=procedure.code, procedure_version=procedure.version, agency=agency.id),
        code=DOSSIER,
        procedure_name="",
        received_at=setting.received_at,
        clock_at=setting.clock_at,
        budget=budget,
        due_at=clock.due(setting.clock_at, allowed, agency.hours, setting.calendar),
        facts=dict(case.facts),
    )
    process, _ = course.start(
        DOSSIER, received, procedure, agency, setting.calendar, setting.received_at, setting.acting, known=setting.known
    )
    while (task := _first_over(process)) is not None:
        at = _over_at(task)
        outcome = case.outcomes.get(task.step, "approved" if task.decision else "completed")
        process, _ = settle(process, task, outcome, None, setting.calendar, By(SYSTEM, "", at, at))
    minutes = None
    if process.finished_at is not None:
        hours = worktime.Hours.parse(agency.hours)
        minutes = worktime.between(setting.clock_at, process.finished_at, setting.calendar, hours)
    findings = tuple(_findings(process, setting.calendar))
    return Run(case=case, process=process, minutes=minutes, path=_path(process), findings=findings)


def _first_over(process: Process) -> Task | None:
    """The open task whose time is over first."""
    return min((task for task in process.tasks if task.state in OPEN), key=_over_at, default=None)


def _over_at(task: Task) -> datetime:
    at = task.due_at or task.opened_at
    if at is None:
        raise AssertionError("an open task was opened")
    return at


def _path(process: Process) -> tuple[str, ...]:
    """Backwards from what was done last: each step's opening waited for the one before it on the path."""
    tasks = {task.step: task for task in process.tasks}
    place = {step: n for n, step in enumerate(tasks)}

    def order(task: Task) -> tuple[datetime, int]:
        # Of what was done at the same moment, since it takes no time, the one that stands last is the last.
        return _done_at(task), place[task.step]

    last = max((task for task in process.tasks if task.state is TaskState.DONE), key=order, default=None)
    path: list[str] = []
    while last is not None:
        path.append(last.step)
        opened_at = last.opened_at
        before = [task for task in _really_before(last, tasks) if opened_at is None or _done_at(task) <= opened_at]
        last = max(before, key=order, default=None)
    return tuple(reversed(path))


def _done_at(task: Task) -> datetime:
    if task.completed_at is None:
        raise AssertionError("a task that is done was completed")
    return task.completed_at


def _really_before(task: Task, tasks: Mapping[str, Task]) -> list[Task]:
    """The steps that were done and that it waited for; past those that were skipped, what these waited for."""
    found: list[Task] = []
    passed: set[str] = set()
    left = list(task.after)
    while left:
        step = left.pop()
        if step in passed or step not in tasks:
            continue
        passed.add(step)
        if tasks[step].state is TaskState.DONE:
            found.append(tasks[step])
        elif tasks[step].state is TaskState.SKIPPED:
            left += tasks[step].after
    return found


def _findings(process: Process, calendar: worktime.Calendar) -> list[Finding]:
    found = [Finding(code="dead_end", step=task.step) for task in process.tasks if task.state is TaskState.WAITING]
    if not any(task.decision and task.state is TaskState.DONE for task in process.tasks):
        found.append(Finding(code="undecided"))
    ends = [at for at in (process.finished_at, process.due_at) if at is not None]
    if process.state is State.FINISHED and len(ends) == 2 and ends[0] > ends[1]:
        found.append(Finding(code="over_time"))
    timeless = [task.step for task in process.tasks if task.state is TaskState.DONE and task.allowed is None]
    found += [Finding(code="no_time", step=step) for step in timeless]
    fell_back = [entry.task for entry in process.journal if entry.act == "fell_back" and entry.task is not None]
    found += [Finding(code="fell_back", step=task.removeprefix(f"{DOSSIER}.")) for task in fell_back]
    days = [worktime.local_day(at) for at in (process.received_at, *ends)]
    for year in range(min(days).year, min(max(days).year, min(days).year + 5) + 1):
        if not calendar.covers(days[0].replace(year=year, month=1, day=1)):
            found.append(Finding(code="calendar_unknown", value=str(year)))
    return found
