"""What officers do with a task. Plain Python."""

from dataclasses import replace

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from workflow import events
from workflow.domain.course import finish, open_next
from workflow.domain.parts import BEHIND, By, Outcome, Task, TaskState
from workflow.domain.processes import Process, Turn, noted, require_running, with_task


class TaskNotOpen(WrongState):
    code = "task_not_open"
    title = "Công việc chưa đến lượt hoặc đã hoàn thành"


class TaskClaimed(WrongState):
    code = "task_claimed"
    title = "Công việc đã có người nhận xử lý"


def claim(process: Process, task: Task, by: By) -> Turn:
    """An officer takes an open task; taking one's own again changes nothing."""
    if task.state is TaskState.CLAIMED and task.assignee == by.who:
        return process, ()
    if task.state is TaskState.CLAIMED:
        raise TaskClaimed(f"the task is with {task.assignee}")
    if task.state is not TaskState.OPEN:
        raise TaskNotOpen(f"the task is {task.state}")
    require_running(process)
    _require_opened(task, by)
    claimed = replace(task, state=TaskState.CLAIMED, assignee=by.who, assignee_name=by.name)
    return noted(with_task(process, claimed), "claimed", task.id, by, None), ()


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
    require_running(process)
    if task.decision == (outcome == "completed"):
        allowed = "approved or rejected" if task.decision else "completed"
        raise Invalid(
            "the outcome does not fit the step", errors=[FieldError("/outcome", "wrong_outcome", f"must be {allowed}")]
        )
    _require_opened(task, by)
    done = replace(task, state=TaskState.DONE, completed_at=by.at, outcome=outcome, note=note)
    if done.assignee is None:
        done = replace(done, assignee=by.who, assignee_name=by.name)
    process = noted(with_task(process, done), "completed", task.id, by, outcome)
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
    if all(t.state in BEHIND for t in process.tasks):
        process, ended = finish(process, by)
        return process, (completed, ended)
    process, opened = open_next(process, calendar, left=done.agency)
    return process, (completed, *opened)


def _require_opened(task: Task, by: By) -> None:
    if task.opened_at is not None and by.at < task.opened_at:
        raise Invalid("the act lies before the task was opened", code="before_opening")
