"""Intake's own reading of what catalog and workflow publish: only the fields that it uses."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

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
    code: str
    name: str
    required: bool
    replaced_by_database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    code: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A version of a procedure, as a dossier is filed under it."""

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
    id: str
    name: str
    level: str
    one_stop: bool
    aliases: tuple[Alias, ...]
    hours: tuple[tuple[str, str], ...]
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency


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
class DossierTransferred:
    """workflow.dossier.transferred"""

    to_agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFinished:
    """workflow.dossier.finished"""

    outcome: Literal["approved", "rejected"]
    finished_at: datetime
    timing: Literal["early", "on_time", "late"]
