"""What intake publishes: the dossier as the applicant knows it. Subject: the dossier's id. Sequence: the dossier's own.

Every event carries the dossier's dimensions, so that a consumer can count it whatever else has or has not arrived. What
identifies a person is in `personal` and nowhere else: archives, feeds and logs leave that field out.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal

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
    """Whom to tell, and how. `person` is the account's subject, None for one without an account. `identity`, `address`
    and `form`, what was filled in, are for what is printed of a received dossier; other events leave them out."""

    name: str
    email: str | None
    phone: str | None
    person: str | None
    identity: str | None = None
    address: str | None = None
    form: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentTold:
    """A component that came with the dossier: `file`, its id; on `paper`; `digitised`, scanned by the one-stop unit;
    `reused`, the electronic store had it."""

    code: str
    file: str | None
    paper: bool
    digitised: bool
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeTold:
    """A line of what the dossier owes. `amount` in đồng."""

    code: str
    charge_name: str
    kind: Literal["fee", "charge"]
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time that the procedure version allows for this dossier's channel."""

    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierFiled:
    """Filed online; an officer will receive or refuse it. `source`: the system that it was filed with, None: ours;
    `source_code`: its number there."""

    TYPE: ClassVar[str] = "intake.dossier.filed.v1"
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    filed_at: datetime
    personal: Personal
    components: tuple[ComponentTold, ...] | None = None
    charges: tuple[ChargeTold, ...] | None = None
    result_return: str | None = None
    source: str | None = None
    source_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived:
    """Received: it has a code and a promised due date (None: the procedure has none). `clock_at`: when the clock
    starts. `facts`: what the procedure's process asks for, by name; they identify nobody. `source`: as in
    DossierFiled."""

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
    facts: dict[str, Any] = field(default_factory=dict)
    components: tuple[ComponentTold, ...] | None = None
    charges: tuple[ChargeTold, ...] | None = None
    result_return: str | None = None
    source: str | None = None
    source_code: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementRequested:
    """The one-stop unit asks for more before it receives the dossier: for the `number`th time, `components` by their
    codes. `until`: the last day that it waits."""

    TYPE: ClassVar[str] = "intake.dossier.supplement_requested.v1"
    dimensions: Dimensions
    requested_at: datetime
    number: int
    components: tuple[str, ...]
    reason: str
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSupplemented:
    """The applicant handed in what was asked for. `code`: None before reception. `digitised`: every component of the
    dossier that came on paper is scanned. `all_components`: those of the dossier, as they are now."""

    TYPE: ClassVar[str] = "intake.dossier.supplemented.v1"
    dimensions: Dimensions
    code: str | None
    supplemented_at: datetime
    components: tuple[str, ...]
    digitised: bool
    all_components: tuple[ComponentTold, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn:
    """The applicant took the dossier back; `received_at` and `code` are None when it was never received.

    Of a withdrawal and the end that workflow tells of, the earlier instant counts, and the end when both are the same.
    """

    TYPE: ClassVar[str] = "intake.dossier.withdrawn.v1"
    dimensions: Dimensions
    code: str | None
    filed_at: datetime
    received_at: datetime | None
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRated:
    """How satisfied the applicant was, from 1 to 5."""

    TYPE: ClassVar[str] = "intake.dossier.rated.v1"
    dimensions: Dimensions
    code: str | None
    score: int
    rated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAsked:
    """A fee is asked for after the filing, and the dossier may wait for it. `requested_at`: when workflow asked for it;
    None: the one-stop unit did."""

    TYPE: ClassVar[str] = "intake.fee.asked.v1"
    dimensions: Dimensions
    code: str | None
    amount: int
    asked_at: datetime
    reason: str
    personal: Personal
    requested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePaid:
    """Somebody paid `amount` đồng for the dossier. `payment`: the payment's id, which a reversal names. `channel`: how
    it was paid, whatever way the dossier was filed; `provider` told of it, None at the counter. `settled`: nothing is
    left to be paid. `requested_at`: when workflow asked for what is paid, so that its clock stands still for that no
    more; None for what intake itself asked for, and for what was paid before and reversed."""

    TYPE: ClassVar[str] = "intake.fee.paid.v1"
    dimensions: Dimensions
    code: str | None
    payment: str
    amount: int
    channel: Literal["online", "counter"]
    paid_at: datetime
    provider: str | None
    settled: bool
    requested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeReversed:
    """A payment of which `intake.fee.paid` told counts no more."""

    TYPE: ClassVar[str] = "intake.fee.reversed.v1"
    dimensions: Dimensions
    code: str | None
    payment: str
    amount: int
    channel: Literal["online", "counter"]
    paid_at: datetime
    reversed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeCancelled:
    """The one-stop unit says, for this `reason`, that a bill is not to be paid any more. `awaited`: the dossier still
    waits for another fee that was asked for. `requested_at`: as in FeePaid, so that of a bill's payment and its
    cancellation one alone has it."""

    TYPE: ClassVar[str] = "intake.fee.cancelled.v1"
    dimensions: Dimensions
    code: str | None
    amount: int
    cancelled_at: datetime
    awaited: bool
    reason: str = ""
    requested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDigitised:
    """A component that came on paper was scanned and the scan certified, or, with `scanned` false, such a scan was
    taken back. `pages`: of the scan, where they can be counted. `digitised`: now every component of the dossier that
    came on paper is scanned."""

    TYPE: ClassVar[str] = "intake.document.digitised.v1"
    dimensions: Dimensions
    component: str
    scanned: bool
    pages: int | None
    digitised: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReused:
    """The electronic store had a component, so nobody handed it in. `document`: its id there, `kind`: a result's code,
    or the procedure and component that it came with. `chosen`: somebody named it; else it was found when the dossier
    was filed without it."""

    TYPE: ClassVar[str] = "intake.document.reused.v1"
    dimensions: Dimensions
    component: str
    document: str
    kind: str
    chosen: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLookedUp:
    """Somebody looked at what the store holds of a person. The subject is the look-up, whose record at intake says
    whose documents and why. `agency`, `procedure`: for which it was, None for people who look at their own."""

    TYPE: ClassVar[str] = "intake.document.looked_up.v1"
    agency: str | None
    procedure: str | None
    by: Literal["self", "officer", "system"]
    act: Literal["listed", "offered", "reused", "refused"]
    documents: int
    at: datetime


PUBLISHED = (
    DossierFiled,
    DossierReceived,
    DossierRefused,
    DossierHandedOver,
    SupplementRequested,
    DossierSupplemented,
    DossierWithdrawn,
    DossierRated,
    FeeAsked,
    FeePaid,
    FeeReversed,
    FeeCancelled,
    DocumentDigitised,
    DocumentReused,
    DocumentLookedUp,
)
