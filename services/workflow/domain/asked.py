"""What tasks show of the opinions among them: which are still wanted, and when the next one lapses. Plain Python."""

from datetime import datetime

from chassis.evolving import replace
from workflow.domain.parts import OPEN, Task, TaskState


def closed(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """An opinion that was asked for beside the process is closed when the step that asked is open no more, whatever
    ended or took back that step."""
    asking = {task.id for task in tasks if task.state in OPEN}
    if all(task.asker is None or task.asker in asking or task.state not in OPEN for task in tasks):
        return tasks
    return tuple(
        replace(task, state=TaskState.CLOSED)
        if task.asker is not None and task.asker not in asking and task.state in OPEN
        else task
        for task in tasks
    )


def lapses_at(tasks: tuple[Task, ...]) -> datetime | None:
    """The earliest due time of an open opinion: then the process goes on without it."""
    dues = [task.due_at for task in tasks if task.kind == "opinion" and task.state in OPEN and task.due_at is not None]
    return min(dues, default=None)
