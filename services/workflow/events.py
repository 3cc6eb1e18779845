"""What workflow publishes: who works on a dossier, by when, and how it ends. Subject: the dossier's id, as intake gave
it.

Sequence: the process's own; intake's sequence of the same dossier is another count. Nothing here identifies an
applicant.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

Outcome = Literal["completed", "approved", "rejected"]
Timing = Literal["early", "on_time", "late"]
Basis = Literal["return", "undo"]


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
    """A step is done. `late`: after the step's own due time. `steps_done`: those that are behind, be they done or
    skipped, of the `steps_total` that the process has."""

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
class TaskReturned:
    """A step that was done is to be done again: `basis` "return", a later step sent it back; "undo", whoever completed
    it took that back within minutes. What is done no more, or was open and waits again, is `waiting`, by the tasks'
    ids. The dossier's due date stays."""

    TYPE: ClassVar[str] = "workflow.task.returned.v1"
    code: str
    task: str
    step: str
    step_name: str
    role: str
    agency: str
    returned_at: datetime
    due_at: datetime | None
    waiting: tuple[str, ...]
    basis: Basis
    steps_done: int
    steps_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierTransferred:
    """Work on it goes on at another agency. `basis`: "step", the next step is there (liên thông); "succession", it took
    over from the agency that had it; "return", an earlier step that is there is to be done again;
    "competence", it is the one that is competent for it."""

    TYPE: ClassVar[str] = "workflow.dossier.transferred.v1"
    code: str
    from_agency: str
    to_agency: str
    transferred_at: datetime
    basis: Literal["step", "succession", "return", "competence"] = "step"


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
    """Decided, and the result is ready to be returned. `timing` is by day: before, on or after the due day. `refusal`:
    why, when an agency refused it before its last step; the outcome is "rejected" then, and its steps are not done.
    `previous_due_at`: what was promised before the pause that the refusal ended, which no other event tells of; None
    when the clock did not stand still."""

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
    refusal: str | None = None
    previous_due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested:
    """The agency that works on it asks the applicant for more (form 02), for the `number`th time since its reception,
    `components` by their codes. `until`: the last day that it waits. The clock pauses."""

    TYPE: ClassVar[str] = "workflow.supplement.requested.v1"
    code: str
    agency: str
    requested_at: datetime
    number: int
    components: tuple[str, ...]
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRequested:
    """A fee that was found while it was worked on; the clock pauses until it is paid or cancelled. `amount`
    in đồng."""

    TYPE: ClassVar[str] = "workflow.fee.requested.v1"
    code: str
    agency: str
    requested_at: datetime
    amount: int
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierPaused:
    """The clock stands still. `kind`: what it waits for; "supplement" and "fee" come with an event of their own."""

    TYPE: ClassVar[str] = "workflow.dossier.paused.v1"
    code: str
    kind: Literal["supplement", "fee", "other"]
    paused_at: datetime
    basis: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierResumed:
    """The clock goes on, or, when it `restarted`, begins anew. `previous_due_at`: what was promised before the
    pause."""

    TYPE: ClassVar[str] = "workflow.dossier.resumed.v1"
    code: str
    kind: Literal["supplement", "fee", "other"]
    resumed_at: datetime
    restarted: bool
    due_at: datetime | None
    previous_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierExtended:
    """More time. `apology`: form 04 was issued with it, `in_time` when that was before or on the due day."""

    TYPE: ClassVar[str] = "workflow.dossier.extended.v1"
    code: str
    extended_at: datetime
    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]
    basis: str
    reason: str
    apology: bool
    in_time: bool
    due_at: datetime
    previous_due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStopped:
    """Work on it has ended without a decision (form 05)."""

    TYPE: ClassVar[str] = "workflow.dossier.stopped.v1"
    code: str
    procedure: str
    procedure_version: int
    agency: str
    stopped_at: datetime
    due_at: datetime | None
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineApproaching:
    """The due date comes near. `told`: the agencies that should do something about it."""

    TYPE: ClassVar[str] = "workflow.deadline.approaching.v1"
    code: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMissed:
    """The due date has passed. `told`: as above, and whom it escalates to. `apology`: form 04 was issued in time."""

    TYPE: ClassVar[str] = "workflow.deadline.missed.v1"
    code: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]
    apology: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOverdue:
    """A step's own due time has passed and it is not done."""

    TYPE: ClassVar[str] = "workflow.task.overdue.v1"
    code: str
    task: str
    step: str
    step_name: str
    role: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultIssued:
    """A result document is in force: with the end of the process, or in the place of another. `result`: its id, `kind`:
    the code of what it is, `sha256`: its file's. `signed`: it holds a digital signature."""

    TYPE: ClassVar[str] = "workflow.result.issued.v1"
    code: str
    procedure: str
    procedure_version: int
    agency: str
    result: str
    result_name: str
    kind: str | None
    outcome: Literal["approved", "rejected"]
    sha256: str
    signed: bool
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecalled:
    """A result is not in force any more. `basis`: the decision or the article by which it was taken back."""

    TYPE: ClassVar[str] = "workflow.result.recalled.v1"
    code: str
    agency: str
    result: str
    kind: str | None
    sha256: str
    issued_at: datetime
    recalled_at: datetime
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReplaced:
    """A result is not in force any more; `replaced_by`, of which workflow.result.issued tells, is in its place."""

    TYPE: ClassVar[str] = "workflow.result.replaced.v1"
    code: str
    agency: str
    result: str
    kind: str | None
    sha256: str
    issued_at: datetime
    replaced_at: datetime
    replaced_by: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionAsked:
    """An officer asks another agency beside the process. `task`: the question's own; `asker`: the one that asks."""

    TYPE: ClassVar[str] = "workflow.opinion.asked.v1"
    code: str
    task: str
    asker: str
    agency: str
    asked_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionGiven:
    """The asked agency answered, or, when it `lapsed`, its time passed without."""

    TYPE: ClassVar[str] = "workflow.opinion.given.v1"
    code: str
    task: str
    asker: str
    agency: str
    given_at: datetime
    lapsed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOpened:
    """A step of the subject is to be done by a dossier of its own: `child` is its identifier, `procedure` whose process
    it runs, at `agency`, from `opened_at`. `recorded_at`: when that became known."""

    TYPE: ClassVar[str] = "workflow.child.opened.v1"
    code: str
    task: str
    child: str
    procedure: str
    agency: str
    opened_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """The child dossier that is the subject has ended; `task`: of its parent, which is done with that. `outcome` None:
    it ended without a decision."""

    TYPE: ClassVar[str] = "workflow.child.ended.v1"
    code: str
    task: str
    child: str
    procedure: str
    agency: str
    state: Literal["finished", "stopped"]
    outcome: Literal["approved", "rejected"] | None
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCalledOff:
    """The subject waits for this child no more: it ended itself, or took the step back. `reason`: the act that did
    it."""

    TYPE: ClassVar[str] = "workflow.child.called_off.v1"
    code: str
    task: str
    child: str
    procedure: str
    agency: str
    called_off_at: datetime
    reason: str


PUBLISHED = (
    DossierStarted,
    TaskAssigned,
    TaskCompleted,
    TaskReturned,
    DossierTransferred,
    DossierRescheduled,
    DossierFinished,
    OpinionAsked,
    OpinionGiven,
    ChildOpened,
    ChildEnded,
    ChildCalledOff,
    ResultIssued,
    ResultRecalled,
    ResultReplaced,
    SupplementRequested,
    FeeRequested,
    DossierPaused,
    DossierResumed,
    DossierExtended,
    DossierStopped,
    DeadlineApproaching,
    DeadlineMissed,
    TaskOverdue,
)
