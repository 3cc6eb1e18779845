"""What is said of a task, by whatever act it came about. Plain Python."""

from workflow import events
from workflow.domain.parts import BEHIND, Task
from workflow.domain.processes import Process


def task_completed(process: Process, task: Task) -> events.TaskCompleted:
    """As it is done in the process's new state."""
    if task.outcome is None or task.completed_at is None:
        raise AssertionError("a task that is done has an outcome and a time")
    return events.TaskCompleted(
        code=process.code,
        task=task.id,
        step=task.step,
        step_name=task.name,
        role=task.role,
        agency=task.agency,
        outcome=task.outcome,
        completed_at=task.completed_at,
        late=task.late,
        steps_done=steps_behind(process),
        steps_total=len(process.steps),
    )


def task_assigned(process: Process, task: Task) -> events.TaskAssigned:
    if task.opened_at is None:
        raise AssertionError("a task that is open was opened")
    return events.TaskAssigned(
        code=process.code,
        task=task.id,
        step=task.step,
        step_name=task.name,
        role=task.role,
        agency=task.agency,
        assigned_at=task.opened_at,
        due_at=task.due_at,
    )


def steps_behind(process: Process) -> int:
    """How many steps are done, or skipped."""
    return sum(task.state in BEHIND for task in process.steps)
