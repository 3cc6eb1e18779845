"""What intake publishes: the dossier as the applicant knows it. Subject: the dossier's id. Sequence: the dossier's own.

Every event carries the dossier's dimensions, so that a consumer can count it whatever else has or has not arrived. What
identifies a person is in `personal` and nowhere else: archives, feeds and logs leave that field out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

Channel = Literal["online", "counter", "post"]
ServiceLevel = Literal[1, 2, 3, 4, "partial", "full"]
ApplicantKind = Literal["citizen", "enterprise", "state_body", "organisation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """By what a dossier is counted. `procedure` with `procedure_version` is what it was filed under and is decided
    by."""

    procedure: str
    procedure_version: int
    field: str
    service_level: ServiceLevel
    agency: str
    channel: Channel
    applicant_kind: ApplicantKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """Whom to tell, and how. `person` is the account's subject, None for one without an account."""

    name: str
    email: str | None
    phone: str | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time that the procedure version allows for this dossier's channel."""

    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFiled:
    """Filed online; an officer will receive or refuse it."""

    TYPE: ClassVar[str] = "intake.dossier.filed.v1"
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    filed_at: datetime
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived:
    """Received: it has a code and a promised due date (None: the procedure has none). `clock_at`: when the clock
    starts."""

    TYPE: ClassVar[str] = "intake.dossier.received.v1"
    dimensions: Dimensions
    code: str
    procedure_name: str
    agency_name: str
    filed_at: datetime
    received_at: datetime
    clock_at: datetime
    budget: Budget | None
    due_at: datetime | None
    digitised: bool
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRefused:
    """Not received; it never had a code."""

    TYPE: ClassVar[str] = "intake.dossier.refused.v1"
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    filed_at: datetime
    refused_at: datetime
    reason: str
    personal: Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierHandedOver:
    """The result is with the applicant."""

    TYPE: ClassVar[str] = "intake.dossier.handed_over.v1"
    dimensions: Dimensions
    code: str
    handed_over_at: datetime
    method: Literal["collect", "post", "electronic"]


PUBLISHED = (DossierFiled, DossierReceived, DossierRefused, DossierHandedOver)
