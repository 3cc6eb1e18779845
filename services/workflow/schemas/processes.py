"""The course of a dossier."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from workflow import clock_texts
from workflow.domain.accounts import Account, ClockState, PauseLine
from workflow.domain.parts import Entry, Extension, Rescheduling
from workflow.domain.processes import Process, State
from workflow.schemas.tasks import TaskView


class EntryView(BaseModel):
    """`behalf`: in whose stead `by` acted, by a delegation."""

    act: str
    task: str | None
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str
    behalf: str | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class ChildView(BaseModel):
    """A dossier that does a step of this one; `dossier` is what its own timeline is asked for by."""

    dossier: str
    task: str
    procedure: str
    procedure_name: str
    agency: str
    state: State
    outcome: str | None
    due_at: datetime | None

    @classmethod
    def of(cls, child: Process) -> "ChildView":
        same = {name: getattr(child, name) for name in cls.model_fields if name not in ("dossier", "task")}
        return cls(**same, dossier=child.id, task=child.parent or "")


class ParentView(BaseModel):
    """The dossier of which this one does a step; whoever works on the child sees no more of it."""

    dossier: str
    task: str
    state: State


class Timeline(BaseModel):
    """A dossier's tasks in the process's order, and every act on them. `intact`: the journal is as it was written.
    `parent`: of a child dossier; `children`: those that do or did steps of this one."""

    dossier: str
    code: str
    state: State
    outcome: str | None
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    withdrawn_at: datetime | None
    stopped_at: datetime | None
    timing: str | None
    version: int
    tasks: list[TaskView]
    parent: ParentView | None
    children: list[ChildView]
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


class PauseView(BaseModel):
    """In JSON `from` and `to`; None while it lasts. `working_minutes`: within it, until now if it lasts."""

    begin: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime | None, Field(serialization_alias="to")]
    working_minutes: Annotated[int, Field(ge=0)]
    basis: str

    @classmethod
    def of(cls, line: PauseLine) -> "PauseView":
        pause = line.pause
        return cls(begin=pause.begin, end=pause.end, working_minutes=line.minutes, basis=pause.basis)


class ExtensionView(BaseModel):
    """`previous_due_at` and `due_at`: what it did to the due date when it was granted."""

    at: datetime
    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]
    basis: str
    reason: str
    apology: bool
    previous_due_at: datetime | None
    due_at: datetime | None

    @classmethod
    def of(cls, extension: Extension) -> "ExtensionView":
        moved = extension.moved
        return cls(
            at=extension.at,
            amount=extension.amount.amount,
            unit=extension.amount.unit,
            basis=extension.basis,
            reason=extension.reason,
            apology=extension.apology,
            previous_due_at=None if moved is None else moved.previous_due_at,
            due_at=None if moved is None else moved.due_at,
        )


class ExplanationLine(BaseModel):
    vi: str
    en: str


class Clock(BaseModel):
    """The deadline's account. `used` in working minutes; `state`: "none" when the procedure has no due date."""

    received_at: datetime
    budget: float | None
    unit: Literal["working_day", "calendar_day", "hour"] | None
    used: Annotated[int, Field(ge=0)]
    pauses: list[PauseView]
    extensions: list[ExtensionView]
    due_at: datetime | None
    state: ClockState
    explanation: list[ExplanationLine]

    @classmethod
    def of(cls, process: Process, account: Account) -> "Clock":
        return cls(
            received_at=process.received_at,
            budget=process.budget.amount if process.budget else None,
            unit=process.budget.unit if process.budget else None,
            used=account.used,
            pauses=[PauseView.of(line) for line in account.ledger if isinstance(line, PauseLine)],
            extensions=[ExtensionView.of(line) for line in account.ledger if isinstance(line, Extension)],
            due_at=process.due_at,
            state=account.state,
            explanation=[ExplanationLine(vi=vi, en=en) for vi, en in clock_texts.explanation(process, account)],
        )
