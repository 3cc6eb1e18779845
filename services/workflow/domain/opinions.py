"""Opinions of other agencies (lấy ý kiến): steps of the process, and questions that an officer asks beside it.

An opinion does not hold a dossier up: when its time has passed without an answer, it lapses as of then, and what waited
for it goes on. While the dossier is paused nobody can answer, so nothing lapses either. Plain Python.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow import events
from workflow.domain import answers, clock
from workflow.domain.parts import OPEN, Budget, By, Spans, Task, TaskState
from workflow.domain.processes import SYSTEM, Process, State, Turn, noted, require_running, with_tasks
from workflow.domain.tasks import require_handed_to, require_opened, settle

MOST = 20
"""Questions that one step may ask beside the process: more is a mistake, or a script."""


class NoStep(WrongState):
    code = "not_a_step"
    title = "Chỉ cán bộ đang xử lý một bước của quy trình mới được lấy ý kiến"


class TooManyOpinions(WrongState):
    code = "too_many_opinions"
    title = "Bước này đã lấy ý kiến quá số lần cho phép"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an agency: `hours` are its working hours, in which the time that is `allowed` is counted;
    `role`: who there should answer."""

    agency: str
    hours: Spans
    role: str
    text: str
    allowed: Budget


def ask(process: Process, task: Task, question: Question, calendar: worktime.Calendar, by: By) -> Turn:
    """The officer who works on the task asks another agency. The asking step goes on meanwhile, and when it is
    completed first the question is closed. The question's task is the last one of the process."""
    require_handed_to(task, by)
    require_running(process)
    require_opened(task, by)
    if task.kind != "task":
        raise NoStep("who is asked for an opinion gives it")
    if question.agency == task.agency:
        raise Invalid("that is the asking agency", errors=[FieldError("/agency", "own_agency", "another agency")])
    if sum(each.asker == task.id for each in process.tasks) >= MOST:
        raise TooManyOpinions(f"a step asks {MOST} times at most")
    # A step of the process may be called like a question.
    number = next(n for n in count(1) if process.task(f"{task.id}.o{n}") is None)
    asked = Task(
        id=f"{task.id}.o{number}",
        step=f"{task.step}.o{number}",
        name=task.name,
        role=question.role,
        agency=question.agency,
        after=(),
        decision=False,
        allowed=question.allowed,
        state=TaskState.OPEN,
        opened_at=by.at,
        kind="opinion",
        asker=task.id,
        question=question.text,
        hours=question.hours,
    )
    asked = replace(asked, due_at=clock.task_due(process, asked, calendar))
    if asked.agency not in process.agencies:
        process = replace(process, agencies=(*process.agencies, asked.agency))
    process = noted(with_tasks(process, (*process.tasks, asked)), "asked", asked.id, by, asked.agency)
    told = events.OpinionAsked(
        code=process.code, task=asked.id, asker=task.id, agency=asked.agency, asked_at=by.at, due_at=asked.due_at
    )
    return process, (told,)


def lapse(process: Process, now: datetime, calendar: worktime.Calendar) -> Turn:
    """Every open opinion whose time has passed lapses as of then, the earliest first; the same process when there is
    none."""
    said: list[Any] = []
    # One that lapses may bring the turn of another whose time has passed too.
    while process.state is State.RUNNING and (overdue := _overdue(process, now)):
        due_at, _, task = min(overdue, key=lambda each: each[:2])
        by = By(SYSTEM, "", due_at, now)
        if task.asker is not None:
            process, more = answers.give(process, task, answers.LAPSED, by, lapsed=True)
        else:
            process = noted(process, "lapsed", task.id, by, None)
            process, more = settle(process, task, "completed", answers.LAPSED, calendar, by)
        said += more
    return process, said


def _overdue(process: Process, now: datetime) -> list[tuple[datetime, str, Task]]:
    return [
        (task.due_at, task.id, task)
        for task in process.tasks
        if task.kind == "opinion" and task.state in OPEN and task.due_at is not None and task.due_at <= now
    ]
