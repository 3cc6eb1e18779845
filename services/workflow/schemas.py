"""The bodies and answers of workflow's API."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from chassis.paging import PageQuery
from chassis.web import Body
from workflow.domain import Entry, Outcome, Process, Rescheduling, State, Task, TaskState

Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]


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


class EntryView(BaseModel):
    act: str
    task: str | None
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class Timeline(BaseModel):
    """A dossier's tasks in the process's order, and every act on them. `intact`: the journal is as it was written."""

    dossier: str
    code: str
    state: State
    outcome: str | None
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    withdrawn_at: datetime | None
    timing: str | None
    version: int
    tasks: list[TaskView]
    journal: list[EntryView]
    intact: bool


class ReschedulingsQuery(PageQuery):
    """`year`: of the calendar that was changed."""

    year: Annotated[int, Field(ge=1990, le=2100)]


class ReschedulingView(BaseModel):
    """A due date that moved because a decision changed the working calendar."""

    dossier: str
    code: str
    procedure: str
    agency: str
    decision: str
    previous_due_at: datetime | None
    due_at: datetime | None
    at: datetime

    @classmethod
    def of(cls, process: Process, moved: Rescheduling) -> "ReschedulingView":
        return cls(
            dossier=process.id,
            code=process.code,
            procedure=process.procedure,
            agency=process.agency,
            decision=moved.decision,
            previous_due_at=moved.previous_due_at,
            due_at=moved.due_at,
            at=moved.at,
        )


class ReschedulingPage(BaseModel):
    items: list[ReschedulingView]
    next: str | None


class ExplanationLine(BaseModel):
    vi: str
    en: str


class Clock(BaseModel):
    """The deadline's account. `used` in working minutes; `state`: "none" when the procedure has no due date."""

    received_at: datetime
    budget: float | None
    unit: Literal["working_day", "calendar_day", "hour"] | None
    used: Annotated[int, Field(ge=0)]
    pauses: list[str]
    extensions: list[str]
    due_at: datetime | None
    state: Literal["running", "paused", "finished", "none"]
    explanation: list[ExplanationLine]
