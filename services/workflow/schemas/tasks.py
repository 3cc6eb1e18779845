"""Tasks."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from chassis.paging import PageQuery
from chassis.web import Body
from workflow.domain.parts import Outcome, Task, TaskState
from workflow.domain.processes import Process, State
from workflow.schemas.fields import Identifier, Note


class ClaimBody(Body):
    """Nothing is asked: the caller takes the task."""


class CompletionBody(Body):
    """The deciding step ends "approved" or "rejected", every other "completed"."""

    outcome: Outcome
    note: Note | None = None


class TasksQuery(PageQuery):
    """`assignee`: an officer's subject, or `me`. `overdue`: only what is past its due time."""

    agency: Identifier | None = None
    assignee: Identifier | None = None
    state: Literal["open", "claimed"] | None = None
    overdue: bool = False


class TaskView(BaseModel):
    id: str
    dossier: str
    code: str
    procedure: str
    procedure_name: str
    step: str
    name: str
    role: str
    agency: str
    decision: bool
    state: TaskState
    assignee: str | None
    opened_at: datetime | None
    due_at: datetime | None
    completed_at: datetime | None
    outcome: Outcome | None

    @classmethod
    def of(cls, process: Process, task: Task) -> "TaskView":
        same = {name: getattr(task, name) for name in cls.model_fields if hasattr(task, name)}
        return cls(
            **same,
            dossier=process.id,
            code=process.code,
            procedure=process.procedure,
            procedure_name=process.procedure_name,
        )


class TaskPage(BaseModel):
    items: list[TaskView]
    next: str | None


class Acted(BaseModel):
    """What an act on a task answers: the task, and where the dossier stands now."""

    task: TaskView
    state: State
    open_tasks: list[str]
    outcome: str | None
    version: int

    @classmethod
    def of(cls, process: Process, task_id: str, version: int) -> "Acted":
        task = next(task for task in process.tasks if task.id == task_id)
        open_tasks = [task.id for task in process.tasks if task.state in (TaskState.OPEN, TaskState.CLAIMED)]
        return cls(
            task=TaskView.of(process, task),
            state=process.state,
            open_tasks=open_tasks,
            outcome=process.outcome,
            version=version,
        )
