"""What officers do with a task. Plain Python."""

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow.domain import answers
from workflow.domain.course import advance
from workflow.domain.parts import OPEN, By, Outcome, Task, TaskState
from workflow.domain.processes import Process, Turn, noted, require_running, with_task
from workflow.domain.told import task_completed
from workflow.domain.undo import remember


class TaskNotOpen(WrongState):
    code = "task_not_open"
    title = "Công việc chưa đến lượt hoặc đã hoàn thành"


class TaskUnclaimed(WrongState):
    code = "task_unclaimed"
    title = "Công việc chưa có người nhận xử lý"


class TaskClaimed(WrongState):
    code = "task_claimed"
    title = "Công việc đã có người nhận xử lý"


class ChildAtWork(WrongState):
    code = "child_at_work"
    title = "Bước này do một hồ sơ con thực hiện"


def claim(process: Process, task: Task, by: By) -> Turn:
    """An officer takes an open task; taking one's own again changes nothing. What a delegate takes is the officer's in
    whose stead it is, so that it is not the delegate's when the period is over."""
    officer, name = (by.who, by.name) if by.behalf is None else (by.behalf, by.behalf_name)
    if task.state is TaskState.CLAIMED and task.assignee == officer:
        return process, ()
    if task.state is TaskState.CLAIMED:
        raise TaskClaimed(f"the task is with {task.assignee}")
    if task.state is not TaskState.OPEN:
        raise TaskNotOpen(f"the task is {task.state}")
    require_hands(task)
    require_running(process)
    require_opened(task, by)
    claimed = replace(task, state=TaskState.CLAIMED, assignee=officer, assignee_name=name)
    after = noted(with_task(process, claimed), "claimed", task.id, by, None)
    return remember(process, after, "claimed", task.id, by), ()


def complete(
    process: Process, task: Task, outcome: Outcome, note: str | None, calendar: worktime.Calendar, by: By
) -> Turn:
    """An officer finishes a task; the steps that waited for it open, and after the last one the dossier is decided.

    The deciding step ends with "approved" or "rejected", every other with "completed".
    """
    require_handed_to(task, by)
    require_running(process)
    if task.decision == (outcome == "completed"):
        allowed = "approved or rejected" if task.decision else "completed"
        raise Invalid(
            "the outcome does not fit the step", errors=[FieldError("/outcome", "wrong_outcome", f"must be {allowed}")]
        )
    require_opened(task, by)
    mine = task if task.assignee is not None else replace(task, assignee=by.who, assignee_name=by.name)
    if task.asker is not None:
        return answers.give(process, mine, note, by)
    after, said = settle(process, mine, outcome, note, calendar, by)
    return remember(process, after, "completed", task.id, by), said


def settle(
    process: Process, task: Task, outcome: Outcome, note: str | None, calendar: worktime.Calendar, by: By
) -> Turn:
    """A step is done, whoever or whatever did it, and what waited for it follows."""
    done = replace(task, state=TaskState.DONE, completed_at=by.at, outcome=outcome, note=note)
    process = noted(with_task(process, done), "completed", task.id, by, outcome)
    process, followed = advance(process, calendar, by, left=done.agency)
    return process, (task_completed(process, done), *followed)


def require_handed_to(task: Task, by: By) -> None:
    """TaskClaimed when it is with somebody else, in whose stead the caller does not act either; TaskNotOpen."""
    require_open(task)
    if task.state is TaskState.CLAIMED and task.assignee not in (by.who, by.behalf):
        raise TaskClaimed(f"the task is with {task.assignee}")


def require_open(task: Task) -> None:
    if task.state not in OPEN:
        raise TaskNotOpen(f"the task is {task.state}")
    require_hands(task)


def require_hands(task: Task) -> None:
    """ChildAtWork when a dossier of its own does the step, so that officers act there."""
    if task.kind == "child":
        raise ChildAtWork(f"the step is done by the procedure {task.child}")


def require_opened(task: Task, by: By) -> None:
    if task.opened_at is not None and by.at < task.opened_at:
        raise Invalid("the act lies before the task was opened", code="before_opening")
