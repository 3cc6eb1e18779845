"""What workflow publishes: who works on a dossier, by when, and how it ends. Subject: the dossier's id, as intake gave
it.

Sequence: the process's own; intake's sequence of the same dossier is another count. Nothing here identifies an
applicant.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

Outcome = Literal["completed", "approved", "rejected"]
Timing = Literal["early", "on_time", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStarted:
    """The process has begun. `due_at` is workflow's own from here on; None: the procedure has no due date."""

    TYPE: ClassVar[str] = "workflow.dossier.started.v1"
    code: str
    procedure: str
    procedure_version: int
    agency: str
    started_at: datetime
    due_at: datetime | None
    steps_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAssigned:
    """A step is now for somebody with `role` at `agency`. `task` is the task's id."""

    TYPE: ClassVar[str] = "workflow.task.assigned.v1"
    code: str
    task: str
    step: str
    step_name: str
    role: str
    agency: str
    assigned_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted:
    """A step is done. `late`: after the step's own due time."""

    TYPE: ClassVar[str] = "workflow.task.completed.v1"
    code: str
    task: str
    step: str
    step_name: str
    role: str
    agency: str
    outcome: Outcome
    completed_at: datetime
    late: bool
    steps_done: int
    steps_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierTransferred:
    """Work on it goes on at another agency. `basis`: "step", the next step is there (liên thông); "succession", it took
    over from the agency that had it."""

    TYPE: ClassVar[str] = "workflow.dossier.transferred.v1"
    code: str
    from_agency: str
    to_agency: str
    transferred_at: datetime
    basis: Literal["step", "succession"] = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRescheduled:
    """The due date is another one, because the working calendar is. `basis`: the decision that changed the calendar."""

    TYPE: ClassVar[str] = "workflow.dossier.rescheduled.v1"
    code: str
    due_at: datetime | None
    previous_due_at: datetime | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFinished:
    """Decided, and the result is ready to be returned. `timing` is by day: before, on or after the due day."""

    TYPE: ClassVar[str] = "workflow.dossier.finished.v1"
    code: str
    procedure: str
    procedure_version: int
    agency: str
    outcome: Literal["approved", "rejected"]
    finished_at: datetime
    due_at: datetime | None
    timing: Timing
    result_name: str


PUBLISHED = (DossierStarted, TaskAssigned, TaskCompleted, DossierTransferred, DossierRescheduled, DossierFinished)
