"""Child dossiers: a step of the kind "child" is done by a process of its own, under its own procedure, at the step's
agency. Plain Python.

- The child's identifier is the parent's, `~`, and the step (`:2` behind it when the step was returned to once), so that
  however often it is asked for, there is one.
- What a child says stays inside: to the other services there is one dossier, the outermost. Its beginning, its end and
  its being called off are told by `workflow.child.*`, which only this service acts on.
- A child whose parent ends, or takes the step back, is called off. A parent that is paused leaves it running: the other
  agency has what it was asked for, and its time is not the applicant's. Its end counts for a paused parent too.
- Children nest three deep, and none is of the procedure of one above it: such a step is an ordinary task of the agency.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from chassis import worktime
from chassis.errors import WrongState
from chassis.evolving import replace
from workflow import events, inbound
from workflow.domain import clock, course, pauses, references
from workflow.domain.parts import BEHIND, OPEN, Budget, By, Outcome, Task, TaskState
from workflow.domain.processes import SYSTEM, Process, State, Turn, ended_at, noted, with_task, with_tasks
from workflow.domain.tasks import settle

SEPARATOR = "~"
DEEPEST = 3
STEP = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)
"""The steps that can be part of a child's identifier."""
ENDED = (State.FINISHED, State.WITHDRAWN, State.STOPPED)


class AskedByChild(WrongState):
    """Only the outermost dossier has an applicant."""

    code = "child_dossier"
    title = "Hồ sơ con không làm việc với người nộp: đề nghị thực hiện ở hồ sơ chính"


def child_of(task: Task) -> str:
    """The identifier of the process that does this task."""
    dossier = task.id.removesuffix(f".{task.step}")
    round_ = "" if task.round == 1 else f":{task.round}"
    return f"{dossier}{SEPARATOR}{task.step}{round_}"


def dossier_of(task_id: str) -> str:
    """The identifier of the process that a task is in."""
    return task_id.partition(".")[0]


