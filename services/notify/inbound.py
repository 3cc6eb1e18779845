"""notify's own reading of what it consumes: only the fields that it uses."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    name: str
    email: str | None
    person: str | None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFiled:
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    filed_at: datetime
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived:
    dimensions: Dimensions
    code: str
    procedure_name: str
    agency_name: str
    received_at: datetime
    due_at: datetime | None
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRefused:
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    refused_at: datetime
    reason: str
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested:
    dimensions: Dimensions
    requested_at: datetime
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn:
    dimensions: Dimensions
    code: str | None
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierHandedOver:
    dimensions: Dimensions
    code: str
    handed_over_at: datetime
    method: Literal["collect", "post", "electronic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAsked:
    """intake.fee.asked, whoever asks: `amount` in đồng."""

    dimensions: Dimensions
    code: str | None
    amount: int
    asked_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePaid:
    """intake.fee.paid: `amount` in đồng; `settled`: nothing is left to be paid."""

    dimensions: Dimensions
    code: str | None
    amount: int
    paid_at: datetime
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementAsked:
    """workflow.supplement.requested: after the reception."""

    code: str
    agency: str
    requested_at: datetime
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierPaused:
    code: str
    kind: Literal["supplement", "fee", "other"]
    paused_at: datetime
    basis: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRescheduled:
    """workflow.dossier.rescheduled: the working calendar changed. `basis`: the decision that changed it."""

    code: str
    due_at: datetime | None
    previous_due_at: datetime | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierResumed:
    code: str
    resumed_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierExtended:
    code: str
    extended_at: datetime
    reason: str
    apology: bool
    due_at: datetime
    previous_due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierStopped:
    code: str
    agency: str
    stopped_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineApproaching:
    code: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineMissed:
    code: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]
    apology: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOverdue:
    code: str
    step_name: str
    agency: str
    due_at: datetime
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFailed:
    """notify.post.failed: our own, whose subject is the order. `returned`: the post does not try again."""

    dossier: str
    code: str
    agency: str
    order: str
    failed_at: datetime
    returned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: str
    name: str
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    """catalog.agency.changed"""

    agency: Agency


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFinished:
    code: str
    agency: str
    outcome: Literal["approved", "rejected"]
    finished_at: datetime
    result_name: str
