"""Intake's own reading of what catalog and workflow publish: only the fields that it uses."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from intake.domain.parts import PauseKind
from intake.events import ApplicantKind, Budget, ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    counter: Budget
    online: Budget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOfWork:
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """`result_code`: the kind of result that it is, when another procedure gives it. `replaced_by_database`: the
    database that makes it needless; it is not demanded."""

    code: str
    name: str
    required: bool
    result_code: str | None = None
    replaced_by_database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    name: str
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A case in which the fee is not paid."""

    code: str
    name: str
    legal_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """`kind`: "fee" is phí, "charge" is lệ phí. Amounts in đồng; `online_amount`: when it is filed online, None: the
    same. Asked for in [valid_from, valid_to)."""

    code: str
    name: str
    amount: int
    kind: Literal["fee", "charge"] = "fee"
    online_amount: int | None = None
    exemptions: tuple[Exemption, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An answer of the form that the process asks for, by its JSON pointer."""

    name: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A version of a procedure, as a dossier is filed under it. `form`: JSON Schema (2020-12) of what is filled in."""

    code: str
    version: int
    name: str
    field: FieldOfWork
    service_level: ServiceLevel
    agencies: tuple[str, ...]
    levels: tuple[str, ...]
    applicants: tuple[ApplicantKind, ...]
    components: tuple[Component, ...]
    durations: Durations | None
    cut_off: str | None
    fees: tuple[Fee, ...]
    valid_from: date
    valid_to: date | None
    form: dict[str, Any] | None = None
    result: Result | None = None
    process: Process = dataclasses.field(default_factory=Process)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDelivered:
    """notify.post.delivered: the public post gave the result to whom it is for. `order`, `tracking`: the post's
    numbers."""

    dossier: str
    order: str
    tracking: str | None
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    procedure: Procedure


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureWithdrawn:
    code: str
    version: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureVersion:
    """How intake keeps a version; `procedure` is None for the version that withdraws it."""

    code: str
    version: int
    valid_from: date
    procedure: Procedure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An identifier that the agency bears besides its own, in [valid_from, valid_to)."""

    id: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """`inherited_levels`: levels of agencies that it took over from; it offers their procedures too."""

    id: str
    name: str
    level: str
    one_stop: bool
    aliases: tuple[Alias, ...]
    hours: tuple[tuple[str, str], ...]
    valid_from: date
    valid_to: date | None
    inherited_levels: tuple[str, ...] = ()

    def borne_on(self, day: date) -> set[str]:
        """The aliases that it bears on the day."""
        return {alias.id for alias in self.aliases if (alias.valid_from or day) <= day < (alias.valid_to or date.max)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencySucceeded:
    """catalog.agency.succeeded: from `on` on, `takes_over` acts for each of the predecessors."""

    predecessors: tuple[str, ...]
    takes_over: str
    on: date
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    date: date
    kind: Literal["off", "working"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    year: int
    days: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted:
    """workflow.dossier.started"""

    started_at: datetime
    steps_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted:
    """workflow.task.completed"""

    task: str
    step_name: str
    agency: str
    completed_at: datetime
    steps_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReturned:
    """workflow.task.returned: `task` and `waiting` are not done any more."""

    task: str
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierTransferred:
    """workflow.dossier.transferred"""

    to_agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRescheduled:
    """workflow.dossier.rescheduled: `basis` is the decision that moved the due date."""

    due_at: datetime | None
    previous_due_at: datetime | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested:
    """workflow.supplement.requested"""

    agency: str
    requested_at: datetime
    components: tuple[str, ...]
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRequested:
    """workflow.fee.requested: `amount` in đồng."""

    requested_at: datetime
    amount: int
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierPaused:
    """workflow.dossier.paused"""

    kind: PauseKind
    paused_at: datetime
    basis: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierResumed:
    """workflow.dossier.resumed"""

    resumed_at: datetime
    restarted: bool
    due_at: datetime | None
    previous_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierExtended:
    """workflow.dossier.extended"""

    extended_at: datetime
    basis: str
    reason: str
    apology: bool
    due_at: datetime
    previous_due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStopped:
    """workflow.dossier.stopped"""

    stopped_at: datetime
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultIssued:
    """workflow.result.issued"""

    result: str
    sha256: str
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecalled:
    """workflow.result.recalled"""

    result: str
    sha256: str
    issued_at: datetime
    recalled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReplaced:
    """workflow.result.replaced"""

    result: str
    sha256: str
    issued_at: datetime
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFinished:
    """workflow.dossier.finished; `previous_due_at`: what was promised before the pause that ended with it, None when
    the clock did not stand still."""

    outcome: Literal["approved", "rejected"]
    finished_at: datetime
    timing: Literal["early", "on_time", "late"]
    due_at: datetime | None = None
    previous_due_at: datetime | None = None