def above(id: str) -> list[str]:
    """The identifiers of the processes above this one, the nearest first; none for an outermost one."""
    parts = id.split(SEPARATOR)
    return [SEPARATOR.join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


# -- how one begins ----------------------------------------------------------------------------------------------------


def bounded(procedure: inbound.Procedure, lineage: Sequence[str]) -> tuple[inbound.Procedure, Mapping[str, str]]:
    """The procedure as it can be run below `lineage`: a step whose child may not be is an ordinary task; and why, by
    step."""
    refused = {
        step.id: why
        for step in procedure.process.steps
        if step.kind == "child" and (why := _unfit(step, procedure, lineage)) is not None
    }
    if not refused:
        return procedure, refused
    steps = tuple(
        replace(step, kind="task", child=None) if step.id in refused else step for step in procedure.process.steps
    )
    return replace(procedure, process=replace(procedure.process, steps=steps)), refused


def _unfit(step: inbound.Step, procedure: inbound.Procedure, lineage: Sequence[str]) -> str | None:
    if step.child is None:
        return "it names no procedure"
    if step.child in (*lineage, procedure.code):
        return f"{step.child} would be below itself"
    if len(lineage) >= DEEPEST:
        return f"{DEEPEST} levels below the outermost dossier"
    return None if STEP.fullmatch(step.id) else "its identifier cannot be part of another"


def remark(process: Process, refused: Mapping[str, str], at: datetime, recorded_at: datetime) -> Process:
    """The journal says which steps are ordinary tasks against the procedure's word."""
    for step, why in refused.items():
        process = noted(process, "child_refused", f"{process.id}.{step}", By(SYSTEM, "", at, recorded_at), why)
    return process


def begin(
    parent: Process,
    task: Task,
    procedure: inbound.Procedure,
    agency: inbound.Agency,
    calendar: worktime.Calendar,
    recorded_at: datetime,
    acting: Callable[[str], str],
    known: references.Lookup,
) -> Process:
    """The process that does the parent's task, from when the task was opened, or from the next working minute. Its time
    is what its own procedure allows at the counter; without that, the step's."""
    opened_at = task.opened_at or parent.received_at
    hours = worktime.Hours.parse(agency.hours)
    clock_at = worktime.start_of_clock(opened_at, None, calendar, hours)
    own = procedure.durations.counter if procedure.durations is not None else task.allowed
    budget = None if own is None else Budget(amount=own.amount, unit=own.unit)
    lineage = (*parent.lineage, parent.procedure)
    procedure, refused = bounded(procedure, lineage)
    received = inbound.DossierReceived(
        dimensions=inbound.Dimensions(procedure=procedure.code, procedure_version=procedure.version, agency=agency.id),
        code=parent.code,
        procedure_name=procedure.name or task.name,
        received_at=opened_at,
        clock_at=clock_at,
        budget=None if budget is None else inbound.Duration(amount=budget.amount, unit=budget.unit),
        due_at=clock.due(clock_at, budget, agency.hours, calendar),
        facts=parent.facts,
        personal=parent.personal,
    )
    process, _ = course.start(child_of(task), received, procedure, agency, calendar, recorded_at, acting, None, known)
    process = replace(process, parent=task.id, lineage=lineage)
    return remark(with_tasks(process, process.tasks), refused, opened_at, recorded_at)


def never_begun(parent: Process, called_off: inbound.ChildCalledOff, recorded_at: datetime) -> Process:
    """In the place of a child that was called off before it began, so that it never will."""
    at = called_off.called_off_at
    process = Process(
        id=called_off.child,
        state=State.STOPPED,
        code=parent.code,
        procedure=called_off.procedure,
        procedure_version=0,
        procedure_name="",
        result_name="",
        agency=called_off.agency,
        agencies=(called_off.agency,),
        hours=parent.hours,
        received_at=at,
        clock_at=at,
        budget=None,
        due_at=None,
        tasks=(),
        handled_by=called_off.agency,
        stopped_at=at,
        parent=called_off.task,
        lineage=(*parent.lineage, parent.procedure),
    )
    return noted(process, "called_off", None, By(SYSTEM, "", at, recorded_at), called_off.reason)


# -- how one ends ------------------------------------------------------------------------------------------------------


def call_off(process: Process, at: datetime, reason: str, recorded_at: datetime) -> Process:
    """The parent does not wait for it any more: what is not done is closed. The same process when it has ended."""
    if process.state in ENDED:
        return process
    tasks = tuple(
        task if task.state in (*BEHIND, TaskState.CLOSED) else replace(task, state=TaskState.CLOSED)
        for task in process.tasks
    )
    process = with_tasks(replace(process, state=State.STOPPED, stopped_at=at), tasks)
    return noted(process, "called_off", None, By(SYSTEM, "", at, recorded_at), reason)


def ended(parent: Process, end: inbound.ChildEnded, calendar: worktime.Calendar, recorded_at: datetime) -> Turn:
    """The parent's task is done as its child ended: with the child's decision, "rejected" for one that was stopped. The
    same process when it does not wait for this child: it knew already, or has called it off."""
    task = parent.task(end.task)
    if task is None or task.kind != "child" or task.state not in OPEN or child_of(task) != end.child:
        return parent, ()
    if parent.state in ENDED:
        return parent, ()
    at = max(end.ended_at, task.opened_at or end.ended_at)
    by = By(SYSTEM, "", at, recorded_at)
    outcome: Outcome = "approved" if end.outcome == "approved" else "rejected"
    note = f"{end.child}: {end.state}"
    after, said = settle(parent, task, outcome, note, calendar, by)
    if after.state is State.FINISHED and parent.pause is not None:
        # It was the last step: nothing is left to wait for, so the pause ends with the dossier.
        going = pauses.ended(parent, calendar, max(at, parent.pause.begin))
        going = noted(going, "resumed", None, by, "the child dossier was the last step")
        return settle(going, going.task(task.id) or task, outcome, note, calendar, by)
    return after, said


def by_hand(process: Process, task: Task, why: str, recorded_at: datetime) -> Process:
    """No child can do it: the step is an ordinary task of its agency from now on."""
    ordinary = replace(task, kind="task", child=None)
    if task.agency not in process.agencies:
        process = replace(process, agencies=(*process.agencies, task.agency))
    return noted(with_task(process, ordinary), "child_refused", task.id, By(SYSTEM, "", recorded_at, recorded_at), why)


# -- what is said ------------------------------------------------------------------------------------------------------


def said(before: Process | None, after: Process, told: Sequence[Any]) -> list[Any]:
    """What is published when `before` becomes `after` and the act itself told `told`: which children are to begin and
    which are called off; of a child, its end and nothing else. Raises AskedByChild.

    It looks at the two states and not at the act, so it holds for every act there is or will be.
    """
    found: list[Any] = list(told)
    if after.parent is not None:
        if any(isinstance(each, (events.SupplementRequested, events.FeeRequested)) for each in told):
            raise AskedByChild("ask on the outermost dossier, which has an applicant")
        found = _end(before, after)
    was, now = {} if before is None else _at_work(before), _at_work(after)
    found += [_opened(after, now[child], child) for child in now if child not in was]
    for child in [child for child in was if child not in now]:
        task = after.task(was[child].id)
        if task is None or task.state is not TaskState.DONE:
            found.append(_called_off(after, was[child], child))
    return found


def _at_work(process: Process) -> dict[str, Task]:
    """The tasks that children do, by the children's identifiers."""
    if process.state in ENDED:
        return {}
    return {child_of(task): task for task in process.tasks if task.kind == "child" and task.state in OPEN}


def _opened(process: Process, task: Task, child: str) -> events.ChildOpened:
    return events.ChildOpened(
        code=process.code,
        task=task.id,
        child=child,
        procedure=task.child or "",
        agency=task.agency,
        opened_at=task.opened_at or process.received_at,
        recorded_at=process.journal[-1].recorded_at,
    )


def _called_off(process: Process, task: Task, child: str) -> events.ChildCalledOff:
    last = process.journal[-1]
    return events.ChildCalledOff(
        code=process.code,
        task=task.id,
        child=child,
        procedure=task.child or "",
        agency=task.agency,
        called_off_at=last.at,
        reason=last.act,
    )


def _end(before: Process | None, after: Process) -> list[Any]:
    at = ended_at(after)
    if before is None or before.state in ENDED or after.state not in ENDED or after.parent is None or at is None:
        return []
    # A child is never withdrawn by itself; an applicant withdraws the outermost dossier.
    state: Literal["finished", "stopped"] = "finished" if after.state is State.FINISHED else "stopped"
    ended = events.ChildEnded(
        code=after.code,
        task=after.parent,
        child=after.id,
        procedure=after.procedure,
        agency=after.agency,
        state=state,
        outcome=after.outcome,
        ended_at=at,
    )
    return [ended]


def links(tasks: Iterable[Task]) -> list[str]:
    """The identifiers of the children that did or do these tasks, in every round."""
    return [
        child_of(replace(task, round=number))
        for task in tasks
        if task.kind == "child"
        for number in range(1, task.round + 1)
    ]
