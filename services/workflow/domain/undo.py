"""Taking an act back within minutes, while nothing that followed has been touched. Plain Python.

What was published cannot be unsaid, so the contrary is published: `events.TaskReturned` with the basis "undo" for a
completion, and what a return had taken back is said again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from chassis.errors import Invalid, WrongState
from chassis.evolving import replace
from workflow import events
from workflow.domain.parts import OPEN, By, Task, TaskState, Undoable
from workflow.domain.processes import Process, State, Turn, noted, require_running, with_tasks
from workflow.domain.told import steps_behind, task_assigned, task_completed

KEPT = 5
"""A process keeps its newest acts: officers of parallel branches may each take back their own."""
HARMLESS = frozenset({"followers_changed"})
"""Acts on the whole dossier that leave its tasks alone."""


class NothingToUndo(WrongState):
    code = "nothing_to_undo"
    title = "Không có thao tác nào của ông/bà trên công việc này để hoàn tác"


class TooLateToUndo(WrongState):
    code = "too_late_to_undo"
    title = "Đã quá thời gian cho phép hoàn tác"


class GoneOn(WrongState):
    code = "gone_on"
    title = "Hồ sơ đã được xử lý tiếp, không thể hoàn tác"


def remember(
    before: Process,
    after: Process,
    act: Literal["claimed", "assigned", "completed", "returned"],
    task: str,
    by: By,
) -> Process:
    """`after`, with what it takes to undo the act that led there from `before`; an end cannot be undone, since the
    applicant is told of it."""
    if after.state is not State.RUNNING:
        return after
    now = {each.id: each for each in after.tasks}
    changed = tuple(each for each in before.tasks if now.get(each.id) != each)
    done = Undoable(
        act=act,
        task=task,
        by=by.who,
        at=by.at,
        recorded_at=by.recorded_at,
        entry=len(after.journal) - 1,
        before=changed,
        behalf=by.behalf,
    )
    return replace(after, undoable=(*after.undoable[-KEPT + 1 :], done))


def undo(process: Process, task: Task, within: timedelta, by: By) -> Turn:
    """The newest act on the task is taken back by the officer whose act it was, in the same stead: its tasks are as
    they were before.

    `within`: how long after it was recorded. Agencies that the act let see the dossier go on seeing it.
    """
    require_running(process)
    found = newest(process, task)
    if found is None or (found.by, found.behalf) != (by.who, by.behalf):
        raise NothingToUndo("the newest act on this task is not yours, or none that can be undone")
    if by.recorded_at - found.recorded_at > within:
        raise TooLateToUndo(f"acts are undone within {within}")
    if by.at < found.at:
        raise Invalid("this lies before the act that it undoes", code="before_the_act")
    _require_untouched(process, found)
    was = {each.id: each for each in found.before}
    restored = with_tasks(process, tuple(was.get(each.id, each) for each in process.tasks))
    others = tuple(each for each in restored.undoable if each.task != task.id)
    undone = noted(replace(restored, undoable=others), "undone", task.id, by, found.act)
    said: list[Any] = []
    if found.act == "completed":
        opened = tuple(each for each in process.tasks if each.id in was and was[each.id].state is TaskState.WAITING)
        left = sorted({each.agency for each in opened if each.state in OPEN})
        said = taken_back(undone, was[task.id], opened, left, by.at, "undo")
    elif found.act == "returned":
        said = [
            task_completed(undone, each) if each.state is TaskState.DONE else task_assigned(undone, each)
            for each in found.before
            if each.state in (TaskState.DONE, *OPEN)
        ]
    return undone, said


def newest(process: Process, task: Task) -> Undoable | None:
    """The newest act on the task that may be taken back."""
    return next((each for each in reversed(process.undoable) if each.task == task.id), None)


def behind(process: Process, step: str) -> set[str]:
    """The steps that come after this one, at whatever distance."""
    found: set[str] = set()
    steps = {step}
    while steps:
        steps = {task.step for task in process.tasks if steps & set(task.after)} - found
        found |= steps
    return found


def taken_back(
    process: Process, task: Task, waiting: Sequence[Task], left: Sequence[str], at: datetime, basis: events.Basis
) -> list[Any]:
    """What is said when `task` is open again in the process's new state, and `waiting` are not any more. `left`: the
    agencies that were working on them."""
    returned = events.TaskReturned(
        code=process.code,
        task=task.id,
        step=task.step,
        step_name=task.name,
        role=task.role,
        agency=task.agency,
        returned_at=at,
        due_at=task.due_at,
        waiting=tuple(each.id for each in waiting),
        basis=basis,
        steps_done=steps_behind(process),
        steps_total=len(process.steps),
    )
    transferred = [
        events.DossierTransferred(
            code=process.code, from_agency=here, to_agency=task.agency, transferred_at=at, basis="return"
        )
        for here in left
        if here != task.agency
    ]
    return [returned, *transferred]


def _require_untouched(process: Process, found: Undoable) -> None:
    changed = {each.id for each in found.before}
    steps = {each.step for each in process.tasks if each.id in changed}
    behind_it = {step for each in steps for step in behind(process, each)}
    concerned = {each.id for each in process.tasks if each.step in behind_it} | changed
    # Whoever got a step by this act and asked another agency has gone on: the question would be closed with the step.
    got = {each.id for each in found.before if each.state not in OPEN}
    asked = {each.id for each in process.tasks if each.asker in got}
    for entry in process.journal[found.entry + 1 :]:
        if entry.act not in HARMLESS and (entry.task is None or entry.task in concerned | asked):
            raise GoneOn(f"since then: {entry.act}")
    for each in process.tasks:
        if each.id in concerned - changed and each.state is not TaskState.WAITING:
            raise GoneOn(f"step {each.step} is {each.state}")
    for each in (*found.before, *(each for each in process.tasks if each.id in changed)):
        if each.kind == "child" and each.state in OPEN:
            # It was called off by the act, or would be now, and does not begin a second time.
            raise GoneOn(f"step {each.step} is done by a dossier of its own")
