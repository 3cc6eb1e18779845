"""Tasks."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from chassis.web import Body
from workflow.domain.listing import Listed
from workflow.domain.parts import Outcome, Task, TaskState
from workflow.domain.processes import Process, State
from workflow.schemas.fields import Identifier, Note


class ClaimBody(Body):
    """Nothing is asked: the caller takes the task."""


class CompletionBody(Body):
    """The deciding step ends "approved" or "rejected", every other "completed". `result`: the id of the result document
    that is decided by."""

    outcome: Outcome
    note: Note | None = None
    result: Identifier | None = None


class ReturnBody(Body):
    """`to`: an earlier step that is done, by its id in the process."""

    to: Identifier
    reason: Note


class UndoBody(Body):
    """Nothing is asked: one's own newest act on the task is meant."""


class TaskView(BaseModel):
    """A step of a dossier, for somebody with `role` at `agency`. `dossier_state`: while it is not "running", nothing
    can be done with the task. `question`: of an opinion that was asked for beside the process; `note`: the answer, or
    what else was said when it was completed."""

    id: str
    dossier: str
    dossier_state: State
    code: str
    procedure: str
    procedure_name: str
    kind: Literal["task", "opinion", "child"]
    step: str
    name: str
    role: str
    agency: str
    decision: bool
    state: TaskState
    assignee: str | None
    co_handlers: tuple[str, ...]
    opened_at: datetime | None
    due_at: datetime | None
    completed_at: datetime | None
    outcome: Outcome | None
    round: int
    question: str | None
    note: str | None

    @classmethod
    def of(cls, process: Process | Listed, task: Task) -> "TaskView":
        same = {name: getattr(task, name) for name in cls.model_fields if hasattr(task, name)}
        return cls(
            **same,
            dossier=process.id,
            dossier_state=State(process.state),
            code=process.code,
            procedure=process.procedure,
            procedure_name=process.procedure_name,
        )


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
