"""The course of a dossier."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from workflow.domain.parts import Entry, Rescheduling
from workflow.domain.processes import Process, State
from workflow.schemas.tasks import TaskView


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
